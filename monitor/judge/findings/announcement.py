"""Findings from the ledger: what calendars announced, when, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judge.case import Case
from schedules.announcement import State
from schedules.contract.verdict import Finding, Kind, PartVerdict, VerdictKind
from schedules.ledger_event import EventKind
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from schedules.times.words import exactly

_MOVE_TEXTS = {EventKind.RE_DATED: "moved to another day", EventKind.TIME_CHANGED: "moved to another time"}


def find_in_ledger(case: Case, parts: Iterable[PartVerdict]) -> list[Finding]:
    """Return the findings from the ledger: calendars that disagree, short notice, no announcement.

    Their `at` is the time of the read that showed it, equal for all entries changed by one edit of a calendar.
    """
    found = []
    in_force = case.in_force
    if in_force.disagreements and in_force.promise is not None:
        differing = (in_force.promise, *in_force.disagreements)
        readings, at = "; ".join(map(promise_text, differing)), max(each.learnt for each in differing)
        found.append(Finding(Kind.CALENDARS_DISAGREE, None, f"{readings}: a person must say which binds", at=at))
    if (short := in_force.short_notice) is not None:
        change = _MOVE_TEXTS.get(short.what, short.what.value)
        days = f"{short.days} day{'' if abs(short.days) == 1 else 's'}"
        since = "" if short.since is None else f", after {exactly(short.since, case.zone)} which did not show it yet"
        text = f"{change} {days} ahead: read {exactly(short.at, case.zone)}{since}"
        found.append(Finding(Kind.SHORT_NOTICE, None, text, at=short.at))
    if any(part.verdict is VerdictKind.UNANNOUNCED for part in parts):
        found.append(Finding(Kind.UNANNOUNCED, None, "published, and no calendar we read announced it"))
    return found


def slot_words(slot: Slot) -> str:
    """Return a slot in words: its local time, or its days together with the announced text if that is coarser."""
    if slot.instant is not None:
        return exactly(slot.instant, slot.timezone)
    if slot.first is None or slot.last is None:
        return f"no readable time ({slot.raw})" if slot.raw else "no readable time"
    if slot.precision is Precision.DAY:
        return f"{slot.first:%a} {slot.first.day} {slot.first:%b %Y}, no time given"
    return f"{slot.raw or slot.precision.value} ({slot.first.isoformat()} to {slot.last.isoformat()})"


def promise_text(promise: Promise) -> str:
    """Return what a calendar announces for a release: `govuk says Fri 5 Jan 2018 09:30:00 GMT, provisional`."""
    slot = "cancelled" if promise.state is State.CANCELLED else slot_words(promise.slot)
    return f"{promise.calendar} says {slot}{', provisional' if promise.state is State.PROVISIONAL else ''}"
