"""Checks verdicts of releases and parts against the truth."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.oracle.claims import Claim, PartClaim
from tests.oracle.promises import (
    InForce,
    in_force,
    in_force_early,
    is_confirmed,
    is_quiet,
    is_unsettled,
    may_precede_last_change,
    was_ever_in_state,
)
from tests.oracle.world import (
    Place,
    Release,
    World,
    is_hidden_throughout,
    out,
    release_of,
    spans,
    users_from,
)

ON_TIME_WITHIN = timedelta(seconds=60)
_SURE = {"late", "overdue", "early", "on_time"}
_SEEN_WITHIN = timedelta(seconds=30)
_BETWEEN_RARE_LOOKS = timedelta(seconds=20)
"""Spacing of looks at an alternative address once the page is out."""
_MOMENT = timedelta(seconds=2)
_CALLED_OFF = ("cancelled", "not going ahead", "withdrawn")
"""How a cell begins that calls a release off."""


def allowed_error(world: World) -> timedelta:
    """Return by how much a reported instant may be wrong, because of rounding or a wrong clock."""
    wrong = world.clock_error
    return timedelta(seconds=0.05) if not wrong else wrong + timedelta(seconds=1)


def clock_uncertainty(world: World) -> timedelta:
    """Return the clock error that may stay unnoticed: at most 1 s, because `Date` headers have
    whole seconds.
    """
    return min(world.clock_error, timedelta(seconds=1))


def reasons_against_verdict(world: World, release: Release, claim: Claim) -> Iterator[str]:
    """Yield why the verdict that a claim gives to a release is wrong."""
    word = claim.verdict
    force = (in_force_early if word == "early" else in_force)(release, claim.at)
    if word in _SURE and is_unsettled(world, release, claim.at):
        return
    if word in _SURE and word != "on_time" and not force.slots:
        yield f"{word}, but no confirmed promise was in force"
    elif word in _SURE and force.slots:
        if claim.slot not in force.slots and not (
            word == "early" and may_precede_last_change(release, claim.at)
        ):
            yield f"{word} against {claim.slot}, but {_format_slots(force)} was in force"
        yield from _reasons_against_places(world, release, claim, force)
    elif word == "not_published":
        yield "closed as never published after minutes"
    elif word == "cancelled" and not (
        was_ever_in_state(release, "cancelled", claim.at + allowed_error(world))
        or _is_called_off_in_cell(release)
    ):
        yield "cancelled, but no calendar ever said so"
    elif word == "moved" and not release.changes:
        yield "moved, but no calendar ever changed its slot"
    elif word == "unannounced" and release.known_from is None:
        yield "unannounced, but it was announced all along"


def _is_called_off_in_cell(release: Release) -> bool:
    return release.cell is not None and release.cell.status.lower().startswith(_CALLED_OFF)


def _format_slots(force: InForce) -> str:
    return " and ".join(str(slot) for slot in force.slots)


def _reasons_against_places(
    world: World, release: Release, claim: Claim, force: InForce
) -> Iterator[str]:
    required = [place for place in release.places if place.required]
    match claim.verdict:
        case "late" | "overdue":
            reasons = [
                list(reasons_against_part(world, place, claim.verdict, force, claim))
                for place in required
            ]
            if all(reasons):
                yield f"{claim.verdict}, but {reasons[0][0]}"
        case "on_time":
            # A release's own bound is that of its page.
            bounds = {part.id: part.early_bound for part in claim.parts if part.has_bound}
            own = claim.early_bound if claim.has_bound else ON_TIME_WITHIN.total_seconds()
            for place in required:
                reasons = _reasons_against_on_time(
                    world, place, force, claim, bounds.get(place.id, own)
                )
                yield from (f"{place.id}: {why}" for why in reasons)
        case "early":
            if all(
                list(reasons_against_part(world, place, "early", force, claim))
                for place in release.places
            ):
                yield "early, but nothing was public before the slot"


def reasons_against_part(
    world: World, place: Place, word: str, force: InForce, claim: Claim
) -> Iterator[str]:
    """Yield why the verdict `word` is wrong for one part."""
    first = out(place, force.first)
    before = force.first if force.is_doubtful else force.last
    if word == "early" and not any(
        span.begins < before + clock_uncertainty(world) for span in spans(place)
    ):
        yield f"{place.id} was first public at {_format_instant(first)}, not before {before}"
    if word in {"late", "overdue"}:
        due = force.last + ON_TIME_WITHIN - clock_uncertainty(world)
        if claim.at + allowed_error(world) < due:
            yield f"{place.id} could not be late yet"
        else:
            in_time = [
                one
                for slot in force.slots
                if (one := _released_in_time(world, place, slot)) is not None
            ]
            yield from (
                f"{place.id} was public from {_format_instant(one)}, within the tolerance"
                for one in in_time
            )
    if word == "overdue":
        yield from _reasons_against_absence(world, place, claim.at, first)


def _released_in_time(world: World, place: Place, slot: datetime) -> datetime | None:
    """Return when a place was released in time for a slot.

    None if it was late or was removed again in time.
    """
    first, due = out(place, slot), slot + ON_TIME_WITHIN - clock_uncertainty(world)
    if (
        first is None
        or first > due
        or _left_before(place, slot, due)
        or _left_unseen(world, place, first)
    ):
        return None
    return first


def _left_before(place: Place, slot: datetime, due: datetime) -> bool:
    """Return whether content that was public before a slot was removed within the tolerance."""
    not_removed = (span for span in spans(place) if span.ends is None or span.ends > slot)
    at_slot = next(not_removed, None)
    if at_slot is None or at_slot.ends is None:
        return False
    return at_slot.begins < slot and at_slot.ends < due


def _left_unseen(world: World, place: Place, first: datetime) -> bool:
    """Return whether content that appeared at `first` was removed before any look could see it.

    Then `late` is allowed, because looks prove absence after the tolerance.
    """
    stay = next(span for span in spans(place) if span.begins == first)
    if stay.ends is None:
        return False
    is_short = place.role == "alternative" and stay.ends - stay.begins < _BETWEEN_RARE_LOOKS
    return is_short or is_hidden_throughout(world, place, stay.begins, stay.ends - _MOMENT)


def _seen_within(world: World, place: Place, begins: datetime) -> timedelta:
    """Return how soon looks see content that is at a place since `begins`."""
    within = _SEEN_WITHIN
    if not _is_requested_past_caches(world, place):
        # Looks see what users get.
        at_edge = [at for at in users_from(world, place) if at >= begins]
        within += min(at_edge, default=world.ends) - begins
    release = release_of(world, place)
    announced = release.announced
    is_page = place is release.page
    if is_page and announced and release.is_guessed and announced.redirect == "never":
        # A listing must show where the page is.
        within += timedelta(seconds=announced.listed)
    return within


def _is_requested_past_caches(world: World, place: Place) -> bool:
    """Return whether some requests pass the caches: those of required parts, unless a setting
    prevents it.
    """
    watch = tomllib.loads(world.settings).get("watch", {})
    return place.required and watch.get("origin_view", True)


def _reasons_against_absence(
    world: World, place: Place, at: datetime, first: datetime | None
) -> Iterator[str]:
    if (
        first is None
        or not first + _seen_within(world, place, first) < at
        or not is_quiet(world, first, at)
    ):
        return
    if any(
        span.ends is None and span.begins + _seen_within(world, place, span.begins) < at
        for span in spans(place)
    ):
        yield (
            f"{place.id} had been public since {_format_instant(first)}, with nothing in the way of"
            " seeing it"
        )


def reasons_against_on_time(
    world: World, place: Place, claim: Claim, part: PartClaim, force: InForce
) -> Iterator[str]:
    """Yield why `on_time`, with its bound on how early, is wrong for one part."""
    bound = part.early_bound if part.has_bound else ON_TIME_WITHIN.total_seconds()
    yield from _reasons_against_on_time(world, place, force, claim, bound)


def _reasons_against_on_time(
    world: World, place: Place, force: InForce, claim: Claim, bound: float | None
) -> Iterator[str]:
    if force.is_doubtful and force.last - force.first > ON_TIME_WITHIN:
        yield f"on time, but its slot may be {_format_slots(force)}"
    first = out(place, force.first - (ON_TIME_WITHIN if not place.shows else timedelta()))
    off = clock_uncertainty(world) + timedelta(seconds=0.05)
    if first is None or first > claim.at + allowed_error(world):
        yield f"on time, but it was never public by {claim.at}"
    elif first > force.last + ON_TIME_WITHIN + off:
        yield f"on time, but it came at {_format_instant(first)}"
    elif bound is None:
        if not _is_for_the_day(release_of(world, place), claim):
            yield "on time, but nothing bounds how early it may have been"
    elif bound > ON_TIME_WITHIN.total_seconds():
        yield f"on time, but only not early by more than {bound} s"
    elif first < force.first - timedelta(seconds=bound) - off:
        yield (
            f"on time and not early by more than {bound} s, but it was public from"
            f" {_format_instant(first)}"
        )


def _is_for_the_day(release: Release, claim: Claim) -> bool:
    """Return whether only a provisional time may have been read before the slot, which counts for
    its day.
    """
    confirmed = [
        change.at
        for change in release.changes
        if change.state == "confirmed" and change.at <= claim.at
    ]
    is_old_read = bool(confirmed) and (claim.confirmed is None or claim.confirmed < max(confirmed))
    is_unread = is_old_read or not is_confirmed(release, claim.at, claim.confirmed)
    return release.state == "provisional" and is_unread


def _format_instant(instant: datetime | None) -> str:
    return (
        "no time"
        if instant is None
        else instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
