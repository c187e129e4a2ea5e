"""CSV calendars: our own header, and tables that people keep by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schedules.dates import at_wall, on_days
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, decode_text, find_page, page_name, refuse_html
from schedules.sources.grid import field_columns, is_heading, is_remark_row
from schedules.sources.row import CalendarRow, Remark, make_announcements, make_reading, make_row
from schedules.sources.settings import CalendarSettings

_DELIMITERS = (",", ";", "\t")
_HEAD = 10  # the heading must be in the first rows

Row = Sequence[str]


class CsvSource(OnePage):
    """A calendar as comma, semicolon or tab separated values."""

    accept = "text/csv, text/*;q=0.9, */*;q=0.1"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the rows as announcements. Raises `UnreadableCalendar` if there is no heading."""
        found, remarks = _read_table(find_page(pages, self._url), self._settings)
        made, wrong = make_announcements(found, self._settings, now)
        if odd := sum("date_order" in remark.reason for remark in wrong):
            wrong.append(Remark("calendar", f"sanity: {odd} rows do not fit the order of dates"))
        return make_reading(made, remarks + wrong)


def csv_faults(body: bytes, settings: CalendarSettings, now: datetime) -> list[Remark]:
    """Return every fault of a CSV calendar, for the person who keeps it. Raises `UnreadableCalendar`."""
    found, remarks = _read_table(Page(settings.address, 200, body), settings)
    missing = [Remark(f"{entry.key}.title", "missing") for entry in found if not entry.title.strip()]
    return remarks + missing + make_announcements(found, settings, now)[1]


def _read_table(page: Page, settings: CalendarSettings) -> tuple[list[CalendarRow], list[Remark]]:
    """Return the rows below the heading, with remarks. Raises `UnreadableCalendar` if there is no heading."""
    text = decode_text(page, fallback="cp1252")
    refuse_html(page, text, "CSV")
    start = "\n".join(text[:4000].splitlines()[:_HEAD])
    delimiter = settings.options.get("delimiter") or max(_DELIMITERS, key=start.count)
    rows = _parse_csv(page, text, delimiter)
    for number, row in enumerate(rows, 1):
        if is_heading(row, settings.options):
            columns, unknown = field_columns(row, settings.options, page.url)
            remarks = [Remark(f"row {number}", "unknown column", name) for name in unknown]
            return _read_body(rows, number, columns, settings, remarks)
        if number >= _HEAD:
            break
    raise UnreadableCalendar(f"{page_name(page)}: no heading with a title and a date in the first {_HEAD} rows")


def _parse_csv(page: Page, text: str, delimiter: str) -> Iterator[Row]:
    # newline="" leaves line ends inside quotes to the reader.
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as exc:
        raise UnreadableCalendar(f"{page_name(page)}: not CSV: {exc}") from exc


def _read_body(
    rows: Iterator[Row], heading: int, columns: dict[str, int], settings: CalendarSettings, remarks: list[Remark]
) -> tuple[list[CalendarRow], list[Remark]]:
    """Return the rows below the heading. Empty rows and remarks of the author are left out."""
    found: list[CalendarRow] = []
    for number, row in enumerate(rows, heading + 1):
        if not any(cell.strip() for cell in row):
            continue
        if is_remark_row(row):
            remarks.append(Remark(f"row {number}", "left out, it is not a release", " ".join(row).strip()))
            continue
        entry = make_row(f"row {number}", {name: row[place] for name, place in columns.items() if place < len(row)})
        if settings.has_flag("excel"):
            entry = replace(entry, slot=serial_slot(entry.date, entry.time, settings.zone))
        found.append(entry)
    return found, remarks


def serial_slot(day: str, time: str, timezone: str) -> Slot | None:
    """Return the slot of a spreadsheet's serial numbers (days since 1899-12-30, fractions of a day), else None."""
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
