"""Sightings and runs: what looks at a target saw. A number is an instant in seconds after the
slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, inf
from typing import TypeVar

from monitor.judge.runs import Blind, Run, extend_run, start_run, was_blind
from monitor.look.sighting import Sighting, State
from tests.worlds.instants import after_slot, as_instant

T = TypeVar("T")
ABSENT, PRESENT, UNKNOWN, WITHDRAWN = State.ABSENT, State.PRESENT, State.UNKNOWN, State.WITHDRAWN
EDGE, ORIGIN, CONTENT = "r/page/edge", "r/page/origin", "r/page/content"
Turn = tuple[float, State]
"""From when on, or when, a target answers with a state."""
Look = Turn | tuple[float, State, float] | Sighting
"""One look: when, what it saw, and how old the answer was."""


def target_id(name: str) -> str:
    """Return the id of a target: `page` and `page/origin` are views of parts of the usual
    release.
    """
    return (f"r/{name}/edge", f"r/{name}", name)[min(name.count("/"), 2)]


def a_sighting(state: State, when: float = 0.0, target: str = EDGE, **fields: object) -> Sighting:
    """Return what one look saw, sent and answered at one instant.

    `age` is that of the answer: its least and most.
    """
    least, most = fields.pop("age", (0, 0))  # type: ignore[misc]
    made_from, made_to = after_slot(when - most), after_slot(when - least)
    why = "timeout" if state is UNKNOWN else ""
    plain = Sighting(
        target_id(target), state, after_slot(when), after_slot(when), made_from, made_to, why=why
    )
    return replace(plain, **fields)


def fold(
    runs: Sequence[Run],
    sighting: Sighting,
    blind: Sequence[Blind] = (),
    spacing: timedelta | None = None,
) -> list[Run]:
    """Add a sighting to the runs of its target, as the watch does."""
    last = runs[-1] if runs else None
    longer = last and extend_run(last, sighting, spacing, apart=was_blind(last, sighting, blind))
    return [*runs[:-1], longer] if longer else [*runs, start_run(sighting)]


@dataclass(frozen=True)
class Looks:
    """Looks at the given instants only.

    `fields` apply to each sighting, `specific` to present ones.
    """

    each: tuple[Look, ...]
    fields: tuple[tuple[str, object], ...] = ()

    def runs(self, target: str, until: float = inf) -> list[Run]:
        """Return the runs of a target that these looks make until an instant."""
        runs: list[Run] = []
        for look in self.each:
            sighting = self._sighting(look, target)
            if until == inf or sighting.received <= after_slot(until):
                runs = fold(runs, sighting)
        return runs

    def _sighting(self, look: Look, target: str) -> Sighting:
        if isinstance(look, Sighting):
            return replace(look, target=target_id(target))
        when, state, *age = look
        fields = dict(self.fields) | ({"age": (*age, *age)} if age else {})
        if state is not PRESENT:
            fields.pop("specific", None)
        return a_sighting(state, when, target, **fields)


def looks(*each: Look, **fields: object) -> Looks:
    """Return looks at these instants only: `looks((-2, ABSENT), (0.5, PRESENT))`."""
    return Looks(each, tuple(fields.items()))


@dataclass(frozen=True)
class RegularLooks:
    """The answers of a target over time, with looks at intervals of `every` seconds.

    They go from the first turn to `until`. A gap longer than `spacing` starts a new run. `digests`
    and `versions` are those of its bytes over time. `specific` says whether its bytes identify this
    edition. `why` is the reason of failed looks.
    """

    turns: Sequence[Turn]
    every: float = 1.0
    until: float = inf
    specific: bool = False
    why: str = "timeout"
    digests: Sequence[tuple[float, str]] = ()
    versions: Sequence[tuple[float, str]] = ()
    spacing: float | None = None

    def runs(self, target: str, until: float = inf) -> list[Run]:
        """Return the runs of a target that is watched until an instant."""
        gap = None if self.spacing is None else timedelta(seconds=self.spacing)
        first, last = self.turns[0][0], min(until, self.until)
        runs: list[Run] = []
        number = 0
        while (when := round(first + number * self.every, 3)) <= last:
            before = len(runs)
            runs = fold(runs, self._sighting(target, when), (), gap)
            number += 1
            if len(runs) == before:
                # A look that lengthened a run is followed by others that do the same until the next
                # turn.
                more = self._looks_before_the_next_turn(when, last)
                ends = after_slot(round(when + more * self.every, 3))
                runs[-1] = replace(
                    runs[-1], last_received=ends, end=ends, looks=runs[-1].looks + more
                )
                number += more
        return runs

    def _looks_before_the_next_turn(self, when: float, last: float) -> int:
        turns = (
            begins for begins, _ in (*self.turns, *self.digests, *self.versions) if begins > when
        )
        end = min((*turns, last + self.every / 1000))
        return max(0, ceil(round((end - when) / self.every, 6)) - 1)

    def _sighting(self, target: str, when: float) -> Sighting:
        state = _last(self.turns, when)
        assert state is not None
        if state is not PRESENT:
            return a_sighting(state, when, target, why=self.why if state is UNKNOWN else "")
        digest, version = _last(self.digests, when), _last(self.versions, when)
        return a_sighting(
            state, when, target, specific=self.specific, digest=digest, version=version
        )


def _last(turns: Sequence[tuple[float, T]], when: float) -> T | None:
    return next((value for begins, value in reversed(turns) if begins <= when), None)


def a_run(
    target: str = "page",
    state: State = ABSENT,
    first: float | datetime = 0.0,
    last: float | datetime | None = None,
    **fields: object,
) -> Run:
    """Return a run of one look, or of two looks and any number between them with the same
    answer.
    """
    begins = as_instant(first)
    ends = begins if last is None else as_instant(last)
    return replace(
        Run(target_id(target), state, begins, ends, begins, ends, 1 if last is None else 2),
        **fields,
    )


def seen_by(monitor: str, runs: Iterable[Run]) -> list[Run]:
    """Return runs as those of a monitor of this name."""
    return [replace(run, monitor=monitor) for run in runs]


def in_order(*runs: Iterable[Run]) -> list[Run]:
    """Return the runs of several monitors in the order of their looks, as a store gives them."""
    return sorted((run for each in runs for run in each), key=lambda run: run.key)
