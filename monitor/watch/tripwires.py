"""Tripwires: listings, feeds, sitemaps and press items that show a release early or elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from urllib.parse import urlsplit

from monitor.look.fetch import Found
from monitor.look.poller import Poller
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import TRIPWIRE, Window
from monitor.plan.targets import Target, press_of, sitemaps_of, tripwires_of
from monitor.plan.windows import TRIPWIRE_CHANCE
from monitor.watch.listing_match import ListingMatch, Matcher, NearRelease
from schedules.times.interval import Interval
from schedules.times.mail_date import mail_date

_BEGINNING, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MAX_SEEN = 20_000
"""So many addresses of a listing are remembered. Further ones are new at each look."""
_SITEMAP_ROLE = "sitemap"
MAX_SITEMAPS = 3
"""So many sitemaps of an index are looked at: a producer and host get one request a period."""


@dataclass(frozen=True, slots=True)
class Producer:
    """A producer with watched tripwires."""

    id: str
    hosts: Sequence[str] = ()
    newest: Sequence[str] = ()
    press: Sequence[str] = ()
    press_keywords: Sequence[str] = ()


@dataclass(slots=True)
class _Listing:
    """One tripwire: its producer, the addresses it has shown, and its last read."""

    producer: Producer
    is_press: bool
    seen: set[str] = field(default_factory=set)
    read_at: datetime | None = None
    near_releases: tuple[NearRelease, ...] = ()


@dataclass(slots=True)
class Tripwires:
    """All tripwires of all configured producers, one request a period `every` for each and host.

    `on_match`: an entry matches a release. `on_unmatched(producer, found)`: a new one matches none.
    `on_press(producer, found, at)`: a press item has a keyword. Of the first look, entries dated
    after the start are new.
    """

    poller: Poller
    producers: Sequence[Producer]
    near_releases: Callable[[str], Sequence[NearRelease]]
    find_same_address_or_title: Callable[[str, Found], Sequence[NearRelease]]
    on_match: Callable[[ListingMatch], None]
    on_unmatched: Callable[[str, Found], None]
    on_press: Callable[[str, Found, datetime], None]
    every: timedelta
    _since: datetime = _END
    _watched: set[str] = field(default_factory=set)
    _listings: dict[str, _Listing] = field(default_factory=dict)
    # By id of an index: the sitemaps that are looked at.
    _sitemaps_by_index: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # By producer: reported matches of near releases, by release and address.
    _reported: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def start(self, since: datetime) -> None:
        """Look at every tripwire from now on. Entries dated after `since` are new."""
        self._since = since
        self.watch_all()

    def reconfigure(self, producers: Sequence[Producer], every: timedelta) -> None:
        """Look at the tripwires of these producers from now on, and at no others."""
        self.producers, self.every = producers, every
        self._forget_unnamed()
        self.watch_all()

    def watch_all(self) -> None:
        """Have the poller look at all `targets`, and at no others."""
        planned = list(self.plan_targets())
        wanted = {target.id for target, _, _ in planned}
        for dropped in self._watched - wanted:
            self.poller.drop(dropped)
        for target, windows, shift in planned:
            self.poller.watch(target, windows, shift)
        self._watched = wanted

    def targets(self) -> Iterator[Target]:
        """Yield the targets to look at, each with a state, whose producer a reload may replace."""
        for producer in self.producers:
            tripwires = tripwires_of(producer.id, producer.hosts, producer.newest)
            # Earlier looks at indexes found these.
            of_indexes = (self._sitemaps_by_index.get(index.id, ()) for index in tripwires)
            sitemap_urls = list(chain.from_iterable(of_indexes))
            # A sitemap may be configured and named by an index.
            by_id = {
                target.id: target
                for target in (*tripwires, *sitemaps_of(producer.id, sitemap_urls))
            }
            press_feeds = press_of(producer.id, producer.press)
            for target in (*by_id.values(), *press_feeds):
                listing = self._listings.setdefault(
                    target.id, _Listing(producer, is_press=target in press_feeds)
                )
                listing.producer = producer
                yield target

    def plan_targets(self) -> Iterator[tuple[Target, tuple[Window, ...], timedelta]]:
        """Yield each target with windows and shift: those of one producer and host take turns."""
        by_budget: dict[tuple[str, str], list[Target]] = defaultdict(list)
        for target in self.targets():
            by_budget[self._listings[target.id].producer.id, target.host].append(target)
        for targets in by_budget.values():
            # Each of 3 targets has a look every 3 minutes, if `every` is 1.
            for turn, target in enumerate(targets):
                yield target, window_at_all_times(self.every * len(targets)), self.every * turn

    def see(self, target: Target, sighting: Sighting) -> None:
        """Report what a look shows: matching and new entries, or new press items with a keyword."""
        listing = self._listings.get(target.id)
        if listing is None or (sighting.state is State.UNKNOWN and not sighting.found):
            return
        entries = [found for found in sighting.found if found.role != _SITEMAP_ROLE]
        new_entries = self._find_new_entries(listing, entries)
        if listing.is_press:
            for entry in new_entries:
                text = f"{entry.title} {entry.facts.get('summary', '')}".casefold()
                if any(keyword.casefold() in text for keyword in listing.producer.press_keywords):
                    self.on_press(listing.producer.id, entry, sighting.received)
        else:
            self._report_entries(listing, target, sighting, entries, new_entries)
            self._watch_sitemaps(
                target, [found for found in sighting.found if found.role == _SITEMAP_ROLE]
            )
        # It describes no earlier instant, so an entry that it lacks came later.
        listing.read_at = sighting.proved_from

    def _report_entries(
        self,
        listing: _Listing,
        target: Target,
        sighting: Sighting,
        entries: list[Found],
        new_entries: list[Found],
    ) -> None:
        """Report entries that match a near release, each once, and new ones that match none."""
        producer = listing.producer.id
        near = tuple(self.near_releases(producer))
        # Old entries were compared with the same releases before.
        to_compare = new_entries if near == listing.near_releases else entries
        listing.near_releases = near
        new_urls = {entry.url for entry in new_entries}
        matcher = Matcher(
            near, sighting.received, lambda found: self.find_same_address_or_title(producer, found)
        )
        near_ids = {candidate.release.id for candidate in near}
        reported = {
            (release, url)
            for release, url in self._reported.get(producer, ())
            if release in near_ids
        }
        self._reported[producer] = reported
        matched_urls = set()
        for entry in to_compare:
            is_new = entry.url in new_urls
            # A new entry came after the last read.
            listed = Interval(listing.read_at if is_new else None, sighting.proved_to)
            for release, kind in matcher.matches(entry, is_new=is_new):
                matched_urls.add(entry.url)
                if (release, entry.url) not in reported:
                    reported.add((release, entry.url))
                    self.on_match(
                        ListingMatch(release, kind, entry.url, target.url, listed, entry.title)
                    )
        for entry in new_entries:
            if entry.url not in matched_urls:
                self.on_unmatched(producer, entry)

    def _watch_sitemaps(self, target: Target, sitemaps: Sequence[Found]) -> None:
        """Look at the sitemaps of an index on its own host that changed last, or are named last."""
        own = [
            found for found in sitemaps if urlsplit(found.url).netloc == urlsplit(target.url).netloc
        ]
        # Those without a date keep the order of the index.
        latest = sorted(own, key=lambda found: publication_date(found) or _BEGINNING)[
            -MAX_SITEMAPS:
        ]
        chosen = tuple(sorted(found.url for found in latest))
        if chosen != self._sitemaps_by_index.get(target.id, ()):
            self._sitemaps_by_index[target.id] = chosen
            self._forget_unnamed()
            self.watch_all()

    def _forget_unnamed(self) -> None:
        """Forget sitemaps that no index names any more. Some publishers make one each day."""
        named = {target.id for target in self.targets()}
        self._listings = {
            name: listing for name, listing in self._listings.items() if name in named
        }
        self._sitemaps_by_index = {
            name: urls for name, urls in self._sitemaps_by_index.items() if name in named
        }

    def _find_new_entries(self, listing: _Listing, entries: Sequence[Found]) -> list[Found]:
        unseen = [entry for entry in entries if entry.url not in listing.seen]
        if len(listing.seen) < _MAX_SEEN:
            listing.seen.update(entry.url for entry in unseen)
        if listing.read_at is not None:
            return unseen
        dated = ((entry, publication_date(entry)) for entry in unseen)
        return [entry for entry, date in dated if date is not None and date > self._since]


def publication_date(found: Found) -> datetime | None:
    """Return the entry's time of publication, or else of its last change, or None."""
    dates = (
        _parse_instant(found.facts.get(name, ""))
        for name in ("published", "public_timestamp", "updated")
    )
    return next((date for date in dates if date is not None), None)


def window_at_all_times(every: timedelta) -> tuple[Window, ...]:
    """Return the window of a tripwire."""
    return (Window(TRIPWIRE, _BEGINNING, _END, every, chance=TRIPWIRE_CHANCE),)


def _parse_instant(text: str) -> datetime | None:
    """Return the instant in a feed (RFC 822 or 3339) or sitemap (W3C date or time), or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return mail_date(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
