"""The latest time of a change is limited by the oldest copies that the reads around it may have
got.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.ledger.state import CalendarState, Checks, ReadResult, evaluate_read
from monitor.store.rows import CalendarRead
from schedules.announcement import Address, Announcement
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

    `copied_at_minute`: when the oldest copy of a page that the read got was made by a cache. None:
    not known.
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
    """A calendar is read for the first time in minute 10. The answer is a copy that a cache made in
    minute 7. So the read shows the calendar of minute 7. It confirms the promise as of then, not as
    of minute 10.
    """
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    promise = first_read.changes.promises["e0"]
    assert promise.confirmed_at == at_minute(7)
    last_read_without_it = promise.unlearnt
    assert last_read_without_it is None  # there was no earlier read
    # The state of the calendar keeps both times.
    assert (first_read.state.as_of, first_read.state.last_read) == (at_minute(7), at_minute(10))


def test_change_is_dated_from_oldest_copy_of_last_read() -> None:
    """The read in minute 10 shows entry e0 with a slot. The read in minute 20 shows a later slot.
    But both answers are copies that a cache made: the first in minute 7, the second in minute 18.
    So the old slot is proven only until minute 7. The slot changed after minute 7, and by minute 20
    at the latest.
    """
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    second_read = evaluate_read_in_minute(20, first_read.state, copied_at_minute=18, e0=LATER)
    promise = second_read.changes.promises["e0"]
    changed_after, changed_by = promise.unlearnt, promise.learnt
    assert (changed_after, changed_by) == (at_minute(7), at_minute(20))
    # The new slot is confirmed as of the second copy.
    assert promise.confirmed_at == at_minute(18)


def test_read_without_age_of_copies_counts_as_of_end() -> None:
    """A read ends in minute 10, and another one in minute 20. The second shows another slot for
    entry e0. No answer says how old it is. So each read counts as showing the calendar of the
    minute in which it ended.
    """
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=None, e0=SLOT)
    second_read = evaluate_read_in_minute(20, first_read.state, copied_at_minute=None, e0=LATER)
    promise = second_read.changes.promises["e0"]
    changed_after = promise.unlearnt
    assert changed_after == at_minute(10)
    assert promise.confirmed_at == at_minute(20)


def test_state_without_age_of_copy_counts_as_of_end_of_read() -> None:
    """A read ends in minute 10, and its answer is a copy of minute 7. But its state lacks that time
    (`as_of` is None). So only the end of the read is known. The next read shows another slot: a
    change after minute 10.
    """
    first_read = evaluate_read_in_minute(10, NO_READ_YET, copied_at_minute=7, e0=SLOT)
    state_without_age = replace(first_read.state, as_of=None)
    second_read = evaluate_read_in_minute(20, state_without_age, e0=LATER)
    changed_after = second_read.changes.promises["e0"].unlearnt
    assert changed_after == at_minute(10)


def test_entry_missing_from_two_reads_is_gone_since_first() -> None:
    """The read in minute 10 shows the entries e0 and e1. The reads in minutes 20 and 30 show only
    e0. So e1 was seen only in minute 10, and is gone since minute 20, the first read without it.
    """
    with_e1 = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT)
    without_e1 = evaluate_read_in_minute(20, with_e1.state, e0=SLOT)
    assert without_e1.changes.newly_missing == ("e1",)
    without_e1_again = evaluate_read_in_minute(30, without_e1.state, e0=SLOT)
    row_of_e1 = without_e1_again.state.entry_to_store("e1", release="r", at=at_minute(30))()
    assert (row_of_e1.seen_first, row_of_e1.seen_last, row_of_e1.gone) == (
        at_minute(10),
        at_minute(10),
        at_minute(20),
    )


def test_shown_entry_was_last_seen_by_latest_read() -> None:
    """The read in minute 10 shows the entries e0 and e1. The read in minute 20 shows only e0. So e0
    was first seen in minute 10 and last in minute 20. It is not gone (None).
    """
    first = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT)
    latest = evaluate_read_in_minute(20, first.state, e0=SLOT)
    row_of_e0 = latest.state.entry_to_store("e0", release="r", at=at_minute(20))()
    assert (row_of_e0.seen_first, row_of_e0.seen_last, row_of_e0.gone) == (
        at_minute(10),
        at_minute(20),
        None,
    )
    # The latest read no longer showed e1, so only e0 still counts as promised.
    assert latest.state.promised_entries() == ["e0"]


def test_only_new_or_moved_entry_is_changed() -> None:
    """A read shows the entries e0 and e1.

    `changed_ids` has the entries that are new or changed in a second read.
    """
    known = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT).state
    # The second read shows the same two entries. None is changed.
    assert evaluate_read_in_minute(20, known, e0=SLOT, e1=SLOT).changed_ids == ()
    # It shows one more entry. Only this one is changed.
    assert evaluate_read_in_minute(20, known, e0=SLOT, e1=SLOT, e2=SLOT).changed_ids == ("e2",)
    assert evaluate_read_in_minute(20, known, e0=LATER, e1=SLOT).changed_ids == ("e0",)


def test_only_another_title_is_a_change_of_title() -> None:
    """`titles` has the changes of a title.

    A read with the same title adds none. One with another title adds one.
    """
    first = evaluate_read_in_minute(10, NO_READ_YET, title="Example", e0=SLOT)
    same_title = evaluate_read_in_minute(20, first.state, title="Example", e0=SLOT)
    assert same_title.state.entries["e0"].titles == ()
    other_title = evaluate_read_in_minute(30, same_title.state, title="Other", e0=SLOT)
    assert [change.after for change in other_title.state.entries["e0"].titles] == ["Other e0"]


def test_last_100_title_changes_of_an_entry_are_kept() -> None:
    """After a first read, 120 reads show e0, each with a new title.

    Only the last 100 changes are kept.
    """
    state = evaluate_read_in_minute(0, NO_READ_YET, title="First title of", e0=SLOT).state
    for number in range(1, 121):
        state = evaluate_read_in_minute(number, state, title=f"Title {number} of", e0=SLOT).state
    last_100 = range(21, 121)
    assert [change.after for change in state.entries["e0"].titles] == [
        f"Title {number} of e0" for number in last_100
    ]


def test_entry_counts_of_last_twenty_reads_are_kept() -> None:
    """For each read, the state of a calendar keeps how many entries it showed. A later read with
    far fewer entries is then not believed. Here 25 reads show one entry each. Only the counts of
    the last 20 reads are kept.
    """
    state = NO_READ_YET
    for minute in range(25):
        state = evaluate_read_in_minute(minute, state, e0=SLOT).state
    assert list(state.counts) == [1] * 20  # one entry in each of 20 reads


def test_accepted_read_replaces_earlier_entry_counts() -> None:
    """The state of a calendar keeps how many entries each read showed, to know the usual number. A
    first read shows one entry. A second read shows two. A person accepts this change: the setting
    `accept` is the day of this read. So two is now the usual number, and the count of the first
    read is dropped.
    """
    one_entry = evaluate_read_in_minute(0, NO_READ_YET, e0=SLOT)
    accepted = evaluate_read_in_minute(
        30, one_entry.state, e0=SLOT, e1=SLOT, checks=Checks(accept=T0.date())
    )
    assert list(accepted.state.counts) == [2]


@pytest.mark.parametrize(
    ("day_configured_as_accept", "is_accepted"),
    [
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), True),
        (date(2026, 7, 2), False),
        (None, False),
    ],
)
def test_doubtful_read_is_accepted_on_configured_london_day(
    day_configured_as_accept: date | None, *, is_accepted: bool
) -> None:
    """A read that changes too much at once is not believed. A person can accept it: the setting
    `accept` must be the day of the read in London. This read comes on 30 June at 23:30 UTC. In
    London it is already 1 July. So only 1 July accepts it, and not 30 June, 2 July or no setting
    (None).
    """
    half_past_midnight_on_1_july_in_london = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    checks = Checks(accept=day_configured_as_accept)
    assert checks.are_changes_accepted(half_past_midnight_on_1_july_in_london) is is_accepted


def test_read_with_an_alarm_leaves_the_state_unchanged() -> None:
    """A read shows sixty entries. The next read shows none, although the settings say that this
    calendar may never be empty. So this read raises an alarm. It is not usable, and the state stays
    that of the first read.
    """
    sixty_entries = evaluate_read_in_minute(
        0, NO_READ_YET, **{f"e{number}": SLOT for number in range(60)}
    ).state
    no_entries = evaluate_read_in_minute(10, sixty_entries, checks=Checks(may_be_empty=False))
    assert not no_entries.changes.usable
    assert no_entries.state is sixty_entries


def test_state_is_loaded_from_stored_reads() -> None:
    """The store has two reads of a calendar. The earlier one showed two entries, the later one
    three. They come newest first. The state made from them lists these counts oldest first. The
    store does not keep how old the copies were. So the state shows the calendar as of the start of
    the later read (`as_of`).
    """
    earlier = CalendarRead(
        "c", started=at_minute(9), finished=at_minute(10), usable=True, entries=2
    )
    later = CalendarRead("c", started=at_minute(19), finished=at_minute(20), usable=True, entries=3)
    state = CalendarState.from_reads("c", [later, earlier])
    assert list(state.counts) == [2, 3]
    assert (state.as_of, state.last_read) == (at_minute(19), at_minute(20))


def test_state_without_stored_reads_has_no_last_read() -> None:
    without_reads = CalendarState.from_reads("c", [])
    assert without_reads.last_read is None


def test_row_without_a_period_is_two_entries_once_its_release_is_out() -> None:
    """Its new day may be that of the next edition, or a change made too late. Before the release is
    out, it counts as a change only.
    """
    uid = "0123456789abcdef"
    made = Announcement(uid, "Example", "example", "https://example.org/", SLOT)
    slot = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
    after, slots = slot + timedelta(hours=1), {uid: slot}
    read = CalendarRead("c", after, after, usable=True, entries=1)

    def evaluate(state: CalendarState, slot: Slot, published: dict[str, datetime]) -> ReadResult:
        return evaluate_read(
            state, read, Reading((replace(made, slot=slot),)), Checks(), None, published
        )

    first = evaluate(NO_READ_YET, SLOT, {}).state
    assert not first.has_next_edition(slots, after)
    changed = evaluate(first, LATER, {})
    assert changed.changes.promises.keys() == {uid}
    assert changed.state.has_next_edition(slots, after)
    for earlier, new in ((changed.state, set[str]()), (first, {uid})):
        both = evaluate(earlier, LATER, slots)
        assert both.changes.promises.keys() == {f"{uid}@2026-07-24", *new}
        again = evaluate(both.state, LATER, slots)
        assert not again.changes.promises
        assert not again.state.has_next_edition(slots, after)


@pytest.mark.parametrize("address", list(Address))
def test_entry_that_is_shown_again_is_stored(address: Address) -> None:
    """The second read lacks an entry, and the third shows it unchanged. It may be the entry of a
    page that it redirects to, whose promise no read confirms.
    """
    shown = evaluate_read_in_minute(10, NO_READ_YET, e0=SLOT, e1=SLOT).state
    redirecting = replace(shown.entries["e0"].announcement, address=address)
    entry = replace(
        shown.entries["e0"],
        announcement=redirecting,
        last_shown=at_minute(10),
        missing_since=at_minute(20),
    )
    state = replace(shown, entries={**shown.entries, "e0": entry}, last_read=at_minute(20))
    read = CalendarRead("c", at_minute(30), at_minute(31), usable=True, entries=2)
    reading = Reading((redirecting, shown.entries["e1"].announcement))
    result = evaluate_read(state, read, reading, Checks())
    assert result.changed_ids == ("e0",)
    assert result.state.entries["e0"].row("c", "r", at_minute(31)).gone is None
