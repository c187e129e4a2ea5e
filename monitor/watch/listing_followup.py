"""Follow entries of listings that match a promised release: look at their addresses at once, or send a lead."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.judge.spells import build_spells, find_presence_from_start
from monitor.ledger.ledger import Ledger
from monitor.look.poller import Poller
from monitor.plan.targets import Target, View, recogniser_of, target_id
from monitor.threads import Tasks
from monitor.watch.admission import Admission
from monitor.watch.leads import Leads, is_still_worth_a_lead
from monitor.watch.listing_match import ListingMatch, MatchKind, part_elsewhere
from monitor.watch.release import WatchedRelease, is_view_of_page
from monitor.watch.watch import Watch
from schedules.contract.verdict import LEAD, Finding
from schedules.release import Release
from schedules.times.words import interval_text

_log = structlog.get_logger(__name__)
CLOSE_WATCH = timedelta(minutes=10)
"""How long an address from a listing is looked at as often as an early exposure."""
MAX_FOLLOWED = 60
"""The most entries that are followed for one release in the life of a process. A listing may have thousands."""
_PROOF_SECONDS = 15
"""Seconds in which such an address must prove publication. After that a lead is sent."""
_DESCRIPTIONS = {
    MatchKind.TITLE: "a listing shows its title{early}, at an address that does not prove it",
    MatchKind.SERIES: (
        "a listing shows its series{early}, its period missing or another, at an address of no known edition"
    ),
    MatchKind.EDITION: "a listing shows another edition{early} at its address",
}


@dataclass(frozen=True, slots=True)
class ListingFollowUp:
    """Follows listing entries that match a promised release."""

    admission: Admission
    ledger: Ledger
    watch: Watch
    clock: Clock
    poller: Poller
    leads: Leads
    tasks: Tasks
    _followed: Counter[str] = field(default_factory=Counter)

    def follow_in_background(self, hit: ListingMatch) -> None:
        """Follow an entry in the background. After `MAX_FOLLOWED` of a release, send one hint (a lead) to people."""
        self._followed[hit.release] += 1
        if self._followed[hit.release] <= MAX_FOLLOWED:
            self.tasks.start(self.follow(hit))
        elif self._followed[hit.release] == MAX_FOLLOWED + 1:
            unread = f"no more are looked at, read them in {hit.listing}"
            detail = f"listings show more than {MAX_FOLLOWED} entries that may be it: {unread}"
            self.tasks.start(self.leads.send(hit.release, Finding(LEAD, None, detail, url=hit.listing)))

    async def follow(self, hit: ListingMatch) -> None:
        """Look at the address of a listing's entry (`hit`), which may show its release too early or at a wrong address.

        If only a person can judge that, send a hint to people: a lead.
        """
        watched = await self.admission.watch_release(hit.release)
        if watched is None:
            return
        # An entry that only has the title of the series may show an old edition. Old editions are only in the store.
        is_series = hit.kind is MatchKind.SERIES
        if is_series and await self.ledger.find_matching_in_store(watched.release.producer, hit.url, hit.title):
            return  # the entry has the address or the title of an old edition
        _log.info("listed", release=hit.release, sort=hit.kind.value, url=hit.url, listing=hit.listing)
        slot = self.ledger.slot_begins(hit.release)
        is_early = slot is not None and hit.listed.by is not None and hit.listed.by < slot
        needs_a_person = await self._needs_a_person(watched, hit)  # looks at the address prove nothing
        if needs_a_person and (slot is None or is_early or self._is_still_missing(watched, hit, slot)):
            description = _DESCRIPTIONS[hit.kind].format(early=" before its slot" if is_early else "")
            detail = f"{description}, first seen {interval_text(hit.listed)} in {hit.listing}: {hit.url}"
            await self.leads.send(hit.release, Finding(LEAD, None, detail, url=hit.url))

    async def _needs_a_person(self, watched: WatchedRelease, hit: ListingMatch) -> bool:
        """Return whether only a person can judge if an entry shows the release, even after close looks at its address.

        - If another edition is at the release's address: only if the page was missing before. A page that is reused for
          each edition shows the last edition until the slot.
        - If the series is at another address: if the page there has another title, or looks at it prove nothing.
        - If the title is at another address: if looks at it prove nothing.
        """
        if hit.kind is MatchKind.EDITION:
            pages = filter(is_view_of_page, watched.targets.values())
            return any(watched.known_about(page).was_missing for page in pages)
        if hit.kind is MatchKind.SERIES and not await self._page_has_title(watched.release, hit.url):
            return True
        return not await self._proves_publication(watched, hit)

    async def _page_has_title(self, release: Release, url: str) -> bool:
        """Return whether a page that is listed under another title has the release's own title."""
        host, recogniser = urlsplit(url).hostname or "", recogniser_of(part_elsewhere(release, url))
        target = Target(f"~listed/{url}", "", "", View.EDGE, url, host, recogniser, release.title)
        return (await self.poller.look_without_memory(target)).specific

    async def _proves_publication(self, watched: WatchedRelease, hit: ListingMatch) -> bool:
        """Look closely at an address for `CLOSE_WATCH`. Return whether it proves publication in `_PROOF_SECONDS`."""
        part_id = self.watch.look_closely(hit.release, part_elsewhere(watched.release, hit.url))
        if part_id is None:
            return False

        async def stop_later() -> None:
            await self.clock.sleep(CLOSE_WATCH.total_seconds())
            self.watch.stop_looking_closely(hit.release, part_id)

        self.tasks.start(stop_later())
        target = target_id(hit.release, part_id, View.EDGE)
        for _ in range(_PROOF_SECONDS):
            await self.clock.sleep(1)
            runs = watched.state_or_empty(target).runs
            if any(spell.is_present for spell in build_spells(View.EDGE, runs)):
                return True
            if find_presence_from_start(runs) is not None:
                # The page was there at the first look and may be of an earlier edition. Further looks prove no more.
                break
        return False

    def _is_still_missing(self, watched: WatchedRelease, hit: ListingMatch, slot: datetime) -> bool:
        """Return whether, until a day after its slot, its page is missing or of an older edition."""
        page = watched.verdict.page if watched.verdict is not None else None
        is_out = page is not None and (page.released.by or page.first_seen.by) is not None
        return (not is_out or hit.kind is MatchKind.EDITION) and is_still_worth_a_lead(slot, self.clock.now())
