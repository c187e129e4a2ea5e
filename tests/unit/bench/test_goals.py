"""A bench prints its goals, and its exit status says whether they were met."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench.__main__ import BENCHES, print_figures, worst_status
from bench.goals import GOALS, Goal

GOAL = {"lateness_ms": Goal(most=10)}
FAULT = "RuntimeError: the daemon did not come up"


def bench(*figures: dict[str, float], fails: bool = False) -> Iterator[dict[str, float]]:
    yield from figures
    if fails:
        raise RuntimeError("the daemon did not come up")


@pytest.mark.parametrize(
    ("figures", "fails", "status"),
    [
        ({"lateness_ms": 9.5}, False, 0),
        ({"lateness_ms": 10.0}, False, 0),
        ({"lateness_ms": 10.1}, False, 1),
        ({"lateness_ms": 10.1}, True, 1),
        ({"lateness_ms": 9.5}, True, 2),
        ({"another": 1.0}, False, 2),
    ],
)
def test_exit_status_is_1_for_a_missed_goal_and_2_for_one_not_measured(
    figures: dict[str, float], *, fails: bool, status: int
) -> None:
    for as_json in (False, True):
        assert print_figures("looks", bench(figures, fails=fails), GOAL, as_json=as_json) == status


def test_json_has_each_goal_with_its_bound_and_whether_it_was_met(
    capsys: pytest.CaptureFixture[str],
) -> None:
    goals = {**GOAL, "looks_per_s": Goal(least=950), "hosts_twice": Goal(most=0)}
    figures = {"lateness_ms": 1.23456, "looks_per_s": 900.0}
    print_figures("wide", bench(figures, fails=True), goals, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "bench": "wide",
        "lateness_ms": 1.235,
        "looks_per_s": 900.0,
        "goals": {
            "lateness_ms": {"most": 10, "met": True},
            "looks_per_s": {"least": 950, "met": False},
            "hosts_twice": {"most": 0, "met": None},
        },
        "error": FAULT,
    }


def test_people_see_the_goal_beside_its_figure(capsys: pytest.CaptureFixture[str]) -> None:
    goals = {**GOAL, "looks_per_s": Goal(least=950), "hosts_twice": Goal(most=0)}
    figures = {"targets": 7.0, "lateness_ms": 1.23456, "looks_per_s": 900.0}
    print_figures("wide", bench(figures, fails=True), goals, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "wide",
        "targets 7",
        "lateness_ms 1.235 (goal: at most 10)",
        "looks_per_s 900 (goal: at least 950) MISSED",
        "hosts_twice not measured (goal: at most 0)",
        f"error {FAULT}",
    ]


@pytest.mark.parametrize(
    ("statuses", "worst"), [([0, 0], 0), ([0, 2], 2), ([2, 1, 0], 1), ([0, 1], 1)]
)
def test_of_several_benches_a_missed_goal_counts_most(statuses: list[int], worst: int) -> None:
    assert worst_status(statuses) == worst


def test_every_bench_has_a_goal() -> None:
    assert set(GOALS) == set(BENCHES)
    assert all(GOALS.values())
