"""GOV.UK's release calendar: the search listing, and the announcements behind entries that changed their story."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from schedules.announcement import Address, Announcement, State
from schedules.dates import assume_time, no_slot, on_days, read_date
from schedules.slot import Slot
from schedules.source import Ask, Page, Reading, UnreadableCalendar
from schedules.sources.govuk_items import AnnouncedDate, ContentItem, NotAContentItem, Schema, read_item
from schedules.sources.govuk_listing import (
    CONTENT,
    Listed,
    addressed,
    further_urls,
    is_listing,
    listing_url,
    read_listing,
    site,
)
from schedules.sources.last_listed import MOST_LOOK_UPS, LastListed
from schedules.sources.options import SourceOptions
from schedules.sources.row import REASONS, Remark, clean_title, reading
from schedules.times.zone import local_date

ANNOUNCEMENTS = "/government/statistics/announcements/"

_STATES = {state.value: state for state in (State.CONFIRMED, State.PROVISIONAL, State.CANCELLED)}


class GovukSource:
    """The announcements of GOV.UK, filtered by organisation, topic, state or document type.

    It remembers what the last read listed, only to know which announcements to look up one by one: those newly
    cancelled, re-dated or no longer listed. `remember` hands it that knowledge after a restart.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._site = site(options)
        self._memory = LastListed()
        self._items: dict[str, tuple[str, ContentItem]] = {}

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Take the latest known announcements of this calendar, as they stand in the store."""
        self._memory.remember(announcements)

    def kept(self) -> object:
        """Return what it remembers, as plain facts."""
        return self._memory.kept(), self._items

    def keep(self, kept: tuple[tuple[dict[str, Announcement], bool], dict[str, tuple[str, ContentItem]]]) -> None:
        """Remember what `kept` returned, in another process perhaps."""
        memory, self._items = kept
        self._memory.take(memory)

    def first(self, now: datetime) -> Sequence[Ask]:
        """Ask for the first page of the listing."""
        self._memory.asked = False
        return (Ask(listing_url(self._options, now), accept="application/json"),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:
        """Ask for the other pages of the listing, then for the announcements that need looking up."""
        try:
            urls = further_urls(pages[0].url, read_listing(pages[0]))
            further = sorted(set(urls) - {page.url for page in pages})
            listed = {} if further else _listed(pages)[0]
        except UnreadableCalendar:
            return ()  # `read` will say so
        if further:
            return [Ask(url, accept="application/json") for url in further]
        if self._memory.asked:
            return ()
        self._memory.asked = True
        links = list(self._to_look_up(listed, now))[:MOST_LOOK_UPS]
        return [Ask(f"{self._site}{CONTENT}{link}", accept="application/json", optional=True) for link in links]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn listing and announcements into one reading. Raises `UnreadableCalendar`."""
        pages = [addressed(page, self._options) for page in pages]
        listed, remarks = _listed(pages)
        today = local_date(now, self._options.timezone)
        fresh = dict(self._looked_up(pages, remarks))
        made = {}
        for link, entry in listed.items():
            if not entry.display_date and not link.startswith(ANNOUNCEMENTS):
                remarks.append(Remark(link, "left out, it is no announcement", entry.title))
                continue
            item = fresh.get(link) or self._held(link, entry)
            made[link] = self._announce(entry if item is None else _merged(entry, item), item, today, remarks)
            if item is not None:
                self._items[link] = (_signature(entry), item)
        made |= self._vanished(fresh, made, today, remarks)
        self._memory.keep(made, now, resolved=set(fresh) - set(made))
        self._items = {link: held for link, held in self._items.items() if link in self._memory.known}
        return reading(list(made.values()), remarks)

    def _to_look_up(self, listed: dict[str, Listed], now: datetime) -> Iterator[str]:
        yield from self._memory.unlisted(listed, now)
        for link, entry in listed.items():
            before = self._memory.known.get(link)
            moved = before is not None and before.slot.raw != entry.display_date
            if (entry.state == State.CANCELLED or moved) and self._held(link, entry) is None:
                yield link

    def _held(self, link: str, entry: Listed) -> ContentItem | None:
        signature, item = self._items.get(link, ("", None))
        return item if signature == _signature(entry) else None

    def _looked_up(self, pages: Sequence[Page], remarks: list[Remark]) -> Iterator[tuple[str, ContentItem]]:
        for page in pages:
            if is_listing(page):
                continue
            link = urlsplit(page.url).path.removeprefix(CONTENT)
            try:
                item = read_item(page.body) if page.status in {200, 410} else None
            except NotAContentItem as exc:
                remarks.append(Remark(link, f"its content item: {exc}"))
                continue
            if item is None:
                remarks.append(Remark(link, f"its content item answers {page.status}"))
            elif item.base_path not in {"", link}:
                remarks.append(Remark(link, "answered by another content item", item.base_path))
            else:
                yield link, item

    def _announce(self, entry: Listed, item: ContentItem | None, today: date, remarks: list[Remark]) -> Announcement:
        if item is not None and item.leads_to_publication():
            known = self._memory.known.get(entry.link) or self._announce(entry, None, today, remarks)
            return replace(known, url=urljoin(self._site, item.destination), published=True, address=Address.LED_TO)
        slot = _slot(entry, today, self._options.timezone)
        if slot.reason in REASONS or slot.doubt:
            remarks.append(Remark(entry.link, slot.doubt or REASONS[slot.reason or ""], entry.display_date))
        if entry.state not in _STATES:
            remarks.append(Remark(entry.link, "a state that GOV.UK did not have", entry.state))
        announced = item.announced if item is not None else None
        producer = self._producer(entry)
        return Announcement(
            uid=entry.link,
            title=clean_title(entry.title),
            producer=producer,
            others=tuple(sorted({*entry.organisations} - {producer})),
            url=self._landing(entry.link),
            slot=assume_time(slot, self._options.default_time),
            state=_STATES.get(entry.state),
            doubt=slot.doubt,
            recognise="govuk",
            link=urljoin(self._site, entry.link),
            previous=_previous(announced, today, self._options.timezone),
            why=_why(announced),
            address=Address.GUESSED if entry.link.startswith(ANNOUNCEMENTS) else Address.ANNOUNCED,
        )

    def _producer(self, entry: Listed) -> str:
        """Return whose it is: as configured, else of the organisations asked for, else as last told, else the first."""
        known = self._memory.known.get(entry.link)
        asked = (*self._options.filters.get("organisations", ()), *([known.producer] if known is not None else []))
        named = (one for one in (*asked, *entry.organisations) if one in entry.organisations)
        return self._options.producer or next(named, "")

    def _landing(self, link: str) -> str:
        """Guess the address of the publication: nine in ten bear the slug of their announcement."""
        family = self._options.options.get("family", "statistics")
        if not link.startswith(ANNOUNCEMENTS):
            return urljoin(self._site, link)
        return f"{self._site}/government/{family}/{link.removeprefix(ANNOUNCEMENTS)}"

    def _vanished(
        self, fresh: dict[str, ContentItem], made: dict[str, Announcement], today: date, remarks: list[Remark]
    ) -> dict[str, Announcement]:
        found = {}
        for link, item in fresh.items():
            if link in made:
                continue
            if item.announced is not None or (item.leads_to_publication() and link in self._memory.known):
                found[link] = self._announce(_from_item(link, item), item, today, remarks)
            else:
                remarks.append(Remark(link, f"no longer listed, now {item.schema.value}", item.destination or None))
        return found


def _listed(pages: Sequence[Page]) -> tuple[dict[str, Listed], list[Remark]]:
    """Return the announcements of all listing pages by link; ties at page borders may repeat or drop some."""
    listings = [read_listing(page) for page in pages if is_listing(page)]
    if not pages:
        raise UnreadableCalendar("no listing was answered")
    listed = {entry.link: entry for listing in listings for entry in listing.entries}
    total = listings[0].total if listings else 0
    if total <= len(listed):
        return listed, []
    return listed, [Remark("listing", f"{total - len(listed)} of {total} entries were not shown")]


def _signature(entry: Listed) -> str:
    return f"{entry.state}\n{entry.display_date}"


def _from_item(link: str, item: ContentItem) -> Listed:
    announced = item.announced or AnnouncedDate("", "")
    stamped = announced.release_timestamp
    return Listed(link, item.title, announced.display_date, announced.state, item.organisations, stamped)


def _merged(entry: Listed, item: ContentItem) -> Listed:
    # The search index lags behind the announcement's own item, whose word counts.
    if item.schema is not Schema.ANNOUNCEMENT:
        return entry
    own = _from_item(entry.link, item)
    return replace(own, title=own.title or entry.title, organisations=own.organisations or entry.organisations)


def _slot(entry: Listed, today: date, timezone: str) -> Slot:
    stamped = entry.release_timestamp
    if not entry.display_date and stamped is not None:
        day = local_date(stamped, timezone)
        return on_days(day, day, "", timezone, doubt="unreadable-date")
    slot = read_date(entry.display_date, today, timezone).slot if entry.display_date else no_slot("", "empty", timezone)
    if slot.instant is None or stamped is None or slot.doubt or slot.instant == stamped:
        return slot
    # The text is what users saw; a stamp that differs by an hour is a clock mixed up.
    apart = abs(slot.instant - stamped)
    return replace(slot, doubt="zone" if apart == timedelta(hours=1) else "duplicate-date")


def _previous(announced: AnnouncedDate | None, today: date, timezone: str) -> Slot | None:
    if announced is None or not announced.previous_display_date:
        return None
    slot = read_date(announced.previous_display_date, today, timezone).slot
    return None if slot.reason else slot


def _why(announced: AnnouncedDate | None) -> str:
    return "" if announced is None else announced.cancellation_reason or announced.change_note
