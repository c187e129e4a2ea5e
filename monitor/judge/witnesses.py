"""Witnesses of a page with an unknown address, which lag behind the release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from math import ceil

from monitor.judge.reasons import Reason
from monitor.judge.runs import Run, Runs
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import State
from monitor.look.version import first_published
from monitor.plan.addresses import ANNOUNCEMENT, INDEX, INDEX_LAG, REDIRECT_LAG
from monitor.plan.targets import View, target_id
from schedules.times.interval import latest_known
from schedules.times.zone import local_date

# Witnesses get a look every minute or oftener. After a longer pause one may have changed.
_LONGEST_PAUSE = timedelta(minutes=2)
# People can set a stamp by hand, so it measures short lags only.
_LONGEST_LAG_BY_STAMP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Lags:
    """How long a published release may still be announced, and missing from GOV.UK's index.

    The defaults are assumptions. Longer lags measured that day replace them.
    """

    redirect: timedelta = REDIRECT_LAG
    index: timedelta = INDEX_LAG

    @property
    def longest(self) -> timedelta:
        """Return the longer of both."""
        return max(self.redirect, self.index)

    def longer_lags_text(self) -> str | None:
        """Return the lags that exceed the defaults in words, or None."""
        lags = (
            (Reason.STILL_ANNOUNCED, self.redirect, REDIRECT_LAG),
            (Reason.NOT_LISTED, self.index, INDEX_LAG),
        )
        texts = tuple(
            lack.text(lag=lag.total_seconds()) for lack, lag, default in lags if lag > default
        )
        if texts:
            return Reason.LONGER_LAGS.text(lags=texts)
        return None


DEFAULT_LAGS = Lags()


@dataclass(frozen=True, slots=True)
class Publication:
    """A release first seen at `out`, which measures its witnesses' lags and has files
    to compare.
    """

    release: str
    slot: datetime
    out: datetime
    runs: Runs
    title: str = ""

    def lags(self, now: datetime) -> Lags:
        """Return how long each witness lacked this release after it was out, at least the defaults.

        A lag ends when the witness shows it, else when the other one does, since the first may be
        broken or unwatched, else now.
        """
        redirected, listed = (self._first_shown(witness, now) for witness in (ANNOUNCEMENT, INDEX))
        redirect = self._measure_lag(ANNOUNCEMENT, shown_by=redirected or listed or now, now=now)
        index = self._measure_lag(INDEX, shown_by=listed or redirected or now, now=now)
        return Lags(max(REDIRECT_LAG, redirect), max(INDEX_LAG, index))

    def _first_shown(self, witness: str, now: datetime) -> datetime | None:
        runs = _known_runs(self.release, witness, self.runs, now)
        return next((run.begin for run in runs if _shows_release(run)), None)

    def _measure_lag(self, witness: str, shown_by: datetime, now: datetime) -> timedelta:
        """Return the lag of one witness."""
        absences = _runs_without_release(self.release, witness, self.runs, now)
        if not absences:
            return timedelta()
        last_absent = min(max(run.end for run in absences), now)
        # In a long pause, the witness may have shown it long before `shown_by`.
        lag_ends = shown_by
        if shown_by - last_absent > _LONGEST_PAUSE:
            lag_ends = last_absent
        # Stored instants are rounded.
        return timedelta(seconds=ceil((lag_ends - self._published_at(now)) / timedelta(seconds=1)))

    def _published_at(self, now: datetime) -> datetime:
        """Return when it came out: as seen, or as stamped shortly before that."""
        pages = _known_runs(self.release, "page", self.runs, now)
        stamps = (first_published(run.version) for run in pages if run.state is State.PRESENT)
        earliest = max(self.slot, self.out - _LONGEST_LAG_BY_STAMP)
        return min(
            [self.out, *(stamp for stamp in stamps if stamp is not None and stamp >= earliest)]
        )


def measure_longest_lags(published: Iterable[Publication], slot: datetime, now: datetime) -> Lags:
    """Return the longest lags measured by `now` on the slot's day, at least the defaults."""
    known = (other for other in published if is_same_day(other.slot, slot) and other.out <= now)
    lags = [DEFAULT_LAGS, *(other.lags(now) for other in known)]
    return Lags(max(lag.redirect for lag in lags), max(lag.index for lag in lags))


def is_same_day(instant: datetime, other: datetime) -> bool:
    """Return whether two instants are on the same day in London."""
    return local_date(instant) == local_date(other)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The last looks that found a release still `announced`, and `unlisted` in the index.

    They count from `watched_since`, when the announcement was first seen: before that, the release
    may have been public and removed. `redirects`: the announcement has.
    """

    announced: datetime | None
    unlisted: datetime | None
    redirects: bool
    watched_since: datetime | None
    lags: Lags = DEFAULT_LAGS

    @property
    def last_without_release(self) -> datetime | None:
        """Return the latest instant at which neither witness showed the release, or None."""
        if self.announced is None or self.unlisted is None:
            return None
        return min(self.announced, self.unlisted)

    @property
    def absent_by_both(self) -> datetime | None:
        """Return the latest instant as of which both witnesses prove absence, lags deducted, or
        None.
        """
        announced = self._proved_absent(self.announced, self.lags.redirect)
        unlisted = self._proved_absent(self.unlisted, self.lags.index)
        if announced is None or unlisted is None:
            return None
        return min(announced, unlisted)

    def absent_until(self, slot: datetime | None) -> datetime | None:
        """Return the latest instant at which the release was proved not public anywhere, or None.

        Until the slot, an announcement whose redirect works proves it alone: an early release would
        have redirected it.
        """
        # Before the slot, the default lag is enough.
        absent_by_announcement = self._proved_absent(self.announced, REDIRECT_LAG)
        if absent_by_announcement is None or slot is None or not self.redirects:
            return self.absent_by_both
        absent_until_slot = min(absent_by_announcement, slot)
        # An announcement first seen later proves nothing.
        if self.watched_since is not None and absent_until_slot < self.watched_since:
            return self.absent_by_both
        return latest_known([absent_until_slot, self.absent_by_both])

    def _proved_absent(self, last: datetime | None, lag: timedelta) -> datetime | None:
        """Return until when a witness proves absence, None if it was unwatched then."""
        if last is None or self.watched_since is None or last - lag < self.watched_since:
            return None
        return last - lag


def read_witnesses(release: str, runs: Runs, now: datetime, lags: Lags) -> Witnesses:
    """Return until when a release's two witnesses lacked it."""
    announced_runs = _runs_without_release(release, ANNOUNCEMENT, runs, now)
    unlisted_runs = _runs_without_release(release, INDEX, runs, now)
    return Witnesses(
        announced=max((min(run.end, now) for run in announced_runs), default=None),
        unlisted=max((min(run.end, now) for run in unlisted_runs), default=None),
        redirects=any(
            run.why == REDIRECTED for run in _known_runs(release, ANNOUNCEMENT, runs, now)
        ),
        watched_since=min((run.first_sent for run in announced_runs), default=None),
        lags=lags,
    )


def _runs_without_release(release: str, part: str, runs: Runs, now: datetime) -> list[Run]:
    """Return the absences before the first run that shows the release. Later ones may be old
    copies.
    """
    before = takewhile(lambda run: not _shows_release(run), _known_runs(release, part, runs, now))
    return [run for run in before if run.state is State.ABSENT]


def _shows_release(run: Run) -> bool:
    """Return whether the index lists the release, or the announcement redirects to it."""
    return run.state is State.PRESENT or run.why == REDIRECTED


def _known_runs(release: str, part: str, runs: Runs, now: datetime) -> list[Run]:
    known: list[Run] = []
    for view in View:
        known += runs.get(target_id(release, part, view), ())
    by_now = [run for run in known if run.first_sent <= now]
    return sorted(by_now, key=lambda run: run.first_sent)
