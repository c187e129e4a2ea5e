"""Two monitors with clocks, schedules and caches of their own see one truth: what both saw claims nothing untrue."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.deliver.facts import Measured, release_facts
from monitor.judge.explain.explain import explain
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Kind, Verdict, Word
from monitor.look.sighting import State
from tests.unit.monitor.judge.test_truth import BEHIND, NOWS, ONCE, SURE, WITHIN, holds
from tests.unit.monitor.judge.world import (
    Looker,
    Story,
    Truth,
    World,
    promise,
    release,
    second,
    truths,
    watched,
    worlds,
)

Pair = tuple[World, World]
pytestmark = pytest.mark.explored
PAGE = "r/page/edge"
OUT = Story([(-60, State.ABSENT), (0, State.PRESENT)])


def pairs(story: st.SearchStrategy[Truth]) -> st.SearchStrategy[Pair]:
    # A clock that is known to be wrong proves nothing where others' looks are put in one order with its own.
    def of(truth: Truth) -> st.SearchStrategy[World]:
        return worlds(st.just(truth)).map(lambda world: replace(world, offset=(0, 0), sightings={}))

    return story.flatmap(lambda truth: st.tuples(of(truth), of(truth)))


def verdict(pair: Pair, now: float) -> Verdict:
    at = second(now)
    seen: dict[str, list[Run]] = {}
    for name, world in zip(("north", "south"), pair, strict=True):
        for target, runs in world.runs(at).items():
            its = [replace(run, monitor=name) for run in runs]
            seen[target] = sorted([*seen.get(target, ()), *its], key=lambda run: run.first_sent)
    blind = [span for world in pair for span in world.spans if span.begins <= at]
    return judge(release(), [promise()], seen, blind, Policy(), at)


@settings(max_examples=300)
@given(pairs(ONCE), NOWS)
def test_what_two_saw_is_called_late_early_or_on_time_only_if_it_was(pair: Pair, now: float) -> None:
    came = next(iter(pair[0].truth.came), None)
    word = verdict(pair, now).word
    if came is not None and came <= WITHIN:
        assert word not in BEHIND
    if came is None or came >= -SURE:
        assert word is not Word.EARLY
    if word is Word.ON_TIME:
        assert came is not None
        assert -WITHIN <= came <= WITHIN


def _with_old_copies(truth: Truth, times: tuple[int, ...], seed: int) -> Pair:
    """Return a monitor that looks once past every cache, and one whose edge hands out copies of any age."""
    busy = Looker("edge", 30_000, slowest=40, busy=True, nodes=4)
    return World(truth, (Looker("edge", slowest=40),), ((500,),)), World(truth, (busy,), (times,), seed=seed)


def _under_way_together() -> Pair:
    """Return a look under way while a page goes, and another monitor's that is handed an old copy of it."""
    truth = Truth(((0, State.ABSENT),), State.PRESENT)
    copies = Looker("edge", 5000, specific=True, slowest=40, busy=True)
    views = (copies, *(Looker(view, specific=True, slowest=40) for view in ("origin", "content")))
    slow = World(truth, (Looker("edge", slowest=3000), Looker("origin", slowest=40)), ((-311,), (500,)), seed=1)
    return slow, World(truth, views, ((655,), (656,), (-1008,)), seed=1327)


def _out_between(came: int, went: int) -> Truth:
    return Truth(((came, State.PRESENT), (went, State.ABSENT)))


@settings(max_examples=300)
@example(_with_old_copies(_out_between(-32_920, -7_920), (500, 1000, 1500, 2000), 0), 30.0)
@example(_with_old_copies(_out_between(-24_499, 501), (500, 1000), 595_877), 30.0)
@example(_under_way_together(), 30.0)
@given(pairs(truths()), NOWS)
def test_when_two_first_saw_it_contains_a_true_appearance(pair: Pair, now: float) -> None:
    truth, part = pair[0].truth, verdict(pair, now).page
    assert part is not None
    came: list[float] = [*truth.came, *([float("-inf")] if truth.at_first is State.PRESENT else [])]
    if part.first_seen.by is not None:
        assert holds(part.first_seen, came)
    if part.released.by is not None:
        assert holds(part.released, [*came, 0])
    went: list[float] = [*(turn for turn in truth.went if turn < 0), 0]
    for exposure in part.exposures:
        assert holds(exposure.start, came)
        if not exposure.open:
            assert holds(exposure.to, went)


def test_an_explanation_says_who_saw_what_where_several_did() -> None:
    seen = [replace(run, monitor=name) for name in ("north", "south") for run in watched(PAGE, OUT, 60, 120)]
    for runs, names in ((seen, {"north", "south"}), (seen[:2], set())):
        verdict = judge(release(), [promise()], {PAGE: runs}, (), Policy(), second(500))
        told = explain(verdict, release(), [promise()], {PAGE: runs}, (), Policy()).facts
        lines = [fact.text for fact in told if fact.kind == "run"]
        assert len(lines) == len(runs)
        assert {line.rpartition(", seen by ")[2] for line in lines if "seen by" in line} == names


def looked_by(name: str, every: float, *stretches: tuple[float, float]) -> list[Run]:
    stories = [
        Story([(begins, State.ABSENT), (2, State.PRESENT)] if begins < 2 else [(begins, State.PRESENT)])
        for begins, _ in stretches
    ]
    looks = [watched(PAGE, story, every, ends) for story, (_, ends) in zip(stories, stretches, strict=True)]
    return [replace(run, monitor=name) for runs in looks for run in runs]


RESTARTED = Blind(second(-2), second(4), "stopped")
STOPPED = looked_by("north", 1, (-60, -2), (4, 200))


@pytest.mark.parametrize(
    ("others", "blind", "told"),
    [
        (looked_by("south", 1, (-60, 200)), RESTARTED, 0),
        (looked_by("south", 3, (-61, 200)), RESTARTED, 0),
        ([], RESTARTED, 1),
        (looked_by("south", 1, (-60, -1), (2, 200)), RESTARTED, 1),
        (looked_by("south", 1, (-60, 3)), RESTARTED, 1),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock"), 1),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="budget"), 0),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock", monitor="north"), 0),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock", monitor="south"), 1),
        (looked_by("south", 1, (-60, -1), (2, 200)), replace(RESTARTED, monitor="north"), 1),
    ],
)
def test_what_another_monitor_watched_meanwhile_was_not_hidden(others: list[Run], blind: Blind, told: int) -> None:
    runs = {PAGE: sorted([*STOPPED, *others], key=lambda run: run.first_sent)}
    verdict = judge(release(), [promise()], runs, [blind], Policy(), second(200))
    assert verdict.word is Word.ON_TIME
    assert len([each for each in verdict.findings if each.kind in (Kind.BLIND, Kind.CLOCK_FAULT)]) == told
    told_to_people = release_facts(verdict, Measured("north", runs, [blind])).certainty.blind
    assert len(told_to_people) == (told or blind.cause == "budget")
