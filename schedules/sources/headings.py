"""The headings that people give the columns of a release calendar. Source: `facts/calendars.md` §4.1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from schedules.source import UnreadableCalendar

_TEXTS = {
    "title": "title release releasetitle publication publicationtitle statistic statistics statisticalrelease name "
    "nameofrelease teitl",
    "date": "date releasedate publicationdate planneddate expecteddate scheduleddate dateofrelease dateofpublication "
    "plannedreleasedate expectedreleasedate dyddiad slot",
    "time": "time releasetime publicationtime timeofrelease amser",
    "status": "status state datestatus releasestatus statws",
    "url": "url link weblink webaddress address",
    "period": "period referenceperiod timeperiod coverage cyfnod",
    "previous": "previousdate originaldate previousreleasedate datechanged",
    "why": "reason reasonforchange changenote",
    "uid": "id uid reference ref",
    "producer": "producer organisation department publisher",
    "recognise": "recognise",
}
_FIELDS = {text: name for name, texts in _TEXTS.items() for text in texts.split()}
# The names that options use, where they differ from the fields of an entry.
OPTION_FIELDS = {"id": "uid", "reason": "why"}
_REMARK = re.compile(r"^(?:last )?updated\b|^(?:notes?|source|sources|contact)\b[:.]?", re.IGNORECASE)


def heading_field(text: str) -> str | None:
    """Return the field of an entry that a column's heading means; None when it is not known."""
    return _FIELDS.get(re.sub(r"[\s_\-]+", "", text).casefold().rstrip(":*"))


def is_heading(row: Sequence[str], options: Mapping[str, str]) -> bool:
    """Tell whether a row names the columns: two known headings, or those that the options name."""
    cells = {_plain(cell) for cell in row}
    named = {_plain(text) for text in options.values()} & cells
    fields = {heading_field(cell) for cell in row} - {None}
    return len(fields) + len(named) >= 2


def field_columns(row: Sequence[str], options: Mapping[str, str], url: str) -> tuple[dict[str, int], list[str]]:
    """Return which column holds which field, and the headings that are not known.

    Raises `UnreadableCalendar` when two columns could hold the same field and no option chooses.
    """
    chosen = {_plain(text): OPTION_FIELDS.get(name, name) for name, text in options.items()}
    columns = {chosen[_plain(cell)]: place for place, cell in enumerate(row) if _plain(cell) in chosen}
    fixed, unknown = frozenset(columns), []
    for place, cell in enumerate(row):
        field = heading_field(cell)
        if place in columns.values() or not cell.strip() or field in fixed:
            continue
        if field is None:
            unknown.append(cell.strip())
        elif field in columns:
            raise UnreadableCalendar(f"{url}: two columns could be the {field}: {row[columns[field]]!r}, {cell!r}")
        else:
            columns[field] = place
    if not {"title", "date"} <= set(columns):
        raise UnreadableCalendar(f"{url}: the heading names no title or no date: {', '.join(row)[:200]}")
    return columns, unknown


def is_remark_row(row: Sequence[str]) -> bool:
    """Tell whether a row is a remark such as "Last updated 12/11/2026": one text alone, of that kind."""
    texts = [cell.strip() for cell in row if cell.strip()]
    return len(texts) == 1 and _REMARK.match(texts[0]) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
