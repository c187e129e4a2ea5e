"""The case files in `in_force_cases`: which promise counted when its slot passed; and what holds of
any promises.

The words of a case are explained at the top of `in_force_cases/one_calendar.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.announcement import BY_HAND, State
from schedules.in_force import InForce, slot_in_force
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from tests.worlds.case_files import FileCase, Toml, read_cases
from tests.worlds.releases import a_release

CASES = read_cases(Path(__file__).with_name("in_force_cases"))
IN_2027 = datetime(2027, 1, 1, tzinfo=UTC)
WHOLE_JULY = Slot(Precision.MONTH, first=date(2026, 7, 1), last=date(2026, 7, 31))
NO_SLOTS = {
    "to be confirmed": Slot(Precision.NONE, reason="tbc"),
    "unreadable": Slot(Precision.NONE, reason="not-a-date"),
}
READ_AT, SLOT_AT = "8:00", "8:30"
"""The times in UTC of reads and of slots for which a case names only the day."""
READ = re.compile(r"(?:(?P<calendar>[a-z]+) )?(?P<day>\d.*?): (?P<entry>.+)")


# What calendars showed


def instant(text: str, usual_time: str = READ_AT) -> datetime:
    day, month, *time = text.split()
    when = f"{day} {month} 2026 {time[0] if time else usual_time}"
    return datetime.strptime(when, "%d %B %Y %H:%M").replace(tzinfo=UTC)


def slot_of(text: str) -> Slot:
    """Return the slot of `23 July`, `23 July 9:30`, `day of 23 July`, `July` or `to be confirmed`."""
    if text in NO_SLOTS:
        return NO_SLOTS[text]
    if text == "July":
        return WHOLE_JULY
    if text.startswith("day of "):
        day = instant(text.removeprefix("day of ")).date()
        return Slot(Precision.DAY, first=day, last=day)
    return Slot(Precision.INSTANT, instant(text, SLOT_AT))


def promise_of(text: str) -> Promise:
    """Return the promise that a read showed: `other 2 June: 23 July, cancelled`."""
    match = READ.fullmatch(text)
    assert match is not None, f"not a read like “other 2 June: 23 July”: “{text}”"
    slot, *options = match["entry"].split(", ")
    calendar, read_at = match["calendar"] or "primary", instant(match["day"])
    calendar = BY_HAND if calendar == "person" else calendar
    promise = Promise("r", calendar, slot_of(slot), State.CONFIRMED, read_at)
    for option in options:
        promise = with_option(promise, option)
    return promise


def with_option(promise: Promise, option: str) -> Promise:
    word, _, value = option.partition(" ")
    match word:
        case "last":
            return replace(promise, confirmed_at=instant(value))
        case "without":
            return replace(promise, unlearnt=instant(value))
        case "doubt":
            return replace(promise, doubt=value)
        case "doubtful":
            return replace(promise, slot=replace(promise.slot, doubt="zone"))
        case "written":
            return replace(promise, slot=replace(promise.slot, raw=value))
        case _:
            return replace(promise, state=State(option))


def what_is_in_force(promises: Iterable[Promise], facts: Toml) -> InForce:
    release = a_release(calendars=tuple(facts.get("calendars", ["primary", "other"])))
    now = instant(facts["now"]) if "now" in facts else IN_2027
    return slot_in_force(release, promises, now, facts.get("short_notice_days", 28))


# What is right


@pytest.mark.parametrize("case", CASES, ids=str)
def test_promise_in_force_is_as_its_case_says(case: FileCase) -> None:
    found = what_is_in_force(map(promise_of, case.facts["reads"]), case.facts)
    words_of_world = {"reads", "calendars", "now", "short_notice_days"}
    right = {key: case.facts[key] for key in case.facts if key not in words_of_world}
    assert right, f"{case}: say what is right"
    assert {key: FACTS[key](found) for key in right} == right, case.where


def read_of(promise: Promise | None) -> str:
    """Return the read of a promise as a case names it: `other 2 June`."""
    if promise is None:
        return "none"
    calendar = {"primary": "", BY_HAND: "person "}.get(promise.calendar, f"{promise.calendar} ")
    return calendar + day_text(promise.learnt, READ_AT)


def reads_of(promises: Iterable[Promise]) -> list[str]:
    return [read_of(promise) for promise in promises]


def day_text(moment: datetime | None, usual_time: str = "") -> str:
    if moment is None:
        return "none"
    time = f"{moment:%-H:%M}"
    return f"{moment:%-d %B}" if time == usual_time else f"{moment:%-d %B} {time}"


def slot_text(slot: Slot | None) -> str:
    if slot is None:
        return "none"
    for name, known in {"July": WHOLE_JULY, **NO_SLOTS}.items():
        if slot.is_same_time(known):
            return name
    if slot.first is not None:
        return f"day of {slot.first:%-d %B}"
    return day_text(slot.instant, SLOT_AT)


def notice_text(found: InForce) -> str:
    """Return `re-dated by 3 days, proven, between 19 July and 20 July`."""
    notice = found.short_notice
    if notice is None:
        return "none"
    proven = "proven" if notice.proven else "not proven"
    since, at = day_text(notice.since, READ_AT), day_text(notice.at, READ_AT)
    return f"{notice.what}: {notice.days} days, {proven}, between {since} and {at}"


def events_with_slots(found: InForce) -> list[str]:
    rows = []
    for event in found.events:
        detail = f", {event.detail}" if event.detail else ""
        rows.append(f"{event.what}: {slot_text(event.before)} to {slot_text(event.after)}{detail}")
    return rows


FACTS: Mapping[str, Callable[[InForce], object]] = {
    "slot": lambda found: slot_text(found.slot),
    "promise": lambda found: read_of(found.promise),
    "slot_of_promise": lambda found: slot_text(found.promise and found.promise.slot),
    "cancelled": lambda found: found.cancelled,
    "moved_from": lambda found: read_of(found.moved_from),
    "first_announced": lambda found: read_of(found.first_announced),
    "replaced": lambda found: reads_of(found.replaced_promises),
    "changed_after_slot": lambda found: read_of(found.changed_after_slot),
    "possible_changes": lambda found: reads_of(found.possible_changes),
    "disagreements": lambda found: reads_of(found.disagreements),
    "agreeing": lambda found: reads_of(found.agreeing),
    "announced_as_of": lambda found: day_text(found.announced_as_of),
    "first_read_after_slot": lambda found: found.is_first_read_after_slot,
    "short_notice": notice_text,
    "events": lambda found: [str(event.what) for event in found.events],
    "events_with_slots": events_with_slots,
}


# What holds of any promises


_slots = st.one_of(
    st.datetimes(datetime(2026, 7, 1), datetime(2026, 7, 20)).map(
        lambda wall: Slot(Precision.INSTANT, instant=wall.replace(tzinfo=UTC))
    ),
    st.dates(date(2026, 7, 1), date(2026, 7, 20)).map(
        lambda day: Slot(Precision.DAY, first=day, last=day)
    ),
    st.sampled_from([WHOLE_JULY, *NO_SLOTS.values()]),
)
_promises = st.lists(
    st.builds(
        Promise,
        st.just("r"),
        st.sampled_from(["primary", "other", "third"]),
        _slots,
        st.sampled_from([*State, None]),
        st.datetimes(datetime(2026, 6, 1), datetime(2026, 7, 25)).map(
            lambda wall: wall.replace(tzinfo=UTC)
        ),
    ),
    max_size=8,
    unique_by=lambda promise: (promise.calendar, promise.learnt),
)
_calendars = st.sampled_from(
    [(), ("primary",), ("other", "primary"), ("third", "other", "primary")]
)


@given(_promises, st.integers(0, 60), _calendars)
def test_no_later_read_replaces_a_slot_that_passed_in_force(
    history: list[Promise], days_after_1_june: int, calendars: tuple[str, ...]
) -> None:
    release = a_release(calendars=calendars)
    now = instant("1 June") + timedelta(days=days_after_1_june)
    found_now = slot_in_force(release, history, now)
    passes_at = None if found_now.slot is None else found_now.slot.passes()
    has_passed = passes_at is not None and passes_at <= now
    # The only exception is a slot that was first read after it had passed.
    if has_passed and not found_now.is_first_read_after_slot:
        assert slot_in_force(release, history, IN_2027).slot == found_now.slot


@given(_promises, st.randoms(use_true_random=False))
def test_promises_may_be_given_in_any_order(history: list[Promise], random: Random) -> None:
    shuffled = random.sample(history, len(history))
    assert what_is_in_force(shuffled, {}) == what_is_in_force(history, {})


@given(_promises)
def test_any_slot_first_read_too_late_is_reported_as_such(history: list[Promise]) -> None:
    found = what_is_in_force(history, {})
    passes_at = None if found.slot is None else found.slot.passes()
    if found.promise is not None and passes_at is not None and found.promise.learnt >= passes_at:
        assert found.is_first_read_after_slot
