"""Changes that one read makes to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from schedules.announcement import Address, Announcement, State
from schedules.dates.read import read_date
from schedules.read_changes import AlarmKind, EarlierReads, LastSeen, ReadChanges, compare_read
from schedules.slot import Precision, Slot
from schedules.source import Reading

FAR = Slot(Precision.INSTANT, instant=datetime(2027, 6, 1, 8, 30, tzinfo=UTC))


def utc(month: int, day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def entry(uid: str, text: str) -> Announcement:
    slot = read_date(text, date(2026, 1, 1), "Europe/London", "dmy").slot
    return Announcement(uid, f"Release {uid}", "dfx", "", slot, State.CONFIRMED)


ENTRY = entry("X", "23 July 2026 9:30am")
READ_BEFORE_LAST, LAST_READ, THIS_READ = utc(6, 30), utc(7, 1), utc(7, 2)


def changes_of_this_read(
    known: Mapping[str, LastSeen], *entries: Announcement, earlier_counts: Sequence[int] = ()
) -> ReadChanges:
    """Return what a read that shows these entries changes, if earlier reads last showed `known`."""
    earlier = EarlierReads(known, earlier_counts, LAST_READ, may_be_empty=True)
    return compare_read(earlier, Reading(entries), "A", THIS_READ, THIS_READ)


def test_an_entry_shown_unchanged_is_confirmed_and_no_new_promise() -> None:
    changes = changes_of_this_read({"X": LastSeen.of(ENTRY)}, ENTRY)
    assert (changes.promises, changes.confirmed) == ({}, ("X",))


def test_entry_with_same_meaning_in_other_words_is_confirmed() -> None:
    known, in_other_words = entry("X", "23 July 2026 9:30am"), entry("X", "2026-07-23T08:30:00Z")
    assert changes_of_this_read({"X": LastSeen.of(known)}, in_other_words).confirmed == ("X",)


def test_an_announcement_that_redirects_to_its_publication_confirms_no_slot() -> None:
    """The page of the announcement now leads to the publication (LED_TO), so it no longer shows the
    slot.
    """
    redirects = replace(ENTRY, address=Address.LED_TO, published=True)
    changes = changes_of_this_read({"X": LastSeen.of(ENTRY)}, redirects)
    # It is still listed, so it does not count as missing either.
    assert (changes.promises, changes.confirmed, changes.newly_missing) == ({}, (), ())


@pytest.mark.parametrize(
    "changed",
    [
        replace(ENTRY, state=State.CANCELLED),
        replace(ENTRY, doubt="weekday"),
        replace(ENTRY, slot=FAR),
        replace(ENTRY, slot=Slot(Precision.NONE, reason="tbc")),
    ],
)
def test_entry_with_new_slot_state_or_doubt_is_new_promise(changed: Announcement) -> None:
    """For example, the entry is now cancelled, or has the slot “to be confirmed”."""
    entries_of_last_read = {"X": LastSeen.of(ENTRY)}
    changes = changes_of_this_read(entries_of_last_read, replace(changed, why="late data"))
    promise = changes.promises["X"]
    assert (promise.slot, promise.doubt) == (changed.slot, changed.doubt)
    assert (promise.calendar, promise.why) == ("A", "late data")
    # It was announced after the last read, which did not show it (`unlearnt`), and by this one
    # (`learnt`).
    assert (promise.unlearnt, promise.learnt) == (LAST_READ, THIS_READ)


def test_an_entry_that_disappears_is_reported_once() -> None:
    """This read shows neither entry. The last read still showed `listed`. The other one has been
    missing since 30 June.
    """
    last_seen = {
        "listed": LastSeen.of(ENTRY),
        "missing": LastSeen.of(ENTRY, missing_since=READ_BEFORE_LAST),
    }
    assert changes_of_this_read(last_seen).newly_missing == ("listed",)


@pytest.mark.parametrize(
    ("first_read_without_entry", "is_reported"),
    [(THIS_READ, False), (LAST_READ, True), (READ_BEFORE_LAST, False)],
    ids=["first read without it", "second read without it", "third read without it"],
)
def test_only_second_read_without_an_entry_reports_it_absent(
    first_read_without_entry: datetime, *, is_reported: bool
) -> None:
    """A single read may lose an entry, so the first one without it reports nothing. The second one
    reports it, and the third one does not report it again.
    """
    missing_since = None if first_read_without_entry == THIS_READ else first_read_without_entry
    before_this_read = {"X": LastSeen.of(ENTRY, missing_since=missing_since)}
    no_entries: list[Announcement] = []
    changes = changes_of_this_read(before_this_read, *no_entries)
    assert changes.unlisted_twice == (("X",) if is_reported else ())


@pytest.mark.parametrize(
    ("missing_since", "reappeared"),
    [(LAST_READ, ()), (READ_BEFORE_LAST, ("X",))],
    ids=["one missing read", "two or more"],
)
def test_an_entry_reappears_only_after_two_missing_reads(
    missing_since: datetime, reappeared: tuple[str, ...]
) -> None:
    """This read, on 2 July, shows the entry again. It was missing from the last read only (since 1
    July), or from the read before that too (since 30 June). A single read may lose an entry, so
    only the latter is reported.
    """
    before_this_read = {"X": LastSeen.of(ENTRY, missing_since)}
    assert changes_of_this_read(before_this_read, ENTRY).reappeared == reappeared


def test_entry_that_left_calendar_after_its_slot_is_not_unlisted() -> None:
    """An entry with the slot 1 July is missing in two reads, the last and this empty one on 2 July.
    Many calendars drop past entries, so the second read does not report it as no longer listed
    (`unlisted_twice`).
    """
    past = entry("X", "1 July 2026 9:30am")
    before_this_read = {"X": LastSeen.of(past, missing_since=LAST_READ)}
    assert changes_of_this_read(before_this_read).unlisted_twice == ()


def test_a_read_with_an_alarm_adds_nothing() -> None:
    """Earlier reads had 200 entries, and this one has a single entry, with a new slot. So few raise
    an alarm, because the read may be incomplete.
    """
    known, with_new_slot = {"X": LastSeen.of(ENTRY)}, replace(ENTRY, slot=FAR)
    changes = changes_of_this_read(known, with_new_slot, earlier_counts=[200])
    assert [alarm.kind for alarm in changes.alarms] == [AlarmKind.COUNT]
    assert (changes.promises, changes.confirmed, changes.newly_missing) == ({}, (), ())
