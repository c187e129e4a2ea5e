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

_TABLES = ("csv", "tsv", "ods", "xls", "xlsx", "xlsm", "json", "geojson", "xml", "zip", "txt")
_TEXTS = ("pdf", "odt", "doc", "docx", "odp", "ppt", "pptx")
_FEED_ENDINGS = ("atom", "rss", "feed", "feed.xml", "rss.xml")
_RELEASED_TYPES = ("national_statistics", "official_statistics", "statistical_data_set")
_NAMED_BEFORE = (Origin.ANNOUNCED, Origin.CONFIGURED)
_LISTED = "title,link,public_timestamp,first_published_at,content_id,content_store_document_type,updated_at"


PERIOD = "period"
"""The recogniser of a page that stays where it is: it is out when it names the period of its release."""


class View(StrEnum):
    """How a target is looked at.

    `EDGE` is what users get, `ORIGIN` the same address with a query no cache has seen, `CONTENT` the
    content-API twin of a GOV.UK page, `TRIPWIRE` a listing or feed that is not a part.
    """

    EDGE = "edge"
    ORIGIN = "origin"
    CONTENT = "content"
    TRIPWIRE = "tripwire"


@dataclass(frozen=True, slots=True)
class Target:
    """One address to look at. `release` and `part` are empty for a tripwire shared by many releases.

    `title` is what a recogniser may look for; `file` is True when the part is a file whose bytes count,
    `aside` when the part is not required. `address` tells how that of a page is known, `origin` how its part is.
    `alternatives` are, for the listing, the other addresses promised or configured: they are not the page.
    """

    id: str
    release: str
    part: str
    view: View
    url: str
    host: str
    recognise: str
    title: str = ""
    file: bool = False
    aside: bool = False
    address: Address = Address.ANNOUNCED
    origin: Origin = Origin.ANNOUNCED
    alternatives: tuple[str, ...] = ()


def target_id(release: str, part: str, view: str) -> str:
    """Return the id of a target: that of a run, too, and of what is kept of its looks."""
    return f"{release}/{part}/{view}"


def read_id(target: str) -> tuple[str, str, View]:
    """Return the release, the part and the view that the id of a target names."""
    release, part, view = target.rsplit("/", 2)
    return release, part, View(view)


def release_of(target: str) -> str:
    """Return the release that a target is of, by its id."""
    return target.rsplit("/", 2)[0]


MOST_PARTS = 60
"""How many parts of one release are watched at most, unless the configuration says otherwise."""


def parts_watched(parts: Sequence[Part], most: int = MOST_PARTS) -> list[Part]:
    """Return the parts that are watched, in their order: required ones first, those that a page named last."""
    known = [part for part in parts if part.origin is not Origin.LINKED]
    chosen = sorted(known, key=lambda part: (not part.required, part.origin is Origin.FOUND))[:most]
    return [part for part in known if part in chosen] if len(known) > most else known


def targets_of(release: Release, *, origin_view: bool = True, most: int = MOST_PARTS) -> list[Target]:
    """Return the targets of a release: for each part what users get, and the views that explain it.

    What is promised, and an alternative address, is looked at past the caches too when `origin_view`; a landing page
    on www.gov.uk also through its content-API twin. Parts without a web address give none, and of too many the rest.
    """
    found: list[Target] = []
    for part in parts_watched(release.parts, most):
        if urlsplit(part.url).hostname is not None:
            found += (_target(release, part, view) for view in _views(part, origin_view=origin_view))
    return [*found, *_witnesses(release)]


def _witnesses(release: Release) -> list[Target]:
    """Return what tells whether a release is out whose page may stand elsewhere than at its guess; past the caches."""
    if not has_witnesses(release):
        return []
    known = (part for part in release.parts if part.role is Role.ALTERNATIVE and part.origin in _NAMED_BEFORE)
    alternatives = tuple(part.url for part in known)
    asked = ((ANNOUNCEMENT, release.link, ANNOUNCEMENT), (INDEX, newest_on_govuk(release.producer), "unlisted"))
    return [
        Target(
            id=target_id(release.id, part, View.ORIGIN),
            release=release.id,
            part=part,
            view=View.ORIGIN,
            url=url,
            host=GOVUK,
            recognise=recognise,
            title=release.title,
            aside=True,
            alternatives=alternatives if part == INDEX else (),
        )
        for part, url, recognise in asked
    ]


def tripwires_of(producer: str, hosts: Iterable[str] = (), newest: Sequence[str] = ()) -> list[Target]:
    """Return the tripwires of a producer: its newest publications on GOV.UK, and its own listings and feeds.

    `producer` is the organisation's slug when www.gov.uk is among its `hosts` (query of `facts/govuk.md`
    §8, newest first). The recognisers only fetch and list; matching titles to releases is for the judge.
    """
    urls: list[tuple[str, str]] = []
    if GOVUK in hosts:
        urls.append((newest_on_govuk(producer), "govuk"))
        urls.append((f"https://{GOVUK}/government/organisations/{producer}.atom", "feed:*"))
    urls += ((url, "feed:*" if _is_feed(url) else "link:*") for url in newest)
    return _apart([_tripwire(producer, url, recognise) for url, recognise in urls])


def press_of(producer: str, feeds: Sequence[str]) -> list[Target]:
    """Return the feeds of the press that are watched for a producer: they raise leads, never findings."""
    return _apart([_tripwire(f"{producer}-press", url, "feed:*") for url in feeds])


def sitemaps_of(producer: str, urls: Iterable[str]) -> list[Target]:
    """Return the sitemaps that an index of them names, as tripwires of a producer."""
    return _apart([_tripwire(producer, url, "feed:*") for url in urls])


def newest_on_govuk(organisation: str, count: int = 50) -> str:
    """Return the search query for the newest statistics of an organisation on GOV.UK."""
    query = [("filter_organisations", organisation)]
    query += (("filter_content_store_document_type", kind) for kind in _RELEASED_TYPES)
    query += [("order", "-public_timestamp"), ("count", str(count)), ("fields", _LISTED)]
    return f"https://{GOVUK}/api/search.json?{urlencode(query, safe=',')}"


def content_twin(url: str) -> str | None:
    """Return the content-API address of a page on www.gov.uk, None for any other address."""
    parts = urlsplit(url)
    if parts.hostname != GOVUK or parts.path in ("", "/") or parts.path.startswith("/api/"):
        return None
    return f"https://{GOVUK}/api/content{parts.path.rstrip('/')}"


def recogniser_of(part: Part) -> str:
    """Return the recogniser a part asks for, else `govuk` for a page on www.gov.uk and `status` for the rest.

    A page that stays where it is from edition to edition is told by its period alone.
    """
    if part.recognise is not None:
        return part.recognise
    if part.origin is Origin.PREDICTED and part.role is Role.ALTERNATIVE:
        return PERIOD
    is_page = urlsplit(part.url).hostname == GOVUK and not is_file(part.url)
    return "govuk" if is_page else "status"


def is_file(url: str) -> bool:
    """Tell whether an address looks like that of a file rather than a page."""
    return urlsplit(url).hostname == ASSETS or extension_of(url) in _TABLES + _TEXTS


def extension_of(url: str) -> str:
    """Return the file name extension of an address in lower case, empty when it has none."""
    _, dot, extension = urlsplit(url).path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""


def _views(part: Part, *, origin_view: bool) -> list[View]:
    views = [View.EDGE]
    is_promised = part.role in (Role.PAGE, Role.ALTERNATIVE) and part.origin is not Origin.PREDICTED
    if origin_view and (part.required or is_promised):
        views.append(View.ORIGIN)
    # A page told by words of its own is often a rolling one: its twin says that it exists, not what it holds.
    if part.role is Role.PAGE and recogniser_of(part) == "govuk" and content_twin(part.url) is not None:
        views.append(View.CONTENT)
    return views


def _target(release: Release, part: Part, view: View) -> Target:
    url = content_twin(part.url) if view is View.CONTENT else None
    # A file or an HTML attachment seldom bears the title of its release; only pages can be held to it.
    is_titled = part.role in (Role.PAGE, Role.ALTERNATIVE)
    return Target(
        id=target_id(release.id, part.id, view),
        release=release.id,
        part=part.id,
        view=view,
        url=url or part.url,
        # A thousand targets lie on a few hosts: one name does for all of them.
        host=intern(urlsplit(part.url).hostname or ""),
        recognise="govuk" if url else recogniser_of(part),
        title=release.title if is_titled else "",
        file=part.role in (Role.DATA, Role.ATTACHMENT) and is_file(part.url),
        aside=not part.required or part.role is Role.ALTERNATIVE,
        address=release.address if part.id == "page" else Address.ANNOUNCED,
        origin=part.origin,
    )


def _tripwire(producer: str, url: str, recognise: str) -> Target:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return Target(
        id=f"~tripwire/{producer}/{host}{parts.path}",
        release="",
        part="",
        view=View.TRIPWIRE,
        url=url,
        host=host,
        recognise=recognise,
    )


def _apart(tripwires: Iterable[Target]) -> list[Target]:
    """Return tripwires of which those that differ in their query alone have ids of their own."""
    known: dict[str, Target] = {}
    for each in tripwires:
        name = each.id if each.id not in known else f"{each.id}?{urlsplit(each.url).query}"
        known.setdefault(name, replace(each, id=name))
    return list(known.values())


def _is_feed(url: str) -> bool:
    path = urlsplit(url).path.lower().rstrip("/")
    is_sitemap = "sitemap" in path.rpartition("/")[2] and path.endswith((".xml", ".xml.gz"))
    return is_sitemap or path.endswith(tuple(f"{mark}{ending}" for mark in "./" for ending in _FEED_ENDINGS))
