"""Which promise counted when its slot passed, also if calendars disagree or a change may have come in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import BY_HAND, State
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


WHOLE_JULY = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
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
    # 25 June is 28 days before the old slot, and fewer days are short notice.
    found = in_force(PROMISE_OF_23_JULY, promise_read(july(30), utc(6, 25)))
    assert found.slot == july(30)
    assert found.moved_from == found.first_announced == PROMISE_OF_23_JULY
    assert found.withdrawn == (PROMISE_OF_23_JULY,)
    assert found.short_notice is None


def test_a_change_read_after_the_slot_moves_no_slot_and_is_kept_as_a_second_promise() -> None:
    second = promise_read(july(24), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, second)
    assert (found.slot, found.changed_after_slot, found.moved_from) == (july(23), second, None)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.CHANGED_AFTER_SLOT]


def test_a_read_at_the_very_instant_of_the_slot_comes_too_late_to_move_it() -> None:
    assert in_force(PROMISE_OF_23_JULY, promise_read(july(24), SLOT)).slot == july(23)


def test_a_cancellation_read_after_the_slot_cancels_nothing_and_is_kept_as_a_second_promise() -> None:
    cancellation = cancellation_read(july(23), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, cancellation)
    assert found.changed_after_slot == cancellation
    assert (found.slot, found.cancelled) == (july(23), False)


def test_a_second_promise_is_dropped_if_the_calendar_returns_to_the_first() -> None:
    second, first_again = promise_read(july(24), AFTER_SLOT), promise_read(july(23), AFTER_SLOT + HOUR)
    assert in_force(PROMISE_OF_23_JULY, second, first_again).changed_after_slot is None


def test_a_month_read_after_an_exact_slot_has_passed_is_a_change_after_the_slot() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(WHOLE_JULY, utc(7, 24)))
    assert event_kinds(found)[-1] is EventKind.CHANGED_AFTER_SLOT
    assert found.slot == july(23)


@pytest.mark.parametrize("slot_of_cancellation", [july(23), TO_BE_CONFIRMED], ids=["same slot", "no date"])
def test_a_release_cancelled_before_its_slot_has_no_slot_in_force_and_keeps_the_cancelled_slot_in_its_promise(
    slot_of_cancellation: Slot,
) -> None:
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(slot_of_cancellation, utc(7, 1)))
    assert (found.cancelled, found.slot) == (True, None)
    assert found.promise is not None
    assert found.promise.slot == july(23)


def test_a_release_announced_again_after_its_cancellation_counts_as_moved_and_reinstated() -> None:
    announced_again = promise_read(july(30), utc(7, 24))
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(july(23), utc(7, 1)), announced_again)
    assert (found.cancelled, found.slot, found.moved_from) == (False, july(30), PROMISE_OF_23_JULY)
    assert EventKind.REINSTATED in event_kinds(found)


def test_a_cancelled_release_stays_cancelled_if_it_is_confirmed_only_after_its_slot() -> None:
    # The slot is on 23 July. A promise of it that is read on 24 July is back-dated, so it changes nothing.
    confirmed_too_late = promise_read(july(23), utc(7, 24))
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(july(23), utc(7, 1)), confirmed_too_late)
    assert found.cancelled
    assert event_kinds(found)[-1] is EventKind.BACK_DATED


def test_a_slot_that_had_passed_when_it_was_read_is_back_dated_and_does_not_replace_the_slot_in_force() -> None:
    back_dated = promise_read(july(20), utc(7, 21))
    found = in_force(PROMISE_OF_23_JULY, back_dated)
    assert found.slot == july(23)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.BACK_DATED]


def test_a_time_announced_after_it_passed_does_not_refine_a_day() -> None:
    found = in_force(promise_read(day_slot(7, 23), utc(6, 1)), promise_read(july(23), AFTER_SLOT))
    assert found.slot == day_slot(7, 23)


def test_a_time_announced_before_it_has_passed_refines_its_day_and_is_no_move() -> None:
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
    # Notice is counted from the read on 20 July to the old slot on 23 July. Less than 28 days is short.
    assert found.short_notice.days == 23 - 20


def test_an_unreadable_text_withdraws_no_promise() -> None:
    assert in_force(PROMISE_OF_23_JULY, promise_read(UNREADABLE, utc(7, 1))).slot == july(23)


def test_a_slot_is_withdrawn_if_the_calendar_then_says_only_its_month() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(WHOLE_JULY, utc(6, 10)))
    assert (found.slot, found.moved_from, found.withdrawn) == (WHOLE_JULY, PROMISE_OF_23_JULY, (PROMISE_OF_23_JULY,))
    assert event_kinds(found)[-1] is EventKind.PRECISION_LOWERED


def test_a_shift_within_the_day_is_a_change_of_time() -> None:
    found = in_force(PROMISE_OF_23_JULY, promise_read(july(23, hour=11), utc(6, 2)))
    assert event_kinds(found)[-1] is EventKind.TIME_CHANGED


@pytest.mark.parametrize(
    ("last_read_of_old_slot", "proven"),
    [(utc(7, 19), True), (utc(6, 1), False), (None, False)],
    ids=["within four weeks of the slot", "earlier", "not known"],
)
def test_short_notice_of_a_move_is_proven_only_if_the_old_slot_was_last_read_less_than_four_weeks_before_it(
    last_read_of_old_slot: datetime | None, *, proven: bool
) -> None:
    moved = promise_read(july(30), utc(7, 20), last_read_without=last_read_of_old_slot)
    notice = in_force(PROMISE_OF_23_JULY, moved).short_notice
    assert notice is not None
    assert (notice.since, notice.at, notice.proven) == (last_read_of_old_slot, utc(7, 20), proven)
    # Notice is counted from the read of the new slot on 20 July to the old slot on 23 July.
    assert notice.days == 23 - 20


def test_a_first_announcement_within_four_weeks_of_its_slot_is_short_notice_if_an_earlier_read_lacked_it() -> None:
    notice = in_force(promise_read(july(23), utc(7, 20), last_read_without=utc(7, 19))).short_notice
    assert notice is not None
    assert notice.what is EventKind.ANNOUNCED


def test_the_first_read_of_a_calendar_proves_no_short_notice() -> None:
    assert in_force(promise_read(july(23), utc(7, 22), last_read_without=None)).short_notice is None


def test_moving_a_provisional_date_is_never_short_notice() -> None:
    provisional = promise_read(july(23), utc(6, 1), state=State.PROVISIONAL)
    assert in_force(provisional, promise_read(july(30), utc(7, 20))).short_notice is None


def test_the_slot_of_the_primary_calendar_is_in_force_and_the_slot_of_another_one_is_a_disagreement() -> None:
    # The other calendar is read an hour earlier.
    other = promise_read(july(23, hour=9), utc(7, 1, 7), OTHER)
    found = in_force(other, promise_read(july(23, hour=8), utc(7, 1)))
    assert (found.slot, found.disagreements) == (july(23, hour=8), (other,))
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 1
    assert found.withdrawn == ()


def test_without_a_primary_calendar_the_slot_of_the_one_that_announced_first_is_in_force() -> None:
    first, second = promise_read(july(24), utc(7, 1), "first"), promise_read(july(23), utc(7, 2), "second")
    assert in_force(first, second, calendars=()).slot == july(24)


def test_calendars_that_come_to_agree_disagree_no_longer() -> None:
    differs, agrees = promise_read(july(24), utc(7, 1), OTHER), promise_read(july(23), utc(7, 2), OTHER)
    assert in_force(PROMISE_OF_23_JULY, differs).disagreements == (differs,)
    assert in_force(PROMISE_OF_23_JULY, differs, agrees).disagreements == ()


def test_a_month_of_the_primary_calendar_is_not_replaced_by_a_time_of_another_calendar() -> None:
    found = in_force(promise_read(WHOLE_JULY, utc(7, 1)), promise_read(july(23), utc(7, 1), OTHER))
    assert (found.slot, found.disagreements) == (WHOLE_JULY, ())


MINUTE = timedelta(minutes=1)
SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT = replace(PROMISE_OF_23_JULY, confirmed_at=SLOT - 10 * MINUTE)


def read_10_minutes_after_slot(slot: Slot, **fields: object) -> Promise:
    """Return an entry that the read 10 minutes before SLOT did not show yet."""
    return replace(promise_read(slot, SLOT + 10 * MINUTE, last_read_without=SLOT - 10 * MINUTE), **fields)


def test_entry_added_by_hand_is_never_announced_or_cancelled_at_short_notice() -> None:
    # The slot is on 23 July. If a producer announced or cancelled it on 20 or 21 July, that would be short notice. But
    # the read of an entry by hand only shows when a person typed it.
    added = promise_read(july(23), utc(7, 20), BY_HAND, last_read_without=utc(7, 19))
    removed = promise_read(july(23), utc(7, 21), BY_HAND, State.CANCELLED, last_read_without=utc(7, 20))
    assert in_force(added).short_notice is None
    found = in_force(added, removed)
    assert (found.cancelled, found.short_notice) == (True, None)


def test_an_entry_added_by_hand_disagrees_with_another_calendar_until_it_is_removed() -> None:
    added = promise_read(july(24), utc(6, 2), BY_HAND)
    removed = cancellation_read(july(24), utc(6, 3), BY_HAND)
    assert in_force(PROMISE_OF_23_JULY, added).disagreements == (added,)
    found = in_force(PROMISE_OF_23_JULY, added, removed)
    assert (found.slot, found.cancelled, found.disagreements) == (july(23), False, ())


def test_after_a_removal_by_hand_the_disagreement_of_other_calendars_remains() -> None:
    differing = promise_read(july(25), utc(6, 1), OTHER)
    added = promise_read(july(24), utc(6, 2), BY_HAND)
    removed = cancellation_read(july(24), utc(6, 3), BY_HAND)
    assert in_force(PROMISE_OF_23_JULY, differing, added, removed).disagreements == (differing,)


@pytest.mark.parametrize(
    "change",
    [read_10_minutes_after_slot(july(24)), read_10_minutes_after_slot(july(23), state=State.CANCELLED)],
    ids=["another slot", "cancellation"],
)
def test_a_change_between_a_read_before_the_slot_and_one_after_it_is_in_doubt(change: Promise) -> None:
    # The read 10 minutes before the slot shows 23 July, and the read 10 minutes after it the change. So no one knows
    # whether the change was made before the slot.
    assert in_force(SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, change).in_doubt == (change,)


def test_an_unchanged_promise_read_after_the_slot_makes_no_doubt() -> None:
    # The reads 10 minutes before and 10 minutes after the slot show the same slot.
    unchanged = read_10_minutes_after_slot(july(23))
    assert in_force(SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, unchanged).in_doubt == ()


@pytest.mark.parametrize(
    ("last_read_of_old_slot", "is_in_doubt"), [(SLOT - MINUTE, True), (SLOT, False)], ids=["before", "at the slot"]
)
@pytest.mark.parametrize("recorded_with", ["old slot", "new slot"])
def test_a_change_read_after_the_slot_is_in_doubt_only_if_the_last_read_without_it_was_before_the_slot(
    last_read_of_old_slot: datetime, recorded_with: str, *, is_in_doubt: bool
) -> None:
    # That read is stored as the last one that showed the old slot (`confirmed_at`), or as the last one that did not
    # show the change (`unlearnt`). The later of the two counts.
    old, change = SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, read_10_minutes_after_slot(july(24))
    if recorded_with == "old slot":
        old = replace(old, confirmed_at=last_read_of_old_slot)
    else:
        change = replace(change, unlearnt=last_read_of_old_slot)
    assert in_force(old, change).in_doubt == ((change,) if is_in_doubt else ())


@pytest.mark.parametrize(
    "read_before", [[], [promise_read(july(23), utc(6, 2), OTHER)]], ids=["its first entry", "a change"]
)
def test_an_entry_of_another_calendar_makes_no_doubt_about_the_primary_one(read_before: list[Promise]) -> None:
    # The other calendar showed 24 July 10 minutes after the slot and not yet 10 minutes before it. The same entry of
    # the primary calendar would be in doubt.
    around_slot = read_10_minutes_after_slot(july(24), calendar=OTHER)
    assert in_force(SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, *read_before, around_slot).in_doubt == ()


@pytest.mark.parametrize(
    ("last_read_of_old_slot", "is_in_doubt"),
    [(utc(7, 23, 7, 55), True), (utc(7, 23, 8, 1), False)],
    ids=["before the new time", "after the new time"],
)
def test_a_back_dated_slot_is_in_doubt_only_if_the_old_slot_was_last_read_before_the_new_time(
    last_read_of_old_slot: datetime, *, is_in_doubt: bool
) -> None:
    known = replace(PROMISE_OF_23_JULY, confirmed_at=last_read_of_old_slot)
    # The slot of 8:30 is moved to 8:00, and that is read only at 8:05.
    moved_to_eight = promise_read(instant_slot(7, 23, 8, 0), utc(7, 23, 8, 5), last_read_without=last_read_of_old_slot)
    found = in_force(known, moved_to_eight)
    assert (found.slot, event_kinds(found)[-1]) == (july(23), EventKind.BACK_DATED)
    assert found.in_doubt == ((moved_to_eight,) if is_in_doubt else ())


def test_a_calendar_that_the_release_does_not_name_ranks_below_those_that_it_names() -> None:
    unnamed = promise_read(july(24), utc(6, 1), "unnamed")
    named = promise_read(july(23), utc(6, 2), "named")
    found = in_force(unnamed, named, calendars=["not read yet", "named"])
    assert found.promise == named
    assert found.disagreements == (unnamed,)
    assert found.withdrawn == ()


def test_calendars_that_differ_make_one_event_until_they_agree() -> None:
    # The primary calendar says 23 July. The other one says 24 July and then 25 July, so it never agrees in between.
    differs, still_differs = promise_read(july(24), utc(6, 2), OTHER), promise_read(july(25), utc(6, 3), OTHER)
    found = in_force(PROMISE_OF_23_JULY, differs, still_differs)
    (event,) = [event for event in found.events if event.what is EventKind.CALENDARS_DISAGREE]
    assert (event.before, event.after, event.detail) == (july(23), july(24), OTHER)


def test_calendars_that_differ_again_make_a_second_event() -> None:
    differs, agrees = promise_read(july(24), utc(6, 2), OTHER), promise_read(july(23), utc(6, 3), OTHER)
    differs_again = promise_read(july(26), utc(6, 4), OTHER)
    found = in_force(PROMISE_OF_23_JULY, differs, agrees, differs_again)
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 2


@pytest.mark.parametrize(
    ("primary_slot", "other_slot", "differ"),
    [
        (july(23), july(24), True),
        (july(23), day_slot(7, 23), False),
        (day_slot(7, 23), july(23), False),
        (july(23), WHOLE_JULY, False),
        (WHOLE_JULY, july(23), False),
        (july(23), TO_BE_CONFIRMED, False),
        (day_slot(7, 23), day_slot(7, 24), True),
    ],
)
def test_calendars_differ_unless_one_slot_is_inside_the_other_or_has_no_date(
    primary_slot: Slot, other_slot: Slot, *, differ: bool
) -> None:
    found = in_force(promise_read(primary_slot, utc(6, 1)), promise_read(other_slot, utc(6, 2), OTHER))
    assert bool(found.disagreements) is differ


def test_calendars_differ_if_only_one_cancels() -> None:
    cancelled = cancellation_read(july(23), utc(6, 2), OTHER)
    assert in_force(PROMISE_OF_23_JULY, cancelled).disagreements == (cancelled,)


def test_calendars_that_both_cancel_agree_whatever_slot_they_name() -> None:
    found = in_force(cancellation_read(july(23), utc(6, 1)), cancellation_read(july(24), utc(6, 2), OTHER))
    assert found.disagreements == ()


DAY_BY_PRIMARY = promise_read(day_slot(7, 23), utc(6, 1), PRIMARY)
TIME_BY_OTHER = promise_read(july(23), utc(6, 2), OTHER)
"""Promises of the two calendars: only a day, and a time on that day."""


def test_a_day_of_the_primary_calendar_takes_its_time_from_another_calendar() -> None:
    assert in_force(DAY_BY_PRIMARY, TIME_BY_OTHER).promise == TIME_BY_OTHER


@pytest.mark.parametrize(
    "change",
    [{"doubt": "zone"}, {"slot": replace(july(23), doubt="zone")}, {"state": State.CANCELLED}, {"slot": july(24)}],
    ids=["doubtful entry", "doubtful slot", "cancelled", "on another day"],
)
def test_a_day_takes_no_time_from_a_promise_of_another_calendar_that_is_doubtful_cancelled_or_for_another_day(
    change: dict[str, object],
) -> None:
    # The primary calendar says 23 July without a time. The other calendar's promise of 08:30 UTC on that day would add
    # its time, but each case makes it unsuitable.
    unsuitable = replace(TIME_BY_OTHER, **change)
    assert in_force(DAY_BY_PRIMARY, unsuitable).promise == DAY_BY_PRIMARY


def test_a_cancelled_day_takes_no_time_from_another_calendar() -> None:
    # The primary calendar cancels 23 July. The other calendar still gives a time of that day.
    cancelled = replace(DAY_BY_PRIMARY, state=State.CANCELLED)
    assert in_force(cancelled, TIME_BY_OTHER).promise == cancelled


@pytest.mark.parametrize("vague", [WHOLE_JULY, TO_BE_CONFIRMED], ids=["a month", "no date yet"])
def test_a_more_precise_slot_withdraws_no_promise(vague: Slot) -> None:
    assert in_force(promise_read(vague, utc(6, 1)), promise_read(july(23), utc(6, 2))).withdrawn == ()


PROMISES_OF_18_20_AND_25_JULY = tuple(promise_read(july(day), utc(6, 1, hour)) for hour, day in enumerate((18, 20, 25)))


@pytest.mark.parametrize(
    ("withdrawn", "moved_from"),
    [(PROMISES_OF_18_20_AND_25_JULY, july(20)), (PROMISES_OF_18_20_AND_25_JULY[2:], july(25))],
    ids=["earlier and later slots", "only a later slot"],
)
def test_moved_from_prefers_a_withdrawn_promise_of_an_earlier_slot_to_a_newer_one_of_a_later_slot(
    withdrawn: tuple[Promise, ...], moved_from: Slot
) -> None:
    # In the first case the calendar promised 18, 20 and 25 July, one after the other. In the second case it promised
    # only 25 July. Then it promised 23 July, which is in force. A release counts as moved if a promised time passes
    # before its slot. So `moved_from` is the newest promise for a time before 23 July: 20 July. If there is none, it is
    # the newest promise of all: 25 July.
    found = in_force(*withdrawn, promise_read(july(23), utc(6, 2)))
    assert found.withdrawn == withdrawn
    assert found.moved_from is not None
    assert found.moved_from.slot == moved_from


SAME_PROMISE_OF_OTHER = replace(PROMISE_OF_23_JULY, calendar=OTHER)


def test_an_entry_read_after_the_slot_is_a_change_only_if_it_differs_from_the_last_entry_of_its_own_calendar() -> None:
    # Both calendars promised 23 July. After it, the primary one shows 30 July twice, and the other one still 23 July.
    changed = promise_read(july(30), AFTER_SLOT)
    unchanged = promise_read(july(23), AFTER_SLOT + HOUR, OTHER)
    changed_entry_again = promise_read(july(30), AFTER_SLOT + 2 * HOUR)
    found = in_force(PROMISE_OF_23_JULY, SAME_PROMISE_OF_OTHER, changed, unchanged, changed_entry_again)
    assert found.changed_after_slot == changed
    assert event_kinds(found).count(EventKind.CHANGED_AFTER_SLOT) == 1


def test_an_earlier_slot_that_is_read_only_after_the_slot_in_force_is_back_dated() -> None:
    # The slot in force is on 23 July. An hour after it, the calendar shows 22 July, which has passed too.
    back_dated = promise_read(july(22), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, back_dated)
    assert found.changed_after_slot is None
    assert EventKind.BACK_DATED in event_kinds(found)


OTHERS_JUNE_SLOT_READ_TOO_LATE = promise_read(instant_slot(6, 1), utc(6, 5), OTHER)
JULY_SLOT_AHEAD = promise_read(july(23), utc(6, 10))


def test_a_slot_that_had_passed_at_its_first_read_is_replaced_by_the_first_entry_of_the_primary_calendar() -> None:
    # The other calendar's slot, 1 June, was read only on 5 June. On 10 June the primary calendar shows 23 July.
    found = in_force(OTHERS_JUNE_SLOT_READ_TOO_LATE, JULY_SLOT_AHEAD)
    assert (found.promise, found.is_first_read_after_slot) == (JULY_SLOT_AHEAD, False)
    assert found.changed_after_slot is None


@pytest.mark.parametrize(
    "history",
    [
        [replace(OTHERS_JUNE_SLOT_READ_TOO_LATE, learnt=utc(5, 5)), JULY_SLOT_AHEAD],
        [OTHERS_JUNE_SLOT_READ_TOO_LATE, promise_read(instant_slot(6, 2), utc(6, 10))],
        [replace(OTHERS_JUNE_SLOT_READ_TOO_LATE, calendar=PRIMARY), replace(JULY_SLOT_AHEAD, calendar=OTHER)],
    ],
    ids=["the slot was read in time", "the new slot has passed too", "the new entry is of another calendar"],
)
def test_a_passed_slot_stays_if_read_in_time_or_if_the_new_entry_is_past_or_of_another_calendar(
    history: list[Promise],
) -> None:
    # A slot of 1 June that was first read on 5 June is replaced if the primary calendar shows 23 July on 10 June. Each
    # case differs from that in one way.
    assert in_force(*history).slot == OTHERS_JUNE_SLOT_READ_TOO_LATE.slot


@pytest.mark.parametrize(
    ("last_shown", "announced_as_of"),
    [(None, PROMISE_OF_23_JULY.learnt), (SLOT - MINUTE, SLOT - MINUTE), (SLOT + MINUTE, SLOT)],
    ids=["read once", "before the slot", "after the slot"],
)
def test_a_slot_was_announced_as_of_its_last_read_but_at_the_latest_when_it_passed(
    last_shown: datetime | None, announced_as_of: datetime
) -> None:
    # The promise was first read on 1 June (`learnt`), and last at `last_shown`. `announced_as_of` is the time of its
    # last read, or SLOT if that is earlier.
    assert in_force(replace(PROMISE_OF_23_JULY, confirmed_at=last_shown)).announced_as_of == announced_as_of


def test_a_slot_that_had_passed_at_its_first_read_counts_as_announced_at_its_last_read() -> None:
    # For a slot that was read in time, no read after the slot counts. Here there are only such reads.
    first_read, last_read = SLOT + 5 * MINUTE, SLOT + 6 * MINUTE
    promise = replace(promise_read(july(23), first_read), confirmed_at=last_read)
    assert in_force(promise).announced_as_of == last_read


def test_a_first_entry_that_is_a_cancellation_without_a_date_is_the_promise_in_force() -> None:
    cancellation = cancellation_read(TO_BE_CONFIRMED, utc(6, 1))
    found = in_force(cancellation)
    assert (found.cancelled, found.promise) == (True, cancellation)


def test_short_notice_depends_on_the_days_that_count_as_short() -> None:
    planned = promise_read(july(30), utc(6, 1))
    # The change is read 30 - 16 = 14 days before the old slot: short if 28 days are required, enough if 3 are.
    brought_forward = promise_read(july(23), utc(7, 16), last_read_without=utc(7, 15))
    found = in_force(planned, brought_forward, notice_days=28)
    assert found.short_notice is not None
    (event,) = [event for event in found.events if event.what is EventKind.SHORT_NOTICE]
    assert (event.before, event.detail) == (july(30), "14 days")
    assert in_force(planned, brought_forward, notice_days=3).short_notice is None


def test_a_cancellation_read_before_the_slot_cancels_the_release_even_if_the_time_that_it_names_has_passed() -> None:
    names_a_passed_time = cancellation_read(instant_slot(6, 1), utc(6, 10))
    found = in_force(PROMISE_OF_23_JULY, names_a_passed_time)
    assert (found.cancelled, EventKind.BACK_DATED in event_kinds(found)) == (True, False)


def promise_written_as(raw: str, instant: datetime, learnt: datetime) -> Promise:
    """Return a promise whose calendar writes this instant as `raw`."""
    slot = instant_slot(instant.month, instant.day, instant.hour, instant.minute)
    return promise_read(replace(slot, raw=raw), learnt)


WITH_OFFSET = promise_written_as("2026-07-23T09:30:00+01:00", utc(7, 23, 8, 30), utc(6, 1))
WITHOUT_OFFSET = promise_written_as("2026-07-23T09:30:00Z", utc(7, 23, 9, 30), utc(6, 2))


def test_the_same_written_time_without_its_offset_is_a_doubt_and_no_new_slot() -> None:
    # The calendar writes 09:30+01:00 on 1 June and 09:30Z on 2 June. Perhaps only the offset was lost.
    found = in_force(WITH_OFFSET, WITHOUT_OFFSET)
    assert (found.slot, found.in_doubt, found.withdrawn) == (WITH_OFFSET.slot, (WITHOUT_OFFSET,), ())


def test_an_offset_that_comes_back_ends_the_doubt() -> None:
    # The calendar writes 09:30+01:00, then 09:30Z (perhaps only the offset was lost), then 09:30+01:00 again.
    with_offset_again = replace(WITH_OFFSET, learnt=utc(6, 3))
    assert in_force(WITH_OFFSET, WITHOUT_OFFSET, with_offset_again).in_doubt == ()


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-07-23T10:30:00+01:00", utc(7, 23, 9, 30)),
        ("2026-07-23T09:30:00+00:30", utc(7, 23, 9, 0)),
        ("23 July 2026 10.30am", utc(7, 23, 9, 30)),
    ],
)
def test_a_changed_time_is_a_new_slot_without_doubt_unless_only_the_offset_of_the_zone_was_lost(
    written: str, instant: datetime
) -> None:
    # The calendar first wrote 2026-07-23T09:30:00+01:00. The same 09:30 without +01:00 would be a doubt: an instant
    # that is an hour later, perhaps only because the offset was lost. Here the written time or offset differs.
    moved = promise_written_as(written, instant, utc(6, 2))
    found = in_force(WITH_OFFSET, moved)
    assert (found.slot, found.in_doubt) == (moved.slot, ())


_slots = st.one_of(
    st.datetimes(datetime(2026, 7, 1), datetime(2026, 7, 20)).map(  # noqa: DTZ001 -- made aware in the next call
        lambda wall: Slot(Precision.INSTANT, instant=wall.replace(tzinfo=UTC))
    ),
    st.dates(date(2026, 7, 1), date(2026, 7, 20)).map(lambda day: Slot(Precision.DAY, first=day, last=day)),
    st.sampled_from([WHOLE_JULY, TO_BE_CONFIRMED, UNREADABLE]),
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
def test_a_slot_that_was_in_force_when_it_passed_stays_in_force_whatever_is_read_later(
    history: list[Promise], days: int, calendars: tuple[str, ...]
) -> None:
    now = utc(6, 1) + timedelta(days=days)
    found = in_force(*history, now=now, calendars=calendars)
    end = None if found.slot is None else found.slot.passes()
    if end is not None and end <= now and not found.is_first_read_after_slot:
        # Without `now`, promises that are read later than `now` count too.
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
