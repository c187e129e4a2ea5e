"""The sweeps of one host: whose turn it is while its budget does not carry every look. Pure; times are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.look.sighting import Sighting, State
from monitor.plan.proof import Need, Proof, Told
from monitor.plan.sweep import Sweep
from monitor.plan.targets import Target, View

_PRESSING_FLOOR = 0.1
_EARLY_FLOOR = 0.5
"""The share of the budget that other looks and requests can have while each look counts, and before that."""
_MOST_OWED = 2.0
_TOLD = {State.PRESENT: Told.PRESENT, State.ABSENT: Told.ABSENT, State.WITHDRAWN: Told.ABSENT}


def part_of(target: Target) -> str:
    """Return what all views of a part have in common."""
    return f"{target.release}/{target.part}"


def _stands_for_part(target: Target, proof: Proof) -> bool:
    """Tell whether a target stands for all views of its part: what users get, or an announcement, which has one."""
    return target.view is View.EDGE or proof.tells_of is not None


@dataclass(slots=True, eq=False)
class _Shared:
    """A sweep beside others: that which has `done` least goes first, in looks for each of its parts."""

    sweep: Sweep
    done: float = 0.0
    presses: bool | None = None
    is_closing: bool = False

    def is_open(self, now: datetime) -> bool:
        """Tell whether its looks are planned for their proofs."""
        return self.sweep.slot - 2 * self.sweep.within <= now < self.sweep.ends

    def is_pressing(self, now: datetime) -> bool:
        """Tell whether a look now can prove something."""
        return self.sweep.slot - self.sweep.within <= now < self.sweep.ends


class Sweeps:
    """The parts of one host that need proof, slot by slot.

    While `is_on` every look at them is planned here. Other looks get what is left, and at least a floor.
    """

    def __init__(self) -> None:
        self._sweeps: dict[tuple[datetime, timedelta], _Shared] = {}
        self._pages: dict[str, str] = {}
        self._owed = 0.0
        self.is_on = False

    def enlist(self, target: Target, proof: Proof, now: datetime) -> None:
        """Have a part proved; what users get of it stands for all its views."""
        if not _stands_for_part(target, proof) or now >= proof.ends:
            return
        shared = self._sweeps.get((proof.slot, proof.within))
        if shared is None:
            shared = self._sweeps[proof.slot, proof.within] = _Shared(Sweep(proof.slot, proof.within))
        need = shared.sweep.need(part_of(target), proof)
        if proof.tells_of is None:
            self._pages[target.url] = need.id

    def strike(self, target: Target, proof: Proof) -> None:
        """Need no proof of a part any more."""
        shared = self._sweeps.get((proof.slot, proof.within))
        if shared is None or not _stands_for_part(target, proof):
            return
        shared.sweep.drop(part_of(target))
        self._pages.pop(target.url, None)
        if not shared.sweep.needs:
            del self._sweeps[proof.slot, proof.within]

    def saw(self, target: Target, proof: Proof | None, sighting: Sighting) -> None:
        """Take what a look told of a part, or of the parts that it lists."""
        if self.is_on and sighting.found:
            self.listed(one.url for one in sighting.found)
        shared = None if proof is None else self._sweeps.get((proof.slot, proof.within))
        if shared is not None and target.view in (View.EDGE, View.ORIGIN):
            told = _TOLD.get(sighting.state, Told.NOTHING)
            shared.sweep.saw(part_of(target), target.view, told, sighting.sent, sighting.proved_from)

    def awaits_origin(self, target: Target, proof: Proof | None) -> bool:
        """Tell whether a target is the origin of a part that is still awaited."""
        if proof is None or target.view is not View.ORIGIN or proof.tells_of is not None:
            return False
        shared = self._sweeps.get((proof.slot, proof.within))
        need = shared.sweep.needs.get(part_of(target)) if shared is not None else None
        return need is not None and not need.seen

    def listed(self, urls: Iterable[str]) -> None:
        """Look first at parts whose addresses a listing shows to be out."""
        parts = [self._pages[url] for url in urls if url in self._pages]
        for shared in self._sweeps.values() if parts else ():
            shared.sweep.list(parts)

    def holds(self) -> bool:
        """Tell whether what tells of pages that may stand elsewhere waits: most pages stand where they should."""
        return self.is_on and any(shared.is_closing for shared in self._sweeps.values())

    def consider(self, now: datetime, gap: timedelta, *, is_stretched: bool) -> bool:
        """Decide whether looks are planned here from now on; tell whether anything is otherwise than before."""
        held = self.holds()
        over = [key for key, shared in self._sweeps.items() if now >= shared.sweep.ends]
        for key in over:
            del self._sweeps[key]
        before, self.is_on = self.is_on, is_stretched and any(one.is_open(now) for one in self._sweeps.values())
        for shared in self._sweeps.values():
            shared.is_closing = shared.sweep.is_closing(now, gap)
        return (self.is_on, self.holds()) != (before, held) or (bool(over) and before)

    def takes(self, proof: Proof | None, now: datetime) -> bool:
        """Tell whether looks at a target are planned here."""
        if proof is None or not self.is_on:
            return False
        shared = self._sweeps.get((proof.slot, proof.within))
        return shared is not None and shared.is_open(now)

    def next(self, now: datetime, gap: timedelta, is_ready: Callable[[Need], bool]) -> Need | None:
        """Return the part whose turn it is, None when there is none; a look to the host begins every `gap`."""
        for pressing in (True, False):
            among = self._among(now, pressing=pressing)
            parts = sum(len(one.sweep.needs) for one in among)
            for shared in sorted(among, key=lambda one: one.done):
                need = shared.sweep.next(now, gap * (parts / len(shared.sweep.needs)), is_ready)
                if need is not None:
                    return need
        return None

    def _among(self, now: datetime, *, pressing: bool) -> list[_Shared]:
        """Return the sweeps that share the host; one that joins them has done as much as they."""
        among = [one for one in self._sweeps.values() if one.is_open(now) and one.is_pressing(now) is pressing]
        least = min((one.done for one in among if one.presses is pressing), default=0.0)
        for one in among:
            if one.presses is not pressing:
                one.presses, one.done = pressing, least
        return among

    def begin(self, need: Need, now: datetime) -> None:
        """Note that a look at a part begins."""
        shared = self._sweeps.get((need.proof.slot, need.proof.within))
        if shared is not None:
            shared.sweep.begin(need, now)
            shared.done += 1.0 / len(shared.sweep.needs)
            floor = _PRESSING_FLOOR if shared.is_closing else _EARLY_FLOOR
            self._owed = min(_MOST_OWED, self._owed + floor)

    def owes(self) -> bool:
        """Tell whether it is the turn of other looks, where any is due."""
        return self._owed >= 1.0

    def repaid(self) -> None:
        """Note that something else was asked of the host."""
        if self._owed:
            self._owed = max(0.0, self._owed - 1.0)

    def idle_until(self, now: datetime) -> datetime | None:
        """Return when there may be a look to make again, though there is none now."""
        return min((one.sweep.idle_until for one in self._sweeps.values() if one.is_open(now)), default=None)
