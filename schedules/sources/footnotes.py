"""Notes that call releases off, and the rows with their marks: "Apples*", "* Postponed"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from schedules.dates.status import calls_off, word_of_call_off
from schedules.patterns import quick
from schedules.sources.row import CalendarRow

_MARK = (
    r"\[#[^\s\]]{1,60}\]|[*\u2020\u2021\u00a7#\u00b9\u00b2\u00b3\u2070-\u2079]{1,3}"
    r"|[\[(](?:note )?\w{1,2}[\])]"
)
_MARKS = quick(_MARK, re.IGNORECASE)
_NOTE = quick(
    rf"(?P<mark>{_MARK}|\d\d?[.:)]?(?=\s)|[a-z][.:)])[\s=:-]*"
    r"(?:(?:denotes|indicates|means|marks|shows)(?: that)? )?(?:an? )?(?P<text>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = {
    "asterisk": "*",
    "star": "*",
    "double asterisk": "**",
    "dagger": "\u2020",
    "double dagger": "\u2021",
    "hash": "#",
}
_NAMES_MARK = quick(
    r"\b(?:marked|denoted|indicated|shown|flagged|identified|highlighted|with|by|an?)"
    r"(?: (?:with|by|as|an?|the)){0,2} "
    rf"(?:(?P<name>{'|'.join(_NAMES)})s?\b|['\"\u2018\u201c(]?(?P<mark>{_MARK}))",
    re.IGNORECASE,
)
_ALL = quick(
    r"\s*(?:please note(?: that)?:? )?all (?:[a-z]{1,20} ){0,2}"
    r"(?=(?:releases|publications|statistics) )",
    re.IGNORECASE,
)
_SENTENCE_END = quick(r"[.!?](?=\s)|\n")
_LONGEST = 2000


def find_footnotes(texts: Iterable[str]) -> dict[str, str]:
    """Return the notes among these texts, by their marks.

    A note begins with its mark, or is about it: "Releases marked with an asterisk are postponed".
    A note about all releases has the mark "".
    """
    found: dict[str, str] = {}
    for text in texts:
        if not text or text.isspace():
            continue
        note = _NOTE.match(text.strip())
        if note and calls_off(note["text"]):
            found[_plain(note["mark"])] = note["text"]
        for sentence in _SENTENCE_END.split(text[:_LONGEST]):
            about_all = _ALL.match(sentence)
            if about_all and calls_off(note_on_all := sentence[about_all.end() :]):
                found[""] = note_on_all
            named = _NAMES_MARK.search(sentence)
            if named and (word := word_of_call_off(sentence)):
                mark = _NAMES.get((named["name"] or "").lower()) or named["mark"]
                found[_plain(mark)] = f"{word}: {sentence}"
    return found


def with_footnotes(row: CalendarRow, notes: Mapping[str, str]) -> CalendarRow:
    """Return a row with the notes about all releases, and those to which marks in its texts
    refer.
    """
    text = "\n".join((row.title, row.date, row.time, row.status, *row.notes))
    marks = dict.fromkeys(["", *map(_plain, _MARKS.findall(text))])
    return replace(row, notes=(*row.notes, *(notes[mark] for mark in marks if mark in notes)))


def _plain(mark: str) -> str:
    return unicodedata.normalize("NFKC", mark).lower().strip("[]().:").removeprefix("note ")
