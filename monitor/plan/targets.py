"""Which addresses show whether the parts of a release are out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from sys import intern
from urllib.parse import urlencode, urlsplit

from monitor.plan.addresses import ANNOUNCEMENT, INDEX, has_witnesses
from schedules.announcement import Address, Origin, Part, Role
from schedules.release import Release

GOVUK = "www.gov.uk"
ASSETS = "assets.publishing.service.gov.uk"
PERIOD = "period"
"""The recogniser of a page with one address for all editions: it must name the period."""
MOST_PARTS = 60
"""Default limit of watched parts of one release."""

_TABLES = ("csv", "tsv", "ods", "xls", "xlsx", "xlsm", "json", "geojson", "xml", "zip", "txt")
_TEXTS = ("pdf", "odt", "doc", "docx", "odp", "ppt", "pptx")
_FEED_ENDINGS = ("atom", "rss", "feed", "feed.xml", "rss.xml")
_RELEASED_TYPES = ("national_statistics", "official_statistics", "statistical_data_set")
_LISTED = (
    "title,link,public_timestamp,first_published_at,content_id,"
    "content_store_document_type,updated_at"
)


class View(StrEnum):
    """How a target is looked at.

    `EDGE` is what users get, `ORIGIN` the same address with a query that no cache has seen,
    `CONTENT` the content-API twin of a GOV.UK page, `TRIPWIRE` a listing or feed.
    """

    EDGE = "edge"
    ORIGIN = "origin"
    CONTENT = "content"
    TRIPWIRE = "tripwire"


@dataclass(frozen=True, slots=True)
class Target:
    """One address to look at.

    `release` and `part` are empty for a tripwire, which many releases share. `title` is what a
    recogniser may look for; without it, the part is not one of another `edition`. If it `is_file`,
    changed bytes count. `address` says how the address of a page is known, `origin` how the part
    is. `alternatives`, for the index only, are other known addresses that are not the page.
    """

    id: str
    release: str
    part: str
    view: View
    url: str
    host: str
    recognise: str
    title: str = ""
    is_file: bool = False
    is_optional: bool = False
    address: Address = Address.ANNOUNCED
    origin: Origin = Origin.ANNOUNCED
    alternatives: tuple[str, ...] = ()
    edition: str = ""


def target_id(release: str, part: str, view: str) -> str:
    """Return the id of a target, its runs and its remembered looks."""
    return f"{release}/{part}/{view}"


def parse_target_id(target: str) -> tuple[str, str, View]:
    """Return the release, part and view of a target from its id."""
    release, part, view = target.rsplit("/", 2)
    return release, part, View(view)


def release_from_id(target: str) -> str:
    """Return the release of a target from its id."""
    return target.rsplit("/", 2)[0]


def watched_parts(parts: Sequence[Part], most: int) -> list[Part]:
    """Return the parts to watch, in their order, without those that a page only links to.

    Of more than `most`, required parts come first, those found on a page last.
    """
    known = [part for part in parts if part.origin is not Origin.LINKED]
    if len(known) <= most:
        return known
    chosen = sorted(known, key=lambda part: (not part.required, part.origin is Origin.FOUND))[:most]
    return [part for part in known if part in chosen]


def targets_of(
    release: Release, *, origin_view: bool = True, most: int = MOST_PARTS
) -> list[Target]:
    """Return the targets of a release: each view of each watched part, and its witnesses.

    `origin_view`: also look past the caches.
    """
    targets = []
    for part in watched_parts(release.parts, most):
        if urlsplit(part.url).hostname is not None:  # else it has no web address
            views = _views_of_part(part, origin_view=origin_view)
            targets += [_make_target(release, part, view) for view in views]
    return targets + _witness_targets(release)


def _witness_targets(release: Release) -> list[Target]:
    """Return announcement and index as targets if the page's address is a guess."""
    if not has_witnesses(release):
        return []
    alternatives = (part for part in release.parts if part.role is Role.ALTERNATIVE)
    known_urls = tuple(
        part.url for part in alternatives if part.origin in (Origin.ANNOUNCED, Origin.CONFIGURED)
    )
    announcement = Target(
        id=target_id(release.id, ANNOUNCEMENT, View.ORIGIN),
        release=release.id,
        part=ANNOUNCEMENT,
        view=View.ORIGIN,
        url=release.link,
        host=GOVUK,
        recognise=ANNOUNCEMENT,
        title=release.title,
        is_optional=True,
    )
    index = replace(
        announcement,
        id=target_id(release.id, INDEX, View.ORIGIN),
        part=INDEX,
        url=newest_on_govuk(release.producer),
        recognise="unlisted",
        alternatives=known_urls,
    )
    return [announcement, index]


def tripwires_of(
    producer: str, hosts: Iterable[str] = (), newest: Sequence[str] = ()
) -> list[Target]:
    """Return a producer's tripwires: its own listings and feeds, and those on GOV.UK if
    in `hosts`.
    """
    # `*` stands for any entry of a feed, or any link of a page.
    urls = [(url, "feed:*" if _is_feed(url) else "link:*") for url in newest]
    if GOVUK in hosts:  # then `producer` must be the organisation's slug on GOV.UK
        atom = f"https://{GOVUK}/government/organisations/{producer}.atom"
        urls = [(newest_on_govuk(producer), "govuk"), (atom, "feed:*"), *urls]
    return _make_tripwires(producer, urls)


def press_of(producer: str, feeds: Sequence[str]) -> list[Target]:
    """Return the press feeds watched for a producer. They raise leads, never findings."""
    return _make_tripwires(f"{producer}-press", ((url, "feed:*") for url in feeds))


def sitemaps_of(producer: str, urls: Iterable[str]) -> list[Target]:
    """Return the sitemaps of a producer as tripwires."""
    return _make_tripwires(producer, ((url, "feed:*") for url in urls))


def newest_on_govuk(organisation: str) -> str:
    """Return the search query for the fifty newest statistics of an organisation on GOV.UK."""
    query = [("filter_organisations", organisation)]
    query += (("filter_content_store_document_type", kind) for kind in _RELEASED_TYPES)
    query += [("order", "-public_timestamp"), ("count", "50"), ("fields", _LISTED)]
    return f"https://{GOVUK}/api/search.json?{urlencode(query, safe=',')}"


def content_twin(url: str) -> str | None:
    """Return the content-API address of a page on www.gov.uk, None for any other address."""
    parts = urlsplit(url)
    if parts.hostname != GOVUK or parts.path in ("", "/") or parts.path.startswith("/api/"):
        return None
    return f"https://{GOVUK}/api/content{parts.path.rstrip('/')}"


def recogniser_of(part: Part) -> str:
    """Return the recogniser that a part names, else one by its origin and address."""
    if part.recognise is not None:
        return part.recognise
    if part.origin is Origin.PREDICTED and part.role is Role.ALTERNATIVE:
        # Only its period shows which edition it is.
        return PERIOD
    is_page = urlsplit(part.url).hostname == GOVUK and not is_file(part.url)
    return "govuk" if is_page else "status"


def is_file(url: str) -> bool:
    """Return whether an address looks like that of a file rather than a page."""
    return urlsplit(url).hostname == ASSETS or extension_of(url) in _TABLES + _TEXTS


def extension_of(url: str) -> str:
    """Return the file name extension of an address in lower case, empty when it has none."""
    _, dot, extension = urlsplit(url).path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""


def _views_of_part(part: Part, *, origin_view: bool) -> list[View]:
    views = [View.EDGE]
    is_page_at_known_address = (
        part.role in (Role.PAGE, Role.ALTERNATIVE) and part.origin is not Origin.PREDICTED
    )
    if origin_view and (part.required or is_page_at_known_address):
        views.append(View.ORIGIN)
    # Others often mean one address for all editions, whose JSON does not show which.
    if (
        part.role is Role.PAGE
        and recogniser_of(part) == "govuk"
        and content_twin(part.url) is not None
    ):
        views.append(View.CONTENT)
    return views


def _make_target(release: Release, part: Part, view: View) -> Target:
    url = content_twin(part.url) if view is View.CONTENT else None
    # Files and HTML attachments seldom have the title of their release.
    is_titled = part.role in (Role.PAGE, Role.ALTERNATIVE)
    return Target(
        id=target_id(release.id, part.id, view),
        release=release.id,
        part=part.id,
        view=view,
        url=url or part.url,
        host=intern(urlsplit(part.url).hostname or ""),
        recognise="govuk" if url else recogniser_of(part),
        title=release.title if is_titled else "",
        edition="" if is_titled else release.title,
        is_file=part.role in (Role.DATA, Role.ATTACHMENT) and is_file(part.url),
        is_optional=not part.required or part.role is Role.ALTERNATIVE,
        address=release.address if part.id == "page" else Address.ANNOUNCED,
        origin=part.origin,
    )


def _make_tripwires(producer: str, recognisers: Iterable[tuple[str, str]]) -> list[Target]:
    """Return a tripwire for each address. If two share a path, the second's id has its query."""
    by_id: dict[str, Target] = {}
    for url, recognise in dict(recognisers).items():
        parts = urlsplit(url)
        host = parts.hostname or ""
        name = f"~tripwire/{producer}/{host}{parts.path}"
        if name in by_id:
            name = f"{name}?{parts.query}"
        target = Target(
            name, release="", part="", view=View.TRIPWIRE, url=url, host=host, recognise=recognise
        )
        by_id.setdefault(name, target)
    return list(by_id.values())


def _is_feed(url: str) -> bool:
    path = urlsplit(url).path.lower().rstrip("/")
    is_sitemap = "sitemap" in path.rpartition("/")[2] and path.endswith((".xml", ".xml.gz"))
    return is_sitemap or path.endswith(
        tuple(f"{mark}{ending}" for mark in "./" for ending in _FEED_ENDINGS)
    )
