"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.judge.presence import Presence
from monitor.judge.verdict import Exposure
from monitor.judge.window import Window
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between

# What is out early is looked at every 5 s: where it was not seen for so long, looks failed or were not made.
_UNSEEN = timedelta(seconds=20)


def exposures(part: str, presences: Iterable[Presence], window: Window, now: datetime) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order.

    One ends when the content was seen gone, or at the slot. Failed looks and blind spans end none, and prove nothing
    either: what was out before and after them may have been gone in between, so its end is only known to lie after it
    was last seen without a break.
    """
    return tuple(_exposure(part, presence, window.opens, now) for presence in presences if is_early(presence, window))


def is_early(presence: Presence, window: Window) -> bool:
    """Tell whether a presence was proved earlier than the slot by more than our clock's uncertainty."""
    return presence.begin < window.early_before


def _exposure(part: str, presence: Presence, slot: datetime, now: datetime) -> Exposure:
    start = presence.appears
    if presence.goes is None and now < slot:
        length = seconds_between(start.by, max(presence.end, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    to = ends(presence, slot)
    return Exposure(part, start, to, between(start, to), open=False)


def ends(presence: Presence, slot: datetime) -> Interval:
    """Return when an early presence stopped being an exposure, once it has: exactly at the slot when it stood."""
    goes, stood = presence.goes, unbroken(presence)
    if goes is not None and goes.by is not None and goes.by <= slot:
        return goes if stood is None or goes.after is None else Interval(min(stood, goes.after), goes.by)
    lasted = min(presence.end if stood is None else stood, slot)
    return Interval(lasted, slot)


def unbroken(presence: Presence) -> datetime | None:
    """Return until when the content was seen again and again; None when that was so as long as it was seen at all."""
    runs = sorted((run for spell in presence.spells for run in spell.runs), key=lambda run: run.begin)
    reach = runs[0].begin
    for run in runs:
        if run.begin - reach > _UNSEEN:
            return reach
        reach = max(reach, run.end)
    return None
