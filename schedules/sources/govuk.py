"""GOV.UK's release calendar: the search listing, and the content items of entries that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from schedules.announcement import Address, Announcement, State
from schedules.dates.read import assume_time, read_date
from schedules.dates.span import no_slot, on_days
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.dates.status import state_of
from schedules.slot import Precision, Slot
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.entries import heed_title, make_reading
from schedules.sources.govuk_items import AnnouncedEntry, ContentItem, NotAContentItem, read_item
from schedules.sources.govuk_listing import (
    CONTENT,
    entries_by_link,
    further_urls,
    is_listing,
    listing_url,
    read_listing,
    site_of,
    with_item_address,
)
from schedules.sources.last_listed import MOST_LOOK_UPS, RememberingSource
from schedules.sources.row import REASONS, Remark, clean_title
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import local_date

ANNOUNCEMENTS = "/government/statistics/announcements/"

_STATES = {state.value: state for state in (State.CONFIRMED, State.PROVISIONAL, State.CANCELLED)}


class GovukSource(RememberingSource):
    """The announcements of GOV.UK, filtered by organisation, topic, state or document type.

    It remembers the entries of the last read, to find the announcements that need a request of
    their own. After a restart, `remember` restores them.
    """

    def __init__(self, settings: CalendarSettings) -> None:
        super().__init__()
        self._settings = settings
        self._site = site_of(settings)

    def first(self, now: datetime) -> Sequence[PageRequest]:
        """Return the request for the first page of the listing."""
        self.state.has_looked_up = False
        return (PageRequest(listing_url(self._settings, now), accept="application/json"),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:
        """Return the requests that must follow: first other pages of the listing, later
        announcements to look up.
        """
        try:
            urls = further_urls(pages[0].url, read_listing(pages[0]))
            further = sorted(set(urls) - {page.url for page in pages})
            if further:
                return [PageRequest(url, accept="application/json") for url in further]
            listed, _ = _read_listings(pages)
        except UnreadableCalendar:
            return ()  # `read` reports it
        if self.state.has_looked_up:
            return ()
        self.state.has_looked_up = True
        links = list(self._find_links_to_look_up(listed, now))[:MOST_LOOK_UPS]
        items = f"{self._site}{CONTENT}"
        return [
            PageRequest(f"{items}{link}", "application/json", optional=True, bust=True)
            for link in links
        ]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return listing and content items as one reading, and remember its announcements and the
        items.

        Raises `UnreadableCalendar`.
        """
        # A content item that was saved as a file gets its address on GOV.UK, because listings are
        # recognised by theirs.
        pages = [with_item_address(page, self._settings) for page in pages]
        listed, remarks = _read_listings(pages)
        today = local_date(now, self._settings.zone)
        looked_up = dict(self._read_items(pages, remarks))
        made = {}
        for link, entry in listed.items():
            is_announcement = bool(entry.display_date) or link.startswith(ANNOUNCEMENTS)
            if not is_announcement:
                remarks.append(Remark(link, "left out, it is not an announcement", entry.title))
                continue
            item = looked_up.get(link) or self._find_earlier_item(link, entry)
            made[link] = self._make_announcement(entry, item, today, remarks)
            # An item that contradicts its entry may be outdated, so it is not kept: the next read
            # requests it again.
            if item is not None and _entry_signature(item.announced or entry) == _entry_signature(
                entry
            ):
                self.state.items[link] = (_entry_signature(entry), item)
        made |= self._announce_unlisted(looked_up, made, today, remarks)
        # Items that are not announcements any more are forgotten, so the next read does not look
        # them up again.
        self.record_read(made, now, forget=set(looked_up) - set(made))
        items, announced = self.state.items, self.state.announcements
        self.state.items = {link: signed for link, signed in items.items() if link in announced}
        heeded = [heed_title(each, self._settings.stands) for each in made.values()]
        return make_reading(heeded, remarks)

    def _find_links_to_look_up(
        self, listed: dict[str, AnnouncedEntry], now: datetime
    ) -> Iterator[str]:
        """Yield the links of the announcements whose content item must be requested.

        First come those no longer listed, then those cancelled or re-dated whose item was not read
        since that change.
        """
        yield from self.find_unlisted(listed, now)
        for link, entry in listed.items():
            before = self.state.announcements.get(link)
            is_moved = before is not None and before.slot.raw != entry.display_date
            if (entry.state == State.CANCELLED or is_moved) and self._find_earlier_item(
                link, entry
            ) is None:
                yield link

    def _find_earlier_item(self, link: str, entry: AnnouncedEntry) -> ContentItem | None:
        """Return the content item of an earlier read, None if the entry has changed since."""
        signature, item = self.state.items.get(link, ("", None))
        if signature == _entry_signature(entry):
            return item
        return None

    def _read_items(
        self, pages: Sequence[Page], remarks: list[Remark]
    ) -> Iterator[tuple[str, ContentItem]]:
        """Yield the link and content of each content item among these pages.

        A failed or a wrong one adds a remark.
        """
        for page in pages:
            if is_listing(page):
                continue
            link = urlsplit(page.url).path.removeprefix(CONTENT)
            try:
                # A removed page answers 410 with a content item.
                item = None
                if page.status in {200, 410}:
                    item = read_item(page.body)
            except NotAContentItem as exc:
                remarks.append(Remark(link, f"its content item: {exc}"))
                continue
            if item is None:
                remarks.append(Remark(link, f"its content item answers {page.status}"))
            elif item.base_path not in {"", link}:
                remarks.append(Remark(link, "answered by another content item", item.base_path))
            else:
                yield link, item

    def _make_announcement(
        self, entry: AnnouncedEntry, item: ContentItem | None, today: date, remarks: list[Remark]
    ) -> Announcement:
        """Return the announcement of an entry of the search listing.

        Faults of the entry are added to `remarks`.

        `item` is the content item of the same announcement, if it was requested. It is newer than
        the search listing.
        """
        if item is not None and item.leads_to_publication():
            # A redirect has no date. So mark the announcement of an earlier read as published, else
            # that of the entry.
            last = self.state.announcements.get(entry.link) or self._make_announcement(
                entry, None, today, remarks
            )
            return replace(
                last,
                url=urljoin(self._site, item.destination),
                published=True,
                address=Address.LED_TO,
            )
        newer = None if item is None else item.announced
        if newer is not None:
            organisations = newer.organisations or entry.organisations
            entry = replace(
                newer,
                link=entry.link,
                title=newer.title or entry.title,
                organisations=organisations,
            )
        entry = _with_status_beside_date(entry, today, self._settings.zone)
        slot = _read_slot(entry, today, self._settings.zone)
        # `doubt` is set for a date that was read but is doubtful, `reason` for one that could not
        # be read.
        fault = slot.doubt or REASONS.get(slot.reason or "")
        if fault:
            remarks.append(Remark(entry.link, fault, entry.display_date))
        is_state_known = entry.state in {"", *_STATES}
        if entry.state not in _STATES:
            remarks.append(Remark(entry.link, "a state that GOV.UK did not have", entry.state))
        previous = read_date(entry.previous_display_date, today, self._settings.zone).slot
        # An entry with a page of its own does not give the address of the publication, so that is
        # guessed.
        has_own_page = entry.link.startswith(ANNOUNCEMENTS)
        producer = self._choose_producer(entry)
        return Announcement(
            uid=entry.link,
            title=clean_title(entry.title),
            producer=producer,
            others=tuple(sorted({*entry.organisations} - {producer})),
            url=self._guess_landing_page(entry.link),
            slot=assume_time(slot, self._settings.default_time),
            state=_STATES.get(entry.state),
            doubt=slot.doubt if is_state_known else STATUS_DOUBT,
            status="" if is_state_known else entry.state,
            recognise="govuk",
            link=urljoin(self._site, entry.link),
            previous=None if previous.reason else previous,
            why=entry.cancellation_reason or entry.change_note,
            address=Address.GUESSED if has_own_page else Address.ANNOUNCED,
        )

    def _choose_producer(self, entry: AnnouncedEntry) -> str:
        """Return the producer: the configured one, else one of the filter, else the last known one,
        else the first.
        """
        known = self.state.announcements.get(entry.link)
        preferred = [
            *self._settings.filters.get("organisations", ()),
            *([] if known is None else [known.producer]),
        ]
        candidates = (
            name for name in (*preferred, *entry.organisations) if name in entry.organisations
        )
        return self._settings.producer or next(candidates, "")

    def _guess_landing_page(self, link: str) -> str:
        """Guess the address of the publication: nine in ten have the slug of their announcement."""
        family = self._settings.options.get("family", "statistics")
        if not link.startswith(ANNOUNCEMENTS):
            return urljoin(self._site, link)
        return f"{self._site}/government/{family}/{link.removeprefix(ANNOUNCEMENTS)}"

    def _announce_unlisted(
        self,
        looked_up: dict[str, ContentItem],
        listed: Collection[str],
        today: date,
        remarks: list[Remark],
    ) -> dict[str, Announcement]:
        """Return the announcements of `looked_up` items that are not `listed`.

        Add remarks on the items without one.
        """
        found = {}
        for link, item in looked_up.items():
            if link in listed:
                continue
            # The redirect to a publication has no date and title, so it needs the announcement of
            # an earlier read.
            is_published = item.leads_to_publication() and link in self.state.announcements
            if item.announced is not None or is_published:
                found[link] = self._make_announcement(AnnouncedEntry(link), item, today, remarks)
            else:
                remarks.append(
                    Remark(
                        link, f"no longer listed, now {item.schema.value}", item.destination or None
                    )
                )
        return found


def _read_listings(pages: Sequence[Page]) -> tuple[dict[str, AnnouncedEntry], list[Remark]]:
    """Return the entries of all listing pages by link, with a remark if some are missing.

    Raises `UnreadableCalendar`.

    Entries with equal timestamps can be on two pages or on none, because their order differs
    between requests.
    """
    if not pages:
        raise UnreadableCalendar("no listing was answered")
    listings = [read_listing(page) for page in pages if is_listing(page)]
    listed = entries_by_link(listings)
    total = listings[0].total if listings else 0
    if total <= len(listed):
        return listed, []
    return listed, [Remark("listing", f"{total - len(listed)} of {total} entries were not shown")]


def _entry_signature(entry: AnnouncedEntry) -> str:
    """Return a text that changes if the listing shows another state or date."""
    return f"{entry.state}\n{entry.display_date}"


def _with_status_beside_date(entry: AnnouncedEntry, today: date, timezone: str) -> AnnouncedEntry:
    """Return an entry whose state quotes its date text too, if a status in that is another one.

    GOV.UK writes no status there.
    """
    beside_date = state_of(read_date(entry.display_date, today, timezone).status)
    if beside_date in {None, _STATES.get(entry.state)}:
        return entry
    return replace(entry, state=f"{entry.state}, but {entry.display_date}")


def _read_slot(entry: AnnouncedEntry, today: date, timezone: str) -> Slot:
    """Return the slot of an entry's date text, with a doubt if the entry's timestamp is another
    instant.

    If the entry has no date text, the slot is the day of the timestamp, with the doubt
    `unreadable-date`.
    """
    stamped = entry.release_timestamp
    if not entry.display_date and stamped is not None:
        day = local_date(stamped, timezone)
        return on_days(day, day, "", timezone, doubt="unreadable-date")
    if entry.display_date:
        slot = read_date(entry.display_date, today, timezone).slot
    else:
        slot = no_slot("", "empty", timezone)
    if stamped is None or slot.doubt or slot.instant == stamped:
        return slot
    if slot.instant is None:
        is_other_day = slot.precision is Precision.DAY and slot.first != local_date(
            stamped, timezone
        )
        return replace(slot, doubt="duplicate-date") if is_other_day else slot
    # Users saw the text, so that counts. A timestamp that differs by an hour is a mix-up of UTC and
    # local time. Any other means that the entry gives two dates (`duplicate-date`).
    apart = abs(slot.instant - stamped)
    readings = tuple(sorted((slot.instant, stamped)))
    doubt = "zone" if apart == timedelta(hours=1) else "duplicate-date"
    return replace(slot, doubt=doubt, readings=readings)
