"""What must be proved of the parts that are promised for a slot, and what is proved so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import blake2b

from monitor.plan.addresses import ANNOUNCEMENT
from monitor.plan.targets import Target, View
from schedules.release import Release

Rank = tuple[int, int, int]
"""What goes first where not all can be proved: the smaller. Importance, parts of the release, then chance."""

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a part must be proved to be: missing up to `within` before `slot`, and out up to `within` after it.

    `rank` is that of its release at every host. `tells_of` is the page that the part, an announcement, tells of: it
    need not be looked at once that is seen.
    """

    slot: datetime
    within: timedelta
    rank: Rank
    tells_of: str | None = None

    @property
    def ends(self) -> datetime:
        """Return the instant after which no presence can prove it on time."""
        return self.slot + self.within


def rank_of(release: Release, slot: datetime, importance: int) -> Rank:
    """Return the rank of a release: what matters more, then what takes fewer looks, then by lot, each slot anew."""
    required = sum(part.required for part in release.parts)
    lot = blake2b(f"{release.id} {slot.isoformat()}".encode(), digest_size=4).digest()
    return -importance, required, int.from_bytes(lot)


def proof_of(release: Release, target: Target, slot: datetime, within: timedelta, importance: int) -> Proof | None:
    """Return what a target of a release is to be proved to be; None when no verdict to the second rests on it."""
    tells_of = f"{release.id}/page" if target.part == ANNOUNCEMENT else None
    if (target.aside and tells_of is None) or target.view is View.TRIPWIRE:
        return None
    return Proof(slot, within, rank_of(release, slot, importance), tells_of=tells_of)


class Told(IntEnum):
    """What a look told of a part."""

    NOTHING = 0
    ABSENT = 1
    PRESENT = 2


@dataclass(slots=True, eq=False)
class Need:
    """One part that needs proof, and what is proved of it so far.

    `turn` is when it was last looked at, `before` the time before. `absent` is the latest instant as of which it was
    proved absent, `origin` the latest the origin told, `listed` that a listing showed it, `view` how it is looked at
    next.
    """

    id: str
    proof: Proof
    turn: datetime = NEVER
    before: datetime = NEVER
    absent: datetime | None = None
    origin: datetime = NEVER
    seen: bool = False
    listed: bool = False
    failed: bool = False
    view: View = View.EDGE

    def was_absent(self) -> bool:
        """Tell whether its absence is proved close enough to its slot."""
        return self.absent is not None and self.absent >= self.proof.slot - self.proof.within
