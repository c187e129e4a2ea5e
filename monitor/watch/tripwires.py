"""Listings, feeds and the press: what shows a release at an address nobody promised, or asks for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from monitor.look.fetch import Found
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window
from monitor.plan.targets import Target, press_of, sitemaps_of, tripwires_of
from monitor.plan.windows import LISTING
from monitor.watch.listing_match import ListingMatch, Matcher, Near
from monitor.watch.planner import Looker
from schedules.times.interval import Interval
from schedules.times.mail_date import mail_date

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)
_MOST_SEEN = 20_000
_CHILD = "sitemap"
MOST_CHILDREN = 3
"""How many sitemaps of one index are looked at: each more makes all of them rarer."""

Planned = tuple[Target, tuple[Window, ...], timedelta]


@dataclass(frozen=True, slots=True)
class Producer:
    """Whose listings are watched: its id, its hosts, its listings and feeds, and those of the press about it."""

    id: str
    hosts: Sequence[str] = ()
    newest: Sequence[str] = ()
    press: Sequence[str] = ()
    press_keywords: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ListingHandlers:
    """Called with what tripwires show.

    `match`: an entry speaks of a release of the listing's producer. `newcomer(producer, found)`: one that was not there
    at the look before speaks of none. `press(producer, found, at)`: an item of the press holds one of the producer's
    keywords.
    """

    match: Callable[[ListingMatch], None] = lambda _hit: None
    newcomer: Callable[[str, Found], None] = lambda _producer, _found: None
    press: Callable[[str, Found, datetime], None] = lambda _producer, _found, _at: None


@dataclass(slots=True)
class _Listing:
    """One tripwire: whose it is, what it has shown since the start, and when it was last read."""

    producer: Producer
    is_press: bool = False
    seen: set[str] = field(default_factory=set)
    read: datetime | None = None
    near: tuple[Near, ...] = ()


@dataclass(slots=True)
class Tripwires:
    """Every tripwire of every configured producer, one request `every` so often for each producer and host.

    `near` tells a producer's releases whose slot has not long passed, `bearing` those that bear the address or title
    of an entry. What a listing shows at the first look after a start it showed before, unless it is dated later.
    """

    looker: Looker
    producers: Sequence[Producer]
    near: Callable[[str], Sequence[Near]]
    bearing: Callable[[str, Found], Sequence[Near]] = lambda _producer, _found: ()
    handlers: ListingHandlers = field(default_factory=ListingHandlers)
    every: timedelta = timedelta(minutes=1)
    _since: datetime = _END
    _watched: set[str] = field(default_factory=set)
    _listings: dict[str, _Listing] = field(default_factory=dict)
    _children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # By producer, what was shown of releases that are near: all others are forgotten with them.
    _hits: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def take_up(self, since: datetime) -> None:
        """Look at every tripwire from now on; what is dated after `since` is news though it was never seen before."""
        self._since = since
        self.watch_all()

    def reconfigure(self, producers: Sequence[Producer], every: timedelta) -> None:
        """Watch the tripwires of these producers from now on, and no others."""
        self.producers, self.every = producers, every
        self._forget_unnamed()
        self.watch_all()

    def watch_all(self) -> None:
        """Look at every tripwire from now on, and at none that is no longer one."""
        planned = list(self.planned())
        wanted = {target.id for target, _, _ in planned}
        for gone in self._watched - wanted:
            self.looker.drop(gone)
        for target, windows, shift in planned:
            self.looker.watch(target, windows, shift)
        self._watched = wanted

    def targets(self) -> Iterator[Target]:
        """Yield the targets of all tripwires."""
        for producer in self.producers:
            for target in self._newest(producer):
                self._listings.setdefault(target.id, _Listing(producer)).producer = producer
                yield target
            for target in press_of(producer.id, producer.press):
                self._listings.setdefault(target.id, _Listing(producer, is_press=True)).producer = producer
                yield target

    def planned(self) -> Iterator[Planned]:
        """Yield all targets with their windows and shifts; those of one producer and host take turns."""
        shared: dict[tuple[str, str], list[Target]] = defaultdict(list)
        for target in self.targets():
            shared[self._listings[target.id].producer.id, target.host].append(target)
        for targets in shared.values():
            for place, target in enumerate(targets):
                yield target, always(self.every * len(targets)), self.every * place

    def see(self, target: Target, sighting: Sighting) -> None:
        """Take in a look at a tripwire."""
        listing = self._listings.get(target.id)
        if listing is None or (sighting.state is State.UNKNOWN and not sighting.found):
            return
        entries = [one for one in sighting.found if one.role != _CHILD]
        fresh = self._fresh(listing, entries)
        if listing.is_press:
            self._see_press(listing.producer, fresh, sighting)
        else:
            self._see_newest(listing, target, sighting, entries, fresh)
            self._see_children(target, [one for one in sighting.found if one.role == _CHILD])
        listing.read = sighting.proved_from

    def _newest(self, producer: Producer) -> Iterator[Target]:
        own = tripwires_of(producer.id, producer.hosts, producer.newest)
        named = [url for target in own for url in self._children.get(target.id, ())]
        yield from {target.id: target for target in (*own, *sitemaps_of(producer.id, named))}.values()

    def _see_newest(
        self, listing: _Listing, target: Target, sighting: Sighting, entries: list[Found], fresh: list[Found]
    ) -> None:
        producer, near = listing.producer.id, tuple(self.near(listing.producer.id))
        # What was there at the look before has been held against the same releases then.
        asked = fresh if near == listing.near else entries
        new = {one.url for one in fresh}
        matcher = Matcher(near, sighting.received, lambda found: self.bearing(producer, found))
        listing.near, names = near, {one.release.id for one in near}
        known = self._hits[producer] = {hit for hit in self._hits.get(producer, ()) if hit[0] in names}
        taken = set()
        for one in asked:
            for release, sort in matcher.hits(one, is_fresh=one.url in new):
                taken.add(one.url)
                if (release, one.url) not in known:
                    known.add((release, one.url))
                    listed = Interval(listing.read if one.url in new else None, sighting.proved_to)
                    self.handlers.match(ListingMatch(release, sort, one.url, target.url, listed, one.title))
        for one in fresh:
            if one.url not in taken:
                self.handlers.newcomer(producer, one)

    def _see_children(self, target: Target, children: Sequence[Found]) -> None:
        """Look into the sitemaps that an index of the same host names: those last touched, or else the last of them."""
        own = [one for one in children if urlsplit(one.url).netloc == urlsplit(target.url).netloc]
        latest = sorted(own, key=lambda one: dated(one) or _BEGINNING)[-MOST_CHILDREN:]
        chosen = tuple(sorted(one.url for one in latest))
        if chosen != self._children.get(target.id, ()):
            self._children[target.id] = chosen
            self._forget_unnamed()
            self.watch_all()

    def _forget_unnamed(self) -> None:
        """Let go of sitemaps that no index names any more: some publishers make a new one each day."""
        named = {target.id for target in self.targets()}
        self._listings = {name: listing for name, listing in self._listings.items() if name in named}
        self._children = {name: children for name, children in self._children.items() if name in named}

    def _see_press(self, producer: Producer, fresh: Iterable[Found], sighting: Sighting) -> None:
        for one in fresh:
            text = f"{one.title} {one.facts.get('summary', '')}".casefold()
            if any(keyword.casefold() in text for keyword in producer.press_keywords):
                self.handlers.press(producer.id, one, sighting.received)

    def _fresh(self, listing: _Listing, entries: Sequence[Found]) -> list[Found]:
        """Return what a listing shows for the first time since the start; at the first look, what is dated since."""
        fresh = [one for one in entries if one.url not in listing.seen]
        if len(listing.seen) < _MOST_SEEN:
            listing.seen.update(one.url for one in fresh)
        return [one for one in fresh if listing.read is not None or (dated(one) or self._since) > self._since]


def dated(found: Found) -> datetime | None:
    """Return when an entry says that it was published, or else touched; None when it tells no time that can be read."""
    told = (found.facts.get(name, "") for name in ("published", "public_timestamp", "updated"))
    return next((moment for text in told if (moment := _moment(text)) is not None), None)


def always(every: timedelta) -> tuple[Window, ...]:
    """Return the window of a tripwire, which is looked at whatever the hour."""
    return (Window("tripwire", _BEGINNING, _END, every, chance=LISTING),)


def _moment(text: str) -> datetime | None:
    """Return the instant that a feed (RFC 822 or 3339) or a sitemap (W3C, a day at the least) writes."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return mail_date(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
