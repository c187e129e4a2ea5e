"""What an entry of a listing says of the releases that are watched: its title, its series, its address. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.look.fetch import Found
from monitor.look.recognise.title import Likeness, likeness
from monitor.plan.addresses import new_ids
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
"""How far from its slot an entry without its period, or with another, is taken to speak of a release."""


class MatchKind(StrEnum):
    """What an entry shows: the release's own title; its series alone; or its address under another edition's title."""

    TITLE = "title"
    SERIES = "series"
    EDITION = "edition"


@dataclass(frozen=True, slots=True)
class ListingMatch:
    """An entry of a listing that speaks of a release: its address, the listing's, and when it came into the listing.

    `title` is held against other releases alone: nothing is told of it.
    """

    release: str
    sort: MatchKind
    url: str
    listing: str
    listed: Interval
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Near:
    """A release that is watched or will be: when its slot begins, None where none is in force."""

    release: Release
    slot: datetime | None


Bearing = Callable[[Found], Sequence[Near]]


class Matcher:
    """Holds entries of a producer's listing against its releases.

    `bearing` tells which of all its releases, but for those long over, bear the address or the title of an entry.
    """

    def __init__(self, near: Sequence[Near], now: datetime, bearing: Bearing) -> None:
        self._now = now
        self._bearing = bearing
        # A sitemap holds thousands of entries: only releases that share a word with one are compared with it.
        self._by_word: dict[str, list[Near]] = defaultdict(list)
        self._by_url: dict[str, list[Near]] = defaultdict(list)
        for one in near:
            for word in set(read_title(one.release.title).words):
                self._by_word[word].append(one)
            for link in {canonical_address(part.url) for part in one.release.parts if _is_its_own(part)} - {""}:
                self._by_url[link].append(one)
        self._words = quick("|".join(sorted(map(re.escape, self._by_word))) or r"(?!)", re.IGNORECASE)

    def hits(self, found: Found, *, is_fresh: bool) -> Iterator[tuple[str, MatchKind]]:
        """Yield each release that an entry speaks of, and how. `is_fresh`: it was not there at the look before."""
        if _ANNOUNCED.search(found.url):
            return
        yield from self._ahead(found, is_fresh=is_fresh)
        if not self._words.search(found.title):
            return
        alike = [(one, like) for one in self._sharing(found.title) if (like := _like(one.release, found.title))]
        link = canonical_address(found.url)
        own = [id(one) for one in self._by_url.get(link, ())]
        elsewhere = [pair for pair in alike if id(pair[0]) not in own]
        yield from self._at_own_address(found, [one for one, like in alike if id(one) in own and like is _OTHER])
        exact = [one for one, like in elsewhere if like is _TITLE]
        # A title without a period may have stood there for years.
        meant = self._meant(found, [one for one in exact if is_fresh or _has_period(one.release)])
        yield from ((one.release.id, MatchKind.TITLE) for one in meant)
        if is_fresh and not own and not exact:
            yield from self._of_series(found, elsewhere)

    def _ahead(self, found: Found, *, is_fresh: bool) -> Iterator[tuple[str, MatchKind]]:
        """Yield each release with a slot still to come whose promised address the entry has.

        An entry that is not fresh must also match by title and period. A title of another edition matches nothing.
        """
        for one in self._by_url.get(canonical_address(found.url), ()):
            like = _like(one.release, found.title)
            is_ours = is_fresh or (like is _TITLE and _has_period(one.release))
            if one.slot is not None and one.slot > self._now and is_ours and like is not _OTHER:
                yield one.release.id, MatchKind.TITLE

    def _sharing(self, title: str) -> list[Near]:
        found = {id(one): one for word in set(read_title(title).words) for one in self._by_word.get(word, ())}
        return list(found.values())

    def _meant(self, found: Found, exact: Sequence[Near]) -> list[Near]:
        """Return the release that is meant where several bear one title: one that is due, else the next."""
        if not exact:
            return []
        due = {one.release.id for one in self._bearing(found) if one.slot is not None and one.slot <= self._now}
        if due:
            return [one for one in exact if one.release.id in due]
        return [min(exact, key=lambda one: (one.slot is None, one.slot or self._now, one.release.id))]

    def _at_own_address(self, found: Found, theirs: Sequence[Near]) -> Iterator[tuple[str, MatchKind]]:
        link = canonical_address(found.url)
        return ((one.release.id, MatchKind.EDITION) for one in theirs if canonical_address(one.release.url) == link)

    def _of_series(self, found: Found, alike: Sequence[tuple[Near, Likeness]]) -> Iterator[tuple[str, MatchKind]]:
        near = [
            (abs(one.slot - self._now), one.release.id)
            for one, like in alike
            if one.slot is not None and abs(one.slot - self._now) <= _WITHIN[like]
        ]
        if near and not self._bearing(found):
            yield min(near)[1], MatchKind.SERIES


def part_elsewhere(release: Release, url: str) -> Part:
    """Return the part of a release that an address from a listing is."""
    name = next(new_ids(Origin.ELSEWHERE, release.parts))
    return read_by_title(Part(name, Role.ALTERNATIVE, url, required=False, origin=Origin.ELSEWHERE))


def _is_its_own(part: Part) -> bool:
    """Tell whether an entry of this address speaks of the release: a page that all editions share is listed always."""
    is_shared = part.origin is Origin.LINKED or recogniser_of(part) == PERIOD
    return part.origin is not Origin.ELSEWHERE and not is_shared


def read_by_title(part: Part) -> Part:
    """Return a part that a listing showed with its title to be read on every host: mere presence proves nothing."""
    is_shown = part.origin is Origin.ELSEWHERE and part.recognise is None and not is_file(part.url)
    return replace(part, recognise="titled") if is_shown else part


_TITLE, _OTHER = Likeness.SAME, Likeness.OTHER_EDITION
_WITHIN = {Likeness.SAME: UNDATED_WITHIN, Likeness.UNDATED: UNDATED_WITHIN, _OTHER: MISDATED_WITHIN}


def _like(release: Release, title: str) -> Likeness | None:
    if title_matches(release.title, title):
        return _TITLE
    like = likeness(release.title, title)
    return None if like is Likeness.DIFFERENT else like


def _has_period(release: Release) -> bool:
    return bool(read_title(release.title).period)
