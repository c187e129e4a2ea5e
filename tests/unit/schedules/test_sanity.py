"""Whether a read of a calendar can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import Announcement, State
from schedules.read_changes import Alarm, AlarmKind, EarlierReads, LastSeen, find_alarms
from schedules.slot import Precision, Slot
from schedules.source import Reading

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def entries(count: int) -> list[Announcement]:
    return [
        Announcement(
            str(n),
            f"Release {n}",
            "dfx",
            "",
            Slot(Precision.INSTANT, instant=NOW + timedelta(days=n + 1)),
        )
        for n in range(count)
    ]


def alarm_kinds(
    before: Sequence[Announcement],
    after: Sequence[Announcement],
    counts: Sequence[int] = (),
    **earlier: bool,
) -> list[AlarmKind]:
    previous = EarlierReads(
        {each.uid: LastSeen.of(each) for each in before}, counts or [len(before)], **earlier
    )
    return [alarm.kind for alarm in find_alarms(previous, Reading(tuple(after)), NOW)]


def alarms_of_first_read(
    shown: Sequence[Announcement], *, may_be_empty: bool = False
) -> list[Alarm]:
    return find_alarms(EarlierReads({}, may_be_empty=may_be_empty), Reading(tuple(shown)), NOW)


def with_slot(slot: Slot, announcements: Sequence[Announcement]) -> list[Announcement]:
    return [replace(each, slot=slot) for each in announcements]


def passed(ago: timedelta) -> Slot:
    return Slot(Precision.INSTANT, instant=NOW - ago)


UNREADABLE = Slot(Precision.NONE, raw="soon", reason="not-a-date")
FAR_AHEAD = Slot(Precision.INSTANT, instant=NOW + timedelta(days=400))


def test_a_read_like_the_last_one_is_usable() -> None:
    assert alarm_kinds(entries(30), entries(30)) == []


@pytest.mark.parametrize(("count", "alarms"), [(70, []), (69, [AlarmKind.COUNT])])
def test_seven_tenths_of_the_usual_count_are_enough(count: int, alarms: list[AlarmKind]) -> None:
    assert alarm_kinds(entries(100), entries(count), counts=[100, 100, 100]) == alarms


def test_usual_count_is_median_of_last_five_reads() -> None:
    """Ten reads had 1000 entries or 12. The last five of them had 1000, 12, 12, 12 and 1000, of
    which the median is 12. So a read with 12 entries raises no alarm.
    """
    older_counts, last_five_counts = [1000] * 5, [1000, 12, 12, 12, 1000]
    assert alarm_kinds([], entries(12), counts=older_counts + last_five_counts) == []


@pytest.mark.parametrize(("entries_left", "alarms"), [(1, []), (0, [AlarmKind.COUNT])])
def test_a_small_calendar_may_lose_three_entries(
    entries_left: int, alarms: list[AlarmKind]
) -> None:
    """The calendar had four entries, and now has `entries_left`. If one is left, there is no alarm,
    because a correct read may lose three. If none is left, there is one.
    """
    assert alarm_kinds(entries(4), entries(entries_left)) == alarms


def test_a_list_may_drop_all_releases_whose_slot_passed_lately() -> None:
    """Lists drop entries after their slot.

    So entries that passed within the last week do not count as missing.
    """
    out = with_slot(passed(ago=timedelta(hours=1)), entries(9))
    assert alarm_kinds(before=out, after=[]) == []


def test_entries_that_passed_long_ago_count_as_missing() -> None:
    """Lists drop entries within a week after their slot. These passed 30 days ago and were still
    listed at the last read, so a list without them is suspect.
    """
    old = with_slot(passed(ago=timedelta(days=30)), entries(9))
    assert alarm_kinds(before=old, after=[]) == [AlarmKind.COUNT]


def test_empty_first_read_is_alarm_unless_calendar_may_be_empty() -> None:
    nothing: list[Announcement] = []
    (alarm,) = alarms_of_first_read(nothing)
    assert alarm.kind is AlarmKind.EMPTY
    assert alarms_of_first_read(nothing, may_be_empty=True) == []


@pytest.mark.parametrize(("count", "alarms"), [(6, []), (7, [AlarmKind.RE_DATED])])
def test_fifth_of_entries_may_get_other_dates_at_once(count: int, alarms: list[AlarmKind]) -> None:
    """Six of 30 entries are a fifth. If one read shows other dates for them, there is no alarm. If
    it does so for seven, there is one.
    """
    before = entries(30)
    with_other_dates = with_slot(FAR_AHEAD, before[:count])
    assert alarm_kinds(before, after=[*with_other_dates, *before[count:]]) == alarms


@pytest.mark.parametrize(("count", "alarms"), [(6, []), (7, [AlarmKind.CANCELLED])])
def test_cancelling_more_than_a_fifth_at_once_raises_alarm(
    count: int, alarms: list[AlarmKind]
) -> None:
    """Six of 30 entries are a fifth, which raises no alarm. Seven are more, and raise one."""
    before = entries(30)
    cancelled = [replace(each, state=State.CANCELLED) for each in before[:count]]
    after = [*cancelled, *before[count:]]
    assert alarm_kinds(before, after) == alarms
    assert alarm_kinds(after, after) == []


def test_accepted_mass_cancellation_may_leave_out_the_dates() -> None:
    """Seven of 30 entries are cancelled at once, with the text “soon” as date. With `accepted`, the
    user has confirmed that the calendar is right.
    """
    before = entries(30)
    cancelled = [replace(each, slot=UNREADABLE, state=State.CANCELLED) for each in before[:7]]
    assert alarm_kinds(before, [*cancelled, *before[7:]]) == [AlarmKind.CANCELLED]
    assert alarm_kinds(before, [*cancelled, *before[7:]], accepted=True) == []


def test_passed_slots_do_not_count_as_re_dated() -> None:
    past = with_slot(passed(ago=timedelta(days=1)), entries(30))
    assert alarm_kinds(past, with_slot(FAR_AHEAD, past)) == []


def test_unreadable_dates_have_their_own_alarm() -> None:
    before = entries(30)
    assert alarm_kinds(before, with_slot(UNREADABLE, before)) == [AlarmKind.UNREADABLE]


def test_a_first_read_without_one_readable_date_is_an_alarm() -> None:
    (alarm,) = alarms_of_first_read(with_slot(UNREADABLE, entries(4)))
    assert (alarm.kind, alarm.detail) == (
        AlarmKind.UNREADABLE,
        f"none of 4 dates can be read ({UNREADABLE.raw})",
    )


def test_dates_that_are_all_to_be_confirmed_raise_no_alarm() -> None:
    unconfirmed = with_slot(Slot(Precision.NONE, raw="TBC", reason="tbc"), entries(9))
    assert alarms_of_first_read(unconfirmed) == []


@pytest.mark.parametrize(("count", "alarms"), [(15, []), (16, [AlarmKind.GONE])])
def test_new_keys_for_over_half_of_entries_raise_alarm(count: int, alarms: list[AlarmKind]) -> None:
    """If so many keys are new at once, the calendar has probably changed how it makes them. Of 30
    entries, 15 may have new keys, but not 16.
    """
    before = entries(30)
    with_other_keys = [replace(each, uid=f"/{each.uid}") for each in before[:count]]
    assert alarm_kinds(before, after=[*with_other_keys, *before[count:]]) == alarms


def test_a_mass_change_that_the_user_accepted_raises_no_alarm() -> None:
    """All dates change, or all entries disappear.

    With `accepted`, the user has confirmed that this is right.
    """
    before = entries(30)
    assert alarm_kinds(before, after=with_slot(FAR_AHEAD, before), accepted=True) == []
    assert alarm_kinds(before, after=[], accepted=True) == []


def test_accepting_a_mass_change_does_not_accept_unreadable_dates() -> None:
    before = entries(30)
    assert alarm_kinds(before, after=with_slot(UNREADABLE, before), accepted=True) == [
        AlarmKind.UNREADABLE
    ]


def test_date_with_day_and_month_exchanged_raises_alarm() -> None:
    """Ten of 40 entries have the date 07/23/2026, with the month first.

    British dates have the day first.
    """
    (alarm,) = alarms_of_first_read([*entries(30), *with_month_first(10)])
    assert alarm.kind is AlarmKind.DATE_ORDER
    assert alarm.detail == "dates with day and month exchanged: 10, such as 07/23/2026"


def test_a_few_dates_with_day_and_month_exchanged_raise_no_alarm() -> None:
    assert alarms_of_first_read([*entries(30), *with_month_first(3)]) == []


def with_month_first(count: int) -> list[Announcement]:
    slot = Slot(Precision.NONE, raw="07/23/2026", reason="order")
    return [replace(each, uid=f"odd {each.uid}", slot=slot) for each in entries(count)]


@given(st.integers(0, 200), st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_a_read_with_the_usual_count_raises_no_count_alarm(extra: int, counts: list[int]) -> None:
    """The usual count is the median of earlier counts, so it is at most the largest of them."""
    assert AlarmKind.COUNT not in alarm_kinds([], entries(max(counts) + extra), counts)
