"""The truth of a random rehearsal: what was announced, what was public at each address, and what
went wrong.

This module knows nothing of how the monitor looks or judges. A world is written as a rehearsal
script (`script_text`) with its JSON in the first line, and the oracle reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import TypeAdapter

_MOST_AT_ONE_HOST = 3
_NATIONS = {"England", "Wales"}
"""The places that tell the titles of random releases apart."""
Content = Literal["ours", "other", "upkeep", "gone", "absent", "missing", "placeholder"]
"""What an address shows: the release, another page or edition, a page of maintenance, a 410 or a
404.

`missing` is a "Page not found" page with status 200. `placeholder` is a page that announces the
release.
"""


@dataclass(frozen=True)
class Showing:
    """What one address answers from `at` on.

    For `cache` seconds an edge still serves the earlier answer.
    """

    at: datetime
    what: Content
    title: str = ""
    cache: float = 0.0
    latency: float = 0.0
    etag: bool = False
    words: tuple[str, ...] = ()
    """Sentences of the page, beside its figures. Without any, it is the script's plain page."""
    location: str = ""
    """The `Location` of a redirect to the content, which is then at `/latest` below the address."""


@dataclass(frozen=True)
class Wall:
    """A bot wall in front of one address: people get the content, the monitor gets the wall.

    Without a `title` the wall is a page that only runs a script.
    """

    begins: datetime
    ends: datetime
    status: int = 200
    title: str = ""


@dataclass(frozen=True)
class Place:
    """One address of a release, and all its answers over time."""

    id: str
    role: str
    url: str
    required: bool = True
    shows: tuple[Showing, ...] = ()
    walls: tuple[Wall, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change of a calendar's entry: a new slot, a new state, or its removal (`gone`)."""

    at: datetime
    slot: datetime | None = None
    state: str | None = None
    gone: bool = False


@dataclass(frozen=True)
class Cell:
    """How the only calendar of a release, a table, writes its status and time."""

    status: str
    time: str
    stands: bool = True
    """Whether the status says that the entry is a promise."""
    readings: tuple[datetime, ...] = ()
    """What the time may mean beside the slot."""


@dataclass(frozen=True)
class Announced:
    """A GOV.UK announcement that differs from its publication, or redirects to it or is listed at
    special times.
    """

    slug: str | None = None
    title: str | None = None
    redirect: float | Literal["never"] = 2.0
    listed: float = 30.0
    guess: tuple[Showing, ...] = ()
    """What is at the address that the announcement's slug suggests, if the publication has another
    address.
    """


@dataclass(frozen=True)
class Release:
    """One release: what its calendars promise, and what its addresses show."""

    id: str
    title: str
    producer: str
    slot: datetime
    page: Place
    parts: tuple[Place, ...] = ()
    state: str | None = None
    known_from: datetime | None = None
    changes: tuple[Change, ...] = ()
    organisations: tuple[str, ...] = ()
    announced: Announced | None = None
    other_calendar: datetime | None = None
    """The slot in a second calendar. None if only one calendar has the release."""
    redated: datetime | None = None
    """When its only calendar drops the zone's offset from the time, which then means another
    instant.
    """
    cell: Cell | None = None
    """What the table says that is its only calendar. None if it is in the usual ones."""
    is_succeeded: bool = False
    """Whether a new entry with the same page replaces it."""

    @property
    def places(self) -> tuple[Place, ...]:
        return (self.page, *self.parts)

    @property
    def is_guessed(self) -> bool:
        """Whether no calendar gives the page's own address, and the announcement suggests another
        one.
        """
        return self.announced is not None and self.announced.slug is not None


@dataclass(frozen=True)
class Trouble:
    """A fault of a host or an address, or of the monitor itself."""

    kind: str
    begins: datetime
    ends: datetime | None = None
    host: str | None = None
    url: str | None = None
    age: float | None = None
    offset: float | None = None


@dataclass(frozen=True)
class World:
    """The truth of a whole script. `monitor` lists troubles of the monitor itself."""

    seed: int
    begins: datetime
    ends: datetime
    releases: tuple[Release, ...]
    faults: tuple[Trouble, ...] = ()
    monitor: tuple[Trouble, ...] = field(default=())
    settings: str = ""
    """Tables of the configuration that differ from the defaults, as TOML."""

    @property
    def clock_error(self) -> timedelta:
        """The most by which the monitor's clock is ever wrong."""
        return timedelta(
            seconds=max((abs(one.offset) for one in self.monitor if one.offset), default=0.0)
        )

    def walls(self) -> Iterator[Wall]:
        """Yield the bot walls of every address."""
        yield from (
            wall for release in self.releases for place in release.places for wall in place.walls
        )

    def sleeps(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans in which no monitor runs."""
        down: datetime | None = None
        for one in sorted(self.monitor, key=lambda one: one.begins):
            if one.kind in {"stop", "kill"} and down is None:
                down = one.begins
            elif one.kind == "start" and down is not None:
                yield down, one.begins
                down = None
        if down is not None:
            yield down, self.ends


@dataclass(frozen=True)
class Span:
    """A time in which a release was public at one address.

    An edge may have served it until `shown`.
    """

    begins: datetime
    ends: datetime | None
    shown: datetime | None

    def holds(self, instant: datetime) -> bool:
        return self.begins <= instant and (self.shown is None or instant < self.shown)


def possible_worlds(world: World) -> Iterator[World]:
    """Yield each world that the script may mean.

    If a new entry takes over a page, the page may be of either entry. Its other pages are the new
    entry's alone if the two titles name different places, but for a page that was withdrawn: its
    410 shows no title, so it may be of either entry too.
    """
    readable = [_with_first_readable_slot(world, one) for one in world.releases]
    world = replace(
        world, releases=tuple(_without_pages_of_another_place(world, one) for one in readable)
    )
    yield world
    for old, with_all_pages in zip(world.releases, readable, strict=True):
        if old.is_succeeded:
            page, *parts = (_as_another(place) for place in old.places)
            withdrawn = tuple(
                whole if any(one.what == "gone" for one in whole.shows) else read
                for whole, read in zip(with_all_pages.parts, old.parts, strict=True)
            )
            for other in (
                replace(old, page=page, parts=tuple(parts)),
                replace(old, parts=withdrawn),
            ):
                yield replace(
                    world, releases=tuple(other if one is old else one for one in world.releases)
                )


def _with_first_readable_slot(world: World, release: Release) -> Release:
    """Return the release without a slot that had passed and was changed before the world begins, so
    was never read.
    """
    slot = release.slot
    for change in release.changes:
        if change.slot is not None and slot <= change.at <= world.begins:
            slot = change.slot
    return replace(release, slot=slot)


def _without_pages_of_another_place(world: World, release: Release) -> Release:
    """Return the release without the pages that show a new entry's title with another place.

    The page at its own address is left, because its announcement may lead there under any title.
    """
    sharing = (one for one in world.releases if one.page.url == release.page.url)
    shown = [_places_in(one.title) for one in sharing][-1]
    if shown == _places_in(release.title):
        return release
    return replace(release, parts=tuple(_as_another(part) for part in release.parts))


def _places_in(title: str) -> set[str]:
    return _NATIONS & set(re.findall(r"\w+", title))


def _as_another(place: Place) -> Place:
    """Return a page that shows another release from its beginning.

    A file has no title, so it stays.
    """
    is_file = place.role in {"data", "attachment"}
    shows = (
        replace(one, what="other") if one.what == "ours" and not is_file else one
        for one in place.shows
    )
    return replace(place, shows=tuple(shows))


def release_of(world: World, place: Place) -> Release:
    return next(
        release for release in world.releases if any(one is place for one in release.places)
    )


def users_from(world: World, place: Place) -> list[datetime]:
    """Return when users of the edge first got each publication at an address.

    The edge serves the earlier answer while its cache lasts, or until a bot wall replaces it. A
    redirect loop leads to an address with another query, so when the loop ends the edge has no copy
    of it. A host with stale answers sends them to users too. If its edge got a newer copy during
    that time, the Age of that copy later shows when users got it, so both instants are true.
    """
    shown: list[tuple[datetime, Content]] = []
    kept_until: datetime | None = None
    for one in place.shows:
        lasts = timedelta(seconds=one.cache)
        if not one.cache:
            kept_until = one.at
        elif kept_until is None or one.at >= kept_until:
            kept_until = one.at + lasts
        walls = (
            wall
            for wall in place.walls
            if kept_until is not None and one.at <= wall.begins < kept_until
        )
        kept_until = next((wall.ends for wall in walls), kept_until)
        shown.append((max(one.at, kept_until), one.what))
    # If several answers begin at one instant, the edge shows only the last.
    states = [
        turn
        for place, turn in enumerate(shown, 1)
        if place == len(shown) or shown[place][0] > turn[0]
    ]
    before: Content = "absent"
    found = []
    for begins, what in states:
        if what == "ours" and before != "ours":
            after_stale = _after_stale_copies(world, place, begins)
            found += (
                {begins, after_stale} if any(one.cache for one in place.shows) else {after_stale}
            )
        before = what
    loops = [
        fault for fault in world.faults if fault.kind == "redirect_loop" and is_at(fault, place)
    ]
    loop_ends = [loop.ends for loop in loops if loop.ends is not None]
    return found + [end for end in loop_ends if any(span.begins <= end for span in spans(place))]


def _after_stale_copies(world: World, place: Place, at: datetime) -> datetime:
    """Return when users got the content that an address has since `at`: then, or when stale copies
    of its host end.
    """
    stale = (fault for fault in world.faults if fault.kind == "stale" and is_at(fault, place))
    ends = (
        fault.ends or world.ends
        for fault in stale
        if fault.begins <= at < (fault.ends or world.ends)
    )
    return at if is_in_old_copy(world, place, at) else max(ends, default=at)


def spans(place: Place) -> list[Span]:
    """Return when the release itself was public at an address, in time order."""
    found: list[Span] = []
    begun: datetime | None = None
    for one in place.shows:
        if one.what == "ours" and begun is None:
            begun = one.at
        elif one.what != "ours" and begun is not None:
            found.append(Span(begun, one.at, one.at + timedelta(seconds=one.cache)))
            begun = None
    return [*found, Span(begun, None, None)] if begun is not None else found


def is_hidden_throughout(world: World, place: Place, begins: datetime, ends: datetime) -> bool:
    """Return whether faults, walls and downtime hid a place all the time between two instants."""
    hidden = [*world.sleeps()]
    hidden += [
        (fault.begins, fault.ends or world.ends) for fault in world.faults if is_at(fault, place)
    ]
    hidden += [(wall.begins, wall.ends) for wall in place.walls]
    for since, until in sorted(hidden):
        if since <= begins < until:
            begins = until
    return begins >= ends


def is_in_old_copy(world: World, place: Place, at: datetime) -> bool:
    """Return whether, by an instant, a cache had served a stale copy made while the release was
    public at a place.
    """
    return any(
        fault.begins <= at and span.begins <= made and (span.ends is None or made < span.ends)
        for made, fault in _stale_copies(world, place)
        for span in spans(place)
    )


def spans_with_copies(world: World, place: Place) -> list[Span]:
    """Return when the release was public at an address, each span shown until its last stale copy.

    What a cache answers is public, however old the copy is.
    """
    copies = list(_stale_copies(world, place))
    found = []
    for span in spans(place):
        shown = span.shown
        for made, fault in copies:
            if shown is not None and span.begins <= made < shown:
                shown = max(shown, fault.ends or world.ends)
        found.append(replace(span, shown=shown))
    return found


def _stale_copies(world: World, place: Place) -> Iterator[tuple[datetime, Trouble]]:
    """Yield when each stale copy of a place was made, and the fault that serves it."""
    for fault in world.faults:
        if fault.kind == "stale" and is_at(fault, place):
            yield fault.begins - timedelta(seconds=fault.age or 3600.0), fault


def is_at(fault: Trouble, place: Place) -> bool:
    """Return whether a fault affects a place or its whole host."""
    return fault.url == place.url or (
        fault.url is None and fault.host == urlsplit(place.url).hostname
    )


def out(place: Place, slot: datetime) -> datetime | None:
    """Return when a place was released for a slot: the start of the first span that ends after it,
    or None.
    """
    return next(
        (span.begins for span in spans(place) if span.ends is None or span.ends > slot), None
    )


def with_release(world: World, before: Release, after: Release) -> World:
    """Return the world with one release in the place of another."""
    releases = tuple(after if one is before else one for one in world.releases)
    return replace(world, releases=releases)


def with_place(world: World, release: Release, before: Place, after: Place) -> World:
    """Return the world with one address of a release in the place of another."""
    parts = tuple(after if one is before else one for one in release.parts)
    page = after if before is release.page else release.page
    return with_release(world, release, replace(release, page=page, parts=parts))


WORLD = TypeAdapter(World)


def is_crowded(world: World, place: Place) -> bool:
    """Return whether so many releases are due at one host that its budget allows no looks at
    published content.
    """
    hosts = [urlsplit(release.page.url).hostname for release in world.releases]
    return hosts.count(urlsplit(place.url).hostname) > _MOST_AT_ONE_HOST
