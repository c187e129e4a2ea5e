"""Follows entries of listings that match a promised release: looks at their addresses at once, or
sends a lead.
"""

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
"""The most entries that are followed for one release in the life of a process. A listing may have
thousands.
"""
_PROOF_SECONDS = 15
"""Seconds in which such an address must prove publication. After that a lead is sent."""
_DESCRIPTIONS = {
    MatchKind.TITLE: "a listing shows its title{early}, at an address that does not prove it",
    MatchKind.SERIES: (
        "a listing shows its series{early}, its period missing or another, at an address of no"
        " known edition"
    ),
    MatchKind.EDITION: "a listing shows another edition{early} at its address",
}


@dataclass(frozen=True, slots=True)
class ListingFollowUp:
    """Follows matching entries, each in a task of its own."""

    admission: Admission
    ledger: Ledger
    watch: Watch
    clock: Clock
    poller: Poller
    leads: Leads
    tasks: Tasks
    _followed: Counter[str] = field(default_factory=Counter)

    def follow_in_background(self, match: ListingMatch) -> None:
        """Follow an entry (`match`) in the background: look at its address, or send a lead (a hint
        to people).

        If more than `MAX_FOLLOWED` entries match a release, follow no more, and send one lead about
        the rest.
        """
        self._followed[match.release] += 1
        if self._followed[match.release] <= MAX_FOLLOWED:
            self.tasks.start(self.follow(match))
        elif self._followed[match.release] == MAX_FOLLOWED + 1:
            unread = f"no more are looked at, read them in {match.listing}"
            detail = f"listings show more than {MAX_FOLLOWED} entries that may be it: {unread}"
            self.tasks.start(
                self.leads.send(match.release, Finding(LEAD, None, detail, url=match.listing))
            )

    async def follow(self, match: ListingMatch) -> None:
        """Find out whether an entry (`match`) shows its release.

        If only a person can judge that, send a lead.
        """
        watched = await self.admission.watch_release(match.release)
        if watched is None:
            return
        if match.kind is MatchKind.SERIES:
            # The entry's title has another period or none, so the entry may show an old edition,
            # known to the store.
            producer = watched.release.producer
            old_editions = await self.ledger.find_matching_in_store(
                producer, match.url, match.title
            )
            if old_editions:
                return
        _log.info("listed", release=match.release, listing=match.listing)
        slot = self.ledger.slot_begins(match.release)
        is_early = slot is not None and match.listed.by is not None and match.listed.by < slot
        # An entry that came after the slot is worth a lead only while the release is missing.
        needs_a_person = await self._needs_a_person(watched, match)
        if needs_a_person and (
            slot is None or is_early or self._is_still_missing(watched, match, slot)
        ):
            description = _DESCRIPTIONS[match.kind].format(
                early=" before its slot" if is_early else ""
            )
            detail = (
                f"{description}, first seen {interval_text(match.listed)} in {match.listing}:"
                f" {match.url}"
            )
            await self.leads.send(match.release, Finding(LEAD, None, detail, url=match.url))

    async def _needs_a_person(self, watched: WatchedRelease, match: ListingMatch) -> bool:
        """Return whether only a person can judge if an entry shows the release.

        Look at another address for proof.
        """
        if match.kind is MatchKind.EDITION:
            # The entry has the address of the release's page, and another edition's title. That is
            # usual for a page that is reused for each edition. But if the page was missing before,
            # it is new, so a person must judge.
            pages = filter(is_view_of_page, watched.targets.values())
            return any(watched.known_about(page).was_missing for page in pages)
        # The entry has another address than the release.
        if match.kind is MatchKind.SERIES and not await self._page_has_title(
            watched.release, match.url
        ):
            return True  # looks at a page with another title cannot prove publication
        return not await self._proves_publication(watched, match)

    async def _page_has_title(self, release: Release, url: str) -> bool:
        """Return whether a page that is listed under another title has the release's own title."""
        host = urlsplit(url).hostname or ""
        recogniser = recogniser_of(part_elsewhere(release, url))
        target = Target(f"~listed/{url}", "", "", View.EDGE, url, host, recogniser, release.title)
        return (await self.poller.look_without_memory(target)).specific

    async def _proves_publication(self, watched: WatchedRelease, match: ListingMatch) -> bool:
        """Look closely at an address for `CLOSE_WATCH`.

        Return whether it proves publication in `_PROOF_SECONDS`.
        """
        part_id = self.watch.look_closely(match.release, part_elsewhere(watched.release, match.url))
        if part_id is None:
            return False

        async def stop_later() -> None:
            await self.clock.sleep(CLOSE_WATCH.total_seconds())
            self.watch.stop_looking_closely(match.release, part_id)

        self.tasks.start(stop_later())
        target = target_id(match.release, part_id, View.EDGE)
        for _ in range(_PROOF_SECONDS):
            await self.clock.sleep(1)
            runs = watched.state_or_empty(target).runs
            if any(spell.is_present for spell in build_spells(View.EDGE, runs)):
                return True
            if find_presence_from_start(runs) is not None:
                # The page was there at the first look and may be of an earlier edition. Further
                # looks prove no more.
                break
        return False

    def _is_still_missing(
        self, watched: WatchedRelease, match: ListingMatch, slot: datetime
    ) -> bool:
        """Return whether, until a day after its slot, its page is missing or of an older
        edition.
        """
        page = watched.verdict.page if watched.verdict is not None else None
        is_out = page is not None and (page.released.by or page.first_seen.by) is not None
        return (not is_out or match.kind is MatchKind.EDITION) and is_still_worth_a_lead(
            slot, self.clock.now()
        )
