from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.runs import Blind, OutOfOrder, Run, extend
from monitor.judge.spells import spells
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import View
from tests.unit.monitor.judge.world import World, fold, look, second, worlds

P, A, U, W = State.PRESENT, State.ABSENT, State.UNKNOWN, State.WITHDRAWN
T = "r/page/edge"


def folded(sightings: list[Sighting], blind: list[Blind] | None = None, spacing: float | None = None) -> list[Run]:
    runs: list[Run] = []
    for sighting in sightings:
        runs = fold(runs, sighting, blind or [], None if spacing is None else timedelta(seconds=spacing))
    return runs


def test_equal_answers_make_one_run_with_its_looks_and_longest_gap() -> None:
    (run,) = folded([look(T, A, 0), look(T, A, 1), look(T, A, 4)])
    assert (run.looks, run.largest_gap) == (3, timedelta(seconds=3))
    assert (run.first_sent, run.last_received) == (second(0), second(4))


@pytest.mark.parametrize("state", [P, A, W])
def test_an_unknown_look_stands_by_itself_between_two_runs(state: State) -> None:
    runs = folded([look(T, state, 0), look(T, U, 1), look(T, state, 2)])
    assert [run.state for run in runs] == [state, U, state]
    assert (runs[0].end, runs[2].begin) == (second(0), second(2))


def test_unknown_looks_are_counted_by_their_reason() -> None:
    runs = folded([look(T, U, 0), look(T, U, 1), look(T, U, 2, why="reset")])
    assert [(run.why, run.looks) for run in runs] == [("timeout", 2), ("reset", 1)]


def test_a_cached_answer_proves_no_more_than_its_age_allows() -> None:
    (run,) = folded([look(T, A, 100, age=(19, 21)), look(T, A, 101, age=(20, 22))])
    assert (run.begin, run.end) == (second(81), second(79))


def test_a_later_answer_from_an_older_copy_takes_no_proof_back() -> None:
    (run,) = folded([look(T, A, 100), look(T, A, 101, age=(29, 31))])
    assert (run.begin, run.end) == (second(72), second(100))


@pytest.mark.parametrize(("age", "counted"), [((0, 0), True), ((4, 6), True), ((9, 11), False)])
def test_a_copy_that_may_be_older_than_the_first_absence_shows_no_return(
    age: tuple[float, float], *, counted: bool
) -> None:
    runs = folded([look(T, A, 0), look(T, A, 8), look(T, P, 10, age=age)])
    assert [spell.out for spell in spells(View.EDGE, runs)] == [False, True][: 1 + counted]


def test_what_only_a_later_answer_showed_to_be_this_edition_is_a_run_of_its_own() -> None:
    runs = folded([look(T, P, 0), look(T, P, 1, specific=True), look(T, P, 2, specific=True)])
    assert [(run.specific, run.begin) for run in runs] == [(False, second(0)), (True, second(1))]


def test_other_bytes_begin_a_run_and_an_answer_without_bytes_does_not() -> None:
    runs = folded([look(T, P, at, digest=digest) for at, digest in enumerate(["a", None, "a", "b", "b"])])
    assert [(run.digest, run.looks) for run in runs] == [("a", 3), ("b", 2)]


def test_the_bytes_of_what_is_absent_do_not_count() -> None:
    assert len(folded([look(T, A, 0, digest="a"), look(T, A, 1, digest="b")])) == 1


@pytest.mark.parametrize(("gap", "runs"), [(1, 1), (4, 1), (4.1, 2), (600, 2)])
def test_a_gap_longer_than_the_spacing_allows_splits_a_run(gap: float, runs: int) -> None:
    assert len(folded([look(T, A, 0), look(T, A, gap)], spacing=1)) == runs


@pytest.mark.parametrize(
    ("begins", "ends", "target", "runs"),
    [(2, 8, "", 2), (-5, 1, "", 2), (-5, 0, "", 1), (10, 20, "", 1), (0, 10, "", 2), (-5, 50, "", 2)],
)
def test_a_blind_span_between_two_looks_splits_a_run(begins: float, ends: float, target: str, runs: int) -> None:
    blind = [Blind(second(begins), second(ends), "stopped", target=target)]
    assert len(folded([look(T, A, 0), look(T, A, 10)], blind)) == runs


def test_only_the_last_run_changes_and_its_evidence_stays() -> None:
    before = folded([look(T, A, 0), look(T, P, 1)])
    before[1] = Run(**{name: getattr(before[1], name) for name in Run.__slots__} | {"evidence": ("rec-1",)})
    after = fold(before, look(T, P, 2))
    assert after[0] is before[0]
    assert after[1].evidence == ("rec-1",)


def test_a_sighting_older_than_the_last_run_is_out_of_order() -> None:
    with pytest.raises(OutOfOrder, match="r/page/edge"):
        fold(folded([look(T, A, 5)]), look(T, A, 4))


def test_extending_gives_the_run_or_the_last_and_the_new_one() -> None:
    first = extend(None, look(T, A, 0))
    assert isinstance(first, Run)
    longer = extend(first, look(T, A, 1))
    assert isinstance(longer, Run)
    assert longer.looks == 2
    assert extend(longer, look(T, P, 2)) == (longer, extend(None, look(T, P, 2)))
    assert extend(longer, look(T, A, 2), apart=True) == (longer, extend(None, look(T, A, 2)))


@settings(max_examples=100)
@given(worlds(), st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_folding_one_by_one_or_in_batches_gives_the_same(world: World, cuts: list[int]) -> None:
    for sightings in world.sightings.values():
        batches = [sightings[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
        stored: list[Run] = []
        for batch in batches:
            # What is stored between two batches is the last run alone; the daemon starts from it.
            tail = stored[-1:]
            for sighting in batch:
                tail = fold(tail, sighting, world.spans, timedelta(seconds=5))
            stored[-1:] = tail
        assert stored == folded(sightings, world.spans, 5)


@settings(max_examples=100)
@given(worlds())
def test_every_look_is_counted_once_and_runs_keep_their_order(world: World) -> None:
    for target, runs in world.runs().items():
        assert sum(run.looks for run in runs) == len(world.sightings[target])
        assert all(one.last_received <= other.first_sent for one, other in pairwise(runs))
        assert all(one.state is U for one in runs if one.why)
