"""Tripwires: listings, feeds, sitemaps and press items that show a release early or at an unexpected address."""

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
from monitor.plan.windows import TRIPWIRE_CHANCE
from monitor.watch.listing_match import ListingMatch, Matcher, NearRelease
from monitor.watch.planner import Looker
from schedules.times.interval import Interval
from schedules.times.mail_date import mail_date

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)
_MAX_SEEN = 20_000
_CHILD = "sitemap"
MAX_SITEMAPS = 3
"""How many sitemaps of an index are looked at. All tripwires of a producer and host share one request a period."""

PlannedTripwire = tuple[Target, tuple[Window, ...], timedelta]


@dataclass(frozen=True, slots=True)
class Producer:
    """A producer with watched tripwires: its id, hosts, listings and feeds, press feeds, and keywords for the press."""

    id: str
    hosts: Sequence[str] = ()
    newest: Sequence[str] = ()
    press: Sequence[str] = ()
    press_keywords: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ListingHandlers:
    """Callbacks for what tripwires show.

    `match` is called if an entry matches a release of the listing's producer, `newcomer(producer, found)` if a new
    entry matches no release, and `press(producer, found, at)` if a press item contains a keyword of the producer.
    """

    match: Callable[[ListingMatch], None] = lambda _hit: None
    newcomer: Callable[[str, Found], None] = lambda _producer, _found: None
    press: Callable[[str, Found, datetime], None] = lambda _producer, _found, _at: None


@dataclass(slots=True)
class _Listing:
    """One tripwire: its producer, the addresses it has shown since the start, and when it was last read."""

    producer: Producer
    is_press: bool = False
    seen: set[str] = field(default_factory=set)
    read: datetime | None = None
    near: tuple[NearRelease, ...] = ()


@dataclass(slots=True)
class Tripwires:
    """All tripwires of all configured producers. Each producer and host gets one request per period `every`.

    `near` returns a producer's releases with a near slot, and `find_same_address_or_title` those that match an entry.
    Entries of the first look after a start count as old, unless they are dated after the start.
    """

    looker: Looker
    producers: Sequence[Producer]
    near: Callable[[str], Sequence[NearRelease]]
    find_same_address_or_title: Callable[[str, Found], Sequence[NearRelease]] = lambda _producer, _found: ()
    handlers: ListingHandlers = field(default_factory=ListingHandlers)
    every: timedelta = timedelta(minutes=1)
    _since: datetime = _END
    _watched: set[str] = field(default_factory=set)
    _listings: dict[str, _Listing] = field(default_factory=dict)
    _children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # By producer: release and address of each reported match. It is dropped once its release is not near any more.
    _reported: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def start(self, since: datetime) -> None:
        """Look at every tripwire from now on. Entries dated after `since` are new, even at the first look."""
        self._since = since
        self.watch_all()

    def reconfigure(self, producers: Sequence[Producer], every: timedelta) -> None:
        """Look at the tripwires of these producers from now on, and at no others."""
        self.producers, self.every = producers, every
        self._forget_unnamed()
        self.watch_all()

    def watch_all(self) -> None:
        """Send all tripwires to the poller, and drop all others."""
        planned = list(self.plan_targets())
        wanted = {target.id for target, _, _ in planned}
        for gone in self._watched - wanted:
            self.looker.drop(gone)
        for target, windows, shift in planned:
            self.looker.watch(target, windows, shift)
        self._watched = wanted

    def targets(self) -> Iterator[Target]:
        """Yield the targets of all tripwires."""
        for producer in self.producers:
            for target in self._newest_targets(producer):
                self._listings.setdefault(target.id, _Listing(producer)).producer = producer
                yield target
            for target in press_of(producer.id, producer.press):
                self._listings.setdefault(target.id, _Listing(producer, is_press=True)).producer = producer
                yield target

    def plan_targets(self) -> Iterator[PlannedTripwire]:
        """Yield all targets with their windows and shifts. Those of one producer and host take turns."""
        shared: dict[tuple[str, str], list[Target]] = defaultdict(list)
        for target in self.targets():
            shared[self._listings[target.id].producer.id, target.host].append(target)
        for targets in shared.values():
            for place, target in enumerate(targets):
                yield target, window_at_all_times(self.every * len(targets)), self.every * place

    def see(self, target: Target, sighting: Sighting) -> None:
        """Report what a look at a tripwire shows."""
        listing = self._listings.get(target.id)
        if listing is None or (sighting.state is State.UNKNOWN and not sighting.found):
            return
        entries = [one for one in sighting.found if one.role != _CHILD]
        fresh = self._find_fresh(listing, entries)
        if listing.is_press:
            self._see_press(listing.producer, fresh, sighting)
        else:
            self._see_newest(listing, target, sighting, entries, fresh)
            self._see_children(target, [one for one in sighting.found if one.role == _CHILD])
        listing.read = sighting.proved_from

    def _newest_targets(self, producer: Producer) -> Iterator[Target]:
        own = tripwires_of(producer.id, producer.hosts, producer.newest)
        named = [url for target in own for url in self._children.get(target.id, ())]
        yield from {target.id: target for target in (*own, *sitemaps_of(producer.id, named))}.values()

    def _see_newest(
        self, listing: _Listing, target: Target, sighting: Sighting, entries: list[Found], fresh: list[Found]
    ) -> None:
        """Report the entries that match a release, each once, and the new entries that match none."""
        producer, near = listing.producer.id, tuple(self.near(listing.producer.id))
        # Old entries were compared with the same releases at the look before.
        compared = fresh if near == listing.near else entries
        new = {one.url for one in fresh}
        matcher = Matcher(near, sighting.received, lambda found: self.find_same_address_or_title(producer, found))
        listing.near, names = near, {one.release.id for one in near}
        known = self._reported[producer] = {hit for hit in self._reported.get(producer, ()) if hit[0] in names}
        matched = set()
        for one in compared:
            for release, kind in matcher.matches(one, is_fresh=one.url in new):
                matched.add(one.url)
                if (release, one.url) not in known:
                    known.add((release, one.url))
                    listed = Interval(listing.read if one.url in new else None, sighting.proved_to)
                    self.handlers.match(ListingMatch(release, kind, one.url, target.url, listed, one.title))
        for one in fresh:
            if one.url not in matched:
                self.handlers.newcomer(producer, one)

    def _see_children(self, target: Target, children: Sequence[Found]) -> None:
        """Look at the sitemaps that an index names on its own host: those changed last, or else those named last."""
        own = [one for one in children if urlsplit(one.url).netloc == urlsplit(target.url).netloc]
        latest = sorted(own, key=lambda one: publication_date(one) or _BEGINNING)[-MAX_SITEMAPS:]
        chosen = tuple(sorted(one.url for one in latest))
        if chosen != self._children.get(target.id, ()):
            self._children[target.id] = chosen
            self._forget_unnamed()
            self.watch_all()

    def _forget_unnamed(self) -> None:
        """Forget sitemaps that no index names any more. Some publishers make a new one each day."""
        named = {target.id for target in self.targets()}
        self._listings = {name: listing for name, listing in self._listings.items() if name in named}
        self._children = {name: children for name, children in self._children.items() if name in named}

    def _see_press(self, producer: Producer, fresh: Iterable[Found], sighting: Sighting) -> None:
        for one in fresh:
            text = f"{one.title} {one.facts.get('summary', '')}".casefold()
            if any(keyword.casefold() in text for keyword in producer.press_keywords):
                self.handlers.press(producer.id, one, sighting.received)

    def _find_fresh(self, listing: _Listing, entries: Sequence[Found]) -> list[Found]:
        """Return the entries that are new since the last look. At the first look: those dated after the start."""
        fresh = [one for one in entries if one.url not in listing.seen]
        if len(listing.seen) < _MAX_SEEN:
            listing.seen.update(one.url for one in fresh)
        since = self._since
        return [one for one in fresh if listing.read is not None or (publication_date(one) or since) > since]


def publication_date(found: Found) -> datetime | None:
    """Return the entry's time of publication, or else of its last change. None if it has none that can be read."""
    texts = (found.facts.get(name, "") for name in ("published", "public_timestamp", "updated"))
    return next((moment for text in texts if (moment := _parse_instant(text)) is not None), None)


def window_at_all_times(every: timedelta) -> tuple[Window, ...]:
    """Return the window of a tripwire, which is looked at at all times."""
    return (Window("tripwire", _BEGINNING, _END, every, chance=TRIPWIRE_CHANCE),)


def _parse_instant(text: str) -> datetime | None:
    """Return the instant in the text of a feed (RFC 822 or 3339) or a sitemap (W3C date or time), or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return mail_date(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
