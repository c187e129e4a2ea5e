"""A change of a promise lies no later than the oldest copies that the reads before and after it may have been."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.ledger.state import CalendarState, Checks, ReadResult, evaluate_read
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.slot import Precision, Slot
from schedules.source import Reading

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SLOT = Slot(Precision.INSTANT, instant=datetime(2026, 7, 23, 8, 30, tzinfo=UTC))
LATER = Slot(Precision.INSTANT, instant=datetime(2026, 7, 24, 8, 30, tzinfo=UTC))


def minutes(number: float) -> datetime:
    return T0 + timedelta(minutes=number)


def evaluate_read_at(
    state: CalendarState,
    at: float,
    *slots: Slot,
    as_of: float | None = None,
    checks: Checks | None = None,
    titles: str = "Example {}",
) -> ReadResult:
    """Return the result of a read at minute `at` of entries e0, e1 … with these slots, from copies made at `as_of`."""
    entries = tuple(
        Announcement(f"e{n}", titles.format(n), "example", f"https://example.org/{n}", slot)
        for n, slot in enumerate(slots)
    )
    row = CalendarRead("c", minutes(at) - timedelta(seconds=5), minutes(at), usable=True, entries=len(entries))
    return evaluate_read(state, row, Reading(entries), checks or Checks(), None if as_of is None else minutes(as_of))


FIRST_READ = evaluate_read_at(CalendarState("c"), 0, SLOT, as_of=-3)


def test_a_promise_of_the_first_read_has_no_earlier_bound_and_counts_from_the_oldest_copy() -> None:
    promise = FIRST_READ.changes.promises["e0"]
    assert (promise.unlearnt, promise.confirmed_at) == (None, minutes(-3))
    assert (FIRST_READ.state.as_of, FIRST_READ.state.last_read) == (minutes(-3), minutes(0))


def test_a_change_may_have_come_as_soon_as_the_copy_of_the_read_before_was_made() -> None:
    promise = evaluate_read_at(FIRST_READ.state, 10, LATER, as_of=8).changes.promises["e0"]
    assert (promise.unlearnt, promise.confirmed_at, promise.learnt) == (minutes(-3), minutes(8), minutes(10))


def test_a_read_of_copies_of_unknown_age_counts_from_its_own_end() -> None:
    first = evaluate_read_at(CalendarState("c"), 0, SLOT)
    promise = evaluate_read_at(first.state, 10, LATER).changes.promises["e0"]
    assert (promise.unlearnt, promise.confirmed_at) == (minutes(0), minutes(10))
    # A state of before copies had ages is bounded by its read.
    known = replace(FIRST_READ.state, as_of=None)
    assert evaluate_read_at(known, 10, LATER).changes.promises["e0"].unlearnt == minutes(0)


def test_an_entry_that_vanished_was_last_shown_by_the_read_before() -> None:
    known = evaluate_read_at(CalendarState("c"), 0, SLOT, SLOT).state
    once = evaluate_read_at(known, 10, SLOT)
    assert once.changes.first_missing == ("e1",)
    row = evaluate_read_at(once.state, 20, SLOT).state.entry_to_store("e1", "r", minutes(20)).row()
    assert (row.gone, row.seen_first, row.seen_last) == (minutes(10), minutes(0), minutes(0))
    shown = once.state.entry_to_store("e0", "r", minutes(10)).row()
    assert (shown.gone, shown.seen_first, shown.seen_last) == (None, minutes(0), minutes(10))
    assert once.state.promised_entries() == ["e0"]


def test_only_entries_that_say_something_new_are_changed() -> None:
    again = evaluate_read_at(FIRST_READ.state, 10, SLOT, SLOT)
    assert again.changed_ids == ("e1",)
    assert evaluate_read_at(FIRST_READ.state, 10, LATER).changed_ids == ("e0",)


def test_a_changed_title_is_kept_with_its_entry_for_at_most_100_entries() -> None:
    same = evaluate_read_at(FIRST_READ.state, 10, SLOT).state
    assert same.titles == {}
    other = evaluate_read_at(same, 20, SLOT, titles="Other {}").state
    assert len(other.titles["e0"]) == 1
    many = other
    for n in range(120):
        many = evaluate_read_at(many, 30 + n, SLOT, titles=f"Title {n} {{}}").state
    assert len(many.titles["e0"]) == 100


def test_reads_are_compared_with_the_last_twenty_counts_or_only_an_accepted_one() -> None:
    state = CalendarState("c")
    for n in range(25):
        state = evaluate_read_at(state, n, SLOT).state
    assert list(state.counts) == [1] * 20
    accepted = evaluate_read_at(state, 30, SLOT, SLOT, checks=Checks(accept=date(2026, 7, 1)))
    assert list(accepted.state.counts) == [2]


@pytest.mark.parametrize(("day", "accepts"), [(30, False), (1, True), (2, False)])
def test_changes_are_accepted_on_one_local_day_and_no_longer(day: int, *, accepts: bool) -> None:
    checks = Checks(accept=date(2026, 6 if day == 30 else 7, day))
    # London is an hour ahead: half past eleven in the evening UTC is the next day there.
    assert checks.accepts(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) is accepts
    assert not Checks().accepts(T0)


def test_a_read_that_raises_an_alarm_leaves_the_state_as_it_was() -> None:
    known = evaluate_read_at(CalendarState("c"), 0, *[SLOT] * 60).state
    weighed = evaluate_read_at(known, 10, checks=Checks(may_be_empty=False))
    assert not weighed.changes.usable
    assert weighed.state is known


def test_loaded_state_counts_only_usable_reads_newest_last() -> None:
    rows = [
        CalendarRead("c", minutes(at) - timedelta(seconds=5), minutes(at), usable=usable, entries=entries)
        for at, usable, entries in ((30, False, 9), (20, True, 3), (10, True, 2))
    ]
    state = CalendarState.from_reads("c", rows)
    assert (list(state.counts), state.last_read) == ([2, 3], minutes(20))
    assert state.as_of == minutes(20) - timedelta(seconds=5)
    assert CalendarState.from_reads("c", rows[:1]).last_read is None
