"""What is told to be gone before its slot, where nothing was, was public in between though nobody saw it."""

from __future__ import annotations

import pytest

from alerts.finding import Exposure
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict, Word
from monitor.look.sighting import State
from schedules.times.interval import Bounds, Interval
from tests.unit.monitor.judge.world import promise, release, second

EDGE, ORIGIN = "r/page/edge", "r/page/origin"


def run(target: str, state: State, begins: float, ends: float, status: int, *, specific: bool = False) -> Run:
    first, last = second(begins), second(ends)
    return Run(target, state, first, last, first, last, status=status, specific=specific)


def judged(*runs: Run, now: float = -100.0) -> Verdict:
    by_target = {name: [one for one in runs if one.target == name] for name in (EDGE, ORIGIN)}
    return judge(release(), [promise()], by_target, [], Policy(), second(now))


NOTHING_THERE = run(EDGE, State.ABSENT, -3600, -300, 404)
GONE = run(EDGE, State.WITHDRAWN, -285, -110, 410)


def test_a_page_gone_before_its_slot_where_nothing_was_was_public_for_a_moment() -> None:
    verdict = judged(NOTHING_THERE, GONE)
    unseen = Interval(second(-300), second(-285))
    assert verdict.word is Word.EARLY
    assert verdict.exposures == (Exposure("page", unseen, unseen, Bounds(0.0, 15.0), open=False),)
    assert "came and went between Fri 5 Jan 2018 09:25:00 GMT" in verdict.findings[0].detail


def test_two_views_of_one_such_moment_are_one_exposure_and_the_narrower_tells_of_it() -> None:
    origin = run(ORIGIN, State.ABSENT, -3600, -290, 404), run(ORIGIN, State.WITHDRAWN, -280, -110, 410)
    (told,) = judged(NOTHING_THERE, GONE, *origin).exposures
    assert told.start == Interval(second(-290), second(-280))


@pytest.mark.parametrize(
    "runs",
    [
        (GONE,),
        (run(EDGE, State.ABSENT, -3600, -300, 200), GONE),
        (NOTHING_THERE, run(EDGE, State.WITHDRAWN, 5, 110, 410)),
    ],
    ids=["gone from the first look on", "another edition before", "gone only after the slot"],
)
def test_nothing_else_that_is_gone_proves_an_exposure(runs: tuple[Run, ...]) -> None:
    assert judged(*runs, now=120.0).exposures == ()


def test_what_was_seen_is_not_told_a_second_time() -> None:
    shown = run(EDGE, State.PRESENT, -295, -290, 200, specific=True)
    assert len(judged(NOTHING_THERE, shown, GONE).exposures) == 1
