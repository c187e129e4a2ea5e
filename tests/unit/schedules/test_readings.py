"""A doubtful time keeps every instant that it can mean."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from schedules.dates.read import read_date, with_stamp, with_time
from schedules.slot import Precision, Slot, slot_from_json

ANCHOR = date(2026, 6, 1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(text: str) -> Slot:
    return read_date(text, ANCHOR).slot


@pytest.mark.parametrize(
    ("text", "doubt", "readings"),
    [
        ("26 November 2026 9:30am BST", "zone", ("2026-11-26 08:30", "2026-11-26 09:30")),
        ("9 July 2026 9:30am GMT", "zone", ("2026-07-09 08:30", "2026-07-09 09:30")),
        ("26 November 2026 9:30am UTC+1", "zone", ("2026-11-26 08:30", "2026-11-26 09:30")),
        ("22 July 2026, 11:00 CET", "zone-unknown", ("2026-07-22 09:00", "2026-07-22 10:00")),
        ("Wed 23 July 2026 9:30am", "weekday", ("2026-07-22 08:30", "2026-07-23 08:30")),
        ("Wed 23 July 2026", "weekday", ("2026-07-21 23:00", "2026-07-23 23:00")),
        ("25 October 2026 01:30", "ambiguous-time", ("2026-10-25 00:30", "2026-10-25 01:30")),
        ("Winter 2026", "season", ("2025-12-01 00:00", "2027-03-01 00:00")),
    ],
)
def test_a_doubtful_text_keeps_each_reading(
    text: str, doubt: str, readings: tuple[str, ...]
) -> None:
    slot = read(text)
    assert (slot.doubt, slot.readings) == (doubt, tuple(map(utc, readings)))
    assert slot_from_json(slot.as_json()) == slot


def test_a_sure_text_has_no_readings() -> None:
    assert read("23 July 2026 9:30am BST").readings == ()


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("23/07/2026", "09.30.00"),
        ("23/07/2026 00:00:00", "09:30"),
        ("2026-07-23 00:00", "9.30am"),
        ("23/07/2026", "0.395833333"),
        ("23/07/2026", "1899-12-30 09:30:00"),
        ("23/07/2026", "half past nine"),
    ],
)
def test_a_day_gets_the_time_of_another_column_without_a_doubt(day: str, text: str) -> None:
    slot = with_time(read(day), text)
    assert (slot.instant, slot.doubt) == (utc("2026-07-23 08:30"), None)


@pytest.mark.parametrize(
    "text", ["nine thirty", "930", "AM", "25:00", "9-30", "morning", "after lunch"]
)
def test_a_time_that_cannot_be_read_is_a_doubt(text: str) -> None:
    slot = with_time(read("23/07/2026"), text)
    assert (slot.precision, slot.doubt) == (Precision.DAY, "unreadable-date")
    assert text in slot.raw


@pytest.mark.parametrize("text", ["", "TBC", "see the website", "monthly data since 2019"])
def test_a_text_that_speaks_of_no_time_leaves_the_day(text: str) -> None:
    assert with_time(read("23/07/2026"), text).doubt is None


@pytest.mark.parametrize(
    ("seen", "attribute", "start", "doubt"),
    [
        ("23 July 2026 9:30am", "2026-07-23T08:30:00Z", "2026-07-23 08:30", None),
        ("23 July 2026 9:30am", "2026-07-23", "2026-07-23 08:30", None),
        ("23 July 2026 9:30am", "2026-07-23T00:00:00Z", "2026-07-23 08:30", None),
        ("23 July 2026 9:30am", "2026-07-22T23:00:00Z", "2026-07-23 08:30", None),
        ("23 July 2026", "2026-07-23T09:30:00+01:00", "2026-07-23 08:30", None),
        ("July 2026", "2026-07-23T09:30", "2026-07-23 08:30", None),
        ("in three weeks", "2026-07-23T09:30", "2026-07-23 08:30", None),
        ("23 July 2026 9:30am", "2026-07-23T09:30:00Z", "2026-07-23 08:30", "zone"),
        ("23 July 2026 9:30am", "2026-07-24T09:30:00+01:00", "2026-07-23 08:30", "zone"),
    ],
)
def test_the_finer_of_text_and_attribute_counts_and_two_times_are_a_doubt(
    seen: str, attribute: str, start: str, doubt: str | None
) -> None:
    slot = with_stamp(read(seen), read(attribute))
    assert (slot.instant, slot.doubt) == (utc(start), doubt)
    assert len(slot.readings) == (2 if doubt else 0)


@pytest.mark.parametrize(
    ("seen", "attribute", "precision"),
    [
        ("July 2026", "2026-07-01", Precision.MONTH),
        ("July 2026", "2026-07-31", Precision.MONTH),
        ("July 2026", "2026-07-01T00:00:00", Precision.MONTH),
        ("Spring 2027", "2027-03-01", Precision.SEASON),
        ("July 2026", "2026-07-23", Precision.DAY),
        ("1 July 2026", "2026-07-01", Precision.DAY),
    ],
)
def test_the_first_or_last_day_of_a_period_only_sorts_the_list(
    seen: str, attribute: str, precision: Precision
) -> None:
    assert with_stamp(read(seen), read(attribute)).precision is precision
