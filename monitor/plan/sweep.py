"""Decides which looks prove most if the parts of a slot cannot all be looked at every second. Pure: times are passed.

Two proofs show that a part was on time: it was absent shortly before its slot, and present shortly after. So all parts
are looked at in turn: before the slot once within the tolerance, as late as the budget allows, and after it until each
is seen. If not all can be proved, as many as fit are proved completely.
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
"""How long after its slot an absent part is also looked at past the caches."""
LIKELY_ABSENT_FOR = timedelta(seconds=5)
"""How long after a slot a part is likely to be absent still, if no look before the slot proved its absence."""
_REORDER_EVERY = timedelta(seconds=5)
_RETRY_AFTER = timedelta(seconds=1)
_ROUND_FACTOR = 1.1
"""In the last round before a slot, each page is looked at once. It gets this many times its time: some looks fail."""
_SHORT_ROUND = timedelta(seconds=5)
"""Rounds this short leave time for the origin view too."""
_ORIGIN_DECIDES_FOR = timedelta(seconds=95)
"""An absence by the origin view, this shortly before a slot, sets the start of the interval whatever the edge shows."""


def _count_looks(span: timedelta, gap: timedelta) -> int:
    """Return how many looks begin in a span, the first of them at once."""
    return max(0, ceil(span / gap))


def _precedence_key(part: PartProof) -> tuple[int, bool, bool, Rank, str]:
    """Return the sort key of a part if not all can be proved: important ones, listed ones, those still on time."""
    is_late = part.absent_at is not None and part.absent_at > part.goal.slot + LIKELY_ABSENT_FOR
    return part.goal.rank[0], not part.is_listed, is_late, part.goal.rank, part.id


def _longest_ago_first(parts: Iterable[PartProof]) -> list[PartProof]:
    """Return the parts by their last look, the oldest first. Parts that a listing showed go before all others."""
    return sorted(parts, key=lambda part: (not part.is_listed, part.last_look, part.goal.rank, part.id))


@dataclass(slots=True)
class Sweep:
    """The parts of one slot at one host, and the order in which they are looked at.

    The order is kept for a few seconds or one round, so that a look does not walk through all parts. No part needs a
    look before `idle_until`. `gap` is always the time between the starts of two looks. Of several sweeps at a host, the
    one with the fewest `looks_per_part` goes first. `was_urgent` is its urgency when last chosen from, None before.
    """

    slot: datetime
    tolerance: timedelta
    parts: dict[str, PartProof] = field(default_factory=dict)
    idle_until: datetime = NEVER
    looks_per_part: float = 0.0
    was_urgent: bool | None = None
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
        """Set `is_critical` to whether now is the last round of looks at pages before the slot, or the first after it.

        While it is, looks at witnesses (announcement and index) wait, as pages prove more: `Sweeps.delays_witnesses`.
        """
        self.is_critical = False
        # A round is a look at each page, one every `gap`. It gets a tenth more time (`_ROUND_FACTOR`): some looks fail.
        if now >= self.ends or now < self.slot - _ROUND_FACTOR * len(self.parts) * gap:
            return  # usually: a round of all parts would be longer, and even that begins later, so count no pages
        pages = [part for part in self.parts.values() if part.goal.announces is None]  # all but announcements
        if now < self.slot:
            self.is_critical = now >= self.slot - _ROUND_FACTOR * len(pages) * gap
        else:
            self.is_critical = any(not page.is_out and page.last_look < self.slot for page in pages)

    def add(self, part: str, goal: ProofGoal) -> None:
        """Add a part to the sweep, or start it again if its goal changed."""
        known = self.parts.get(part)
        if known is None or known.goal != goal:
            view = View.EDGE if goal.announces is None else View.ORIGIN
            self.parts[part] = PartProof(part, goal, next_view=view)
            self._reorder_at = self.idle_until = NEVER

    def remove(self, part: str) -> None:
        """Stop looking at a part."""
        if (removed := self.parts.pop(part, None)) is not None:
            removed.is_out = True  # it may still be in the order

    def next_part(self, now: datetime, gap: timedelta, is_ready: Callable[[PartProof], bool]) -> PartProof | None:
        """Return the next part to look at that is ready, or None. Renew the order of looks if it is old or used up."""
        part = self._next_ready(is_ready) if now < self._reorder_at else None
        if part is not None or now < self.idle_until:
            return part
        self._ordered = deque(self.order_looks(now, gap))
        self._reorder_at = self._before_order_changes(now, now + _REORDER_EVERY)
        self._is_round_short = 2 * len(self._ordered) * gap <= _SHORT_ROUND  # with looks in both views
        part = self._next_ready(is_ready)
        if part is None:
            self.idle_until = self._before_order_changes(now, now + _RETRY_AFTER)
        return part

    def order_looks(self, now: datetime, gap: timedelta) -> list[PartProof]:
        """Return the parts to look at from `now` on, each at most once, in order.

        In general, the part looked at longest ago goes first. Parts that were seen are left out, and parts that the
        budget cannot prove before the tolerance ends. After it, an announcement proves nothing, so only pages are left.
        """
        unseen = [part for part in self.parts.values() if not part.is_out]
        pages = [part for part in unseen if part.goal.announces is None]
        page_ids = {page.id for page in pages}
        # An announcement only helps to prove its page, so it is left out once that page was seen.
        announcements = [part for part in unseen if part.goal.announces in page_ids]
        if now < self.slot:
            return self._order_before_slot(pages, announcements, now, gap)
        if now < self.ends:
            return self._order_after_slot(pages, announcements, now, gap)
        return _longest_ago_first(pages)

    def _order_before_slot(self, pages: Parts, announcements: Parts, now: datetime, gap: timedelta) -> list[PartProof]:
        """Return the looks of a round that ends at the slot, so that each absence is proved as late as possible."""
        unproved = [page for page in pages if not page.is_absence_proved()]
        unproved_announcements = [part for part in announcements if not part.is_absence_proved()]
        if now < self.slot - self.tolerance:
            # An absence this early proves no part on time (`is_absence_proved`), so all parts take turns.
            return _longest_ago_first([*pages, *unproved_announcements])
        proved = [page for page in pages if page.is_absence_proved()]
        looks = _count_looks(self.slot - now, gap)
        # Pages with a proof usually come last, because they were looked at last. They may not get a look in this round.
        page_round = _longest_ago_first([*proved, *nsmallest(looks, unproved, key=_precedence_key)])
        # Announcements get only the looks that one round of the pages leaves. They go first, so that pages go late.
        spare = max(0, looks - ceil(_ROUND_FACTOR * len(page_round)))
        return [*_longest_ago_first(unproved_announcements)[:spare], *page_round]

    def _order_after_slot(self, pages: Parts, announcements: Parts, now: datetime, gap: timedelta) -> list[PartProof]:
        """Return the looks that are most likely to prove parts before the tolerance ends.

        A page that was proved absent before the slot only has to be seen. Another page can be proved only if a look
        finds it still absent, which is likely for a few seconds. So others go first until then, and last afterwards.
        """
        looks = _count_looks(self.ends - now, gap)
        early_looks = _count_looks(self.slot + LIKELY_ABSENT_FOR - now, gap)
        is_early = early_looks > 0
        absent_before = [page for page in pages if page.is_absence_proved()]
        provable = _longest_ago_first(nsmallest(looks, absent_before, key=_precedence_key))
        spare = looks - len(provable)
        unproved = [page for page in pages if not page.is_absence_proved()]
        # While the others go first, there are no more of them than can be looked at in these seconds.
        most_others = min(spare, early_looks) if is_early else spare
        others = _longest_ago_first(nsmallest(most_others, unproved, key=_precedence_key))
        if all(page.last_look >= self.slot for page in provable):
            # The first round is over: a page that is not seen yet may be at another address.
            provable = _longest_ago_first([*provable, *announcements])
        return [*others, *provable] if is_early else [*provable, *others]

    def _next_ready(self, is_ready: Callable[[PartProof], bool]) -> PartProof | None:
        """Take parts from the order until one needs a look and is ready, and return it. None if none of them is."""
        while self._ordered:
            part = self._ordered.popleft()
            # An announcement needs no look once its page is seen.
            page = None if part.goal.announces is None else self.parts.get(part.goal.announces)
            if not part.is_out and not (page is not None and page.is_out) and is_ready(part):
                return part
        return None

    def _before_order_changes(self, now: datetime, instant: datetime) -> datetime:
        """Return `instant`, but no later than the next change of the order, at the slot or the end of the tolerance."""
        return min([instant, *(change for change in (self.slot, self.ends) if change > now)])

    def record_start(self, part: PartProof, now: datetime) -> None:
        """Record that a look at a part begins."""
        part.look_before, part.last_look = part.last_look, now
        self.looks_per_part += 1.0 / len(self.parts)

    def record_result(self, name: str, view: View, result: LookResult, sent: datetime, proved_from: datetime) -> None:
        """Record what a look sent at `sent` proved about a part, if it is known. `proved_from` dates an absence."""
        part = self.parts.get(name)
        if part is None:
            return
        if result is LookResult.NOTHING and not part.has_failed:
            # Repeat a failed look early, as if it had not been made. Do so only once, because it delays all others.
            part.last_look = part.look_before
        part.has_failed = result is LookResult.NOTHING
        if result is LookResult.ABSENT:
            self._record_absence(part, view, sent, proved_from)
        elif result is LookResult.PRESENT:
            # A part that is public before its slot may be removed again.
            part.is_out = sent >= self.slot
            if part.is_out and part.goal.announces is not None:
                # The announcement now redirects to its page.
                self.prioritise([part.goal.announces])

    def _record_absence(self, part: PartProof, view: View, sent: datetime, proved_from: datetime) -> None:
        """Record that a part was absent at `proved_from`. Unless it is an announcement, choose the view to use next."""
        if part.goal.announces is not None:
            # It stays for a while after its release is out, so it proves only an earlier absence of the release.
            proved_from -= REDIRECT_LAG
        else:
            use_origin = view is View.EDGE and self._needs_origin_next(part, sent, proved_from)
            part.next_view = View.ORIGIN if use_origin else View.EDGE
        part.absent_at = proved_from if part.absent_at is None else max(part.absent_at, proved_from)
        if view is View.ORIGIN:
            part.origin_absent_at = max(part.origin_absent_at, proved_from)

    def prioritise(self, names: Iterable[str]) -> None:
        """Look first at these parts, because a listing shows them to be out."""
        for name in names:
            if (part := self.parts.get(name)) is not None and not part.is_listed:
                part.is_listed = True
                self._reorder_at = self.idle_until = NEVER

    def _needs_origin_next(self, part: PartProof, sent: datetime, proved_from: datetime) -> bool:
        """Return whether to look past the caches next, after a look through them at `sent` found a part absent.

        The absence is proved as of `proved_from`, which is before `sent` if a cache answered with an older copy.
        """
        if self._is_round_short:  # there is time for both views of every part
            return True
        if sent >= self.slot:
            # A cache may serve a copy from before the slot of a part that is out. If not, first look at what users get.
            is_copy_from_before_slot = proved_from < self.slot
            return is_copy_from_before_slot or sent >= self.slot + ORIGIN_FROM
        # The first-seen interval must begin within the tolerance. If the origin showed an absence shortly before the
        # slot (`_ORIGIN_DECIDES_FOR`), the interval begins there, even if a cache shows a later absence. If that is
        # before the tolerance, only a newer absence at the origin can move the start into it.
        proof_begins = self.slot - self.tolerance
        origin_sets_interval = part.origin_absent_at >= self.slot - _ORIGIN_DECIDES_FOR
        is_origin_absence_too_old = part.origin_absent_at < proof_begins
        return sent >= proof_begins and origin_sets_interval and is_origin_absence_too_old
