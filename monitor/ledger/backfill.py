"""Reads when past releases were published by the publishers' own statements.

These claims are never verdicts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.claim import Claim
from monitor.errors import EnvironmentFault
from monitor.ledger.pages import CalendarPages, FetchedPage, PagesUnavailable
from monitor.look.sandbox.process import ReadFault
from schedules.source import PageRequest
from schedules.sources.govuk_items import NotAContentItem, Schema, read_item
from schedules.sources.govuk_listing import (
    CONTENT,
    entries_by_link,
    further_urls,
    read_listing,
    record_url,
)
from schedules.sources.ons import OnsSource
from schedules.sources.row import clean_title

_TRIES = 3
"""How often one address is requested. Between two attempts, the Retry-After of its host applies."""
_PAGES_REMEMBERED = 20
_ANOTHER_EDITION = timedelta(days=1)
_PUBLISHED = (Schema.PUBLICATION, Schema.HTML_PUBLICATION, Schema.DATA_SET)


@dataclass
class PublicRecord:
    """Queries the public record for what one producer published in `[begin, end)`, within its
    hosts' budgets.

    `report_progress(done, total)` is called after each item. The methods raise `EnvironmentFault`
    if the record does not answer, and `UnreadableCalendar` if its answer cannot be read.
    """

    pages: CalendarPages
    producer: str
    begin: datetime
    end: datetime
    report_progress: Callable[[int, int], None] = lambda _read, _all: None

    async def read_govuk(self, site: str, organisations: tuple[str, ...]) -> AsyncIterator[Claim]:
        """Yield a claim for each publication that GOV.UK's search lists: when GOV.UK says that it
        came out.
        """
        first = record_url(site, organisations, self.begin)
        listings = [read_listing((await self._fetch_page(first)).page)]
        listings += [
            read_listing((await self._fetch_page(url)).page)
            for url in further_urls(first, listings[0])
        ]
        entries = entries_by_link(listings)
        # Some entries do not state when they were first published, but their content items do.
        links = [
            entry.link
            for entry in entries.values()
            if entry.link.startswith("/")
            and self.begin <= (entry.first_published or self.begin) < self.end
        ]
        for done, link in enumerate(links, 1):
            page = await self._fetch_page(f"{site}{CONTENT}{link}")
            if (claim := self._claim_from_item(page, f"{site}{link}")) is not None:
                yield claim
            self.report_progress(done, len(links))

    async def read_ons(self, source: OnsSource) -> AsyncIterator[Claim]:
        """Yield a claim (a publication in the publisher's record) for each release that the ONS
        lists as published.
        """
        offset, total = 0, 1
        while offset < total:
            fetched = await self._fetch_page(source.ask_published(self.begin, self.end, offset).url)
            entries, total = source.read_published(fetched.page)
            for entry in entries:
                slot, read_at, page = entry.slot.instant, fetched.answer.received, fetched.page.url
                if slot is not None and entry.published and self.begin <= slot < self.end:
                    published_at = slot  # the list has only the announced time
                    yield Claim(
                        self.producer,
                        entry.url,
                        published_at,
                        entry.title,
                        slot,
                        "announced",
                        page,
                        read_at,
                    )
            offset += source.page_size
            self.report_progress(min(offset, total), total)

    def _claim_from_item(self, fetched: FetchedPage, url: str) -> Claim | None:
        """Return a content item's publication (a claim).

        None if it was removed, is none or came outside the span.
        """
        try:
            item = read_item(fetched.page.body) if fetched.page.status == 200 else None
        except NotAContentItem:
            return None
        if item is None or item.schema not in _PUBLISHED or not url.endswith(item.base_path):
            return None
        at, slot = item.first_published_at, item.scheduled_at
        if at is None or not self.begin <= at < self.end:
            return None
        if slot is not None and slot - at > _ANOTHER_EDITION:
            slot = None  # the item is scheduled again, for its next edition
        title, slot_source = clean_title(item.title), "scheduled" if slot is not None else ""
        return Claim(
            self.producer,
            url,
            at,
            title,
            slot,
            slot_source,
            fetched.page.url,
            fetched.answer.received,
        )

    async def _fetch_page(self, url: str, tries: int = _TRIES) -> FetchedPage:
        """Return the page at a URL, after up to `tries` attempts.

        Raises `EnvironmentFault` if all fail.
        """
        self.pages.clear_if_more_than(_PAGES_REMEMBERED)
        try:
            fetched = await self.pages.fetch(PageRequest(url, accept="application/json"))
        except (PagesUnavailable, ReadFault) as exc:
            if tries > 1:
                return await self._fetch_page(url, tries - 1)
            raise EnvironmentFault(f"the record does not answer: {exc}") from exc
        assert fetched is not None  # noqa: S101  # only an optional request may have no answer
        return fetched
