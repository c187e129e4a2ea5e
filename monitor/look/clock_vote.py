"""Decides how far our clock is ahead, by a vote of the hosts that send dates, the machine, and our clock itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Span = tuple[float, float]
"""The least and most seconds that our clock may be ahead of the true time."""

_CONTRADICTION = 1.0
"""Spans this many seconds apart contradict each other. Servers of one name differ by less."""
CORRECT: Span = (-1.0, 1.0)
"""The vote of our own clock: that it is right to a second."""
_WITNESSES = 2
"""This many hosts must agree that our clock is wrong, because the clock of one host may be wrong."""
_HOST_WEIGHT, _MACHINE_WEIGHT, _OUR_WEIGHT = 2, 2, 1
"""Our own clock decides a draw, but never against two hosts."""


@dataclass(frozen=True, slots=True)
class Vote:
    """The result of a vote. `bounds` is how far our clock is ahead, in seconds.

    `outvoted` are the hosts that contradict it. `unconfirmed` are the hosts with dates that no other witness confirms
    or contradicts. They count only for looks at these hosts.
    """

    bounds: Span
    outvoted: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()


def vote(spans: Mapping[str, Span], *, synchronised: bool | None = None) -> Vote:
    """Return how far our clock is ahead, in seconds, and which hosts contradict that.

    `spans` has the range that each host's dates allow, for at least one host, the one with the newest date first.
    Hosts with overlapping ranges form a group. Our clock, and the machine if it reports that it is `synchronised`,
    support the groups with a range near zero. The group with the most support wins, and its common range is the result.
    Two hosts must agree to prove our clock wrong. If only one sends dates, it is enough if the machine reports that it
    is not synchronised.
    """
    witnesses = 1 if synchronised is False and len(spans) == 1 else _WITNESSES
    first = _agreeing_hosts(next(iter(spans)), spans)
    # Nearly always, all hosts agree.
    groups = [first] if len(first) == len(spans) else [_agreeing_hosts(name, spans) for name in spans]
    credible = [group for group in groups if len(group) >= witnesses or _agrees_with_us(group, spans)]
    if not credible:
        # The hosts contradict each other and our clock. Only the machine can say which is right.
        everyone = frozenset(spans)
        return Vote(CORRECT, outvoted=everyone) if synchronised else Vote(CORRECT, unconfirmed=everyone)
    our_weight = _OUR_WEIGHT + (_MACHINE_WEIGHT if synchronised else 0)
    weights = [_HOST_WEIGHT * len(group) + our_weight * _agrees_with_us(group, spans) for group in credible]
    best = [group for group, weight in zip(credible, weights, strict=True) if weight == max(weights)]
    winner, bounds = best[0], common_span(spans, best[0])
    rivals = [group for group in best if distance(common_span(spans, group), bounds) > _CONTRADICTION]
    if rivals:
        # A draw: each of the groups may be right, so the result covers all of them.
        possible = [bounds, *(common_span(spans, group) for group in rivals)]
        covering = min(low for low, _ in possible), max(high for _, high in possible)
        return Vote(covering, unconfirmed=frozenset().union(winner, *rivals))
    outvoted = frozenset(name for name, span in spans.items() if distance(span, bounds) > _CONTRADICTION)
    confirmed = _keep_confirmed([spans[name] for name in winner], witnesses)
    # If only one host shows our clock to be this wrong, the result leaves that out, and the host is unconfirmed.
    unconfirmed = (name for name in winner if confirmed != bounds and is_off(spans[name]))
    return Vote(confirmed, outvoted=outvoted, unconfirmed=frozenset(unconfirmed))


def _agreeing_hosts(seed: str, spans: Mapping[str, Span]) -> frozenset[str]:
    """Return a group of hosts that agree with the host `seed` and with each other."""
    common, group = spans[seed], {seed}
    for name, span in spans.items():
        narrowed = overlap(common, span)
        if narrowed is not None:
            common = narrowed
            group.add(name)
    return frozenset(group)


def _agrees_with_us(group: Iterable[str], spans: Mapping[str, Span]) -> bool:
    """Return whether the common range of these hosts allows that our clock is right to a second."""
    return distance(common_span(spans, group), CORRECT) <= 0


def _keep_confirmed(spans: list[Span], witnesses: int) -> Span:
    """Return the range that overlapping spans share, but move its ends towards zero if too few spans exclude zero.

    So at least `witnesses` spans must show that our clock is ahead (or behind) by that much.
    """
    lows, highs = sorted(low for low, _ in spans), sorted(high for _, high in spans)
    low, high = lows[-1], highs[0]
    if low > 0:
        low = max(0.0, lows[-witnesses]) if len(spans) >= witnesses else 0.0
    if high < 0:
        high = min(0.0, highs[witnesses - 1]) if len(spans) >= witnesses else 0.0
    return low, high


def common_span(spans: Mapping[str, Span], names: Iterable[str]) -> Span:
    """Return the range that the spans of these hosts share. It is inverted if they share none."""
    chosen = [spans[name] for name in names]
    return max(low for low, _ in chosen), min(high for _, high in chosen)


def overlap(one: Span, other: Span) -> Span | None:
    """Return the range in which two spans overlap, None if they do not."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def distance(one: Span, other: Span) -> float:
    """Return the seconds between two spans. Below zero if they overlap."""
    return max(one[0], other[0]) - min(one[1], other[1])


def is_off(bounds: Span) -> bool:
    """Return whether the clock is known to be wrong: zero is not among the possible offsets."""
    return bounds[0] > 0 or bounds[1] < 0
