"""Which words a truth permits of a part and of a release, and which it denies (rules 3, 5, 13, 15)."""

from __future__ import annotations

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
    is_young,
    was_ever,
)
from tests.oracle.world import Place, Release, World, out, release_of, spans, unseen

ON_TIME_WITHIN = timedelta(seconds=60)
_SURE = {"late", "overdue", "early", "on_time"}
_SEEN_WITHIN = timedelta(seconds=30)
_BETWEEN_RARE_LOOKS = timedelta(seconds=20)
_MOMENT = timedelta(seconds=2)


def slack(world: World) -> timedelta:
    """Return by how much a stated instant may be off: the rounding of what is stated, and a clock that is wrong."""
    wrong = world.clock_error
    return timedelta(seconds=0.05) if not wrong else wrong + timedelta(seconds=1)


def uncertain(world: World) -> timedelta:
    """Return how far the clock may be out unnoticed: `Date` headers have whole seconds."""
    return min(world.clock_error, timedelta(seconds=1))


def denied(world: World, release: Release, claim: Claim) -> Iterator[str]:
    """Yield why the truth denies the verdict that is claimed of a release, if it does."""
    word = claim.verdict
    force = (in_force_early if word == "early" else in_force)(release, claim.at)
    if word in _SURE and is_unsettled(world, release, claim.at):
        return
    if word in _SURE and word != "on_time" and not force.slots:
        yield f"{word}, but no confirmed promise was in force"
    elif word in _SURE and force.slots:
        if claim.slot not in force.slots and not (word == "early" and is_young(release, claim.at)):
            yield f"{word} against {claim.slot}, but {_listed(force)} was in force"
        yield from _denied_of_places(world, release, claim, force)
    elif word == "not_published":
        yield "closed as never published after minutes"
    elif word == "cancelled" and not was_ever(release, "cancelled", claim.at + slack(world)):
        yield "cancelled, but no calendar ever said so"
    elif word == "moved" and not release.changes:
        yield "moved, but no calendar ever changed its slot"
    elif word == "unannounced" and release.known_from is None:
        yield "unannounced, but it was announced all along"


def _listed(force: InForce) -> str:
    return " and ".join(str(slot) for slot in force.slots)


def _denied_of_places(world: World, release: Release, claim: Claim, force: InForce) -> Iterator[str]:
    required = [place for place in release.places if place.required]
    match claim.verdict:
        case "late" | "overdue":
            reasons = [list(part_denied(world, place, claim.verdict, force, claim)) for place in required]
            if all(reasons):
                yield f"{claim.verdict}, but {reasons[0][0]}"
        case "on_time":
            # A release's own bound is that of its page.
            bounds = {part.id: part.early_bound for part in claim.parts if part.has_bound}
            own = claim.early_bound if claim.has_bound else ON_TIME_WITHIN.total_seconds()
            for place in required:
                reasons = _not_on_time(world, place, force, claim, bounds.get(place.id, own))
                yield from (f"{place.id}: {why}" for why in reasons)
        case "early":
            if all(list(part_denied(world, place, "early", force, claim)) for place in release.places):
                yield "early, but nothing was public before the slot"


def part_denied(world: World, place: Place, word: str, force: InForce, claim: Claim) -> Iterator[str]:
    """Yield why the truth denies a word said of one part."""
    first = out(place, force.first)
    if word == "early" and not any(span.begins < force.last + uncertain(world) for span in spans(place)):
        yield f"{place.id} was first public at {_told(first)}, not before {force.last}"
    if word in {"late", "overdue"}:
        due = force.last + ON_TIME_WITHIN - uncertain(world)
        if claim.at + slack(world) < due:
            yield f"{place.id} could not be late yet"
        else:
            in_time = [one for slot in force.slots if (one := _in_time(world, place, slot)) is not None]
            yield from (f"{place.id} was public from {_told(one)}, within the tolerance" for one in in_time)
    if word == "overdue":
        yield from _not_absent(world, place, claim.at, first)


def _in_time(world: World, place: Place, slot: datetime) -> datetime | None:
    """Return when a place was released within the tolerance of a slot; None when it was late by it, or left again."""
    first, due = out(place, slot), slot + ON_TIME_WITHIN - uncertain(world)
    if first is None or first > due or _left_before(place, slot, due) or _left_unseen(world, place, first):
        return None
    return first


def _left_before(place: Place, slot: datetime, due: datetime) -> bool:
    """Tell whether what stood there since before a slot was taken away within the tolerance."""
    standing = next((span for span in spans(place) if span.ends is None or span.ends > slot), None)
    if standing is None or standing.ends is None:
        return False
    return standing.begins < slot and standing.ends < due


def _left_unseen(world: World, place: Place, first: datetime) -> bool:
    """Tell whether what came then left again while nobody could look: rule 3 asks for absence after the tolerance.

    Once the page is out, an alternative is looked at only every few seconds, so a shorter stay may be missed too.
    """
    stay = next(span for span in spans(place) if span.begins == first)
    if stay.ends is None:
        return False
    is_short = place.role == "alternative" and stay.ends - stay.begins < _BETWEEN_RARE_LOOKS
    return is_short or unseen(world, place, stay.begins, stay.ends - _MOMENT)


def _found_within(world: World, place: Place) -> timedelta:
    """Return how soon what stands somewhere is seen; a page that nothing leads to once it is listed.

    A file is not looked at behind its edge: it is seen when the edge no longer keeps the answer before it.
    """
    release = release_of(world, place)
    announced = release.announced
    if place is not release.page:
        return _SEEN_WITHIN + timedelta(seconds=max((one.cache for one in place.shows), default=0.0))
    if announced is None or not release.is_guessed or announced.redirect != "never":
        return _SEEN_WITHIN
    return _SEEN_WITHIN + timedelta(seconds=announced.listed)


def _not_absent(world: World, place: Place, at: datetime, first: datetime | None) -> Iterator[str]:
    within = _found_within(world, place)
    if first is None or not first + within < at or not is_quiet(world, first, at):
        return
    if any(span.ends is None and span.begins + within < at for span in spans(place)):
        yield f"{place.id} had been public since {_told(first)}, with nothing in the way of seeing it"


def not_on_time(world: World, place: Place, claim: Claim, part: PartClaim, force: InForce) -> Iterator[str]:
    """Yield why the truth denies that one part was on time, and not early by more than its bound."""
    bound = part.early_bound if part.has_bound else ON_TIME_WITHIN.total_seconds()
    yield from _not_on_time(world, place, force, claim, bound)


def _not_on_time(world: World, place: Place, force: InForce, claim: Claim, bound: float | None) -> Iterator[str]:
    first = out(place, force.first - (ON_TIME_WITHIN if not place.shows else timedelta()))
    off = uncertain(world) + timedelta(seconds=0.05)
    if first is None or first > claim.at + slack(world):
        yield f"on time, but it was never public by {claim.at}"
    elif first > force.last + ON_TIME_WITHIN + off:
        yield f"on time, but it came at {_told(first)}"
    elif bound is None:
        if not _is_for_the_day(release_of(world, place), claim):
            yield "on time, but nothing bounds how early it may have been"
    elif bound > ON_TIME_WITHIN.total_seconds():
        yield f"on time, but only not early by more than {bound} s"
    elif first < force.first - timedelta(seconds=bound) - off:
        yield f"on time and not early by more than {bound} s, but it was public from {_told(first)}"


def _is_for_the_day(release: Release, claim: Claim) -> bool:
    """Return whether only a provisional time may have been read before the slot, which counts for its day."""
    confirmed = [change.at for change in release.changes if change.state == "confirmed" and change.at <= claim.at]
    is_old_read = bool(confirmed) and (claim.confirmed is None or claim.confirmed < max(confirmed))
    is_unread = is_old_read or not is_confirmed(release, claim.at, claim.confirmed)
    return release.state == "provisional" and is_unread


def _told(instant: datetime | None) -> str:
    return "no time" if instant is None else instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
