"""The proof that each part promised for a slot needs, and what looks have proved of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import blake2b

from monitor.plan.addresses import ANNOUNCEMENT
from monitor.plan.targets import Target, View
from schedules.release import Release

Rank = tuple[int, int, int]
"""If not all parts can be proved, the smallest rank goes first."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ProofGoal:
    """A part must be proved absent at most `tolerance` before `slot`, and present at most
    `tolerance` after it.

    `rank` is the same at every host of its release. An announcement has the id of its
    `announced_page`, and needs no look after that page is seen.
    """

    slot: datetime
    tolerance: timedelta
    rank: Rank
    announced_page: str | None = None

    @property
    def ends(self) -> datetime:
        """Return the instant after which no presence can prove the part on time."""
        return self.slot + self.tolerance


def rank_of(release: Release, slot: datetime, importance: int) -> Rank:
    """Return the rank of a release: the important first, then those with few required parts.

    Equal ones have a random order, another for each slot but the same in every process.
    """
    required = sum(part.required for part in release.parts)
    random_bytes = blake2b(f"{release.id} {slot.isoformat()}".encode(), digest_size=4).digest()
    return -importance, required, int.from_bytes(random_bytes)


def goal_for(
    release: Release, target: Target, slot: datetime, tolerance: timedelta, importance: int
) -> ProofGoal | None:
    """Return the proof that a target needs by its slot.

    None for a tripwire, and for an optional target that is not an announcement.
    """
    is_announcement = target.part == ANNOUNCEMENT
    if target.view is View.TRIPWIRE or (target.is_optional and not is_announcement):
        return None
    announced_page = f"{release.id}/page" if is_announcement else None
    return ProofGoal(
        slot, tolerance, rank_of(release, slot, importance), announced_page=announced_page
    )


class LookResult(IntEnum):
    """What one look proved about a part."""

    NOTHING = 0
    ABSENT = 1
    PRESENT = 2


@dataclass(slots=True, eq=False)
class PartProof:
    """The proofs found so far about one part.

    `last_look` and `look_before` are the starts of its last two looks. The first of several failed
    looks does not count as the last, so that it is repeated soon. `absent_at` and
    `origin_absent_at` are its latest proved absences. `is_out`: seen after its slot, or dropped
    from the watch. `is_listed`: a listing links to it. `has_failed`: the last look proved nothing.
    """

    id: str
    goal: ProofGoal
    last_look: datetime = NEVER
    look_before: datetime = NEVER
    absent_at: datetime | None = None
    origin_absent_at: datetime = NEVER
    is_out: bool = False
    is_listed: bool = False
    has_failed: bool = False
    next_view: View = View.EDGE

    def is_absence_proved(self) -> bool:
        """Return whether the part was absent close enough to its slot to prove it on time."""
        return self.absent_at is not None and self.absent_at >= self.goal.slot - self.goal.tolerance
