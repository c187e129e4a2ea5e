"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.judge.presence import Presence
from monitor.judge.verdict import Exposure
from monitor.judge.window import Window
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between


def exposures(part: str, presences: Iterable[Presence], window: Window, now: datetime) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order.

    One ends when the content was seen gone, or at the slot. Failed looks and blind spans end none: what
    was out before and after them counts as out throughout, since nothing shows that it was not.
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
    goes = presence.goes
    if goes is not None and goes.by is not None and goes.by <= slot:
        return goes
    return Interval(slot, slot) if presence.end >= slot else Interval(presence.end, slot)
