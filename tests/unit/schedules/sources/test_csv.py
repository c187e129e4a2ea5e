from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.source import UnreadableCalendar
from schedules.sources.csv import csv_faults
from schedules.sources.row import NOT_UNDERSTOOD
from tests.unit.schedules.sources.conftest import Parse, Summarise
from tests.worlds.calendars import calendar_settings

THREE_RELEASES = (
    b"id,title,producer,url,date,time,state\n"
    b"a,Trade,hmrc,https://stats.example/trade,2026-11-26,09:30,confirmed\n"
    b"b,Housing,,https://stats.example/housing,December 2026,,provisional\n"
    b"c,Crime,mhclg,https://stats.example/crime,2026-12-17,9.30,cancelled\n"
)


def test_a_csv_with_our_own_column_names_is_read(parse: Parse, summarise: Summarise) -> None:
    """Housing has the date "December 2026" and no time."""
    assert summarise(parse("csv", THREE_RELEASES)) == [
        ("Trade", "instant", "2026-11-26 09:30", "confirmed"),
        ("Housing", "month", "2026-12-01 2026-12-31", "provisional"),
        ("Crime", "instant", "2026-12-17 09:30", "cancelled"),
    ]


def test_a_row_without_a_producer_takes_the_configured_one(parse: Parse) -> None:
    producers = [
        each.producer for each in parse("csv", THREE_RELEASES, producer="dfx").announcements
    ]
    assert producers == ["hmrc", "dfx", "mhclg"]


@pytest.mark.parametrize("delimiter", [b";", b"\t"])
def test_other_delimiters_are_found(parse: Parse, delimiter: bytes) -> None:
    assert parse("csv", THREE_RELEASES.replace(b",", delimiter)) == parse("csv", THREE_RELEASES)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_each_encoding_of_spreadsheet_programs_is_read(parse: Parse, encoding: str) -> None:
    body = "Title,Release date\r\nCafé prices \u2013 2026,26 November 2026\r\n".encode(encoding)
    assert parse("csv", body).announcements[0].title == "Café prices \u2013 2026"


def test_table_is_read_despite_stray_rows_and_quoted_line_ends(
    parse: Parse, summarise: Summarise
) -> None:
    """Above and below the only entry are rows with other text.

    Its title has a line end inside quotes.
    """
    body = (
        b"Release calendar,,\r\n,,\r\nRelease title,Release"
        b' date,Status\r\n"Housing\nsupply",10/12/2026,Confirmed\r\n,,\r\nLast updated'
        b" 12/11/2026,,\r\n"
    )
    reading = parse("csv", body)
    assert summarise(reading) == [("Housing supply", "day", "2026-12-10 2026-12-10", "confirmed")]
    # The remark row, "Last updated", is left out with a note.
    assert "left out" in reading.notes[0]


def test_two_columns_that_could_be_the_date_need_a_choice(parse: Parse) -> None:
    body = b"Title,Release date,Planned date\nTrade,26/11/2026,27/11/2026\n"
    with pytest.raises(UnreadableCalendar, match="two columns could be the date"):
        parse("csv", body)
    (announcement,) = parse("csv", body, options={"date": "Planned date"}).announcements
    assert str(announcement.slot.first) == "2026-11-27"


def test_a_column_of_any_name_can_be_chosen(parse: Parse) -> None:
    body = b"What,When\nTrade,26/11/2026 9:30\n"
    only = parse("csv", body, options={"title": "What", "date": "When"}).announcements[0]
    assert (only.title, only.slot.instant) == ("Trade", datetime(2026, 11, 26, 9, 30, tzinfo=UTC))


def test_date_with_exchanged_month_and_day_is_no_slot(parse: Parse) -> None:
    """Dates are read with the day first.

    A note says that 12/25/2026 fits only with the month first.
    """
    month_first, day_first = "12/25/2026", "11/12/2026"
    reading = parse("csv", f"title,date\nA,{month_first}\nB,{day_first}\n".encode())
    assert [each.slot.reason for each in reading.announcements] == ["order", None]
    # A note with the code "sanity" says how many rows do not fit the order of dates.
    assert any("sanity" in note for note in reading.notes)


def test_spreadsheet_serial_numbers_are_dates_only_by_option(parse: Parse) -> None:
    """Day 46371 of a spreadsheet is 15 December 2026, and 0.395833333 of a day is 09:30."""
    body = b"title,date,time\nA,46371,0.395833333\nB,46371,\n"
    assert [each.slot.reason for each in parse("csv", body).announcements] == ["serial", "serial"]
    exact, day = parse("csv", body, options={"excel": "yes"}).announcements
    assert exact.slot.instant == datetime(2026, 12, 15, 9, 30, tzinfo=UTC)
    assert str(day.slot.first) == "2026-12-15"


def test_repeated_row_is_one_entry_and_shared_id_is_doubted(parse: Parse) -> None:
    """The row "a" occurs twice in the same words.

    The two rows with the id "b" have different titles and dates.
    """
    row, rows_of_one_id = b"a,A,1 May 2027\n", b"b,B,1 May 2027\nb,C,2 May 2027\n"
    reading = parse("csv", b"id,title,date\n" + row + row + rows_of_one_id)
    assert [(each.uid, each.doubt) for each in reading.announcements] == [
        ("a", None),
        ("b", "duplicate-uid"),
        ("b", "duplicate-uid"),
    ]


def test_rows_of_a_series_without_ids_get_keys_by_month(parse: Parse) -> None:
    """Three rows are titled "Prices", so a key from the title is not enough. The month is added
    after @. It stays the same if a row moves within its month.
    """
    rows = b"title,date\nPrices,14/04/2027\nPrices,12/05/2027\nPrices,TBC\nOther,1 May 2027\n"
    announcements = parse("csv", rows).announcements
    # No month is added without a date, or to a title that no other row has.
    assert [each.uid.partition("@")[2] for each in announcements] == ["2027-04", "2027-05", "", ""]
    assert {each.doubt for each in announcements} == {None}
    moved_within_its_month = parse("csv", rows.replace(b"14/04", b"21/04")).announcements
    assert [each.uid for each in moved_within_its_month] == [each.uid for each in announcements]


def test_campaign_tags_and_stray_blanks_are_removed_from_an_address(parse: Parse) -> None:
    body = b"title,date,url\nA,1 May 2027,https://stats.example/ trade?utm_source=x&id=1#top\n"
    assert parse("csv", body).announcements[0].url == "https://stats.example/trade?id=1"


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


def test_a_good_file_has_no_faults(now: datetime) -> None:
    assert csv_faults(THREE_RELEASES, calendar_settings("csv", "own.csv"), now) == []


def test_twenty_thousand_rows_are_read(parse: Parse) -> None:
    rows = "".join(
        f"r{n},Release {n},dfx,https://x.example/{n},{n % 28 + 1}/05/2027,9:30,confirmed\n"
        for n in range(20_000)
    )
    reading = parse("csv", f"id,title,producer,url,date,time,state\n{rows}".encode())
    assert len(reading.announcements) == 20_000


def test_character_references_in_a_title_are_read(parse: Parse) -> None:
    body = b"title,date\nFood &amp; drink &ndash; R&D &regions,22 July 2027\n"
    (entry,) = parse("csv", body).announcements
    assert entry.title == "Food & drink \u2013 R&D &regions"
