"""The public record read back: what publishers say of their own releases of a past time. No verdict comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.claim import Claim
from monitor.errors import SurroundingsFault
from monitor.ledger.pages import CalendarPages, Got, UnansweredAsk
from monitor.look.apart.process import Unread
from schedules.source import Ask
from schedules.sources.govuk_items import NotAContentItem, Schema, read_item
from schedules.sources.govuk_listing import CONTENT, Listed, further_urls, read_listing, record_url
from schedules.sources.ons import LIMIT, OnsSource
from schedules.sources.row import clean_title

_TRIES = 3
"""How often one address is asked; between two tries its host is left alone for as long as it wishes."""
_KEPT_PAGES = 20
_ANOTHER_EDITION = timedelta(days=1)
_PUBLISHED = (Schema.PUBLICATION, Schema.HTML_PUBLICATION, Schema.DATA_SET)


@dataclass
class Record:
    """Asks the public record what one producer published in `[begin, end)`, in its hosts' turns.

    `told(read, all)` hears how far it is. Each raises `SurroundingsFault` when the record does not answer, and
    `UnreadableCalendar` when what it answers is none.
    """

    pages: CalendarPages
    producer: str
    begin: datetime
    end: datetime
    told: Callable[[int, int], None] = lambda _read, _all: None

    async def of_govuk(self, site: str, organisations: tuple[str, ...]) -> AsyncIterator[Claim]:
        """Yield what GOV.UK's search and content items say."""
        first = record_url(site, organisations, self.begin)
        listings = [read_listing((await self._answered(first)).page)]
        listings += [read_listing((await self._answered(url)).page) for url in further_urls(first, listings[0])]
        every = {one.link: one for listing in listings for one in listing.entries}
        listed = [one for one in every.values() if one.link.startswith("/") and self._may_be(one)]
        for place, one in enumerate(listed, 1):
            got = await self._answered(f"{site}{CONTENT}{one.link}")
            if (claim := self._claim(got, f"{site}{one.link}")) is not None:
                yield claim
            self.told(place, len(listed))

    async def of_ons(self, source: OnsSource) -> AsyncIterator[Claim]:
        """Yield what the ONS's list of published releases says: the time it announced is the only one it tells."""
        offset, total = 0, 1
        while offset < total:
            got = await self._answered(source.published(self.begin, self.end, offset).url)
            found, total = source.told(got.page)
            for one in found:
                at, read = one.slot.instant, got.answer.received
                if at is not None and one.published and self.begin <= at < self.end:
                    yield Claim(self.producer, one.url, at, one.title, at, "announced", got.page.url, read)
            offset += LIMIT
            self.told(min(offset, total), total)

    def _may_be(self, one: Listed) -> bool:
        """Tell whether an entry may be of this time; the index does not tell of every one when it first came out."""
        return one.first_published is None or self.begin <= one.first_published < self.end

    def _claim(self, got: Got, url: str) -> Claim | None:
        """Return what a content item claims; None for what has gone, is no publication, or is of another time."""
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

    async def _answered(self, url: str, tries: int = _TRIES) -> Got:
        self.pages.forget(_KEPT_PAGES)
        try:
            got = await self.pages.answered(Ask(url, accept="application/json"))
        except (UnansweredAsk, Unread) as exc:
            if tries > 1:
                return await self._answered(url, tries - 1)
            raise SurroundingsFault(f"the record does not answer: {exc}") from exc
        assert got is not None  # noqa: S101  # only what is optional goes without
        return got
