"""Files of CSV that are no case of `calendar_cases/csv.toml`: checks of them, large and ragged
ones, and ragged tables.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.source import UnreadableCalendar
from schedules.sources.csv import csv_faults
from schedules.sources.entries import MOST_NOTES
from schedules.sources.row import NOT_UNDERSTOOD
from tests.unit.schedules.sources.conftest import NOW, Parse
from tests.worlds.calendars import calendar_settings

A_RELEASE = (
    b"id,title,producer,url,date,time,state\n"
    b"a,Trade,hmrc,https://stats.example/trade,2026-11-26,09:30,confirmed\n"
)
OTHER_HEADINGS = [
    *("previous date", "time", "status", "url", "period", "reason", "id"),
    *("producer", "recognise", "comment", "cancelled?", ""),
]
CELLS = ["", "-", "0", "A", "1 May 2027", "46371", "nan", "09:30", "Cancelled", "http://[", "\x85"]


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def table_text(rows: Sequence[Sequence[str]]) -> str:
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


@given(data=st.data(), kind=st.sampled_from(["csv", "html"]), excel=st.booleans())
def test_ragged_rows_lose_no_row_beside_them(
    data: st.DataObject, kind: str, *, excel: bool
) -> None:
    """Rows may lack cells, or have too many, and headings may repeat. A whole row is read."""
    others = data.draw(st.lists(st.sampled_from(OTHER_HEADINGS), unique=True))
    heading = data.draw(st.permutations(["title", "date", "revised date", *others, "comment"]))
    ragged = st.lists(st.sampled_from(CELLS), max_size=len(heading) + 2)
    rows = data.draw(st.lists(ragged, max_size=5))
    whole = [{"title": "Whole", "date": "3 May 2027"}.get(name, "") for name in heading]
    options = {"excel": "yes"} if excel and kind == "csv" else {}
    body = (csv_text if kind == "csv" else table_text)([heading, *rows, whole])
    settings = calendar_settings(kind, "https://stats.example/calendar", options=options)
    read = settings.parse_saved(body.encode(), NOW).announcements
    assert [each.slot.raw for each in read if each.title == "Whole"] == ["3 May 2027"]


def test_number_of_misfits_is_noted_before_the_most_notes_that_are_kept(parse: Parse) -> None:
    misfits = MOST_NOTES + 50
    rows = "".join(f"Release {n},12/25/2026\n" for n in range(misfits))
    notes = parse("csv", f"title,date\n{rows}".encode()).notes
    assert notes[0] == f"calendar: sanity: {misfits} rows do not fit the order of dates"


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


def test_row_without_a_day_leaves_the_dated_row_its_id() -> None:
    """A series without periods has one title, and its next edition has no date yet."""
    dated = "Trade,https://stats.example/trade,3 September 2026,09:30\n"
    settings = calendar_settings("csv", "https://stats.example/calendar")

    def read_ids(*rows: str) -> list[str]:
        body = "".join(("title,url,date,time\n", *rows)).encode()
        return [each.uid for each in settings.parse_saved(body, NOW).announcements]

    (before,) = read_ids(dated)
    first, undated = read_ids(dated, "Trade,https://stats.example/trade,TBC,\n")
    assert first == before != undated
