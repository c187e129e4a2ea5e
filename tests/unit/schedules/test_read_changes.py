"""What one read adds to the ledger."""

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


ON_TIME = entry("X", "23 July 2026 9:30am")


def compare_one_entry(
    known: Mapping[str, LastSeen], *entries: Announcement, before: datetime | None = None, counts: Sequence[int] = ()
) -> ReadChanges:
    return compare_read(known, Reading(entries), "A", utc(7, 2), before, EarlierReads({}, counts, may_be_empty=True))


def test_an_entry_shown_unchanged_is_confirmed_and_no_new_promise() -> None:
    learnt = compare_one_entry({"X": LastSeen.of(ON_TIME)}, ON_TIME, before=utc(7, 1))
    assert (learnt.promises, learnt.confirmed) == ({}, ("X",))


def test_an_entry_with_the_same_meaning_in_other_words_is_confirmed() -> None:
    other = entry("X", "2026-07-23T08:30:00Z")
    assert compare_one_entry({"X": LastSeen.of(ON_TIME)}, other).confirmed == ("X",)


def test_an_announcement_that_redirects_to_its_publication_confirms_no_slot() -> None:
    led = replace(ON_TIME, address=Address.LED_TO, published=True)
    learnt = compare_one_entry({"X": LastSeen.of(ON_TIME)}, led, before=utc(7, 1))
    assert (learnt.promises, learnt.confirmed, learnt.first_missing) == ({}, (), ())


@pytest.mark.parametrize(
    "other",
    [
        replace(ON_TIME, state=State.CANCELLED),
        replace(ON_TIME, doubt="weekday"),
        replace(ON_TIME, slot=FAR),
        replace(ON_TIME, slot=Slot(Precision.NONE, reason="tbc")),
    ],
)
def test_a_promise_of_a_new_slot_state_or_doubt_names_the_reads_without_and_with_it(other: Announcement) -> None:
    learnt = compare_one_entry({"X": LastSeen.of(ON_TIME)}, replace(other, why="late data"), before=utc(7, 1))
    promise = learnt.promises["X"]
    assert (promise.unlearnt, promise.learnt, promise.why) == (utc(7, 1), utc(7, 2), "late data")
    assert (promise.calendar, promise.slot, promise.doubt) == ("A", other.slot, other.doubt)


def test_an_entry_that_disappears_is_reported_once() -> None:
    kept = entry("Y", "24 July 2026 9:30am")
    known = {"X": LastSeen.of(ON_TIME), "Y": LastSeen.of(kept), "Z": LastSeen.of(ON_TIME, absent_since=utc(6, 30))}
    assert compare_one_entry(known, kept, before=utc(7, 1)).first_missing == ("X",)


@pytest.mark.parametrize(
    ("missing_since", "absent"), [(None, ()), (utc(7, 1), ("X",)), (utc(6, 30), ())], ids=["first", "second", "third"]
)
def test_an_entry_is_reported_as_absent_at_the_second_missing_read_in_a_row(
    missing_since: datetime | None, absent: tuple[str, ...]
) -> None:
    known = {"X": LastSeen.of(ON_TIME, absent_since=missing_since)}
    assert compare_one_entry(known, before=utc(7, 1)).absent == absent


@pytest.mark.parametrize(
    ("missing_since", "reappeared"), [(utc(7, 1), ()), (utc(6, 30), ("X",))], ids=["one missing read", "two or more"]
)
def test_an_entry_reappears_only_after_two_missing_reads(missing_since: datetime, reappeared: tuple[str, ...]) -> None:
    known = {"X": LastSeen.of(ON_TIME, absent_since=missing_since)}
    assert compare_one_entry(known, ON_TIME, before=utc(7, 1)).reappeared == reappeared


def test_a_release_that_left_the_calendar_after_its_slot_is_not_absent() -> None:
    past = entry("X", "1 July 2026 9:30am")
    assert compare_one_entry({"X": LastSeen.of(past, absent_since=utc(7, 1))}, before=utc(7, 1)).absent == ()


def test_a_read_with_an_alarm_adds_nothing() -> None:
    learnt = compare_one_entry({"X": LastSeen.of(ON_TIME)}, replace(ON_TIME, slot=FAR), counts=[200])
    assert [alarm.kind for alarm in learnt.alarms] == [AlarmKind.COUNT]
    assert (learnt.promises, learnt.confirmed, learnt.first_missing) == ({}, (), ())
