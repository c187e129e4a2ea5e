"""How often a host may be requested, and how targets share that when it is not enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, sqrt
from typing import NamedTuple

from schedules.times.mail_date import LONGEST_WAIT

_SLACK = 0.01
"""Starts are this much further apart, so that network jitter cannot crowd a second."""
_FIRST_BACKOFF, _LONGEST_BACKOFF = timedelta(seconds=30), timedelta(minutes=5)
"""The wait after a refusal, if the host named no time."""
_PACE_AFTER_REFUSAL, _PACE_GROWTH = 0.25, 1.1
_CHECK_RATE_EVERY = timedelta(seconds=1)
"""A monitor that may send nothing tries again after this time."""
_LEAST_SHARE = 0.1
"""No target gets less than this fraction of an equal share."""
MOST_CONCURRENT = 32
_LEAST_CONCURRENT = 4
_USUAL_ANSWER_SECONDS = 0.5
"""How long an answer usually takes."""


class WantedSpacing(NamedTuple):
    """The seconds between looks that a target wants, and its chance of changing."""

    every: float
    chance: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The requests a second that each host may get."""

    default: float = 2.0
    hosts: Mapping[str, float] = field(default_factory=dict)

    def rate(self, host: str) -> float:
        """Return the rate of one host."""
        return self.hosts.get(host, self.default)


def concurrent_requests(rate: float) -> int:
    """Return how many requests to a host may be under way at a rate."""
    return min(MOST_CONCURRENT, max(_LEAST_CONCURRENT, ceil(rate * _USUAL_ANSWER_SECONDS)))


def least_gap(rate: float) -> timedelta:
    """Return the least time between the starts of two requests at `rate` a second."""
    return timedelta(seconds=(1.0 + _SLACK) / rate)


def stretch_factor(demand: float, rate: float) -> float:
    """Return how many times further apart looks are than wanted, at least 1.0."""
    return max(1.0, demand / rate) if rate > 0 else 1.0


def affordable_spacings(
    counts: Mapping[WantedSpacing, int], rate: float
) -> dict[WantedSpacing, float]:
    """Return the seconds between looks that `rate` requests a second afford each kind of target.

    If not all get what they want, shares are weighted by the square root of the chance, which makes
    measured intervals shortest on average (`docs/decides.md#if-a-budget-is-too-small`).
    """
    wanted_rates = [count / kind.every for kind, count in counts.items()]
    weights = [
        wanted * sqrt(kind.chance) for wanted, kind in zip(wanted_rates, counts, strict=True)
    ]
    shares = zip(counts.items(), share_rate(wanted_rates, weights, rate), strict=True)
    return {kind: count / share if share > 0 else kind.every for (kind, count), share in shares}


def share_rate(wants: Sequence[float], weights: Sequence[float], rate: float) -> list[float]:
    """Return each share of `rate`: all it wants if the rate is enough, else by its weight, but at
    least `_LEAST_SHARE`.
    """
    total = sum(wants)
    if total <= rate:
        return list(wants)
    rows = [
        (want, weight, want * _LEAST_SHARE * rate / total)
        for want, weight in zip(wants, weights, strict=True)
    ]
    # Shares grow with one multiplier, within their limits. Find the one that uses the whole rate.
    low, high = 0.0, max((want / weight for want, weight, _ in rows if weight > 0), default=0.0)
    for _ in range(60):  # the precision of a float
        middle = (low + high) / 2
        is_too_much = (
            sum(min(want, max(least, middle * weight)) for want, weight, least in rows) > rate
        )
        if is_too_much:
            high = middle
        else:
            low = middle
    return [min(want, max(least, low * weight)) for want, weight, least in rows]


@dataclass(slots=True)
class Pacer:
    """When the next request of any kind to one host may start.

    No second ever has more than the budget. After a wait that the host asked for, the pace begins
    at a quarter and grows by a tenth with every answer. `gap` is the usual time between two starts.
    """

    rate: float
    quiet_until: datetime | None = None
    gap: timedelta = timedelta()
    _last_start: datetime | None = None
    _pace: float = 1.0
    _backoff: timedelta = _FIRST_BACKOFF

    def __post_init__(self) -> None:
        self._set_pace(self._pace)

    def reconfigure(self, rate: float) -> None:
        """Set another rate. A host that asked for a wait still gets it."""
        self.rate = rate
        self._set_pace(self._pace)

    def next_start(self, now: datetime) -> datetime:
        """Return the first instant, not before `now`, at which a request may start."""
        starts = [now]
        if self._last_start is not None:
            starts.append(self._last_start + self.gap)
        if self.quiet_until is not None:
            starts.append(self.quiet_until)
        if self.rate <= 0:
            starts.append(now + _CHECK_RATE_EVERY)
        return max(starts)

    def record_start(self, now: datetime) -> None:
        """Record that a request starts now."""
        self._last_start = now

    def charge_extra_request(self, now: datetime) -> None:
        """Delay the next start by one gap, for a request sent twice or later than its turn."""
        self._last_start = max(now, self._last_start or now) + self.gap

    def record_success(self) -> None:
        """Record that the host accepted a request: after a refusal, the pace grows."""
        if self._pace < 1.0:
            self._set_pace(min(1.0, self._pace * _PACE_GROWTH))
            if self._pace == 1.0:
                self._backoff = _FIRST_BACKOFF

    def record_refusal(self, now: datetime, wait: timedelta | None) -> None:
        """Record a refusal at `now`: none is sent during the wait, and then fewer a second.

        If the host named no `wait`, each refusal doubles it.
        """
        if wait is None:
            if self.is_quiet(now):  # the request was sent before the present wait began
                return
            wait, self._backoff = self._backoff, min(self._backoff * 2, _LONGEST_BACKOFF)
        until = now + min(max(wait, timedelta()), LONGEST_WAIT)
        self.quiet_until = max(until, self.quiet_until or until)
        self._set_pace(_PACE_AFTER_REFUSAL)

    def _set_pace(self, pace: float) -> None:
        self._pace = pace
        if self.rate > 0:
            self.gap = least_gap(self.rate * pace)

    def is_quiet(self, now: datetime) -> bool:
        """Return whether the host asked for a wait that is not over."""
        return self.quiet_until is not None and now < self.quiet_until
