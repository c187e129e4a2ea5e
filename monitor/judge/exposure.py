"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise

from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.spells import Spell
from monitor.judge.window import Window
from monitor.look.recognise.result import NO_LONGER_AVAILABLE
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between

# Content that is public early is looked at every 5 s. A longer break means that looks failed or were not made.
_LONGEST_BREAK = timedelta(seconds=20)
_NOT_PRESENT = (State.ABSENT, State.WITHDRAWN)


def find_exposures(
    part: str, presences: Iterable[Presence], window: Window, now: datetime, runs: Iterable[Run] = ()
) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order; `runs` are all of its runs.

    An exposure ends when the content was seen removed, or at the slot. Failed looks and blind spans do not end it. But
    the content may have been removed during them, so the end may be any time after it was last seen without a break.
    An exposure that lasts until the slot stays open until the next look, at most for 20 s: it shows why it ended.
    """
    denials = _find_denials(runs)
    early = (presence for presence in presences if is_early(presence, window))
    return tuple(_build_exposure(part, presence, window.opens, now, denials) for presence in early)


def present_at_slot_by(presence: Presence, slot: datetime, runs: Iterable[Run]) -> datetime:
    """Return by when content that was out early was present as promised: at the slot if it was seen without a break.

    Otherwise it may have been absent at the slot. Then return the first look since the slot that saw it.
    """
    denials = _find_denials(runs)
    unbroken_until = _last_seen_before_break(presence, denials)
    if unbroken_until is None or unbroken_until >= slot:
        return slot
    return min((begin for begin, _ in _seen_spans(presence, denials) if begin >= slot), default=presence.end)


def _find_denials(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of looks that succeeded but found another answer than the content."""
    return [
        run for run in runs if run.state in _NOT_PRESENT or (run.state is State.UNKNOWN and run.status == HTTPStatus.OK)
    ]


def find_unseen_exposures(
    part: str, views: Iterable[Sequence[Spell]], window: Window, known: Sequence[Exposure]
) -> tuple[Exposure, ...]:
    """Return exposures that no look saw, but that a notice of withdrawal before the slot proves.

    The content was published and removed between a 404 and a 410 or "published in error", which GOV.UK shows only for
    published content. "No longer available" on another site is no proof. Exposures in `known` are left out.
    """
    changes = (pair for spells in views for spell in spells if not spell.is_present for pair in pairwise(spell.runs))
    found = [
        Interval(absent.end, withdrawn.begin)
        for absent, withdrawn in changes
        if (absent.status, withdrawn.state) == (HTTPStatus.NOT_FOUND, State.WITHDRAWN)
        and withdrawn.why != NO_LONGER_AVAILABLE
        and absent.end < withdrawn.begin < window.early_before
    ]
    shown = [Interval(each.start.after, each.to.by) for each in known]
    unseen: list[Exposure] = []
    # The narrowest first: several views may prove the same exposure.
    for span in sorted(found, key=lambda one: between(one, one).max or 0.0):
        if not any(_may_overlap(span, one) for one in (*shown, *(each.start for each in unseen))):
            unseen.append(Exposure(part, span, span, between(span, span), open=False, ended=Ended.REMOVED))
    return tuple(unseen)


def _may_overlap(one: Interval, other: Interval) -> bool:
    """Return whether two intervals overlap, where an open side has no limit."""
    is_before = one.by is not None and other.after is not None and one.by < other.after
    is_after = one.after is not None and other.by is not None and other.by < one.after
    return not is_before and not is_after


def is_early(presence: Presence, window: Window) -> bool:
    """Return whether a presence was proved before the slot by more than our clock's uncertainty."""
    return presence.begin < window.early_before


def _build_exposure(part: str, presence: Presence, slot: datetime, now: datetime, denials: Sequence[Run]) -> Exposure:
    """Return the exposure of an early presence: open while it lasts, or while a look is awaited that shows its end."""
    start, unbroken_until = presence.appears, _last_seen_before_break(presence, denials)
    last_seen = presence.end if unbroken_until is None else unbroken_until
    awaits_look = slot - _LONGEST_BREAK <= last_seen and presence.end < slot and now < open_exposure_ends_at(slot)
    if presence.goes is None and (now < slot or awaits_look):
        length = seconds_between(start.by, max(last_seen, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    to, ended = _find_end(presence.goes, last_seen, slot)
    return Exposure(part, start, to, between(start, to), open=False, ended=ended)


def open_exposure_ends_at(slot: datetime) -> datetime:
    """Return until when an exposure stays open after its slot, to wait for a look that shows why it ended."""
    return slot + _LONGEST_BREAK


def _find_end(goes: Interval | None, last_seen: datetime, slot: datetime) -> tuple[Interval, Ended]:
    """Return when and why an exposure ended: by its removal in the interval `goes`, or else by the slot.

    `goes` is None if no look saw the removal. All looks until `last_seen` saw the content.
    """
    if goes is not None and goes.by is not None and goes.by <= slot:
        return Interval(last_seen if goes.after is None else min(last_seen, goes.after), goes.by), Ended.REMOVED
    return Interval(min(last_seen, slot), slot), Ended.SLOT if last_seen >= slot else Ended.UNKNOWN


def _last_seen_before_break(presence: Presence, denials: Sequence[Run]) -> datetime | None:
    """Return when the content was last seen before a break; None if it was seen without a break.

    A break is a span of `_LONGEST_BREAK` without a look that saw the content, or any other answer in between.
    """
    stretches = sorted(_seen_spans(presence, denials))
    reach = stretches[0][0]
    for begin, end in stretches:
        is_hidden = any(reach < other.first_sent and other.last_received < begin for other in denials)
        if is_hidden or begin - reach > _LONGEST_BREAK:
            return reach
        reach = max(reach, end)
    return None


def _seen_spans(presence: Presence, denials: Sequence[Run]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans in which the content was seen without another answer."""
    for spell in presence.spells:
        for run in spell.runs:
            yield from _spans_of_run(run, denials)


def _spans_of_run(run: Run, denials: Iterable[Run]) -> tuple[tuple[datetime, datetime], ...]:
    """Return the spans in which a run saw the content: the whole run, or only its two ends.

    Only the ends count if another view got another answer in between and the looks of the run are far apart. If they
    are close together, the other view may have shown a stale copy.
    """
    is_close = run.largest_gap <= _LONGEST_BREAK
    if is_close or not any(run.first_sent < other.first_sent and other.last_received < run.end for other in denials):
        return ((run.begin, run.end),)
    return (run.begin, run.begin), (run.end, run.end)
