"""What of a slot can be proved is told beforehand, with the budget that would prove the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget_sim import swept, usual
from monitor.plan.proof import Proof
from monitor.plan.slot_forecast import Needed, forecasts, provable, rate_for

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
WITHIN = timedelta(seconds=60)
DAY = (SLOT - timedelta(hours=9, minutes=30), SLOT + timedelta(hours=14, minutes=30))


def parts(count: int, slot: datetime = SLOT) -> list[Needed]:
    return [(f"r{n}", Proof(slot, WITHIN, (0, 1, n))) for n in range(count)]


BEYOND = "of 284 parts promised for 09:30, 282 can be proved, to 57 s; unproven will be r282, r283; 6/s would prove all"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (60, "of 60 parts promised for 09:30, 60 can be proved, to 12 s"),
        (175, "of 175 parts promised for 09:30, 175 can be proved, to 35 s"),
        (284, BEYOND),
        (300, BEYOND.replace("284", "300").replace("r283", "r283, r284, r285, r286 and 13 more")),
    ],
)
def test_what_can_be_proved_in_words(count: int, words: str) -> None:
    (told,) = forecasts(parts(count), 5.0, *DAY)
    assert told.words("Europe/London") == words


def test_a_slot_that_is_carried_is_not_told_of_nor_one_of_another_day() -> None:
    assert forecasts(parts(4), 5.0, *DAY) == []
    assert forecasts(parts(60, SLOT + timedelta(days=1)), 5.0, *DAY) == []


def test_slots_are_told_one_by_one() -> None:
    later = SLOT + timedelta(minutes=30)
    told = forecasts([*parts(60, later), *parts(20)], 5.0, *DAY)
    assert [(one.slot, one.parts) for one in told] == [(SLOT, 20), (later, 60)]


def test_a_release_of_several_parts_is_named_once() -> None:
    (told,) = forecasts([*parts(300), *parts(300)], 5.0, *DAY)
    assert len(told.unproved) == len(set(told.unproved))


@given(st.integers(1, 900))
def test_the_budget_that_is_named_is_enough_and_no_smaller_one_is(count: int) -> None:
    least = rate_for(count, WITHIN)
    assert provable(count, WITHIN, least) == count
    assert least == 1 or provable(count, WITHIN, least - 1) < count


@pytest.mark.parametrize("count", [60, 175, 282, 300, 450])
def test_no_more_is_promised_than_a_sweep_proves(count: int) -> None:
    assert len(swept(usual(count), 5.0).parts) >= provable(count, WITHIN, 5.0)
