"""Releases that a listing shows and no calendar announced."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.ledger.ledger import Ledger
from monitor.look.fetch import Failure, Found, Request
from monitor.look.poller import Poller
from monitor.plan.targets import GOVUK, content_twin
from monitor.store.sql.read_ledger import LedgerStore
from monitor.store.writer import STALLED_AFTER, Writer
from monitor.threads import Ask, Tasks, repeat_until_answered, run_in_thread
from monitor.watch.intake import LookTally
from monitor.watch.release import is_view_of_page
from monitor.watch.tripwires import publication_date
from monitor.watch.watch import Watch
from schedules.announcement import Part, Role
from schedules.join import make_id
from schedules.release import Release
from schedules.sources.govuk_items import NotAContentItem, read_item
from schedules.titles import strip_label

_log = structlog.get_logger(__name__)
_STATISTICS = "/government/statistics/"
_NEW_WITHIN = timedelta(days=3)
MAX_AT_ONCE = 60
"""The most entries of one producer that are considered at a time, because each may cost a
request.
"""
CALENDAR_DELAY = timedelta(minutes=15)
"""How long to wait for a calendar read that may still announce the release."""


@dataclass(frozen=True, slots=True)
class Unannounced:
    """Watches the releases that a listing shows, unless a calendar announces them soon."""

    store: LedgerStore
    writer: Writer
    ledger: Ledger
    watch: Watch
    poller: Poller
    clock: Clock
    tally: LookTally
    tasks: Tasks
    ask: Ask = run_in_thread
    _under_way: Counter[str] = field(default_factory=Counter)

    def consider_in_background(self, producer: str, found: Found) -> None:
        """Consider an entry in the background. Beyond `MAX_AT_ONCE` of one producer, only log
        it.
        """
        if self._under_way[producer] < MAX_AT_ONCE:
            self.tasks.start(self.consider(producer, found))
        else:
            _log.warning("too_many_newcomers", producer=producer)

    async def consider(self, producer: str, found: Found) -> None:
        """Watch the release of an entry if it is new, of statistics, and announced by no calendar
        after some time.
        """
        release = _release_of_entry(producer, found)
        self._under_way[producer] += 1
        try:
            if await self._is_known(release, found) or not await self._may_be_statistics(release):
                return
            # Listings also show old releases on top when they are edited.
            first = await self._first_published(found)
            if first is None or self.clock.now() - first > _NEW_WITHIN:
                return
        finally:
            # The wait below costs no request, so it does not count towards `MAX_AT_ONCE`.
            self._under_way[producer] -= 1
        # One in ten announced pages is at another address than we guessed. The next calendar read
        # names that address.
        await self.clock.sleep(CALENDAR_DELAY.total_seconds())
        if await self._is_known(release, found):
            return
        _log.warning("unannounced", release=release.id, producer=producer)
        await self.tasks.within(STALLED_AFTER, self.writer.write(lambda tx: tx.save(release)))
        self.watch.adopt(release, [])
        for page in filter(is_view_of_page, list(self.watch.releases[release.id].targets.values())):
            sighting, outcome = await self.poller.look_once(page)
            self.tally.count(page, sighting, outcome)
            self.watch.see(page, sighting, outcome)

    async def _is_known(self, release: Release, found: Found) -> bool:
        if self.ledger.find_matching(release.producer, found):
            return True
        if await self.ledger.find_matching_in_store(release.producer, found.url, found.title):
            return True
        stored = partial(self.ask, lambda: self.store.release(release.id))
        return await repeat_until_answered(stored, self.clock) is not None

    async def _may_be_statistics(self, release: Release) -> bool:
        """Return whether its address is that of statistics on GOV.UK or, elsewhere, its series is
        known.
        """
        parts = urlsplit(release.url)
        if parts.hostname == GOVUK:
            return parts.path.startswith(_STATISTICS) and parts.path.count("/") == 3
        return await self.ledger.has_series(release.producer, release.title)

    async def _first_published(self, found: Found) -> datetime | None:
        """Return when an entry's page was first published, by GOV.UK's content API or else by the
        listing, or None.
        """
        twin = content_twin(found.url)
        if twin is None:
            return publication_date(found)
        answer = await self.poller.send_in_turn(Request(twin, accept="application/json"))
        if isinstance(answer, Failure) or answer.status != 200:
            return None
        try:
            return read_item(answer.body).first_published_at
        except NotAContentItem:
            return None


def _release_of_entry(producer: str, found: Found) -> Release:
    """Return the release that an entry of a producer's listing shows, with the entry's page as its
    only part.
    """
    page = Part(
        "page", Role.PAGE, found.url, "govuk" if content_twin(found.url) is not None else None
    )
    title = strip_label(found.title)
    return Release(make_id(found.url, producer, title), title, producer, found.url, (page,))
