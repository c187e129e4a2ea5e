"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise

from alerts.finding import Ended, Exposure
from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.spells import Spell
from monitor.judge.window import Window
from monitor.look.recognise.result import NO_LONGER_AVAILABLE
from monitor.look.sighting import State
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between

# What is out early is looked at every 5 s: where it was not seen for so long, looks failed or were not made.
_UNSEEN = timedelta(seconds=20)
_ELSE = (State.ABSENT, State.WITHDRAWN)


def exposures(
    part: str, presences: Iterable[Presence], window: Window, now: datetime, runs: Iterable[Run] = ()
) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order; `runs` are all of its runs.

    One ends when the content was seen removed, or at the slot. Failed looks and blind spans end none, and prove
    nothing either: what was out before and after them may have been removed in between, so its end is only known to
    lie after it was last seen without a break. One seen until its slot stays open until the next look shows whether the
    content is still there, for 20 s at most: only then is it known why the exposure ended.
    """
    others = _others(runs)
    early = (presence for presence in presences if is_early(presence, window))
    return tuple(_exposure(part, presence, window.opens, now, others) for presence in early)


def present_at_slot_by(presence: Presence, slot: datetime, runs: Iterable[Run]) -> datetime:
    """Return by when what was out early stood there as promised: from the slot on where it was seen without a break.

    Else it may have been gone as the slot came, and stood by the first look since that saw it.
    """
    others = _others(runs)
    stood = _unbroken(presence, others)
    if stood is None or stood >= slot:
        return slot
    return min((begin for begin, _ in _seen(presence, others) if begin >= slot), default=presence.end)


def _others(runs: Iterable[Run]) -> list[Run]:
    return [run for run in runs if run.state in _ELSE or (run.state is State.UNKNOWN and run.status == HTTPStatus.OK)]


def vanished(
    part: str, views: Iterable[Sequence[Spell]], window: Window, known: Sequence[Exposure]
) -> tuple[Exposure, ...]:
    """Return the exposures that nobody saw: what is told to be gone before its slot, where nothing was, was public.

    Each came and went after the last look that found nothing (404), and before the first that was told so (410, or
    "published in error": GOV.UK says it of nothing else). What another site calls no longer available may never have
    been there. Those that `known` ones show already are left out.
    """
    gone = (pair for spells in views for spell in spells if not spell.out for pair in pairwise(spell.runs))
    found = [
        Interval(nothing.end, told.begin)
        for nothing, told in gone
        if (nothing.status, told.state) == (HTTPStatus.NOT_FOUND, State.WITHDRAWN)
        and told.why != NO_LONGER_AVAILABLE
        and nothing.end < told.begin < window.early_before
    ]
    shown = [Interval(each.start.after, each.to.by) for each in known]
    unseen: list[Exposure] = []
    for span in sorted(found, key=lambda one: between(one, one).max or 0.0):
        if not any(_touch(span, one) for one in (*shown, *(each.start for each in unseen))):
            unseen.append(Exposure(part, span, span, between(span, span), open=False, ended=Ended.REMOVED))
    return tuple(unseen)


def _touch(one: Interval, other: Interval) -> bool:
    is_before = one.by is not None and other.after is not None and one.by < other.after
    is_after = one.after is not None and other.by is not None and other.by < one.after
    return not is_before and not is_after


def is_early(presence: Presence, window: Window) -> bool:
    """Tell whether a presence was proved earlier than the slot by more than our clock's uncertainty."""
    return presence.begin < window.early_before


def _exposure(part: str, presence: Presence, slot: datetime, now: datetime, others: Sequence[Run]) -> Exposure:
    start, stood = presence.appears, _unbroken(presence, others)
    lasted = presence.end if stood is None else stood
    awaits_look = slot - _UNSEEN <= lasted and presence.end < slot and now < unclear_until(slot)
    if presence.goes is None and (now < slot or awaits_look):
        length = seconds_between(start.by, max(lasted, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    to, ended = _end(presence.goes, lasted, slot)
    return Exposure(part, start, to, between(start, to), open=False, ended=ended)


def unclear_until(slot: datetime) -> datetime:
    """Return until when after its slot an exposure waits for a look that shows whether the content is still there."""
    return slot + _UNSEEN


def _end(goes: Interval | None, lasted: datetime, slot: datetime) -> tuple[Interval, Ended]:
    """Return when an early presence stopped being an exposure, and why: exactly at the slot when it lasted until then.

    `goes` is when it was removed, None if it was not seen removed; it was seen without a break until `lasted`.
    """
    if goes is not None and goes.by is not None and goes.by <= slot:
        return Interval(lasted if goes.after is None else min(lasted, goes.after), goes.by), Ended.REMOVED
    return Interval(min(lasted, slot), slot), Ended.SLOT if lasted >= slot else Ended.UNKNOWN


def _unbroken(presence: Presence, others: Sequence[Run]) -> datetime | None:
    """Return until when the content was seen again and again; None when that was so as long as it was seen at all.

    `others` are runs of looks that read something else there, whatever it was: then it was not seen, however shortly.
    """
    stretches = sorted(_seen(presence, others))
    reach = stretches[0][0]
    for begin, end in stretches:
        is_hidden = any(reach < other.first_sent and other.last_received < begin for other in others)
        if is_hidden or begin - reach > _UNSEEN:
            return reach
        reach = max(reach, end)
    return None


def _seen(presence: Presence, others: Sequence[Run]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans over which the content was seen."""
    for spell in presence.spells:
        for run in spell.runs:
            yield from _stretches(run, others)


def _stretches(run: Run, others: Iterable[Run]) -> tuple[tuple[datetime, datetime], ...]:
    """Return the spans over which a run saw the content: its ends alone where another view read something else between.

    Looks that follow one another closely are believed before another view, whose answer may be a stale copy; of looks
    that lie further apart none saw what that view did.
    """
    is_close = run.largest_gap <= _UNSEEN
    if is_close or not any(run.first_sent < other.first_sent and other.last_received < run.end for other in others):
        return ((run.begin, run.end),)
    return (run.begin, run.begin), (run.end, run.end)
