"""Words that may have come before the slot passed, and calendars that differ: which rules, and what is told of both."""

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
    JULY,
    LATER,
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
    return replace(promise_read(to, SLOT + 10 * MINUTE, unlearnt=since or SLOT - 10 * MINUTE), **more)


def promises_in_doubt(*history: Promise) -> tuple[Promise, ...]:
    return in_force(history, LATER, "A").in_doubt


def test_entry_added_by_hand_is_never_announced_or_cancelled_at_short_notice() -> None:
    added = promise_read(instant_slot(7, 23), utc(7, 20), BY_HAND, unlearnt=utc(7, 19))
    removed = promise_read(instant_slot(7, 23), utc(7, 21), BY_HAND, State.CANCELLED, unlearnt=utc(7, 20))
    assert in_force([added], LATER, BY_HAND).short_notice is None
    found = in_force([added, removed], LATER, BY_HAND)
    assert (found.cancelled, found.short_notice) == (True, None)


def test_removing_an_entry_added_by_hand_contradicts_no_other_calendar() -> None:
    history = [promise_read(instant_slot(7, 23), utc(6, 1)), promise_read(instant_slot(7, 24), utc(6, 2), BY_HAND)]
    assert in_force(history, LATER, "A", BY_HAND).disagreements == (history[1],)
    removed = promise_read(instant_slot(7, 24), utc(6, 3), BY_HAND, State.CANCELLED)
    found = in_force([*history, removed], LATER, "A", BY_HAND)
    assert (found.slot, found.cancelled, found.disagreements) == (instant_slot(7, 23), False, ())


def test_a_removed_addition_contradicts_no_calendar_whatever_was_read_before_it() -> None:
    third = promise_read(instant_slot(7, 25), utc(6, 1), "B")
    added = promise_read(instant_slot(7, 24), utc(6, 2), BY_HAND)
    removed = promise_read(instant_slot(7, 24), utc(6, 3), BY_HAND, State.CANCELLED)
    found = in_force([promise_read(instant_slot(7, 23), utc(6, 1)), third, added, removed], LATER, "A", "B", BY_HAND)
    assert found.disagreements == (third,)


def test_a_change_between_a_read_before_the_slot_and_one_after_it_is_in_doubt() -> None:
    change = promise_changed_around_slot(instant_slot(7, 24))
    assert promises_in_doubt(FIRST, change) == (change,)


@pytest.mark.parametrize("shown", ["unlearnt", "confirmed_at"])
def test_a_read_at_or_after_the_slot_that_still_showed_the_old_slot_ends_the_doubt(
    shown: str,
) -> None:
    change = promise_changed_around_slot(instant_slot(7, 24))
    if shown == "unlearnt":
        assert promises_in_doubt(FIRST, replace(change, unlearnt=SLOT)) == ()
    else:
        assert promises_in_doubt(replace(FIRST, confirmed_at=SLOT), change) == ()
    assert (
        promises_in_doubt(
            replace(FIRST, confirmed_at=SLOT - MINUTE),
            replace(change, unlearnt=SLOT - MINUTE),
        )
        != ()
    )


def test_a_repeated_promise_makes_no_doubt_but_a_cancellation_does() -> None:
    assert promises_in_doubt(FIRST, promise_changed_around_slot(instant_slot(7, 23))) == ()
    called_off = promise_changed_around_slot(instant_slot(7, 23), state=State.CANCELLED)
    assert promises_in_doubt(FIRST, called_off) == (called_off,)


def test_an_entry_of_another_calendar_makes_no_doubt_about_the_ruling_one() -> None:
    other = promise_read(instant_slot(7, 23), utc(6, 2), "B")
    change = replace(promise_changed_around_slot(instant_slot(7, 24)), calendar="B")
    assert in_force([FIRST, other, change], LATER, "A", "B").in_doubt == ()
    first_word = replace(promise_changed_around_slot(instant_slot(7, 24)), calendar="B")
    assert in_force([FIRST, first_word], LATER, "A", "B").in_doubt == ()


def test_a_back_dated_time_is_in_doubt_if_the_read_before_it_was_before_that_time() -> None:
    back = promise_read(instant_slot(7, 23, 8, 0), utc(7, 23, 8, 5), unlearnt=utc(7, 23, 7, 55))
    known = replace(FIRST, confirmed_at=utc(7, 23, 7, 55))
    found = in_force([known, back], LATER, "A")
    assert (found.in_doubt, found.slot) == ((back,), instant_slot(7, 23))
    assert EventKind.BACK_DATED in event_kinds(found)
    late = replace(back, unlearnt=utc(7, 23, 8, 1))
    assert in_force([known, late], LATER, "A").in_doubt == ()


def test_a_calendar_that_is_not_named_comes_after_those_that_are() -> None:
    stranger, own = promise_read(instant_slot(7, 24), utc(6, 1), "Z"), promise_read(instant_slot(7, 23), utc(6, 2), "B")
    found = in_force([stranger, own], LATER, "A", "B")
    assert found.promise == own
    assert found.disagreements == (stranger,)
    assert found.given_up == ()


def test_calendars_that_differ_are_named_once_and_once_more_if_they_differ_again() -> None:
    history = [
        promise_read(instant_slot(7, 23), utc(6, 1)),
        promise_read(instant_slot(7, 24), utc(6, 2), "B"),
        promise_read(instant_slot(7, 25), utc(6, 3), "B"),
    ]
    found = in_force(history, LATER, "A", "B")
    assert event_kinds(found).count(EventKind.CALENDARS_DISAGREE) == 1
    (event,) = [event for event in found.events if event.what is EventKind.CALENDARS_DISAGREE]
    assert (event.before, event.after, event.detail) == (instant_slot(7, 23), instant_slot(7, 24), "B")
    again = [
        *history,
        promise_read(instant_slot(7, 23), utc(6, 4), "B"),
        promise_read(instant_slot(7, 26), utc(6, 5), "B"),
    ]
    assert event_kinds(in_force(again, LATER, "A", "B")).count(EventKind.CALENDARS_DISAGREE) == 2


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
    found = in_force([promise_read(slot, utc(6, 1)), promise_read(other, utc(6, 2), "B")], LATER, "A", "B")
    assert bool(found.disagreements) is differ


def test_calendars_differ_if_only_one_cancels() -> None:
    off = promise_read(instant_slot(7, 23), utc(6, 2), "B", State.CANCELLED)
    assert in_force([promise_read(instant_slot(7, 23), utc(6, 1)), off], LATER, "A", "B").disagreements == (off,)
    both = [
        promise_read(instant_slot(7, 23), utc(6, 1), state=State.CANCELLED),
        replace(off, slot=instant_slot(7, 24)),
    ]
    assert in_force(both, LATER, "A", "B").disagreements == ()


@pytest.mark.parametrize(
    "more",
    [
        {"doubt": "zone"},
        {"slot": replace(instant_slot(7, 23), doubt="zone")},
        {"state": State.CANCELLED},
    ],
)
def test_an_announced_day_takes_no_time_from_a_doubtful_or_cancelled_promise(
    more: dict[str, object],
) -> None:
    day, time = promise_read(day_slot(7, 23), utc(6, 1)), promise_read(instant_slot(7, 23), utc(6, 2), "B")
    assert in_force([day, time], LATER, "A", "B").promise == time
    assert in_force([day, replace(time, **more)], LATER, "A", "B").promise == day
    off = replace(day, state=State.CANCELLED)
    assert in_force([off, time], LATER, "A", "B").promise == off
    assert in_force([day, replace(time, slot=instant_slot(7, 24))], LATER, "A", "B").promise == day


def test_a_change_that_keeps_the_promised_time_gives_no_promise_up() -> None:
    assert (
        in_force([promise_read(JULY, utc(6, 1)), promise_read(instant_slot(7, 23), utc(6, 2))], LATER, "A").given_up
        == ()
    )
    none_yet = [promise_read(TO_BE_CONFIRMED, utc(6, 1)), promise_read(instant_slot(7, 23), utc(6, 2))]
    assert in_force(none_yet, LATER, "A").given_up == ()
    (lost,) = in_force(
        [promise_read(instant_slot(7, 23), utc(6, 1)), promise_read(JULY, utc(6, 2))], LATER, "A"
    ).given_up
    assert lost.slot == instant_slot(7, 23)


def test_a_release_was_moved_from_a_slot_that_ended_before_the_one_in_force() -> None:
    history = [
        promise_read(instant_slot(7, 20), utc(6, 1)),
        promise_read(instant_slot(7, 25), utc(6, 2)),
        promise_read(instant_slot(7, 23), utc(6, 3)),
    ]
    found = in_force(history, LATER, "A")
    assert [promise.slot for promise in found.given_up] == [instant_slot(7, 20), instant_slot(7, 25)]
    assert found.moved_from is not None
    assert found.moved_from.slot == instant_slot(7, 20)
    only_later = in_force(history[1:], LATER, "A").moved_from
    assert only_later is not None
    assert only_later.slot == instant_slot(7, 25)


def test_an_entry_after_the_slot_is_compared_with_its_own_calendar() -> None:
    history = [
        promise_read(instant_slot(7, 23), utc(6, 1)),
        promise_read(instant_slot(7, 23), utc(6, 1), "B"),
        promise_read(instant_slot(7, 30), utc(7, 23, 10)),
        promise_read(instant_slot(7, 23), utc(7, 23, 11), "B"),
    ]
    second = in_force(history, LATER, "A", "B").second
    assert second is not None
    assert (second.calendar, second.slot) == ("A", instant_slot(7, 30))
    again = in_force([*history, promise_read(instant_slot(7, 30), utc(7, 23, 12))], LATER, "A", "B")
    assert event_kinds(again).count(EventKind.CHANGED_AFTER_SLOT) == 1
    late = in_force([*history[:2], promise_read(instant_slot(7, 22), utc(7, 23, 10))], LATER, "A", "B")
    assert (late.second, EventKind.BACK_DATED in event_kinds(late)) == (None, True)


def test_the_first_entry_of_the_ruling_calendar_replaces_only_a_stale_slot_and_only_if_it_is_ahead() -> None:
    stale, own = promise_read(instant_slot(6, 1), utc(6, 5), "B"), promise_read(instant_slot(7, 23), utc(6, 10))
    assert in_force([stale, own], LATER, "A", "B").slot == instant_slot(7, 23)
    in_time = promise_read(instant_slot(6, 1), utc(5, 5), "B")
    assert in_force([in_time, own], LATER, "A", "B").slot == instant_slot(6, 1)
    over = promise_read(instant_slot(6, 2), utc(6, 10))
    assert in_force([stale, over], LATER, "A", "B").slot == instant_slot(6, 1)
    assert in_force([replace(stale, calendar="A"), replace(own, calendar="B")], LATER, "A", "B").slot == instant_slot(
        6, 1
    )


@pytest.mark.parametrize(
    ("confirmed", "expected"),
    [(None, utc(6, 1)), (SLOT - MINUTE, SLOT - MINUTE), (SLOT + MINUTE, SLOT)],
)
def test_a_slot_was_announced_as_of_its_last_read_before_it_passed(
    confirmed: datetime | None, expected: datetime
) -> None:
    known = replace(promise_read(instant_slot(7, 23), utc(6, 1)), confirmed_at=confirmed)
    assert in_force([known], LATER, "A").announced_as_of == expected
    learnt_late = replace(known, learnt=SLOT + 5 * MINUTE, confirmed_at=SLOT + 6 * MINUTE)
    assert in_force([learnt_late], LATER, "A").announced_as_of == SLOT + 6 * MINUTE
    assert in_force([], LATER, "A").announced_as_of is None


def test_a_cancellation_without_a_date_keeps_no_slot_if_none_was_announced() -> None:
    nothing = Slot(Precision.NONE, reason="empty")
    found = in_force([promise_read(nothing, utc(6, 1), state=State.CANCELLED)], LATER, "A")
    assert (
        found.cancelled,
        found.promise is not None and found.promise.slot.precision,
    ) == (True, Precision.NONE)


def test_short_notice_depends_on_the_days_that_count_as_short() -> None:
    history = [
        promise_read(instant_slot(7, 30), utc(6, 1)),
        promise_read(instant_slot(7, 23), utc(7, 16), unlearnt=utc(7, 15)),
    ]
    found = slot_in_force(announced_by("A"), history, LATER)
    assert found.short_notice is not None
    (event,) = [event for event in found.events if event.what is EventKind.SHORT_NOTICE]
    assert (event.before, event.detail) == (
        instant_slot(7, 30),
        f"{found.short_notice.days} days",
    )
    assert slot_in_force(announced_by("A"), history, LATER, 3).short_notice is None


def test_a_cancellation_counts_before_the_slot_whatever_time_it_names() -> None:
    off = promise_read(instant_slot(6, 1), utc(6, 10), state=State.CANCELLED)
    found = in_force([promise_read(instant_slot(7, 23), utc(5, 1)), off], LATER, "A")
    assert (found.cancelled, EventKind.BACK_DATED in event_kinds(found)) == (True, False)


def promise_written_as(hour: int, minute: int, raw: str, read: datetime) -> Promise:
    """Return a promise for 23 July 2026 at this time in UTC, as its calendar writes it."""
    slot = Slot(Precision.INSTANT, datetime(2026, 7, 23, hour, minute, tzinfo=UTC), raw=raw)
    return promise_read(slot, read)


SUMMER = promise_written_as(8, 30, "2026-07-23T09:30:00+01:00", utc(6, 1))


def test_the_same_written_time_without_its_offset_is_a_doubt_and_no_new_slot() -> None:
    shifted = promise_written_as(9, 30, "2026-07-23T09:30:00Z", utc(6, 2))
    found = in_force([SUMMER, shifted], LATER, "A")
    assert (found.slot, found.in_doubt, found.given_up) == (SUMMER.slot, (shifted,), ())


def test_an_offset_that_comes_back_ends_the_doubt() -> None:
    shifted = promise_written_as(9, 30, "2026-07-23T09:30:00Z", utc(6, 2))
    again = replace(SUMMER, learnt=utc(6, 3))
    assert in_force([SUMMER, shifted, again], LATER, "A").in_doubt == ()


@pytest.mark.parametrize(
    ("hour", "minute", "raw"),
    [
        (9, 30, "2026-07-23T10:30:00+01:00"),
        (9, 0, "2026-07-23T09:30:00+00:30"),
        (9, 30, "23 July 2026 10.30am"),
    ],
)
def test_another_written_time_or_another_shift_is_a_new_slot(hour: int, minute: int, raw: str) -> None:
    moved = promise_written_as(hour, minute, raw, utc(6, 2))
    found = in_force([SUMMER, moved], LATER, "A")
    assert (found.slot, found.in_doubt) == (moved.slot, ())
