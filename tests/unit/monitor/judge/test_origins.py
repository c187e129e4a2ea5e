"""Parts looked at past the caches as well, and edges of several copies. Instants are seconds from the slot."""

from __future__ import annotations

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Grade, Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Finding, Kind, Verdict, Word
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import Story, fold, look, promise, release, second, watched

P, A = State.PRESENT, State.ABSENT
PAGE = {"page/edge": Story([(-100, A), (1, P)]), "page/origin": Story([(-100, A), (1, P)])}


def hidden(part: Part) -> Verdict:
    """Return the verdict on a page in time, whose part is hidden by an edge for six minutes."""
    stories = PAGE | {
        f"{part.id}/edge": Story([(-100, A), (361, P)]),
        f"{part.id}/origin": Story([(-100, A), (1, P)]),
    }
    runs = {f"r/{view}": watched(f"r/{view}", story, 1, 400) for view, story in stories.items()}
    return judge(release(part), [promise()], runs, [], Policy(), second(400))


def stale(verdict: Verdict) -> list[Finding]:
    return [found for found in verdict.findings if found.kind is Kind.STALE_EDGE]


def test_a_required_file_is_dated_by_its_origin_and_its_edge_is_found_stale() -> None:
    verdict = hidden(Part("sheet", Role.DATA, "https://files.example/x.csv"))
    assert (verdict.word, verdict.grade) == (Word.ON_TIME, Grade.REPORT)
    (found,) = stale(verdict)
    assert (found.part, found.seconds) == ("sheet", Bounds(359, 361))


def test_the_edge_of_another_address_is_nobodys_fault() -> None:
    verdict = hidden(Part("news", Role.ALTERNATIVE, "https://news.example/x", required=False))
    assert (verdict.word, verdict.grade, verdict.findings) == (Word.ON_TIME, Grade.NONE, ())


def exposed(*looks: tuple[float, State]) -> Verdict:
    """Return the verdict on a page whose edge tells an `Age` of 0 of all its copies, which may be 2 s old."""
    runs: list[Run] = []
    for at, state in looks:
        runs = fold(runs, look("r/page/edge", state, at, age=(0, 2)))
    return judge(release(), [promise()], {"r/page/edge": runs}, [], Policy(), second(-1))


def test_a_copy_that_may_be_from_before_it_came_ends_no_exposure() -> None:
    (exposure,) = exposed((-7, A), (-6, A), (-5, P), (-4, A), (-3, P)).exposures
    assert exposure.open
    assert (exposure.start.after, exposure.start.by) == (second(-8), second(-5))


@pytest.mark.parametrize(("gone", "ends"), [(-12, 0), (-9, 1)])
def test_a_copy_made_after_it_came_ends_an_exposure(gone: float, ends: int) -> None:
    verdict = exposed((-16, A), (-15, A), (-14, P), (gone - 0.5, P), (gone, A))
    assert sum(not exposure.open for exposure in verdict.exposures) == ends
