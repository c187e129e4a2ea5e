"""Addresses learnt from earlier editions: where the next one may stand before anybody is told.

Files at addresses that name their period; and pages elsewhere that stay where they are, to which every edition links.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.judge.as_json import judged_part
from monitor.look.recognise.title import names_a_period
from monitor.plan.addresses import new_ids
from monitor.plan.targets import ASSETS, GOVUK, is_file
from monitor.store.rows import Judged
from monitor.store.sql.read import VerdictStore
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Origin, Part, Role
from schedules.next_address import map_period_words, replace_period
from schedules.regular_series import Series, series_of
from schedules.release import Release
from schedules.titles import read_title

_log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=10)
_AGAIN = timedelta(hours=6)
_BACK = timedelta(days=400)
_SLICE = timedelta(days=7)
_LEARNT_FROM = (Origin.FOUND, Origin.PREDICTED)
_ROLES = ("attachment", "html", "data")
_MOST = 10
_MOST_PAGES = 3
_TIMES = 2
_LATEST = 4
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition that has come out: its title, its page, and the parts that its page told of and that were seen.

    `links` are the pages elsewhere that its page linked to, or that were seen to name its period.
    """

    title: str
    url: str
    parts: tuple[Part, ...]
    links: tuple[str, ...] = ()


@dataclass(slots=True)
class PredictedAddresses:
    """Has the addresses watched at which the parts of releases ahead may be expected.

    `hosts` tells those of a producer: on others no file is guessed. Hosts that were allowed to lie in a network of
    their own are `inside`: no link of a page leads there.
    """

    verdicts: VerdictStore
    watch: Watch
    clock: Clock
    hosts: Callable[[str], Collection[str]]
    ask: Ask
    inside: Collection[str] = ()
    _tried: dict[str, datetime] = field(default_factory=dict)

    async def learn(self) -> None:
        """Make the addresses of releases ahead that have none yet; a recurring job."""
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
        editions = list(editions)
        files = expected_parts(release, editions, self.hosts(release.producer))
        parts = [*files, *expected_pages(replace(release, parts=(*release.parts, *files)), editions, self.inside)]
        if parts:
            self.watch.add_parts(release.id, parts)
            _log.info("expected", release=release.id, addresses=[part.url for part in parts])

    def _editions(self, producer: str, wanted: Collection[Series], now: datetime) -> dict[Series, list[Edition]]:
        """Return the editions of these series that came out within the last year or so, the latest first."""
        found: dict[Series, list[Edition]] = defaultdict(list)
        linking: dict[str, set[Series]] = defaultdict(set)
        for row in self._latest_first(producer, now):
            series, links = series_of(producer, row.body["title"]), tuple(_links(row.body["parts"]))
            for url in links:
                linking[url].add(series)
            if series in wanted and ((parts := tuple(_seen(row.body["parts"]))) or links):
                found[series].append(Edition(row.body["title"], row.body["url"], parts, links))
        # Where several series meet, a period tells of none of them.
        shared = {url for url, who in linking.items() if len(who) > 1}
        return {series: [_without(edition, shared) for edition in each] for series, each in found.items()}

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
        pairs = map_period_words(edition.title, release.title)
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


def expected_pages(release: Release, editions: Sequence[Edition], inside: Collection[str]) -> list[Part]:
    """Return the pages elsewhere to which its latest editions linked again and again: they may name its period early.

    Each edition was of another period than this one; none of the pages lies on a host that is `inside`.
    """
    period, known = read_title(release.title).period, {part.url for part in release.parts}
    links = [(url, read_title(edition.title).period) for edition in editions[:_LATEST] for url in edition.links]
    times, ours = Counter(url for url, _ in links), {url for url, of in links if of == period}
    again = [url for url, number in times.items() if number >= _TIMES and url not in known | ours]
    fitting = [url for url in again if names_a_period(release.title) and _is_page_elsewhere(url, inside)]
    return [
        Part(name, Role.ALTERNATIVE, url, required=False, origin=Origin.PREDICTED)
        for name, url in zip(new_ids(Origin.PREDICTED, release.parts), fitting[:_MOST_PAGES], strict=False)
    ]


def _is_page_elsewhere(url: str, inside: Collection[str]) -> bool:
    host = urlsplit(url).hostname
    return len(url) <= _LONGEST and host not in (None, GOVUK, ASSETS, *inside) and not is_file(url)


def _address(url: str, edition: Edition, release: Release, pairs: Mapping[str, str]) -> str | None:
    """Return where a part of an earlier edition may stand for this one; below its page, the page is known."""
    page = f"{edition.url.rstrip('/')}/"
    made = replace_period(url, pairs)
    if not url.startswith(page) or replace_period(edition.url, pairs) is None:
        return made
    # The page of this edition may bear another address than its title makes likely.
    rest = f"https://{GOVUK}/{url.removeprefix(page)}"
    below = made and (replace_period(rest, pairs) or rest).removeprefix(f"https://{GOVUK}/")
    return f"{release.url.rstrip('/')}/{below}" if below else None


def _without(edition: Edition, shared: Collection[str]) -> Edition:
    return replace(edition, links=tuple(url for url in edition.links if url not in shared))


def _links(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the pages elsewhere that an edition was at: one that was expected and not seen says nothing."""
    for body in parts:
        part = judged_part(body)
        is_seen = part.origin is Origin.PREDICTED and part.role is Role.ALTERNATIVE and body["first_seen"]["by"]
        if part.origin is Origin.LINKED or is_seen:
            yield part.url


def _seen(parts: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    for body in parts:
        part = judged_part(body)
        if part.origin in _LEARNT_FROM and part.role in _ROLES and body["first_seen"]["by"]:
            yield part


def _series(release: Release) -> Series:
    return series_of(release.producer, release.title)
