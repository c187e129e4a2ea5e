"""GOV.UK's search API as a calendar: the addresses to request, and the entries of one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from schedules.source import Page, UnreadableCalendar
from schedules.sources.body import page_name, parse_json_object
from schedules.sources.govuk_items import AnnouncedEntry, parse_instant, read_organisations
from schedules.sources.settings import CalendarSettings

SITE = "https://www.gov.uk"
SEARCH = "/api/search.json"
CONTENT = "/api/content"
COUNT, _MOST_COUNT = 1000, 1500  # results a page: by default, and as many as the API allows
MOST_PAGES = 400
BACK = timedelta(days=16)  # an overdue release is watched for 14 days

_FIELDS = (
    "title,link,display_date,release_timestamp,statistics_announcement_state,organisations,"
    "content_store_document_type,content_id,public_timestamp"
)
_STATISTICS = ("national_statistics", "official_statistics", "statistics")
_FILTERS = {
    "organisations": "filter_organisations",
    "topics": "filter_part_of_taxonomy_tree",
    "states": "filter_statistics_announcement_state",
    "document_types": "filter_content_store_document_type",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the listing."""

    total: int
    entries: tuple[AnnouncedEntry, ...]
    size: int


def site_of(settings: CalendarSettings) -> str:
    """Return scheme and host of the configured address, by default GOV.UK."""
    parts = urlsplit(settings.address)
    if parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return SITE


def listing_url(settings: CalendarSettings, now: datetime) -> str:
    """Return the address of the first page, with the filters of the configuration.

    The date filter is in UTC. It starts in the past, because the site's own list drops overdue
    releases at midnight. The order makes paging stable. The parameter `c` is the documented way to
    bypass the cache.
    """
    query = [
        ("filter_format", "statistics_announcement"),
        ("order", "release_timestamp"),
        ("count", str(min(settings.number("count", COUNT), _MOST_COUNT))),
        ("start", "0"),
        ("fields", _FIELDS),
    ]
    if not settings.has_flag("all_dates"):
        query.append(("filter_release_timestamp", f"from:{(now - BACK).date().isoformat()}"))
    for name, values in settings.filters.items():
        query += [(_FILTERS[name], value) for value in values]
    pasted = parse_qsl(urlsplit(settings.address).query)
    names = {"organisations[]", "organisations", "filter_organisations"}
    query += [("filter_organisations", value) for name, value in pasted if name in names]
    query.append(("c", f"{now:%Y%m%d%H%M%S%f}"[:17]))  # to the millisecond
    return f"{site_of(settings)}{SEARCH}?{urlencode(query, safe=':,')}"


def record_url(site: str, organisations: Iterable[str], since: datetime) -> str:
    """Return the address of the first page of all statistics of some organisations that changed
    since an instant.

    The index has the time of a publication's last change. So these include all that were published
    after `since`.
    """
    # The filter has only days. A day more includes the day of `since` in any time zone.
    first_day = (since - timedelta(days=1)).date()
    query = [
        *(("filter_organisations", organisation) for organisation in organisations),
        *(("filter_content_store_document_type", kind) for kind in _STATISTICS),
        ("filter_public_timestamp", f"from:{first_day.isoformat()}"),
        ("order", "public_timestamp"),
        ("count", str(COUNT)),
        ("start", "0"),
        ("fields", "title,link,public_timestamp,first_published_at,organisations"),
    ]
    return f"{site}{SEARCH}?{urlencode(query, safe=':,')}"


def further_urls(first: str, listing: Listing) -> list[str]:
    """Return the addresses of the pages after the `first`, at most `MOST_PAGES`, by the total in
    its `listing`.
    """
    if not listing.size:
        return []
    parts = urlsplit(first)
    urls = []
    starts = range(listing.size, listing.total, listing.size)
    for start in starts[:MOST_PAGES]:
        query = [
            (name, str(start) if name == "start" else value)
            for name, value in parse_qsl(parts.query)
        ]
        urls.append(urlunsplit(parts._replace(query=urlencode(query, safe=":,"))))
    return urls


def is_listing(page: Page) -> bool:
    """Return whether a page is a listing, not a content item."""
    return not urlsplit(page.url).path.startswith(f"{CONTENT}/")


def with_item_address(page: Page, settings: CalendarSettings) -> Page:
    """Return a content item with its address on the site, even if it was read from a saved file."""
    if not is_listing(page) or b'"schema_name"' not in page.body:
        return page
    path = parse_json_object(page).get("base_path")
    if isinstance(path, str):
        return replace(page, url=f"{site_of(settings)}{CONTENT}{path}")
    return page


def read_listing(page: Page) -> Listing:
    """Return one page of the listing. Raises `UnreadableCalendar`."""
    data = parse_json_object(page)
    results, total = data.get("results"), data.get("total")
    if not isinstance(results, list) or not isinstance(total, int):
        raise UnreadableCalendar(
            f"{page_name(page)}: JSON without results and total, so no search listing"
        )
    return Listing(total, tuple(_read_entries(results)), len(results))


def entries_by_link(listings: Iterable[Listing]) -> dict[str, AnnouncedEntry]:
    """Return the entries of all pages, of several with one link the last."""
    entries = chain.from_iterable(listing.entries for listing in listings)
    return {entry.link: entry for entry in entries}


def _read_entries(results: Sequence[Any]) -> Iterator[AnnouncedEntry]:
    """Yield the entry of each search result that has a link. Fields that it lacks are empty."""
    for result in results:
        if isinstance(result, dict) and isinstance(result.get("link"), str):
            yield AnnouncedEntry(
                link=result["link"],
                title=str(result.get("title") or ""),
                display_date=str(result.get("display_date") or ""),
                state=str(result.get("statistics_announcement_state") or ""),
                organisations=tuple(read_organisations(result.get("organisations"))),
                release_timestamp=parse_instant(result.get("release_timestamp")),
                first_published=parse_instant(result.get("first_published_at")),
            )
