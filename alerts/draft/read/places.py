"""The text of each place in a draft that a person may have edited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alerts.draft.write.outline import BLANK, STEPS

# An annex that somebody took out changes the letters of those behind it.
ANNEX = re.compile(r"^Annex [A-Z]: ")
TICKED, UNTICKED = "☑", "☐"
PICTURE = "\ufffc[picture]\ufffc"
DONE = "done, no time noted"
PAGES = re.compile(r"Page\s{0,9}\d{0,9}\s{0,9}of\s{0,9}\d{0,9}")
BLANKS = re.compile(r"[ \t\u00a0]+")


class Unreadable(ValueError):
    """The file is not one of our drafts, or contains words outside every box."""


def outside(where: str, told: str) -> Unreadable:
    """Return the error for words outside every box."""
    return Unreadable(f"{where} it holds words outside every box, which would be lost: “{told.strip()[:120]}”")


@dataclass(frozen=True, slots=True)
class Key:
    """The place of words: their heading and label, and their number among places with the same ones, from 0."""

    heading: str
    label: str | None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Paragraphs in one place; a paragraph may contain line ends."""

    paragraphs: tuple[str, ...]

    def reads_as(self, other: Place) -> bool:
        """Return whether both have the same text, apart from spaces and blank paragraphs, which programs change."""
        return self.said() == other.said()

    def said(self) -> list[str]:
        """Return the paragraphs that are not blank, with runs of spaces folded."""
        return [BLANKS.sub(" ", each).strip() for each in self.paragraphs if each.strip()]


@dataclass(slots=True)
class Places:
    """A document as it is read, from top to bottom."""

    found: dict[Key, Place] = field(default_factory=dict)
    _heading: str = ""
    _free: list[str] = field(default_factory=list)

    def head(self, text: str) -> None:
        """Begin the part under a heading."""
        self.close()
        self._heading = ANNEX.sub("", text)

    def say(self, paragraph: str) -> None:
        """Add a paragraph outside of tables, such as one in a free box."""
        self._free.append(paragraph)

    def row(self, header: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
        """Add a row of a table; `cells` are paragraphs."""
        first = "\n".join(cells[0])
        if header == STEPS and len(cells) == len(STEPS):
            self._put(first.removeprefix(TICKED).removeprefix(UNTICKED).strip(), _done(first, cells[2]))
        else:
            self._put(first, Place(tuple(paragraph for cell in cells[1:] for paragraph in cell)))

    def aside(self, found: Iterable[tuple[str, str]]) -> None:
        """Add text outside the body, such as in a `footer`, and end the document."""
        # A word processor may have counted the pages by now.
        lines = {(name, " ".join(PAGES.sub("Page of", text).split())) for name, text in found}
        for name, text in sorted(lines):
            if text:
                self.head(f"the {name} of the file")
                self.say(text)
        self.close()

    def close(self) -> None:
        """End the part under a heading."""
        # A heading that a person typed is kept even without text under it.
        bare = self._heading and not any(key.heading == self._heading for key in self.found)
        if self._free or bare:
            self._put(None, Place(tuple(self._free)))
        self._free = []

    def _put(self, label: str | None, place: Place) -> None:
        key = next(each for each in _turns(self._heading, label) if each not in self.found)
        self.found[key] = place


def _turns(heading: str, label: str | None) -> Iterator[Key]:
    turn = 0
    while True:
        yield Key(heading, label, turn)
        turn += 1


def _done(first: str, cell: tuple[str, ...]) -> Place:
    noted = "\n".join(cell)
    if noted.split() == BLANK.split():
        noted = ""
    # A person may tick a step in a hurry. It counts as done even if they did not note the time.
    return Place((noted or (DONE if first.startswith(TICKED) else ""),))
