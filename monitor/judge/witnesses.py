"""Announcement and index: until when they prove that a release was out nowhere, and how far behind they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from monitor.judge.runs import Run
from monitor.look.recognise.version import first_published
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import State
from monitor.plan.addresses import ANNOUNCEMENT, INDEX, INDEX_LAG, REDIRECT_LAG
from monitor.plan.targets import View, target_id
from schedules.times.words import length
from schedules.times.zone import local

_SECOND = timedelta(seconds=1)
# A witness is looked at once a minute at least. After a longer pause it may have changed.
_STILL = timedelta(minutes=2)
# A stamp can be set by hand, so only a short lag is measured by it.
_MOST_BY_STAMP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Lags:
    """How long a release that is out may still be announced, and be missing from GOV.UK's index.

    The defaults are assumptions. Another release of the same day may have measured longer ones.
    """

    redirect: timedelta = REDIRECT_LAG
    index: timedelta = INDEX_LAG

    @property
    def longest(self) -> timedelta:
        """Return the longer of both."""
        return max(self.redirect, self.index)

    def in_words(self) -> str:
        """Return those that were measured, with a semicolon in front; empty if both are the defaults."""
        lags = (("still announced", self.redirect, REDIRECT_LAG), ("not listed", self.index, INDEX_LAG))
        behind = [f"{what} {length(lag.total_seconds())} after it was out" for what, lag, least in lags if lag > least]
        return f"; that day another release was {', and one '.join(behind)}" if behind else ""


DEFAULT_LAGS = Lags()


@dataclass(frozen=True, slots=True)
class Publication:
    """A release that was seen `out`, to measure the lags of its witnesses. `slot` is when it was due.

    `runs` contain those of all its targets.
    """

    release: str
    slot: datetime
    out: datetime
    runs: Mapping[str, Sequence[Run]]

    def lags(self, now: datetime) -> Lags:
        """Return how long its witnesses did not show it though it was out, as of `now`: at least the defaults.

        A lag ends with the look that shows the release, and lasts until now before that. A witness that does not show
        it may fail for good, or is looked at no more: its lag ends when the other one shows the release.
        """
        redirected, listed = (_shown_at(self.release, part, self.runs, now) for part in (ANNOUNCEMENT, INDEX))
        redirect = self._silent_for(ANNOUNCEMENT, redirected or listed or now, now)
        index = self._silent_for(INDEX, listed or redirected or now, now)
        return Lags(max(REDIRECT_LAG, redirect), max(INDEX_LAG, index))

    def _silent_for(self, part: str, ends: datetime, now: datetime) -> timedelta:
        silent = max((min(run.end, now) for run in _silent_runs(self.release, part, self.runs, now)), default=None)
        if silent is None:
            return timedelta()
        # Stored instants are rounded, so a lag is too: up.
        return -((self._out_since(now) - (ends if ends - silent <= _STILL else silent)) // _SECOND) * _SECOND

    def _out_since(self, now: datetime) -> datetime:
        """Return since when it was out: as seen, or as its publisher's stamp says if its witnesses led to it later."""
        pages = _runs_by(self.release, "page", self.runs, now)
        stamps = (first_published(run.version) for run in pages if run.state is State.PRESENT)
        least = max(self.slot, self.out - _MOST_BY_STAMP)
        return min([self.out, *(stamp for stamp in stamps if stamp is not None and stamp >= least)])


def lags_measured(published: Iterable[Publication], slot: datetime | None, now: datetime) -> Lags:
    """Return the longest lags shown by `now` by releases of the same day as a slot; the defaults if none is longer."""
    known = (each for each in published if slot is not None and is_same_day(each.slot, slot) and each.out <= now)
    lags = [DEFAULT_LAGS, *(each.lags(now) for each in known)]
    return Lags(max(each.redirect for each in lags), max(each.index for each in lags))


def is_same_day(one: datetime, other: datetime) -> bool:
    """Return whether two instants are on one day in London."""
    return local(one).date() == local(other).date()


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Until when looks found a release still `announced`, and `unlisted` in an index of publications.

    Both are behind: `lags` says how far. They say nothing about the time before `since`, when the announcement was
    first seen to announce: the release may have been out, and removed. `redirects`: the announcement has led to the
    page, so its redirect did not fail for good.
    """

    announced: datetime | None = None
    unlisted: datetime | None = None
    redirects: bool = False
    since: datetime | None = None
    lags: Lags = DEFAULT_LAGS

    @property
    def silent(self) -> datetime | None:
        """Return the latest instant at which neither showed the release, whatever their lag."""
        return None if self.announced is None or self.unlisted is None else min(self.announced, self.unlisted)

    @property
    def both(self) -> datetime | None:
        """Return the latest instant as of which both prove that the release was out nowhere."""
        announced = self._proved_absent(self.announced, self.lags.redirect)
        unlisted = self._proved_absent(self.unlisted, self.lags.index)
        return None if announced is None or unlisted is None else min(announced, unlisted)

    def absent(self, slot: datetime | None) -> datetime | None:
        """Return the latest instant as of which the release was out nowhere.

        Before its slot, an announcement that has redirected since proves that without the index, with the default lag:
        longer ones only delay the claim that it is late. After the slot, or if the redirect may have failed for good,
        an announcement may go on though the page is out. Then the index must not list it either.
        """
        announced = self._proved_absent(self.announced, REDIRECT_LAG)
        if announced is None or slot is None or not self.redirects:
            return self.both
        before = min(announced, slot)
        if self.since is not None and before < self.since:
            return self.both
        return before if self.both is None else max(before, self.both)

    def _proved_absent(self, last: datetime | None, lag: timedelta) -> datetime | None:
        proved = None if last is None else last - lag
        return None if proved is None or self.since is None or proved < self.since else proved


def witnesses(release: str, runs: Mapping[str, Sequence[Run]], now: datetime, lags: Lags) -> Witnesses:
    """Return what the announcement of a release and the index show by `now`, from runs by target id."""
    announced, unlisted = (_silent_runs(release, part, runs, now) for part in (ANNOUNCEMENT, INDEX))
    return Witnesses(
        max((min(run.end, now) for run in announced), default=None),
        max((min(run.end, now) for run in unlisted), default=None),
        any(run.why == REDIRECTED for run in _runs_by(release, ANNOUNCEMENT, runs, now)),
        min((run.first_sent for run in announced), default=None),
        lags,
    )


def _silent_runs(release: str, part: str, runs: Mapping[str, Sequence[Run]], now: datetime) -> list[Run]:
    """Return the runs that show nothing yet, up to the first that shows it out: what follows may be an old copy."""
    before = takewhile(lambda run: not _shows_release(run), _runs_by(release, part, runs, now))
    return [run for run in before if run.state is State.ABSENT]


def _shown_at(release: str, part: str, runs: Mapping[str, Sequence[Run]], now: datetime) -> datetime | None:
    return next((run.begin for run in _runs_by(release, part, runs, now) if _shows_release(run)), None)


def _shows_release(run: Run) -> bool:
    return run.state is State.PRESENT or run.why == REDIRECTED


def _runs_by(release: str, part: str, runs: Mapping[str, Sequence[Run]], now: datetime) -> list[Run]:
    known = (run for view in View for run in runs.get(target_id(release, part, view), ()) if run.first_sent <= now)
    return sorted(known, key=lambda run: run.first_sent)
