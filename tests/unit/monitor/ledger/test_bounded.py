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


def at_minute(number: float) -> datetime:
    return T0 + timedelta(minutes=number)


def evaluate_read_in_minute(
    minute: float,
    state: CalendarState,
    *,
    copied_at_minute: float | None = None,
    checks: Checks | None = None,
    title: str = "Example",
    **slots_by_entry: Slot,
) -> ReadResult:
    """Return the result of a read that ends at `minute`, with these entries, such as `e0=SLOT`.

    `copied_at_minute`: when the oldest copy of a page that the read got was made by a cache. None: not known.
    """
    entries = tuple(
        Announcement(uid, f"{title} {uid}", "example", f"https://example.org/{uid}", slot)
        for uid, slot in slots_by_entry.items()
    )
    ended = at_minute(minute)
    read = CalendarRead("c", ended - timedelta(seconds=5), ended, usable=True, entries=len(entries))
    as_of = None if copied_at_minute is None else at_minute(copied_at_minute)
    return evaluate_read(state, read, Reading(entries), checks or Checks(), as_of)


NO_READ_YET = CalendarState("c")


def test_first_read_confirms_as_of_its_oldest_copy() -> None:
    """The read in minute 10 gets a page that a cache copied in minute 7. So it confirms the promise as of minute 7."""
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    promise = first_read.changes.promises["e0"]
    assert promise.confirmed_at == at_minute(7)
    last_read_without_it = promise.unlearnt  # None: there was no read before
    assert last_read_without_it is None
    assert (first_read.state.as_of, first_read.state.last_read) == (at_minute(7), at_minute(10))


def test_change_is_dated_from_oldest_copy_of_last_read() -> None:
    """The slot of entry e0 differs between the reads in minutes 10 and 20. They get copies of minutes 7 and 18. So the
    slot may have changed as early as minute 7."""
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    second_read = evaluate_read_in_minute(20, first_read.state, copied_at_minute=18, e0=LATER)
    promise = second_read.changes.promises["e0"]
    changed_after, changed_by = promise.unlearnt, promise.learnt
    assert (changed_after, changed_by) == (at_minute(7), at_minute(20))
    assert promise.confirmed_at == at_minute(18)


def test_read_without_age_of_copies_counts_as_of_end() -> None:
    """No cache says how old its copy is (None). So the reads in minutes 10 and 20 show the calendar as of then. The
    second read shows another slot for entry e0."""
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=None, e0=SLOT)
    second_read = evaluate_read_in_minute(20, first_read.state, copied_at_minute=None, e0=LATER)
    promise = second_read.changes.promises["e0"]
    changed_after = promise.unlearnt
    assert changed_after == at_minute(10)
    assert promise.confirmed_at == at_minute(20)


def test_state_stored_without_age_counts_as_of_end_of_read() -> None:
    """The first read ends in minute 10 and gets a copy of minute 7. That time, `as_of`, is not stored with its state.
    So the change that the second read shows is dated after minute 10."""
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    stored_without_age = replace(first_read.state, as_of=None)
    second_read = evaluate_read_in_minute(20, stored_without_age, e0=LATER)
    changed_after = second_read.changes.promises["e0"].unlearnt
    assert changed_after == at_minute(10)


def test_entry_missing_from_two_reads_is_gone_since_first() -> None:
    """The read in minute 10 shows the entries e0 and e1. Those in minutes 20 and 30 show only e0. So e1 is gone since
    minute 20."""
    with_e1 = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT)
    without_e1 = evaluate_read_in_minute(20, with_e1.state, e0=SLOT)
    assert without_e1.changes.newly_missing == ("e1",)
    without_e1_again = evaluate_read_in_minute(30, without_e1.state, e0=SLOT)
    stored = without_e1_again.state.entry_to_store("e1", release="r", at=at_minute(30)).row()
    assert (stored.seen_first, stored.seen_last, stored.gone) == (at_minute(10), at_minute(10), at_minute(20))


def test_shown_entry_was_last_seen_by_latest_read() -> None:
    """Both reads, in minutes 10 and 20, show entry e0. The first also shows e1."""
    first = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT)
    again = evaluate_read_in_minute(20, first.state, e0=SLOT)
    shown = again.state.entry_to_store("e0", release="r", at=at_minute(20)).row()
    assert (shown.gone, shown.seen_first, shown.seen_last) == (None, at_minute(10), at_minute(20))
    # The latest read no longer showed e1.
    assert again.state.promised_entries() == ["e0"]


def test_new_or_moved_entry_is_changed() -> None:
    """The second read shows the same two entries as the first, or one more (e2), or e0 with a later slot."""
    known = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT).state
    assert evaluate_read_in_minute(20, known, e0=SLOT, e1=SLOT).changed_ids == ()
    assert evaluate_read_in_minute(20, known, e0=SLOT, e1=SLOT, e2=SLOT).changed_ids == ("e2",)
    assert evaluate_read_in_minute(20, known, e0=LATER, e1=SLOT).changed_ids == ("e0",)


def test_only_another_title_is_a_change_of_title() -> None:
    """Three reads show entry e0: twice with the same title, then with another one."""
    first = evaluate_read_in_minute(10, NO_READ_YET, title="Example", e0=SLOT)
    same_title = evaluate_read_in_minute(20, first.state, title="Example", e0=SLOT)
    assert same_title.state.entries["e0"].titles == ()
    other_title = evaluate_read_in_minute(30, same_title.state, title="Other", e0=SLOT)
    assert [change.after for change in other_title.state.entries["e0"].titles] == ["Other e0"]


def test_last_100_title_changes_of_an_entry_are_kept() -> None:
    """After the first read, each of 120 reads shows entry e0 with a new title."""
    state = evaluate_read_in_minute(0, NO_READ_YET, title="First title of", e0=SLOT).state
    for number in range(1, 121):
        state = evaluate_read_in_minute(number, state, title=f"Title {number} of", e0=SLOT).state
    last_100 = range(21, 121)
    assert [change.after for change in state.entries["e0"].titles] == [f"Title {number} of e0" for number in last_100]


def test_entry_counts_of_last_twenty_reads_are_kept() -> None:
    """Each of 25 reads has one entry. The counts of the last 20 are kept, because a later read with far fewer entries
    than those is not believed."""
    state = NO_READ_YET
    for minute in range(25):
        state = evaluate_read_in_minute(minute, state, e0=SLOT).state
    one_entry_in_each_read = [1] * 20
    assert list(state.counts) == one_entry_in_each_read


def test_accepted_read_replaces_earlier_entry_counts() -> None:
    """A first read shows one entry. A second one shows two, and a person accepts it by setting `accept` to this day.
    The number of entries usually expected is then that of the accepted read."""
    one_entry = evaluate_read_in_minute(0, NO_READ_YET, e0=SLOT)
    accepted = evaluate_read_in_minute(30, one_entry.state, e0=SLOT, e1=SLOT, checks=Checks(accept=T0.date()))
    assert list(accepted.state.counts) == [2]


@pytest.mark.parametrize(
    ("day_configured_as_accept", "is_accepted"),
    [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (date(2026, 7, 2), False), (None, False)],
)
def test_doubtful_read_is_accepted_on_configured_london_day(
    day_configured_as_accept: date | None, *, is_accepted: bool
) -> None:
    """A read that changes too much at once is not believed unless a person sets `accept` to the day of that read. This
    read is on 30 June in UTC. But in London it is 1 July already, so only that day accepts it."""
    half_past_midnight_on_1_july_in_london = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    checks = Checks(accept=day_configured_as_accept)
    assert checks.are_changes_accepted(half_past_midnight_on_1_july_in_london) is is_accepted


def test_read_with_an_alarm_leaves_the_state_unchanged() -> None:
    """A calendar that may not be empty has sixty entries and then none. That raises an alarm and changes nothing."""
    sixty_entries = evaluate_read_in_minute(0, NO_READ_YET, **{f"e{number}": SLOT for number in range(60)}).state
    no_entries = evaluate_read_in_minute(10, sixty_entries, checks=Checks(may_be_empty=False))
    assert not no_entries.changes.usable
    assert no_entries.state is sixty_entries


def test_state_is_loaded_from_usable_reads_oldest_first() -> None:
    """A read in minute 10 showed two entries, and one in minute 20 showed three. The later read is given first."""
    second, first = (
        CalendarRead("c", at_minute(at) - timedelta(seconds=5), at_minute(at), usable=True, entries=entries)
        for at, entries in ((20, 3), (10, 2))
    )
    state = CalendarState.from_reads("c", [second, first])
    assert list(state.counts) == [first.entries, second.entries]
    # It is not stored how old the copies were, so the calendar is as of the start of the later read.
    assert (state.as_of, state.last_read) == (second.started, second.finished)
    without_reads = CalendarState.from_reads("c", [])
    assert without_reads.last_read is None
