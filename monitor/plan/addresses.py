"""Where the page of a release stands: at its announced address, at one made from its announcement, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from urllib.parse import urlsplit

from schedules.announcement import Address, Origin, Part
from schedules.release import Release

BEGINS = {
    Origin.FOUND: "found-",
    Origin.PREDICTED: "expected-",
    Origin.ELSEWHERE: "elsewhere-",
    Origin.LINKED: "linked-",
}
"""How the ids of parts begin that no calendar told of, and no configuration."""
ADDED = frozenset(BEGINS)
UNPROMISED = frozenset({Origin.PREDICTED, Origin.LINKED})
"""Where nothing is, nothing is missing: nobody said that this release would be at the address."""
ANNOUNCEMENT, INDEX = "announcement", "index"
"""What is looked at besides the parts of a release whose page may stand elsewhere than at its guess."""
REDIRECT_LAG = timedelta(seconds=30)
"""How long after its publication an announcement may still announce: a job of its own redirects it."""
INDEX_LAG = timedelta(seconds=120)
"""How long after its publication a page may still be missing from GOV.UK's index, which is refreshed every 30 s."""

_SITE = "www.gov.uk"
_ANNOUNCED = "/government/statistics/announcements/"
_PUBLISHED = ("/government/statistics/", "/government/publications/")


def may_change_places(part: str) -> bool:
    """Tell whether a part is the page, or an address from a listing that may prove to be it."""
    return part == "page" or origin_of(part) is Origin.ELSEWHERE


def origin_of(part: str) -> Origin:
    """Return the origin of a part by its id alone: of one that is no more, or that was stored without its origin."""
    return next((origin for origin, begins in BEGINS.items() if part.startswith(begins)), Origin.ANNOUNCED)


def new_ids(origin: Origin, parts: Iterable[Part], first: int = 1) -> Iterator[str]:
    """Yield the ids of further parts of an origin that none of these parts has, numbered from `first` on."""
    taken = {part.id for part in parts}
    names = (f"{BEGINS[origin]}{number}" for number in count(first))
    return (name for name in names if name not in taken)


def standing_at(release: Release, url: str, address: Address) -> Release:
    """Return a release whose page is known to stand at another address than its guess; one that is announced stays."""
    if release.address is not Address.GUESSED or not url:
        return release
    page = next(part for part in release.parts if part.id == "page")
    others = (part for part in release.parts if part.id != "page" and part.url != url)
    return replace(release, url=url, address=address, parts=(replace(page, url=url), *others))


def is_witness(part: str) -> bool:
    """Tell whether a target is no part of its release, but tells whether it is out somewhere."""
    return part in (ANNOUNCEMENT, INDEX)


def is_publication(url: str) -> bool:
    """Tell whether an address is one of those where GOV.UK publishes what it announced."""
    parts = urlsplit(url)
    return parts.hostname == _SITE and parts.path.startswith(_PUBLISHED) and not parts.path.startswith(_ANNOUNCED)


def has_witnesses(release: Release) -> bool:
    """Tell whether the page of a release may stand elsewhere, and its announcement can tell."""
    link = urlsplit(release.link)
    is_announcement = link.hostname == _SITE and link.path.startswith(_ANNOUNCED)
    return release.address is Address.GUESSED and is_announcement
