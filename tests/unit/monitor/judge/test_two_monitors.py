"""Two monitors with different clocks, schedules and caches: their combined looks claim nothing untrue."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import LATE_VERDICTS, Kind, VerdictKind
from tests.unit.monitor.judge.test_truth import CLOCK_ERROR_MS, NOWS, ONCE, TOLERANCE_MS, contains
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, RegularLooks, in_order, seen_by
from tests.worlds.truths import Looker, Truth, World, truths, worlds
from tests.worlds.verdicts import explained, judged, kinds

Pair = tuple[World, World]
pytestmark = pytest.mark.explored


def pairs(story: st.SearchStrategy[Truth]) -> st.SearchStrategy[Pair]:
    # A clock that is known to be wrong proves nothing where others' looks are put in one order with its own.
    def of(truth: Truth) -> st.SearchStrategy[World]:
        return worlds(st.just(truth)).map(lambda world: replace(world, offset=(0, 0), sightings={}))

    return story.flatmap(lambda truth: st.tuples(of(truth), of(truth)))


def verdict(pair: Pair, now: float) -> Verdict:
    at = after_slot(now)
    north, south = (
        {target: seen_by(name, runs) for target, runs in world.runs(at).items()}
        for name, world in zip(("north", "south"), pair, strict=True)
    )
    seen = {target: in_order(north.get(target, ()), south.get(target, ())) for target in north | south}
    return judged(now, seen, blind=[span for world in pair for span in world.blind_until(at)])


@settings(max_examples=300)
@given(pairs(ONCE), NOWS)
def test_two_monitors_judge_a_release_late_early_or_on_time_only_if_it_is(pair: Pair, now: float) -> None:
    published_ms = next(iter(pair[0].truth.came), None)
    claimed = verdict(pair, now).verdict
    if claimed in LATE_VERDICTS:
        assert published_ms is None or published_ms > TOLERANCE_MS
    if claimed is VerdictKind.EARLY:
        assert published_ms is not None
        assert published_ms < -CLOCK_ERROR_MS
    if claimed is VerdictKind.ON_TIME:
        assert published_ms is not None
        assert -TOLERANCE_MS <= published_ms <= TOLERANCE_MS


def _with_old_copies(truth: Truth, times: tuple[int, ...], seed: int) -> Pair:
    """Return a monitor that looks once past every cache, and one whose edge hands out copies of any age."""
    busy = Looker("edge", 30_000, slowest=40, busy=True, nodes=4)
    return World(truth, (Looker("edge", slowest=40),), ((500,),)), World(truth, (busy,), (times,), seed=seed)


def _under_way_together() -> Pair:
    """Return a look under way while a page goes, and another monitor's that is handed an old copy of it."""
    truth = Truth(((0, ABSENT),), PRESENT)
    copies = Looker("edge", 5000, specific=True, slowest=40, busy=True)
    views = (copies, *(Looker(view, specific=True, slowest=40) for view in ("origin", "content")))
    slow = World(truth, (Looker("edge", slowest=3000), Looker("origin", slowest=40)), ((-311,), (500,)), seed=1)
    return slow, World(truth, views, ((655,), (656,), (-1008,)), seed=1327)


def _out_between(came: int, went: int) -> Truth:
    return Truth(((came, PRESENT), (went, ABSENT)))


@settings(max_examples=300)
@example(_with_old_copies(_out_between(-32_920, -7_920), (500, 1000, 1500, 2000), 0), 30.0)
@example(_with_old_copies(_out_between(-24_499, 501), (500, 1000), 595_877), 30.0)
@example(_under_way_together(), 30.0)
@given(pairs(truths()), NOWS)
def test_the_intervals_of_two_monitors_contain_a_true_appearance_and_removal(pair: Pair, now: float) -> None:
    truth, page, slot = pair[0].truth, verdict(pair, now).page, 0
    appearances, removals = truth.appearances, [turn for turn in truth.went if turn < slot]
    assert page.first_seen.by is None or contains(page.first_seen, appearances)
    # Content that is public until its slot is released at its slot, and its exposure ends there.
    assert page.released.by is None or contains(page.released, [*appearances, slot])
    for exposure in page.exposures:
        assert contains(exposure.start, appearances)
        if not exposure.open:
            assert contains(exposure.to, [*removals, slot])


@pytest.mark.parametrize("names", [("north", "south"), ("north",)])
def test_an_explanation_says_which_monitor_saw_what_if_there_are_several(names: tuple[str, ...]) -> None:
    runs = RegularLooks([(-60, ABSENT), (0, PRESENT)], every=60).runs("page", 120)
    facts = explained(500, {"page": [run for name in names for run in seen_by(name, runs)]}).facts
    lines = [fact.text for fact in facts if fact.kind == "run"]
    assert len(lines) == len(names) * len((ABSENT, PRESENT))
    named = {line.rpartition(", seen by ")[2] for line in lines if "seen by" in line}
    assert named == ({*names} if len(names) > 1 else set())


def looked_by(name: str, every: float, *stretches: tuple[float, float]) -> list[Run]:
    """Return the runs of a page that came two seconds after the slot, looked at in these stretches only."""
    stories = [
        RegularLooks([(begins, ABSENT), (2, PRESENT)] if begins < 2 else [(begins, PRESENT)], every, ends)
        for begins, ends in stretches
    ]
    return seen_by(name, [run for story in stories for run in story.runs("page")])


RESTARTED = Blind(after_slot(-2), after_slot(4), "stopped")
STOPPED = looked_by("north", 1, (-60, -2), (4, 200))


@pytest.mark.parametrize(
    ("runs_of_other", "blind", "is_found"),
    [
        (looked_by("south", 1, (-60, 200)), RESTARTED, False),
        (looked_by("south", 3, (-61, 200)), RESTARTED, False),
        ([], RESTARTED, True),
        (looked_by("south", 1, (-60, -1), (2, 200)), RESTARTED, True),
        (looked_by("south", 1, (-60, 3)), RESTARTED, True),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock"), True),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="budget"), False),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock", monitor="north"), False),
        (looked_by("south", 1, (-60, 200)), replace(RESTARTED, cause="clock", monitor="south"), True),
        (looked_by("south", 1, (-60, -1), (2, 200)), replace(RESTARTED, monitor="north"), True),
    ],
)
def test_a_blind_span_counts_unless_a_monitor_watched_that_was_surely_not_blind_itself(
    runs_of_other: list[Run], blind: Blind, *, is_found: bool
) -> None:
    # The page came at 2 s. The monitor `north` was blind from -2 to 4. `runs_of_other` are by `south`: the span does
    # not count if `south` looked every few seconds all that time.
    # A wrong clock or a small budget may be that of all monitors, unless the span names one.
    runs = {EDGE: in_order(STOPPED, runs_of_other)}
    verdict = judged(200, runs, blind=[blind])
    assert verdict.verdict is VerdictKind.ON_TIME
    assert any(kind in (Kind.BLIND, Kind.CLOCK_FAULT) for kind in kinds(verdict)) is is_found
    certainty = release_facts(verdict, Measurement("north", runs, [blind])).certainty
    # A budget that allows only some looks is stated in a draft, but it is no finding if those proved the release.
    assert bool(certainty.blind) is (is_found or blind.cause == "budget")
