"""Checks findings and grades against the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from tests.oracle.claims import Claim
from tests.oracle.promises import in_force, in_force_early, is_quiet, is_unsettled, released_from
from tests.oracle.words import reasons_against_part
from tests.oracle.world import Release, Span, World, is_crowded, spans

_NOTE_WITHIN = 300.0
_NOT_IT = {"other", "upkeep", "missing", "placeholder"}
_SEEN_WITHIN = timedelta(seconds=90)
Allowed = Callable[[World, Release, Claim], bool]
"""Return whether the truth of a world can explain a kind of finding about a release."""


def reasons_against_findings(
    world: World, release: Release, claim: Claim
) -> Iterator[tuple[str, str]]:
    """Yield each finding, with a reason, that nothing in the world explains.

    Kinds that `_ALLOWED` lacks are not checked.
    """
    if is_unsettled(world, release, claim.at):
        return
    for kind, part in claim.findings:
        allowed = _ALLOWED.get(kind)
        if allowed is not None and not allowed(world, release, claim):
            yield f"finding {kind}", f"of {part}: nothing in the truth accounts for it"


def reasons_against_grade(claim: Claim) -> Iterator[tuple[str, str]]:
    """Yield why the grade of a claim does not follow from its own verdict, delay and findings."""
    kinds = {kind for kind, _ in claim.findings}
    shortest = [
        part.shortest for part in claim.parts if part.required and part.shortest is not None
    ]
    if claim.verdict == "early" and claim.grade != "report":
        yield "grade", f"early, and graded {claim.grade}"
    if claim.verdict in {"late", "overdue"} and claim.grade not in {"note", "report"}:
        yield "grade", f"{claim.verdict}, and graded {claim.grade}"
    if (
        claim.verdict in {"late", "overdue"}
        and shortest
        and max(shortest) > _NOTE_WITHIN
        and claim.grade != "report"
    ):
        yield "grade", f"late by {max(shortest)} s at least, and graded {claim.grade}"
    if (
        claim.verdict == "on_time"
        and not kinds & {"stale_edge", "partial", "late"}
        and claim.grade not in {"none", None}
    ):
        yield "grade", f"on time, and graded {claim.grade}"


def _was_public_early(world: World, release: Release, claim: Claim) -> bool:
    force = in_force_early(release, claim.at)
    return bool(force.slots) and any(
        span.begins < (force.first if force.is_doubtful else force.last)
        for place in release.places
        for span in spans(place)
    )


def _is_a_part_late(world: World, release: Release, claim: Claim) -> bool:
    force = in_force(release, claim.at)
    places = [place for place in release.places if place.role != "alternative"]
    return bool(force.slots) and any(
        not list(reasons_against_part(world, place, "late", force, claim)) for place in places
    )


def _may_be_first_elsewhere(world: World, release: Release, claim: Claim) -> bool:
    del claim
    others = [span.begins for place in release.parts for span in spans(place)]
    if not others:
        return False
    if release.is_guessed:
        # No one looks at the page itself before its address is known.
        return True
    earlier_on_page = (
        span
        for span in spans(release.page)
        if max(span.begins, world.begins) + _SEEN_WITHIN < min(others)
    )
    return not any(_was_seen(world, span) for span in earlier_on_page)


def _was_seen(world: World, span: Span) -> bool:
    """Return whether looks must have seen a span: it was long enough and no fault interfered."""
    begins, ends = max(span.begins, world.begins), span.ends or world.ends
    return ends - begins > _SEEN_WITHIN and is_quiet(
        world, begins, min(ends, begins + _SEEN_WITHIN)
    )


def _was_removed_after_publication(world: World, release: Release, claim: Claim) -> bool:
    del world
    has_unread_change = claim.confirmed is not None and any(
        claim.confirmed < change.at <= claim.at for change in release.changes
    )
    due = claim.slot if has_unread_change else released_from(release, claim.at)
    ends = [span.ends for place in release.places for span in spans(place) if span.ends is not None]
    return due is not None and any(due <= end <= claim.at for end in ends)


def _may_show_other_content(world: World, release: Release, claim: Claim) -> bool:
    del claim
    return len(world.releases) > 1 or _shows_other_content(release) or any(world.walls())


def _shows_other_content(release: Release) -> bool:
    """Return whether an address of the release, or the one guessed for it, ever shows something
    else.
    """
    guesses = release.announced.guess if release.announced else ()
    shown = [one for place in release.places for one in place.shows] + list(guesses)
    return any(one.what in _NOT_IT for one in shown)


def _may_edge_and_origin_differ(world: World, release: Release, claim: Claim) -> bool:
    """Return whether users may have got something else than the origin showed, because of a cache
    or a removal.
    """
    caches = any(one.cache for place in release.places for one in place.shows)
    is_removed = any(
        span.ends is not None and span.ends <= claim.at
        for place in release.places
        for span in spans(place)
    )
    return caches or is_removed or any(fault.kind in {"stale", "mirror"} for fault in world.faults)


def _may_looks_have_failed(world: World, release: Release, claim: Claim) -> bool:
    return (
        _shows_other_content(release)
        or _redirects(release, claim.at)
        or any(world.walls())
        or is_crowded(world, release.page)
        or bool(world.faults or world.monitor or release.known_from)
        or world.begins > release.slot - timedelta(minutes=5)
    )


def _redirects(release: Release, now: datetime) -> bool:
    """Return whether an address of the release redirected by `now`.

    The first look that meets a redirect proves nothing. Only the next one requests its destination.
    """
    return any(one.location and one.at <= now for place in release.places for one in place.shows)


def _may_clock_be_doubted(world: World, release: Release, claim: Claim) -> bool:
    del claim
    # An old copy without `Age` has an old `Date`, and the clock may have only one host's `Date` to
    # compare with.
    serves_old_copies = any(
        fault.kind in ("stale", "mirror") and fault.age for fault in world.faults
    )
    # After a start the first answer may be a copy with an `Age`, whose `Date` is its origin's or
    # its cache's.
    is_cached = any(one.cache for place in release.places for one in place.shows)
    may_start_with_copy = is_cached and any(world.sleeps())
    return bool(world.clock_error) or serves_old_copies or may_start_with_copy


def _has_two_calendars(world: World, release: Release, claim: Claim) -> bool:
    del world, claim
    return release.other_calendar is not None


def _was_brought_forward(world: World, release: Release, claim: Claim) -> bool:
    del world, claim
    return any(change.slot is not None and change.slot < release.slot for change in release.changes)


def _has_several_releases(world: World, release: Release, claim: Claim) -> bool:
    del release, claim
    return len(world.releases) > 1


_ALLOWED: dict[str, Allowed] = {
    "early_exposure": _was_public_early,
    "late": _is_a_part_late,
    "partial": _is_a_part_late,
    "elsewhere_first": _may_be_first_elsewhere,
    "withdrawn": _was_removed_after_publication,
    "wrong_edition": _may_show_other_content,
    "wrong_content": _may_show_other_content,
    "stale_edge": _may_edge_and_origin_differ,
    "split_view": _may_edge_and_origin_differ,
    "blind": _may_looks_have_failed,
    "clock_fault": _may_clock_be_doubted,
    "calendars_disagree": _has_two_calendars,
    "brought_forward": _was_brought_forward,
    "platform": _has_several_releases,
}
