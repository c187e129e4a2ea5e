"""CSV calendars: our own header, and the tables that people keep by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schedules.dates import at_wall, on_days
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, answered, place, refuse_html, text_of
from schedules.sources.grid import field_columns, is_heading, is_remark_row
from schedules.sources.options import SourceOptions
from schedules.sources.row import CalendarRow, Remark, entry_of, gather, reading

_DELIMITERS = (",", ";", "\t")
_HEAD = 10  # rows in which the heading must stand

Row = Sequence[str]


class CsvSource(OnePage):
    """A calendar kept as a table of comma, semicolon or tab separated values."""

    accept = "text/csv, text/*;q=0.9, */*;q=0.1"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the rows into announcements. Raises `UnreadableCalendar` when no heading is found."""
        found, remarks = _entries(answered(pages, self._url), self._options)
        made, wrong = gather(found, self._options, now)
        return reading(made, remarks + wrong + _alarms(wrong))


def csv_faults(body: bytes, options: SourceOptions, now: datetime) -> list[Remark]:
    """Return every fault of a CSV calendar that a person keeps; raises `UnreadableCalendar`."""
    found, remarks = _entries(Page(options.url, 200, body), options)
    missing = [Remark(f"{entry.key}.title", "missing") for entry in found if not entry.title.strip()]
    return remarks + missing + gather(found, options, now)[1]


def _entries(page: Page, options: SourceOptions) -> tuple[list[CalendarRow], list[Remark]]:
    text = text_of(page, fallback="cp1252")
    refuse_html(page, text, "CSV")
    delimiter = options.options.get("delimiter") or _delimiter(text)
    rows = _rows(page, text, delimiter)
    head: list[Row] = []
    for number, row in enumerate(rows, 1):
        if is_heading(row, options.options):
            columns, unknown = field_columns(row, options.options, page.url)
            remarks = [Remark(f"row {number}", "unknown column", name) for name in unknown]
            return _body(rows, number, columns, options, remarks)
        head.append(row)
        if number >= _HEAD:
            break
    raise UnreadableCalendar(f"{place(page)}: no heading with a title and a date in the first {_HEAD} rows")


def _rows(page: Page, text: str, delimiter: str) -> Iterator[Row]:
    # newline="" keeps quoted line ends for the reader; a lone CR ends a line too.
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as exc:
        raise UnreadableCalendar(f"{place(page)}: not CSV: {exc}") from exc


def _delimiter(text: str) -> str:
    head = "\n".join(text[:4000].splitlines()[:_HEAD])
    return max(_DELIMITERS, key=head.count)


def _body(
    rows: Iterator[Row], heading: int, columns: dict[str, int], options: SourceOptions, remarks: list[Remark]
) -> tuple[list[CalendarRow], list[Remark]]:
    found: list[CalendarRow] = []
    for number, row in enumerate(rows, heading + 1):
        if not any(cell.strip() for cell in row):
            continue
        if is_remark_row(row):
            remarks.append(Remark(f"row {number}", "left out, it is no release", " ".join(row).strip()))
            continue
        found.append(_entry(f"row {number}", row, columns, options))
    return found, remarks


def _entry(key: str, row: Row, columns: dict[str, int], options: SourceOptions) -> CalendarRow:
    texts = {name: row[place] for name, place in columns.items() if place < len(row)}
    entry = entry_of(key, texts)
    if not options.flag("excel"):
        return entry
    return replace(entry, slot=serial_slot(entry.date, entry.time, options.timezone))


def serial_slot(day: str, time: str, timezone: str) -> Slot | None:
    """Return the slot of a spreadsheet's numbers (days since 1899-12-30, fractions of a day); None for others."""
    try:
        whole, fraction = divmod(float(day), 1)
        fraction = float(time) if time.strip() else fraction
    except ValueError:
        return None
    raw = f"{day} {time}".strip()
    if not 36_526 <= whole <= 73_415 or not 0 <= fraction < 1:
        return None
    wall = datetime(1899, 12, 30) + timedelta(days=whole, minutes=round(fraction * 1440))  # noqa: DTZ001  # wall time
    return at_wall(wall, raw, timezone) if fraction else on_days(wall.date(), wall.date(), raw, timezone)


def _alarms(remarks: Sequence[Remark]) -> list[Remark]:
    odd = [remark for remark in remarks if "date_order" in remark.reason]
    return [Remark("calendar", f"sanity: {len(odd)} rows do not fit the order of dates")] if odd else []
