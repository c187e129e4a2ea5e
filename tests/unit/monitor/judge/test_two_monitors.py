"""Two monitors with different clocks, schedules and caches: their combined looks claim nothing
untrue.

Two monitors look at one page, each with its own random looks, failures and caches.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.deliver.facts import Measurement, release_facts
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import LATE_VERDICTS, FindingKind, VerdictKind
from tests.unit.monitor.judge.test_truth import (
    CLOCK_ERROR_MS,
    NOWS,
    ONCE,
    TOLERANCE_MS,
    contains,
    meets,
    publication_ms,
    true_ends_of_exposures,
)
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, EDGE, PRESENT, RegularLooks, in_order, seen_by
from tests.worlds.truths import Looker, Truth, World, truths, worlds
from tests.worlds.verdicts import explained, judged, kinds

Pair = tuple[World, World]
pytestmark = pytest.mark.explored


def pairs(story: st.SearchStrategy[Truth]) -> st.SearchStrategy[Pair]:
    # A clock that is known to be wrong proves nothing where others' looks are put in one order with
    # its own.
    def of(truth: Truth) -> st.SearchStrategy[World]:
        return worlds(st.just(truth)).map(lambda world: replace(world, offset=(0, 0), sightings={}))

    return story.flatmap(lambda truth: st.tuples(of(truth), of(truth)))


def verdict_by_both(pair: Pair, now: float) -> Verdict:
    at = after_slot(now)
    north, south = (
        {target: seen_by(name, runs) for target, runs in world.runs(at).items()}
        for name, world in zip(("north", "south"), pair, strict=True)
    )
    seen = {
        target: in_order(north.get(target, ()), south.get(target, ())) for target in north | south
    }
    return judged(now, seen, blind=[span for world in pair for span in world.blind_until(at)])


@settings(max_examples=300)
@given(pairs(ONCE), NOWS)
def test_two_monitors_never_claim_a_wrong_verdict(pair: Pair, now: float) -> None:
    """The page comes once, or never, and only the test knows when. The verdict from all their looks
    must be true. A page called late came over 60 s after its slot, and one called early over a
    second before it. One called on time came within 60 s of it.
    """
    one_of_both, _ = pair  # the page is the same in both
    published_ms, claimed = publication_ms(one_of_both), verdict_by_both(pair, now).verdict
    if claimed in LATE_VERDICTS:
        assert published_ms > TOLERANCE_MS
    if claimed is VerdictKind.EARLY:
        assert published_ms < -CLOCK_ERROR_MS
    if claimed is VerdictKind.ON_TIME:
        assert -TOLERANCE_MS <= published_ms <= TOLERANCE_MS


def _with_old_copies(truth: Truth, times: tuple[int, ...], seed: int) -> Pair:
    """Return a monitor that looks once past every cache, and one whose edge hands out copies of any
    age.
    """
    busy = Looker("edge", 30_000, slowest=40, busy=True, nodes=4)
    return World(truth, (Looker("edge", slowest=40),), ((500,),)), World(
        truth, (busy,), (times,), seed=seed
    )


def _under_way_together() -> Pair:
    """Return a look under way while a page goes, and another monitor's that is handed an old copy
    of it.
    """
    truth = Truth(((0, ABSENT),), PRESENT)
    copies = Looker("edge", 5000, specific=True, slowest=40, busy=True)
    views = (copies, *(Looker(view, specific=True, slowest=40) for view in ("origin", "content")))
    slow = World(
        truth,
        (Looker("edge", slowest=3000), Looker("origin", slowest=40)),
        ((-311,), (500,)),
        seed=1,
    )
    return slow, World(truth, views, ((655,), (656,), (-1008,)), seed=1327)


def _old_copy_in_the_content_api() -> Pair:
    """Return an origin that is absent before a slot, a content API with a copy from before that,
    and another monitor that sees the page come back.
    """
    truth = Truth(((-23_134, ABSENT), (1866, PRESENT)), PRESENT)
    copies = Looker("content", 30_000, slowest=40, busy=True)
    views = (Looker("edge", slowest=40), Looker("origin", slowest=40), copies)
    north = World(truth, (Looker("edge", specific=False, slowest=40),), ((1865,),))
    return north, World(truth, views, ((500,), (-3135, -2635, -2135), (-1008,)))


def _out_between(came: int, went: int) -> Truth:
    return Truth(((came, PRESENT), (went, ABSENT)))


OLD_COPIES_REMOVED_BEFORE_SLOT = _with_old_copies(
    _out_between(-32_920, -7_920), (500, 1000, 1500, 2000), 0
)
OLD_COPIES_REMOVED_AFTER_SLOT = _with_old_copies(_out_between(-24_499, 501), (500, 1000), 595_877)


@settings(max_examples=300)
@example(OLD_COPIES_REMOVED_BEFORE_SLOT, 30.0)
@example(OLD_COPIES_REMOVED_AFTER_SLOT, 30.0)
@example(_under_way_together(), 30.0)
@given(pairs(truths()), NOWS)
def test_intervals_of_two_monitors_contain_true_appearance(pair: Pair, now: float) -> None:
    """The page comes and goes, and only the test knows when it really came (`appearances`). The
    verdict from all looks of both gives two intervals for that. Each must contain a time when it
    really came.
    """
    one_of_both, _ = pair  # the page is the same in both
    appearances, slot = one_of_both.truth.appearances, 0
    page = verdict_by_both(pair, now).page
    # An interval without an end (`by`) says that the page was not seen.
    assert page.first_seen.by is None or contains(page.first_seen, appearances)
    # `released` is when the page was out as planned. A page that was public early and stayed is
    # released at its slot. So this interval may contain the slot instead.
    assert page.released.by is None or contains(page.released, [*appearances, slot])


@settings(max_examples=300)
@example(OLD_COPIES_REMOVED_BEFORE_SLOT, 30.0)
@example(OLD_COPIES_REMOVED_AFTER_SLOT, 30.0)
@example(_under_way_together(), 30.0)
@example(_old_copy_in_the_content_api(), 30.0)
@given(pairs(truths()), NOWS)
def test_intervals_of_two_monitors_contain_true_exposures(pair: Pair, now: float) -> None:
    """The page comes and goes, and only the test knows when. For an exposure, the verdict from all
    looks of both gives two intervals. The page must really have come in the first (`start`). It
    must have been removed (with its last copy) or have reached its slot in the second (`to`).
    """
    one_of_both, _ = pair  # the page is the same in both
    truth = one_of_both.truth
    for exposure in verdict_by_both(pair, now).page.exposures:
        assert contains(exposure.start, truth.appearances)
        if not exposure.open:
            ends = true_ends_of_exposures(*pair)
            assert any(meets(exposure.to, first, last) for first, last in ends)


@pytest.mark.parametrize(
    ("names", "named"), [(("north", "south"), {"north", "south"}), (("north",), set())]
)
def test_explanation_names_monitors_only_if_there_are_several(
    names: tuple[str, ...], named: set[str]
) -> None:
    """Each monitor in `names` found the page absent before the slot and present from then on. That
    makes two runs, each a line of the explanation. With two monitors, a line ends with the name of
    its monitor. With one, it does not.
    """
    absent_then_present = RegularLooks([(-60, ABSENT), (0, PRESENT)], every=60).runs(
        "page", until=120
    )
    runs_of_all = [run for name in names for run in seen_by(name, absent_then_present)]
    explanation = explained(now=500, seen={"page": runs_of_all})
    lines = [fact.text for fact in explanation.facts if fact.kind == "run"]
    assert len(lines) == 2 * len(names)
    monitors_in_lines = {line.rpartition(", seen by ")[2] for line in lines if "seen by" in line}
    assert monitors_in_lines == named


def watched_by(name: str, *stretches: tuple[float, float], every: float = 1) -> list[Run]:
    """Return the runs of a page that came 2 s after the slot.

    A monitor looked at it in these stretches only.
    """
    by_stretch = [
        RegularLooks(
            [(begins, ABSENT), (2, PRESENT)] if begins < 2 else [(begins, PRESENT)], every, ends
        )
        for begins, ends in stretches
    ]
    return seen_by(name, [run for looks in by_stretch for run in looks.runs("page")])


NORTH_BLIND = watched_by("north", (-60, -2), (4, 200))
BLIND_AROUND_SLOT = Blind(after_slot(-2), after_slot(4), "stopped")
SOUTH_WATCHED = watched_by("south", (-60, 200))


def has_blind_finding(runs_of_south: list[Run], span: Blind) -> bool:
    """Return whether the verdict on a page that came on time has a finding about this blind span of
    `north`.
    """
    verdict = judged(now=200, seen={EDGE: in_order(NORTH_BLIND, runs_of_south)}, blind=[span])
    assert verdict.verdict is VerdictKind.ON_TIME
    return any(kind in (FindingKind.BLIND, FindingKind.CLOCK_FAULT) for kind in kinds(verdict))


def is_stated_in_draft(runs_of_south: list[Run], span: Blind) -> bool:
    runs = {EDGE: in_order(NORTH_BLIND, runs_of_south)}
    certainty = release_facts(
        judged(now=200, seen=runs, blind=[span]), Measurement("north", runs, [span])
    ).certainty
    return bool(certainty.blind)


@pytest.mark.parametrize("seconds_between_looks", [1, 3])
def test_blind_span_is_not_reported_if_another_monitor_watched(
    seconds_between_looks: float,
) -> None:
    """The monitor “north” was blind, it did not look, from 2 s before the slot to 4 s after it. The
    monitor “south” watched the page all that time, with a look every 1 s or 3 s. Nothing was
    missed. So verdict and draft do not report this.
    """
    # It begins at -61 s, so that a look every 3 s is also made at 2 s, when the page came.
    runs_of_south = watched_by("south", (-61, 200), every=seconds_between_looks)
    assert not has_blind_finding(runs_of_south, BLIND_AROUND_SLOT)
    assert not is_stated_in_draft(runs_of_south, BLIND_AROUND_SLOT)


@pytest.mark.parametrize(
    "stretches_of_south",
    [[], [(-60, -1), (2, 200)], [(-60, 3)]],
    ids=["never looked", "paused from -1 s to 2 s", "looked until 3 s"],
)
@pytest.mark.parametrize("monitor", ["", "north"])
def test_blind_span_is_reported_if_no_other_monitor_watched_throughout(
    stretches_of_south: list[tuple[float, float]], monitor: str
) -> None:
    """The monitor “north” was blind, it did not look, from 2 s before the slot to 4 s after it.
    “South” did not look all that time: for example, only until 3 s. Something may have been missed.
    So verdict and draft report it. That also holds for a span of an older version, which does not
    name the blind monitor (“”).
    """
    span = replace(BLIND_AROUND_SLOT, monitor=monitor)
    runs_of_south = watched_by("south", *stretches_of_south)
    assert has_blind_finding(runs_of_south, span)
    assert is_stated_in_draft(runs_of_south, span)


@pytest.mark.parametrize(
    ("monitor", "is_reported"), [("", True), ("south", True), ("north", False)]
)
def test_wrong_clock_is_reported_if_watching_monitor_may_have_it(
    monitor: str, *, is_reported: bool
) -> None:
    """A clock was wrong from 2 s before the slot to 4 s after it.

    The monitor “south” watched the page all that time.
    - If the wrong clock is that of “north”, the looks of south do not depend on it. So it is not
      reported.
    - If it is that of south, or not known whose (“”), it may make the looks of south wrong. So it
      is reported.
    """
    span = replace(BLIND_AROUND_SLOT, cause="clock", monitor=monitor)
    assert has_blind_finding(SOUTH_WATCHED, span) is is_reported
    assert is_stated_in_draft(SOUTH_WATCHED, span) is is_reported


def test_small_budget_is_no_finding_if_release_was_proved() -> None:
    """From 2 s before the slot to 4 s after it, the monitor “north” had too small a budget of
    requests. The monitor “south” watched all that time and proved the page on time. So that is no
    finding, but the draft states it.
    """
    span = replace(BLIND_AROUND_SLOT, cause="budget")
    assert not has_blind_finding(SOUTH_WATCHED, span)
    assert is_stated_in_draft(SOUTH_WATCHED, span)
