"""Releases that are long over: only the store has them, until a calendar or a listing shows one again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.ledger.missing_editions import Past
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState
from monitor.store.rows import Announced, SeriesEdition
from monitor.store.sql.engine import Store
from monitor.threads import portions
from schedules.address import canonical_address, last_segment
from schedules.matching import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.titles import read_title, title_matches

AWAKE = timedelta(days=90)
"""How long a release stays in memory after the last calendar removed it and its last promised time passed."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Stored releases, with their entries and promises."""

    releases: Sequence[Release]
    entries: Sequence[Announced]
    promises: Sequence[Promise]

    def with_more(self, more: Recalled) -> Recalled:
        """Return these and those of `more` together."""
        releases, entries = [*self.releases, *more.releases], [*self.entries, *more.entries]
        return Recalled(releases, entries, [*self.promises, *more.promises])


class DormantReleases:
    """Loads releases from the store. Only entries of `calendars`, the configured ones, count."""

    def __init__(self, store: Store, calendars: Collection[str]) -> None:
        self._store = store
        self._calendars = frozenset(calendars)
        self._past: Past | None = None

    def current(self, now: datetime) -> Iterator[Recalled]:
        """Yield, in portions, the entries and promises of releases that are not long over or have an open verdict.

        The releases themselves are left out, because the entries are joined again.
        """
        unsettled = [
            one.release for one in self._store.verdicts.open_judged() if one.slot is not None and one.slot < now
        ]
        for names in portions(sorted({*self._store.ledger.shown_since(now - AWAKE), *unsettled})):
            entries = self._entries(names)
            yield Recalled((), entries, self._store.ledger.promises(_release_ids(entries)))

    def recall(self, releases: Iterable[str]) -> Recalled:
        """Return those of these releases that our calendars announced, with entries and promises."""
        entries = self._entries(sorted(releases))
        names = _release_ids(entries)
        return Recalled(self._store.ledger.releases_named(names), entries, self._store.ledger.promises(names))

    def _entries(self, releases: Sequence[str]) -> list[Announced]:
        return [one for one in self._store.ledger.entries_of(releases) if one.calendar in self._calendars]

    def releases_of_entries(self, calendar: str, uids: Sequence[str]) -> set[str]:
        """Return the ids of the releases that these entries of a calendar belong to."""
        return {entry.release for entry in self._store.ledger.entries_named(calendar, uids)}

    def matching_releases(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the stored releases of a producer that have the address or title of a listing entry."""
        end, words = last_segment(url) or canonical_address(url), read_title(title).words
        return matching_releases(self._store.ledger.releases_alike(producer, end, words), url, title)

    def past(self, awake: Collection[str], now: datetime) -> Past:
        """Return the stored editions, except those of releases in memory (`awake`). Cached until `forget_past`."""
        if self._past is None:
            past, page = Past(), self._store.ledger.editions()
            while page:
                for edition in page:
                    if edition.release not in awake:
                        past.add(edition, now)
                page = self._store.ledger.editions(page[-1].release)
            self._past = past
        return self._past

    def add_past(self, editions: Iterable[SeriesEdition], now: datetime) -> None:
        """Add editions of releases that were dropped from memory."""
        if self._past is not None:
            for edition in editions:
                self._past.add(edition, now)

    def forget_past(self) -> None:
        """Clear the cache of `past`, because releases were loaded into memory."""
        self._past = None


def _release_ids(entries: Iterable[Announced]) -> list[str]:
    return sorted({entry.release for entry in entries})


def matching_releases(releases: Iterable[Release], url: str, title: str) -> list[Release]:
    """Return those releases that have the address or title of a listing entry."""
    link = canonical_address(url)
    return [one for one in releases if canonical_address(one.url) == link or title_matches(one.title, title)]


def long_over(
    states: Iterable[CalendarState], release_of: Mapping[Key, str], ledger: PromiseBook, since: datetime
) -> set[str]:
    """Return the releases that calendars removed before `since` and that were never promised for a later time.

    `Store.shown_since` leaves out the same releases.
    """
    shown = {
        release_of[state.name, uid]
        for state in states
        for uid, seen in state.known.items()
        if seen.absent_since is None or seen.absent_since >= since
    }
    gone = {*release_of.values()} - shown
    return {release for release in gone if all(_promised_before(promise, since) for promise in ledger.of(release))}


def _promised_before(promise: Promise, since: datetime) -> bool:
    begins = promise.slot.begins()
    return begins is None or begins < since
