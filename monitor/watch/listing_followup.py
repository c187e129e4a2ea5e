"""What listings show of promised releases: looked at closely at once, and told a person where it proves nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.judge.spells import spells, unproved
from monitor.ledger.ledger import Ledger
from monitor.look.poller import Poller
from monitor.plan.targets import Target, View, recogniser_of, target_id
from monitor.threads import Tasks
from monitor.watch.admission import Admission
from monitor.watch.leads import Leads, of_listing, of_many
from monitor.watch.listing_match import ListingMatch, MatchKind, part_elsewhere
from monitor.watch.release import WatchedRelease, is_view_of_page
from monitor.watch.watch import Watch
from schedules.release import Release

_log = structlog.get_logger(__name__)
CLOSELY = timedelta(minutes=10)
"""How long an address from a listing is looked at as if something were out early."""
MOST = 60
"""Entries of listings that are followed for one release, from start to start: whoever lists thousands has no more."""
_PATIENCE = 15
"""Seconds that such an address has to prove what its listing says, before a person is told."""
_AFTER = timedelta(days=1)
"""How long after its slot a release that is missing is worth a lead."""


@dataclass(frozen=True, slots=True)
class ListingFollowUp:
    """Follows what listings show of promised releases."""

    admission: Admission
    ledger: Ledger
    watch: Watch
    clock: Clock
    poller: Poller
    leads: Leads
    tasks: Tasks
    _followed: Counter[str] = field(default_factory=Counter)

    def take(self, hit: ListingMatch) -> None:
        """Have a hit followed; nobody waits for it. Of one release no more than `MOST` are: a person is told so."""
        self._followed[hit.release] += 1
        if self._followed[hit.release] <= MOST:
            self.tasks.start(self.follow(hit))
        elif self._followed[hit.release] == MOST + 1:
            self.tasks.start(self.leads.tell(hit.release, of_many(hit, MOST)))

    async def follow(self, hit: ListingMatch) -> None:
        """Look closely at what a listing shows; tell a person when that proves nothing and the release is not out."""
        watched = await self.admission.take(hit.release)
        if watched is None or await self._is_of_another(hit, watched):
            return
        _log.info("listed", release=hit.release, sort=hit.sort.value, url=hit.url, listing=hit.listing)
        if hit.sort is MatchKind.EDITION:
            # A page that takes each edition in turn bears the last one's title until its slot.
            pages = filter(is_view_of_page, watched.targets.values())
            is_told = any(watched.remembered(page).was_missing for page in pages)
        elif hit.sort is MatchKind.SERIES and not await self._bears_title(watched.release, hit.url):
            is_told = True
        else:
            is_told = not await self._look_closely(watched, hit)
        slot = self.ledger.begins(hit.release)
        if is_told and self._is_worth_telling(watched, hit, slot):
            await self.leads.tell(hit.release, of_listing(hit, slot))

    async def _is_of_another(self, hit: ListingMatch, watched: WatchedRelease) -> bool:
        """Tell whether what seems to be of the series is an edition that is long over."""
        if hit.sort is not MatchKind.SERIES:
            return False
        return bool(await self.ledger.matching_in_store(watched.release.producer, hit.url, hit.title))

    async def _bears_title(self, release: Release, url: str) -> bool:
        """Tell whether a page that is listed under another title bears that of the release itself."""
        part = part_elsewhere(release, url)
        host = urlsplit(url).hostname or ""
        target = Target(f"~listed/{url}", "", "", View.EDGE, url, host, recogniser_of(part), release.title)
        return (await self.poller.glance(target)).specific

    async def _look_closely(self, watched: WatchedRelease, hit: ListingMatch) -> bool:
        """Have an address looked at every few seconds from now on; tell whether it soon proves that it is out."""
        name = self.watch.look_closely(hit.release, part_elsewhere(watched.release, hit.url))
        if name is None:
            return False
        self.tasks.start(self._relax(hit.release, name))
        target = target_id(hit.release, name, View.EDGE)
        for _ in range(_PATIENCE):
            await self.clock.sleep(1)
            runs = watched.at(target).runs
            if any(spell.out for spell in spells(View.EDGE, runs)):
                return True
            if unproved(runs) is not None:
                break
        return False

    async def _relax(self, release: str, part: str) -> None:
        await self.clock.sleep(CLOSELY.total_seconds())
        self.watch.relax(release, part)

    def _is_worth_telling(self, watched: WatchedRelease, hit: ListingMatch, slot: datetime | None) -> bool:
        """Tell whether it was listed before its slot, or while its page should be out and is missing or another's."""
        if slot is None or (hit.listed.by is not None and hit.listed.by < slot):
            return True
        page = watched.verdict.page if watched.verdict is not None else None
        is_out = page is not None and (page.released.by or page.first_seen.by) is not None
        return (not is_out or hit.sort is MatchKind.EDITION) and self.clock.now() - slot < _AFTER
