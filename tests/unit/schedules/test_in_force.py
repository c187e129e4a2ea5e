"""Which promise counted when its slot passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import State
from schedules.in_force import InForce, slot_in_force
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

PRIMARY, OTHER = "primary", "other"
"""Calendars: the slots of the primary one count."""
IN_2027 = datetime(2027, 1, 1, tzinfo=UTC)


def utc(month: int, day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def instant_slot(month: int, day: int, hour: int = 8, minute: int = 30) -> Slot:
    return Slot(Precision.INSTANT, instant=utc(month, day, hour, minute))


def july(day: int, hour: int = 8) -> Slot:
    """Return a slot at half past this hour (UTC) of a day in July."""
    return instant_slot(7, day, hour)


def day_slot(month: int, day: int) -> Slot:
    return Slot(Precision.DAY, first=date(2026, month, day), last=date(2026, month, day))


JULY = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
TO_BE_CONFIRMED = Slot(Precision.NONE, reason="tbc")
UNREADABLE = Slot(Precision.NONE, reason="not-a-date")


def promise_read(
    slot: Slot,
    learnt: datetime,
    calendar: str = PRIMARY,
    state: State | None = State.CONFIRMED,
    last_read_without: datetime | None = None,
) -> Promise:
    return Promise("x", calendar, slot, state, learnt, last_read_without)


SLOT, HOUR = utc(7, 23, 8, 30), timedelta(hours=1)
BEFORE_SLOT, AFTER_SLOT = SLOT - HOUR, SLOT + HOUR
PROMISE_OF_23_JULY = promise_read(july(23), utc(6, 1))
"""A promise of SLOT, read on 1 June in the primary calendar."""


def cancellation_read(slot: Slot, learnt: datetime, calendar: str = PRIMARY) -> Promise:
    return promise_read(slot, learnt, calendar, State.CANCELLED)


def in_force(
    *history: Promise, now: datetime = IN_2027, calendars: Sequence[str] = (PRIMARY, OTHER), notice_days: int = 28
) -> InForce:
    """Return what is in force for a release in these calendars, the one that rules first."""
    release = Release("x", "Road fuel prices", "dft", "https://dft.example/fuel", (), tuple(calendars))
    return slot_in_force(release, history, now, notice_days)


def event_kinds(found: InForce) -> list[EventKind]:
    return [event.what for event in found.events]


def test_a_release_without_an_announcement_has_no_slot() -> None:
    no_history: list[Promise] = []
    found = in_force(*no_history)
    assert (found.promise, found.slot, found.announced_as_of) == (None, None, None)


def test_a_slot_kept_as_announced_is_in_force() -> None:
    found = in_force(PROMISE_OF_23_JULY)
    assert found.slot == july(23)
    assert event_kinds(found) == [EventKind.ANNOUNCED]


def test_a_change_before_the_slot_moves_it_and_remembers_the_withdrawn_slot() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(july(30), utc(6, 25)))
    assert found.slot == july(30)
    assert found.moved_from == found.first_announced == PROMISE_OF_23_JULY
    assert found.withdrawn == (PROMISE_OF_23_JULY,)
    assert found.short_notice is None


def test_a_change_after_the_slot_never_moves_it_but_opens_a_second_promise() -> None:
    second = promise_read(july(24), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, second)
    assert (found.slot, found.changed_after_slot, found.moved_from) == (july(23), second, None)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.CHANGED_AFTER_SLOT]


def test_a_read_at_the_very_instant_of_the_slot_comes_too_late_to_move_it() -> None:
    assert in_force(PROMISE_OF_23_JULY, promise_read(july(24), SLOT)).slot == july(23)


def test_a_cancellation_read_after_the_slot_is_only_a_second_promise() -> None:
    cancellation = cancellation_read(july(23), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, cancellation)
    assert found.changed_after_slot == cancellation
    assert (found.slot, found.cancelled) == (july(23), False)


def test_a_second_promise_is_dropped_if_the_calendar_returns_to_the_first() -> None:
    second, first_again = promise_read(july(24), AFTER_SLOT), promise_read(july(23), AFTER_SLOT + HOUR)
    assert in_force(PROMISE_OF_23_JULY, second, first_again).changed_after_slot is None


def test_losing_precision_after_the_slot_is_a_change_after_the_slot() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(JULY, utc(7, 24)))
    assert event_kinds(found)[-1] is EventKind.CHANGED_AFTER_SLOT
    assert found.slot == july(23)


@pytest.mark.parametrize("slot_of_cancellation", [july(23), TO_BE_CONFIRMED], ids=["same slot", "no date"])
def test_a_cancellation_before_the_slot_leaves_none_in_force_but_keeps_the_planned_one(
    slot_of_cancellation: Slot,
) -> None:
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(slot_of_cancellation, utc(7, 1)))
    assert (found.cancelled, found.slot) == (True, None)
    assert found.promise is not None
    assert found.promise.slot == july(23)


def test_a_release_announced_again_after_its_cancellation_was_moved() -> None:
    announced_again = promise_read(july(30), utc(7, 24))
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(july(23), utc(7, 1)), announced_again)
    assert (found.cancelled, found.slot, found.moved_from) == (False, july(30), PROMISE_OF_23_JULY)
    assert EventKind.REINSTATED in event_kinds(found)


def test_a_cancelled_slot_that_has_passed_cannot_be_called_confirmed_again() -> None:
    confirmed_too_late = promise_read(july(23), utc(7, 24))
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(july(23), utc(7, 1)), confirmed_too_late)
    assert found.cancelled
    assert event_kinds(found)[-1] is EventKind.BACK_DATED


def test_a_back_dated_value_never_becomes_the_slot() -> None:
    back_dated = promise_read(july(20), utc(7, 21))
    found = in_force(PROMISE_OF_23_JULY, back_dated)
    assert found.slot == july(23)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.BACK_DATED]


def test_a_time_announced_after_it_passed_does_not_refine_a_day() -> None:
    found = in_force(promise_read(day_slot(7, 23), utc(6, 1)), promise_read(july(23), AFTER_SLOT))
    assert found.slot == day_slot(7, 23)


def test_a_time_announced_in_time_refines_a_day_and_is_no_move() -> None:
    found = in_force(promise_read(day_slot(7, 23), utc(6, 1)), promise_read(july(23), BEFORE_SLOT))
    assert (found.slot, found.moved_from) == (july(23), None)
    assert event_kinds(found)[-1] is EventKind.PRECISION_RAISED


def test_a_slot_first_read_after_it_passed_is_flagged() -> None:
    found = in_force(promise_read(july(23), AFTER_SLOT))
    assert found.is_first_read_after_slot
    assert event_kinds(found) == [EventKind.FIRST_SEEN_AFTER_SLOT]


def test_promises_read_later_than_now_do_not_count_yet() -> None:
    later = promise_read(july(30), utc(6, 25))
    assert in_force(PROMISE_OF_23_JULY, later, now=utc(6, 10)).slot == july(23)


def test_a_date_replaced_by_to_be_confirmed_is_withdrawn_at_short_notice() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(TO_BE_CONFIRMED, utc(7, 20), last_read_without=utc(7, 19)))
    assert found.withdrawn == (PROMISE_OF_23_JULY,)
    assert found.short_notice is not None
    assert found.short_notice.days == 23 - 20


def test_an_unreadable_text_withdraws_no_promise() -> None:
    assert in_force(PROMISE_OF_23_JULY, promise_read(UNREADABLE, utc(7, 1))).slot == july(23)


def test_a_time_dropped_before_the_slot_is_withdrawn() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(JULY, utc(6, 10)))
    assert (found.slot, found.moved_from, found.withdrawn) == (JULY, PROMISE_OF_23_JULY, (PROMISE_OF_23_JULY,))
    assert event_kinds(found)[-1] is EventKind.PRECISION_LOWERED


def test_a_shift_within_the_day_is_a_change_of_time() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(july(23, hour=11), utc(6, 2)))
    assert event_kinds(found)[-1] is EventKind.TIME_CHANGED


@pytest.mark.parametrize(
    ("last_read_without", "proven"),
    [(utc(7, 19), True), (utc(6, 1), False), (None, False)],
    ids=["within four weeks of the slot", "earlier", "not known"],
)
def test_short_notice_of_a_new_slot_is_proven_only_if_the_last_read_without_it_was_too_late_as_well(
    last_read_without: datetime | None, *, proven: bool
) -> None:
    moved = promise_read(july(30), utc(7, 20), last_read_without=last_read_without)
    notice = in_force(PROMISE_OF_23_JULY, moved).short_notice
    assert notice is not None
    assert (notice.since, notice.at, notice.proven) == (last_read_without, utc(7, 20), proven)
    # Notice is counted to the slot that was given up.
    assert notice.days == 23 - 20


def test_a_first_announcement_within_four_weeks_is_short_when_an_earlier_read_lacked_it() -> None:
    notice = in_force(promise_read(july(23), utc(7, 20), last_read_without=utc(7, 19))).short_notice
    assert notice is not None
    assert notice.what is EventKind.ANNOUNCED


def test_the_first_read_of_a_calendar_proves_no_short_notice() -> None:
    assert in_force(promise_read(july(23), utc(7, 22), last_read_without=None)).short_notice is None


def test_moving_a_provisional_date_is_never_short_notice() -> None:
    provisional = promise_read(july(23), utc(6, 1), state=State.PROVISIONAL)
    assert in_force(provisional, promise_read(july(30), utc(7, 20))).short_notice is None


def test_the_primary_calendar_rules_and_the_other_is_named() -> None:
    other = promise_read(july(23, hour=9), utc(7, 1, 7), OTHER)
    found = in_force(other, promise_read(july(23, hour=8), utc(7, 1)))
    assert (found.slot, found.disagreements) == (july(23, hour=8), (other,))
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 1
    assert found.withdrawn == ()


def test_without_a_primary_the_calendar_that_announced_first_rules() -> None:
    first, second = promise_read(july(24), utc(7, 1), "first"), promise_read(july(23), utc(7, 2), "second")
    assert in_force(first, second, calendars=()).slot == july(24)


def test_calendars_that_come_to_agree_disagree_no_longer() -> None:
    differs, agrees = promise_read(july(24), utc(7, 1), OTHER), promise_read(july(23), utc(7, 2), OTHER)
    assert in_force(PROMISE_OF_23_JULY, differs).disagreements == (differs,)
    assert in_force(PROMISE_OF_23_JULY, differs, agrees).disagreements == ()


def test_a_second_calendar_cannot_sharpen_a_month_of_the_primary() -> None:
    found = in_force(promise_read(JULY, utc(7, 1)), promise_read(july(23), utc(7, 1), OTHER))
    assert (found.slot, found.disagreements) == (JULY, ())


_slots = st.one_of(
    st.datetimes(datetime(2026, 7, 1), datetime(2026, 7, 20)).map(  # noqa: DTZ001 -- made aware in the next call
        lambda wall: Slot(Precision.INSTANT, instant=wall.replace(tzinfo=UTC))
    ),
    st.dates(date(2026, 7, 1), date(2026, 7, 20)).map(lambda day: Slot(Precision.DAY, first=day, last=day)),
    st.sampled_from([JULY, TO_BE_CONFIRMED, UNREADABLE]),
)
_promises = st.lists(
    st.builds(
        promise_read,
        _slots,
        st.datetimes(datetime(2026, 6, 1), datetime(2026, 7, 25)).map(lambda wall: wall.replace(tzinfo=UTC)),  # noqa: DTZ001
        st.sampled_from([PRIMARY, OTHER, "C"]),
        st.sampled_from([*State, None]),
    ),
    max_size=8,
    unique_by=lambda promise: (promise.calendar, promise.learnt),
)


@given(_promises, st.integers(0, 60), st.sampled_from([(), (PRIMARY,), (OTHER, PRIMARY), ("C", OTHER, PRIMARY)]))
def test_a_slot_in_force_that_was_known_before_it_passed_never_changes_afterwards(
    history: list[Promise], days: int, calendars: tuple[str, ...]
) -> None:
    now = utc(6, 1) + timedelta(days=days)
    found = in_force(*history, now=now, calendars=calendars)
    end = None if found.slot is None else found.slot.passes()
    if end is not None and end <= now and not found.is_first_read_after_slot:
        assert in_force(*history, calendars=calendars).slot == found.slot


@given(_promises, st.randoms(use_true_random=False))
def test_promises_may_be_given_in_any_order(history: list[Promise], random: Random) -> None:
    shuffled = random.sample(history, len(history))
    assert in_force(*shuffled) == in_force(*history)


@given(_promises)
def test_no_slot_in_force_was_taken_from_a_read_after_it_passed(history: list[Promise]) -> None:
    found = in_force(*history)
    if found.promise is not None and found.slot is not None and not found.is_first_read_after_slot:
        end = found.slot.passes()
        assert end is None or found.promise.learnt < end
