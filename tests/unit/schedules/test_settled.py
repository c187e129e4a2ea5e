"""What follows if a person says which time a doubtful text means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from schedules.in_force import InForce, slot_in_force
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from tests.worlds.releases import a_promise, a_release

HOUR = timedelta(hours=1)
HALF_PAST_EIGHT = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)
HALF_PAST_NINE = HALF_PAST_EIGHT + HOUR
DOUBTFUL = Slot(
    Precision.INSTANT,
    HALF_PAST_NINE,
    raw="27 November 2026 9:30am BST",
    doubt="zone",
    readings=(HALF_PAST_EIGHT, HALF_PAST_NINE),
)
READ = HALF_PAST_EIGHT - 240 * HOUR
LAST_READ = HALF_PAST_EIGHT - HOUR


def doubtful_promise(slot: Slot = DOUBTFUL) -> Promise:
    return a_promise(slot, learnt=READ, confirmed_at=LAST_READ)


def in_force(*promises: Promise) -> InForce:
    return slot_in_force(a_release(), promises, HALF_PAST_NINE + 24 * HOUR)


def kinds(found: InForce) -> list[EventKind]:
    return [event.what for event in found.events]


def test_an_answer_before_both_times_is_the_slot_in_force() -> None:
    asked = doubtful_promise()
    answer = asked.settle(HALF_PAST_NINE, "duty statistician", HALF_PAST_EIGHT - HOUR)
    found = in_force(asked, answer)
    assert found.slot is not None
    assert (found.slot.instant, found.slot.doubt, found.slot.readings) == (HALF_PAST_NINE, None, ())
    assert found.announced_as_of == LAST_READ
    assert (found.moved_from, found.replaced_promises, found.short_notice) == (None, (), None)
    assert kinds(found) == [EventKind.ANNOUNCED, EventKind.SETTLED]


def test_an_answer_after_the_first_time_is_only_kept() -> None:
    asked = doubtful_promise()
    answer = asked.settle(HALF_PAST_NINE, "duty statistician", HALF_PAST_EIGHT)
    confirmed = HALF_PAST_NINE + HOUR
    found = in_force(asked, replace(answer, confirmed_at=confirmed))
    assert found.slot == DOUBTFUL
    assert found.promise is not None
    assert found.promise.confirmed_at == confirmed
    assert found.events[-1].what is EventKind.SETTLED
    assert "too late to count" in found.events[-1].detail


def test_the_last_answer_counts() -> None:
    asked = doubtful_promise()
    first = asked.settle(HALF_PAST_EIGHT, "duty statistician", READ + HOUR)
    second = first.settle(HALF_PAST_NINE, "head of profession", READ + 2 * HOUR)
    found = in_force(asked, first, second)
    assert found.slot is not None
    assert found.slot.instant == HALF_PAST_NINE
    assert found.replaced_promises == ()


def test_a_text_that_the_calendar_changes_ends_the_answer_without_a_move() -> None:
    asked = doubtful_promise()
    answer = asked.settle(HALF_PAST_EIGHT, "duty statistician", READ + HOUR)
    clear = Slot(Precision.INSTANT, HALF_PAST_NINE, raw="27 November 2026 9.30")
    found = in_force(asked, answer, a_promise(clear, learnt=READ + 2 * HOUR))
    assert found.slot == clear
    assert EventKind.PRECISION_RAISED in kinds(found)
    assert (found.short_notice, found.replaced_promises) == (None, ())


def test_an_answer_to_a_text_that_was_changed_meanwhile_is_ignored() -> None:
    asked = doubtful_promise()
    answer = asked.settle(HALF_PAST_EIGHT, "duty statistician", READ + 2 * HOUR)
    changed = Slot(Precision.INSTANT, HALF_PAST_NINE + 24 * HOUR)
    found = in_force(asked, a_promise(changed, learnt=READ + HOUR), answer)
    assert found.slot == changed


def test_only_a_time_that_the_text_can_mean_is_an_answer() -> None:
    with pytest.raises(ValueError, match="cannot mean"):
        doubtful_promise().settle(HALF_PAST_NINE + HOUR, "duty statistician", READ)
    with pytest.raises(ValueError, match="not in doubt"):
        a_promise(HALF_PAST_NINE).settle(HALF_PAST_NINE, "duty statistician", READ)


def test_a_day_whose_time_cannot_be_read_can_mean_each_time_of_it() -> None:
    day = date(2026, 11, 27)
    unread = Slot(Precision.DAY, first=day, last=day, raw="half nine", doubt="unreadable-date")
    answer = doubtful_promise(unread).settle(HALF_PAST_NINE, "duty statistician", READ)
    assert answer.slot.instant == HALF_PAST_NINE
    with pytest.raises(ValueError, match="cannot mean"):
        doubtful_promise(unread).settle(HALF_PAST_NINE + 24 * HOUR, "duty statistician", READ)
