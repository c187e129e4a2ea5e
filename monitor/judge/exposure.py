"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.verdict import Exposure
from monitor.judge.window import Window
from monitor.look.sighting import State
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between

# What is out early is looked at every 5 s: where it was not seen for so long, looks failed or were not made.
_UNSEEN = timedelta(seconds=20)


def exposures(
    part: str, presences: Iterable[Presence], window: Window, now: datetime, runs: Iterable[Run] = ()
) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order; `runs` are all of its runs.

    One ends when the content was seen gone, or at the slot. Failed looks and blind spans end none, and prove nothing
    either: what was out before and after them may have been gone in between, so its end is only known to lie after it
    was last seen without a break.
    """
    others = [run for run in runs if run.state is State.UNKNOWN and run.status == HTTPStatus.OK]
    early = (presence for presence in presences if is_early(presence, window))
    return tuple(_exposure(part, presence, window.opens, now, others) for presence in early)


def is_early(presence: Presence, window: Window) -> bool:
    """Tell whether a presence was proved earlier than the slot by more than our clock's uncertainty."""
    return presence.begin < window.early_before


def _exposure(part: str, presence: Presence, slot: datetime, now: datetime, others: Sequence[Run]) -> Exposure:
    start = presence.appears
    if presence.goes is None and now < slot:
        stood = _unbroken(presence, others)
        length = seconds_between(start.by, max(presence.end if stood is None else stood, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    to = _ends(presence, slot, others)
    return Exposure(part, start, to, between(start, to), open=False)


def _ends(presence: Presence, slot: datetime, others: Sequence[Run]) -> Interval:
    """Return when an early presence stopped being an exposure, once it has: exactly at the slot when it stood."""
    goes, stood = presence.goes, _unbroken(presence, others)
    if goes is not None and goes.by is not None and goes.by <= slot:
        return goes if stood is None or goes.after is None else Interval(min(stood, goes.after), goes.by)
    lasted = min(presence.end if stood is None else stood, slot)
    return Interval(lasted, slot)


def _unbroken(presence: Presence, others: Sequence[Run]) -> datetime | None:
    """Return until when the content was seen again and again; None when that was so as long as it was seen at all.

    `others` are runs of looks that read something else there, whatever it was: then it was not seen, however shortly.
    """
    runs = sorted((run for spell in presence.spells for run in spell.runs), key=lambda run: run.begin)
    reach = runs[0].begin
    for run in runs:
        is_hidden = any(reach < other.first_sent and other.last_received < run.begin for other in others)
        if is_hidden or run.begin - reach > _UNSEEN:
            return reach
        reach = max(reach, run.end)
    return None
