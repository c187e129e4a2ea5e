"""Easy worlds: nothing prevents a proof, so the monitor must give the true verdict.

Any other is timid.
"""

from __future__ import annotations

from datetime import timedelta

from tests.oracle.claims import Claim
from tests.oracle.promises import in_force
from tests.oracle.world import Release, World, out, spans

_PROMPT_LAG = 10.0
_BOUND = 5.0
_NEAR = timedelta(seconds=3)
_TOLERANCE = timedelta(seconds=60)


def find_timid_claims(world: World, release: Release, claim: Claim | None) -> list[str]:
    """Return why a claim is too cautious.

    Empty if it is not, or if the world is not easy. None: no claim was made.
    """
    if not _is_easy(world, release):
        return []
    if claim is None:
        return ["nothing is said"]
    expected = _expected_verdicts(world, release)
    if expected and claim.verdict not in expected:
        return [f"expected {' or '.join(sorted(expected))}: {claim.reason}"]
    bound = claim.early_bound or 0.0
    if claim.verdict == "on_time" and not release.is_guessed and bound > _BOUND:
        return [f"on time, but only to {bound} s"]
    return []


def _is_easy(world: World, release: Release) -> bool:
    plain = (
        not world.faults
        and not world.monitor
        and not any(world.walls())
        and len(world.releases) <= 2
    )
    promised = not (
        release.changes
        or release.state
        or release.known_from
        or release.other_calendar
        or release.redated
        or release.cell
    )
    seen = world.begins <= release.slot - timedelta(seconds=330)
    return plain and promised and seen and not _is_hard_to_prove(release)


def _is_hard_to_prove(release: Release) -> bool:
    """Return whether the page looks like another, its edge is slow, or its address is hard to
    find.
    """
    shown = [one for place in release.places for one in place.shows]
    announced = release.announced
    guessed = release.is_guessed and announced is not None
    return (
        any(
            one.what in {"other", "upkeep", "gone", "missing", "placeholder"}
            or one.cache > 0
            or one.latency > 0.3
            for one in shown
        )
        or len(release.parts) > 0
        or (
            guessed
            and announced is not None
            and (announced.redirect == "never" or announced.redirect > _PROMPT_LAG)
        )
        or (guessed and announced is not None and bool(announced.guess))
    )


def _expected_verdicts(world: World, release: Release) -> set[str]:
    """Return the verdicts that are right.

    Empty if the truth is so near a limit that any verdict may be.
    """
    slot = in_force(release, world.ends).first
    first, margin = out(release.page, slot), timedelta(seconds=40 if release.is_guessed else 20)
    early = [span for span in spans(release.page) if span.begins < slot]
    lasting = [span for span in early if (span.ends or slot) - span.begins > timedelta(seconds=60)]
    if early and early[0].begins < slot - _NEAR:
        # In the hour before the slot, looks are rare, so a short exposure may fall between two of
        # them.
        is_seen = early[-1].ends is None or bool(lasting)
        return {"early"} if is_seen and not release.is_guessed else set()
    if first is None or first > world.ends - margin:
        late_by = world.ends - slot - _TOLERANCE
        return {"overdue", "late"} if late_by > margin else set()
    if first > slot + _TOLERANCE + _NEAR:
        return {"late"} if not release.is_guessed else {"late", "unproven"}
    if slot <= first < slot + _TOLERANCE - _NEAR:
        return {"on_time"}
    return set()
