"""Which looks prove most at a host that cannot be looked at every second. Pure; times are given.

On time takes two proofs: that a part was missing shortly before its slot, and that it was out shortly after. So each
part is looked at in its turn, as often as all others: before the slot once in the tolerance, as late as the budget
allows; after it until it is seen. Where not all can be proved, as many as fit are proved completely.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from math import ceil

from monitor.plan.addresses import REDIRECT_LAG
from monitor.plan.proof import NEVER, Need, Proof, Rank, Told
from monitor.plan.targets import View

ORIGIN_FROM = timedelta(seconds=20)
"""How long after its slot what is still absent is looked at past the caches too."""
STILL_TO_COME = timedelta(seconds=5)
"""So long after a slot one that was not seen absent before it is likely to be absent still."""
_PLANNED_EVERY = timedelta(seconds=5)
_ASK_AGAIN = timedelta(seconds=1)
_SLACK = 1.1
"""How much longer than its looks alone the last round before a slot is taken to be: some fail, or go to others."""
_SHORT = timedelta(seconds=5)
"""Rounds so short leave time for the origin too, whose last absence dates what it was asked for lately."""
_LATELY = timedelta(seconds=95)
"""An origin's absence so shortly before a slot dates what comes then, whatever the edge says later."""


def order(needs: Iterable[Need], slot: datetime, within: timedelta, gap: timedelta, now: datetime) -> list[Need]:
    """Return which parts to look at from `now` on, in this order, a look every `gap`; each at most once.

    Who was looked at longest ago goes first, so that a round ends at the slot and goes on after it in the same order.
    What is left out need not be looked at until the tolerance is over: it would prove nothing, or there is no time
    left to prove it completely.
    """
    waiting = [need for need in needs if not need.seen]
    parts = [need for need in waiting if need.proof.tells_of is None]
    missing = {need.id for need in parts}
    telling = [need for need in waiting if need.proof.tells_of in missing]
    if now < slot:
        return _until_slot(parts, telling, slot, within, gap, now)
    if now < slot + within:
        return _until_seen(parts, telling, slot, within, gap, now)
    return _by_turn(parts)


def _until_slot(
    parts: Sequence[Need], telling: Sequence[Need], slot: datetime, within: timedelta, gap: timedelta, now: datetime
) -> list[Need]:
    others = [need for need in parts if not need.was_absent()]
    left = _looks(slot - now, gap)
    fit = others if now < slot - within else _best(others, left)
    planned = _by_turn([*(need for need in parts if need.was_absent()), *fit])
    dated = [need for need in telling if not need.was_absent()]
    if now < slot - within:
        return _by_turn([*planned, *dated])
    # In the last minute announcements have what the last round of the pages leaves.
    spare = max(0, left - ceil(_SLACK * len(planned)))
    return [*_by_turn(dated)[:spare], *planned]


def _until_seen(
    parts: Sequence[Need], telling: Sequence[Need], slot: datetime, within: timedelta, gap: timedelta, now: datetime
) -> list[Need]:
    left, soon = _looks(slot + within - now, gap), _looks(slot + STILL_TO_COME - now, gap)
    provable = _by_turn(_best([need for need in parts if need.was_absent()], left))
    # One that was not seen absent in time may be absent still: then the next look at it proves it.
    spare = left - len(provable)
    hopeful = _by_turn(_best([need for need in parts if not need.was_absent()], min(spare, soon) if soon else spare))
    if all(need.turn >= slot for need in provable):
        # The first round is over: what has not shown may stand elsewhere.
        provable = _by_turn([*provable, *telling])
    return [*hopeful, *provable] if soon else [*provable, *hopeful]


def _looks(span: timedelta, gap: timedelta) -> int:
    """Return how many looks begin in a span, the first of them at once."""
    return max(0, ceil(span / gap))


def _best(needs: Sequence[Need], count: int) -> Sequence[Need]:
    """Return the `count` needs that go first where not all can be proved."""
    if len(needs) <= count:
        return needs
    return nsmallest(count, needs, key=_precedence)


def _precedence(need: Need) -> tuple[int, bool, bool, Rank, str]:
    """Return what goes first where not all can be proved: of equal importance, what is likelier to be out in time."""
    is_late = need.absent is not None and need.absent > need.proof.slot + STILL_TO_COME
    return need.proof.rank[0], not need.listed, is_late, need.proof.rank, need.id


def _by_turn(needs: Iterable[Need]) -> list[Need]:
    """Return who was looked at longest ago first; before them those that a listing showed to be out."""
    return sorted(needs, key=lambda need: (not need.listed, need.turn, need.proof.rank, need.id))


@dataclass(slots=True)
class Sweep:
    """The parts of one slot at one host, and whose turn it is.

    The order is planned anew every few seconds and after each round, so that a look costs no walk through all parts.
    There is nothing to look at before `idle_until`.
    """

    slot: datetime
    within: timedelta
    needs: dict[str, Need] = field(default_factory=dict)
    idle_until: datetime = NEVER
    _planned: deque[Need] = field(default_factory=deque)
    _plan_again: datetime = NEVER
    _is_short: bool = False

    @property
    def ends(self) -> datetime:
        """Return when its tolerance is over."""
        return self.slot + self.within

    def is_closing(self, now: datetime, gap: timedelta) -> bool:
        """Tell whether each look counts: the last round before the slot is due, or the first after it is not over."""
        if now < self.slot:
            # Nearly always it is too early even if all of them counted: that costs no walk through them.
            is_near = now >= self.slot - _SLACK * len(self.needs) * gap
            return is_near and now >= self.slot - _SLACK * sum(1 for _ in self._parts()) * gap
        return now < self.ends and any(not need.seen and need.turn < self.slot for need in self._parts())

    def need(self, part: str, proof: Proof) -> Need:
        """Return a part's need, begun when it is new."""
        need = self.needs.get(part)
        if need is None or need.proof != proof:
            view = View.EDGE if proof.tells_of is None else View.ORIGIN
            need = self.needs[part] = Need(part, proof, view=view)
            self._plan_again = self.idle_until = NEVER
        return need

    def drop(self, part: str) -> None:
        """Look at a part no more."""
        need = self.needs.pop(part, None)
        if need is not None:
            need.seen = True

    def next(self, now: datetime, gap: timedelta, is_ready: Callable[[Need], bool]) -> Need | None:
        """Return the part to look at now, None when there is none; one that is not ready waits for the next round."""
        need = self._first(is_ready) if now < self._plan_again else None
        if need is not None or now < self.idle_until:
            return need
        self._planned = deque(order(self.needs.values(), self.slot, self.within, gap, now))
        self._plan_again = self._at_most(now, now + _PLANNED_EVERY)
        self._is_short = 2 * len(self._planned) * gap <= _SHORT
        need = self._first(is_ready)
        if need is None:
            self.idle_until = self._at_most(now, now + _ASK_AGAIN)
        return need

    def begin(self, need: Need, now: datetime) -> None:
        """Note that a look at a part begins."""
        need.before, need.turn = need.turn, now

    def saw(self, part: str, view: View, told: Told, sent: datetime, proved_from: datetime) -> None:
        """Take what a look at a part told; `proved_from` is the instant as of which it was so at the latest."""
        need = self.needs.get(part)
        if need is None:
            return
        if told is Told.NOTHING:
            # Once out of turn: what never tells anything must not take the turns of all others.
            need.turn = need.turn if need.failed else need.before
        elif told is Told.ABSENT:
            # What still announces tells of an instant so long before.
            proved_from -= timedelta() if need.proof.tells_of is None else REDIRECT_LAG
            need.absent = proved_from if need.absent is None else max(need.absent, proved_from)
            if view is View.ORIGIN:
                need.origin = max(need.origin, proved_from)
            need.view = self._next_view(need, view, sent, proved_from)
        else:
            need.seen = sent >= self.slot
            self._led_to(need)
        need.failed = told is Told.NOTHING

    def list(self, parts: Iterable[str]) -> None:
        """Look first at parts that a listing shows to be out."""
        for part in parts:
            if (need := self.needs.get(part)) is not None and not need.listed:
                need.listed = True
                self._plan_again = self.idle_until = NEVER

    def _led_to(self, need: Need) -> None:
        """Look first at the page that an announcement led to."""
        if need.seen and need.proof.tells_of is not None:
            self.list([need.proof.tells_of])

    def _parts(self) -> Iterator[Need]:
        return (need for need in self.needs.values() if need.proof.tells_of is None)

    def _next_view(self, need: Need, view: View, sent: datetime, proved_from: datetime) -> View:
        """Return where to look next: past the caches, by turns, at what a cache may hide."""
        if need.proof.tells_of is not None:
            return View.ORIGIN
        if sent < self.slot:
            # Asked too long ago to prove it on time, and too lately for the edge to be believed before it.
            between = self.slot - _LATELY <= need.origin < self.slot - self.within
            by_turns = self._is_short or (between and sent >= self.slot - self.within)
        else:
            by_turns = self._is_short or proved_from < self.slot or sent >= self.slot + ORIGIN_FROM
        return View.ORIGIN if view is View.EDGE and by_turns else View.EDGE

    def _first(self, is_ready: Callable[[Need], bool]) -> Need | None:
        while self._planned:
            need = self._planned.popleft()
            if not need.seen and not self._is_moot(need) and is_ready(need):
                return need
        return None

    def _is_moot(self, need: Need) -> bool:
        """Tell whether an announcement can tell nothing that its page has not told."""
        page = None if need.proof.tells_of is None else self.needs.get(need.proof.tells_of)
        return page is not None and page.seen

    def _at_most(self, now: datetime, then: datetime) -> datetime:
        """Return an instant, or the next one at which the order is another."""
        return min([then, *(turn for turn in (self.slot, self.ends) if turn > now)])
