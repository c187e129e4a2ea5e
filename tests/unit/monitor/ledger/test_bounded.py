"""The latest time of a change is limited by the oldest copies that the reads around it may have got."""

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
    *slots: Slot,
    minute: float,
    as_of: float | None = None,
    checks: Checks | None = None,
    titles: str = "Example {}",
) -> ReadResult:
    """Return the result of a read at `minute` of entries e0, e1 … with these slots, from copies made at `as_of`."""
    entries = tuple(
        Announcement(f"e{n}", titles.format(n), "example", f"https://example.org/{n}", slot)
        for n, slot in enumerate(slots)
    )
    row = CalendarRead("c", minutes(minute) - timedelta(seconds=5), minutes(minute), usable=True, entries=len(entries))
    return evaluate_read(state, row, Reading(entries), checks or Checks(), None if as_of is None else minutes(as_of))


FIRST_READ = evaluate_read_at(CalendarState("c"), SLOT, minute=0, as_of=-3)
COPIES_OF_FIRST_READ = minutes(-3)


def test_a_promise_of_the_first_read_is_confirmed_as_of_the_oldest_copy_and_has_no_earlier_bound() -> None:
    promise = FIRST_READ.changes.promises["e0"]
    assert (promise.unlearnt, promise.confirmed_at) == (None, COPIES_OF_FIRST_READ)
    assert (FIRST_READ.state.as_of, FIRST_READ.state.last_read) == (COPIES_OF_FIRST_READ, minutes(0))


def test_a_change_is_dated_from_the_copies_of_the_read_before_it_and_confirmed_as_of_its_own_copies() -> None:
    promise = evaluate_read_at(FIRST_READ.state, LATER, minute=10, as_of=8).changes.promises["e0"]
    # The change was made between the copies of the first read and the end of the second.
    assert (promise.unlearnt, promise.learnt) == (COPIES_OF_FIRST_READ, minutes(10))
    assert promise.confirmed_at == minutes(8)


def test_copies_of_unknown_age_count_as_made_at_the_end_of_their_read() -> None:
    first = evaluate_read_at(CalendarState("c"), SLOT, minute=0, as_of=None)
    promise = evaluate_read_at(first.state, LATER, minute=10, as_of=None).changes.promises["e0"]
    # `unlearnt` is the last time at which the calendar is known not to have had this slot.
    assert (promise.unlearnt, promise.confirmed_at) == (minutes(0), minutes(10))


def test_a_stored_state_without_the_age_of_its_copies_counts_from_the_end_of_its_read() -> None:
    # The first read ended in minute 0. The change came after it.
    stored = replace(FIRST_READ.state, as_of=None)
    assert evaluate_read_at(stored, LATER, minute=10).changes.promises["e0"].unlearnt == minutes(0)


def test_a_missing_entry_was_last_seen_by_the_read_before_the_first_one_without_it() -> None:
    # A read with two slots shows the entries e0 and e1. A read with one slot shows only e0.
    with_e1 = evaluate_read_at(CalendarState("c"), SLOT, SLOT, minute=0).state
    without_e1 = evaluate_read_at(with_e1, SLOT, minute=10)
    assert without_e1.changes.first_missing == ("e1",)
    later = evaluate_read_at(without_e1.state, SLOT, minute=20)
    # `gone` is the first read without e1. The later read without it changes nothing.
    missing = later.state.entry_to_store("e1", release="r", at=minutes(20)).row()
    assert (missing.gone, missing.seen_first, missing.seen_last) == (minutes(10), minutes(0), minutes(0))


def test_an_entry_that_is_still_shown_was_last_seen_by_the_latest_read_and_is_still_promised() -> None:
    # The first read shows two entries, e0 and e1, both for SLOT. The second shows only e0.
    first = evaluate_read_at(CalendarState("c"), SLOT, SLOT, minute=0)
    again = evaluate_read_at(first.state, SLOT, minute=10)
    shown = again.state.entry_to_store("e0", release="r", at=minutes(10)).row()
    assert (shown.gone, shown.seen_first, shown.seen_last) == (None, minutes(0), minutes(10))
    assert again.state.promised_entries() == ["e0"]


def test_only_new_entries_and_entries_with_another_slot_are_changed() -> None:
    with_new_e1 = evaluate_read_at(FIRST_READ.state, SLOT, SLOT, minute=10)
    assert with_new_e1.changed_ids == ("e1",)
    with_moved_e0 = evaluate_read_at(FIRST_READ.state, LATER, minute=10)
    assert with_moved_e0.changed_ids == ("e0",)


def test_the_last_100_changes_of_the_title_of_an_entry_are_kept() -> None:
    state = evaluate_read_at(FIRST_READ.state, SLOT, minute=10).state
    assert state.entries["e0"].titles == ()
    state = evaluate_read_at(state, SLOT, minute=20, titles="Other {}").state
    assert len(state.entries["e0"].titles) == 1
    # With the change before, there are 121 changes. The last 100 are those with n from 20 to 119.
    for n in range(120):
        state = evaluate_read_at(state, SLOT, minute=30 + n, titles=f"Title {n} {{}}").state
    assert [change.after for change in state.entries["e0"].titles] == [f"Title {n} 0" for n in range(20, 120)]


def test_the_entry_counts_of_the_last_twenty_reads_are_kept_until_a_person_accepts_a_read() -> None:
    state, entries_of_each_read = CalendarState("c"), 1
    for minute in range(25):
        state = evaluate_read_at(state, SLOT, minute=minute).state
    assert list(state.counts) == [entries_of_each_read] * 20
    accepted_with_two_entries = evaluate_read_at(state, SLOT, SLOT, minute=30, checks=Checks(accept=T0.date()))
    assert list(accepted_with_two_entries.state.counts) == [2]


@pytest.mark.parametrize(
    ("accepted_day", "is_accepted"),
    [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (date(2026, 7, 2), False), (None, False)],
)
def test_changes_are_accepted_only_on_the_configured_day_of_local_time(
    accepted_day: date | None, *, is_accepted: bool
) -> None:
    first_of_july_in_london = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    # At 23:30 UTC on 30 June it is 00:30 on 1 July in London.
    assert Checks(accept=accepted_day).accepts(first_of_july_in_london) is is_accepted


def test_a_read_that_raises_an_alarm_leaves_the_state_as_it_was() -> None:
    # A calendar that may not be empty has sixty entries and then none.
    sixty_entries = evaluate_read_at(CalendarState("c"), *[SLOT] * 60, minute=0).state
    no_entries = evaluate_read_at(sixty_entries, minute=10, checks=Checks(may_be_empty=False))
    assert not no_entries.changes.usable
    assert no_entries.state is sixty_entries


def test_a_state_is_loaded_from_usable_reads_only_oldest_first() -> None:
    unusable, second, first = (
        CalendarRead("c", minutes(at) - timedelta(seconds=5), minutes(at), usable=usable, entries=entries)
        for at, usable, entries in ((30, False, 9), (20, True, 3), (10, True, 2))
    )
    state = CalendarState.from_reads("c", [unusable, second, first])
    assert list(state.counts) == [first.entries, second.entries]
    assert (state.as_of, state.last_read) == (second.started, second.finished)
    assert CalendarState.from_reads("c", [unusable]).last_read is None
