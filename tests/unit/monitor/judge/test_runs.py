"""Sightings folded into runs. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.runs import (
    Blind,
    OutOfOrder,
    Run,
    drop_watched_spans,
    extend_run,
    start_run,
    widest_gap,
)
from monitor.judge.spells import build_spells
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import View
from tests.worlds.instants import SECOND, SLOT, after_slot
from tests.worlds.looks import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    WITHDRAWN,
    Look,
    a_run,
    a_sighting,
    fold,
    looks,
)
from tests.worlds.releases import PAGE_URL
from tests.worlds.truths import World, worlds


def folded_runs(
    sightings: Sequence[Sighting],
    blind: Sequence[Blind] = (),
    planned_gap: float | None = None,
    begin_with: Sequence[Run] = (),
) -> list[Run]:
    """Return the runs `begin_with` after each sighting was added.

    `planned_gap`: seconds planned between two looks.
    """
    runs = [*begin_with]
    for sighting in sightings:
        runs = fold(runs, sighting, blind, None if planned_gap is None else planned_gap * SECOND)
    return runs


def runs_of(*each: Look) -> list[Run]:
    return looks(*each).runs("page")


def test_same_answers_are_one_run() -> None:
    """Looks at 0 s, 1 s and 4 s found the page absent: one run of three looks.

    The largest gap is from 1 s to 4 s.
    """
    (run,) = runs_of((0, ABSENT), (1, ABSENT), (4, ABSENT))
    assert (run.looks, run.largest_gap) == (3, 3 * SECOND)
    assert (run.first_sent, run.last_received) == (after_slot(0), after_slot(4))


@pytest.mark.parametrize("state", [PRESENT, ABSENT, WITHDRAWN])
def test_failed_look_is_a_run_between_two_runs(state: State) -> None:
    """Looks at 0 s and 2 s got the same answer (`state`). The look at 1 s failed. So there are
    three runs of one look each. The first ends at 0 s, and the last begins at 2 s.
    """
    runs = runs_of((0, state), (1, UNKNOWN), (2, state))
    assert [run.state for run in runs] == [state, UNKNOWN, state]
    assert (runs[0].end, runs[2].begin) == (after_slot(0), after_slot(2))


def test_failed_looks_are_counted_by_their_reason() -> None:
    """Three looks failed: two by a timeout, the usual reason here, and then one because its
    connection was reset. So there are two runs, one of two looks and one of one look.
    """
    runs = runs_of((0, UNKNOWN), (1, UNKNOWN), a_sighting(UNKNOWN, 2, why="reset"))
    assert [(run.why, run.looks) for run in runs] == [("timeout", 2), ("reset", 1)]


@pytest.mark.parametrize(
    ("first_age", "second_age"),
    [((19, 21), (20, 22)), ((0, 0), (29, 31))],
    ids=["both cached", "second cached"],
)
def test_run_of_cached_answers_dates_from_when_copies_were_made(
    first_age: tuple[float, float], second_age: tuple[float, float]
) -> None:
    """Looks at 100 s and 101 s got answers without the page, one or both of them from a cache. An
    age is given as its least and most. A copy got at 100 s that is 19 s to 21 s old was made
    between 79 s and 81 s. So the absence surely began by 81 s and did not end before 79 s. A run
    takes the earlier begin and the later end of its two answers.
    """
    (run,) = runs_of(
        a_sighting(ABSENT, when=100, age=first_age), a_sighting(ABSENT, when=101, age=second_age)
    )
    (first_least, first_most), (second_least, second_most) = first_age, second_age
    assert run.begin == after_slot(min(100 - first_least, 101 - second_least))
    assert run.end == after_slot(max(100 - first_most, 101 - second_most))


@pytest.mark.parametrize(("age", "counts"), [((0, 0), True), ((4, 6), True), ((9, 11), False)])
def test_cached_presence_counts_unless_its_copy_may_predate_absence(
    age: tuple[float, float], *, counts: bool
) -> None:
    """The page was absent at 0 s and 8 s. At 10 s a look got the page, fresh or as an old copy,
    with the least and most of its age. A copy from after the first absence, 0 s, is of no earlier
    edition. So the page counts if it is fresh or 4 s to 6 s old. If it is 9 s to 11 s old, it is
    perhaps from before 0 s, and proves nothing.
    """
    runs = runs_of((0, ABSENT), (8, ABSENT), a_sighting(PRESENT, 10, age=age))
    is_any_presence = any(spell.is_present for spell in build_spells(View.EDGE, runs))
    assert is_any_presence is counts


def test_first_answer_that_identifies_this_edition_begins_a_run() -> None:
    """Looks at 0 s, 1 s and 2 s show the page. The first answer does not say which edition it is.
    The other two say that it is this edition (`specific`). So there are two runs, which begin at 0
    s and at 1 s.
    """
    runs = runs_of((0, PRESENT), *(a_sighting(PRESENT, when, specific=True) for when in (1, 2)))
    assert [(run.specific, run.begin) for run in runs] == [
        (False, after_slot(0)),
        (True, after_slot(1)),
    ]


def test_present_content_with_other_bytes_begins_a_run() -> None:
    """Five looks, a second apart, show the page. A digest stands for the bytes of an answer. The
    second digest is not known (None), so it may be “a” too. So the first three answers are one run,
    and the two with “b” another.
    """
    digests = ["a", None, "a", "b", "b"]
    runs = runs_of(
        *(a_sighting(PRESENT, second, digest=digest) for second, digest in enumerate(digests))
    )
    assert [(run.digest, run.looks) for run in runs] == [("a", 3), ("b", 2)]


@pytest.mark.parametrize(
    ("address", "is_lengthened"), [("", True), (PAGE_URL, True), ("https://b.example", False)]
)
def test_look_lengthens_a_run_at_its_address_or_at_an_unknown_one(
    address: str, *, is_lengthened: bool
) -> None:
    """Older versions stored runs without their address."""
    run = a_run("page", ABSENT, 0, address=address)
    longer = extend_run(run, a_sighting(ABSENT, 1, address=PAGE_URL))
    assert (longer is not None) is is_lengthened


def test_run_dated_by_a_clock_ahead_is_moved_but_for_what_is_not_in_the_future() -> None:
    """The clock was 60 s ahead until 40 s. The run seemed to go from 0 s to 90 s."""
    moved = a_run("page", ABSENT, 0, 90).moved_back(-60 * SECOND, after_slot(40))
    assert (moved.first_sent, moved.last_received) == (after_slot(-60), after_slot(30))
    assert (moved.begin, moved.end) == (after_slot(0), after_slot(30))


def test_absence_with_other_bytes_begins_no_run() -> None:
    """Two looks found no page, but errors of different bytes (`digest`): one run, with the digest
    of the first.
    """
    (run,) = runs_of(a_sighting(ABSENT, 0, digest="a"), a_sighting(ABSENT, 1, digest="b"))
    assert (run.digest, run.looks) == ("a", 2)


@pytest.mark.parametrize(
    ("seconds_between_looks", "number_of_runs"), [(1, 1), (4, 1), (4.1, 2), (600, 2)]
)
def test_gap_much_longer_than_planned_splits_a_run(
    seconds_between_looks: float, number_of_runs: int
) -> None:
    """Two looks found the page absent. Looks are planned one second apart. A gap of twice that and
    2 s more, 4 s in all, is allowed, as a look takes time. So looks up to 4 s apart are one run.
    After a longer gap, they are two.
    """
    sightings = [a_sighting(ABSENT, 0), a_sighting(ABSENT, seconds_between_looks)]
    assert len(folded_runs(sightings, planned_gap=1)) == number_of_runs


@pytest.mark.parametrize(
    ("begins", "ends", "number_of_runs"),
    [(2, 8, 2), (-5, 1, 2), (-5, 0, 1), (10, 20, 1), (0, 10, 2), (-5, 50, 2)],
)
def test_blind_span_between_two_looks_splits_their_run(
    begins: float, ends: float, number_of_runs: int
) -> None:
    """Looks at 0 s and 10 s found the page absent. The monitor was stopped, so blind, for a span of
    time. If that covers any time between the looks, such as 2 s to 8 s, they are two runs. If not,
    as if it ends at 0 s: one.
    """
    blind = [Blind(after_slot(begins), after_slot(ends), "stopped")]
    looks_at_0_and_10_s = [a_sighting(ABSENT, 0), a_sighting(ABSENT, 10)]
    assert len(folded_runs(looks_at_0_and_10_s, blind)) == number_of_runs


def test_blind_span_is_kept_if_all_looks_failed() -> None:
    """The monitor “north” was killed, so it was blind from 0 s to 10 s. Such a span is dropped if
    another monitor watched then. The monitor “south” looked from -60 s to 60 s, but all looks of
    both failed. So the span is kept.
    """
    span = Blind(after_slot(0), after_slot(10), "killed", monitor="north")
    failed = [replace(a_run("page", UNKNOWN, -60, 60), monitor=name) for name in ("north", "south")]
    assert drop_watched_spans([span], {"r/page/edge": failed}) == [span]


def test_only_last_run_changes_and_keeps_its_evidence() -> None:
    """The page was absent at 0 s and present at 1 s: two runs. The second has an evidence record,
    “rec-1”. `fold` adds a look at 2 s that also found the page present. It lengthens only the
    second run, which keeps its record.
    """
    absence, presence = runs_of((0, ABSENT), (1, PRESENT))
    presence = replace(presence, evidence=("rec-1",))
    first, second = fold([absence, presence], a_sighting(PRESENT, 2))
    assert first is absence
    assert (second.looks, second.evidence) == (2, ("rec-1",))


def test_sighting_older_than_last_run_is_out_of_order() -> None:
    """The last look at the target, the edge, was at 5 s. So one at 4 s cannot be added."""
    with pytest.raises(OutOfOrder, match="r/page/edge"):
        fold(runs_of((5, ABSENT)), a_sighting(ABSENT, 4))


@pytest.mark.parametrize(
    ("state", "apart", "length"),
    [(ABSENT, False, 2), (PRESENT, False, None), (ABSENT, True, None)],
    ids=["same answer", "other answer", "blind in between"],
)
def test_same_answer_lengthens_last_run_unless_blind_between(
    state: State, length: int | None, *, apart: bool
) -> None:
    """The last run is one look, which found the page absent at 0 s. A look at 1 s with the same
    answer lengthens it to two looks. If its answer differs, or the monitor was blind in between
    (`apart`), a new run must begin (None).
    """
    last = start_run(a_sighting(ABSENT, 0))
    lengthened = extend_run(last, a_sighting(state, 1), apart=apart)
    assert (None if lengthened is None else lengthened.looks) == length
    # The last run itself is never changed.
    assert last.looks == 1


@settings(max_examples=100)
@given(worlds(), st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_batches_of_sightings_give_same_runs_as_all_at_once(
    world: World, batch_ends: list[int]
) -> None:
    """In an invented world, a page comes and goes at random. Random looks, planned 5 s apart, see
    it, fail, or are missing in blind spans. What they saw is added to runs in batches, which end at
    random places (`batch_ends`). A batch needs only the last run from before. The runs may never
    differ from those of all looks added at once.
    """
    blind_spans = world.spans
    for sightings in world.sightings.values():
        stored: list[Run] = []
        for begin, end in pairwise([0, *batch_ends, None]):
            # As the daemon does after a restart, load only the last run and store it again with
            # what was added.
            finished, last = stored[:-1], stored[-1:]
            stored = finished + folded_runs(
                sightings[begin:end], blind_spans, planned_gap=5, begin_with=last
            )
        assert stored == folded_runs(sightings, blind_spans, planned_gap=5)


@settings(max_examples=100)
@given(worlds())
def test_runs_count_each_look_once_in_order_and_only_failed_ones_have_a_reason(
    world: World,
) -> None:
    """In an invented world, random looks see a page that comes and goes, and some of them fail. A
    run is one row for consecutive looks at a target with the same answer.
    """
    for target, runs in world.runs().items():
        # 1. Each look is counted in one run.
        assert sum(run.looks for run in runs) == len(world.sightings[target])
        # 2. No run begins before the last one has ended.
        assert all(one.last_received <= other.first_sent for one, other in pairwise(runs))
        # 3. Only a run of failed looks has a reason (`why`).
        runs_with_reason = [run for run in runs if run.why]
        assert all(run.state is UNKNOWN for run in runs_with_reason)


def test_widest_gap_counts_looks_near_slot_until_page_was_seen() -> None:
    """Each run has a largest gap between two looks: 300 s in the hours until 121 s before the slot,
    then 3.6 s, and 60 s once the page was seen. The widest gap counts only from 120 s before the
    slot until the page was seen: 3.6 s.
    """
    hours_before = a_run("page", ABSENT, first=-7200, last=-121, largest_gap=300 * SECOND)
    around_slot = a_run("page", ABSENT, first=-120, last=3, largest_gap=3.6 * SECOND)
    after_it_came = a_run("page", PRESENT, first=5, last=3600, largest_gap=60 * SECOND)
    assert widest_gap([hours_before, around_slot, after_it_came], SLOT) == 3.6 * SECOND


def test_time_between_two_runs_around_slot_is_a_gap_between_looks() -> None:
    """One run of looks found the page absent until 30 s before the slot. The next run began 10 s
    after the slot. In between, there was no look for 40 s. That is the widest gap between two looks
    around the slot.
    """
    before, after = (
        a_run("page", ABSENT, first=-120, last=-30),
        a_run("page", ABSENT, first=10, last=120),
    )
    assert widest_gap([before, after], SLOT) == 40 * SECOND


def test_failed_looks_before_page_was_seen_are_no_proof_and_so_a_gap() -> None:
    """No look succeeds from 3 to 20 minutes after the slot, although one is made each second."""
    absent = a_run("page", ABSENT, first=-120, last=180)
    failed = a_run("page", UNKNOWN, first=181, last=1200)
    seen = a_run("page", PRESENT, first=1201, last=3600)
    assert widest_gap([absent, failed, seen], SLOT) == 1021 * SECOND


def test_one_look_around_slot_has_no_gap() -> None:
    assert widest_gap([a_run("page", ABSENT, 1)], SLOT) is None
