"""A small world with a known truth: a page that comes and goes, caches in front of it, and somebody who looks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run, extend, was_blind
from monitor.judge.verdict import Verdict
from monitor.look.cache_age import age_bounds
from monitor.look.sighting import Sighting, State
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/malpractice"
MS = timedelta(milliseconds=1)


def second(offset: float) -> datetime:
    """Return the instant this many seconds after the slot."""
    return SLOT + timedelta(milliseconds=round(offset * 1000))


def release(*parts: Part) -> Release:
    return Release("r", "Malpractice", "ofqual", URL, (Part("page", Role.PAGE, URL), *parts), ("govuk",))


def promise(slot: Slot | datetime = SLOT, learnt: float = -40 * 86400, **more: object) -> Promise:
    if isinstance(slot, datetime):
        slot = Slot(Precision.INSTANT, instant=slot)
    state = more.pop("state", Standing.CONFIRMED)
    # Read every few minutes for as long as anything is looked at, unless a test says otherwise.
    more.setdefault("confirmed_at", second(86400))
    return Promise("r", more.pop("calendar", "govuk"), slot, state, second(learnt), **more)


@dataclass(frozen=True)
class Truth:
    """What the publisher did: `turns` in milliseconds from the slot; the state before the first is `at_first`."""

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
        before = [self.at_first, *(state for _, state in self.turns)]
        return [
            turn
            for (turn, state), old in zip(self.turns, before, strict=False)
            if state is State.PRESENT and old is not State.PRESENT
        ]

    @property
    def went(self) -> list[int]:
        before = [self.at_first, *(state for _, state in self.turns)]
        return [
            turn
            for (turn, state), old in zip(self.turns, before, strict=False)
            if state is not State.PRESENT and old is State.PRESENT
        ]


@dataclass(frozen=True)
class Looker:
    """How one view is looked at, in milliseconds.

    Its edge has so many `nodes`, each with a copy of its own, that answer by chance. `age_off` is by how much the `Age`
    they tell differs from the truth, in seconds; it is never told below zero.
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
    """Everything in milliseconds from the slot. `offset` bounds what our clock shows too much."""

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

    def _looks(self, looker: Looker, times: Sequence[int], rng: random.Random, wrong: int) -> list[Sighting]:
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
                found.append(self._sighting(looker, State.UNKNOWN, (sent, received), (0, 0), wrong, why="timeout"))
                continue
            node = rng.randrange(looker.nodes) if looker.nodes > 1 else 0
            cached = copies.get(node)
            if looker.busy and looker.ttl:
                # Other users keep the cache filled: it asks the origin again at every end of its copy's life.
                cached, hit = served - (served + self.seed + 7919 * node) % looker.ttl, True
            elif cached is None or served - cached >= looker.ttl:
                cached, hit = served, False
            else:
                hit = True
            copies[node] = cached
            age = max(0, int((served - cached) // 1000) + (looker.age_off if hit else 0))
            bounds = age_bounds({"age": str(age), "x-cache": "HIT"}) if hit and looker.tells_age else (0, 0)
            found.append(self._sighting(looker, self.truth.at(cached), (sent, received), bounds, wrong))
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
        sent, received = (SLOT + (instant + wrong) * MS for instant in true)
        begin, end = sent - timedelta(seconds=age[1]), received - timedelta(seconds=age[0])
        if not low <= 0 <= high:
            begin, end = begin - max(high, 0) * MS, end - min(low, 0) * MS
        specific = looker.specific and state is State.PRESENT
        return Sighting(f"r/page/{looker.view}", state, sent, received, begin, end, specific=specific, why=why)

    @property
    def spans(self) -> list[Blind]:
        return [Blind(SLOT + begin * MS, SLOT + end * MS, "stopped") for begin, end in self.blind]

    def runs(self, until: datetime | None = None, *, failed: bool = True) -> dict[str, list[Run]]:
        """Return the runs by target of the looks received by `until`, with or without those that failed."""
        folded: dict[str, list[Run]] = {}
        for target, sightings in self.sightings.items():
            runs: list[Run] = []
            for sighting in sightings:
                known = until is None or sighting.received <= until
                if known and (failed or sighting.state is not State.UNKNOWN):
                    runs = fold(runs, sighting, self.spans, timedelta(seconds=5))
            folded[target] = runs
        return folded

    def verdict(self, now: float, *, failed: bool = True) -> Verdict:
        at = second(now)
        runs = self.runs(at, failed=failed)
        blind = [span for span in self.spans if span.begins <= at]
        return judge(release(), [promise()], runs, blind, Policy(), at)


def look(target: str, state: State, at: float, age: tuple[float, float] = (0, 0), **more: object) -> Sighting:
    """Return one plain sighting, sent and answered `at` seconds from the slot."""
    begin, end = second(at - age[1]), second(at - age[0])
    plain = Sighting(target, state, second(at), second(at), begin, end, why="timeout" if state is State.UNKNOWN else "")
    return replace(plain, **more)


def fold(
    runs: Sequence[Run], sighting: Sighting, blind: Sequence[Blind] = (), spacing: timedelta | None = None
) -> list[Run]:
    """Add a sighting to the runs of its target, as the watch does."""
    last = runs[-1] if runs else None
    outcome = extend(last, sighting, spacing, apart=was_blind(last, sighting, blind))
    return [*runs[:-1], outcome] if isinstance(outcome, Run) else [*runs, outcome[1]]


@dataclass(frozen=True)
class Story:
    """What a target answers from when on, in seconds from the slot; `digests` and `versions` are those of its bytes."""

    states: Sequence[tuple[float, State]]
    digests: Sequence[tuple[float, str]] = ()
    specific: bool = False
    why: str = "timeout"
    versions: Sequence[tuple[float, str]] = ()

    def sighting(self, target: str, at: float) -> Sighting:
        state = [state for begins, state in self.states if begins <= at][-1]
        is_out = state is State.PRESENT
        digest, version = (
            ([text for begins, text in told if begins <= at and is_out] or [None])[-1]
            for told in (self.digests, self.versions)
        )
        why = self.why if state is State.UNKNOWN else ""
        specific = self.specific and is_out
        return look(target, state, at, specific=specific, digest=digest, why=why, version=version)


def watched(target: str, story: Story, every: float, until: float, spacing: float | None = None) -> list[Run]:
    """Return the runs of a target looked at every so many seconds since its story begins."""
    runs: list[Run] = []
    at, gap = story.states[0][0], None if spacing is None else timedelta(seconds=spacing)
    while at <= until:
        runs = fold(runs, story.sighting(target, at), (), gap)
        at = round(at + every, 3)
    return runs


def _times(gaps: Sequence[int], begins: int) -> tuple[int, ...]:
    times, at = [], begins
    for gap in gaps:
        at += gap
        times.append(at)
    return tuple(times)


@st.composite
def truths(draw: st.DrawFn, most: int = 5) -> Truth:
    """A page that comes, goes and comes again, all around the slot."""
    first = draw(st.integers(-150_000, 100_000))
    # What comes and goes faster than this may be seen in another order by two views with caches of their own.
    turns = _times(draw(st.lists(st.integers(25_000, 90_000), max_size=most - 1)), first)
    turns = (first, *turns)[: draw(st.integers(0, most))]
    gone = draw(st.sampled_from([State.ABSENT, State.WITHDRAWN]))
    at_first = draw(st.sampled_from([State.ABSENT, State.ABSENT, State.ABSENT, State.PRESENT]))
    out = at_first is State.PRESENT
    states = [gone if (place % 2 == 0) is out else State.PRESENT for place in range(len(turns))]
    return Truth(tuple(zip(turns, states, strict=True)), at_first)


def once(came: int | None) -> Truth:
    """A page that comes once and stays."""
    return Truth(() if came is None else ((came, State.PRESENT),))


@st.composite
def worlds(draw: st.DrawFn, story: st.SearchStrategy[Truth] | None = None) -> World:
    """A truth, views of it with their caches, schedules of looks, failures, blind spans and a wrong clock."""
    truth = draw(story if story is not None else truths())
    views = draw(st.sampled_from([("edge",), ("edge", "origin"), ("edge", "origin", "content"), ("origin",)]))
    offset = draw(st.sampled_from([(0, 0), (0, 0), (0, 0), (3000, 5000), (-9000, -7500)]))
    specific = draw(st.booleans())
    lookers, times = [], []
    for view in views:
        ttl = draw(st.sampled_from([0, 5_000, 30_000, 120_000])) if view != "origin" else 0
        fails = draw(st.sampled_from([0.0, 0.0, 0.1, 0.5]))
        busy = draw(st.booleans())
        slowest = draw(st.sampled_from([40, 400, 3000]))
        nodes = draw(st.sampled_from([1, 1, 2, 4]))
        # A shield and an edge that each cut off a fraction, or the whole seconds of two clocks.
        age_off = draw(st.sampled_from([0, 0, -1, 1]))
        more = {"fails": fails, "specific": specific, "slowest": slowest, "busy": busy}
        lookers.append(Looker(view, ttl, nodes=nodes, age_off=age_off, **more))
        spacing = draw(st.sampled_from([1000, 5000, 15_000, 40_000]))
        gaps = draw(st.lists(st.integers(spacing // 2, spacing * 2), min_size=1, max_size=60))
        times.append(_times(gaps, draw(st.integers(-250_000, 60_000))))
    spans = draw(st.lists(st.tuples(st.integers(-100_000, 100_000), st.integers(1, 120_000)), max_size=2))
    blind = tuple((begin, begin + long) for begin, long in spans)
    return World(truth, tuple(lookers), tuple(times), blind, draw(st.integers(0, 10**6)), offset)
