"""After the release: what was taken away, and files whose bytes changed. Instants are seconds from the slot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import MOST_CHANGES, Run
from monitor.judge.verdict import Finding, Kind
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from schedules.times.interval import Bounds
from tests.unit.monitor.judge.world import fold, look, promise, release, second

P, A, W = State.PRESENT, State.ABSENT, State.WITHDRAWN
SHEET = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/media/x/tables.ods")
CAME = [(-2.0, A), (-1.0, A), (0.5, P), (30.0, P)]


def runs_of(target: str, looks: Sequence[tuple[float, State]]) -> list[Run]:
    runs: list[Run] = []
    for at, state in looks:
        runs = fold(runs, look(target, state, at))
    return runs


def taken_away(*looks: tuple[float, State], origin: Sequence[tuple[float, State]] = ()) -> list[Finding]:
    runs = {"r/page/edge": runs_of("r/page/edge", [*CAME, *looks]), "r/page/origin": runs_of("r/page/origin", origin)}
    verdict = judge(release(), [promise()], runs, [], Policy(), second(90_000))
    return [found for found in verdict.findings if found.kind is Kind.WITHDRAWN]


def bytes_of(target: str, looks: Sequence[tuple[float, str]]) -> dict[str, list[Run]]:
    runs = runs_of(target, [(-2.0, A), (-1.0, A)])
    for at, digest in looks:
        runs = fold(runs, look(target, P, at, digest=digest))
    return {target: runs}


def changed(*looks: tuple[float, str], origin: Sequence[tuple[float, str]] = ()) -> list[Finding]:
    runs = {"r/page/edge": runs_of("r/page/edge", CAME)} | bytes_of("r/sheet/edge", looks)
    runs |= bytes_of("r/sheet/origin", origin) if origin else {}
    verdict = judge(release(SHEET), [promise()], runs, [], Policy(), second(90_000))
    return [found for found in verdict.findings if found.kind is Kind.SWAPPED]


@pytest.mark.parametrize("seconds", [(90,), (90, 95), (90, 149)])
def test_what_is_missing_for_less_than_a_minute_of_looks_is_a_flicker(seconds: tuple[float, ...]) -> None:
    assert taken_away(*((at, A) for at in seconds)) == []


@pytest.mark.parametrize("seconds", [(90, 150), (90, 95, 100, 150.5), (3700, 7300)])
def test_what_two_looks_a_minute_apart_agree_is_missing_was_withdrawn(seconds: tuple[float, ...]) -> None:
    (found,) = taken_away(*((at, A) for at in seconds))
    assert (found.part, found.at) == ("page", second(seconds[0]))
    assert found.seconds == Bounds(seconds[-1] - seconds[0], None)


def test_a_notice_of_withdrawal_needs_no_second_look() -> None:
    assert taken_away((90, W))


def test_a_flicker_before_a_withdrawal_is_no_withdrawal_of_its_own() -> None:
    (found,) = taken_away((90, A), (95, P), (150, P), (210, A), (271, A))
    assert found.at == second(210)


def test_what_the_origin_showed_before_the_release_bears_out_no_withdrawal() -> None:
    # It is no longer looked at once the edge has the release.
    assert taken_away((90, A), origin=[(-2.0, A), (-1.0, A), (95.0, A)]) == []


def test_the_origin_bears_out_what_the_edge_misses() -> None:
    assert taken_away((90, A), origin=[(95.0, A), (150.0, A)])


def test_an_origin_that_has_it_still_makes_it_no_withdrawal() -> None:
    origin = [(-2.0, A), (1.0, P), *((95.0 + 5 * step, P) for step in range(24))]
    assert taken_away(*((90.0 + 5 * step, A) for step in range(24)), origin=origin) == []


def test_new_bytes_are_a_swap_once_looks_a_minute_apart_agree() -> None:
    assert changed((1, "a"), (60, "a"), (120, "b"), (125, "b")) == []
    (found,) = changed((1, "a"), (60, "a"), (120, "b"), (125, "b"), (180, "b"))
    assert (found.part, found.seconds) == ("sheet", Bounds(59, 121))


def test_a_swap_is_dated_by_the_origin_while_that_is_watched_and_else_by_the_edge() -> None:
    edge = [(1.0, "a"), (3600.0, "a"), (7200.0, "b"), (7205.0, "b"), (7300.0, "b")]
    (found,) = changed(*edge, origin=[(1.0, "a"), (7201.0, "b"), (7300.0, "b")])
    assert found.seconds == Bounds(3599, 7201)
    (found,) = changed(*edge, origin=[(1.0, "a"), (5000.0, "a"), (5005.0, "b"), (7300.0, "b")])
    assert found.seconds == Bounds(4999, 5006)


def test_a_copy_that_one_look_met_is_no_swap() -> None:
    assert changed((1, "a"), (60, "b"), (65, "a"), (125, "a")) == []


def test_a_file_stamped_with_the_minute_was_never_swapped() -> None:
    assert changed(*((5.0 * place, f"{place // 12}") for place in range(1, 60))) == []


@pytest.mark.parametrize("looks", [5, MOST_CHANGES + 1, 60])
def test_a_file_made_anew_for_each_who_asks_was_never_swapped(looks: int) -> None:
    assert changed(*((60.0 * place + 1, f"{min(place, MOST_CHANGES)}") for place in range(looks))) == []


def test_of_a_file_that_changes_again_and_again_the_first_changes_are_told() -> None:
    assert len(changed(*((60.0 * place + 1, f"{place // 2}") for place in range(14)))) == 3
