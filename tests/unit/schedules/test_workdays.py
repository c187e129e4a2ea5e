"""Days on which producers publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.slot import Precision, Slot
from schedules.times.zone import LONDON
from schedules.workdays import ENGLAND, Nation, NationSettings, Workdays, zone_doubt

EASTER_MONDAY = date(2026, 4, 6)


def utc_slot(month: int, day: int, hour: int, minute: int = 30) -> Slot:
    return Slot(Precision.INSTANT, instant=datetime(2026, month, day, hour, minute, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "nations"),
    [
        (EASTER_MONDAY, {"ENG", "WLS", "NIR"}),
        (date(2026, 8, 31), {"ENG", "WLS", "NIR"}),
        (date(2026, 1, 2), {"SCT"}),
        (date(2026, 3, 17), {"NIR"}),
        (date(2026, 12, 25), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 7, 23), set()),
    ],
)
def test_each_nation_has_its_own_bank_holidays(day: date, nations: set[Nation]) -> None:
    """For example, 2 January is a holiday only in Scotland, and 17 March (St Patrick's Day) only in
    Northern Ireland.
    """
    everywhere: tuple[Nation, ...] = ("ENG", "WLS", "SCT", "NIR")
    assert {nation for nation in everywhere if Workdays(nation).holiday_name(day)} == nations


def test_settings_add_and_remove_single_holidays() -> None:
    workdays = Workdays(
        "ENG", NationSettings(extra_holidays=[date(2026, 7, 23)], not_holidays=[EASTER_MONDAY])
    )
    assert workdays.holiday_name(date(2026, 7, 23)) == "extra holiday"
    assert workdays.is_workday(EASTER_MONDAY)


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (utc_slot(7, 25, 8), "Saturday"),
        (utc_slot(4, 6, 8), "Easter Monday"),
        (utc_slot(7, 23, 8), None),
        (Slot(Precision.DAY, first=date(2026, 7, 26), last=date(2026, 7, 26)), "Sunday"),
        (Slot(Precision.MONTH, first=date(2026, 8, 1), last=date(2026, 8, 31)), None),
        (Slot(Precision.NONE), None),
    ],
)
def test_a_slot_on_a_day_off_is_unlikely(slot: Slot, why: str | None) -> None:
    """`utc_slot(7, 25, 8)` is 08:30 UTC on 25 July 2026, a Saturday.

    A whole month, or no date, is never unlikely.
    """
    assert ENGLAND.why_unlikely(slot) == why


def test_the_day_of_a_slot_is_the_local_one() -> None:
    """23:15 UTC on Friday 24 July is 00:15 on Saturday in British summer time."""
    late_on_friday_in_utc = Slot(
        Precision.INSTANT, instant=datetime(2026, 7, 24, 23, 15, tzinfo=UTC)
    )
    assert ENGLAND.why_unlikely(late_on_friday_in_utc) == "Saturday"


@pytest.mark.parametrize(
    ("slot", "doubtful"),
    [
        (utc_slot(7, 23, 7), True),
        (utc_slot(7, 23, 9), True),
        (utc_slot(12, 3, 8), True),
        (utc_slot(7, 23, 8), False),
        (utc_slot(7, 23, 6, 0), False),
        (
            Slot(
                Precision.DAY, first=EASTER_MONDAY, last=EASTER_MONDAY, raw="6 April", doubt="zone"
            ),
            True,
        ),
        (replace(utc_slot(7, 23, 12), timezone="America/New_York"), False),
    ],
    ids=[
        "08:30 BST",
        "10:30 BST",
        "08:30 GMT",
        "09:30 BST",
        "07:00 BST",
        "doubtful day",
        "08:30 in New York",
    ],
)
def test_time_an_hour_off_half_past_nine_doubts_zone(slot: Slot, *, doubtful: bool) -> None:
    """If UTC is taken for British summer time or the reverse, 09:30 becomes 08:30 or 10:30."""
    assert bool(zone_doubt(slot)) is doubtful


@pytest.mark.parametrize(
    "slot",
    [
        datetime(2026, 7, 27, 8, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 8, 30, tzinfo=UTC),
        datetime(2026, 4, 7, 8, 30, tzinfo=UTC),
    ],
    ids=["after a weekend", "on the day of a clock change", "after a bank holiday"],
)
def test_access_begins_24_hours_before_the_slot_in_england(slot: datetime) -> None:
    """From then on, the law lets officials see the release."""
    assert ENGLAND.access_begins(slot, LONDON) == slot - timedelta(hours=24)


def test_access_begins_five_working_days_before_the_slot_in_scotland() -> None:
    """The five days are 30 March to 2 April and Easter Monday, which is no holiday in Scotland.

    Good Friday is one.
    """
    tuesday_after_easter = datetime(2026, 4, 7, 8, 30, tzinfo=UTC)
    start_of_monday_30_march = datetime(2026, 3, 29, 23, 0, tzinfo=UTC)
    assert Workdays("SCT").access_begins(tuesday_after_easter, LONDON) == start_of_monday_30_march


@given(st.dates(date(2015, 1, 1), date(2030, 1, 1)), st.integers(1, 20))
def test_counting_back_working_days_ends_on_a_working_day(day: date, count: int) -> None:
    """From the day that is found until the day before `day` there are `count` working days."""
    found = ENGLAND.workday_before(day, count)
    days_between = (found + timedelta(days=n) for n in range((day - found).days))
    assert ENGLAND.is_workday(found)
    assert sum(map(ENGLAND.is_workday, days_between)) == count
