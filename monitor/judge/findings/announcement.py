"""Findings that rest on the ledger: what calendars said, when, and how they differed."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judge.case import Case
from monitor.judge.verdict import Finding, Kind, PartVerdict, Word
from schedules.announcement import State
from schedules.change import ShortNotice
from schedules.ledger_event import What
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from schedules.times.words import exactly

_MOVED = {What.RE_DATED: "moved to another day", What.TIME_CHANGED: "moved to another time"}


def announced(case: Case, parts: Iterable[PartVerdict]) -> list[Finding]:
    """Return what the ledger shows: calendars that disagree, short notice, no announcement at all.

    `at` is the read that showed it, the same for all entries that one edit of a calendar changed.
    """
    found = []
    standing = case.standing
    if standing.disagreements and standing.promise is not None:
        differing = (standing.promise, *standing.disagreements)
        told, at = "; ".join(map(said, differing)), max(each.learnt for each in differing)
        found.append(Finding(Kind.CALENDARS_DISAGREE, None, f"{told}: a person must say which binds", at=at))
    if (short := standing.short_notice) is not None:
        found.append(Finding(Kind.SHORT_NOTICE, None, _short(short, case.zone), at=short.at))
    if any(part.word is Word.UNANNOUNCED for part in parts):
        found.append(Finding(Kind.UNANNOUNCED, None, "published, and no calendar we read announced it"))
    return found


def slot_words(slot: Slot) -> str:
    """Return a slot as people read it: its local time, or its days, and how it was written when that is coarser."""
    if slot.instant is not None:
        return exactly(slot.instant, slot.timezone)
    if slot.first is None or slot.last is None:
        return f"no readable time ({slot.raw})" if slot.raw else "no readable time"
    if slot.precision is Precision.DAY:
        return f"{slot.first:%a} {slot.first.day} {slot.first:%b %Y}, no time given"
    return f"{slot.raw or slot.precision.value} ({slot.first.isoformat()} to {slot.last.isoformat()})"


def said(promise: Promise) -> str:
    """Return what a calendar says of a release, in words."""
    what = "cancelled" if promise.state is State.CANCELLED else slot_words(promise.slot)
    return f"{promise.calendar} says {what}{', provisional' if promise.state is State.PROVISIONAL else ''}"


def _short(short: ShortNotice, zone: str) -> str:
    what = _MOVED.get(short.what, short.what.value)
    since = "" if short.since is None else f", after {exactly(short.since, zone)} which did not show it yet"
    days = f"{short.days} day{'' if abs(short.days) == 1 else 's'}"
    return f"{what} {days} ahead: read {exactly(short.at, zone)}{since}"
