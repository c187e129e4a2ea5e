"""Many openings within moments of each other are told as one, on the channels that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.notice import Digest, Notice, digest

_LONGEST_HOLD = 5
"""How many times `within` the first of a crowd of openings is held at most."""


@dataclass(frozen=True, slots=True)
class Digesting:
    """When openings are told as one: at least `threshold` releases, each within `within` of the one before.

    `channels` are those it is done on. An opening is held for `within`, to see whether others come.
    """

    channels: frozenset[str] = frozenset()
    threshold: int = 5
    within: timedelta = timedelta(milliseconds=400)


def held(openings: Sequence[Notice], rule: Digesting, now: datetime) -> dict[str, datetime]:
    """Return which of these openings wait for others at `now`, by id, and until when."""
    waits: dict[str, datetime] = {}
    for crowd in _crowds(openings, rule):
        until = min(crowd[-1].at + rule.within, crowd[0].at + _LONGEST_HOLD * rule.within)
        if now < until:
            waits.update(dict.fromkeys((one.id for one in crowd), until))
    return waits


def digests(openings: Sequence[Notice], rule: Digesting, now: datetime) -> list[Digest]:
    """Return the digests that stand in place of these openings; none while a crowd is too small or may still grow."""
    waits = held(openings, rule, now)
    crowds = [crowd for crowd in _crowds(openings, rule) if crowd[0].id not in waits]
    made = (digest(crowd, now, rule.threshold) for crowd in crowds)
    return [one for one in made if one is not None]


def _crowds(openings: Sequence[Notice], rule: Digesting) -> Iterator[list[Notice]]:
    crowd: list[Notice] = []
    for one in sorted(openings, key=lambda it: (it.at, it.id)):
        if crowd and one.at - crowd[-1].at > rule.within:
            yield crowd
            crowd = []
        crowd.append(one)
    if crowd:
        yield crowd
