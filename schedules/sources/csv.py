"""CSV calendars: our own header, and tables that people keep by hand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from schedules.dates.read import with_time
from schedules.dates.span import at_wall, on_days
from schedules.patterns import quick
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, decode_text, find_page, page_name, refuse_html
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.grid import (
    field_columns,
    is_heading,
    is_remark_row,
    note_on_row_above,
    zone_in_heading,
)
from schedules.sources.headings import apply_headings, heading_of_group
from schedules.sources.row import CalendarRow, Remark, is_struck_out, make_row, note_of
from schedules.sources.settings import CalendarSettings

_DELIMITERS = (",", ";", "\t", "|")
# How a program keeps another from reading a text as a date: ="22/07/2027"
_FORMULA = quick(r'\s{0,9}="([^"]*)"\s{0,9}')
_NUMBER = quick(r"\s{0,9}[\d.,]{1,30}(?:e-\d\d?)?\s{0,9}", re.IGNORECASE)
_FIRST_ROWS = 30  # in which the heading must be
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_415


class CsvSource(OnePage):
    """A calendar as separated values."""

    accept = "text/csv, text/*;q=0.9, */*;q=0.1"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the rows as announcements. Raises `UnreadableCalendar`."""
        rows, remarks = _read_table(find_page(pages, self._url), self._settings)
        announcements, faults = make_announcements(rows, self._settings, now)
        remarks += faults
        if misfits := sum("date_order" in fault.reason for fault in faults):
            # First, because a reading keeps only so many remarks.
            summary = f"sanity: {misfits} rows do not fit the order of dates"
            remarks.insert(0, Remark("calendar", summary))
        return make_reading(announcements, remarks)


def csv_faults(body: bytes, settings: CalendarSettings, now: datetime) -> list[Remark]:
    """Return every fault of a CSV calendar, for the person who keeps it.

    Raises `UnreadableCalendar`.
    """
    rows, remarks = _read_table(Page(settings.address, 200, body), settings)
    missing = [Remark(f"{row.key}.title", "missing") for row in rows if not row.title.strip()]
    _, faults = make_announcements(rows, settings, now)
    return remarks + missing + faults


def _read_table(page: Page, settings: CalendarSettings) -> tuple[list[CalendarRow], list[Remark]]:
    """Return the rows below the heading, with remarks. Raises `UnreadableCalendar`."""
    text = decode_text(page, fallback="cp1252")
    refuse_html(page, text, "CSV")
    # A file can be large, so only its start is split into lines.
    first_lines = text[:8000].splitlines()[:_FIRST_ROWS]
    delimiter = settings.options.get("delimiter") or _find_delimiter(first_lines, settings)
    lines = enumerate(_parse_csv(page, text, delimiter), 1)
    for number, cells in islice(lines, _FIRST_ROWS):
        if is_heading(cells, settings.options):
            columns, notes = field_columns(cells, settings.options, page.url)
            remarks = [
                Remark(f"row {number}", "unknown column", heading)
                for place, heading in notes.items()
                if place not in columns.values()
            ]
            rows, left_out = _read_rows(lines, cells, columns, notes, settings)
            return rows, remarks + left_out
    raise UnreadableCalendar(
        f"{page_name(page)}: no heading with a title and a date in the first {_FIRST_ROWS} rows"
    )


def _find_delimiter(lines: Sequence[str], settings: CalendarSettings) -> str:
    """Return the most frequent delimiter with which there is a heading, else the most frequent."""

    def rank(delimiter: str) -> tuple[bool, int]:
        rows = csv.reader(lines, delimiter=delimiter)
        has_heading = any(is_heading(row, settings.options) for row in rows)
        return has_heading, sum(line.count(delimiter) for line in lines)

    return max(_DELIMITERS, key=rank)


def _parse_csv(page: Page, text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each line. Raises `UnreadableCalendar` if the text is not CSV."""
    try:
        # newline="" leaves line ends inside quotes to the reader.
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as exc:
        raise UnreadableCalendar(f"{page_name(page)}: not CSV: {exc}") from exc


def _read_rows(
    lines: Iterable[tuple[int, Sequence[str]]],
    heading: Sequence[str],
    columns: Mapping[str, int],
    notes: Mapping[int, str],
    settings: CalendarSettings,
) -> tuple[list[CalendarRow], list[Remark]]:
    """Return rows of numbered lines below the `heading`, and remarks on those that are only notes.

    `notes` are the headings of columns with notes. A line with one text such as "July 2027" or
    "Cancelled" is a heading of those below it.
    """
    rows: list[CalendarRow] = []
    remarks: list[Remark] = []
    above = ""
    zone = zone_in_heading(heading, columns)
    for number, cells in lines:
        if not any(map(str.isalnum, "".join(cells))) or cells == heading:
            continue
        if rows and (note := note_on_row_above(cells)):
            rows[-1] = rows[-1].with_note(note)
            continue
        if group := heading_of_group(cells):
            above = group
            continue
        if is_remark_row(cells):
            remarks.append(
                Remark(f"row {number}", "left out, it is not a release", " ".join(cells).strip())
            )
            continue
        values = {"zone": zone} | {
            name: _value_of_formula(cells[place])
            for name, place in columns.items()
            if place < len(cells)
        }
        others = (note_of(notes[place], cells[place]) for place in notes if place < len(cells))
        is_struck = is_struck_out(values.get("title", ""))
        row = make_row(f"row {number}", values, is_struck=is_struck, notes=tuple(others))
        if settings.has_flag("excel"):
            row = replace(row, slot=serial_slot(row.date, row.time, settings.zone))
        rows.append(apply_headings(row, (above,), settings) if above else row)
    return rows, remarks


def _value_of_formula(cell: str) -> str:
    formula = _FORMULA.fullmatch(cell)
    return cell if formula is None else formula[1]


def serial_slot(day: str, time: str, timezone: str) -> Slot | None:
    """Return the slot of a spreadsheet's serial numbers, or None if the texts are not such numbers.

    `day` counts days since 1899-12-30, from 2000 to 2100. `time` is a fraction of a day. If it is
    empty, the fraction of `day` is the time. Without any fraction, the slot is the whole day. A
    `time` in words is read as beside any other date.
    """
    if time.strip() and not _NUMBER.fullmatch(time):
        dated = serial_slot(day, "", timezone)
        return dated and with_time(dated, time)
    try:
        whole, fraction = divmod(float(day.replace(",", ".")), 1)
        if time.strip():
            fraction = float(time.replace(",", "."))
    except ValueError:
        return None
    if not _FIRST_SERIAL <= whole <= _LAST_SERIAL or not 0 <= fraction < 1:
        return None
    raw = f"{day} {time}".strip()
    wall = datetime(1899, 12, 30) + timedelta(days=whole, minutes=round(fraction * 1440))  # noqa: DTZ001  # wall time
    if fraction:
        return at_wall(wall, raw, timezone)
    return on_days(wall.date(), wall.date(), raw, timezone)
