"""The slot and the events of a release after a series of calendar reads: the worked examples of
ledgers.

(Each event has the number of its read.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
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


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def entry(uid: str, text: str, state: str | None = "confirmed") -> Announcement:
    slot = read_date(text, date(2026, 1, 1), "Europe/London", "dmy").slot
    return Announcement(uid, f"Release {uid}", "dfx", "", slot, State(state) if state else None)


def read(
    at: str,
    *entries: Announcement,
    calendar: str = "A",
    count: int | None = None,
    lists_overdue: bool = True,
) -> Read:
    """Make a read at an instant in UTC, of `count` entries, of which only those given are watched.

    `lists_overdue`: the calendar shows a release until it is out, even after its day.
    """
    others = range(0 if count is None else count - len(entries))
    filler = (Announcement(f"other-{number}", "Other", "dfx", "", FAR) for number in others)
    return Read(calendar, utc(at), Reading((*entries, *filler), lists_overdue=lists_overdue))


@dataclass(frozen=True)
class Outcome:
    """What is known of release X after the last read, and the kind of each event with the number of
    its read.
    """

    in_force: InForce
    events_with_read_number: list[tuple[str, int]]
    usable: tuple[bool, ...]

    @property
    def slot_instant(self) -> datetime | None:
        return None if self.in_force.slot is None else self.in_force.slot.instant


class CalendarStore:
    """A store that takes reads of calendars as the daemon does. Each entry is a release of its
    own.
    """

    def __init__(self) -> None:
        self.store = TemporaryStore()
        self.events: list[tuple[str, datetime, str]] = []
        self._states: dict[str, CalendarState] = {}

    def take(self, read: Read) -> bool:
        """Store the promises of one read. Return whether it was usable."""
        state = self._states.get(read.calendar) or CalendarState(read.calendar)
        row = CalendarRead(
            read.calendar, read.at, read.at, usable=True, entries=len(read.reading.announcements)
        )
        evaluated = evaluate_read(state, row, read.reading, Checks())
        self._states[read.calendar] = evaluated.state
        changes = evaluated.changes
        with self.store.transaction() as tx:
            tx.add_promises(replace(each, release=uid) for uid, each in changes.promises.items())
            tx.confirm_all(read.calendar, changes.confirmed, read.at)
        history = {"absent": "X" in changes.unlisted_twice, "reappeared": "X" in changes.reappeared}
        history["sanity-alarm"] = not changes.usable
        self.events += [(what, read.at, read.calendar) for what, is_so in history.items() if is_so]
        return changes.usable


def take_reads(reads: Sequence[Read]) -> tuple[CalendarStore, tuple[bool, ...]]:
    """Return a new store that has taken these reads, and whether each read was usable."""
    taken = CalendarStore()
    return taken, tuple(taken.take(each) for each in reads)


def outcome_of_reads(*reads: Read, primary: str = "A") -> Outcome:
    """Return the slot of X and its events after these reads. `primary` is the calendar that
    rules.
    """
    taken, usable = take_reads(reads)
    now, promises = reads[-1].at, taken.store.ledger.promises(["X"])
    numbers = {(each.calendar, each.at): number for number, each in enumerate(reads, 1)}
    release = Release("X", "Release X", "dfx", "", (), (primary,))
    history = [
        (each.what.value, each.at, each.calendar)
        for each in release_history(release, promises, now)
    ]
    events = sorted(
        (what, numbers[calendar, at]) for what, at, calendar in (*taken.events, *history)
    )
    return Outcome(slot_in_force(release, promises, now), events, usable)


# 9:30am in London's summer is 8:30 UTC.
ENTRY_FOR_23_JULY, SLOT_OF_23_JULY = entry("X", "23 July 2026 9:30am"), utc("2026-07-23 08:30")


def test_move_28_days_before_slot_is_not_short_notice() -> None:
    """On 25 June a read shows that the slot moves from 23 to 30 July. It is 28 days before the old
    slot. Only less than 28 days are short notice, so that is no event.
    """
    for_23_july, for_30_july = entry("X", "23 July 2026 9:30am"), entry("X", "30 July 2026 9:30am")
    outcome = outcome_of_reads(
        read("2026-06-01 08:00", for_23_july), read("2026-06-25 08:00", for_30_july)
    )
    assert outcome.slot_instant == utc("2026-07-30 08:30")  # 9:30am in London
    assert outcome.events_with_read_number == [("announced", 1), ("re-dated", 2)]


def test_move_three_days_before_slot_is_short_notice() -> None:
    """On 20 July a read shows that the slot moves from 23 to 30 July. It is three days before the
    old slot. Less than 28 days are short notice, which is an event.
    """
    for_23_july, for_30_july = entry("X", "23 July 2026 9:30am"), entry("X", "30 July 2026 9:30am")
    outcome = outcome_of_reads(
        read("2026-06-01 08:00", for_23_july), read("2026-07-20 08:00", for_30_july)
    )
    assert outcome.slot_instant == utc("2026-07-30 08:30")  # 9:30am in London
    assert outcome.events_with_read_number == [
        ("announced", 1),
        ("re-dated", 2),
        ("short-notice", 2),
    ]
    assert outcome.in_force.short_notice.days == 3


def test_change_after_slot_leaves_old_slot_in_force() -> None:
    """The slot is 23 July, 9:30am in London or 8:30 UTC. At 10:00 UTC it has passed. A read then
    shows 24 July instead. So the old slot stays in force. The new one is a change after the slot.
    """
    for_23_july, for_24_july = entry("X", "23 July 2026 9:30am"), entry("X", "24 July 2026 9:30am")
    outcome = outcome_of_reads(
        read("2026-06-01 08:00", for_23_july), read("2026-07-23 10:00", for_24_july)
    )
    assert outcome.slot_instant == utc("2026-07-23 08:30")
    assert outcome.in_force.changed_after_slot.slot.instant == utc("2026-07-24 08:30")
    assert outcome.events_with_read_number == [("announced", 1), ("changed-after-slot", 2)]


def test_entry_dropped_after_its_day_makes_no_event() -> None:
    """This calendar drops each release at the end of its day, even a release that is not out yet
    (`lists_overdue` is false). Release X has its slot on 23 July. Reads on 22 and 23 July show it
    among about 400 entries. Two reads on 24 July lack it. That is usual here, so it is no event,
    and the slot stays.
    """
    reads = [
        read("2026-07-22 08:00", ENTRY_FOR_23_JULY, count=400, lists_overdue=False),
        read("2026-07-23 11:00", ENTRY_FOR_23_JULY, count=398, lists_overdue=False),
        read("2026-07-24 00:10", count=396, lists_overdue=False),
        read("2026-07-24 01:10", count=396, lists_overdue=False),
    ]
    outcome = outcome_of_reads(*reads)
    assert outcome.slot_instant == SLOT_OF_23_JULY
    assert outcome.events_with_read_number == [("announced", 1)]  # by the first read


def test_collapsed_list_raises_alarm_and_changes_no_promise() -> None:
    """The first read has 240 entries, one of them for release X. The second has only 31, without X.
    So few raise an alarm, and the read is not usable. X keeps its slot.
    """
    first_read = read("2026-07-01 08:00", ENTRY_FOR_23_JULY, count=240)
    second_read = read("2026-07-02 08:00", count=31)
    outcome = outcome_of_reads(first_read, second_read)
    assert outcome.slot_instant == SLOT_OF_23_JULY
    assert outcome.events_with_read_number == [("announced", 1), ("sanity-alarm", 2)]
    assert outcome.usable == (True, False)


def test_entry_missing_twice_is_absent_and_may_reappear() -> None:
    """The first read shows release X among 240 entries. The next two reads lack it. The second of
    these, read 3, makes it absent. Read 4 shows it again, so it has reappeared. Its slot stays the
    same.
    """
    reads = [
        read("2026-07-01 08:00", ENTRY_FOR_23_JULY, count=240),
        read("2026-07-02 08:00", count=239),
        read("2026-07-03 08:00", count=239),
        read("2026-07-04 08:00", ENTRY_FOR_23_JULY, count=240),
    ]
    outcome = outcome_of_reads(*reads)
    assert outcome.slot_instant == SLOT_OF_23_JULY
    # The events are sorted by name. Each has the number of the read that caused it.
    assert outcome.events_with_read_number == [("absent", 3), ("announced", 1), ("reappeared", 4)]


@pytest.mark.parametrize(
    ("last_shown", "is_proven"), [("2026-06-10 08:00", False), ("2026-06-26 08:00", True)]
)
def test_cancellation_22_days_before_slot_is_short_notice(
    last_shown: str, *, is_proven: bool
) -> None:
    """The slot is 23 July. A read on 1 July, 22 days before, shows that it is cancelled. Less than
    28 days are short notice. But it may have been cancelled any time after the last read that
    showed the slot (`last_shown`). If that was on 26 June, the notice was 27 days at most: proved
    to be short. If on 10 June, it is not proved.
    """
    cancelled = replace(ENTRY_FOR_23_JULY, state=State.CANCELLED)
    outcome = outcome_of_reads(
        read("2026-06-01 08:00", ENTRY_FOR_23_JULY),
        read(last_shown, ENTRY_FOR_23_JULY),
        read("2026-07-01 08:00", cancelled),
    )
    assert (outcome.in_force.cancelled, outcome.in_force.slot) == (True, None)
    assert outcome.events_with_read_number == [
        ("announced", 1),
        ("cancelled", 3),
        ("short-notice", 3),
    ]
    short_notice = outcome.in_force.short_notice
    assert short_notice.days == 22
    assert (short_notice.since, short_notice.at) == (utc(last_shown), utc("2026-07-01 08:00"))
    assert short_notice.proven is is_proven


def test_slot_goes_from_month_to_day_to_instant() -> None:
    """A calendar makes an announcement more precise. The first read shows only July 2026,
    provisionally. The second read shows the day, 23 July. The third read shows the time, 9:30am,
    and that it is confirmed. So the second and the third read raise the precision, and the third
    also confirms the slot. The time of the third read is in force.
    """
    reads = [
        read("2026-02-01 08:00", entry("X", "July 2026 (provisional)", "provisional")),
        read("2026-06-10 08:00", entry("X", "23 July 2026", "provisional")),
        read("2026-07-01 08:00", entry("X", "23 July 2026 9:30am", "confirmed")),
    ]
    outcome = outcome_of_reads(*reads)
    assert outcome.slot_instant == utc("2026-07-23 08:30")  # 9:30am in London
    # The events are sorted by name. Each has the number of the read that caused it.
    assert outcome.events_with_read_number == [
        ("announced", 1),
        ("confirmed", 3),
        ("precision-raised", 2),
        ("precision-raised", 3),
    ]


def test_slot_of_primary_calendar_is_in_force() -> None:
    """Two calendars announce release X for 23 July. Calendar A says 9:30am in London, which is 8:30
    UTC in July. Calendar B says 9:30 UTC, perhaps because someone mixed up the zones. A is the
    primary calendar, so its slot is in force. The read of B causes two events: the calendars
    disagree, and the zone is in doubt.
    """
    of_primary, of_other = entry("X", "23 July 2026 9:30am"), entry("X", "2026-07-23T09:30:00Z")
    first_read = read("2026-07-01 08:00", of_primary, calendar="A")
    second_read = read("2026-07-01 08:05", of_other, calendar="B")
    outcome = outcome_of_reads(first_read, second_read, primary="A")
    assert outcome.slot_instant == utc("2026-07-23 08:30")
    # Each event has the number of the read that caused it.
    assert outcome.events_with_read_number == [
        ("announced", 1),
        ("calendars-disagree", 2),
        ("zone-doubt", 2),
    ]
    assert [promise.calendar for promise in outcome.in_force.disagreements] == ["B"]


def test_swapped_day_and_month_raise_an_alarm() -> None:
    """A calendar writes dates with the day first, such as 20/07/2026 for release X. The second read
    has the month first, as in 07/20/2026. There is no month 20, so that is not a date. All six
    entries changed in this way at once. That raises an alarm: the read is not believed. Release X
    keeps its slot on 20 July.
    """
    days = {"X": 20, "A": 21, "B": 22, "C": 23, "D": 24, "E": 25}
    day_first = [entry(name, f"{day}/07/2026") for name, day in days.items()]
    month_first = [entry(name, f"07/{day}/2026") for name, day in days.items()]
    outcome = outcome_of_reads(
        read("2026-07-01 08:00", *day_first), read("2026-07-02 08:00", *month_first)
    )
    slot_of_x = outcome.in_force.slot
    assert (slot_of_x.precision, slot_of_x.first) == (Precision.DAY, date(2026, 7, 20))
    # Each event has the number of the read that caused it.
    assert outcome.events_with_read_number == [("announced", 1), ("sanity-alarm", 2)]


def test_edition_is_unannounced_from_four_weeks_before_last_expected_day() -> None:
    """Five editions came about 28 days apart. So the next one is expected on 17 June, give or take
    a week. No calendar announces it. From four weeks before the last of these days, 24 June, that
    is an event.
    """
    released = [
        date(2026, 1, 21),
        date(2026, 2, 18),
        date(2026, 3, 18),
        date(2026, 4, 15),
        date(2026, 5, 20),
    ]
    expectation = expect_next_edition(series_of("dfx", "Widgets: May 2026"), released)
    assert (expectation.first, expectation.last) == (date(2026, 6, 10), date(2026, 6, 24))
    no_announcements: list[Slot] = []
    # a day too early
    assert expectation.find_unannounced(no_announcements, now=utc("2026-05-26 08:00")) is None
    event = expectation.find_unannounced(no_announcements, now=utc("2026-05-27 08:00"))
    assert event.what is EventKind.UNANNOUNCED


def test_move_across_clock_change_is_a_new_date_only() -> None:
    """A release moves from 22 to 26 October, both at 9:30am in London. In between the clocks
    change, so in UTC it moves from 8:30 to 9:30. For people the time of day is the same. So the
    event is "re-dated", not "time-changed". The move is read on 30 September, less than 28 days
    before 22 October. So it is also an event of short notice.
    """
    before_change, after_change = (
        entry("X", "22 October 2026 9:30am"),
        entry("X", "26 October 2026 9:30am"),
    )
    outcome = outcome_of_reads(
        read("2026-09-01 08:00", before_change), read("2026-09-30 08:00", after_change)
    )
    assert outcome.slot_instant == utc("2026-10-26 09:30")
    events_of_second_read = [
        event for event, number in outcome.events_with_read_number if number == 2
    ]
    assert events_of_second_read == ["re-dated", "short-notice"]


def _cases() -> list[Any]:
    if not EXAMPLES.exists():
        return [
            pytest.param(
                None,
                marks=pytest.mark.skip(reason="the shared samples do not stand beside the project"),
            )
        ]
    cases = json.loads(EXAMPLES.read_text())["cases"]
    return [pytest.param(case, id=f"{case['id']} {case['title']}") for case in cases]


def _reads_of(case: Mapping[str, Any]) -> list[Read]:
    return [
        read(
            each["at"],
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
        expectation = expect_next_edition(
            ("dfx", ("x",)), [date.fromisoformat(day) for day in series["released"]]
        )
        assert [str(expectation.first), str(expectation.last)] == series["expected_window"]
        event = expectation.find_unannounced([], now)
        yield from [] if event is None else [(event.what.value, 1)]


@pytest.mark.parametrize("case", _cases())
def test_example_ledger_gives_expected_slot_and_events(case: Mapping[str, Any]) -> None:
    """A shared file has examples of ledgers. Each example has some reads of calendars. It says
    which slot is then in force, and which events there are. Our ledger must find the same from
    these reads.
    """
    reads, expected = _reads_of(case), case["expect"]
    outcome = outcome_of_reads(*reads, primary=case["config"]["primary"])
    in_force = outcome.in_force
    assert _slot_text(in_force.slot) == expected["slot"]
    assert (in_force.promise.slot.precision if in_force.promise else "none") == expected[
        "precision"
    ]
    assert ("cancelled" if in_force.cancelled else None) == expected.get("state")
    # An edition that no calendar announces is an event of its series. It does not come from a read.
    events = [*outcome.events_with_read_number, *_series_events(case, reads[-1].at)]
    assert sorted(events) == sorted((event["type"], event["read"]) for event in expected["events"])
    if "usable" in expected:
        assert list(outcome.usable) == expected["usable"]
    # Each example gives only some of the other figures, such as the days of notice.
    for name, figure in _expected_fields(in_force).items():
        if name in expected:
            assert figure == expected[name], name


def _slot_text(slot: Slot | None) -> str | None:
    if slot is None:
        return None
    return f"{slot.instant:%Y-%m-%dT%H:%M:%SZ}" if slot.instant else str(slot.first)


def _expected_fields(found: InForce) -> dict[str, Any]:
    short = found.short_notice
    as_of = found.announced_as_of
    earlier = found.moved_from is not None and str(_slot_text(found.slot)) < str(
        _slot_text(found.moved_from.slot)
    )
    return {
        "announced_as_of": as_of and f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "second_promise": _slot_text(found.changed_after_slot.slot)
        if found.changed_after_slot
        else None,
        "short_notice_days": short and short.days,
        "short_notice_proven": short and short.proven,
        "changed_between": short
        and [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (short.since, short.at) if at],
        "direction": "earlier" if earlier else "later",
    }


def test_bank_holiday_is_an_unlikely_day_in_its_nation() -> None:
    """A calendar announces a release for 6 April 2026. That is Easter Monday, a holiday in England
    but not in Scotland. For a producer in England it is an unlikely day, which is an event. For one
    in Scotland there is no such event.
    """
    promise = Promise(
        "X", "A", entry("X", "6 April 2026 9:30am").slot, None, utc("2026-02-01 08:00")
    )
    release = Release("X", "Release X", "dfx", "", ())

    def events(workdays: Workdays) -> list[EventKind]:
        history = release_history(release, [promise], utc("2026-03-01 08:00"), workdays=workdays)
        return [event.what for event in history]

    assert events(Workdays("ENG")) == [EventKind.ANNOUNCED, EventKind.UNLIKELY_DAY]
    assert events(Workdays("SCT")) == [EventKind.ANNOUNCED]


_texts = st.sampled_from(
    ["22 July 2026 9:30am", "23 July 2026 9:30am", "July 2026", "TBC", "nobody knows"]
)
_states = st.sampled_from(["confirmed", "provisional", "cancelled", None])


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("XYZ"), _texts, _states), unique_by=lambda each: each[0]
        ),
        max_size=8,
    )
)
def test_later_reads_change_no_earlier_promise_or_usability(
    shown_each_day: list[list[tuple[str, str, str | None]]],
) -> None:
    """Each day a calendar is read once. A read shows some of the releases X, Y and Z, with random
    times and states. All reads are taken. Then only the first few are taken, in a new store. Both
    times, the first few must make the same promises, and the same of them must be usable. A later
    read may never change that.
    """
    reads = [
        read(f"2026-07-{day:02} 08:00", *(entry(uid, text, state) for uid, text, state in shown))
        for day, shown in enumerate(shown_each_day, 1)
    ]
    after_all, usable = take_reads(reads)
    for number_of_first_reads in range(1, len(reads)):
        first_reads = reads[:number_of_first_reads]
        after_first, usable_of_first = take_reads(first_reads)
        assert usable[:number_of_first_reads] == usable_of_first
        last_read_at = first_reads[-1].at
        all_promises, promises_of_first = (
            after_all.store.ledger.promises(),
            after_first.store.ledger.promises(),
        )
        by_then = [
            (promise.release, promise.slot)
            for promise in all_promises
            if promise.learnt <= last_read_at
        ]
        assert [(promise.release, promise.slot) for promise in promises_of_first] == by_then


@given(st.lists(st.tuples(_texts, _states), min_size=1, max_size=8))
def test_repeated_promise_is_not_added(entries: list[tuple[str, str | None]]) -> None:
    """On each of up to eight days, a read shows release X with a random time and state. If both are
    the same as the day before, the read may not add a promise. So two promises in a row always
    differ in time or state.
    """
    reads = [
        read(f"2026-07-{day:02} 08:00", entry("X", *each)) for day, each in enumerate(entries, 1)
    ]
    after_all, _usable = take_reads(reads)
    for earlier, later in pairwise(after_all.store.ledger.promises()):
        assert (earlier.slot, earlier.state) != (later.slot, later.state)
