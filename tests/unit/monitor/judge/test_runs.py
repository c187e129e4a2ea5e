"""Sightings folded into runs. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.runs import Blind, OutOfOrder, Run, drop_watched_spans, extend_run, start_run, widest_gap
from monitor.judge.spells import build_spells
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import View
from tests.worlds.instants import SECOND, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, a_run, a_sighting, fold, looks
from tests.worlds.truths import World, worlds


def folded_runs(
    sightings: Sequence[Sighting],
    blind: Sequence[Blind] = (),
    spacing: float | None = None,
    begin_with: Sequence[Run] = (),
) -> list[Run]:
    """Return the runs after each sighting was added to them, beginning with the runs `begin_with`."""
    runs = [*begin_with]
    for sighting in sightings:
        runs = fold(runs, sighting, blind, None if spacing is None else spacing * SECOND)
    return runs


def runs_of(*each: Look) -> list[Run]:
    return looks(*each).runs("page")


def test_the_same_answers_are_one_run_with_its_looks_and_longest_gap() -> None:
    (run,) = runs_of((0, ABSENT), (1, ABSENT), (4, ABSENT))
    assert (run.looks, run.largest_gap) == (3, 3 * SECOND)
    assert (run.first_sent, run.last_received) == (after_slot(0), after_slot(4))


@pytest.mark.parametrize("state", [PRESENT, ABSENT, WITHDRAWN])
def test_a_failed_look_is_a_run_of_its_own_between_two_runs(state: State) -> None:
    runs = runs_of((0, state), (1, UNKNOWN), (2, state))
    assert [run.state for run in runs] == [state, UNKNOWN, state]
    assert (runs[0].end, runs[2].begin) == (after_slot(0), after_slot(2))


def test_failed_looks_are_counted_by_their_reason() -> None:
    runs = runs_of((0, UNKNOWN), (1, UNKNOWN), a_sighting(UNKNOWN, 2, why="reset"))
    assert [(run.why, run.looks) for run in runs] == [("timeout", 2), ("reset", 1)]


@pytest.mark.parametrize(
    ("least_and_most_ages"), [[(19, 21), (20, 22)], [(0, 0), (29, 31)]], ids=["both cached", "second cached"]
)
def test_a_run_proves_its_state_when_the_copies_of_its_cached_answers_were_made(
    least_and_most_ages: list[tuple[float, float]],
) -> None:
    (first_least, first_most), (second_least, second_most) = least_and_most_ages
    (run,) = runs_of(
        a_sighting(ABSENT, when=100, age=(first_least, first_most)),
        a_sighting(ABSENT, when=101, age=(second_least, second_most)),
    )
    # A copy got at 100 s that is 19 s to 21 s old was made from 79 s to 81 s. So the state was surely true at or before
    # 81 s (`begin`), and at or after 79 s (`end`).
    assert run.begin == after_slot(min(100 - first_least, 101 - second_least))
    assert run.end == after_slot(max(100 - first_most, 101 - second_most))


@pytest.mark.parametrize(("age", "counts"), [((0, 0), True), ((4, 6), True), ((9, 11), False)])
def test_a_cached_presence_counts_only_if_its_copy_cannot_be_older_than_the_first_absence(
    age: tuple[float, float], *, counts: bool
) -> None:
    # The presence was seen at 10 s, and the first absence at 0. A copy that is up to 11 s old may be from before that.
    runs = runs_of((0, ABSENT), (8, ABSENT), a_sighting(PRESENT, 10, age=age))
    is_any_presence = any(spell.is_present for spell in build_spells(View.EDGE, runs))
    assert is_any_presence is counts


def test_answers_that_only_later_showed_this_edition_are_a_run_of_their_own() -> None:
    runs = runs_of((0, PRESENT), *(a_sighting(PRESENT, when, specific=True) for when in (1, 2)))
    assert [(run.specific, run.begin) for run in runs] == [(False, after_slot(0)), (True, after_slot(1))]


def test_present_content_with_other_bytes_begins_a_run() -> None:
    # The digest of the second answer is not known. So its bytes may be the same.
    runs = runs_of(*(a_sighting(PRESENT, n, digest=digest) for n, digest in enumerate(["a", None, "a", "b", "b"])))
    assert [(run.digest, run.looks) for run in runs] == [("a", 3), ("b", 2)]


def test_an_absence_with_other_bytes_begins_no_run() -> None:
    (run,) = runs_of(a_sighting(ABSENT, 0, digest="a"), a_sighting(ABSENT, 1, digest="b"))
    assert (run.digest, run.looks) == ("a", 2)


@pytest.mark.parametrize(("gap", "runs"), [(1, 1), (4, 1), (4.1, 2), (600, 2)])
def test_a_gap_longer_than_the_spacing_allows_splits_a_run(gap: float, runs: int) -> None:
    # Looks are planned a second apart. A gap may be twice that and two seconds more, because a look takes time: 4 s.
    assert len(folded_runs([a_sighting(ABSENT, 0), a_sighting(ABSENT, gap)], spacing=1)) == runs


@pytest.mark.parametrize(
    ("begins", "ends", "runs"), [(2, 8, 2), (-5, 1, 2), (-5, 0, 1), (10, 20, 1), (0, 10, 2), (-5, 50, 2)]
)
def test_a_blind_span_between_two_looks_splits_a_run(begins: float, ends: float, runs: int) -> None:
    # The looks are at 0 and 10. Only a span that overlaps the time between them splits their run.
    blind = [Blind(after_slot(begins), after_slot(ends), "stopped")]
    assert len(folded_runs([a_sighting(ABSENT, 0), a_sighting(ABSENT, 10)], blind)) == runs


def test_a_blind_span_is_kept_if_every_look_of_both_monitors_failed() -> None:
    # North was killed from 0 to 10. A span is dropped if another monitor watched, but no look of south succeeded.
    span = Blind(after_slot(0), after_slot(10), "killed", monitor="north")
    failed = [replace(a_run("page", UNKNOWN, -60, 60), monitor=name) for name in ("north", "south")]
    assert drop_watched_spans([span], {"r/page/edge": failed}) == [span]


def test_only_the_last_run_changes_and_it_keeps_its_evidence() -> None:
    before = runs_of((0, ABSENT), (1, PRESENT))
    before[1] = replace(before[1], evidence=("rec-1",))
    after = fold(before, a_sighting(PRESENT, 2))
    assert after[0] is before[0]
    assert after[1].evidence == ("rec-1",)


def test_a_sighting_older_than_the_last_run_is_out_of_order() -> None:
    with pytest.raises(OutOfOrder, match="r/page/edge"):
        fold(runs_of((5, ABSENT)), a_sighting(ABSENT, 4))


def test_a_sighting_lengthens_the_last_run_unless_its_answer_differs_or_it_is_set_apart() -> None:
    last = start_run(a_sighting(ABSENT, 0))
    same_answer, other_answer = a_sighting(ABSENT, 1), a_sighting(PRESENT, 1)
    lengthened = extend_run(last, same_answer)
    assert (last.looks, lengthened.looks) == (1, 2)
    # It returns None if the sighting begins a run.
    assert extend_run(last, other_answer) is None
    # Sightings are set apart if the monitor was blind between them.
    assert extend_run(last, same_answer, apart=True) is None


@settings(max_examples=100)
@given(worlds(), st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_sightings_added_in_batches_to_the_last_stored_run_give_the_same_runs_as_all_at_once(
    world: World, batch_ends: list[int]
) -> None:
    blind_spans = world.spans
    for sightings in world.sightings.values():
        stored: list[Run] = []
        for begin, end in pairwise([0, *batch_ends, None]):
            # As the daemon does after a restart, load only the last run and store it again with what was added.
            finished, last = stored[:-1], stored[-1:]
            stored = finished + folded_runs(sightings[begin:end], blind_spans, spacing=5, begin_with=last)
        assert stored == folded_runs(sightings, blind_spans, spacing=5)


@settings(max_examples=100)
@given(worlds())
def test_every_look_is_counted_once_and_runs_keep_their_order_and_only_failed_ones_have_a_reason(world: World) -> None:
    for target, runs in world.runs().items():
        assert sum(run.looks for run in runs) == len(world.sightings[target])
        assert all(one.last_received <= other.first_sent for one, other in pairwise(runs))
        assert all(one.state is UNKNOWN for one in runs if one.why)


def test_the_widest_gap_around_a_slot_is_that_of_looks_near_it_until_the_page_was_seen() -> None:
    # Looks count from two minutes before the slot. Hours before it, and after the page was seen, there are fewer looks.
    hours_before = a_run("page", ABSENT, first=-7200, last=-121, looks=400, largest_gap=300 * SECOND)
    around_slot = a_run("page", ABSENT, first=-120, last=3, looks=90, largest_gap=3.6 * SECOND)
    after_it_came = a_run("page", PRESENT, first=5, last=3600, looks=60, largest_gap=60 * SECOND)
    assert widest_gap([hours_before, around_slot, after_it_came], SLOT) == 3.6 * SECOND


def test_a_hole_between_two_runs_around_a_slot_is_a_gap() -> None:
    before, after = a_run("page", ABSENT, -120, -30, looks=90), a_run("page", ABSENT, 10, 120, looks=90)
    assert widest_gap([before, after], SLOT) == 40 * SECOND


def test_one_look_around_a_slot_has_no_gap() -> None:
    assert widest_gap([a_run("page", ABSENT, 1)], SLOT) is None
