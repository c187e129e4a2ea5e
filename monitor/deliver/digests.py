"""Many openings within moments of each other are told as one, on the channels that people read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.message import Digest, fold_openings
from alerts.notice import Notice

_LONGEST_HOLD = 5
"""How many times its pause the first of a crowd of openings is held at most."""
_PATIENCE = 50
"""How many times `within` is waited for others where nobody has to be called at once."""
_FOLLOWS = timedelta(minutes=5)
"""So long after a digest further openings are taken for more of the same: somebody was called."""


@dataclass(frozen=True, slots=True)
class Digesting:
    """When openings are told as one: at least `threshold` releases, each within `within` of the one before.

    `channels` are those it is done on. An opening is held for `within`, to see whether others come; one of what is
    unproven, and any but an exposure's for a while after a digest, for fifty times as long. `digested` is when the
    last digest of openings was made, None for never.
    """

    channels: frozenset[str] = frozenset()
    threshold: int = 5
    within: timedelta = timedelta(milliseconds=400)
    digested: datetime | None = None

    def pause(self, opening: Notice) -> timedelta:
        """Return how long others are waited for after an opening."""
        since = None if self.digested is None else opening.at - self.digested
        is_more = since is not None and since < _FOLLOWS and "early_exposure" not in opening.findings
        return self.within * (_PATIENCE if is_more or opening.kind == "unproven" else 1)


def held(openings: Sequence[Notice], rule: Digesting, now: datetime) -> dict[str, datetime]:
    """Return which of these openings wait for others at `now`, by id, and until when."""
    waits: dict[str, datetime] = {}
    for crowd in _crowds(openings, rule):
        pause = rule.pause(crowd[0])
        until = min(crowd[-1].at + pause, crowd[0].at + _LONGEST_HOLD * pause)
        if now < until:
            waits.update(dict.fromkeys((one.id for one in crowd), until))
    return waits


def digests(
    openings: Sequence[Notice], rule: Digesting, now: datetime, name_of: Callable[[str], str] = str
) -> list[Digest]:
    """Return the digests that replace these openings; none while a crowd is too small or may still grow.

    `name_of` returns the name of a producer by its id (default: the id).
    """
    waits = held(openings, rule, now)
    crowds = [crowd for crowd in _crowds(openings, rule) if crowd[0].id not in waits]
    made = (fold_openings(crowd, now, rule.threshold, name_of) for crowd in crowds)
    return [one for one in made if one is not None]


def _crowds(openings: Sequence[Notice], rule: Digesting) -> Iterator[list[Notice]]:
    alike: dict[tuple[str, timedelta], list[Notice]] = defaultdict(list)
    for one in sorted(openings, key=lambda it: (it.at, it.id)):
        key = (one.kind, rule.pause(one))
        if alike[key] and one.at - alike[key][-1].at > key[1]:
            yield alike.pop(key)
        alike[key].append(one)
    yield from alike.values()
