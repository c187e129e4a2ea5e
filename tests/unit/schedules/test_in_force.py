"""Which promise counted when its slot passed, also if calendars disagree or a change may have come
in time.
"""

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
DAY_BY_PRIMARY = promise_read(day_slot(7, 23), utc(6, 1), PRIMARY)
TIME_BY_OTHER = promise_read(july(23), utc(6, 2), OTHER)
"""Promises of the two calendars: only a day, and a time on that day."""


def cancellation_read(slot: Slot, learnt: datetime, calendar: str = PRIMARY) -> Promise:
    return promise_read(slot, learnt, calendar, State.CANCELLED)


def in_force(
    *history: Promise,
    now: datetime = IN_2027,
    calendars: Sequence[str] = (PRIMARY, OTHER),
    notice_days: int = 28,
) -> InForce:
    """Return what is in force for a release in these calendars, the one that rules first."""
    release = Release(
        "x", "Road fuel prices", "dft", "https://dft.example/fuel", (), tuple(calendars)
    )
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


def test_change_before_slot_moves_it_and_remembers_old_slot() -> None:
    """The slot is on 23 July. On 25 June the calendar moves it to 30 July. That is 28 days before
    the old slot. Fewer would be short notice.
    """
    moved = promise_read(july(30), utc(6, 25))
    found = in_force(PROMISE_OF_23_JULY, moved)
    assert found.slot == july(30)
    assert found.moved_from == found.first_announced == PROMISE_OF_23_JULY
    assert found.replaced_promises == (PROMISE_OF_23_JULY,)
    assert found.short_notice is None


def test_change_read_after_slot_is_kept_as_second_promise() -> None:
    """An hour after the slot of 23 July, the calendar shows 24 July. People waited for 23 July, so
    it stays in force.
    """
    second = promise_read(july(24), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, second)
    assert (found.slot, found.changed_after_slot, found.moved_from) == (july(23), second, None)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.CHANGED_AFTER_SLOT]


def test_read_at_the_instant_of_slot_is_too_late() -> None:
    change_read_at_slot = promise_read(july(24), learnt=SLOT)
    assert in_force(PROMISE_OF_23_JULY, change_read_at_slot).slot == july(23)


def test_cancellation_read_after_slot_is_kept_as_second_promise() -> None:
    """An hour after the slot of 23 July, it is cancelled.

    It was promised until it passed, so that cancels nothing.
    """
    cancellation = cancellation_read(july(23), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, cancellation)
    assert found.changed_after_slot == cancellation
    assert (found.slot, found.cancelled) == (july(23), False)


def test_second_promise_is_dropped_if_calendar_returns_to_first() -> None:
    """After the slot of 23 July the calendar shows 24 July, which is kept as a second promise. An
    hour later it shows 23 July again.
    """
    second, first_again = (
        promise_read(july(24), AFTER_SLOT),
        promise_read(july(23), AFTER_SLOT + HOUR),
    )
    assert in_force(PROMISE_OF_23_JULY, second, first_again).changed_after_slot is None


def test_slot_stays_if_calendar_later_gives_only_its_month() -> None:
    """The calendar promised 23 July at a time. On 24 July it says only “July”. People waited for
    the 23rd by then, so that stays in force.
    """
    only_month = promise_read(WHOLE_JULY, utc(7, 24))
    found = in_force(PROMISE_OF_23_JULY, only_month)
    assert found.slot == july(23)
    assert event_kinds(found)[-1] is EventKind.CHANGED_AFTER_SLOT


@pytest.mark.parametrize(
    "slot_of_cancellation", [july(23), TO_BE_CONFIRMED], ids=["same slot", "no date"]
)
def test_promise_of_a_cancelled_release_still_has_its_slot(slot_of_cancellation: Slot) -> None:
    """The release of 23 July is cancelled on 1 July, with that date or without one. No slot is in
    force then, but people can still see which one was cancelled.
    """
    found = in_force(PROMISE_OF_23_JULY, cancellation_read(slot_of_cancellation, utc(7, 1)))
    assert (found.cancelled, found.slot) == (True, None)
    assert found.promise is not None
    assert found.promise.slot == july(23)


def test_release_announced_again_after_cancellation_is_moved_and_reinstated() -> None:
    """The release of 23 July is cancelled on 1 July.

    On 24 July, the calendar announces it again, for 30 July.
    """
    cancellation, announced_again = (
        cancellation_read(july(23), utc(7, 1)),
        promise_read(july(30), utc(7, 24)),
    )
    found = in_force(PROMISE_OF_23_JULY, cancellation, announced_again)
    assert (found.cancelled, found.slot, found.moved_from) == (False, july(30), PROMISE_OF_23_JULY)
    assert EventKind.REINSTATED in event_kinds(found)


def test_release_confirmed_after_its_slot_stays_cancelled() -> None:
    """The release of 23 July is cancelled on 1 July. On 24 July, the calendar again shows 23 July.
    That slot has passed by then, so it is back-dated and changes nothing.
    """
    cancellation, confirmed_too_late = (
        cancellation_read(july(23), utc(7, 1)),
        promise_read(july(23), utc(7, 24)),
    )
    found = in_force(PROMISE_OF_23_JULY, cancellation, confirmed_too_late)
    assert found.cancelled
    assert event_kinds(found)[-1] is EventKind.BACK_DATED


def test_slot_read_after_it_passed_is_back_dated() -> None:
    """The slot of 23 July is in force.

    On 21 July the calendar shows 20 July, which has passed and replaces nothing.
    """
    read_a_day_late = promise_read(july(20), utc(7, 21))
    found = in_force(PROMISE_OF_23_JULY, read_a_day_late)
    assert found.slot == july(23)
    assert event_kinds(found) == [EventKind.ANNOUNCED, EventKind.BACK_DATED]


def test_time_announced_after_it_passed_does_not_refine_day() -> None:
    """The primary calendar first says only 23 July.

    At 9:30 that day, it adds the time 8:30, which has passed.
    """
    time_of_that_day = promise_read(july(23), AFTER_SLOT)
    assert in_force(DAY_BY_PRIMARY, time_of_that_day).slot == day_slot(7, 23)


def test_time_announced_before_it_passed_refines_its_day() -> None:
    """The primary calendar first says only 23 July. At 7:30 that day, it adds the time 8:30. That
    is more precise, but no move.
    """
    time_of_that_day = promise_read(july(23), BEFORE_SLOT)
    found = in_force(DAY_BY_PRIMARY, time_of_that_day)
    assert (found.slot, found.moved_from) == (july(23), None)
    assert event_kinds(found)[-1] is EventKind.PRECISION_RAISED


def test_a_slot_first_read_after_it_passed_is_reported_as_such() -> None:
    found = in_force(promise_read(july(23), AFTER_SLOT))
    assert found.is_first_read_after_slot
    assert event_kinds(found) == [EventKind.FIRST_SEEN_AFTER_SLOT]


def test_promises_read_later_than_now_do_not_count_yet() -> None:
    """On 1 June a calendar promised 23 July, and on 25 June it moves that to 30 July.

    It is 10 June now.
    """
    later = promise_read(july(30), utc(6, 25))
    assert in_force(PROMISE_OF_23_JULY, later, now=utc(6, 10)).slot == july(23)


def test_date_replaced_by_to_be_confirmed_is_short_notice() -> None:
    """Notice is counted from the read on 20 July to the old slot on 23 July.

    Less than 28 days is short.
    """
    date_withdrawn = promise_read(TO_BE_CONFIRMED, utc(7, 20), last_read_without=utc(7, 19))
    found = in_force(PROMISE_OF_23_JULY, date_withdrawn)
    assert found.replaced_promises == (PROMISE_OF_23_JULY,)
    assert found.short_notice is not None
    assert found.short_notice.days == 23 - 20


def test_an_unreadable_text_withdraws_no_promise() -> None:
    assert in_force(PROMISE_OF_23_JULY, promise_read(UNREADABLE, utc(7, 1))).slot == july(23)


def test_slot_is_withdrawn_if_calendar_then_says_only_month() -> None:
    """The calendar promised 23 July at a time.

    On 10 June, weeks before that, it says only “July” instead.
    """
    only_month = promise_read(WHOLE_JULY, utc(6, 10))
    found = in_force(PROMISE_OF_23_JULY, only_month)
    assert (found.slot, found.moved_from) == (WHOLE_JULY, PROMISE_OF_23_JULY)
    assert found.replaced_promises == (PROMISE_OF_23_JULY,)
    assert event_kinds(found)[-1] is EventKind.PRECISION_LOWERED


def test_a_shift_within_the_day_is_a_change_of_time() -> None:
    three_hours_later = promise_read(july(23, hour=8 + 3), utc(6, 2))
    found = in_force(PROMISE_OF_23_JULY, three_hours_later)
    assert event_kinds(found)[-1] is EventKind.TIME_CHANGED


@pytest.mark.parametrize(
    ("last_read_before_the_move", "is_proven"),
    [(utc(7, 19), True), (utc(6, 1), False), (None, False)],
    ids=["four days before the old slot", "seven weeks before it", "not known"],
)
def test_short_notice_is_proven_only_by_read_within_four_weeks(
    last_read_before_the_move: datetime | None, *, is_proven: bool
) -> None:
    """The old slot is 23 July, and less than four weeks of notice are short. The move is read on 20
    July. If the read of 19 July did not show it yet, the short notice is proven. If the last read
    without it was on 1 June, the calendar may have moved the slot in good time.
    """
    move = promise_read(july(30), utc(7, 20), last_read_without=last_read_before_the_move)
    notice = in_force(PROMISE_OF_23_JULY, move).short_notice
    assert notice is not None
    assert notice.proven is is_proven
    assert (notice.since, notice.at) == (last_read_before_the_move, utc(7, 20))
    assert notice.days == 23 - 20


def test_late_announcement_is_short_notice_if_earlier_read_lacked_it() -> None:
    """The slot is 23 July. It was first read on 20 July, and the read of 19 July did not show it
    yet. So it was announced three or four days before, which is less than 28.
    """
    announced = promise_read(july(23), utc(7, 20), last_read_without=utc(7, 19))
    notice = in_force(announced).short_notice
    assert notice is not None
    assert notice.what is EventKind.ANNOUNCED


def test_the_first_read_of_a_calendar_proves_no_short_notice() -> None:
    """Without an earlier read, no one knows how long the calendar had shown the slot."""
    first_read_shows_it = promise_read(july(23), utc(7, 22), last_read_without=None)
    assert in_force(first_read_shows_it).short_notice is None


def test_moving_a_provisional_date_is_never_short_notice() -> None:
    provisional = promise_read(july(23), utc(6, 1), state=State.PROVISIONAL)
    moved_3_days_before = promise_read(july(30), utc(7, 20))
    assert in_force(provisional, moved_3_days_before).short_notice is None


def test_primary_slot_counts_and_differing_slot_is_a_disagreement() -> None:
    """The other calendar says 9:30 on 23 July. The primary one, read an hour later, says 8:30."""
    other = promise_read(july(23, hour=9), utc(7, 1, 7), OTHER)
    primary = promise_read(july(23, hour=8), utc(7, 1))
    found = in_force(other, primary)
    assert (found.slot, found.disagreements) == (july(23, hour=8), (other,))
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 1
    assert found.replaced_promises == ()


def test_without_primary_calendar_the_first_announced_slot_counts() -> None:
    """No calendar of the release is configured as primary. The calendar `first` announced 24 July
    on 1 July, and `second` announced 23 July a day later.
    """
    first, second = (
        promise_read(july(24), utc(7, 1), "first"),
        promise_read(july(23), utc(7, 2), "second"),
    )
    assert in_force(first, second, calendars=()).slot == july(24)


def test_calendars_that_come_to_agree_disagree_no_longer() -> None:
    """The primary calendar says 23 July.

    The other one first says 24 July, and a day later 23 July too.
    """
    differs, agrees = (
        promise_read(july(24), utc(7, 1), OTHER),
        promise_read(july(23), utc(7, 2), OTHER),
    )
    assert in_force(PROMISE_OF_23_JULY, differs).disagreements == (differs,)
    assert in_force(PROMISE_OF_23_JULY, differs, agrees).disagreements == ()


def test_month_of_primary_is_not_replaced_by_others_time() -> None:
    """The primary calendar says only July.

    The other one has a time on 23 July, which is no contradiction.
    """
    month_of_primary, time_of_other = (
        promise_read(WHOLE_JULY, utc(7, 1)),
        promise_read(july(23), utc(7, 1), OTHER),
    )
    found = in_force(month_of_primary, time_of_other)
    assert (found.slot, found.disagreements) == (WHOLE_JULY, ())


MINUTE = timedelta(minutes=1)
SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT = replace(PROMISE_OF_23_JULY, confirmed_at=SLOT - 10 * MINUTE)


def read_10_minutes_after_slot(slot: Slot, **fields: object) -> Promise:
    """Return an entry that the read 10 minutes before SLOT did not show yet."""
    return replace(
        promise_read(slot, SLOT + 10 * MINUTE, last_read_without=SLOT - 10 * MINUTE), **fields
    )


def test_entry_by_hand_is_never_at_short_notice() -> None:
    """The slot is on 23 July. If a producer announced or cancelled it on 20 or 21 July, that would
    be short notice. But the read of an entry by hand only shows when a person typed it.
    """
    added = promise_read(july(23), utc(7, 20), BY_HAND, last_read_without=utc(7, 19))
    removed = promise_read(
        july(23), utc(7, 21), BY_HAND, State.CANCELLED, last_read_without=utc(7, 20)
    )
    assert in_force(added).short_notice is None
    found = in_force(added, removed)
    assert (found.cancelled, found.short_notice) == (True, None)


def test_entry_by_hand_disagrees_until_it_is_removed() -> None:
    """A person adds the slot of 24 July and removes it a day later.

    The primary calendar says 23 July.
    """
    added = promise_read(july(24), utc(6, 2), BY_HAND)
    removed = cancellation_read(july(24), utc(6, 3), BY_HAND)
    assert in_force(PROMISE_OF_23_JULY, added).disagreements == (added,)
    found = in_force(PROMISE_OF_23_JULY, added, removed)
    assert (found.slot, found.cancelled, found.disagreements) == (july(23), False, ())


def test_disagreement_of_calendars_survives_removal_by_hand() -> None:
    """The other calendar says 25 July, not 23 July.

    A person adds 24 July and removes it, which changes nothing.
    """
    differing = promise_read(july(25), utc(6, 1), OTHER)
    added = promise_read(july(24), utc(6, 2), BY_HAND)
    removed = cancellation_read(july(24), utc(6, 3), BY_HAND)
    assert in_force(PROMISE_OF_23_JULY, differing, added, removed).disagreements == (differing,)


@pytest.mark.parametrize(
    "change",
    [
        read_10_minutes_after_slot(july(24)),
        read_10_minutes_after_slot(july(23), state=State.CANCELLED),
    ],
    ids=["another slot", "cancellation"],
)
def test_change_between_reads_around_the_slot_is_in_doubt(change: Promise) -> None:
    """The read 10 minutes before the slot shows 23 July. The read 10 minutes after it shows another
    slot or a cancellation. No one knows whether that change was made before the slot, so it is only
    a possible change.
    """
    assert in_force(SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, change).possible_changes == (change,)


def test_an_unchanged_promise_read_after_the_slot_makes_no_doubt() -> None:
    """The slot is at 8:30.

    The reads at 8:20 and 8:40 both show it. So there is no possible change before it passed.
    """
    unchanged = read_10_minutes_after_slot(july(23))
    assert in_force(SHOWN_UNTIL_10_MINUTES_BEFORE_SLOT, unchanged).possible_changes == ()


@pytest.mark.parametrize(
    ("old_slot_shown_until", "change_not_shown_until", "is_in_doubt"),
    [
        (SLOT - MINUTE, SLOT - 10 * MINUTE, True),
        (SLOT, SLOT - 10 * MINUTE, False),
        (SLOT - 10 * MINUTE, SLOT - MINUTE, True),
        (SLOT - 10 * MINUTE, SLOT, False),
    ],
    ids=[
        "old slot until before it",
        "old slot until it",
        "no change until before it",
        "no change until it",
    ],
)
def test_change_read_after_slot_is_in_doubt_without_read_at_slot(
    old_slot_shown_until: datetime, change_not_shown_until: datetime, *, is_in_doubt: bool
) -> None:
    """The slot is 23 July, 8:30. At 8:40 the calendar shows 24 July. If a read at 8:30 still showed
    23 July or lacked 24 July, the change came too late. If the last such read was at 8:29, it may
    have come in time: in doubt.
    """
    old = replace(PROMISE_OF_23_JULY, confirmed_at=old_slot_shown_until)
    change = promise_read(july(24), SLOT + 10 * MINUTE, last_read_without=change_not_shown_until)
    assert in_force(old, change).possible_changes == ((change,) if is_in_doubt else ())


@pytest.mark.parametrize(
    "earlier_entries_of_other",
    [[], [promise_read(july(23), utc(6, 2), OTHER)]],
    ids=["first entry of the other calendar", "change of its entry"],
)
def test_change_by_another_calendar_puts_no_doubt_on_primary_promise(
    earlier_entries_of_other: list[Promise],
) -> None:
    """The slot is 23 July, 8:30. The primary calendar showed it until 8:20. At 8:40, the other
    calendar shows 24 July instead of 23 July or of nothing. Its change may have come before 8:30,
    but only the primary one counts.
    """
    of_primary = replace(PROMISE_OF_23_JULY, confirmed_at=SLOT - 10 * MINUTE)
    of_other = promise_read(
        july(24), SLOT + 10 * MINUTE, OTHER, last_read_without=SLOT - 10 * MINUTE
    )
    assert in_force(of_primary, *earlier_entries_of_other, of_other).possible_changes == ()


@pytest.mark.parametrize(
    ("old_slot_shown_until", "is_in_doubt"),
    [(utc(7, 23, 7, 55), True), (utc(7, 23, 8, 1), False)],
    ids=["7:55", "8:01"],
)
def test_move_to_a_just_passed_time_may_be_in_doubt(
    old_slot_shown_until: datetime, *, is_in_doubt: bool
) -> None:
    """The slot of 8:30 is moved to 8:00, which the calendar shows at 8:05. If it still showed 8:30
    at 8:01, the move certainly came after 8:00. If it last showed 8:30 at 7:55, the move may have
    come before 8:00.
    """
    old = replace(PROMISE_OF_23_JULY, confirmed_at=old_slot_shown_until)
    eight, five_past_eight = instant_slot(7, 23, hour=8, minute=0), utc(7, 23, hour=8, minute=5)
    moved_to_eight = promise_read(eight, five_past_eight, last_read_without=old_slot_shown_until)
    found = in_force(old, moved_to_eight)
    # In both cases the slot of 8:30 stays in force.
    assert found.slot == instant_slot(7, 23, hour=8, minute=30)
    assert event_kinds(found)[-1] is EventKind.BACK_DATED
    assert found.possible_changes == ((moved_to_eight,) if is_in_doubt else ())


def test_configured_calendar_counts_over_one_that_was_read_first() -> None:
    """The release has two calendars in its configuration. The first of them has not been read
    yet.
    """
    not_configured = promise_read(july(24), utc(6, 1), calendar="feed")
    configured = promise_read(july(23), utc(6, 2), calendar="govuk")
    found = in_force(not_configured, configured, calendars=["ons", "govuk"])
    assert found.promise == configured
    assert found.disagreements == (not_configured,)
    assert found.replaced_promises == ()


def test_calendars_that_differ_make_one_event_until_they_agree() -> None:
    """The primary calendar says 23 July. The other one says 24 July and then 25 July, so it never
    agrees in between. The only event is of the first difference.
    """
    differs, still_differs = (
        promise_read(july(24), utc(6, 2), OTHER),
        promise_read(july(25), utc(6, 3), OTHER),
    )
    found = in_force(PROMISE_OF_23_JULY, differs, still_differs)
    (event,) = [event for event in found.events if event.what is EventKind.CALENDARS_DISAGREE]
    assert (event.before, event.after, event.detail) == (july(23), july(24), OTHER)


def test_calendars_that_differ_again_make_a_second_event() -> None:
    """The primary calendar says 23 July. The other one says 24 July, later agrees, and at last says
    26 July. So there are two events: of 24 and of 26 July.
    """
    differs, agrees = (
        promise_read(july(24), utc(6, 2), OTHER),
        promise_read(july(23), utc(6, 3), OTHER),
    )
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
def test_calendars_differ_unless_slots_are_nested_or_undated(
    primary_slot: Slot, other_slot: Slot, *, differ: bool
) -> None:
    """For example, a time on 23 July does not differ from the day 23 July, from the whole of July,
    or from “to be confirmed”. It differs from 24 July.
    """
    of_primary, of_other = (
        promise_read(primary_slot, utc(6, 1)),
        promise_read(other_slot, utc(6, 2), OTHER),
    )
    found = in_force(of_primary, of_other)
    assert bool(found.disagreements) is differ


def test_calendars_differ_if_only_one_cancels() -> None:
    cancelled = cancellation_read(july(23), utc(6, 2), OTHER)
    assert in_force(PROMISE_OF_23_JULY, cancelled).disagreements == (cancelled,)


def test_calendars_that_both_cancel_agree_whatever_slot_they_name() -> None:
    of_primary, of_other = (
        cancellation_read(july(23), utc(6, 1)),
        cancellation_read(july(24), utc(6, 2), OTHER),
    )
    assert in_force(of_primary, of_other).disagreements == ()


def test_day_of_primary_takes_time_from_another_calendar() -> None:
    """The primary calendar says only 23 July. The other one gives a time on that day."""
    assert in_force(DAY_BY_PRIMARY, TIME_BY_OTHER).promise == TIME_BY_OTHER


@pytest.mark.parametrize(
    "unsuitable_fields",
    [
        {"doubt": "zone"},
        {"slot": replace(july(23), doubt="zone")},
        {"state": State.CANCELLED},
        {"slot": july(24)},
    ],
    ids=["doubtful entry", "doubtful slot", "cancelled", "on another day"],
)
def test_day_of_primary_gets_no_time_from_unsuitable_promise(
    unsuitable_fields: dict[str, object],
) -> None:
    """The primary calendar says 23 July without a time. The other calendar's promise of 08:30 UTC
    on that day would add its time. But here it is doubtful, cancelled or for another day.
    """
    unsuitable = replace(TIME_BY_OTHER, **unsuitable_fields)
    assert in_force(DAY_BY_PRIMARY, unsuitable).promise == DAY_BY_PRIMARY


def test_cancellation_by_primary_calendar_overrules_a_later_promise_of_another() -> None:
    """On 1 June, the primary calendar cancels the release of 23 July. On 2 June, another one
    promises it for a time on that day. The cancellation is in force.
    """
    cancelled = promise_read(day_slot(7, 23), utc(6, 1), PRIMARY, State.CANCELLED)
    with_time = promise_read(july(23), utc(6, 2), OTHER)
    assert in_force(cancelled, with_time).promise == cancelled


@pytest.mark.parametrize("vague", [WHOLE_JULY, TO_BE_CONFIRMED], ids=["a month", "no date yet"])
def test_a_more_precise_slot_withdraws_no_promise(vague: Slot) -> None:
    """On 1 June the calendar says, for example, July, and on 2 June a time on 23 July."""
    vague_promise, precise_promise = (
        promise_read(vague, utc(6, 1)),
        promise_read(july(23), utc(6, 2)),
    )
    assert in_force(vague_promise, precise_promise).replaced_promises == ()


def test_moved_from_is_last_promise_of_a_time_before_slot() -> None:
    """The calendar said 18, then 20, then 25 and at last 23 July. People waited on 18 and on 20
    July. No one waited on 25 July, because 23 July was promised by then.
    """
    on_18, on_20 = promise_read(july(18), utc(6, 1)), promise_read(july(20), utc(6, 2))
    on_25, on_23 = promise_read(july(25), utc(6, 3)), promise_read(july(23), utc(6, 4))
    found = in_force(on_18, on_20, on_25, on_23)
    assert found.promise == on_23
    assert found.replaced_promises == (on_18, on_20, on_25)
    assert found.moved_from == on_20


def test_release_brought_forward_is_moved_from_its_last_promise() -> None:
    """The calendar first says 25 July, and a day later the earlier date 23 July."""
    on_25, on_23 = promise_read(july(25), utc(6, 3)), promise_read(july(23), utc(6, 4))
    found = in_force(on_25, on_23)
    assert found.promise == on_23
    assert found.replaced_promises == (on_25,)
    assert found.moved_from == on_25


SAME_PROMISE_OF_OTHER = replace(PROMISE_OF_23_JULY, calendar=OTHER)


def test_entry_read_after_slot_counts_only_if_its_calendar_changed() -> None:
    """Both calendars promised 23 July. After that slot, the primary calendar shows 30 July twice,
    which is one change. The other calendar still shows 23 July, which is none.
    """
    changed = promise_read(july(30), AFTER_SLOT)
    unchanged = promise_read(july(23), AFTER_SLOT + HOUR, OTHER)
    changed_entry_again = promise_read(july(30), AFTER_SLOT + 2 * HOUR)
    found = in_force(
        PROMISE_OF_23_JULY, SAME_PROMISE_OF_OTHER, changed, unchanged, changed_entry_again
    )
    assert found.changed_after_slot == changed
    assert event_kinds(found).count(EventKind.CHANGED_AFTER_SLOT) == 1


def test_earlier_slot_read_after_slot_in_force_is_back_dated() -> None:
    """The slot in force is on 23 July. An hour after it, the calendar shows 22 July, which has
    passed too. This does not count as a change after the slot.
    """
    back_dated = promise_read(july(22), AFTER_SLOT)
    found = in_force(PROMISE_OF_23_JULY, back_dated)
    assert found.changed_after_slot is None
    assert EventKind.BACK_DATED in event_kinds(found)


OTHERS_JUNE_SLOT_READ_TOO_LATE = promise_read(instant_slot(6, 1), utc(6, 5), OTHER)
JULY_SLOT_AHEAD = promise_read(july(23), utc(6, 10))


def test_slot_read_too_late_is_replaced_by_primary_entry() -> None:
    """Two calendars announce a release. The primary one decides. The other one showed the slot 1
    June, but was first read on 5 June. No one could wait for a slot that had passed. On 10 June the
    primary calendar shows 23 July, so that is the slot. It is neither read too late itself, nor a
    change made after a slot.
    """
    found = in_force(OTHERS_JUNE_SLOT_READ_TOO_LATE, JULY_SLOT_AHEAD)
    assert (found.promise, found.is_first_read_after_slot) == (JULY_SLOT_AHEAD, False)
    assert found.changed_after_slot is None


@pytest.mark.parametrize(
    ("first_read_on", "first_calendar", "later_slot", "later_calendar"),
    [
        (utc(5, 5), OTHER, july(23), PRIMARY),
        (utc(6, 5), OTHER, instant_slot(6, 2), PRIMARY),
        (utc(6, 5), PRIMARY, july(23), OTHER),
    ],
    ids=["it was read in time", "the later slot has passed too", "it is of the primary calendar"],
)
def test_passed_slot_is_not_replaced_by_another_calendar(
    first_read_on: datetime, first_calendar: str, later_slot: Slot, later_calendar: str
) -> None:
    """One calendar promised 1 June, which has passed. On 10 June another one announces a later
    slot, such as 23 July. 1 June stays in force if it was read in time or by the primary calendar,
    or if the later slot has passed too.
    """
    first = promise_read(instant_slot(6, 1), first_read_on, first_calendar)
    later = promise_read(later_slot, utc(6, 10), later_calendar)
    assert in_force(first, later).promise == first


@pytest.mark.parametrize(
    ("last_read", "announced_as_of"),
    [(None, utc(6, 1)), (SLOT - MINUTE, SLOT - MINUTE), (SLOT + MINUTE, SLOT)],
    ids=["read only once, on 1 June", "last read before the slot", "last read after the slot"],
)
def test_slot_is_announced_as_of_last_read_until_it_passed(
    last_read: datetime | None, announced_as_of: datetime
) -> None:
    """`announced_as_of` is when a read last showed the slot, at the latest when it passed. For
    example, a slot that was read on 1 June and a minute before it passed is announced as of that
    minute.
    """
    promise = promise_read(july(23), learnt=utc(6, 1))
    assert in_force(replace(promise, confirmed_at=last_read)).announced_as_of == announced_as_of


def test_slot_first_read_too_late_is_announced_as_of_last_read() -> None:
    """`announced_as_of` is when a read last showed the slot in time. This slot was first read 5
    minutes after it had passed, and again a minute later. No read showed it in time, so the last
    one counts.
    """
    first_read, last_read = SLOT + 5 * MINUTE, SLOT + 6 * MINUTE
    promise = replace(promise_read(july(23), first_read), confirmed_at=last_read)
    assert in_force(promise).announced_as_of == last_read


def test_cancellation_without_date_as_first_entry_is_in_force() -> None:
    cancellation = cancellation_read(TO_BE_CONFIRMED, utc(6, 1))
    found = in_force(cancellation)
    assert (found.cancelled, found.promise) == (True, cancellation)


def test_short_notice_depends_on_the_days_that_count_as_short() -> None:
    """The slot of 30 July is moved on 16 July. 30 - 16 = 14 days before the old slot are short
    notice if less than 28 days count as short, but not if only less than 3 do.
    """
    planned = promise_read(july(30), utc(6, 1))
    brought_forward = promise_read(july(23), utc(7, 16), last_read_without=utc(7, 15))
    found = in_force(planned, brought_forward, notice_days=28)
    assert found.short_notice is not None
    (event,) = [event for event in found.events if event.what is EventKind.SHORT_NOTICE]
    assert (event.before, event.detail) == (july(30), "14 days")
    assert in_force(planned, brought_forward, notice_days=3).short_notice is None


def test_cancellation_before_slot_counts_although_it_names_passed_time() -> None:
    """The slot is on 23 July.

    The cancellation is read in good time, on 10 June, but names 1 June, which has passed.
    """
    names_a_passed_time = cancellation_read(instant_slot(6, 1), utc(6, 10))
    found = in_force(PROMISE_OF_23_JULY, names_a_passed_time)
    assert (found.cancelled, EventKind.BACK_DATED in event_kinds(found)) == (True, False)


def promise_written_as(raw: str, instant: datetime, learnt: datetime) -> Promise:
    """Return a promise whose calendar writes this instant as `raw`."""
    slot = instant_slot(instant.month, instant.day, instant.hour, instant.minute)
    return promise_read(replace(slot, raw=raw), learnt)


WITH_OFFSET = promise_written_as("2026-07-23T09:30:00+01:00", utc(7, 23, 8, 30), utc(6, 1))
WITHOUT_OFFSET = promise_written_as("2026-07-23T09:30:00Z", utc(7, 23, 9, 30), utc(6, 2))


def test_same_time_without_its_offset_is_only_a_possible_change() -> None:
    """On 1 June the calendar writes 09:30+01:00, and on 2 June 09:30Z. Perhaps only the offset was
    lost. So the first slot stays in force, and the second one is a possible change.
    """
    found = in_force(WITH_OFFSET, WITHOUT_OFFSET)
    assert (found.slot, found.possible_changes, found.replaced_promises) == (
        WITH_OFFSET.slot,
        (WITHOUT_OFFSET,),
        (),
    )


def test_an_offset_that_comes_back_ends_the_doubt() -> None:
    """The calendar writes 09:30+01:00, then 09:30Z, then 09:30+01:00 again. At the second read
    perhaps only the offset was lost, which made it a possible change. By the third there is none.
    """
    with_offset_again = replace(WITH_OFFSET, learnt=utc(6, 3))
    assert in_force(WITH_OFFSET, WITHOUT_OFFSET, with_offset_again).possible_changes == ()


@pytest.mark.parametrize(
    ("new_text", "new_instant"),
    [
        ("2026-07-23T10:30:00+01:00", utc(7, 23, 9, 30)),
        ("2026-07-23T09:30:00+00:30", utc(7, 23, 9, 0)),
        ("23 July 2026 10.30am", utc(7, 23, 9, 30)),
    ],
    ids=["another time", "another offset", "another time in another format"],
)
def test_another_written_time_or_offset_moves_slot_without_doubt(
    new_text: str, new_instant: datetime
) -> None:
    """The calendar first writes 2026-07-23T09:30:00+01:00. It changes the time or the offset, for
    example to 10:30:00+01:00.
    """
    before = promise_written_as("2026-07-23T09:30:00+01:00", utc(7, 23, 8, 30), learnt=utc(6, 1))
    moved = promise_written_as(new_text, new_instant, learnt=utc(6, 2))
    found = in_force(before, moved)
    assert found.slot == moved.slot
    assert found.possible_changes == ()


_slots = st.one_of(
    st.datetimes(datetime(2026, 7, 1), datetime(2026, 7, 20)).map(
        lambda wall: Slot(Precision.INSTANT, instant=wall.replace(tzinfo=UTC))
    ),
    st.dates(date(2026, 7, 1), date(2026, 7, 20)).map(
        lambda day: Slot(Precision.DAY, first=day, last=day)
    ),
    st.sampled_from([WHOLE_JULY, TO_BE_CONFIRMED, UNREADABLE]),
)
_promises = st.lists(
    st.builds(
        promise_read,
        _slots,
        st.datetimes(datetime(2026, 6, 1), datetime(2026, 7, 25)).map(
            lambda wall: wall.replace(tzinfo=UTC)
        ),
        st.sampled_from([PRIMARY, OTHER, "C"]),
        st.sampled_from([*State, None]),
    ),
    max_size=8,
    unique_by=lambda promise: (promise.calendar, promise.learnt),
)


@given(
    _promises,
    st.integers(0, 60),
    st.sampled_from([(), (PRIMARY,), (OTHER, PRIMARY), ("C", OTHER, PRIMARY)]),
)
def test_no_later_read_replaces_a_slot_that_passed_in_force(
    history: list[Promise], days_after_1_june: int, calendars: tuple[str, ...]
) -> None:
    """Random promises are judged twice. At the random instant `now`, only those that were read by
    then count. In 2027 all of them count. A slot in force that has passed by `now` must still be in
    force in 2027.
    """
    now = utc(6, 1) + timedelta(days=days_after_1_june)
    found_now = in_force(*history, now=now, calendars=calendars)
    slot = found_now.slot
    passes_at = None if slot is None else slot.passes()
    has_passed = passes_at is not None and passes_at <= now
    # The only exception is a slot that was first read after it had passed.
    if has_passed and not found_now.is_first_read_after_slot:
        found_later = in_force(*history, now=IN_2027, calendars=calendars)
        assert found_later.slot == slot


@given(_promises, st.randoms(use_true_random=False))
def test_promises_may_be_given_in_any_order(history: list[Promise], random: Random) -> None:
    shuffled = random.sample(history, len(history))
    assert in_force(*shuffled) == in_force(*history)


@given(_promises)
def test_any_slot_first_read_too_late_is_reported_as_such(history: list[Promise]) -> None:
    """The promises are random. If the one in force was first read (`learnt`) after its slot had
    passed, `is_first_read_after_slot` says so.
    """
    found = in_force(*history)
    passes_at = None if found.slot is None else found.slot.passes()
    if found.promise is not None and passes_at is not None and found.promise.learnt >= passes_at:
        assert found.is_first_read_after_slot
