"""The ONS release calendar: its lists of releases, and the data of releases that are no longer
listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from schedules.announcement import Announcement, Part, Role, State
from schedules.dates.read import assume_time, read_date
from schedules.dates.span import at_written, no_slot, on_days
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.slot import Slot, first_day
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.body import page_name, parse_json_object, require_usable
from schedules.sources.entries import heed_title, make_reading
from schedules.sources.govuk_items import parse_instant, plain_text
from schedules.sources.last_listed import RememberingSource
from schedules.sources.row import REASONS, Remark, clean_title, clean_url
from schedules.sources.settings import CalendarSettings

PRODUCER = "office-for-national-statistics"
_FLAGS = ("cancelled", "finalised", "published")


def make_announcement(
    release: Mapping[str, Any], settings: CalendarSettings, site: str, remarks: list[Remark]
) -> Announcement:
    """Return `release`, a search result (`snake_case`) or its `/data` page (`camelCase`), as an
    announcement.

    Contacts are left out. The state "postponed" is ignored, because a release brought forward has
    it too. `previous` has the earlier date.
    """
    description = release["description"]
    uri = str(release.get("uri") or "")
    # Published and cancelled at once means cancelled, as in the ONS's own code.
    is_cancelled, is_final, is_published = (description.get(name) is True for name in _FLAGS)
    slot = _read_slot(description, settings.zone, is_exact=is_final or is_cancelled)
    if slot.reason in REASONS:
        remarks.append(Remark(uri, REASONS[slot.reason], slot.raw))
    changes = _get_either(release, "date_changes", "dateChanges") or ()
    last_change = next((each for each in reversed(changes) if isinstance(each, dict)), {})
    previous = _get_text(last_change, "previous_date", "previousDate")
    notice = _get_either(description, "cancellation_notice", "cancellationNotice") or ()
    notice_text = plain_text(" ".join(map(str, notice)))
    why = notice_text or plain_text(_get_text(last_change, "change_notice", "changeNotice"))
    # A release that is not marked as cancelled may have a notice that it is.
    is_in_doubt = notice_text != "" and not is_cancelled and not is_published
    # A text such as "false" is neither true nor false.
    for name in _FLAGS:
        if not isinstance(description.get(name), bool | None):
            notice_text, is_in_doubt = f"{name}: {description[name]}", True
    planned = State.PROVISIONAL
    if is_final:
        planned = State.CONFIRMED
    # The ONS announces a release at the address at which it then publishes it.
    page_address = clean_url(uri, site)
    return Announcement(
        uid=uri,
        title=clean_title(str(description.get("title") or "")),
        producer=settings.producer or PRODUCER,
        url=page_address,
        slot=assume_time(slot, settings.default_time),
        state=State.CANCELLED if is_cancelled else planned,
        doubt=STATUS_DOUBT if is_in_doubt else slot.doubt,
        status=notice_text if is_in_doubt else "",
        parts=tuple(named_parts(release, site, is_published=is_published)),
        recognise="ons",  # how the monitor decides whether the page is published
        link=page_address,
        previous=_slot_of_timestamp(previous, settings.zone) if previous else None,
        why=why,
        published=is_published and not is_cancelled,
    )


def _read_slot(description: Mapping[str, Any], timezone: str, *, is_exact: bool) -> Slot:
    """Return the slot of a release: the field `release_date` if it `is_exact`, else a slot without
    a time of day.

    `release_date` is exact for a final or cancelled release. For others, the ONS writes any time
    into it.
    """
    release_date = _get_text(description, "release_date", "releaseDate")
    slot = _slot_of_timestamp(release_date, timezone)
    day = first_day(slot)
    if is_exact or day is None:
        return slot
    # A text such as `May 2026`.
    provisional_date = _get_text(description, "provisional_date", "provisionalDate")
    if provisional_date:
        provisional = read_date(provisional_date, day, timezone).slot
        if provisional.reason is None and provisional.instant is None:
            return provisional
    return on_days(day, day, provisional_date or release_date, timezone)


def _slot_of_timestamp(text: str, timezone: str) -> Slot:
    """Return the slot of a timestamp: the day if it is midnight, else the instant.

    Read other texts as dates.
    """
    moment = parse_instant(text)
    if moment is None:
        # A date without a year becomes one of about 2000, long past.
        if text:
            return read_date(text, date(2000, 1, 1), timezone).slot
        return no_slot("", "empty", timezone)
    # midnight is the ONS's sign for a day
    return replace(at_written(moment, text, timezone), doubt=None)


def named_parts(release: Mapping[str, Any], site: str, *, is_published: bool) -> list[Part]:
    """Return a part for each address that a release names: its new page if it moved, and its
    documents once it is published.

    None of these was promised.
    """
    moved_to = _get_text(release["description"], "migration_link", "migrationLink")
    named = [(moved_to, Role.ALTERNATIVE, "migrated")] if moved_to else []
    if is_published:
        documents = _read_uris(_get_either(release, "related_documents", "relatedDocuments"))
        datasets = _read_uris(_get_either(release, "related_datasets", "relatedDatasets"))
        datasets += _read_uris(_get_either(release, "related_api_datasets", "relatedAPIDatasets"))
        named += [(uri, Role.HTML, f"document-{number}") for number, uri in enumerate(documents, 1)]
        named += [(uri, Role.DATA, f"dataset-{number}") for number, uri in enumerate(datasets, 1)]
    parts: dict[str, Part] = {}
    for uri, role, name in named:
        url = clean_url(uri, site)
        parts.setdefault(url, Part(name, role, url, required=False))
    return list(parts.values())


def _get_either(data: Mapping[str, Any], snake: str, camel: str) -> Any:  # noqa: ANN401  # JSON is of any type
    return data.get(snake, data.get(camel))


def _get_text(data: Mapping[str, Any], snake: str, camel: str) -> str:
    return str(_get_either(data, snake, camel) or "")


def _read_uris(related: object) -> list[str]:
    listed = related if isinstance(related, list) else ()
    return [str(each["uri"]) for each in listed if isinstance(each, dict) and each.get("uri")]


API = "https://api.beta.ons.gov.uk/v1/search/releases"
SITE = "https://www.ons.gov.uk"
LIMIT = 1000  # the most releases of one page
MOST = 10_000  # releases of a list that the ONS can return in all
BACK = 30  # days

_JSON = "application/json"


class OnsSource(RememberingSource):
    """Upcoming and cancelled releases of the ONS.

    `type-upcoming` drops a late release at midnight. So releases that are no longer listed are
    looked up one by one.
    """

    def __init__(self, settings: CalendarSettings) -> None:
        super().__init__()
        self._settings = settings
        self._site = settings.options.get("site", SITE).rstrip("/")
        self.page_size = min(settings.number("count", LIMIT) or LIMIT, LIMIT)

    def first(self, now: datetime) -> Sequence[PageRequest]:
        """Return the requests for the first page of upcoming releases and for those cancelled
        lately.
        """
        self.state.has_looked_up = False
        return (
            PageRequest(self._list_url("type-upcoming", now, 0), accept=_JSON),
            PageRequest(self._list_url("type-cancelled", now, 0), accept=_JSON, optional=True),
        )

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:
        """Return the requests that must follow `pages`.

        First follow the further pages of the list, then the data of each release that is no longer
        listed.
        """
        try:
            listed = self._read_lists(pages, remarks=[])  # `read` reports these remarks
            upcoming_count = _read_total(pages[0])
        except UnreadableCalendar:
            return ()  # `read` reports it
        offsets = range(self.page_size, min(upcoming_count, MOST), self.page_size)
        further = [pages[0].url.replace("offset=0", f"offset={offset}") for offset in offsets]
        were_requested = any(page.url in further for page in pages)
        if further and not were_requested:
            return [PageRequest(url, accept=_JSON) for url in further]
        if self.state.has_looked_up:
            return ()
        self.state.has_looked_up = True
        unlisted = self.find_unlisted(listed, now)
        return [
            PageRequest(f"{self._site}{uri}/data", accept=_JSON, optional=True, bust=True)
            for uri in unlisted
        ]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return lists and data as one reading, and remember it. Raises `UnreadableCalendar`."""
        remarks: list[Remark] = []
        made = self._read_lists(pages, remarks)
        self.record_read(made, now)
        heeded = [heed_title(each, self._settings.stands) for each in made.values()]
        return make_reading(heeded, remarks, lists_overdue=False)

    def ask_published(self, begin: datetime, end: datetime, offset: int) -> PageRequest:
        """Return the request for one page of the releases published on the days between two
        instants.
        """
        listed = self._list_url("type-published", begin, offset)
        return PageRequest(f"{listed}&toDate={end.date().isoformat()}", accept=_JSON)

    def read_published(self, page: Page) -> tuple[list[Announcement], int]:
        """Return the releases of such a page, and how many there are in all.

        Raises `UnreadableCalendar`.
        """
        releases = _read_releases(page, [], needed=True)
        return [
            make_announcement(each, self._settings, self._site, []) for each in releases
        ], _read_total(page)

    def _list_url(self, kind: str, now: datetime, offset: int) -> str:
        """Return the address of one page of a list.

        It begins as many days before `now` as the option `back` says.
        """
        # One day more, because the server compares dates in UTC.
        start = (now - timedelta(days=self._settings.number("back", BACK) + 1)).date()
        query = {
            "release-type": kind,
            "fromDate": start.isoformat(),
            "limit": str(self.page_size),
            "offset": str(offset),
            "sort": "release_date_asc",
            "highlight": "false",
        }
        words = self._settings.filters.get("query", ())
        query |= {"query": " ".join(words)} if words else {}
        return f"{self._settings.address or API}?{urlencode(query)}"

    def _read_lists(self, pages: Sequence[Page], remarks: list[Remark]) -> dict[str, Announcement]:
        """Return the announcements of all pages by uid.

        Raises `UnreadableCalendar` if the first page failed, or any page of the list of upcoming
        releases.
        """
        if not pages:
            raise UnreadableCalendar(f"{self._settings.address or API}: no answer")
        require_usable(pages[0])
        made: dict[str, Announcement] = {}
        for page in pages:
            is_upcoming = parse_qs(urlsplit(page.url).query).get("release-type") == [
                "type-upcoming"
            ]
            for release in _read_releases(page, remarks, needed=is_upcoming or page is pages[0]):
                announcement = make_announcement(release, self._settings, self._site, remarks)
                made[announcement.uid] = announcement
        return made


def _read_releases(page: Page, remarks: list[Remark], *, needed: bool) -> Iterator[dict[str, Any]]:
    """Yield the releases of one page: those of a list, or the one of `/data`.

    If the page failed, raise `UnreadableCalendar`, or only add a remark if it was not `needed`.
    """
    if not needed and (page.status != 200 or not page.body.strip()):
        # 404 with Sunset, and 200 without a body, mean that the route is retired, not that the
        # release is removed.
        retired = page.status == 200 or "sunset" in page.headers
        remarks.append(
            Remark(
                page_name(page), "the source is retired" if retired else f"answers {page.status}"
            )
        )
        return
    data = parse_json_object(page)
    if isinstance(data.get("description"), dict):
        yield data
        return
    if "releases" not in data:
        raise UnreadableCalendar(f"{page_name(page)}: JSON without releases")
    # A Go nil slice arrives as null.
    for release in data["releases"] or ():
        if isinstance(release, dict) and isinstance(release.get("description"), dict):
            yield release


def _read_total(page: Page) -> int:
    """Return the number of releases on all pages of a list, 0 if the page does not give it."""
    breakdown = parse_json_object(page).get("breakdown")
    total = None
    if isinstance(breakdown, dict):
        total = breakdown.get("total")
    return total if isinstance(total, int) else 0
