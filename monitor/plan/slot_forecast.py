"""What of a slot a host's budget can prove, as far as it is known beforehand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from monitor.plan.budget import gap
from monitor.plan.proof import Proof

COMING = timedelta(seconds=3)
"""Looks so soon after a slot find little: most of what is released comes later (`docs/decisions/020`)."""
_SECOND = timedelta(seconds=1)
_MOST_NAMED = 5

Needed = tuple[str, Proof]
"""A release, and what one of its parts must be proved to be."""


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """What a budget proves of the parts that one host has promised for one instant.

    `proved` of `parts` parts are likely to be; the releases of the others are `unproved`, and `enough` is the least
    whole budget that would prove them too. Intervals are likely to be `width` wide.
    """

    slot: datetime
    parts: int
    proved: int
    width: timedelta
    unproved: tuple[str, ...]
    enough: int

    def words(self, timezone: str) -> str:
        """Return it in words."""
        at = self.slot.astimezone(ZoneInfo(timezone))
        proved = f"{self.proved} can be proved, to {self.width / _SECOND:.0f} s"
        told = f"of {self.parts} parts promised for {at:%H:%M}, {proved}"
        if not self.unproved:
            return told
        more = len(self.unproved) - _MOST_NAMED
        names = ", ".join(self.unproved[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"{told}; unproven will be {names}; {self.enough}/s would prove all"


def forecasts(needed: Iterable[Needed], rate: float, begin: datetime, end: datetime) -> list[SlotForecast]:
    """Return what `rate` looks a second at one host prove of each slot between two instants, in time order.

    Slots of which every part can be looked at each second are left out. `needed` holds each part once.
    """
    slots: dict[tuple[datetime, timedelta], list[Needed]] = defaultdict(list)
    for one in needed:
        if begin <= one[1].slot < end:
            slots[one[1].slot, one[1].within].append(one)
    found = (_forecast(slot, within, parts, rate) for (slot, within), parts in sorted(slots.items()))
    return [one for one in found if one.width > _SECOND]


def provable(count: int, within: timedelta, rate: float) -> int:
    """Return how many of so many parts of one slot are likely to be proved at `rate` looks a second."""
    return min(count, max(0, int((within - COMING) / gap(rate))))


def rate_for(count: int, within: timedelta) -> int:
    """Return the least whole budget, in looks a second, that is likely to prove so many parts of one slot."""
    least = max(1, ceil(count * _SECOND / max(within - COMING, _SECOND)))
    return least if provable(count, within, least) >= count else least + 1


def _forecast(slot: datetime, within: timedelta, parts: Sequence[Needed], rate: float) -> SlotForecast:
    proved = provable(len(parts), within, rate)
    last = sorted(parts, key=lambda one: (one[1].rank, one[0]))[proved:]
    unproved = tuple(dict.fromkeys(release for release, _ in last))
    return SlotForecast(slot, len(parts), proved, max(proved, 1) * gap(rate), unproved, rate_for(len(parts), within))
