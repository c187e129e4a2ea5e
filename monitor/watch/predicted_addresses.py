"""Addresses learnt from earlier editions: where the files of the next one may stand before anybody is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.judge.as_json import judged_part
from monitor.plan.addresses import new_ids
from monitor.plan.targets import ASSETS, GOVUK
from monitor.store.interface import VerdictStore
from monitor.store.rows import Judged
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Origin, Part
from schedules.next_address import renewed, replaced
from schedules.regular_series import Series, series_of
from schedules.release import Release

_log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=10)
_AGAIN = timedelta(hours=6)
_BACK = timedelta(days=400)
_SLICE = timedelta(days=7)
_LEARNT_FROM = (Origin.FOUND, Origin.PREDICTED)
_ROLES = ("attachment", "html", "data")
_MOST = 10


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition that has come out: its title, its page, and the parts that its page told of and that were seen."""

    title: str
    url: str
    parts: tuple[Part, ...]


@dataclass(slots=True)
class PredictedAddresses:
    """Has the addresses watched at which the parts of releases ahead may be expected.

    `hosts` tells those of a producer: on others nothing is guessed.
    """

    verdicts: VerdictStore
    watch: Watch
    clock: Clock
    hosts: Callable[[str], Collection[str]]
    ask: Ask
    _tried: dict[str, datetime] = field(default_factory=dict)

    async def learn(self) -> None:
        """Make the addresses of releases ahead that have none yet; for the clockwork."""
        now = self.clock.now()
        wanting: dict[str, list[Release]] = defaultdict(list)
        for watched in self.watch.releases.values():
            if self._is_wanting(watched, now):
                wanting[watched.release.producer].append(watched.release)
        for producer, releases in wanting.items():
            editions = await self.ask(partial(self._editions, producer, {_series(each) for each in releases}, now))
            for release in releases:
                self._expect(release, editions.get(_series(release), ()))
                self._tried[release.id] = now
        self._tried = {name: at for name, at in self._tried.items() if name in self.watch.releases}

    def _is_wanting(self, watched: WatchedRelease, now: datetime) -> bool:
        slot = watched.verdict.slot if watched.verdict is not None else None
        begins = slot.begins() if slot is not None else None
        tried = self._tried.get(watched.release.id)
        return (
            begins is not None
            and begins > now
            and (tried is None or now - tried >= _AGAIN)
            and not any(part.origin is Origin.PREDICTED for part in watched.release.parts)
        )

    def _expect(self, release: Release, editions: Iterable[Edition]) -> None:
        parts = expected_parts(release, editions, self.hosts(release.producer))
        if parts:
            self.watch.add_parts(release.id, parts)
            _log.info("expected", release=release.id, addresses=[part.url for part in parts])

    def _editions(self, producer: str, wanted: Collection[Series], now: datetime) -> dict[Series, list[Edition]]:
        """Return the editions of these series that came out within the last year or so, the latest first."""
        found: dict[Series, list[Edition]] = defaultdict(list)
        for row in self._latest_first(producer, now):
            series = series_of(producer, row.body["title"])
            if series in wanted and (parts := tuple(_seen(row.body["parts"]))):
                found[series].append(Edition(row.body["title"], row.body["url"], parts))
        return found

    def _latest_first(self, producer: str, now: datetime) -> Iterator[Judged]:
        # A week at a time: a busy producer's whole year in memory at once would be tens of MB.
        end = now
        while end > now - _BACK:
            begin = max(end - _SLICE, now - _BACK)
            yield from reversed(self.verdicts.judged(begin, end, producer))
            end = begin


def expected_parts(release: Release, editions: Iterable[Edition], hosts: Collection[str]) -> list[Part]:
    """Return the parts of a release that may be expected, from the latest edition that tells of any.

    Only on the host of its own page, on GOV.UK, and on the `hosts` of its producer.
    """
    known = {part.url for part in release.parts}
    allowed = {urlsplit(release.url).hostname, GOVUK, ASSETS, *hosts}
    for edition in editions:
        pairs = replaced(edition.title, release.title)
        made = [(part, _address(part.url, edition, release, pairs)) for part in edition.parts] if pairs else []
        unique = {url: part.role for part, url in made if url and url not in known}
        fitting = [(url, role) for url, role in unique.items() if urlsplit(url).hostname in allowed][:_MOST]
        if fitting:
            names = new_ids(Origin.PREDICTED, release.parts)
            return [
                Part(name, role, url, required=False, origin=Origin.PREDICTED)
                for name, (url, role) in zip(names, fitting, strict=False)
            ]
    return []


def _address(url: str, edition: Edition, release: Release, pairs: Mapping[str, str]) -> str | None:
    """Return where a part of an earlier edition may stand for this one; below its page, the page is known."""
    page = f"{edition.url.rstrip('/')}/"
    made = renewed(url, pairs)
    if not url.startswith(page) or renewed(edition.url, pairs) is None:
        return made
    # The page of this edition may bear another address than its title makes likely.
    rest = f"https://{GOVUK}/{url.removeprefix(page)}"
    below = made and (renewed(rest, pairs) or rest).removeprefix(f"https://{GOVUK}/")
    return f"{release.url.rstrip('/')}/{below}" if below else None


def _seen(parts: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    for body in parts:
        part = judged_part(body)
        if part.origin in _LEARNT_FROM and part.role in _ROLES and body["first_seen"]["by"]:
            yield part


def _series(release: Release) -> Series:
    return series_of(release.producer, release.title)
