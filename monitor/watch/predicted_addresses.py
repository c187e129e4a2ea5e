"""Predicts addresses of the next edition from earlier ones, to find it early.

They are files whose address has the period in it, and pages on other sites to which edition after
edition links.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import structlog

from monitor.clock import Clock
from monitor.judge.as_json import part_from_json
from monitor.plan.targets import ASSETS, GOVUK, is_file
from monitor.store.rows import Judged
from monitor.store.sql.read import VerdictStore
from monitor.threads import Ask
from monitor.watch.listing_match import new_parts
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Origin, Part, Role
from schedules.next_address import map_period_words, replace_period
from schedules.regular_series import Series, series_of
from schedules.release import Release
from schedules.titles import names_a_period, read_title

_log = structlog.get_logger(__name__)
PREDICT_EVERY = timedelta(minutes=10)
_RETRY_AFTER = timedelta(hours=6)
_HISTORY, _SLICE = timedelta(days=400), timedelta(days=7)
_PROVEN_ORIGINS = (Origin.FOUND, Origin.PREDICTED)
_ROLES = ("attachment", "html", "data")
_MAX_FILES, _MAX_PAGES = 10, 3
_MIN_EDITIONS, _EDITIONS_COMPARED = 2, 4
_MAX_URL_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Edition:
    """A published edition: its title, its page, and the files that its page named and that were
    seen.

    `links` are pages on other sites that its page linked to, or that were seen with its period.
    """

    title: str
    url: str
    parts: tuple[Part, ...]
    links: tuple[str, ...] = ()

    def with_only_links(self, kept: Collection[str]) -> Edition:
        """Return the edition without other links."""
        return replace(self, links=tuple(url for url in self.links if url in kept))


@dataclass(slots=True)
class PredictedAddresses:
    """Adds predicted parts to the releases ahead.

    `hosts` are the hosts of each producer, the only ones on which files are predicted. `inside` are
    the hosts that may be in private networks. They are never predicted from a link of a page.
    """

    verdicts: VerdictStore
    watch: Watch
    clock: Clock
    hosts: Mapping[str, Collection[str]]
    ask: Ask
    inside: Collection[str]
    _tried: dict[str, datetime] = field(default_factory=dict)

    async def predict_missing(self) -> None:
        """Add predicted parts (guessed from earlier editions) to the releases ahead that have none.

        A recurring job.
        """
        now = self.clock.now()
        by_producer: dict[str, list[Release]] = defaultdict(list)
        for watched in self.watch.releases.values():
            if self._needs_prediction(watched, now):
                by_producer[watched.release.producer].append(watched.release)
        for producer, releases in by_producer.items():
            series = {release.id: series_of(producer, release.title) for release in releases}
            editions = await self.ask(
                partial(self._read_editions, producer, set(series.values()), now)
            )
            for release in releases:
                self._add_predictions(release, editions.get(series[release.id], []))
                self._tried[release.id] = now
        self._tried = {name: at for name, at in self._tried.items() if name in self.watch.releases}

    def _needs_prediction(self, watched: WatchedRelease, now: datetime) -> bool:
        """Return whether a release has its slot ahead, no predicted part, and no recent attempt."""
        begins = None if watched.verdict is None else watched.verdict.slot_begins
        tried = self._tried.get(watched.release.id)
        if begins is None or begins <= now or (tried is not None and now - tried < _RETRY_AFTER):
            return False
        return not any(part.origin is Origin.PREDICTED for part in watched.release.parts)

    def _add_predictions(self, release: Release, editions: Sequence[Edition]) -> None:
        """Watch the files and pages that earlier editions suggest for a release."""
        files = predicted_files(release, editions, self.hosts.get(release.producer, ()))
        parts = [
            *files,
            *predicted_pages(
                replace(release, parts=(*release.parts, *files)), editions, self.inside
            ),
        ]
        if parts:
            self.watch.add_parts(release.id, parts)
            _log.info("expected", release=release.id, parts=[part.id for part in parts])

    def _read_editions(
        self, producer: str, wanted: Collection[Series], now: datetime
    ) -> dict[Series, list[Edition]]:
        """Return the last 400 days' editions with files or links of each `wanted` series, the
        latest first.
        """
        editions: dict[Series, list[Edition]] = defaultdict(list)
        series_by_link: dict[str, set[Series]] = defaultdict(set)
        for row in self._judged_latest_first(producer, now):
            edition = _edition_from_row(row)
            series = series_of(producer, edition.title)
            for url in edition.links:
                series_by_link[url].add(series)  # also if this series is not wanted
            if series in wanted and (edition.parts or edition.links):
                editions[series].append(edition)
        # A new period on a page may be of any series that links to it. So leave out the links that
        # several series have.
        unshared = {
            url for url, series_with_link in series_by_link.items() if len(series_with_link) == 1
        }
        return {
            series: [edition.with_only_links(unshared) for edition in of_series]
            for series, of_series in editions.items()
        }

    def _judged_latest_first(self, producer: str, now: datetime) -> Iterator[Judged]:
        """Yield a producer's verdicts of the last 400 days, read week by week because a year may
        take tens of MB.
        """
        end = now
        while end > now - _HISTORY:
            begin = max(end - _SLICE, now - _HISTORY)
            yield from reversed(self.verdicts.judged(begin, end, producer))
            end = begin


def _edition_from_row(row: Judged) -> Edition:
    """Return an edition with its files that were seen, and the pages on other sites that may show
    the next edition.
    """
    files, links = [], []
    for body in row.body["parts"]:
        part, was_seen = part_from_json(body), bool(body["first_seen"]["by"])
        if part.origin is Origin.LINKED:
            # not polled, so never seen: it counts because the published page linked to it
            links.append(part.url)
        elif was_seen and part.origin is Origin.PREDICTED and part.role is Role.ALTERNATIVE:
            links.append(part.url)  # a page on another site, which showed this edition as predicted
        elif was_seen and part.origin in _PROVEN_ORIGINS and part.role in _ROLES:
            files.append(part)
    return Edition(row.body["title"], row.body["url"], tuple(files), tuple(links))


def predicted_files(
    release: Release, editions: Iterable[Edition], hosts: Collection[str]
) -> list[Part]:
    """Return the predicted files of a release, made from the latest edition that gives any.

    They are on the host of its own page, on GOV.UK or on the `hosts` of its producer.
    """
    known = {part.url for part in release.parts}
    allowed = {urlsplit(release.url).hostname, GOVUK, ASSETS, *hosts}
    for edition in editions:
        period_words = map_period_words(edition.title, release.title)
        if not period_words:
            continue
        roles: dict[str, Role] = {}
        for part in edition.parts:
            url = _predict_address(part.url, edition, release, period_words)
            if url and url not in known and urlsplit(url).hostname in allowed:
                roles[url] = part.role
        if roles:
            return new_parts(release, Origin.PREDICTED, list(roles.items())[:_MAX_FILES])
    return []


def predicted_pages(
    release: Release, editions: Sequence[Edition], inside: Collection[str]
) -> list[Part]:
    """Return as parts the pages on other sites to which at least two of the latest four editions
    linked, at most three.

    Such a page may show the new period early. Pages to which an edition of the same period linked
    are left out, and those on hosts `inside`. `editions` are the latest first.
    """
    if not names_a_period(release.title):
        return []
    period = read_title(release.title).period
    times_linked = Counter[str]()
    excluded = {part.url for part in release.parts}
    for edition in editions[:_EDITIONS_COMPARED]:
        times_linked.update(edition.links)
        if read_title(edition.title).period == period:
            excluded.update(edition.links)
    repeated = [
        url for url, times in times_linked.items() if times >= _MIN_EDITIONS and url not in excluded
    ]
    pages = [(url, Role.ALTERNATIVE) for url in repeated if _is_page_elsewhere(url, inside)]
    return new_parts(release, Origin.PREDICTED, pages[:_MAX_PAGES])


def _is_page_elsewhere(url: str, inside: Collection[str]) -> bool:
    """Return whether an address may be predicted: a page that is neither on GOV.UK nor on a host
    `inside`.
    """
    host = urlsplit(url).hostname
    return (
        len(url) <= _MAX_URL_LENGTH
        and host not in (None, GOVUK, ASSETS, *inside)
        and not is_file(url)
    )


def _predict_address(
    url: str, edition: Edition, release: Release, period_words: Mapping[str, str]
) -> str | None:
    """Return the address of a part of `release`, made from the `url` of that part in an earlier
    edition, or None.

    E.g. the file `…/births-2016/births-2016.csv` of an edition becomes
    `…/births-2017/births-2017.csv`.
    """
    predicted = replace_period(url, period_words)
    if predicted is None:  # `url` has no period, or an ambiguous one
        return None
    old_page = f"{edition.url.rstrip('/')}/"
    has_page_a_period = replace_period(edition.url, period_words) is not None
    if not url.startswith(old_page) or not has_page_a_period:
        return predicted
    # The part is below the old page. The address of the new page is known, and may not follow the
    # pattern of the old one. So take the new page's address, and predict only the path of the part
    # below it.
    site = f"https://{GOVUK}/"  # any site will do: `replace_period` needs a whole address
    old_address = site + url.removeprefix(old_page)
    # the path may have no period
    new_address = replace_period(old_address, period_words) or old_address
    path = new_address.removeprefix(site)
    return f"{release.url.rstrip('/')}/{path}" if path else None
