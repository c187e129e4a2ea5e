"""Files of CSV that are no case of `calendar_cases/csv.toml`: checks of them, and a large one."""

from __future__ import annotations

from datetime import datetime

import pytest

from schedules.source import UnreadableCalendar
from schedules.sources.csv import csv_faults
from schedules.sources.row import NOT_UNDERSTOOD
from tests.unit.schedules.sources.conftest import Parse
from tests.worlds.calendars import calendar_settings

A_RELEASE = (
    b"id,title,producer,url,date,time,state\n"
    b"a,Trade,hmrc,https://stats.example/trade,2026-11-26,09:30,confirmed\n"
)


def test_all_faults_of_a_csv_calendar_are_reported_at_once(now: datetime) -> None:
    body = (
        b"title,date,colour,state,url\n,Tuesday 26 November 2026,red,Confirmed,x\nB,31 June"
        b" 2026,,Perhaps,\n"
    )
    faults = [str(fault) for fault in csv_faults(body, calendar_settings("csv", "own.csv"), now)]
    # Row 1 is the heading. 26 November 2026 is a Thursday.
    assert faults == [
        "row 1: unknown column (got 'colour')",
        "row 2.title: missing",
        "row 2.date: doubtful: weekday (got 'Tuesday 26 November 2026')",
        "row 2.url: not a web address (got 'x')",
        f"row 3.state: {NOT_UNDERSTOOD} (got 'Perhaps')",
        "row 3.date: no calendar has this date (got '31 June 2026')",
    ]


def test_heading_without_a_date_is_quoted_up_to_200_characters(parse: Parse) -> None:
    heading = "Title,Status," + "x" * 300
    with pytest.raises(UnreadableCalendar, match=r"no date: Title, Status, x{185}$"):
        parse("csv", heading.encode())


def test_a_good_file_has_no_faults(now: datetime) -> None:
    assert csv_faults(A_RELEASE, calendar_settings("csv", "own.csv"), now) == []


def test_twenty_thousand_rows_are_read(parse: Parse) -> None:
    rows = "".join(
        f"r{n},Release {n},dfx,https://x.example/{n},{n % 28 + 1}/05/2027,9:30,confirmed\n"
        for n in range(20_000)
    )
    reading = parse("csv", f"id,title,producer,url,date,time,state\n{rows}".encode())
    assert len(reading.announcements) == 20_000
