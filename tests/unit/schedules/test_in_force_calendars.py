"""Promises that may have been read before the slot passed, and calendars that disagree: which one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schedules.announcement import BY_HAND, State
from schedules.in_force import slot_in_force
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from tests.unit.schedules.test_in_force import (
    IN_2027,
    JULY,
    OTHER,
    PRIMARY,
    SLOT,
    TO_BE_CONFIRMED,
    announced_by,
    day_slot,
    event_kinds,
    in_force,
    instant_slot,
    promise_read,
    utc,
)

MINUTE = timedelta(minutes=1)
FIRST = replace(promise_read(instant_slot(7, 23), utc(6, 1)), confirmed_at=SLOT - 10 * MINUTE)


def promise_changed_around_slot(to: Slot, since: datetime | None = None, **more: object) -> Promise:
    return replace(promise_read(to, SLOT + 10 * MINUTE, last_read_without=since or SLOT - 10 * MINUTE), **more)


def promises_in_doubt(*history: Promise) -> tuple[Promise, ...]:
    return in_force(history, IN_2027, PRIMARY).in_doubt


def test_entry_added_by_hand_is_never_announced_or_cancelled_at_short_notice() -> None:
    added = promise_read(instant_slot(7, 23), utc(7, 20), BY_HAND, last_read_without=utc(7, 19))
    removed = promise_read(instant_slot(7, 23), utc(7, 21), BY_HAND, State.CANCELLED, last_read_without=utc(7, 20))
    assert in_force([added], IN_2027, BY_HAND).short_notice is None
    found = in_force([added, removed], IN_2027, BY_HAND)
    assert (found.cancelled, found.short_notice) == (True, None)


def test_an_entry_added_by_hand_disagrees_with_another_calendar_until_it_is_removed() -> None:
    announced = promise_read(instant_slot(7, 23), utc(6, 1))
    added = promise_read(instant_slot(7, 24), utc(6, 2), BY_HAND)
    removed = promise_read(instant_slot(7, 24), utc(6, 3), BY_HAND, State.CANCELLED)
    assert in_force([announced, added], IN_2027, PRIMARY, BY_HAND).disagreements == (added,)
    found = in_force([announced, added, removed], IN_2027, PRIMARY, BY_HAND)
    assert (found.slot, found.cancelled, found.disagreements) == (instant_slot(7, 23), False, ())


def test_after_a_removal_by_hand_the_disagreement_of_other_calendars_remains() -> None:
    announced = promise_read(instant_slot(7, 23), utc(6, 1))
    differing = promise_read(instant_slot(7, 25), utc(6, 1), OTHER)
    added = promise_read(instant_slot(7, 24), utc(6, 2), BY_HAND)
    removed = promise_read(instant_slot(7, 24), utc(6, 3), BY_HAND, State.CANCELLED)
    found = in_force([announced, differing, added, removed], IN_2027, PRIMARY, OTHER, BY_HAND)
    assert found.disagreements == (differing,)


def test_a_change_between_a_read_before_the_slot_and_one_after_it_is_in_doubt() -> None:
    change = promise_changed_around_slot(instant_slot(7, 24))
    assert promises_in_doubt(FIRST, change) == (change,)


@pytest.mark.parametrize(
    ("last_read_of_old_slot", "is_in_doubt"), [(SLOT - MINUTE, True), (SLOT, False)], ids=["before", "at the slot"]
)
def test_a_change_is_in_doubt_only_if_the_last_read_of_the_old_slot_was_before_it(
    last_read_of_old_slot: datetime, *, is_in_doubt: bool
) -> None:
    old = replace(FIRST, confirmed_at=SLOT - MINUTE)
    change = promise_changed_around_slot(instant_slot(7, 24), since=SLOT - MINUTE)
    confirmed = replace(old, confirmed_at=last_read_of_old_slot)
    assert bool(promises_in_doubt(confirmed, change)) is is_in_doubt
    assert bool(promises_in_doubt(old, replace(change, unlearnt=last_read_of_old_slot))) is is_in_doubt


def test_a_repeated_promise_makes_no_doubt_but_a_cancellation_does() -> None:
    assert promises_in_doubt(FIRST, promise_changed_around_slot(instant_slot(7, 23))) == ()
    called_off = promise_changed_around_slot(instant_slot(7, 23), state=State.CANCELLED)
    assert promises_in_doubt(FIRST, called_off) == (called_off,)


@pytest.mark.parametrize(
    "read_before", [[], [promise_read(instant_slot(7, 23), utc(6, 2), OTHER)]], ids=["its first entry", "a change"]
)
def test_an_entry_of_another_calendar_makes_no_doubt_about_the_primary_one(read_before: list[Promise]) -> None:
    around_slot = replace(promise_changed_around_slot(instant_slot(7, 24)), calendar=OTHER)
    assert in_force([FIRST, *read_before, around_slot], IN_2027, PRIMARY, OTHER).in_doubt == ()


def test_a_time_that_had_passed_when_it_was_read_is_in_doubt_if_the_read_before_was_earlier_than_that_time() -> None:
    new_time, read_before, read_after = utc(7, 23, 8, 0), utc(7, 23, 7, 55), utc(7, 23, 8, 1)
    known = replace(FIRST, confirmed_at=read_before)
    back_dated = promise_read(instant_slot(7, 23, 8, 0), utc(7, 23, 8, 5), last_read_without=read_before)
    found = in_force([known, back_dated], IN_2027, PRIMARY)
    assert read_before < new_time < read_after
    assert (found.in_doubt, found.slot) == ((back_dated,), instant_slot(7, 23))
    assert EventKind.BACK_DATED in event_kinds(found)
    assert in_force([known, replace(back_dated, unlearnt=read_after)], IN_2027, PRIMARY).in_doubt == ()


def test_a_calendar_that_the_release_does_not_name_comes_after_those_that_it_names() -> None:
    unnamed = promise_read(instant_slot(7, 24), utc(6, 1), "unnamed")
    named = promise_read(instant_slot(7, 23), utc(6, 2), OTHER)
    found = in_force([unnamed, named], IN_2027, PRIMARY, OTHER)
    assert found.promise == named
    assert found.disagreements == (unnamed,)
    assert found.withdrawn == ()


def test_calendars_that_differ_are_named_once_and_once_more_if_they_differ_again() -> None:
    history = [
        promise_read(instant_slot(7, 23), utc(6, 1)),
        promise_read(instant_slot(7, 24), utc(6, 2), OTHER),
        promise_read(instant_slot(7, 25), utc(6, 3), OTHER),
    ]
    found = in_force(history, IN_2027, PRIMARY, OTHER)
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 1
    (event,) = [event for event in found.events if event.what is EventKind.CALENDARS_DISAGREE]
    assert (event.before, event.after, event.detail) == (instant_slot(7, 23), instant_slot(7, 24), OTHER)
    again = [
        *history,
        promise_read(instant_slot(7, 23), utc(6, 4), OTHER),
        promise_read(instant_slot(7, 26), utc(6, 5), OTHER),
    ]
    assert event_kinds(in_force(again, IN_2027, PRIMARY, OTHER)).count(EventKind.CALENDARS_DISAGREE) == 2


@pytest.mark.parametrize(
    ("slot", "other", "differ"),
    [
        (instant_slot(7, 23), instant_slot(7, 24), True),
        (instant_slot(7, 23), day_slot(7, 23), False),
        (day_slot(7, 23), instant_slot(7, 23), False),
        (instant_slot(7, 23), JULY, False),
        (JULY, instant_slot(7, 23), False),
        (instant_slot(7, 23), TO_BE_CONFIRMED, False),
        (day_slot(7, 23), day_slot(7, 24), True),
    ],
)
def test_a_calendar_with_a_finer_slot_or_without_one_does_not_differ(slot: Slot, other: Slot, *, differ: bool) -> None:
    found = in_force([promise_read(slot, utc(6, 1)), promise_read(other, utc(6, 2), OTHER)], IN_2027, PRIMARY, OTHER)
    assert bool(found.disagreements) is differ


def test_calendars_differ_if_only_one_cancels() -> None:
    off = promise_read(instant_slot(7, 23), utc(6, 2), OTHER, State.CANCELLED)
    assert in_force([promise_read(instant_slot(7, 23), utc(6, 1)), off], IN_2027, PRIMARY, OTHER).disagreements == (
        off,
    )
    both = [
        promise_read(instant_slot(7, 23), utc(6, 1), state=State.CANCELLED),
        replace(off, slot=instant_slot(7, 24)),
    ]
    assert in_force(both, IN_2027, PRIMARY, OTHER).disagreements == ()


ANNOUNCED_DAY = promise_read(day_slot(7, 23), utc(6, 1))
TIME_OF_DAY = promise_read(instant_slot(7, 23), utc(6, 2), OTHER)


def test_an_announced_day_takes_its_time_from_another_calendar() -> None:
    assert in_force([ANNOUNCED_DAY, TIME_OF_DAY], IN_2027, PRIMARY, OTHER).promise == TIME_OF_DAY


@pytest.mark.parametrize(
    "change",
    [
        {"doubt": "zone"},
        {"slot": replace(instant_slot(7, 23), doubt="zone")},
        {"state": State.CANCELLED},
        {"slot": instant_slot(7, 24)},
    ],
    ids=["doubtful entry", "doubtful slot", "cancelled", "on another day"],
)
def test_an_announced_day_takes_no_time_from_a_promise_that_is_doubtful_cancelled_or_of_another_day(
    change: dict[str, object],
) -> None:
    unsuitable = replace(TIME_OF_DAY, **change)
    assert in_force([ANNOUNCED_DAY, unsuitable], IN_2027, PRIMARY, OTHER).promise == ANNOUNCED_DAY


def test_a_cancelled_day_takes_no_time_from_another_calendar() -> None:
    cancelled = replace(ANNOUNCED_DAY, state=State.CANCELLED)
    assert in_force([cancelled, TIME_OF_DAY], IN_2027, PRIMARY, OTHER).promise == cancelled


@pytest.mark.parametrize("vague", [JULY, TO_BE_CONFIRMED], ids=["a month", "no date yet"])
def test_a_more_precise_slot_gives_no_promise_up(vague: Slot) -> None:
    history = [promise_read(vague, utc(6, 1)), promise_read(instant_slot(7, 23), utc(6, 2))]
    assert in_force(history, IN_2027, PRIMARY).withdrawn == ()


def test_a_less_precise_slot_gives_the_promised_time_up() -> None:
    precise = promise_read(instant_slot(7, 23), utc(6, 1))
    assert in_force([precise, promise_read(JULY, utc(6, 2))], IN_2027, PRIMARY).withdrawn == (precise,)


EARLIER_SLOT = promise_read(instant_slot(7, 20), utc(6, 1))
LATER_SLOT = promise_read(instant_slot(7, 25), utc(6, 2))
LAST_SLOT = promise_read(instant_slot(7, 23), utc(6, 3))


@pytest.mark.parametrize(
    ("withdrawn", "moved_from"),
    [((EARLIER_SLOT, LATER_SLOT), EARLIER_SLOT), ((LATER_SLOT,), LATER_SLOT)],
    ids=["an earlier and a later slot", "only a later slot"],
)
def test_a_release_was_moved_from_a_slot_before_the_one_in_force_or_else_from_a_later_one(
    withdrawn: tuple[Promise, ...], moved_from: Promise
) -> None:
    found = in_force([*withdrawn, LAST_SLOT], IN_2027, PRIMARY)
    assert (found.withdrawn, found.moved_from) == (withdrawn, moved_from)


BEFORE_SLOT = [promise_read(instant_slot(7, 23), utc(6, 1)), promise_read(instant_slot(7, 23), utc(6, 1), OTHER)]


def test_an_entry_read_after_the_slot_is_compared_with_the_last_one_of_its_own_calendar() -> None:
    changed = promise_read(instant_slot(7, 30), utc(7, 23, 10))
    unchanged = promise_read(instant_slot(7, 23), utc(7, 23, 11), OTHER)
    changed_entry_again = promise_read(instant_slot(7, 30), utc(7, 23, 12))
    found = in_force([*BEFORE_SLOT, changed, unchanged, changed_entry_again], IN_2027, PRIMARY, OTHER)
    assert found.changed_after_slot is not None
    assert (found.changed_after_slot.calendar, found.changed_after_slot.slot) == (PRIMARY, instant_slot(7, 30))
    assert event_kinds(found).count(EventKind.CHANGED_AFTER_SLOT) == 1


def test_a_slot_in_the_past_that_is_read_after_the_slot_is_back_dated_and_no_second_promise() -> None:
    back_dated = promise_read(instant_slot(7, 22), utc(7, 23, 10))
    found = in_force([*BEFORE_SLOT, back_dated], IN_2027, PRIMARY, OTHER)
    assert found.changed_after_slot is None
    assert EventKind.BACK_DATED in event_kinds(found)


JUNE_SLOT_PASSED = promise_read(instant_slot(6, 1), utc(6, 5), OTHER)
"""A slot of 1 June, first read on 5 June."""
JULY_SLOT_AHEAD = promise_read(instant_slot(7, 23), utc(6, 10))


def test_the_first_entry_of_the_primary_calendar_replaces_a_slot_that_had_passed_when_it_was_read() -> None:
    assert in_force([JUNE_SLOT_PASSED, JULY_SLOT_AHEAD], IN_2027, PRIMARY, OTHER).slot == instant_slot(7, 23)


@pytest.mark.parametrize(
    "history",
    [
        [replace(JUNE_SLOT_PASSED, learnt=utc(5, 5)), JULY_SLOT_AHEAD],
        [JUNE_SLOT_PASSED, promise_read(instant_slot(6, 2), utc(6, 10))],
        [replace(JUNE_SLOT_PASSED, calendar=PRIMARY), replace(JULY_SLOT_AHEAD, calendar=OTHER)],
    ],
    ids=["the slot was read in time", "the new slot has passed too", "the new entry is of another calendar"],
)
def test_a_passed_slot_is_not_replaced_otherwise(history: list[Promise]) -> None:
    assert in_force(history, IN_2027, PRIMARY, OTHER).slot == instant_slot(6, 1)


@pytest.mark.parametrize(
    ("confirmed", "expected"),
    [(None, utc(6, 1)), (SLOT - MINUTE, SLOT - MINUTE), (SLOT + MINUTE, SLOT)],
)
def test_a_slot_was_announced_as_of_its_last_read_before_it_passed(
    confirmed: datetime | None, expected: datetime
) -> None:
    known = replace(promise_read(instant_slot(7, 23), utc(6, 1)), confirmed_at=confirmed)
    assert in_force([known], IN_2027, PRIMARY).announced_as_of == expected


def test_a_slot_that_was_read_only_after_it_passed_was_announced_as_of_its_last_read() -> None:
    read = promise_read(instant_slot(7, 23), SLOT + 5 * MINUTE)
    confirmed = replace(read, confirmed_at=SLOT + 6 * MINUTE)
    assert in_force([confirmed], IN_2027, PRIMARY).announced_as_of == SLOT + 6 * MINUTE


def test_a_cancellation_without_a_date_keeps_no_slot_if_none_was_announced() -> None:
    nothing = Slot(Precision.NONE, reason="empty")
    found = in_force([promise_read(nothing, utc(6, 1), state=State.CANCELLED)], IN_2027, PRIMARY)
    assert (
        found.cancelled,
        found.promise is not None and found.promise.slot.precision,
    ) == (True, Precision.NONE)


def test_short_notice_depends_on_the_days_that_count_as_short() -> None:
    history = [
        promise_read(instant_slot(7, 30), utc(6, 1)),
        promise_read(instant_slot(7, 23), utc(7, 16), last_read_without=utc(7, 15)),
    ]
    found = slot_in_force(announced_by(PRIMARY), history, IN_2027)
    assert found.short_notice is not None
    (event,) = [event for event in found.events if event.what is EventKind.SHORT_NOTICE]
    assert (event.before, event.detail) == (
        instant_slot(7, 30),
        f"{found.short_notice.days} days",
    )
    days_that_count_as_short = 3
    assert slot_in_force(announced_by(PRIMARY), history, IN_2027, days_that_count_as_short).short_notice is None


def test_a_cancellation_counts_before_the_slot_whatever_time_it_names() -> None:
    off = promise_read(instant_slot(6, 1), utc(6, 10), state=State.CANCELLED)
    found = in_force([promise_read(instant_slot(7, 23), utc(5, 1)), off], IN_2027, PRIMARY)
    assert (found.cancelled, EventKind.BACK_DATED in event_kinds(found)) == (True, False)


def promise_written_as(hour: int, minute: int, raw: str, read: datetime) -> Promise:
    """Return a promise for 23 July 2026 at this time in UTC, as its calendar writes it."""
    slot = Slot(Precision.INSTANT, datetime(2026, 7, 23, hour, minute, tzinfo=UTC), raw=raw)
    return promise_read(slot, read)


IN_SUMMER_TIME = promise_written_as(8, 30, "2026-07-23T09:30:00+01:00", utc(6, 1))


def test_the_same_written_time_without_its_offset_is_a_doubt_and_no_new_slot() -> None:
    shifted = promise_written_as(9, 30, "2026-07-23T09:30:00Z", utc(6, 2))
    found = in_force([IN_SUMMER_TIME, shifted], IN_2027, PRIMARY)
    assert (found.slot, found.in_doubt, found.withdrawn) == (IN_SUMMER_TIME.slot, (shifted,), ())


def test_an_offset_that_comes_back_ends_the_doubt() -> None:
    shifted = promise_written_as(9, 30, "2026-07-23T09:30:00Z", utc(6, 2))
    again = replace(IN_SUMMER_TIME, learnt=utc(6, 3))
    assert in_force([IN_SUMMER_TIME, shifted, again], IN_2027, PRIMARY).in_doubt == ()


@pytest.mark.parametrize(
    ("hour", "minute", "raw"),
    [
        (9, 30, "2026-07-23T10:30:00+01:00"),
        (9, 0, "2026-07-23T09:30:00+00:30"),
        (9, 30, "23 July 2026 10.30am"),
    ],
)
def test_another_written_time_or_a_shift_by_another_offset_is_a_new_slot(hour: int, minute: int, raw: str) -> None:
    moved = promise_written_as(hour, minute, raw, utc(6, 2))
    found = in_force([IN_SUMMER_TIME, moved], IN_2027, PRIMARY)
    assert (found.slot, found.in_doubt) == (moved.slot, ())
