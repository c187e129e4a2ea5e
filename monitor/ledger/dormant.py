"""Releases that are long over: they stay in the store alone, until a calendar or a listing shows one again."""

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
from schedules.address import canonical, last_segment
from schedules.joinable import Key
from schedules.promise import Promise
from schedules.release import Release
from schedules.titles import read_title, title_matches

AWAKE = timedelta(days=90)
"""How long a release is kept in memory after the last calendar let go of it and its last promised time."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of some releases: themselves, the entries that made them, and what these promised."""

    releases: Sequence[Release]
    entries: Sequence[Announced]
    promises: Sequence[Promise]

    def with_more(self, more: Recalled) -> Recalled:
        """Return what is known of these releases and of those of `more`."""
        releases, entries = [*self.releases, *more.releases], [*self.entries, *more.entries]
        return Recalled(releases, entries, [*self.promises, *more.promises])


class DormantReleases:
    """Reads releases back from the store; `calendars` names those that are read at all."""

    def __init__(self, store: Store, calendars: Collection[str]) -> None:
        self._store = store
        self._calendars = frozenset(calendars)
        self._past: Past | None = None

    def current(self, now: datetime) -> Iterator[Recalled]:
        """Yield the releases that are not long over, and those whose verdict is still open after their slot.

        They come in portions, and without themselves: their entries are joined again.
        """
        unsettled = [
            one.release for one in self._store.verdicts.open_judged() if one.slot is not None and one.slot < now
        ]
        for names in portions(sorted({*self._store.ledger.shown_since(now - AWAKE), *unsettled})):
            entries = self._entries(names)
            yield Recalled((), entries, self._store.ledger.promises(_named(entries)))

    def recall(self, releases: Iterable[str]) -> Recalled:
        """Return what is known of those of these releases that our calendars announced."""
        entries = self._entries(sorted(releases))
        names = _named(entries)
        return Recalled(self._store.ledger.releases_named(names), entries, self._store.ledger.promises(names))

    def _entries(self, releases: Sequence[str]) -> list[Announced]:
        return [one for one in self._store.ledger.entries_of(releases) if one.calendar in self._calendars]

    def behind(self, calendar: str, uids: Sequence[str]) -> set[str]:
        """Return the releases to which these entries of a calendar once belonged."""
        return {entry.release for entry in self._store.ledger.entries_named(calendar, uids)}

    def alike(self, producer: str, url: str, title: str) -> list[Release]:
        """Return the releases of a producer that bear the address or the title of an entry of a listing."""
        end, words = last_segment(url) or canonical(url), read_title(title).words
        return alike(self._store.ledger.releases_alike(producer, end, words), url, title)

    def past(self, awake: Collection[str], now: datetime) -> Past:
        """Return what the store tells of editions of other releases than those `awake`; kept until `forget_past`."""
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
        """Count editions among those of the past: they are kept in memory no longer."""
        if self._past is not None:
            for edition in editions:
                self._past.add(edition, now)

    def forget_past(self) -> None:
        """Have the past read anew: releases that came back to memory are no longer part of it."""
        self._past = None


def _named(entries: Iterable[Announced]) -> list[str]:
    return sorted({entry.release for entry in entries})


def alike(releases: Iterable[Release], url: str, title: str) -> list[Release]:
    """Return those releases that bear the address or the title of an entry of a listing."""
    link = canonical(url)
    return [one for one in releases if canonical(one.url) == link or title_matches(one.title, title)]


def long_over(
    states: Iterable[CalendarState], release_of: Mapping[Key, str], ledger: PromiseBook, since: datetime
) -> set[str]:
    """Return the releases that calendars let go of before `since`, and never promised for then or later.

    The same that `Store.shown_since` leaves out.
    """
    shown = {
        release_of[state.name, uid]
        for state in states
        for uid, seen in state.known.items()
        if seen.gone is None or seen.gone >= since
    }
    gone = {*release_of.values()} - shown
    return {release for release in gone if all(_was_before(promise, since) for promise in ledger.of(release))}


def _was_before(promise: Promise, since: datetime) -> bool:
    begins = promise.slot.begins()
    return begins is None or begins < since
