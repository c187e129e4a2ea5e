"""Notes that call releases off, and the rows with their marks: "Apples*", "* Postponed"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from schedules.dates.status import calls_off
from schedules.patterns import quick
from schedules.sources.row import CalendarRow

_MARK = r"[*\u2020\u2021\u00a7#\u00b9\u00b2\u00b3\u2070-\u2079]{1,3}|[\[(](?:note )?\w{1,2}[\])]"
_MARKS = quick(_MARK, re.IGNORECASE)
_NOTE = quick(
    rf"(?P<mark>{_MARK}|\d\d?[.:)]?(?=\s)|[a-z][.:)])[\s=:-]*"
    r"(?:(?:denotes|indicates|means|marks|shows)(?: that)? )?(?:an? )?(?P<text>\S.*)",
    re.IGNORECASE | re.DOTALL,
)


def find_footnotes(texts: Iterable[str]) -> dict[str, str]:
    """Return the notes among these texts that call releases off, by their marks."""
    notes = (_NOTE.match(text.strip()) for text in texts)
    return {
        _plain(note["mark"]): note["text"] for note in notes if note and calls_off(note["text"])
    }


def with_footnotes(row: CalendarRow, notes: Mapping[str, str]) -> CalendarRow:
    """Return a row together with the notes to which marks in its texts refer."""
    text = "\n".join((row.title, row.date, row.time, row.status, *row.notes))
    marks = dict.fromkeys(map(_plain, _MARKS.findall(text)))
    return replace(row, notes=(*row.notes, *(notes[mark] for mark in marks if mark in notes)))


def _plain(mark: str) -> str:
    return unicodedata.normalize("NFKC", mark).lower().strip("[]().:").removeprefix("note ")
