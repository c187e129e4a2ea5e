"""What stands where in a draft that a person may have edited: the same for every format that is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alerts.draft.write.outline import BLANK, STEPS

# An annex that somebody took out changes the letters of those behind it.
ANNEX = re.compile(r"^Annex [A-Z]: ")
TICKED, UNTICKED = "☑", "☐"
PICTURE = "\ufffc[picture]\ufffc"
DONE = "done, no time noted"


class Unreadable(ValueError):
    """The file is no draft of ours, or holds words where there is no box for them."""


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
        """Tell whether both say the same: spaces around paragraphs and blank ones, which programs add, are nothing."""
        ours, theirs = ([each.strip() for each in one.paragraphs if each.strip()] for one in (self, other))
        return ours == theirs


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
