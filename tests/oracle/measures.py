"""Whether intervals, delays, bounds and exposures hold the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from tests.oracle.claims import Claim, Exposure, Interval, PartClaim
from tests.oracle.promises import is_quiet
from tests.oracle.words import slack
from tests.oracle.world import Place, Span, World, is_at, release_of, spans, users_from

_LOOKED_AT_EVERY = timedelta(seconds=5)
"""How often content that is public early is looked at."""
_TOLD_WITHIN = timedelta(seconds=30)
_REDIRECTS_WITHIN, _LISTED_WITHIN = timedelta(seconds=30), timedelta(minutes=2)


def measures_denied(world: World, place: Place, part: PartClaim, claim: Claim) -> Iterator[str]:
    """Yield each measurement of one part that does not hold the truth."""
    yield from _first_seen(world, place, part)
    if claim.slot is None:
        return
    yield from _delay(world, place, part, claim.slot)
    yield from _users_delay(world, place, part, claim)
    yield from _bound(world, place, part.early_bound, claim.slot)
    for exposure in part.exposures:
        yield from _exposure(world, place, exposure, claim)


def _holds(interval: Interval, instant: datetime, off: timedelta) -> bool:
    after, by = interval.after, interval.by
    return (after is None or after <= instant + off) and by is not None and instant <= by + off


def _first_seen(world: World, place: Place, part: PartClaim) -> Iterator[str]:
    told, off, lag = part.first_seen, slack(world), _lag(world, place)
    if told.by is None:
        return
    found = spans(place)
    if not any(_holds(told, span.begins, off) for span in found):
        yield f"first seen {_of(told)}, but it came at {_starts(found)}"
    if told.after is not None and any(
        span.begins + off < told.after < (span.ends or told.after) - off - lag for span in found
    ):
        yield f"absent as of {told.after.isoformat()}, but it was public"


def _lag(world: World, place: Place) -> timedelta:
    """Return how much later than it says an absence may be: whoever tells of a page that is led to tells late.

    An announcement that still announces, and a listing that lacks it, tell that nothing had come out to stay.
    """
    release = release_of(world, place)
    if place is not release.page or not release.is_guessed or release.announced is None:
        return timedelta()
    redirect = release.announced.redirect
    fails = redirect == "never" or redirect > _REDIRECTS_WITHIN.total_seconds()
    return _LISTED_WITHIN if fails else _REDIRECTS_WITHIN


def _delay(world: World, place: Place, part: PartClaim, slot: datetime) -> Iterator[str]:
    low, high, off = part.shortest, part.longest, slack(world).total_seconds()
    if low is None:
        return
    delays = [(span.begins - slot).total_seconds() for span in spans(place)]
    if part.verdict == "overdue":
        delays.append(float("inf"))
        delays = [delay for delay in delays if delay > 0]
    if not any(low - off <= delay and (high is None or delay <= high + off) for delay in delays):
        yield f"delay of {low} to {high} s, but it was {delays}"


def _users_delay(world: World, place: Place, part: PartClaim, claim: Claim) -> Iterator[str]:
    """Yield why users cannot have got it within the stated delay; never got counts as no delay that has an end."""
    low, high, off = part.users_shortest, part.users_longest, slack(world).total_seconds()
    if low is None or claim.slot is None or part.role == "alternative":
        return
    loops = (fault for fault in world.faults if fault.kind == "redirect_loop")
    if place.walls or any(is_at(fault, place) for fault in loops):
        # After a wall, a scripted edge shows the newest page at once, whatever its cache kept. A loop led users to an
        # address with a query, of which no cache keeps a copy.
        return
    got = users_from(world, place)
    if place is release_of(world, place).page and any(one.what == "other" for one in place.shows):
        # An announcement may lead to a page under any title, so an old copy of another page seems to be the release.
        got += [span.begins for span in spans(place)]
    delays = [(at - claim.slot).total_seconds() for at in got]
    delays += [float("inf")] if part.verdict == "overdue" or high is None else []
    if not any(low - off <= delay and (high is None or delay <= high + off) for delay in delays):
        yield f"users waited {low} to {high} s, but they waited {delays}"


def bound_denied(world: World, place: Place, bound: float | None, slot: datetime | None) -> Iterator[str]:
    """Yield why absence cannot have been proved `bound` seconds before the slot."""
    if slot is not None:
        yield from _bound(world, place, bound, slot)


def _bound(world: World, place: Place, bound: float | None, slot: datetime) -> Iterator[str]:
    if bound is None:
        return
    then, off, lag = slot - timedelta(seconds=bound), slack(world), _lag(world, place)
    for span in spans(place):
        # A bound of 0 says that it was absent at the slot or later. For what was on time, `words` denies more.
        is_later_absence = bound == 0 and span.ends is not None
        if span.begins < then - off and not is_later_absence and (span.ends is None or then + off + lag < span.ends):
            yield f"absent {bound} s before the slot, but it was public from {span.begins.isoformat()}"


def _exposure(world: World, place: Place, told: Exposure, claim: Claim) -> Iterator[str]:
    slot, off = claim.slot, slack(world)
    assert slot is not None
    early = [span for span in _join_spans(spans(place)) if span.begins < slot + off]
    fitting = [span for span in early if _holds(told.begins, span.begins, off)]
    if not early:
        yield "an exposure of what was never public before its slot"
    elif not fitting:
        yield f"an exposure from {_of(told.begins)}, but it came at {_starts(early)}"
    elif told.is_open and told.begins.by is not None and not_seen_gone(place, told.begins.by, claim.at):
        return
    elif all(list(_end(world, span, told, claim)) for span in fitting):
        yield from _end(world, fitting[0], told, claim)


def _join_spans(found: list[Span]) -> list[Span]:
    """Return the spans, and each that lasts over breaks in which no look may have fallen."""
    more = list(found)
    for before, after in pairwise(found):
        if before.shown is not None and after.begins - before.shown < _LOOKED_AT_EVERY:
            more += [replace(span, ends=after.ends, shown=after.shown) for span in more if span.ends == before.ends]
    return more


def not_seen_gone(place: Place, since: datetime, now: datetime) -> bool:
    """Tell whether nothing that proves absence was shown, but a page that proves nothing, as of maintenance, was."""
    shown = [one.what for one in place.shows if since < one.at <= now]
    return shown[-1:] in (["ours"], ["upkeep"], ["placeholder"]) and not {"absent", "gone", "missing"} & set(shown)


def _end(world: World, span: Span, told: Exposure, claim: Claim) -> Iterator[str]:
    slot, off = claim.slot, slack(world)
    assert slot is not None
    soonest, latest = min(span.ends or slot, slot), min(span.shown or slot, slot)
    if told.is_open:
        if claim.at > latest + _TOLD_WITHIN and is_quiet(world, latest, claim.at):
            yield f"an exposure still open, but it ended by {latest.isoformat()}"
        if told.shortest is not None and told.shortest > (latest - span.begins + off).total_seconds():
            yield f"an exposure of at least {told.shortest} s, but it lasted {latest - span.begins} at most"
        return
    after, by = told.ends.after, told.ends.by
    if (after is not None and after > latest + off) or (by is not None and by < soonest - off):
        yield f"an exposure that ended {_of(told.ends)}, but it did between {soonest} and {latest}"
    if told.shortest is not None and told.shortest > (latest - span.begins + off).total_seconds():
        yield f"an exposure of at least {told.shortest} s, but it lasted {latest - span.begins}"
    if told.longest is not None and told.longest < (soonest - span.begins - off).total_seconds():
        yield f"an exposure of at most {told.longest} s, but it lasted {soonest - span.begins}"


def _of(interval: Interval) -> str:
    return f"({interval.after and interval.after.isoformat()}, {interval.by and interval.by.isoformat()}]"


def _starts(found: list[Span]) -> str:
    return ", ".join(span.begins.isoformat() for span in found) or "no time"
