"""Checks that the subject of a notice is true at the instant at which it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.claims import instant
from tests.oracle.measures import may_seem_still_public
from tests.oracle.promises import READ_EVERY, in_force_early, is_quiet, is_unsettled, released_from
from tests.oracle.words import allowed_error
from tests.oracle.world import Place, Release, World, is_crowded, spans

_LONDON = ZoneInfo("Europe/London")
_ABSENT = re.compile(r"still absent at (\d\d):(\d\d):(\d\d) (?:GMT|BST)(?: \((\w+)\))?")
_PUBLIC = re.compile(r"(?:public since|from) (\d\d):(\d\d):(\d\d) (?:GMT|BST)")
_AVAILABLE = re.compile(r"available at (\S+) since")
_WAS_AVAILABLE = re.compile(r"was available at (\S+) from")
_SECOND = timedelta(seconds=1)
_SEEN_WITHIN, _LOOKED_AT_WITHIN = timedelta(seconds=30), timedelta(seconds=65)


def reasons_against_subject(
    world: World, release: Release, data: Mapping[str, Any]
) -> Iterator[str]:
    """Yield why the subject of a notice was not true when it was sent."""
    at, subject = instant(data["at"]), data["subject"]
    assert at is not None
    if is_unsettled(world, release, at):
        return
    if found := _ABSENT.search(subject):
        yield from _deny_absence(world, release, _read_clock(at, found), found[4], subject)
    if subject.startswith("EARLY"):
        yield from _deny_exposure(world, release, at, subject)
    yield from (
        reason
        for url in _AVAILABLE.findall(subject)
        for reason in _deny_availability(world, url, at, subject)
    )
    for url in _WAS_AVAILABLE.findall(subject):
        places = [place for each in world.releases for place in each.places if place.url == url]
        if places and not any(
            span.begins <= at + allowed_error(world) for place in places for span in spans(place)
        ):
            yield f"it had not been public at {url}: {subject}"
    if "removed after its release" in subject:
        yield from _deny_removal(
            world, release, at, instant((data.get("measured") or {}).get("slot")), subject
        )


def _read_clock(at: datetime, found: re.Match[str]) -> datetime:
    """Return the instant of a time of day on the London day of `at`."""
    here = at.astimezone(_LONDON)
    return here.replace(
        hour=int(found[1]), minute=int(found[2]), second=int(found[3]), microsecond=0
    )


def _deny_absence(
    world: World, release: Release, then: datetime, part: str | None, subject: str
) -> Iterator[str]:
    """Yield a reason if the part, or every required part (`part` is None), was public at `then`."""
    places = [place for place in release.places if part is None or place.id == part]
    required = [place for place in places if place.required or part is not None]
    off = allowed_error(world) + _SECOND
    if required and all(
        _is_public(place, then - off) and _is_public(place, then + off) for place in required
    ):
        yield f"it was public then: {subject}"


def _is_public(place: Place, then: datetime) -> bool:
    return any(
        span.begins <= then and (span.ends is None or then < span.ends) for span in spans(place)
    )


def _deny_exposure(world: World, release: Release, at: datetime, subject: str) -> Iterator[str]:
    """Yield why a notice of early publication is untrue: never early, not since that time, or
    already over.
    """
    force = in_force_early(release, at)
    early = [
        span
        for place in release.places
        for span in spans(place)
        if force.slots and span.begins < force.last
    ]
    if not early:
        yield f"nothing was public before its slot: {subject}"
        return
    found = _PUBLIC.search(subject)
    if found and not any(
        span.begins <= _read_clock(at, found) + allowed_error(world) + _SECOND for span in early
    ):
        yield f"it was not public then: {subject}"
    since = min(span.begins for span in early)
    may_last = any(may_seem_still_public(place, since, at) for place in release.places)
    is_over = not may_last and all(
        span.shown is not None and span.shown + _SEEN_WITHIN < at for span in early
    )
    is_past = is_over or at > force.last + _SEEN_WITHIN
    if "not seen removed" in subject and is_past and is_quiet(world, since, at):
        yield f"the exposure was over: {subject}"


def _deny_availability(world: World, url: str, at: datetime, subject: str) -> Iterator[str]:
    """Yield a reason if looks must have shown that the release was not public at an address at an
    instant.
    """
    places = [place for release in world.releases for place in release.places if place.url == url]
    if places and not any(_may_seem_public(world, place, at) for place in places):
        yield f"it was not public at {url}: {subject}"


def _may_seem_public(world: World, place: Place, at: datetime) -> bool:
    """Return whether a place had been public by `at`, and looks need not have shown its removal
    since.
    """
    seen = [span for span in spans(place) if span.begins <= at + allowed_error(world)]
    if seen and is_crowded(world, place):
        return True
    if any(span.shown is None or at < span.shown + _LOOKED_AT_WITHIN for span in seen):
        return True
    return bool(seen) and (
        may_seem_still_public(place, seen[-1].begins, at)
        or not is_quiet(world, seen[-1].begins, at)
    )


def _deny_removal(
    world: World, release: Release, at: datetime, slot: datetime | None, subject: str
) -> Iterator[str]:
    """Yield a reason if nothing was removed after its release.

    `slot` is the one that the notice names.
    """
    # A change just before publication may be unread, because the announcement shows no slot after
    # it redirects.
    first = min((span.begins for place in release.places for span in spans(place)), default=at)
    unread = any(
        first - READ_EVERY < change.at <= at and slot != change.slot for change in release.changes
    )
    due = slot if unread else released_from(release, at)
    ends = [span.ends for place in release.places for span in spans(place)]
    if not any(
        due is not None and end is not None and due <= end <= at + allowed_error(world)
        for end in ends
    ):
        yield f"nothing was taken away after the slot: {subject}"
