"""What stands where in a draft that a person may have edited: the same for every format that is read."""

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
FOLDED = re.compile(r"[ \t\r\n\f]+")
# A space, tab and line end that stand as they are, in files that fold all others.
SPACE, TAB, LINE = "\x01", "\x02", "\x03"
KEPT = str.maketrans({" ": SPACE, "\t": TAB, "\n": LINE})
UNFOLDED = str.maketrans({SPACE: " ", TAB: "\t", LINE: "\n"})


class Unreadable(ValueError):
    """The file is no draft of ours, or holds words where there is no box for them."""


def settled(text: str) -> str:
    """Return text with runs of blanks folded into one space, and those in their places that stand as they are."""
    return FOLDED.sub(" ", text).strip(" ").translate(UNFOLDED)


def made_one(header: Iterable[str]) -> Unreadable:
    """Return the fault of a table in which cells of several rows were made one."""
    return Unreadable(f"cells of the table “{' | '.join(header)}” were made one: whose answer they hold is not known")


def outside(where: str, told: str) -> Unreadable:
    """Return the fault of words that stand in no box."""
    return Unreadable(f"{where} it holds words outside every box, which would be lost: “{told.strip()[:120]}”")


@dataclass(frozen=True, slots=True)
class Key:
    """Where words stand: under which heading, beside which label, and which of those of that name, from 0."""

    heading: str
    label: str | None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Paragraphs in one place; a paragraph may hold line ends. `gap` is what stands between paragraphs in a text."""

    paragraphs: tuple[str, ...]
    gap: str = "\n"

    def reads_as(self, other: Place) -> bool:
        """Tell whether both say the same: spaces and blank paragraphs, which programs add and fold, are nothing."""
        return self.said() == other.said()

    def said(self) -> list[str]:
        """Return the paragraphs that say something, spaces apart."""
        return [BLANKS.sub(" ", each).strip() for each in self.paragraphs if each.strip()]


@dataclass(slots=True)
class Places:
    """A document as it is read, from top to bottom."""

    found: dict[Key, Place] = field(default_factory=dict)
    _heading: str = ""
    _free: list[str] = field(default_factory=list)
    _gap: str = "\n"

    def head(self, text: str) -> None:
        """Begin what stands under a heading."""
        self.close()
        self._heading = ANNEX.sub("", text)

    def say(self, paragraph: str, gap: str = "\n") -> None:
        """Add a paragraph that stands in the open or in a free box."""
        self._free.append(paragraph)
        self._gap = gap

    def row(self, header: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
        """Add a row of a table; `cells` are paragraphs."""
        first = "\n".join(cells[0])
        if header == STEPS and len(cells) == len(STEPS):
            self._put(first.removeprefix(TICKED).removeprefix(UNTICKED).strip(), _done(first, cells[2]))
        else:
            self._put(first, Place(tuple(paragraph for cell in cells[1:] for paragraph in cell)))

    def aside(self, found: Iterable[tuple[str, str]]) -> None:
        """Add what stands beside the text, such as in a `footer`, and end."""
        # A word processor may have counted the pages by now.
        lines = {(name, " ".join(PAGES.sub("Page of", text).split())) for name, text in found}
        for name, text in sorted(lines):
            if text:
                self.head(f"the {name} of the file")
                self.say(text)
        self.close()

    def close(self) -> None:
        """End what stands under a heading."""
        # A heading that a person typed is kept too, though nothing stands under it.
        bare = self._heading and not any(key.heading == self._heading for key in self.found)
        if self._free or bare:
            self._put(None, Place(tuple(self._free), self._gap))
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
    # A step may be ticked in a hurry: that it was done counts, though nobody wrote when.
    return Place((noted or (DONE if first.startswith(TICKED) else ""),))
