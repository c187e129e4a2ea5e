"""The places of a document in which a person may have edited text: below headings and beside
labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from alerts.draft.write.outline import BLANK_NOTE, STEPS_HEADER

# A person may remove an annex. The letters of those after it then change.
ANNEX = re.compile(r"^Annex [A-Z]: ")
TICKED, UNTICKED = "☑", "☐"
PICTURE = "\ufffc[picture]\ufffc"
DONE_WITHOUT_TIME = "done, no time noted"
PAGE_NUMBERS = re.compile(r"Page\s{0,9}\d{0,9}\s{0,9}of\s{0,9}\d{0,9}")
BLANKS = re.compile(r"[ \t\u00a0]+")


class Unreadable(ValueError):
    """The file is not one of our drafts, or contains words outside every box."""


def make_outside_error(where: str, text: str) -> Unreadable:
    """Return the error for words outside every box."""
    return Unreadable(
        f"{where} it holds words outside every box, which would be lost: “{text.strip()[:120]}”"
    )


@dataclass(frozen=True, slots=True)
class Key:
    """The place of a text: its heading and label, and its number (from 0) among places with the
    same ones.
    """

    heading: str
    label: str | None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """The paragraphs in one place. A paragraph may contain line ends."""

    paragraphs: tuple[str, ...]

    def reads_as(self, other: Place) -> bool:
        """Return whether both have the same text.

        Spaces and blank paragraphs do not count: programs change them.
        """
        return self.normalised() == other.normalised()

    def normalised(self) -> list[str]:
        """Return the paragraphs that are not blank, with each run of spaces as one space."""
        return [BLANKS.sub(" ", each).strip() for each in self.paragraphs if each.strip()]


@dataclass(slots=True)
class Places:
    """Collects the places of a document while it is read from top to bottom."""

    found: dict[Key, Place] = field(default_factory=dict)
    _heading: str = ""
    _free: list[str] = field(default_factory=list)

    def begin_heading(self, text: str) -> None:
        """Start the places under a heading."""
        self.end_heading()
        self._heading = ANNEX.sub("", text)

    def add_paragraph(self, paragraph: str) -> None:
        """Add a paragraph outside of tables, such as one in a free box."""
        self._free.append(paragraph)

    def add_row(self, header: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
        """Add a row of a table. `cells` has the paragraphs of each cell."""
        first = "\n".join(cells[0])
        if header == STEPS_HEADER and len(cells) == len(STEPS_HEADER):
            self._add_place(
                first.removeprefix(TICKED).removeprefix(UNTICKED).strip(),
                _read_note(first, cells[2]),
            )
        else:
            self._add_place(
                first, Place(tuple(paragraph for cell in cells[1:] for paragraph in cell))
            )

    def add_outside_body(self, found: Iterable[tuple[str, str]]) -> None:
        """Add (kind, text) of each header, footer, note and comment as the last texts, under a
        heading for its kind.
        """
        # Our footer has no page numbers as text. A word processor adds them when it saves the file,
        # so remove them.
        unnumbered = {
            (kind, " ".join(PAGE_NUMBERS.sub("Page of", text).split())) for kind, text in found
        }
        for kind, text in sorted(unnumbered):
            if text:
                self.begin_heading(f"the {kind} of the file")
                self.add_paragraph(text)
        self.end_heading()

    def end_heading(self) -> None:
        """End the places under a heading, and add the paragraphs outside tables as one of them."""
        # A heading that a person typed is kept even without text under it.
        is_empty = self._heading and not any(key.heading == self._heading for key in self.found)
        if self._free or is_empty:
            self._add_place(None, Place(tuple(self._free)))
        self._free = []

    def _add_place(self, label: str | None, place: Place) -> None:
        turn = 0
        while Key(self._heading, label, turn) in self.found:
            turn += 1
        self.found[Key(self._heading, label, turn)] = place


def _read_note(first: str, cell: tuple[str, ...]) -> Place:
    """Return the note on a step.

    `first` is the cell with the tick and the text, `cell` has the note's paragraphs.
    """
    note = "\n".join(cell)
    if note.split() == BLANK_NOTE.split():
        note = ""
    # A person may tick a step in a hurry. It counts as done even if they did not note the time.
    return Place((note or (DONE_WITHOUT_TIME if first.startswith(TICKED) else ""),))
