"""Whether a read of a calendar can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import Announcement, State
from schedules.read_changes import AlarmKind, EarlierReads, LastSeen, find_alarms
from schedules.slot import Precision, Slot
from schedules.source import Reading

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def entries(count: int) -> list[Announcement]:
    return [
        Announcement(str(n), f"Release {n}", "dfx", "", Slot(Precision.INSTANT, instant=NOW + timedelta(days=n + 1)))
        for n in range(count)
    ]


def alarm_kinds(
    before: Sequence[Announcement], after: Sequence[Announcement], counts: Sequence[int] = ()
) -> list[AlarmKind]:
    previous = EarlierReads({each.uid: LastSeen.of(each) for each in before}, counts or [len(before)])
    return [alarm.kind for alarm in find_alarms(previous, Reading(tuple(after)), NOW)]


def moved(announcement: Announcement) -> Announcement:
    instant = announcement.slot.instant
    assert instant is not None
    return replace(announcement, slot=replace(announcement.slot, instant=instant + timedelta(days=40)))


def test_a_read_like_the_last_one_is_usable() -> None:
    assert alarm_kinds(entries(30), entries(30)) == []


@pytest.mark.parametrize(("count", "found"), [(70, []), (69, [AlarmKind.COUNT])])
def test_seven_tenths_of_the_usual_count_are_enough(count: int, found: list[AlarmKind]) -> None:
    assert alarm_kinds(entries(100), entries(count), [100, 100, 100]) == found


def test_the_usual_count_is_the_median_of_the_last_five_reads() -> None:
    assert alarm_kinds([], entries(10), [1000, 12, 12, 12, 1000, 12]) == []


@pytest.mark.parametrize(("count", "found"), [(1, []), (0, [AlarmKind.COUNT])])
def test_a_small_calendar_may_lose_three_entries(count: int, found: list[AlarmKind]) -> None:
    assert alarm_kinds(entries(4), entries(count)) == found


def test_a_list_may_drop_all_releases_of_a_day_that_are_out() -> None:
    out = [replace(each, slot=Slot(Precision.INSTANT, instant=NOW - timedelta(hours=1))) for each in entries(9)]
    assert alarm_kinds(out, []) == []


def test_entries_that_passed_long_ago_count_as_missing() -> None:
    old = [replace(each, slot=Slot(Precision.INSTANT, instant=NOW - timedelta(days=30))) for each in entries(9)]
    assert alarm_kinds(old, []) == [AlarmKind.COUNT]


def test_an_empty_first_read_is_an_alarm_unless_the_calendar_may_be_empty() -> None:
    empty = Reading(())
    assert [alarm.kind for alarm in find_alarms(EarlierReads({}), empty, NOW)] == [AlarmKind.EMPTY]
    assert find_alarms(EarlierReads({}, may_be_empty=True), empty, NOW) == []


@pytest.mark.parametrize(("count", "found"), [(6, []), (7, [AlarmKind.RE_DATED])])
def test_a_fifth_of_the_entries_may_be_re_dated_at_once(count: int, found: list[AlarmKind]) -> None:
    before = entries(30)
    assert alarm_kinds(before, [*map(moved, before[:count]), *before[count:]]) == found


@pytest.mark.parametrize(("count", "found"), [(6, []), (7, [AlarmKind.CANCELLED])])
def test_a_fifth_of_the_entries_may_be_cancelled_at_once(count: int, found: list[AlarmKind]) -> None:
    before = entries(30)
    cancelled = [replace(each, state=State.CANCELLED) for each in before[:count]]
    assert alarm_kinds(before, [*cancelled, *before[count:]]) == found


def test_entries_whose_slot_has_passed_do_not_count_as_re_dated() -> None:
    past = [replace(each, slot=replace(each.slot, instant=NOW - timedelta(days=1))) for each in entries(30)]
    assert alarm_kinds(past, [moved(each) for each in past]) == []


def test_unreadable_dates_have_their_own_alarm() -> None:
    before = entries(30)
    assert alarm_kinds(before, [replace(each, slot=Slot(Precision.NONE, reason="not-a-date")) for each in before]) == [
        AlarmKind.UNREADABLE
    ]


def test_a_first_read_without_one_readable_date_is_an_alarm() -> None:
    unread = [replace(each, slot=Slot(Precision.NONE, raw="soon", reason="not-a-date")) for each in entries(4)]
    (alarm,) = find_alarms(EarlierReads({}), Reading(tuple(unread)), NOW)
    assert (alarm.kind, alarm.detail) == (AlarmKind.UNREADABLE, "none of 4 dates can be read (soon)")


def test_dates_that_are_all_to_be_confirmed_raise_no_alarm() -> None:
    unconfirmed = [replace(each, slot=Slot(Precision.NONE, raw="TBC", reason="tbc")) for each in entries(9)]
    assert find_alarms(EarlierReads({}), Reading(tuple(unconfirmed)), NOW) == []


@pytest.mark.parametrize(("count", "found"), [(15, []), (16, [AlarmKind.GONE])])
def test_half_of_the_entries_may_get_other_keys_in_one_read(count: int, found: list[AlarmKind]) -> None:
    before = entries(30)
    assert (
        alarm_kinds(before, [*(replace(each, uid=f"/{each.uid}") for each in before[:count]), *before[count:]]) == found
    )


def test_an_accepted_mass_change_raises_no_alarm() -> None:
    before = entries(30)
    previous = EarlierReads({each.uid: LastSeen.of(each) for each in before}, [30], accepted=True)
    assert find_alarms(previous, Reading(tuple(map(moved, before))), NOW) == []
    assert find_alarms(previous, Reading(()), NOW) == []


def test_unreadable_dates_raise_an_alarm_even_if_the_user_accepted_a_mass_change() -> None:
    before = entries(30)
    previous = EarlierReads({each.uid: LastSeen.of(each) for each in before}, [30], accepted=True)
    unread = [replace(each, slot=Slot(Precision.NONE, reason="not-a-date")) for each in before]
    assert [alarm.kind for alarm in find_alarms(previous, Reading(tuple(unread)), NOW)] == [AlarmKind.UNREADABLE]


def test_one_date_that_fits_only_with_day_and_month_exchanged_raises_an_alarm() -> None:
    odd = replace(entries(1)[0], uid="odd", slot=Slot(Precision.NONE, raw="07/23/2026", reason="order"))
    previous = EarlierReads({}, [31])
    (alarm,) = find_alarms(previous, Reading((*entries(30), odd)), NOW)
    assert (alarm.kind, alarm.detail) == (
        AlarmKind.DATE_ORDER,
        "1 dates fit only another order of day and month (07/23/2026)",
    )


@given(st.integers(0, 200), st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_a_read_with_the_usual_count_raises_no_count_alarm(extra: int, counts: list[int]) -> None:
    assert AlarmKind.COUNT not in alarm_kinds([], entries(max(counts) + extra), counts)
