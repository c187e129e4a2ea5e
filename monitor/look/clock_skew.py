"""Our clock against the `Date` headers of the watched hosts.

Every answer bounds the offset (our clock minus the true time): a host wrote its date, whole seconds, at
some moment between our sending and our receiving. The bounds of one host are intersected, those of
several hosts are put to the vote. A date more than a day from our clock is no date: hosts send year 9999 or 1970 by
mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

import structlog

from monitor.clock import SET, Clock
from monitor.look.cache_age import age_of
from monitor.look.clock_vote import RIGHT, Span, Vote, apart, is_off, overlap, vote
from monitor.look.fetch import Answer
from schedules.times.mail_date import mail_date

_log = structlog.get_logger(__name__)
NEVER_OFF: Span = (0.0, 0.0)
_DAY = 86_400.0
_PLAUSIBLE: Span = (-_DAY, _DAY)
_GRAIN = 1.0
_DRIFT = 0.0005
"""A clock being slewed drifts by up to 500 ppm: old bounds are widened by that before they are used."""
_CHANGES_MIND_AFTER = 2
_SMALL = 1.0
"""Servers behind one name differ by this much among themselves; it says nothing of our clock."""
_ERRATIC_AFTER = 6
_VOTES_EVERY = timedelta(seconds=1)
_MOMENT = 30.0
"""For so many seconds after a step our clock may soon be set right again."""
_APART_FROM = 5.0
"""Seconds between two answers of one address from which on they show who wrote their dates."""
_SAME_WITHIN = 2.0
"""Seconds by which ages and dates may differ from the time between two answers: both are whole seconds."""
_FOLLOWED_FOR = 120.0
"""Seconds after which another address of the host is compared, if this one showed nothing."""


class DateOf(Enum):
    """Who wrote the date of an answer from a cache: the origin when it was made, or the cache at each request."""

    ORIGIN = "origin"
    CACHE = "cache"
    UNKNOWN = "unknown"


class Aged(NamedTuple):
    """An answer with an `Age` in seconds: its address, when it was asked for, and its date."""

    url: str
    sent: datetime
    date: datetime
    age: int


class CachedDates:
    """Compares two answers of one address of a host: does its cache keep the origin's date, or write its own."""

    def __init__(self) -> None:
        self._followed: dict[str, Aged] = {}

    def date_of(self, host: str, aged: Aged) -> DateOf:
        """Return who wrote the date of this answer, unknown until a second answer of the same address shows it."""
        before = self._followed.setdefault(host, aged)
        elapsed = (aged.sent - before.sent).total_seconds()
        if 0.0 <= elapsed < (_APART_FROM if aged.url == before.url else _FOLLOWED_FOR):
            return DateOf.UNKNOWN
        self._followed[host] = aged
        return _compare(before, aged)

    def clear(self) -> None:
        """Forget every answer, because our clock was set and the time between two answers is not known."""
        self._followed.clear()


def _compare(before: Aged, aged: Aged) -> DateOf:
    """Return who wrote the dates of two answers, if their ages grew as fast as our clock.

    A date that stayed the same is the origin's. A date that grew with the age is the cache's.
    """
    elapsed = (aged.sent - before.sent).total_seconds()
    moved = (aged.date - before.date).total_seconds()
    if aged.url != before.url or elapsed < _APART_FROM or abs(aged.age - before.age - elapsed) > _SAME_WITHIN:
        return DateOf.UNKNOWN
    if not moved:
        return DateOf.ORIGIN
    return DateOf.CACHE if abs(moved - elapsed) <= _SAME_WITHIN else DateOf.UNKNOWN


class _Host:
    """What the dates of one host say of our clock; `rival` is what its newest ones say against that.

    A host that goes back and forth, as several servers with clocks of their own do, is `erratic`.
    """

    __slots__ = ("against", "at", "bounds", "name", "rival", "turns")

    def __init__(self, name: str, bounds: Span, at: datetime) -> None:
        self.name = name
        self.bounds = bounds
        self.at = at
        self.rival: Span | None = None
        self.against = 0
        self.turns = 0

    def take(self, bounds: Span, at: datetime) -> bool:
        """Take one more bound; True when the host has just begun to tell another time."""
        drift = abs((at - self.at).total_seconds()) * _DRIFT
        widened = (self.bounds[0] - drift, self.bounds[1] + drift)
        self.at = at
        if apart(widened, bounds) <= _SMALL:
            self.turns += self.rival is not None
            both = overlap(widened, bounds) or (min(widened[0], bounds[0]), max(widened[1], bounds[1]))
            self.bounds, self.rival, self.against = both, None, 0
            return False
        joined = self.rival and overlap(self.rival, bounds)
        self.against = self.against + 1 if joined else 1
        self.rival = joined or bounds
        if self.against < _CHANGES_MIND_AFTER:
            return False
        self.bounds, self.rival, self.against = self.rival, None, 0
        self.turns += 1
        return True

    def shift(self, seconds: float) -> None:
        """Take note that our clock was set by so much: what was said before is said of the clock of now."""
        self.bounds = shifted(self.bounds, seconds)
        self.rival = self.rival and shifted(self.rival, seconds)
        self.at += timedelta(seconds=seconds)

    def is_sure(self) -> bool:
        """Tell whether its newest date agrees with those before."""
        return self.rival is None and not self.is_erratic()

    def is_erratic(self) -> bool:
        """Tell whether its dates are of no use."""
        return self.turns >= _ERRATIC_AFTER


class Skew:
    """The offset of our clock as the hosts we look at show it, in seconds; positive when ours is ahead."""

    def __init__(
        self, synchronised: Callable[[], bool | None] = lambda: None, ahead: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Know nothing yet. `synchronised` returns what the machine says of its clock, None if it says nothing.

        `ahead` is by how many seconds our clock is ahead of steady time: it changes by as much as our clock is set.
        """
        self._synchronised = synchronised
        self.ahead = ahead
        self._ahead = ahead()
        self._voted_for = Vote(NEVER_OFF)
        self._hosts: dict[str, _Host] = {}
        self._absurd: dict[str, Span] = {}
        self._logged: set[str] = set()
        self._since: datetime | None = None
        self._bounds: Span = NEVER_OFF
        self._voted: datetime | None = None
        self._last: tuple[str, datetime | None] = ("", None)
        self._cached = CachedDates()

    def observe(self, host: str, answer: Answer, ahead: float | None = None) -> bool:
        """Learn from the date of an answer; False when it speaks against what this host said before.

        Then either clock has just been set, and what the answer proves cannot be dated. `ahead` is what `ahead` says
        now, for whoever has just asked.
        """
        moved = (self.ahead() if ahead is None else ahead) - self._ahead
        if abs(moved) >= SET:
            self._follow(moved)
        bounds = self._offset(host, answer)
        if bounds is None:
            return True
        known = self._hosts.get(host)
        if known is None:
            known = self._hosts[host] = _Host(host, bounds, answer.received)
            self._voted = None
        elif known.is_erratic():
            return True
        elif known.take(bounds, answer.received):
            # What other hosts said before this may be of a clock that has been set since.
            self._since, self._voted = answer.sent, None
        if known.rival is not None or self._is_due(answer.received):
            self._bounds, self._voted = self._vote(), answer.received
        return known.rival is None

    def _follow(self, moved: float) -> None:
        """Go on from what is known where our clock was set: it is now off by so much more."""
        self._ahead += moved
        self._bounds = shifted(self._bounds, moved) if self.is_known() else self._bounds
        self._since, self._voted = self._since and self._since + timedelta(seconds=moved), None
        self._cached.clear()
        self._absurd = {host: shifted(span, moved) for host, span in self._absurd.items()}
        for host in self._hosts.values():
            host.shift(moved)

    def bounds(self) -> Span:
        """Return the least and most that our clock is ahead; zero and zero before anything is known."""
        return self._bounds

    def bounds_for(self, host: str) -> Span:
        """Return them for a look at one host, whose own dates count for it even if nobody confirms them.

        A host without a usable date takes our clock for right unless that is known to be wrong.
        """
        own = self._hosts.get(host)
        if own is None:
            return self._bounds if is_off(self._bounds) else NEVER_OFF
        return own.bounds if host in self._voted_for.unconfirmed else self._bounds

    def bounds_now(self) -> Span:
        """Return them as they are since our clock was set after the last answer, if it was."""
        return shifted(self._bounds, self.ahead() - self._ahead) if self.is_known() else self._bounds

    def doubts(self) -> dict[str, str]:
        """Return the hosts whose dates are not believed, each with the reason."""
        result, hosts = self._voted_for, self._hosts
        alone = [name for name in result.unconfirmed if name in hosts and apart(hosts[name].bounds, RIGHT) > 0]
        return {
            **dict.fromkeys(self._absurd, "its Date header is more than a day from our clock, and is ignored"),
            **dict.fromkeys(result.outvoted, "its clock differs from ours and others', and is not believed"),
            **dict.fromkeys(alone, "its clock differs from ours and nothing confirms either: its looks prove nothing"),
        }

    def is_known(self) -> bool:
        """Return whether any host has sent a usable date yet."""
        return self._bounds != NEVER_OFF

    def _is_due(self, now: datetime) -> bool:
        # A vote for every look would cost more than the look.
        return self._voted is None or abs(now - self._voted) > _VOTES_EVERY

    def _offset(self, host: str, answer: Answer) -> Span | None:
        date = self._date(answer.headers.get("date", ""))
        if date is None:
            return None
        least, most = (answer.sent - date).total_seconds() - _GRAIN, (answer.received - date).total_seconds()
        if age := age_of(answer.headers):
            # Some caches keep the origin's date, others write their own: an aged answer may be either.
            writer = self._cached.date_of(host, Aged(answer.url, answer.sent, date, age))
            least -= 0.0 if writer is DateOf.CACHE else age + _GRAIN
            most -= age - _GRAIN if writer is DateOf.ORIGIN else 0.0
        if apart((least, most), _PLAUSIBLE) > 0:
            self._ignore(host, (least, most))
            return None
        self._absurd.pop(host, None)
        return least, most

    def _ignore(self, host: str, span: Span) -> None:
        """Take no notice of an absurd date, unless it is our clock that is absurd.

        That takes two hosts that agree, none that sends a plausible date, and a machine that does not contradict them.
        """
        if host not in self._logged:
            self._logged.add(host)
            _log.warning("date_ignored", host=host, days_behind_ours=round(span[0] / _DAY))
        self._absurd[host] = span
        if not self._hosts and len(self._absurd) > 1 and not self._synchronised():
            self._bounds = vote(self._absurd).bounds

    def _date(self, text: str) -> datetime | None:
        if text != self._last[0]:
            self._last = (text, mail_date(text))
        return self._last[1]

    def _vote(self) -> Span:
        sure = [host for host in self._hosts.values() if host.is_sure()]
        recent = [host for host in sure if self._since is None or host.at >= self._since]
        # The newest first: of what is said alike the newest counts.
        voters = sorted(recent if len(recent) > 1 else sure, key=lambda host: host.at, reverse=True)
        if not voters:
            return self._bounds
        spans = {host.name: host.bounds for host in voters}
        result = vote(spans)
        if result.outvoted or result.unconfirmed:
            # Only then is the machine asked, which takes as long as a look.
            result = vote(spans, synchronised=self._synchronised())
        self._voted_for = result
        return result.bounds


class ClockStepGuard:
    """Tells whether our clock was set wrong a moment ago: nothing need be said by it, as it may soon be set right.

    What hosts told of it before tells by how much it is wrong now, without another answer.
    """

    def __init__(self, skew: Skew, clock: Clock) -> None:
        self._skew = skew
        self._clock = clock
        self._ahead = skew.ahead()
        self._since: float | None = None

    def __call__(self) -> bool:
        """Tell it for `_MOMENT` seconds at most from the step on: what goes on is a doubt like any other."""
        ahead, steady = self._skew.ahead(), self._clock.monotonic()
        moved, self._ahead = ahead - self._ahead, ahead
        if abs(moved) > _SMALL:
            self._since = steady
        if self._since is None or steady - self._since > _MOMENT:
            return False
        least, most = self._skew.bounds_now()
        return least > _SMALL or most < -_SMALL


def shifted(bounds: Span, seconds: float) -> Span:
    """Return the bounds of a clock that was set by so many seconds."""
    return bounds[0] + seconds, bounds[1] + seconds


def most_off(bounds: Span) -> float:
    """Return the most seconds, either way, by which the clock may be wrong."""
    return max(-bounds[0], bounds[1], 0.0)
