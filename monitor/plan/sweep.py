"""Decides which looks prove most if the parts of a slot cannot all be looked at every second.

A part is on time if it was absent shortly before its slot, and present shortly after. So all take
turns: before the slot once, at most one tolerance before it and as late as the budget allows, and
after it until each is seen. If not all can be proved, as many as fit are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from math import ceil

from monitor.plan.addresses import REDIRECT_LAG
from monitor.plan.proof import NEVER, LookResult, PartProof, ProofGoal, Rank
from monitor.plan.targets import View

Parts = Sequence[PartProof]

ORIGIN_FROM = timedelta(seconds=20)
"""From this long after its slot, an absent part is also looked at past the caches."""
LIKELY_ABSENT_FOR = timedelta(seconds=5)
"""How long after its slot a part without a proved absence is likely to be absent still."""
_REORDER_EVERY = timedelta(seconds=5)
_RETRY_AFTER = timedelta(seconds=1)
_ROUND_FACTOR = 1.1
"""The last round before a slot gets this many times its time, because some looks fail."""
_SHORT_ROUND = timedelta(seconds=5)
"""Rounds this short leave time for the origin view too."""
_ORIGIN_DECIDES_FOR = timedelta(seconds=95)
"""An absence by the origin, this shortly before a slot, begins the interval whatever the edge
shows.
"""


def _precedence_key(part: PartProof) -> tuple[int, bool, bool, Rank, str]:
    """Return the key that sorts the parts to prove first, if not all can be: by the first number of
    their rank, then listed ones, then those that are not proved late.
    """
    is_late = part.absent_at is not None and part.absent_at > part.goal.slot + LIKELY_ABSENT_FOR
    return part.goal.rank[0], not part.is_listed, is_late, part.goal.rank, part.id


def _longest_ago_first(parts: Iterable[PartProof]) -> list[PartProof]:
    """Return the parts by their last look, listed ones before all others."""
    return sorted(
        parts, key=lambda part: (not part.is_listed, part.last_look, part.goal.rank, part.id)
    )


@dataclass(slots=True)
class Sweep:
    """The parts of one slot at one host, and the order in which they are looked at.

    The order is kept for seconds or one round, so that a look does not walk through all parts. No
    part is ready before `idle_until`. The sweep with the fewest `looks_per_part` goes first. The
    parameter `gap` is the time between the starts of two looks at the host.
    """

    slot: datetime
    tolerance: timedelta
    parts: dict[str, PartProof] = field(default_factory=dict)
    idle_until: datetime = NEVER
    looks_per_part: float = 0.0
    last_urgency: bool | None = None  # None: it was never chosen from
    is_critical: bool = False
    _ordered: deque[PartProof] = field(default_factory=deque)
    _reorder_at: datetime = NEVER
    _is_round_short: bool = False

    @property
    def ends(self) -> datetime:
        """Return when the tolerance is over."""
        return self.slot + self.tolerance

    def is_open(self, now: datetime) -> bool:
        """Return whether its time has come: from two tolerances before the slot until it ends."""
        return self.slot - 2 * self.tolerance <= now < self.ends

    def update_is_critical(self, now: datetime, gap: timedelta) -> None:
        """Set `is_critical`: in the last round of pages before the slot or their first after it,
        looks at announcement and index, which prove less, wait.
        """
        self.is_critical = False
        longest_round = _ROUND_FACTOR * len(self.parts) * gap
        if not self.slot - longest_round <= now < self.ends:
            return  # most calls end here, so that the pages need not be counted
        pages = [part for part in self.parts.values() if part.goal.announced_page is None]
        if now < self.slot:
            self.is_critical = now >= self.slot - _ROUND_FACTOR * len(pages) * gap
        else:
            self.is_critical = any(not page.is_out and page.last_look < self.slot for page in pages)

    def add(self, part: str, goal: ProofGoal) -> None:
        """Add a part to the sweep, or start it again if its goal changed."""
        known = self.parts.get(part)
        if known is None or known.goal != goal:
            view = View.EDGE if goal.announced_page is None else View.ORIGIN
            self.parts[part] = PartProof(part, goal, next_view=view)
            self._reorder_at = self.idle_until = NEVER

    def remove(self, part: str) -> None:
        """Stop looking at a part."""
        if (removed := self.parts.pop(part, None)) is not None:
            removed.is_out = True  # it may still be in the order

    def next_part(
        self, now: datetime, gap: timedelta, is_ready: Callable[[PartProof], bool]
    ) -> PartProof | None:
        """Return the next part to look at that is ready, or None if none is."""
        is_order_recent = now < self._reorder_at
        if is_order_recent and (part := self._next_ready(is_ready)) is not None:
            return part
        if now < self.idle_until:
            return None  # a new order would have no ready part either
        self._ordered = deque(self.order_looks(now, gap))
        self._reorder_at = self._limit_to_phase(now + _REORDER_EVERY, now)
        self._is_round_short = 2 * len(self._ordered) * gap <= _SHORT_ROUND
        part = self._next_ready(is_ready)
        if part is None:
            self.idle_until = self._limit_to_phase(now + _RETRY_AFTER, now)
        return part

    def order_looks(self, now: datetime, gap: timedelta) -> list[PartProof]:
        """Return the parts to look at from `now` on, mostly oldest look first, without those seen
        and those that the budget cannot prove on time.
        """
        unseen = [part for part in self.parts.values() if not part.is_out]
        pages = [part for part in unseen if part.goal.announced_page is None]
        page_ids = {page.id for page in pages}
        # An announcement only leads to its page, so its looks end when the page is seen.
        announcements = [part for part in unseen if part.goal.announced_page in page_ids]
        if now < self.slot:
            return self._order_before_slot(pages, announcements, now, gap)
        if now < self.ends:
            return self._order_after_slot(pages, announcements, now, gap)
        return _longest_ago_first(pages)

    def _order_before_slot(
        self, pages: Parts, announcements: Parts, now: datetime, gap: timedelta
    ) -> list[PartProof]:
        """Return the order that proves each page absent as late as possible before the slot."""
        proved = [page for page in pages if page.is_absence_proved()]
        unproved = [page for page in pages if not page.is_absence_proved()]
        unproved_announcements = _longest_ago_first(
            part for part in announcements if not part.is_absence_proved()
        )
        if now < self.slot - self.tolerance:
            # Only an absence within the tolerance counts, so until then all take turns.
            return _longest_ago_first([*pages, *unproved_announcements])
        looks_left = ceil((self.slot - now) / gap)
        chosen = nsmallest(looks_left, unproved, key=_precedence_key)
        ordered_pages = _longest_ago_first([*proved, *chosen])
        # Announcements get spare looks first, so that the last ones before the slot are at pages.
        spare_looks = max(0, looks_left - ceil(_ROUND_FACTOR * len(ordered_pages)))
        return [*unproved_announcements[:spare_looks], *ordered_pages]

    def _order_after_slot(
        self, pages: Parts, announcements: Parts, now: datetime, gap: timedelta
    ) -> list[PartProof]:
        """Return the order that proves as many pages on time as possible after the slot."""
        looks_left = ceil((self.ends - now) / gap)
        early_looks_left = ceil((self.slot + LIKELY_ABSENT_FOR - now) / gap)
        is_early = early_looks_left > 0
        all_proved = [page for page in pages if page.is_absence_proved()]
        all_unproved = [page for page in pages if not page.is_absence_proved()]
        proved = _longest_ago_first(nsmallest(looks_left, all_proved, key=_precedence_key))
        spare_looks = looks_left - len(proved)
        looks_at_unproved = min(spare_looks, early_looks_left) if is_early else spare_looks
        unproved = _longest_ago_first(
            nsmallest(looks_at_unproved, all_unproved, key=_precedence_key)
        )
        if all(page.last_look >= self.slot for page in proved):
            # A page that is still absent may be at the address to which its announcement redirects.
            proved = _longest_ago_first([*proved, *announcements])
        return [*unproved, *proved] if is_early else [*proved, *unproved]

    def _next_ready(self, is_ready: Callable[[PartProof], bool]) -> PartProof | None:
        while self._ordered:
            part = self._ordered.popleft()
            page = (
                None
                if part.goal.announced_page is None
                else self.parts.get(part.goal.announced_page)
            )
            if not part.is_out and not (page is not None and page.is_out) and is_ready(part):
                return part
        return None

    def _limit_to_phase(self, instant: datetime, now: datetime) -> datetime:
        """Return `instant`, but no later than the slot or, after that, the end of the sweep."""
        return min([instant, *(change for change in (self.slot, self.ends) if change > now)])

    def record_start(self, part: PartProof, now: datetime) -> None:
        """Record that a look at a part begins."""
        part.look_before, part.last_look = part.last_look, now
        self.looks_per_part += 1.0 / len(self.parts)

    def record_result(
        self, name: str, view: View, result: LookResult, sent: datetime, proved_from: datetime
    ) -> None:
        """Record what a look at the part `name` proved. `proved_from` dates an absence."""
        part = self.parts.get(name)
        if part is None:
            return  # it was removed during the look
        if result is LookResult.NOTHING and not part.has_failed:
            # Order it by the look before, so that it is repeated soon, but only once.
            part.last_look = part.look_before
        part.has_failed = result is LookResult.NOTHING
        if result is LookResult.ABSENT:
            self._record_absence(part, view, sent, proved_from)
        elif result is LookResult.PRESENT:
            # Before its slot it may be removed again.
            part.is_out = part.is_out or sent >= self.slot
            if part.is_out and part.goal.announced_page is not None:
                self.prioritise([part.goal.announced_page])

    def _record_absence(
        self, part: PartProof, view: View, sent: datetime, proved_from: datetime
    ) -> None:
        if part.goal.announced_page is not None:
            # Without a redirect at 09:30:10, it only proves that the page was absent at 09:29:40.
            proved_from -= REDIRECT_LAG
        else:
            use_origin = view is View.EDGE and self._needs_origin_next(part, sent, proved_from)
            part.next_view = View.ORIGIN if use_origin else View.EDGE
        part.absent_at = max(filter(None, (part.absent_at, proved_from)))
        if view is View.ORIGIN:
            part.origin_absent_at = max(part.origin_absent_at, proved_from)

    def prioritise(self, names: Iterable[str]) -> None:
        """Look first at these parts, because a listing or announcement shows them to be out."""
        for name in names:
            if (part := self.parts.get(name)) is not None and not part.is_listed:
                part.is_listed = True
                self._reorder_at = self.idle_until = NEVER

    def _needs_origin_next(self, part: PartProof, sent: datetime, proved_from: datetime) -> bool:
        """Return whether to look past the caches next, after a look through them at `sent` found a
        part absent as of `proved_from`.
        """
        if self._is_round_short:
            return True
        if sent >= self.slot:
            # A cache may serve a copy from before the slot of a part that is out. If not, first
            # look at what users get.
            is_copy_from_before_slot = proved_from < self.slot
            return is_copy_from_before_slot or sent >= self.slot + ORIGIN_FROM
        # For example, the tolerance is 60 s, and the origin showed an absence 80 s before the slot.
        # The interval then begins too early, and only a newer absence at the origin helps.
        proof_begins = self.slot - self.tolerance
        origin_sets_interval = part.origin_absent_at >= self.slot - _ORIGIN_DECIDES_FOR
        is_origin_absence_too_old = part.origin_absent_at < proof_begins
        return sent >= proof_begins and origin_sets_interval and is_origin_absence_too_old
