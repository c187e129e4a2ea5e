"""Decides how far our clock is ahead: hosts that send a date, the machine, and our clock itself vote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Span = tuple[float, float]

_CONTRADICTION = 1.0
"""Spans this many seconds apart contradict each other. Servers of one name differ by less."""
CORRECT: Span = (-1.0, 1.0)
_WITNESSES = 2
"""This many hosts must agree that our clock is wrong, because the clock of one host may be wrong."""
_HOST = 2
_MACHINE = 2
_OURS = 1
"""The weight of our own clock: it decides a draw, but never against two hosts."""


@dataclass(frozen=True, slots=True)
class Vote:
    """The result of a vote. `bounds` is how far our clock is ahead, in seconds.

    `outvoted` are the hosts that contradict it. `unconfirmed` are those that no other witness confirms or contradicts:
    the offset of such a host counts only for looks at that host.
    """

    bounds: Span
    outvoted: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()


def vote(spans: Mapping[str, Span], *, synchronised: bool | None = None) -> Vote:
    """Return how far our clock is ahead, in seconds, and which hosts contradict that.

    `spans` is the range that each host's date allows, newest host first, with at least one host. The group of hosts
    with the most weight wins, and its common range is the result. It shows our clock to be wrong only as far as two
    hosts agree. `synchronised` is what the machine reports about our clock, None if it reports nothing. If it reports
    that nothing synchronises the clock, and only one host sends a date, machine and host count as two witnesses.
    """
    witnesses = 1 if synchronised is False and len(spans) == 1 else _WITNESSES
    first = _agreeing_hosts(next(iter(spans)), spans)
    # All agree, as they nearly always do.
    sides = [first] if len(first) == len(spans) else [_agreeing_hosts(name, spans) for name in spans]
    credible = [side for side in sides if len(side) >= witnesses or _agrees_with_us(side, spans)]
    if not credible:
        everyone = frozenset(spans)
        return Vote(CORRECT, outvoted=everyone) if synchronised else Vote(CORRECT, unconfirmed=everyone)
    our_weight = _OURS + (_MACHINE if synchronised is True else 0)
    weights = [_HOST * len(side) + our_weight * _agrees_with_us(side, spans) for side in credible]
    best = [side for side, weight in zip(credible, weights, strict=True) if weight == max(weights)]
    bounds = common(spans, best[0])
    rivals = [side for side in best if distance(common(spans, side), bounds) > _CONTRADICTION]
    if rivals:
        hull = _cover_all([bounds, *(common(spans, side) for side in rivals)])
        return Vote(hull, unconfirmed=frozenset().union(best[0], *rivals))
    outvoted = frozenset(name for name, span in spans.items() if distance(span, bounds) > _CONTRADICTION)
    confirmed = _confirmed_by([spans[name] for name in best[0]], witnesses)
    # What only one host says of our clock is dropped from the result, and that host is unconfirmed.
    unconfirmed = (name for name in best[0] if confirmed != bounds and is_off(spans[name]))
    return Vote(confirmed, outvoted=outvoted, unconfirmed=frozenset(unconfirmed))


def _agreeing_hosts(seed: str, spans: Mapping[str, Span]) -> frozenset[str]:
    """Return the hosts that agree with one, and with each other."""
    shared, side = spans[seed], {seed}
    for name, span in spans.items():
        both = overlap(shared, span)
        if both is not None:
            shared, side = both, side | {name}
    return frozenset(side)


def _agrees_with_us(side: Iterable[str], spans: Mapping[str, Span]) -> bool:
    return distance(common(spans, side), CORRECT) <= 0


def _confirmed_by(spans: list[Span], witnesses: int) -> Span:
    """Return what overlapping spans have in common, away from zero only as far as this many of them confirm it."""
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    low, high = lows[-1], highs[0]
    if low > 0:
        low = max(0.0, lows[-witnesses]) if len(spans) >= witnesses else 0.0
    if high < 0:
        high = min(0.0, highs[witnesses - 1]) if len(spans) >= witnesses else 0.0
    return low, high


def common(spans: Mapping[str, Span], names: Iterable[str]) -> Span:
    """Return the range that the spans of these hosts share. It is inverted if they share none."""
    those = [spans[name] for name in names]
    return max(low for low, _ in those), min(high for _, high in those)


def overlap(one: Span, other: Span) -> Span | None:
    """Return the range in which two spans overlap, None if they do not."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def distance(one: Span, other: Span) -> float:
    """Return the seconds between two spans. Below zero if they overlap."""
    return max(one[0], other[0]) - min(one[1], other[1])


def is_off(bounds: Span) -> bool:
    """Return whether the clock is known to be wrong: zero is not among the offsets still possible."""
    return bounds[0] > 0 or bounds[1] < 0


def _cover_all(spans: Iterable[Span]) -> Span:
    those = list(spans)
    return min(low for low, _ in those), max(high for _, high in those)
