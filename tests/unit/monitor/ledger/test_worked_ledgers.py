"""The slot and the events of a release after a series of calendar reads: the worked examples of ledgers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger.state import CalendarState, Checks, evaluate_read
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement, State
from schedules.dates.read import read_date
from schedules.history import release_history
from schedules.in_force import InForce, slot_in_force
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.regular_series import expect_next_edition, series_of
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.source import Reading
from schedules.workdays import Workdays
from tests.worlds.stores import TemporaryStore

EXAMPLES = Path(__file__).parents[4] / "../shared/samples/calendars/ledger_examples.json"
FAR = Slot(Precision.INSTANT, instant=datetime(2027, 6, 1, 8, 30, tzinfo=UTC))


@dataclass(frozen=True)
class Read:
    """One read of one calendar."""

    calendar: str
    at: datetime
    reading: Reading


def utc(month: int, day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def entry(uid: str, text: str, state: str | None = "confirmed") -> Announcement:
    slot = read_date(text, date(2026, 1, 1), "Europe/London", "dmy").slot
    return Announcement(uid, f"Release {uid}", "dfx", "", slot, State(state) if state else None)


def read(
    at: datetime,
    *entries: Announcement,
    calendar: str = "A",
    count: int | None = None,
    lists_overdue: bool = True,
) -> Read:
    """Make a read of `count` entries, of which only those given are watched."""
    others = range(0 if count is None else count - len(entries))
    filler = (Announcement(f"other-{number}", "Other", "dfx", "", FAR) for number in others)
    return Read(calendar, at, Reading((*entries, *filler), lists_overdue=lists_overdue))


@dataclass(frozen=True)
class Outcome:
    """What is known of release X after the last read, and the kind of each event with the number of its read."""

    in_force: InForce
    kinds_with_read_number: list[tuple[str, int]]
    usable: tuple[bool, ...]


class CalendarStore:
    """A store that takes reads of calendars as the daemon does. Each entry is a release of its own."""

    def __init__(self) -> None:
        self.store = TemporaryStore()
        self.events: list[tuple[str, datetime, str]] = []
        self._states: dict[str, CalendarState] = {}

    def take(self, read: Read) -> bool:
        """Store the promises of one read. Return whether it was usable."""
        state = self._states.get(read.calendar) or CalendarState(read.calendar)
        row = CalendarRead(read.calendar, read.at, read.at, usable=True, entries=len(read.reading.announcements))
        evaluated = evaluate_read(state, row, read.reading, Checks())
        self._states[read.calendar] = evaluated.state
        changes = evaluated.changes
        with self.store.transaction() as tx:
            tx.add_promises(replace(each, release=uid) for uid, each in changes.promises.items())
            tx.confirm_all(read.calendar, changes.confirmed, read.at)
        history = {"absent": "X" in changes.absent, "reappeared": "X" in changes.reappeared}
        history["sanity-alarm"] = not changes.usable
        self.events += [(what, read.at, read.calendar) for what, is_so in history.items() if is_so]
        return changes.usable


def take_reads(reads: Sequence[Read]) -> tuple[CalendarStore, tuple[bool, ...]]:
    """Return a new store that has taken these reads, and whether each read was usable."""
    taken = CalendarStore()
    return taken, tuple(taken.take(each) for each in reads)


def outcome_of_reads(reads: Sequence[Read], primary: str = "A") -> Outcome:
    """Return the slot of X and its events after these reads. `primary` is the calendar that rules."""
    taken, usable = take_reads(reads)
    now, promises = reads[-1].at, taken.store.ledger.promises(["X"])
    numbers = {(each.calendar, each.at): number for number, each in enumerate(reads, 1)}
    release = Release("X", "Release X", "dfx", "", (), (primary,))
    history = [(each.what.value, each.at, each.calendar) for each in release_history(release, promises, now)]
    events = sorted((what, numbers[calendar, at]) for what, at, calendar in (*taken.events, *history))
    return Outcome(slot_in_force(release, promises, now), events, usable)


def slot_instant(found: InForce) -> datetime | None:
    return None if found.slot is None else found.slot.instant


SLOT_OF_23_JULY = utc(7, 23, 8, 30)
ENTRY_FOR_23_JULY = entry("X", "23 July 2026 9:30am")


def test_ledger_1_move_announced_28_days_before_the_old_slot_is_not_short_notice() -> None:
    outcome = outcome_of_reads(
        [read(utc(6, 1), ENTRY_FOR_23_JULY), read(utc(6, 25), entry("X", "30 July 2026 9:30am"))]
    )
    # 9:30am in London's summer is 8:30 UTC.
    assert slot_instant(outcome.in_force) == utc(7, 30, 8, 30)
    assert outcome.kinds_with_read_number == [("announced", 1), ("re-dated", 2)]


def test_ledger_2_move_announced_three_days_before_the_old_slot_is_short_notice() -> None:
    outcome = outcome_of_reads(
        [read(utc(6, 1), ENTRY_FOR_23_JULY), read(utc(7, 20), entry("X", "30 July 2026 9:30am"))]
    )
    assert slot_instant(outcome.in_force) == utc(7, 30, 8, 30)
    assert outcome.kinds_with_read_number == [("announced", 1), ("re-dated", 2), ("short-notice", 2)]
    assert outcome.in_force.short_notice.days == 3


def test_ledger_3_a_change_after_the_slot_leaves_the_old_slot_in_force_and_opens_a_second_promise() -> None:
    outcome = outcome_of_reads(
        [read(utc(6, 1), ENTRY_FOR_23_JULY), read(utc(7, 23, 10), entry("X", "24 July 2026 9:30am"))]
    )
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    assert outcome.kinds_with_read_number == [("announced", 1), ("changed-after-slot", 2)]
    assert outcome.in_force.changed_after_slot.slot.instant == utc(7, 24, 8, 30)


def test_ledger_4_a_late_release_that_leaves_the_upcoming_list_is_not_absent() -> None:
    # Such a list drops an entry at the end of its day, so a missing entry proves nothing then.
    reads = [
        read(utc(7, 22), ENTRY_FOR_23_JULY, count=400, lists_overdue=False),
        read(utc(7, 23, 11), ENTRY_FOR_23_JULY, count=398, lists_overdue=False),
        read(utc(7, 24, 0, 10), count=396, lists_overdue=False),
        read(utc(7, 24, 1, 10), count=396, lists_overdue=False),
    ]
    outcome = outcome_of_reads(reads)
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    assert outcome.kinds_with_read_number == [("announced", 1)]


def test_ledger_5_collapsed_list_raises_an_alarm_and_changes_no_promise() -> None:
    # The second read has 31 entries, where the first had 240, and X is not among them.
    outcome = outcome_of_reads([read(utc(7, 1), ENTRY_FOR_23_JULY, count=240), read(utc(7, 2), count=31)])
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    assert outcome.kinds_with_read_number == [("announced", 1), ("sanity-alarm", 2)]
    assert outcome.usable == (True, False)


def test_ledger_6_an_entry_missing_twice_is_absent_and_reappears_with_its_slot_untouched() -> None:
    reads = [read(utc(7, 1), ENTRY_FOR_23_JULY, count=240), read(utc(7, 2), count=239), read(utc(7, 3), count=239)]
    outcome = outcome_of_reads([*reads, read(utc(7, 4), ENTRY_FOR_23_JULY, count=240)])
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    # The events are sorted by name.
    assert outcome.kinds_with_read_number == [("absent", 3), ("announced", 1), ("reappeared", 4)]


@pytest.mark.parametrize(("last_shown", "is_proven"), [(utc(6, 10), False), (utc(6, 26), True)])
def test_ledger_7_a_cancellation_leaves_no_slot_and_its_short_notice_needs_proof(
    last_shown: datetime, *, is_proven: bool
) -> None:
    cancelled = replace(ENTRY_FOR_23_JULY, state=State.CANCELLED)
    outcome = outcome_of_reads(
        [read(utc(6, 1), ENTRY_FOR_23_JULY), read(last_shown, ENTRY_FOR_23_JULY), read(utc(7, 1), cancelled)]
    )
    assert (outcome.in_force.cancelled, outcome.in_force.slot) == (True, None)
    assert outcome.kinds_with_read_number == [("announced", 1), ("cancelled", 3), ("short-notice", 3)]
    # The notice is from 1 to 23 July. It is proven to be short if the read before, less than 28 days before the slot,
    # still showed the old promise.
    assert (outcome.in_force.short_notice.days, outcome.in_force.short_notice.proven) == (22, is_proven)


def test_ledger_8_a_month_becomes_a_day_becomes_an_instant() -> None:
    reads = [
        read(utc(2, 1), entry("X", "July 2026 (provisional)", "provisional")),
        read(utc(6, 10), entry("X", "23 July 2026", "provisional")),
        read(utc(7, 1), ENTRY_FOR_23_JULY),
    ]
    outcome = outcome_of_reads(reads)
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    # The events are sorted by name.
    assert outcome.kinds_with_read_number == [
        ("announced", 1),
        ("confirmed", 3),
        ("precision-raised", 2),
        ("precision-raised", 3),
    ]


def test_ledger_9_calendars_an_hour_apart_disagree_and_the_primary_rules() -> None:
    # Calendar A has 9:30am in London's summer. Calendar B may have written the same time with the wrong zone.
    in_utc = entry("X", "2026-07-23T09:30:00Z")
    outcome = outcome_of_reads([read(utc(7, 1), ENTRY_FOR_23_JULY), read(utc(7, 1, 8, 5), in_utc, calendar="B")])
    assert slot_instant(outcome.in_force) == SLOT_OF_23_JULY
    assert outcome.kinds_with_read_number == [("announced", 1), ("calendars-disagree", 2), ("zone-doubt", 2)]
    assert [each.calendar for each in outcome.in_force.disagreements] == ["B"]


def test_ledger_10_swapped_day_and_month_raise_an_alarm_and_change_no_date() -> None:
    days = range(20, 26)
    # No month has a number from 20 to 25, so the turned dates fit only another order. X keeps 20 July.
    right = [entry(name, f"{day}/07/2026") for name, day in zip("XABCDE", days, strict=True)]
    turned = [entry(name, f"07/{day}/2026") for name, day in zip("XABCDE", days, strict=True)]
    outcome = outcome_of_reads([read(utc(7, 1), *right), read(utc(7, 2), *turned)])
    assert (outcome.in_force.slot.precision, outcome.in_force.slot.first) == (Precision.DAY, date(2026, 7, 20))
    assert outcome.kinds_with_read_number == [("announced", 1), ("sanity-alarm", 2)]


def test_ledger_11_an_edition_is_unannounced_from_two_weeks_before_the_window_of_its_regular_series() -> None:
    released = [date(2026, month, day) for month, day in ((1, 21), (2, 18), (3, 18), (4, 15), (5, 20))]
    expectation = expect_next_edition(series_of("dfx", "Widgets: May 2026"), released)
    # Editions come about 28 days apart, so the window is 17 June, give or take a week. Two weeks before it is 27 May.
    assert (expectation.first, expectation.last) == (date(2026, 6, 10), date(2026, 6, 24))
    assert expectation.find_unannounced([], utc(5, 26)) is None
    event = expectation.find_unannounced([], utc(5, 27))
    assert event.what is EventKind.UNANNOUNCED


def test_ledger_12_a_move_across_the_clock_change_is_a_new_date_not_a_new_time() -> None:
    reads = [
        read(utc(9, 1), entry("X", "22 October 2026 9:30am")),
        read(utc(9, 30), entry("X", "26 October 2026 9:30am")),
    ]
    outcome = outcome_of_reads(reads)
    # The clocks change on 25 October. After it 9:30am is 9:30 UTC, before it was 8:30 UTC.
    assert slot_instant(outcome.in_force) == utc(10, 26, 9, 30)
    assert outcome.kinds_with_read_number == [("announced", 1), ("re-dated", 2), ("short-notice", 2)]


def _cases() -> list[Any]:
    if not EXAMPLES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the shared samples do not stand beside the project"))]
    cases = json.loads(EXAMPLES.read_text())["cases"]
    return [pytest.param(case, id=f"{case['id']} {case['title']}") for case in cases]


def _reads_of(case: Mapping[str, Any]) -> list[Read]:
    return [
        read(
            datetime.fromisoformat(each["at"]),
            *(entry(item["key"], item["text"], item["status"]) for item in each["entries"]),
            calendar=each["source"],
            count=each["count"],
            lists_overdue=each.get("kind") != "ons-upcoming",
        )
        for each in case["reads"]
    ]


def _series_events(case: Mapping[str, Any], now: datetime) -> Iterable[tuple[str, int]]:
    series = case["config"].get("series")
    if series is not None:
        expectation = expect_next_edition(("dfx", ("x",)), [date.fromisoformat(day) for day in series["released"]])
        assert [str(expectation.first), str(expectation.last)] == series["expected_window"]
        event = expectation.find_unannounced([], now)
        yield from [] if event is None else [(event.what.value, 1)]


@pytest.mark.parametrize("case", _cases())
def test_every_example_in_the_shared_file_of_ledgers_has_the_expected_events_and_slot(case: Mapping[str, Any]) -> None:
    reads, expect = _reads_of(case), case["expect"]
    outcome = outcome_of_reads(reads, case["config"]["primary"])
    events = sorted([*outcome.kinds_with_read_number, *_series_events(case, reads[-1].at)])
    assert events == sorted((event["type"], event["read"]) for event in expect["events"])
    assert _slot_text(outcome.in_force.slot) == expect["slot"]
    promise = outcome.in_force.promise
    assert (promise.slot.precision if promise else "none") == expect["precision"]
    assert ("cancelled" if outcome.in_force.cancelled else None) == expect.get("state")
    # Most examples leave out some of the values below.
    assert list(outcome.usable) == expect.get("usable", list(outcome.usable))
    measured = {name: value for name, value in _measured(outcome.in_force).items() if name in expect}
    assert measured == {name: expect[name] for name in measured}


def _slot_text(slot: Slot | None) -> str | None:
    if slot is None:
        return None
    return f"{slot.instant:%Y-%m-%dT%H:%M:%SZ}" if slot.instant else str(slot.first)


def _measured(found: InForce) -> dict[str, Any]:
    short = found.short_notice
    as_of = found.announced_as_of
    earlier = found.moved_from is not None and str(_slot_text(found.slot)) < str(_slot_text(found.moved_from.slot))
    return {
        "announced_as_of": as_of and f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "second_promise": _slot_text(found.changed_after_slot.slot) if found.changed_after_slot else None,
        "short_notice_days": short and short.days,
        "short_notice_proven": short and short.proven,
        "changed_between": short and [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (short.since, short.at) if at],
        "direction": "earlier" if earlier else "later",
    }


def test_bank_holiday_is_an_unlikely_day_only_for_its_nation() -> None:
    # Easter Monday is a holiday in England and none in Scotland.
    promise = Promise("X", "A", entry("X", "6 April 2026 9:30am").slot, None, utc(2, 1))
    release = Release("X", "Release X", "dfx", "", ())
    kinds = {
        nation: [event.what for event in release_history(release, [promise], utc(3, 1), workdays=Workdays(nation))]
        for nation in ("ENG", "SCT")
    }
    assert kinds == {"ENG": [EventKind.ANNOUNCED, EventKind.UNLIKELY_DAY], "SCT": [EventKind.ANNOUNCED]}


_texts = st.sampled_from(["22 July 2026 9:30am", "23 July 2026 9:30am", "July 2026", "TBC", "nobody knows"])
_states = st.sampled_from(["confirmed", "provisional", "cancelled", None])


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("XYZ"), _texts, _states), unique_by=lambda each: each[0]), max_size=8)
)
def test_later_reads_change_neither_the_promises_of_earlier_reads_nor_whether_those_were_usable(
    days: list[list[tuple[str, str, str | None]]],
) -> None:
    reads = [
        read(utc(7, 1) + timedelta(days=number), *(entry(*each) for each in entries))
        for number, entries in enumerate(days)
    ]
    after_all, usable = take_reads(reads)
    for count in range(1, len(reads)):
        after_some, usable_by_then = take_reads(reads[:count])
        assert usable[:count] == usable_by_then
        promises_by_then = [
            (each.release, each.slot)
            for each in after_all.store.ledger.promises()
            if each.learnt <= reads[count - 1].at
        ]
        assert [(each.release, each.slot) for each in after_some.store.ledger.promises()] == promises_by_then


@given(st.lists(st.tuples(_texts, _states), min_size=1, max_size=8))
def test_a_read_that_repeats_a_promise_adds_none(entries: list[tuple[str, str | None]]) -> None:
    reads = [read(utc(7, 1) + timedelta(days=day), entry("X", *each)) for day, each in enumerate(entries)]
    after_all, _usable = take_reads(reads)
    for earlier, later in pairwise(after_all.store.ledger.promises()):
        assert (earlier.slot, earlier.state) != (later.slot, later.state)
