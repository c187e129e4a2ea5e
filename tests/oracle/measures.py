"""Checks that reported intervals, delays, bounds and exposures contain the true values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from tests.oracle.claims import Claim, Exposure, Interval, PartClaim
from tests.oracle.promises import is_quiet
from tests.oracle.words import allowed_error
from tests.oracle.world import (
    Place,
    Span,
    World,
    is_at,
    release_of,
    spans,
    spans_with_copies,
    users_from,
)

_LOOKED_AT_EVERY = timedelta(seconds=5)
"""How often content that is public early is looked at."""
_REPORTED_WITHIN = timedelta(seconds=30)
_REDIRECTS_WITHIN, _LISTED_WITHIN = timedelta(seconds=30), timedelta(minutes=2)


def reasons_against_measurements(
    world: World, place: Place, part: PartClaim, claim: Claim
) -> Iterator[str]:
    """Yield each measurement of one part that does not contain the true value."""
    yield from _check_first_seen(world, place, part)
    if claim.slot is None:
        return
    yield from _check_delay(world, place, part, claim.slot)
    yield from _check_users_delay(world, place, part, claim)
    yield from _check_bound(world, place, part.early_bound, claim.slot)
    for exposure in part.exposures:
        yield from _check_exposure(world, place, exposure, claim)


def _contains_instant(interval: Interval, instant: datetime, off: timedelta) -> bool:
    after, by = interval.after, interval.by
    return (after is None or after <= instant + off) and by is not None and instant <= by + off


def _check_first_seen(world: World, place: Place, part: PartClaim) -> Iterator[str]:
    reported, off, lag = part.first_seen, allowed_error(world), _lag(world, place)
    if reported.by is None:
        return
    found = spans(place)
    if not any(_contains_instant(reported, span.begins, off) for span in found):
        yield f"first seen {_format_interval(reported)}, but it came at {_format_starts(found)}"
    if reported.after is not None and any(
        span.begins + off < reported.after < (span.ends or reported.after) - off - lag
        for span in found
    ):
        yield f"absent as of {reported.after.isoformat()}, but it was public"


def _lag(world: World, place: Place) -> timedelta:
    """Return how long after publication absence may still be proved at a guessed address.

    An announcement that does not redirect yet, or a list without the page, proves absence. Both
    change late.
    """
    release = release_of(world, place)
    if place is not release.page or not release.is_guessed or release.announced is None:
        return timedelta()
    redirect = release.announced.redirect
    fails = redirect == "never" or redirect > _REDIRECTS_WITHIN.total_seconds()
    return _LISTED_WITHIN if fails else _REDIRECTS_WITHIN


def _check_delay(world: World, place: Place, part: PartClaim, slot: datetime) -> Iterator[str]:
    low, high, off = part.shortest, part.longest, allowed_error(world).total_seconds()
    if low is None:
        return
    delays = [(span.begins - slot).total_seconds() for span in spans(place)]
    if part.verdict == "overdue":
        delays.append(float("inf"))
        delays = [delay for delay in delays if delay > 0]
    if not any(low - off <= delay and (high is None or delay <= high + off) for delay in delays):
        yield f"delay of {low} to {high} s, but it was {delays}"


def _check_users_delay(world: World, place: Place, part: PartClaim, claim: Claim) -> Iterator[str]:
    """Yield why the users' delay is wrong.

    If users never got the release, only a delay without an end is right.
    """
    low, high, off = part.users_shortest, part.users_longest, allowed_error(world).total_seconds()
    if low is None or claim.slot is None or part.role == "alternative":
        return
    loops = (fault for fault in world.faults if fault.kind == "redirect_loop")
    if place.walls or any(is_at(fault, place) for fault in loops):
        # After a wall, a scripted edge shows the newest page at once, whatever its cache kept. A
        # loop led users to an address with a query, of which no cache keeps a copy.
        return
    got = users_from(world, place)
    if place is release_of(world, place).page and any(one.what == "other" for one in place.shows):
        # An announcement may lead to a page under any title, so an old copy of another page seems
        # to be the release.
        got += [span.begins for span in spans(place)]
    delays = [(at - claim.slot).total_seconds() for at in got]
    delays += [float("inf")] if part.verdict == "overdue" or high is None else []
    if not any(low - off <= delay and (high is None or delay <= high + off) for delay in delays):
        yield f"users waited {low} to {high} s, but they waited {delays}"


def reasons_against_bound(
    world: World, place: Place, bound: float | None, slot: datetime | None
) -> Iterator[str]:
    """Yield why absence cannot have been proved `bound` seconds before the slot."""
    if slot is not None:
        yield from _check_bound(world, place, bound, slot)


def _check_bound(world: World, place: Place, bound: float | None, slot: datetime) -> Iterator[str]:
    if bound is None:
        return
    then, off, lag = slot - timedelta(seconds=bound), allowed_error(world), _lag(world, place)
    for span in spans(place):
        # A bound of 0 means absent at the slot or later. For releases on time, `words` checks more.
        is_later_absence = bound == 0 and span.ends is not None
        if (
            span.begins < then - off
            and not is_later_absence
            and (span.ends is None or then + off + lag < span.ends)
        ):
            yield (
                f"absent {bound} s before the slot, but it was public from"
                f" {span.begins.isoformat()}"
            )


def _check_exposure(world: World, place: Place, reported: Exposure, claim: Claim) -> Iterator[str]:
    slot, off = claim.slot, allowed_error(world)
    assert slot is not None
    found = _join_spans(spans_with_copies(world, place))
    early = [span for span in found if span.begins < slot + off]
    fitting = [span for span in early if _contains_instant(reported.begins, span.begins, off)]
    if not early:
        yield "an exposure of what was never public before its slot"
    elif not fitting:
        yield (
            f"an exposure from {_format_interval(reported.begins)}, but it came at"
            f" {_format_starts(early)}"
        )
    elif (
        reported.is_open
        and reported.begins.by is not None
        and may_seem_still_public(place, reported.begins.by, claim.at)
    ):
        return
    elif all(list(_check_end(world, span, reported, claim)) for span in fitting):
        yield from _check_end(world, fitting[0], reported, claim)


def _join_spans(found: list[Span]) -> list[Span]:
    """Return the spans, and unions of spans across breaks that were too short for a look."""
    more = list(found)
    for before, after in pairwise(found):
        if before.shown is not None and after.begins - before.shown < _LOOKED_AT_EVERY:
            more += [
                replace(span, ends=after.ends, shown=after.shown)
                for span in more
                if span.ends == before.ends
            ]
    return more


def may_seem_still_public(place: Place, since: datetime, now: datetime) -> bool:
    """Return whether a place has shown something since `since`, but no proof of absence.

    No sentence of a page proves absence, not even "Page not found".
    """
    shown = [one.what for one in place.shows if since < one.at <= now]
    return shown[-1:] not in ([], ["other"]) and not {"absent", "gone"} & set(shown)


def _check_end(world: World, span: Span, reported: Exposure, claim: Claim) -> Iterator[str]:
    slot, off = claim.slot, allowed_error(world)
    assert slot is not None
    soonest, latest = min(span.ends or slot, slot), min(span.shown or slot, slot)
    if reported.is_open:
        if claim.at > latest + _REPORTED_WITHIN and is_quiet(world, latest, claim.at):
            yield f"an exposure still open, but it ended by {latest.isoformat()}"
        if (
            reported.shortest is not None
            and reported.shortest > (latest - span.begins + off).total_seconds()
        ):
            yield (
                f"an exposure of at least {reported.shortest} s, but it lasted"
                f" {latest - span.begins} at most"
            )
        return
    after, by = reported.ends.after, reported.ends.by
    if (after is not None and after > latest + off) or (by is not None and by < soonest - off):
        yield (
            f"an exposure that ended {_format_interval(reported.ends)}, but it did between"
            f" {soonest} and {latest}"
        )
    if (
        reported.shortest is not None
        and reported.shortest > (latest - span.begins + off).total_seconds()
    ):
        yield f"an exposure of at least {reported.shortest} s, but it lasted {latest - span.begins}"
    if (
        reported.longest is not None
        and reported.longest < (soonest - span.begins - off).total_seconds()
    ):
        yield f"an exposure of at most {reported.longest} s, but it lasted {soonest - span.begins}"


def _format_interval(interval: Interval) -> str:
    return (
        f"({interval.after and interval.after.isoformat()},"
        f" {interval.by and interval.by.isoformat()}]"
    )


def _format_starts(found: list[Span]) -> str:
    return ", ".join(span.begins.isoformat() for span in found) or "no time"
