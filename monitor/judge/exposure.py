"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain, pairwise

from monitor.judge.case import Window
from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.spells import Spell, served_until
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import (
    NOTHING,
    Bounds,
    Interval,
    between,
    earliest_known,
    seconds_between,
)

# Early content gets a look every 5 s. In a longer break, looks failed or were not made.
_LONGEST_BREAK = timedelta(seconds=20)
NO_LONGER_AVAILABLE = "a notice that it is no longer available"
"""Reason in runs of older versions. Some sites say it of any content."""


def find_exposures(
    part: str,
    presences: Iterable[Presence],
    window: Window,
    now: datetime,
    runs: Iterable[Run],
) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order; `runs` are all of its runs.

    Failed looks and blind spans do not end one. But after a break (see `_find_first_break`) it
    may have ended at any time since.
    """
    absences = _find_absences(runs)
    return tuple(
        _build_exposure(part, presence, window.slot_begins, now, absences)
        for presence in presences
        if is_early(presence, window)
    )


def present_at_slot_by(presence: Presence, slot: datetime, runs: Iterable[Run]) -> datetime:
    """Return the first instant from the slot on at which early content is proved present.

    That is the slot if looks saw it until then without a break, else the first look since.
    """
    absences = _find_absences(runs)
    break_begins = _find_first_break(presence, absences)
    if break_begins is None or break_begins >= slot:
        return slot
    seen_since_slot = [begin for begin, _ in _list_seen_spans(presence, absences) if begin >= slot]
    # The last span may begin before the slot. Its end is surely after the break.
    return min(seen_since_slot, default=presence.served_until)


def _find_absences(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of looks answered without the content, even if they prove no absence."""
    return [
        run
        for run in runs
        if run.state in (State.ABSENT, State.WITHDRAWN)
        or (run.state, run.status) == (State.UNKNOWN, HTTPStatus.OK)
    ]


def find_unseen_exposures(
    part: str,
    views: Iterable[Sequence[Spell]],
    window: Window,
    known: Sequence[Exposure],
    runs: Iterable[Run],
) -> tuple[Exposure, ...]:
    """Return the unseen exposure that a notice of withdrawal proves, unless it is known.

    Only the first notice proves one, and only if none of `runs`, all of the part, showed anything
    or led on before it. Otherwise the notice may be about that.
    """
    stays = find_unseen_stays(
        views, [Interval(exposure.start.after, exposure.to.by) for exposure in known]
    )
    shown_from = earliest_known(run.begin for run in runs if _shows_something(run))
    first = min(stays, key=lambda stay: stay.by or window.early_before, default=NOTHING)
    if first.by is None or first.by >= window.early_before:
        return ()
    if shown_from is not None and shown_from < first.by:
        return ()
    # It came and was removed between a 404 and a notice.
    return (Exposure(part, first, first, between(first, first), open=False, ended=Ended.REMOVED),)


def _shows_something(run: Run) -> bool:
    """Return whether answers had content that a notice may be about, or led to another address."""
    has_content = run.status is not None and run.status < HTTPStatus.BAD_REQUEST
    return run.state is State.PRESENT or (has_content and run.state is not State.WITHDRAWN)


def find_unseen_stays(views: Iterable[Sequence[Spell]], seen: Sequence[Interval]) -> list[Interval]:
    """Return spans in which content was published and removed unseen, narrowest first.

    A 404 and then a notice of withdrawal prove one. A span that may overlap one in `seen`, or a
    narrower one, may be the same, and is left out.
    """
    found = []
    for spell in chain.from_iterable(views):
        if spell.is_present:
            continue
        for absent, withdrawn in pairwise(spell.runs):
            is_withdrawal = withdrawn.state is State.WITHDRAWN and absent.end < withdrawn.begin
            is_after_404 = absent.status == HTTPStatus.NOT_FOUND
            if is_withdrawal and is_after_404 and withdrawn.why != NO_LONGER_AVAILABLE:
                found.append(Interval(absent.end, withdrawn.begin))
    unseen: list[Interval] = []
    for span in sorted(found, key=lambda span: seconds_between(span.after, span.by) or 0.0):
        if not any(_may_overlap(span, other) for other in (*seen, *unseen)):
            unseen.append(span)
    return unseen


def _may_overlap(span: Interval, other: Interval) -> bool:
    is_before = span.by is not None and other.after is not None and span.by < other.after
    is_after = span.after is not None and other.by is not None and other.by < span.after
    return not is_before and not is_after


def is_early(presence: Presence, window: Window) -> bool:
    """Return whether a presence was proved before the slot, our clock's uncertainty allowed for."""
    return presence.begin < window.early_before


def _build_exposure(
    part: str, presence: Presence, slot: datetime, now: datetime, absences: Sequence[Run]
) -> Exposure:
    """Return the exposure of a presence: open, or ended by removal, slot or unknown.

    Only the time before the first break is sure, because a break may hide a removal.
    """
    start = presence.appears
    removed_by = _find_removal(presence, absences)
    break_begins = _find_first_break(presence, absences)
    last_seen = presence.served_until
    if break_begins is not None:
        last_seen = break_begins
    was_seen_just_before_slot = slot - _LONGEST_BREAK <= last_seen
    was_seen_since_slot = presence.served_until >= slot
    # The next look shows whether the content is still there.
    awaits_look = (
        was_seen_just_before_slot and not was_seen_since_slot and now < open_exposure_ends_at(slot)
    )
    if removed_by is None and (now < slot or awaits_look):
        # In a single look, `last_seen` may be before `begin`.
        length = seconds_between(start.by, max(last_seen, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    if removed_by is not None and removed_by <= slot:
        end = Interval(last_seen, removed_by)
        reason = Ended.REMOVED
    else:
        end = Interval(min(last_seen, slot), slot)
        reason = Ended.SLOT if last_seen >= slot else Ended.UNKNOWN
    return Exposure(part, start, end, between(start, end), open=False, ended=reason)


def _find_removal(presence: Presence, absences: Sequence[Run]) -> datetime | None:
    """Return by when users could no longer get the content, None if not proved.

    A copy that answered was public, whatever its `Age`. So an absence dated before it counts from
    the next look without the content.
    """
    removed, last_served = presence.removed, presence.served_until
    if removed is None or removed.by is None or removed.by >= last_served:
        return None if removed is None else removed.by
    absent_later = [run for run in absences if run.first_sent >= last_served]
    return min((run.first_received or run.last_received for run in absent_later), default=None)


def open_exposure_ends_at(slot: datetime) -> datetime:
    """Return until when an exposure stays open after its slot, to wait for a look."""
    return slot + _LONGEST_BREAK


def _find_first_break(presence: Presence, absences: Sequence[Run]) -> datetime | None:
    """Return until when the content was surely there before the first break in a presence, or None.

    A break is more than `_LONGEST_BREAK` between two looks that saw it, or a look that did not find
    it.
    """
    spans = sorted(_list_seen_spans(presence, absences))
    answered, surely_there = spans[0]
    for begin, end in spans:
        was_absent_between = any(
            answered < run.first_sent and run.last_received < begin for run in absences
        )
        if was_absent_between or begin - answered > _LONGEST_BREAK:
            return surely_there
        answered = max(answered, begin, end)
        surely_there = max(surely_there, end)
    return None


def _list_seen_spans(
    presence: Presence, absences: Sequence[Run]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans in which looks saw the content, `absences` being looks that did not.

    Begin and end mean what they mean in a `Run`: of a single look, the end is first.
    """
    for run in chain.from_iterable(spell.runs for spell in presence.spells):
        last_served = served_until(run)
        was_absent_inside = any(
            run.first_sent < each.first_sent and each.last_received < last_served
            for each in absences
        )
        # Between looks far apart, it may have been removed and come back, so only both ends are
        # sure. Between close ones, an absence may be a stale copy in another view.
        if was_absent_inside and run.largest_gap > _LONGEST_BREAK:
            yield run.begin, run.first_sent
            yield run.last_received, last_served
        else:
            yield run.begin, last_served
