"""Forecasts of what a host's budget can prove."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.forecast import PartToProve, forecast_slots, looks_per_minute
from monitor.plan.phases import NEAR, Window, next_due
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View
from monitor.watch.budget_forecast import overload_warning

BEGIN = datetime(2026, 7, 23, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
WITHIN = timedelta(seconds=60)
RATE = 5.0  # looks a second
DAY_BEGINS, DAY_ENDS = SLOT - timedelta(hours=9, minutes=30), SLOT + timedelta(hours=14, minutes=30)


def window(begins: int, ends: int, every: int) -> Window:
    return Window(NEAR, BEGIN + begins * SECOND, BEGIN + ends * SECOND, every * SECOND)


_windows = st.builds(window, st.integers(-500, 900), st.integers(-200, 1200), st.integers(1, 200))


def test_wanted_looks_are_counted_in_each_minute_of_a_window() -> None:
    """In the first minute one page wants a look each second. In the second minute two pages do."""
    in_both_minutes, in_the_second_minute = [window(0, 120, every=1)], [window(60, 120, every=1)]
    plans = [in_both_minutes, in_the_second_minute]
    assert looks_per_minute(plans, BEGIN, BEGIN + 2 * MINUTE) == [
        (BEGIN, 60),
        (BEGIN + MINUTE, 120),
    ]


def test_looks_outside_the_period_are_not_counted() -> None:
    """The window goes on for ten minutes before and after the period of 30 seconds."""
    assert looks_per_minute([[window(-600, 600, every=5)]], BEGIN, BEGIN + 30 * SECOND) == [
        (BEGIN, 30 // 5)
    ]


@given(windows=st.lists(_windows, max_size=5), seconds=st.integers(1, 900))
def test_looks_per_minute_add_up_to_the_due_instants(windows: list[Window], seconds: int) -> None:
    """The looks that are due from BEGIN to `end` are counted one by one."""
    end = BEGIN + seconds * SECOND
    due_instants = 0
    just_before_begin = BEGIN - SECOND / 1000
    for each in windows:
        due = next_due([each], just_before_begin)
        while due is not None and due < end:
            due_instants += 1
            due = next_due([each], due)
    assert sum(looks for _, looks in looks_per_minute([windows], BEGIN, end)) == due_instants


def test_looks_of_thousands_of_targets_are_counted_in_each_minute() -> None:
    """Each of 6000 targets wants a look a minute until 30,000 s after BEGIN, and then a look a
    second for 1000 s.
    """
    slot_begins, targets = 30_000, 6000
    day_before, around_slot = (
        window(-86_400, slot_begins, every=60),
        window(slot_begins, slot_begins + 1000, every=1),
    )
    plans = [[day_before, around_slot]] * targets
    wanted = looks_per_minute(plans, BEGIN, BEGIN + timedelta(days=1))
    assert max(wanted, key=itemgetter(1)) == (BEGIN + slot_begins * SECOND, targets * 60)


def edge(release: str, part: str = "page") -> Target:
    url = f"https://www.gov.uk/{release}/{part}"
    return Target(f"{release}/{part}/edge", release, part, View.EDGE, url, "www.gov.uk", "")


def parts_to_prove(
    count: int, slot: datetime = SLOT, within: timedelta = WITHIN, prefix: str = "r"
) -> list[PartToProve]:
    """Return so many parts promised for the slot, of the releases r0, r1 and so on."""
    return [
        PartToProve(edge(f"{prefix}{n}"), ProofGoal(slot, within, (0, 1, n))) for n in range(count)
    ]


@pytest.mark.parametrize(("number_of_parts", "proved_to_seconds"), [(60, 12), (175, 35)])
def test_forecast_says_how_closely_each_part_can_be_proved(
    number_of_parts: int, proved_to_seconds: int
) -> None:
    """At 5 looks a second, it takes 12 s to look at each of 60 parts once. So two looks at the same
    part are 12 s apart: the first finds it absent, the next present. So each part can be proved to
    12 s.
    """
    (forecast,) = forecast_slots(parts_to_prove(number_of_parts), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == f"of {number_of_parts} parts promised for 09:30, {number_of_parts} can be proved, to"
        f" {proved_to_seconds} s"
    )


def test_forecast_names_unproven_releases_and_a_sufficient_budget() -> None:
    """The tolerance is 60 s. Looks in its first 3 s find little, because most releases come later.
    So 57 s are left for one look at each part. Looks are a hundredth further apart than the budget
    of 5 a second requires.
    """
    looks_that_fit = ceil((60 - 3) / (1.01 / 5))
    assert looks_that_fit == 283
    (forecast,) = forecast_slots(parts_to_prove(284), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == "of 284 parts promised for 09:30, 283 can be proved, to 57 s; unproven will be r283;"
        " 6/s would prove all"
    )


def test_forecast_names_only_five_of_the_unproven_releases() -> None:
    """283 of the 300 parts can be proved, so 17 cannot."""
    (forecast,) = forecast_slots(parts_to_prove(300), 5.0, DAY_BEGINS, DAY_ENDS)
    assert (
        forecast.describe("Europe/London")
        == "of 300 parts promised for 09:30, 283 can be proved, to 60 s; "
        "unproven will be r283, r284, r285, r286, r287 and 12 more; 6/s would prove all"
    )


def test_warning_names_only_slots_with_unproved_parts() -> None:
    """At 5 looks a second, 283 parts of a slot can be proved."""
    later = SLOT + timedelta(minutes=30)
    slots = forecast_slots(
        [*parts_to_prove(175), *parts_to_prove(284, later)], RATE, DAY_BEGINS, DAY_ENDS
    )
    warning = overload_warning("www.gov.uk", RATE, slots, "Europe/London")
    assert warning is not None
    assert warning.startswith("www.gov.uk, 5/s: of 284 parts promised for 10:00, 283 can be proved")
    assert "09:30" not in warning


def test_no_warning_if_every_part_can_be_proved() -> None:
    slots = forecast_slots(parts_to_prove(282), RATE, DAY_BEGINS, DAY_ENDS)
    assert overload_warning("www.gov.uk", RATE, slots, "Europe/London") is None


def test_slots_within_budget_or_on_another_day_have_no_forecast() -> None:
    """The forecast is for one day, and only says what a small budget cannot do. At 5 looks a
    second, 4 parts get over a look a second each. The 60 parts are promised for the next day.
    """
    assert forecast_slots(parts_to_prove(4), RATE, DAY_BEGINS, DAY_ENDS) == []
    assert (
        forecast_slots(parts_to_prove(60, SLOT + timedelta(days=1)), RATE, DAY_BEGINS, DAY_ENDS)
        == []
    )


def test_each_slot_has_its_own_forecast() -> None:
    later = SLOT + timedelta(minutes=30)
    forecasts = forecast_slots(
        [*parts_to_prove(60, later), *parts_to_prove(20, SLOT)], RATE, DAY_BEGINS, DAY_ENDS
    )
    assert [(forecast.slot, forecast.parts) for forecast in forecasts] == [(SLOT, 20), (later, 60)]


def test_release_with_two_unproved_parts_is_listed_once() -> None:
    """300 releases have two parts each.

    283 of the 600 parts can be proved, so most releases have two unproved ones.
    """
    pages = parts_to_prove(300)
    files = [part._replace(target=edge(part.target.release, "table")) for part in pages]
    (forecast,) = forecast_slots([*pages, *files], RATE, DAY_BEGINS, DAY_ENDS)
    unproved_releases = forecast.unproved
    assert unproved_releases
    assert len(unproved_releases) == len(set(unproved_releases))


@pytest.mark.parametrize("seconds", [2, 3])
def test_no_budget_is_named_if_releases_come_after_their_tolerance(seconds: int) -> None:
    """Few releases come within 3 s."""
    parts = parts_to_prove(2, within=seconds * SECOND)
    (forecast,) = forecast_slots(parts, 5.0, DAY_BEGINS, DAY_ENDS)
    assert forecast.describe("Europe/London") == (
        "of 2 parts promised for 09:30, 0 can be proved, to 0 s; unproven will be r0, r1;"
        " no budget would prove all"
    )


def test_parts_of_different_tolerances_share_the_budget() -> None:
    """Of 200 parts each, the tolerances are 30 s and 60 s.

    In the first 27 s, 133 looks go to all 400 parts alike, so a third of the former are proved. The
    other looks until 57 s are enough for the rest of the latter. At 15 looks a second, each of the
    400 parts has its look in the first 27 s.
    """
    parts = [*parts_to_prove(200, within=30 * SECOND, prefix="a"), *parts_to_prove(200)]
    (forecast,) = forecast_slots(parts, 5.0, DAY_BEGINS, DAY_ENDS)
    assert (forecast.parts, forecast.proved, forecast.unproved[0]) == (400, 267, "a67")
    assert forecast.sufficient_rate == 15
    (with_that_rate,) = forecast_slots(parts, 15.0, DAY_BEGINS, DAY_ENDS)
    assert with_that_rate.unproved == ()
