"""Reads the public record of past releases: what publishers themselves say. These claims are never verdicts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.claim import Claim
from monitor.errors import SurroundingsFault
from monitor.ledger.pages import CalendarPages, FetchedPage, UnansweredAsk
from monitor.look.apart.process import ReadFault
from schedules.source import PageRequest
from schedules.sources.govuk_items import NotAContentItem, Schema, read_item
from schedules.sources.govuk_listing import CONTENT, ListedEntry, further_urls, read_listing, record_url
from schedules.sources.ons import LIMIT, OnsSource
from schedules.sources.row import clean_title

_TRIES = 3
"""How often one address is tried. Retry-After of its host applies between two tries."""
_KEPT_PAGES = 20
_ANOTHER_EDITION = timedelta(days=1)
_PUBLISHED = (Schema.PUBLICATION, Schema.HTML_PUBLICATION, Schema.DATA_SET)


@dataclass
class Record:
    """Queries the public record for what one producer published in `[begin, end)`, within its hosts' budgets.

    `report_progress(done, total)` is called after each item. The methods raise `SurroundingsFault` if the record does
    not answer, and `UnreadableCalendar` if its answer cannot be read.
    """

    pages: CalendarPages
    producer: str
    begin: datetime
    end: datetime
    report_progress: Callable[[int, int], None] = lambda _read, _all: None

    async def read_govuk(self, site: str, organisations: tuple[str, ...]) -> AsyncIterator[Claim]:
        """Yield the claims of GOV.UK's search and content items."""
        first = record_url(site, organisations, self.begin)
        listings = [read_listing((await self._fetch(first)).page)]
        listings += [read_listing((await self._fetch(url)).page) for url in further_urls(first, listings[0])]
        every = {one.link: one for listing in listings for one in listing.entries}
        listed = [one for one in every.values() if one.link.startswith("/") and self._is_in_period(one)]
        for done, one in enumerate(listed, 1):
            got = await self._fetch(f"{site}{CONTENT}{one.link}")
            if (claim := self._claim_from_item(got, f"{site}{one.link}")) is not None:
                yield claim
            self.report_progress(done, len(listed))

    async def read_ons(self, source: OnsSource) -> AsyncIterator[Claim]:
        """Yield the claims of the ONS's list of published releases. It has only announced times."""
        offset, total = 0, 1
        while offset < total:
            got = await self._fetch(source.ask_published(self.begin, self.end, offset).url)
            found, total = source.read_published(got.page)
            for one in found:
                at, read = one.slot.instant, got.answer.received
                if at is not None and one.published and self.begin <= at < self.end:
                    yield Claim(self.producer, one.url, at, one.title, at, "announced", got.page.url, read)
            offset += LIMIT
            self.report_progress(min(offset, total), total)

    def _is_in_period(self, one: ListedEntry) -> bool:
        """Return whether an entry may be of this period. The index does not have every first publication."""
        return one.first_published is None or self.begin <= one.first_published < self.end

    def _claim_from_item(self, got: FetchedPage, url: str) -> Claim | None:
        """Return what a content item claims, or None if it was removed, is no publication, or is of another period."""
        try:
            item = read_item(got.page.body) if got.page.status == 200 else None
        except NotAContentItem:
            return None
        if item is None or item.schema not in _PUBLISHED or not url.endswith(item.base_path):
            return None
        at, slot = item.first_published_at, item.scheduled_at
        if at is None or not self.begin <= at < self.end:
            return None
        if slot is not None and slot - at > _ANOTHER_EDITION:
            slot = None
        title, source = clean_title(item.title), "scheduled" if slot is not None else ""
        return Claim(self.producer, url, at, title, slot, source, got.page.url, got.answer.received)

    async def _fetch(self, url: str, tries: int = _TRIES) -> FetchedPage:
        self.pages.forget(_KEPT_PAGES)
        try:
            got = await self.pages.fetch(PageRequest(url, accept="application/json"))
        except (UnansweredAsk, ReadFault) as exc:
            if tries > 1:
                return await self._fetch(url, tries - 1)
            raise SurroundingsFault(f"the record does not answer: {exc}") from exc
        assert got is not None  # noqa: S101  # only what is optional goes without
        return got
