"""Random worlds with a known truth: a page that appears and disappears, its caches, and looks at
its views.

Numbers are milliseconds after the slot unless stated otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import strategies as st

from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Verdict
from monitor.look.cache_age import age_bounds
from monitor.look.sighting import Sighting, State
from tests.worlds.instants import MILLISECOND, SLOT, after_slot
from tests.worlds.looks import fold
from tests.worlds.verdicts import judged

SLOWEST_LOOK = 3000
"""The longest time that a look takes."""


@dataclass(frozen=True)
class Truth:
    """The changes of a page: `turns` to each new state. Before the first the state is
    `at_first`.
    """

    turns: tuple[tuple[int, State], ...]
    at_first: State = State.ABSENT

    def at(self, ms: float) -> State:
        state = self.at_first
        for turn, then in self.turns:
            if turn <= ms:
                state = then
        return state

    @property
    def came(self) -> list[int]:
        """When the page was published."""
        return [
            turn for turn, state, before in self._changes() if state is State.PRESENT is not before
        ]

    @property
    def appearances(self) -> list[float]:
        """When the page was published, since ever if it was public at first."""
        return [*([float("-inf")] if self.at_first is State.PRESENT else []), *self.came]

    @property
    def went(self) -> list[int]:
        """When the page was removed."""
        return [
            turn for turn, state, before in self._changes() if before is State.PRESENT is not state
        ]

    def _changes(self) -> list[tuple[int, State, State]]:
        before = [self.at_first, *(state for _, state in self.turns)]
        return [(turn, state, old) for (turn, state), old in zip(self.turns, before, strict=False)]


@dataclass(frozen=True)
class Looker:
    """The looks at one view, and the behaviour of its cache.

    A cache keeps a copy for `ttl` and has `nodes`, each with its own copy, of which any may answer.
    It sends an `Age` if `tells_age`; `age_off` is the error of that `Age` in seconds, which is
    never sent below zero. A `busy` cache is filled by other users. A look fails with the
    probability `fails` and takes `slowest` at most.
    """

    view: str
    ttl: int = 0
    tells_age: bool = True
    fails: float = 0.0
    specific: bool = True
    slowest: int = 400
    busy: bool = False
    nodes: int = 1
    age_off: int = 0


@dataclass(frozen=True)
class World:
    """A publisher, the views of it, when each is looked at, and the monitor's faults.

    `blind` are the spans without looks; the monitor's clock is ahead by an error that `offset`
    bounds.
    """

    truth: Truth
    lookers: tuple[Looker, ...]
    times: tuple[tuple[int, ...], ...]
    blind: tuple[tuple[int, int], ...] = ()
    seed: int = 0
    offset: tuple[int, int] = (0, 0)
    sightings: dict[str, list[Sighting]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)  # noqa: S311  # a repeatable world, no secret
        wrong = rng.randint(*self.offset)
        for looker, times in zip(self.lookers, self.times, strict=True):
            self.sightings[f"r/page/{looker.view}"] = self._looks(looker, times, rng, wrong)

    def _looks(
        self, looker: Looker, times: Sequence[int], rng: random.Random, wrong: int
    ) -> list[Sighting]:
        found: list[Sighting] = []
        free = -(10**12)
        copies: dict[int, float] = {}
        for due in times:
            sent = max(due, free + 1)
            if any(begin <= sent < end for begin, end in self.blind):
                continue
            received = sent + rng.randint(1, looker.slowest)
            free = received
            served = rng.uniform(sent, received)
            if rng.random() < looker.fails:
                found.append(
                    self._sighting(
                        looker, State.UNKNOWN, (sent, received), (0, 0), wrong, why="timeout"
                    )
                )
                continue
            node = rng.randrange(looker.nodes) if looker.nodes > 1 else 0
            cached = copies.get(node)
            if looker.busy and looker.ttl:
                # Other users keep the cache filled: it requests the page again whenever its copy
                # expires.
                cached, hit = served - (served + self.seed + 7919 * node) % looker.ttl, True
            elif cached is None or served - cached >= looker.ttl:
                cached, hit = served, False
            else:
                hit = True
            copies[node] = cached
            age = max(0, int((served - cached) // 1000) + (looker.age_off if hit else 0))
            bounds = (
                age_bounds({"age": str(age), "x-cache": "HIT"})
                if hit and looker.tells_age
                else (0, 0)
            )
            found.append(
                self._sighting(looker, self.truth.at(cached), (sent, received), bounds, wrong)
            )
        return found

    def _sighting(
        self,
        looker: Looker,
        state: State,
        true: tuple[int, int],
        age: tuple[float, float],
        wrong: int,
        why: str = "",
    ) -> Sighting:
        low, high = self.offset
        sent, received = (SLOT + (instant + wrong) * MILLISECOND for instant in true)
        begin, end = sent - timedelta(seconds=age[1]), received - timedelta(seconds=age[0])
        if not low <= 0 <= high:
            begin, end = begin - max(high, 0) * MILLISECOND, end - min(low, 0) * MILLISECOND
        specific = looker.specific and state is State.PRESENT
        return Sighting(
            f"r/page/{looker.view}", state, sent, received, begin, end, specific=specific, why=why
        )

    @property
    def spans(self) -> list[Blind]:
        return [
            Blind(SLOT + begin * MILLISECOND, SLOT + end * MILLISECOND, "stopped")
            for begin, end in self.blind
        ]

    def runs(self, until: datetime | None = None, *, failed: bool = True) -> dict[str, list[Run]]:
        """Return the runs by target of the looks received until an instant, with or without those
        that failed.
        """
        folded: dict[str, list[Run]] = {}
        for target, sightings in self.sightings.items():
            runs: list[Run] = []
            for sighting in sightings:
                known = until is None or sighting.received <= until
                if known and (failed or sighting.state is not State.UNKNOWN):
                    runs = fold(runs, sighting, self.spans, timedelta(seconds=5))
            folded[target] = runs
        return folded

    def blind_until(self, now: datetime) -> list[Blind]:
        """Return the blind spans that had begun by an instant."""
        return [span for span in self.spans if span.begins <= now]

    def verdict(self, now: float, *, failed: bool = True) -> Verdict:
        """Return the verdict `now` seconds after the slot, from all looks or without those that
        failed.
        """
        at = after_slot(now)
        return judged(now, self.runs(at, failed=failed), blind=self.blind_until(at))


def _times(gaps: Sequence[int], begins: int) -> tuple[int, ...]:
    times, at = [], begins
    for gap in gaps:
        at += gap
        times.append(at)
    return tuple(times)


@st.composite
def truths(draw: st.DrawFn, most: int = 5) -> Truth:
    """Draw a page that comes, goes and comes again, all around the slot."""
    first = draw(st.integers(-150_000, 100_000))
    # Two views with caches of their own may see faster changes in different orders.
    turns = _times(draw(st.lists(st.integers(25_000, 90_000), max_size=most - 1)), first)
    turns = (first, *turns)[: draw(st.integers(0, most))]
    gone = draw(st.sampled_from([State.ABSENT, State.WITHDRAWN]))
    at_first = draw(st.sampled_from([State.ABSENT, State.ABSENT, State.ABSENT, State.PRESENT]))
    out = at_first is State.PRESENT
    states = [gone if (place % 2 == 0) is out else State.PRESENT for place in range(len(turns))]
    return Truth(tuple(zip(turns, states, strict=True)), at_first)


def once(came: int | None) -> Truth:
    """Return a page that is published once and stays. None: it is never published."""
    return Truth(() if came is None else ((came, State.PRESENT),))


@st.composite
def worlds(draw: st.DrawFn, story: st.SearchStrategy[Truth] | None = None) -> World:
    """Draw a truth, views of it with their caches, schedules of looks, failures, blind spans and a
    wrong clock.
    """
    truth = draw(story if story is not None else truths())
    views = draw(
        st.sampled_from([("edge",), ("edge", "origin"), ("edge", "origin", "content"), ("origin",)])
    )
    offset = draw(st.sampled_from([(0, 0), (0, 0), (0, 0), (3000, 5000), (-9000, -7500)]))
    specific = draw(st.booleans())
    lookers, times = [], []
    for view in views:
        ttl = draw(st.sampled_from([0, 5_000, 30_000, 120_000])) if view != "origin" else 0
        fails = draw(st.sampled_from([0.0, 0.0, 0.1, 0.5]))
        busy = draw(st.booleans())
        slowest = draw(st.sampled_from([40, 400, SLOWEST_LOOK]))
        nodes = draw(st.sampled_from([1, 1, 2, 4]))
        # A shield and an edge that each cut off a fraction, or the whole seconds of two clocks.
        age_off = draw(st.sampled_from([0, 0, -1, 1]))
        more = {"fails": fails, "specific": specific, "slowest": slowest, "busy": busy}
        lookers.append(Looker(view, ttl, nodes=nodes, age_off=age_off, **more))
        spacing = draw(st.sampled_from([1000, 5000, 15_000, 40_000]))
        gaps = draw(st.lists(st.integers(spacing // 2, spacing * 2), min_size=1, max_size=60))
        times.append(_times(gaps, draw(st.integers(-250_000, 60_000))))
    spans = draw(
        st.lists(st.tuples(st.integers(-100_000, 100_000), st.integers(1, 120_000)), max_size=2)
    )
    blind = tuple((begin, begin + long) for begin, long in spans)
    return World(truth, tuple(lookers), tuple(times), blind, draw(st.integers(0, 10**6)), offset)
