"""Loads releases from the store. Releases that are long over are only there, until one is shown again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.ledger.missing_editions import PastEditions
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
"""How long a release stays in memory after no calendar shows it any more and its last promised time has passed."""


@dataclass(frozen=True, slots=True)
class StoredReleases:
    """Stored releases, with their entries and promises."""

    releases: Sequence[Release]
    entries: Sequence[Announced]
    promises: Sequence[Promise]

    def combine(self, more: StoredReleases) -> StoredReleases:
        """Return these and those of `more` together."""
        releases, entries = [*self.releases, *more.releases], [*self.entries, *more.entries]
        return StoredReleases(releases, entries, [*self.promises, *more.promises])


class DormantReleases:
    """Loads releases from the store, but only those that one of the configured `calendars` has announced."""

    def __init__(self, store: Store, calendars: Collection[str]) -> None:
        self._store = store
        self._calendars = frozenset(calendars)
        self._past: PastEditions | None = None

    def load_current(self, now: datetime) -> Iterator[StoredReleases]:
        """Yield, in portions, the entries and promises of releases that are not long over or have no final verdict.

        The releases themselves are not loaded, because the entries are joined into releases again.
        """
        unsettled = [
            one.release for one in self._store.verdicts.open_judged() if one.slot is not None and one.slot < now
        ]
        for names in portions(sorted({*self._store.ledger.shown_since(now - AWAKE), *unsettled})):
            entries = self._load_entries(names)
            yield StoredReleases((), entries, self._store.ledger.promises(_release_ids(entries)))

    def load_releases(self, releases: Iterable[str]) -> StoredReleases:
        """Return those of these releases that are stored, with entries and promises."""
        entries = self._load_entries(sorted(releases))
        names = _release_ids(entries)
        return StoredReleases(self._store.ledger.releases_named(names), entries, self._store.ledger.promises(names))

    def _load_entries(self, releases: Sequence[str]) -> list[Announced]:
        return [one for one in self._store.ledger.entries_of(releases) if one.calendar in self._calendars]

    def releases_of_entries(self, calendar: str, uids: Sequence[str]) -> set[str]:
        """Return the ids of the releases that these entries of a calendar belong to."""
        return {entry.release for entry in self._store.ledger.entries_named(calendar, uids)}

    def find_matching(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the stored releases of a producer that have the address or title of a listing entry."""
        end, words = last_segment(url) or canonical_address(url), read_title(title).words
        return matching_releases(self._store.ledger.releases_alike(producer, end, words), url, title)

    def past_editions(self, awake: Collection[str], now: datetime) -> PastEditions:
        """Return the stored editions without those of releases in memory (`awake`). The result is cached."""
        if self._past is None:
            past, page = PastEditions(), self._store.ledger.editions()
            while page:
                for edition in page:
                    if edition.release not in awake:
                        past.add(edition, now)
                page = self._store.ledger.editions(page[-1].release)
            self._past = past
        return self._past

    def add_past_editions(self, editions: Iterable[SeriesEdition], now: datetime) -> None:
        """Add the editions of releases that were dropped from memory to the cache."""
        if self._past is not None:
            for edition in editions:
                self._past.add(edition, now)

    def forget_past_editions(self) -> None:
        """Clear the cache of `past_editions`, because releases were loaded into memory."""
        self._past = None


def _release_ids(entries: Iterable[Announced]) -> list[str]:
    return sorted({entry.release for entry in entries})


def matching_releases(releases: Iterable[Release], url: str, title: str) -> list[Release]:
    """Return those releases that have the address or title of a listing entry."""
    link = canonical_address(url)
    return [one for one in releases if canonical_address(one.url) == link or title_matches(one.title, title)]


def find_past_releases(
    states: Iterable[CalendarState], release_of: Mapping[Key, str], ledger: PromiseBook, since: datetime
) -> set[str]:
    """Return the releases that no calendar has shown since `since` and that were never promised for a later time.

    `LedgerStore.shown_since` leaves out the same releases.
    """
    shown = {
        release_of[state.name, uid]
        for state in states
        for uid, seen in state.last_seen.items()
        if seen.absent_since is None or seen.absent_since >= since
    }
    return {
        release
        for release in {*release_of.values()} - shown
        if all((begins := one.slot.begins()) is None or begins < since for one in ledger.promises_of(release))
    }
