"""Our own files of TOML that are no case of `calendar_cases/own_toml.toml`."""

from __future__ import annotations

from datetime import datetime

from schedules.sources.row import NOT_UNDERSTOOD
from schedules.sources.toml import toml_faults
from tests.unit.schedules.sources.conftest import Parse
from tests.worlds.calendars import calendar_settings

A_RELEASE = b"""
[[release]]
id = "malpractice-2017"
title = "Malpractice for GCSE and A level"
producer = "ofqual"
url = "https://www.gov.uk/government/statistics/malpractice"
slot = 2018-01-05T09:30:00
state = "confirmed"
recognise = "govuk"
part = [{ id = "sheet", role = "data", url = "https://assets.example/tables.ods" }]
"""


def test_entry_without_id_keeps_its_key_at_any_place(parse: Parse) -> None:
    trade = b"[[release]]\ntitle = 'Trade'\nslot = 2026-11-26\n"
    housing = b"[[release]]\ntitle = 'Housing'\nslot = 2026-12-01\n"
    as_written, swapped = (
        parse("toml", trade + housing).announcements,
        parse("toml", housing + trade).announcements,
    )
    assert [each.uid for each in swapped] == [each.uid for each in reversed(as_written)]


def test_all_faults_of_a_toml_calendar_are_reported_at_once(now: datetime) -> None:
    body = b"""
[source]
zone = "Europe/Lodon"
[[release]]
titel = "x"
slot = "31 June 2026"
state = "maybe"
part = [{ url = "ftp://x", rolle = "data", recognise = 3, required = "yes" }]
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
        "release[1].part[1].required: write true or false (got 'yes')",
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
    assert toml_faults(A_RELEASE, calendar_settings("toml", "own.toml"), now) == []
