from __future__ import annotations

from datetime import UTC, datetime

from schedules.announcement import Role
from schedules.slot import Precision
from schedules.sources.row import NOT_UNDERSTOOD
from schedules.sources.toml import toml_faults
from tests.unit.schedules.sources.conftest import Parse, Summarise
from tests.worlds.calendars import calendar_settings

FOUR_RELEASES = b"""
[[release]]
id = "malpractice-2017"
title = "Malpractice for GCSE and A level"
producer = "ofqual"
url = "https://www.gov.uk/government/statistics/malpractice"
slot = 2018-01-05T09:30:00
state = "confirmed"
recognise = "govuk"
part = [
  { id = "sheet", role = "data", url = "https://assets.example/tables.ods", recognise = "status" },
  { id = "news", role = "alternative", url = "https://www.gov.uk/government/news/x" },
]

[[release]]
id = "zoned"
title = "Zoned"
url = "https://stats.example/zoned"
slot = 2018-07-05T08:30:00Z

[[release]]
id = "day"
title = "Day"
url = "https://stats.example/day"
slot = 2018-07-05

[[release]]
id = "month"
title = "Month"
url = "https://stats.example/month"
slot = "July 2018"
state = "provisional"
"""
DATE_AND_TIME_APART = b"""
[source]
zone = "Europe/London"
default_time = "09:30"
[[release]]
title = "Trade"
date = 2026-11-26
time = 09:30:00
link = "https://stats.example/trade"
[[release]]
title = "Housing"
date = 2026-12-01
"""


def test_slot_zone_and_state_of_a_toml_calendar_are_read(
    parse: Parse, summarise: Summarise
) -> None:
    """The slot of "Zoned" is 08:30Z, which is 09:30 in London's summer.

    That of "Month" is the text "July 2018".
    """
    assert summarise(parse("toml", FOUR_RELEASES)) == [
        ("Malpractice for GCSE and A level", "instant", "2018-01-05 09:30", "confirmed"),
        ("Zoned", "instant", "2018-07-05 09:30", ""),
        ("Day", "day", "2018-07-05 2018-07-05", ""),
        ("Month", "month", "2018-07-01 2018-07-31", "provisional"),
    ]


def test_parts_keep_role_and_recogniser_and_alternatives_are_optional(parse: Parse) -> None:
    """The first release has two parts: a data file, whose recogniser is “status”, and an
    alternative address. Only the file is required.
    """
    sheet, alternative = parse("toml", FOUR_RELEASES).announcements[0].parts
    assert (sheet.id, sheet.role, sheet.recognise, sheet.required) == (
        "sheet",
        Role.DATA,
        "status",
        True,
    )
    assert (alternative.role, alternative.required) == (Role.ALTERNATIVE, False)


def test_toml_file_may_give_date_and_time_in_two_keys(parse: Parse) -> None:
    """Trade has a date and a time. Housing has only a date. The default time of the file, 09:30, is
    only assumed for it.
    """
    trade, housing = parse("toml", DATE_AND_TIME_APART).announcements
    assert trade.slot.instant == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert trade.url == "https://stats.example/trade"
    assert housing.slot.precision is Precision.DAY
    assert housing.slot.assumed == datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def test_entry_without_id_keeps_its_key_at_any_place(parse: Parse) -> None:
    trade = b"[[release]]\ntitle = 'Trade'\nslot = 2026-11-26\n"
    housing = b"[[release]]\ntitle = 'Housing'\nslot = 2026-12-01\n"
    as_written, swapped = (
        parse("toml", trade + housing).announcements,
        parse("toml", housing + trade).announcements,
    )
    assert [each.uid for each in swapped] == [each.uid for each in reversed(as_written)]


def test_nonexistent_local_time_is_its_day_with_a_doubt(parse: Parse) -> None:
    clocks_go_forward_at_one = b'[[release]]\ntitle="x"\nslot=2026-03-29T01:30:00'
    (announcement,) = parse("toml", clocks_go_forward_at_one).announcements
    assert (announcement.slot.precision, announcement.doubt) == (Precision.DAY, "nonexistent-time")


def test_all_faults_of_a_toml_calendar_are_reported_at_once(now: datetime) -> None:
    body = b"""
[source]
zone = "Europe/Lodon"
[[release]]
titel = "x"
slot = "31 June 2026"
state = "maybe"
part = [{ url = "ftp://x", rolle = "data", recognise = 3 }]
[[release]]
title = 7
url = "not an address"
slot = true
"""
    # First come wrong keys and forms, then what is missing, then wrong values. A title that is no
    # text is missing too.
    faults = [str(fault) for fault in toml_faults(body, calendar_settings("toml", "own.toml"), now)]
    assert faults == [
        "source: zone: no such time zone (got 'Europe/Lodon')",
        "release[1].titel: unknown key, did you mean title? (got 'x')",
        "release[1].part[1].rolle: unknown key, did you mean role? (got 'data')",
        "release[1].part[1].recognise: not a text (got '3')",
        "release[1].part[1].url: not a web address (got 'ftp://x')",
        "release[2].title: not a text (got '7')",
        "release[1].title: missing",
        "release[1].url: missing",
        "release[2].title: missing",
        f"release[1].state: {NOT_UNDERSTOOD} (got 'maybe')",
        "release[1].slot: no calendar has this date (got '31 June 2026')",
        "release[2].slot: not a date (got 'True')",
        "release[2].url: not a web address (got 'not an address')",
    ]


def test_a_good_file_has_no_faults(now: datetime) -> None:
    assert toml_faults(FOUR_RELEASES, calendar_settings("toml", "own.toml"), now) == []


def test_date_in_year_1_or_9999_gives_no_slot(parse: Parse) -> None:
    """Dates outside the years 2000 to 2100 are refused as impossible."""
    body = b'[[release]]\ntitle="a"\nslot=9999-12-31T23:59:59Z\n[[release]]\ntitle="b"\nslot=0001-01-01'
    assert [each.slot.reason for each in parse("toml", body).announcements] == [
        "impossible",
        "impossible",
    ]
