"""Exposures: spans in which a part was public before its slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise

from monitor.judge.case import Window
from monitor.judge.presence import Presence
from monitor.judge.runs import Run
from monitor.judge.spells import Spell
from monitor.look.recognise.result import NO_LONGER_AVAILABLE
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import NOTHING, Bounds, Interval, between, seconds_between

# Content that is public early is looked at every 5 s. A longer break means that looks failed or were not made.
_LONGEST_BREAK = timedelta(seconds=20)


def find_exposures(
    part: str, presences: Iterable[Presence], window: Window, now: datetime, runs: Iterable[Run] = ()
) -> tuple[Exposure, ...]:
    """Return the exposures of a part, in time order; `runs` are all of its runs.

    An exposure ends when the content was seen removed, or at the slot. Failed looks and blind spans do not end it. But
    if no look saw the content for 20 s, or a look found it absent, it may have ended at any time since it was seen. If
    it was seen just before the slot, the exposure stays open until the next look, for at most 20 s after the slot.
    """
    absences = _find_absences(runs)
    early = (presence for presence in presences if is_early(presence, window))
    return tuple(_build_exposure(part, presence, window.opens, now, absences) for presence in early)


def present_at_slot_by(presence: Presence, slot: datetime, runs: Iterable[Run]) -> datetime:
    """Return the first instant from the slot on at which content that was out early is proved to be present.

    It is the slot itself, unless a break began before it: 20 s in which no look saw the content, or a look without it.
    Then it may have been removed before the slot, so it is the first time that a look saw the content after the slot.
    """
    absences = _find_absences(runs)
    break_begins = _first_break_begins(presence, absences)
    if break_begins is None or break_begins >= slot:
        return slot
    return min((begin for begin, _ in _seen_spans(presence, absences) if begin >= slot), default=presence.end)


def _find_absences(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of looks that were answered without the content, also with a page that proves no absence."""
    states = (State.ABSENT, State.WITHDRAWN)
    return [run for run in runs if run.state in states or (run.state, run.status) == (State.UNKNOWN, HTTPStatus.OK)]


def find_unseen_exposures(
    part: str, views: Iterable[Sequence[Spell]], window: Window, known: Sequence[Exposure]
) -> tuple[Exposure, ...]:
    """Return the exposures that no look saw, but that a notice of withdrawal before the slot proves.

    `known` are the exposures that looks saw. A notice that may be about one of them proves no further exposure.
    """
    known_spans = [Interval(exposure.start.after, exposure.to.by) for exposure in known]
    stays = find_unseen_stays(views, known_spans)  # spans in which the part was published and removed unseen
    early = [stay for stay in stays if stay.by is not None and stay.by < window.early_before]
    # Both the start and the end of the exposure are at unknown instants in the same span.
    return tuple(Exposure(part, stay, stay, between(stay, stay), open=False, ended=Ended.REMOVED) for stay in early)


def find_unseen_stays(views: Iterable[Sequence[Spell]], seen: Sequence[Interval]) -> list[Interval]:
    """Return spans in which content was published and removed unseen (a stay), narrowest first.

    A 410 or "published in error" after a 404 proves it, because GOV.UK shows them only for published content. "No
    longer available" on another site is no proof. A span that may overlap one of `seen` or a narrower one is left out,
    because both may be the same stay.
    """
    changes = (pair for spells in views for spell in spells if not spell.is_present for pair in pairwise(spell.runs))
    found = [
        Interval(absent.end, withdrawn.begin)
        for absent, withdrawn in changes
        if (absent.status, withdrawn.state) == (HTTPStatus.NOT_FOUND, State.WITHDRAWN)
        and withdrawn.why != NO_LONGER_AVAILABLE
        and absent.end < withdrawn.begin
    ]
    narrowest_first = sorted(found, key=lambda span: seconds_between(span.after, span.by) or 0.0)
    unseen: list[Interval] = []
    for span in narrowest_first:
        if not any(_may_overlap(span, other) for other in (*seen, *unseen)):
            unseen.append(span)
    return unseen


def _may_overlap(span: Interval, other: Interval) -> bool:
    """Return whether two intervals may overlap. An unknown limit excludes nothing."""
    is_before = span.by is not None and other.after is not None and span.by < other.after
    is_after = span.after is not None and other.by is not None and other.by < span.after
    return not is_before and not is_after


def is_early(presence: Presence, window: Window) -> bool:
    """Return whether a presence was proved before the slot by more than our clock's uncertainty."""
    return presence.begin < window.early_before


def _build_exposure(part: str, presence: Presence, slot: datetime, now: datetime, absences: Sequence[Run]) -> Exposure:
    """Return the exposure of content that was public early (`presence`): still open, or with its end and the reason.

    `absences` are looks that did not find the content. Such a look is a break, and so are 20 s in which no look saw the
    content. The content is sure to have stayed public only until the first break.
    """
    start, removed = presence.appears, presence.removed
    break_begins = _first_break_begins(presence, absences)
    surely_public_until = presence.end if break_begins is None else break_begins
    was_seen_just_before_slot = slot - _LONGEST_BREAK <= surely_public_until
    was_seen_since_slot = presence.end >= slot
    awaits_look = was_seen_just_before_slot and not was_seen_since_slot and now < open_exposure_ends_at(slot)
    if removed is None and (now < slot or awaits_look):
        # A single look, sent at 9:00:00 and answered at 9:00:01, has the `end` 9:00:00 and the later `begin` 9:00:01.
        length = seconds_between(start.by, max(surely_public_until, presence.begin))
        return Exposure(part, start, NOTHING, Bounds(length, None), open=True)
    if removed is not None and removed.by is not None and removed.by <= slot:
        # The content may also have been removed in an earlier break, and have been public again after it.
        last_public = surely_public_until if removed.after is None else min(surely_public_until, removed.after)
        end = Interval(last_public, removed.by)
        reason = Ended.REMOVED
    else:
        end = Interval(min(surely_public_until, slot), slot)
        # If the content is not sure to have stayed until the slot, it may have been removed before the slot.
        reason = Ended.SLOT if surely_public_until >= slot else Ended.UNKNOWN
    return Exposure(part, start, end, between(start, end), open=False, ended=reason)


def open_exposure_ends_at(slot: datetime) -> datetime:
    """Return until when an exposure stays open after its slot, to wait for a look that shows why it ended."""
    return slot + _LONGEST_BREAK


def _first_break_begins(presence: Presence, absences: Sequence[Run]) -> datetime | None:
    """Return when the content was last seen before the first break in a presence; None if there is no break.

    A break is over `_LONGEST_BREAK` between looks that saw it, or a look without it between them.
    """
    spans = sorted(_seen_spans(presence, absences))
    seen_until = spans[0][0]
    for begin, end in spans:
        is_missed = any(seen_until < run.first_sent and run.last_received < begin for run in absences)
        if is_missed or begin - seen_until > _LONGEST_BREAK:
            return seen_until
        seen_until = max(seen_until, end)
    return None


def _seen_spans(presence: Presence, absences: Sequence[Run]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans in which the runs of a presence saw the content: a whole run, or only its two ends.

    Only the ends count if another view did not have the content in between and the looks of the run are far apart. If
    they are close together, the other view may have shown a stale copy.
    """
    for run in (run for spell in presence.spells for run in spell.runs):
        is_missed = any(run.first_sent < other.first_sent and other.last_received < run.end for other in absences)
        if is_missed and run.largest_gap > _LONGEST_BREAK:
            yield from ((run.begin, run.begin), (run.end, run.end))
        else:
            yield run.begin, run.end
