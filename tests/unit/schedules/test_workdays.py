"""Days on which producers publish."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.slot import Precision, Slot
from schedules.workdays import ENGLAND, Nation, NationSettings, Workdays, zone_doubt

EASTER_MONDAY = date(2026, 4, 6)


def at(month: int, day: int, hour: int, minute: int = 30) -> Slot:
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
    everywhere: tuple[Nation, ...] = ("ENG", "WLS", "SCT", "NIR")
    assert {nation for nation in everywhere if Workdays(nation).holiday_name(day)} == nations


def test_settings_add_and_remove_single_holidays() -> None:
    workdays = NationSettings(extra_holidays=[date(2026, 7, 23)], not_holidays=[EASTER_MONDAY]).workdays("ENG")
    assert workdays.holiday_name(date(2026, 7, 23)) == "extra holiday"
    assert workdays.is_workday(EASTER_MONDAY)


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (at(7, 25, 8), "Saturday"),
        (at(4, 6, 8), "Easter Monday"),
        (at(7, 23, 8), None),
        (Slot(Precision.DAY, first=date(2026, 7, 26), last=date(2026, 7, 26)), "Sunday"),
        (Slot(Precision.MONTH, first=date(2026, 8, 1), last=date(2026, 8, 31)), None),
        (Slot(Precision.NONE), None),
    ],
)
def test_a_slot_on_a_day_off_is_unlikely(slot: Slot, why: str | None) -> None:
    assert ENGLAND.why_unlikely(slot) == why


def test_the_day_of_a_slot_is_the_local_one() -> None:
    late_on_friday = Slot(Precision.INSTANT, instant=datetime(2026, 7, 24, 23, 15, tzinfo=UTC))
    assert ENGLAND.why_unlikely(late_on_friday) == "Saturday"


@pytest.mark.parametrize(
    ("slot", "doubtful"),
    [
        (at(7, 23, 7), True),
        (at(7, 23, 9), True),
        (at(12, 3, 8), True),
        (at(7, 23, 8), False),
        (at(7, 23, 6, 0), False),
        (Slot(Precision.DAY, first=EASTER_MONDAY, last=EASTER_MONDAY, raw="6 April", doubt="zone"), True),
        (
            Slot(Precision.INSTANT, instant=datetime(2026, 7, 23, 12, 30, tzinfo=UTC), timezone="America/New_York"),
            False,
        ),
    ],
)
def test_half_past_nine_an_hour_off_is_a_doubt_about_the_zone(slot: Slot, *, doubtful: bool) -> None:
    assert bool(zone_doubt(slot)) is doubtful


def test_access_begins_24_hours_before_the_slot_at_a_weekend() -> None:
    monday = datetime(2026, 7, 27, 8, 30, tzinfo=UTC)
    assert ENGLAND.access_begins(monday) == datetime(2026, 7, 26, 8, 30, tzinfo=UTC)


def test_access_begins_24_hours_before_the_slot_when_clocks_change() -> None:
    after_change = datetime(2026, 3, 29, 8, 30, tzinfo=UTC)
    assert ENGLAND.access_begins(after_change) == datetime(2026, 3, 28, 8, 30, tzinfo=UTC)


@given(st.dates(date(2015, 1, 1), date(2030, 1, 1)), st.integers(1, 20))
def test_counting_back_ends_on_a_working_day(day: date, count: int) -> None:
    found = ENGLAND.workday_before(day, count)
    assert ENGLAND.is_workday(found)
    assert (day - found).days >= count


def test_access_begins_a_day_before_the_slot_and_in_scotland_five_working_days() -> None:
    # 6 April 2026 is Easter Monday, a bank holiday in England and not in Scotland; 3 April is Good Friday in both.
    slot = datetime(2026, 4, 7, 8, 30, tzinfo=UTC)
    assert Workdays("ENG").access_begins(slot) == datetime(2026, 4, 6, 8, 30, tzinfo=UTC)
    assert Workdays("SCT").access_begins(slot) == datetime(2026, 3, 29, 23, 0, tzinfo=UTC)
