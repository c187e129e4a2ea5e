"""How far our clock is ahead, by the vote of the hosts that tell a date, of the machine, and of our clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Span = tuple[float, float]

_APART = 1.0
"""Servers behind one name differ by so many seconds among themselves: no nearer are two that contradict each other."""
_RIGHT: Span = (-1.0, 1.0)
_HOST = 2
_MACHINE = 2
_OURS = 1
"""Our own clock settles a draw, for it and a host that agrees with it are two; it outvotes no host."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What was voted, `bounds` in seconds.

    `against` are the hosts that say something else. `drawn` are those that contradict each other where nothing told
    which of them lies: then the bounds hold what either says.
    """

    bounds: Span
    against: frozenset[str] = frozenset()
    drawn: frozenset[str] = frozenset()


def vote(spans: Mapping[str, Span], *, kept: bool = False) -> Vote:
    """Return the vote of hosts, by name the newest first. `kept`: the machine says that its clock is kept right.

    What most agree on counts, as the intersection of their spans. At least one votes.
    """
    first = _side(next(iter(spans)), spans)
    if len(first) == len(spans):
        # All agree, as they nearly always do.
        return Vote(common(spans, first))
    sides = [_side(name, spans) for name in spans]
    weights = [_weight(side, spans, kept=kept) for side in sides]
    most = max(weights)
    best = [side for side, weight in zip(sides, weights, strict=True) if weight == most]
    bounds = common(spans, best[0])
    rivals = [side for side in best if apart(common(spans, side), bounds) > _APART]
    if rivals:
        drawn = frozenset().union(best[0], *rivals)
        return Vote(_hull([bounds, *(common(spans, side) for side in rivals)]), drawn=drawn)
    return Vote(bounds, frozenset(name for name, span in spans.items() if apart(span, bounds) > _APART))


def _side(seed: str, spans: Mapping[str, Span]) -> frozenset[str]:
    """Return the hosts that agree with one, and with each other."""
    shared, side = spans[seed], {seed}
    for name, span in spans.items():
        both = overlap(shared, span)
        if both is not None:
            shared, side = both, side | {name}
    return frozenset(side)


def _weight(side: Iterable[str], spans: Mapping[str, Span], *, kept: bool) -> int:
    names = list(side)
    agrees = apart(common(spans, names), _RIGHT) <= 0
    return _HOST * len(names) + (_OURS + _MACHINE * kept) * agrees


def common(spans: Mapping[str, Span], names: Iterable[str]) -> Span:
    """Return what the spans of these hosts have in common."""
    those = [spans[name] for name in names]
    return max(low for low, _ in those), min(high for _, high in those)


def overlap(one: Span, other: Span) -> Span | None:
    """Return what two spans have in common, None when that is nothing."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def apart(one: Span, other: Span) -> float:
    """Return how many seconds lie between two spans, below zero when they overlap."""
    return max(one[0], other[0]) - min(one[1], other[1])


def _hull(spans: Iterable[Span]) -> Span:
    those = list(spans)
    return min(low for low, _ in those), max(high for _, high in those)
