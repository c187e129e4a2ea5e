"""How often a host may be asked, and who goes first when that is not enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, sqrt

from monitor.plan.share import LATEST, Turns
from schedules.times.mail_date import LONGEST_WAIT

_SLACK = 0.01
"""Starts are this much further apart than the budget asks, so that a network's jitter cannot crowd a second."""
_UNTOLD = timedelta(seconds=30)
_MOST_UNTOLD = timedelta(minutes=5)
_RECOVERS_FROM = 0.25
_RECOVERS_BY = 1.1
_LEAST_PART = 0.001

Key = tuple[float, float]
"""A wanted spacing in seconds, and a chance."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests a second that each host may be asked."""

    default: float = 2.0
    hosts: Mapping[str, float] = field(default_factory=dict)

    def rate(self, host: str) -> float:
        """Return the requests a second for a host."""
        return self.hosts.get(host, self.default)


MOST_AT_ONCE = 32
_AT_ONCE = 4
_ANSWERS_WITHIN = 0.5


def at_once(rate: float) -> int:
    """Return how many looks at a host may be under way: what its rate needs where an answer takes half a second."""
    return min(MOST_AT_ONCE, max(_AT_ONCE, ceil(rate * _ANSWERS_WITHIN)))


def gap(rate: float) -> timedelta:
    """Return the least time between the starts of two requests to a host that may be asked so often a second."""
    return timedelta(seconds=(1.0 + _SLACK) / rate)


def stretch(demand: float, rate: float) -> float:
    """Return by how much the looks of a host are spread out: 1.0 when the budget carries them all."""
    return max(1.0, demand / rate) if rate > 0 else 1.0


def spacings(counts: Mapping[Key, int], rate: float) -> dict[Key, float]:
    """Return for targets counted by the spacing they want (seconds) and their chance, the spacing they get.

    Where the rate carries all, each gets what it wants. Else a target's rate is in proportion to the
    square root of its chance of changing now, which makes the expected width of what is measured least
    (`docs/decides.md`). A spacing already tells how likely a change is held to be, as one over its square: the chance
    weighs targets of the same one.
    """
    wants = [count / every for (every, _), count in counts.items()]
    weights = [want * sqrt(chance) for want, (_, chance) in zip(wants, counts, strict=True)]
    shares = zip(counts.items(), spread(wants, weights, rate), strict=True)
    return {key: count / share if share > 0 else key[0] for (key, count), share in shares}


def spread(wants: Sequence[float], weights: Sequence[float], rate: float, floor: float = 0.1) -> list[float]:
    """Share a rate in proportion to `weights`; a want may be that of many equal targets, its weight their sum.

    None gets more than it wants, nor less than `floor` times an equal stretch of it.
    """
    total = sum(wants)
    if total <= rate:
        return list(wants)
    least = [want * floor * rate / total for want in wants]
    # The shares grow with one common multiplier, cut at both ends: find the one that spends the rate.
    high = max((want / weight for want, weight in zip(wants, weights, strict=True) if weight > 0), default=0.0)
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if sum(_clipped(middle, wants, weights, least)) > rate:
            high = middle
        else:
            low = middle
    return _clipped(low, wants, weights, least)


def _clipped(
    multiplier: float, wants: Sequence[float], weights: Sequence[float], least: Sequence[float]
) -> list[float]:
    rows = zip(wants, weights, least, strict=True)
    return [min(want, max(floor, multiplier * weight)) for want, weight, floor in rows]


@dataclass(slots=True)
class Pacer:
    """When the next request to a host may start. One per host; every request to it passes here.

    Consecutive starts are at least `1 / rate` seconds apart, so that no second ever holds more than the
    budget. A host that asks for patience gets it to the second, and then a quarter of the rate, which
    grows by a tenth with every request it answers. Where several monitors ask the host, `turns` are our own.
    """

    rate: float
    quiet_until: datetime | None = None
    turns: Turns | None = None
    _last: datetime | None = None
    _pace: float = 1.0
    _untold: timedelta = _UNTOLD
    _gap: timedelta = field(init=False)
    _least: timedelta = field(init=False)

    def __post_init__(self) -> None:
        """Begin at the full rate."""
        self._go_at(self._pace)

    def reconfigure(self, rate: float, turns: Turns | None = None) -> None:
        """Keep to another rate, or to other turns, from now on; a host that asked for patience keeps it."""
        self.rate, self.turns = rate, turns
        self._go_at(self._pace)

    def next_start(self, now: datetime) -> datetime:
        """Return the first instant, not before `now`, at which a request may start."""
        start = now if self._last is None else max(now, self._last + self._least)
        start = start if self.quiet_until is None else max(start, self.quiet_until)
        return start if self.turns is None else self.turns.at_or_after(start)

    def gap(self) -> timedelta:
        """Return the time between two starts just now."""
        return self._gap

    def started(self, now: datetime) -> None:
        """Note that a request starts now."""
        self._last = now

    def owes(self, now: datetime) -> None:
        """Note that one request more than was started has gone out: the next waits for it too."""
        self._last = (now if self._last is None else max(now, self._last)) + self.gap()

    def answered(self) -> None:
        """Note that the host answered without complaint."""
        if self._pace < 1.0:
            self._go_at(min(1.0, self._pace * _RECOVERS_BY))
            self._untold = _UNTOLD if self._pace == 1.0 else self._untold

    def quiet(self, until: datetime) -> None:
        """Ask nothing before `until`; an earlier instant than one already set changes nothing."""
        self.quiet_until = until if self.quiet_until is None else max(self.quiet_until, until)

    def told_to_wait(self, now: datetime, seconds: timedelta | None) -> None:
        """Be quiet for as long as the host asked at `now`; where it named no time, for longer at each turn."""
        if seconds is None:
            # Answers to what was asked before we fell silent add nothing.
            if self.is_quiet(now):
                return
            seconds, self._untold = self._untold, min(self._untold * 2, _MOST_UNTOLD)
        self.quiet(now + min(max(seconds, timedelta()), LONGEST_WAIT))
        self._go_at(_RECOVERS_FROM)

    def _go_at(self, pace: float) -> None:
        self._pace = pace
        if self.turns is None:
            self._gap = self._least = gap(self.rate * pace)
            return
        self._gap = self.turns.gap / max(self.turns.part, _LEAST_PART) / pace
        self._least = (self._gap if pace < 1.0 else self.turns.gap) - LATEST

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether the host is being left alone."""
        return self.quiet_until is not None and now < self.quiet_until
