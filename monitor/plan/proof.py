"""The proof that each part promised for a slot needs, and what looks have proved about it so far.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import blake2b

from monitor.plan.addresses import ANNOUNCEMENT
from monitor.plan.targets import Target, View
from schedules.release import Release

Rank = tuple[int, int, int]
"""If not all parts can be proved, those with the smallest rank go first. See `rank_of`."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ProofGoal:
    """The proof that a part needs: absent at most `tolerance` before `slot`, and present at most
    that long after.

    `rank` is the same at every host of its release. If the part is an announcement,
    `announced_page` is the id of the page that it announces. Once that page is seen, the
    announcement need not be looked at.
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
    """Return the rank of a release: the important before others, then those with few required
    parts.

    Equal releases have a random order, another one for each slot but the same in every process.
    """
    required = sum(part.required for part in release.parts)
    random_bytes = blake2b(f"{release.id} {slot.isoformat()}".encode(), digest_size=4).digest()
    return -importance, required, int.from_bytes(random_bytes)


def goal_for(
    release: Release, target: Target, slot: datetime, tolerance: timedelta, importance: int
) -> ProofGoal | None:
    """Return the proof that a target of a release needs by its slot.

    None for a tripwire or an optional target.
    """
    is_announcement = target.part == ANNOUNCEMENT
    # An announcement is optional, but needs a proof, because it shows whether the release's page is
    # out.
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

    `last_look` and `look_before` are when its last two looks began. `absent_at` is the latest
    instant at which it was proved absent, `origin_absent_at` the latest by the origin view. It
    `is_listed` if a listing showed it. It `is_out` if it was seen after its slot, or was dropped
    from the watch. It `has_failed` if its last look proved nothing. `next_view` is how to look
    next.
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
