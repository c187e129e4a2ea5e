"""Matches entries of a listing with watched releases by title, series and address."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.title import Likeness, compare_titles, is_title_of_another
from monitor.plan.addresses import unused_part_ids
from monitor.plan.targets import PERIOD, is_file, recogniser_of
from schedules.address import canonical_address
from schedules.announcement import Origin, Part, Role
from schedules.patterns import quick
from schedules.release import Release
from schedules.times.interval import Interval
from schedules.titles import read_title, title_matches

_ANNOUNCED = quick(r"www\.gov\.uk/government/statistics/announcements/", re.IGNORECASE)
UNDATED_WITHIN = timedelta(days=14)
MISDATED_WITHIN = timedelta(days=1)
"""How near its slot a release must be to match an entry without a period, or with another
period.
"""


class MatchKind(StrEnum):
    """What an entry has: the release's own title, only its series, or its address under another
    edition's title.
    """

    TITLE = "title"
    SERIES = "series"
    EDITION = "edition"


@dataclass(frozen=True, slots=True)
class ListingMatch:
    """An entry of a listing that matches a release: its address, the listing's, and when it came
    into the listing.

    `title` is only compared with other releases. It is never shown, because it may be from before
    its slot.
    """

    release: str
    kind: MatchKind
    url: str
    listing: str
    listed: Interval
    title: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NearRelease:
    """A release that is watched or will be.

    `slot` is when its slot begins, or None without a slot in force. `similar_titles` are titles of
    other releases that may be confused with its own.
    """

    release: Release
    slot: datetime | None
    similar_titles: tuple[str, ...] = ()


FindSameAddressOrTitle = Callable[[Found], Sequence[NearRelease]]


class Matcher:
    """Compares entries of a listing with its producer's releases.

    `near` are those with a near slot. `find_same` returns all with an entry's address or title,
    except old ones.
    """

    def __init__(
        self, near: Sequence[NearRelease], now: datetime, find_same: FindSameAddressOrTitle
    ) -> None:
        """Index the near releases by the words of their titles and by the addresses of their
        parts.
        """
        self._now = now
        self._find_same_address_or_title = find_same
        # A sitemap has thousands of entries. An entry is compared only with releases that share a
        # word with it.
        self._by_word: dict[str, list[NearRelease]] = defaultdict(list)
        self._by_url: dict[str, list[NearRelease]] = defaultdict(list)
        for candidate in near:
            for word in set(read_title(candidate.release.title).words):
                self._by_word[word].append(candidate)
            urls = {
                canonical_address(part.url)
                for part in candidate.release.parts
                if _identifies_release(part)
            }
            for url in urls - {""}:
                self._by_url[url].append(candidate)
        # One pattern of all words (compiled by `quick`). Without any word, it never matches.
        self._words = quick(
            "|".join(sorted(map(re.escape, self._by_word))) or r"(?!)", re.IGNORECASE
        )

    def matches(self, found: Found, *, is_new: bool) -> Iterator[tuple[str, MatchKind]]:
        """Yield each near release that an entry matches, and how.

        `is_new`: the entry was not in the last look.
        """
        if _ANNOUNCED.search(found.url):
            return  # an announcement does not show that its release is out
        yield from self._match_promised_address(found, is_new=is_new)
        # Comparing titles is slow, so first search for any word of a near release's title.
        if self._words.search(found.title):
            yield from self._match_title(found, is_new=is_new)

    def _match_title(self, found: Found, *, is_new: bool) -> Iterator[tuple[str, MatchKind]]:
        """Yield releases with a similar title, as `EDITION`, `TITLE` or `SERIES`."""
        sharing_word: dict[str, NearRelease] = {}
        for word in set(read_title(found.title).words):
            sharing_word |= {it.release.id: it for it in self._by_word.get(word, ())}
        alike = []
        for candidate in sharing_word.values():
            likeness = _title_likeness(candidate, found.title)
            if likeness is not None:
                alike.append((candidate, likeness))
        address = canonical_address(found.url)
        ids_at_address = {it.release.id for it in self._by_url.get(address, ())}
        for candidate, likeness in alike:
            release = candidate.release
            is_own_page = release.id in ids_at_address and canonical_address(release.url) == address
            if is_own_page and likeness is Likeness.OTHER_EDITION:
                # The release's page is reused, and now has another edition's title.
                yield release.id, MatchKind.EDITION
        # Releases with a similar title that calendars promise at another address than the entry's.
        elsewhere = [
            (it, likeness) for it, likeness in alike if it.release.id not in ids_at_address
        ]
        same_title = [it for it, likeness in elsewhere if likeness is Likeness.SAME]
        # An old entry may be of any year. So it can only show a release that has a period in its
        # title.
        possible = [it for it in same_title if is_new or _has_period(it.release)]
        yield from (
            (it.release.id, MatchKind.TITLE) for it in self._choose_edition(found, possible)
        )
        if is_new and not ids_at_address and not same_title:
            yield from self._match_series(found, elsewhere)

    def _match_promised_address(
        self, found: Found, *, is_new: bool
    ) -> Iterator[tuple[str, MatchKind]]:
        """Yield each release with a future slot that is promised at the entry's address, if the
        entry may show it.

        A match by address counts as much as one by title, so it gets the same kind (`TITLE`).
        """
        for candidate in self._by_url.get(canonical_address(found.url), ()):
            release, slot = candidate.release, candidate.slot
            likeness = _title_likeness(candidate, found.title)
            if is_new:
                others = candidate.similar_titles
                is_of_another = is_title_of_another(release.title, found.title, others)
                may_show_release = likeness is not Likeness.OTHER_EDITION and not is_of_another
            else:
                # An entry of an earlier look may be years old, so only a title with a period
                # (`May 2026`) suffices.
                may_show_release = likeness is Likeness.SAME and _has_period(release)
            if slot is not None and slot > self._now and may_show_release:
                yield release.id, MatchKind.TITLE

    def _choose_edition(self, found: Found, same_title: Sequence[NearRelease]) -> list[NearRelease]:
        """Return which of the near releases `same_title` an entry may show.

        All of them have the entry's title.
        """
        if not same_title:
            return []
        # also releases whose slot passed long ago
        near_and_old = self._find_same_address_or_title(found)
        ids_due = {
            it.release.id for it in near_and_old if it.slot is not None and it.slot <= self._now
        }
        if ids_due:
            # The entry shows an edition whose slot has passed. If this is an old edition, no near
            # release is returned.
            return [it for it in same_title if it.release.id in ids_due]
        # The next edition is early. Editions without a slot come last.
        return [
            min(same_title, key=lambda it: (it.slot is None, it.slot or self._now, it.release.id))
        ]

    def _match_series(
        self, found: Found, alike: Sequence[tuple[NearRelease, Likeness]]
    ) -> Iterator[tuple[str, MatchKind]]:
        """Yield the release of the same series with the nearest slot, if that is near enough.

        Yield nothing if a release has the address or title of the entry, because the entry is then
        of that one.
        """
        near = []
        for candidate, likeness in alike:
            if candidate.slot is not None:
                distance = abs(candidate.slot - self._now)
                if distance <= _WITHIN[likeness]:
                    near.append((distance, candidate.release.id))
        if near and not self._find_same_address_or_title(found):
            _, nearest = min(near)
            yield nearest, MatchKind.SERIES


def new_parts(
    release: Release, origin: Origin, roles: Iterable[tuple[str, Role]], first: int = 1
) -> list[Part]:
    """Return new parts of a release for these addresses and roles.

    Their ids are numbered from `first`.
    """
    pairs = zip(unused_part_ids(origin, release.parts, first), roles, strict=False)
    return [Part(name, role, url, required=False, origin=origin) for name, (url, role) in pairs]


def part_elsewhere(release: Release, url: str) -> Part:
    """Return a new part of a release for an address from a listing."""
    return recognise_by_title(new_parts(release, Origin.ELSEWHERE, [(url, Role.ALTERNATIVE)])[0])


def _identifies_release(part: Part) -> bool:
    """Return whether the part's address identifies the release.

    A page that all editions share does not.
    """
    is_shared = part.origin is Origin.LINKED or recogniser_of(part) == PERIOD
    return part.origin is not Origin.ELSEWHERE and not is_shared


def recognise_by_title(part: Part) -> Part:
    """Return a part from a listing with the recogniser for titles, because any page there is no
    proof. Others as is.
    """
    is_listed_page = (
        part.origin is Origin.ELSEWHERE and part.recognise is None and not is_file(part.url)
    )
    return replace(part, recognise="titled") if is_listed_page else part


_WITHIN = dict.fromkeys((Likeness.SAME, Likeness.UNDATED), UNDATED_WITHIN) | {
    Likeness.OTHER_EDITION: MISDATED_WITHIN
}


def _title_likeness(near: NearRelease, title: str) -> Likeness | None:
    """Return how a title is like that of a release, or None if it is of something else."""
    own_title = near.release.title
    likeness = compare_titles(own_title, title, near.similar_titles)
    if likeness is Likeness.DIFFERENT:
        return None
    # Two titles without a period may be the same.
    return Likeness.SAME if title_matches(own_title, title) else likeness


def _has_period(release: Release) -> bool:
    return bool(read_title(release.title).period)
