"""The address of a release's page: announced, guessed from the announcement, or found elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

from schedules.announcement import Address, Origin, Part
from schedules.release import Release

PART_ID_PREFIX = {
    Origin.FOUND: "found-",
    Origin.PREDICTED: "expected-",
    Origin.ELSEWHERE: "elsewhere-",
    Origin.LINKED: "linked-",
}
"""Prefix of the id of a part that no calendar or configuration named."""
ADDED_ORIGINS = frozenset(PART_ID_PREFIX)
UNPROMISED_ORIGINS = frozenset({Origin.PREDICTED, Origin.LINKED})
"""No one promised the release there, so an absence is not a proof."""
ANNOUNCEMENT, INDEX = "announcement", "index"
"""Ids of the two witnesses, which show whether a release with a guessed address is out."""
REDIRECT_LAG = timedelta(seconds=30)
"""How long after a release its announcement may not redirect to it yet."""
INDEX_LAG = timedelta(seconds=120)
"""How long GOV.UK's index, refreshed every 30 s, may lack a page that is out."""

_SITE = "www.gov.uk"
_ANNOUNCEMENT_PATH = "/government/statistics/announcements/"
_PUBLICATION_PATHS = ("/government/statistics/", "/government/publications/")


def may_be_the_page(part: str) -> bool:
    """Return whether a part is the page, or an address from a listing that may turn out to be."""
    return part == "page" or part.startswith(PART_ID_PREFIX[Origin.ELSEWHERE])


def unused_part_ids(origin: Origin, parts: Iterable[Part], first: int) -> Iterator[str]:
    """Yield ids for new parts of an origin that none of `parts` has."""
    taken = {part.id for part in parts}
    ids = (f"{PART_ID_PREFIX[origin]}{number}" for number in count(first))
    return (part_id for part_id in ids if part_id not in taken)


class FoundPage(NamedTuple):
    """The address of a page that a redirect or a look found, and by which of them."""

    url: str
    address: Address


def with_page_at(release: Release, found: FoundPage | None) -> Release:
    """Return a release with the page that was found, unchanged if none was or its address was not a
    guess.

    Another part with this address is left out.
    """
    if found is None or release.address is not Address.GUESSED or not found.url:
        return release
    url, address = found
    page = next(part for part in release.parts if part.id == "page")
    others = (part for part in release.parts if part.id != "page" and part.url != url)
    return replace(release, url=url, address=address, parts=(replace(page, url=url), *others))


def is_witness(part: str) -> bool:
    """Return whether a target is one of the witnesses."""
    return part in (ANNOUNCEMENT, INDEX)


def is_publication(url: str) -> bool:
    """Return whether an address is one where GOV.UK publishes what it announced."""
    parts = urlsplit(url)
    is_announcement = parts.path.startswith(_ANNOUNCEMENT_PATH)
    return (
        parts.hostname == _SITE
        and parts.path.startswith(_PUBLICATION_PATHS)
        and not is_announcement
    )


def has_witnesses(release: Release) -> bool:
    """Return whether the page's address is a guess and GOV.UK's announcement can show when it is
    out.
    """
    link = urlsplit(release.link)
    is_announcement = link.hostname == _SITE and link.path.startswith(_ANNOUNCEMENT_PATH)
    return release.address is Address.GUESSED and is_announcement
