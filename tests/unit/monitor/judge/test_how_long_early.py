"""How long what was out early was out for sure: as long as it was seen again and again."""

from __future__ import annotations

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Word
from monitor.look.sighting import State
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import Story, promise, release, second, watched

EDGE, ORIGIN = "r/page/edge", "r/page/origin"
SHOWN = Story([(-265.0, State.ABSENT), (-120.0, State.PRESENT)], specific=True)
HIDDEN = Story(
    [(-266.0, State.ABSENT), (-121.0, State.PRESENT), (-110.0, State.ABSENT), (12.0, State.PRESENT)], specific=True
)


def told(edge: list[Run], origin: list[Run]) -> Bounds:
    verdict = judge(release(), [promise()], {EDGE: edge, ORIGIN: origin}, [], Policy(), second(60))
    assert verdict.word is Word.EARLY
    (exposure,) = verdict.exposures
    return exposure.seconds


@pytest.mark.parametrize(("every", "least"), [(5.0, 121.0), (145.0, 10.0)], ids=["closely", "minutes apart"])
def test_looks_that_lie_minutes_apart_do_not_outweigh_what_another_view_saw_between_them(
    every: float, least: float
) -> None:
    length = told(watched(EDGE, HIDDEN, 5.0, 40.0), watched(ORIGIN, SHOWN, every, 40.0))
    assert length.min == least


def test_looks_that_lie_minutes_apart_tell_how_long_it_was_out_where_nothing_denies_it() -> None:
    assert told([], watched(ORIGIN, SHOWN, 145.0, 40.0)).min == 120.0
