"""Which looks are made if the budget is too small for every second: those that prove most."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget_sim import SLOT, WITHIN, Part, best_possible, draw_delays, simulate_sweep, usual_parts
from monitor.plan.addresses import REDIRECT_LAG
from monitor.plan.proof import LookResult, PartProof, ProofGoal, Rank
from monitor.plan.sweep import Sweep
from monitor.plan.targets import View

SECOND = timedelta(seconds=1)
GAP = 10 * SECOND


def at(seconds: float) -> datetime:
    return SLOT + seconds * SECOND


def rank_of(*, importance: int = 0, required_parts: int = 1, order: int = 0) -> Rank:
    """Return a rank. The part with the lowest rank goes first if not all looks fit."""
    return (-importance, required_parts, order)


def part_proof(  # what is known of a part
    name: str,
    last_look: float,
    absent_at: float | None = None,
    *,
    rank: Rank = (0, 1, 0),
    is_out: bool = False,
    is_listed: bool = False,
) -> PartProof:
    goal, absent = ProofGoal(SLOT, WITHIN, rank), None if absent_at is None else at(absent_at)
    return PartProof(name, goal, at(last_look), absent_at=absent, is_out=is_out, is_listed=is_listed)


def planned_looks(parts: list[PartProof], seconds_after_slot: float, gap: timedelta = GAP) -> str:
    """Return the names of the parts, of one letter each, in the order of the planned looks."""
    sweep = Sweep(SLOT, WITHIN, {part.id: part for part in parts})
    return "".join(part.id for part in sweep.order_looks(at(seconds_after_slot), gap))


def parts_last_looked_at(**last_looks: float) -> list[PartProof]:
    """Return parts that were looked at in these seconds after the slot, without a result."""
    return [part_proof(name, last_look=second) for name, second in last_looks.items()]


def parts_absent_at(**absences: float) -> list[PartProof]:
    """Return parts that the last look, in these seconds after the slot, proved absent."""
    return [part_proof(name, last_look=second, absent_at=second) for name, second in absences.items()]


def eight_parts_without_proof() -> list[PartProof]:
    """Return the parts a to h, last looked at from 70 s (a) to 77 s (h) before the slot. Part a has the best rank."""
    return [part_proof(name, last_look=-70 - n, rank=rank_of(order=n)) for n, name in enumerate("abcdefgh")]


def test_the_part_with_the_oldest_look_goes_first_before_and_after_the_slot() -> None:
    # All times are in seconds after the slot. The oldest look is at b.
    parts = parts_last_looked_at(a=-70, b=-90, c=-80)
    assert planned_looks(parts, seconds_after_slot=-60, gap=10 * SECOND) == "bca"
    parts = parts_absent_at(a=-20, b=-40, c=-30)
    assert planned_looks(parts, seconds_after_slot=1, gap=10 * SECOND) == "bca"


def test_a_part_that_is_out_gets_no_look() -> None:
    part_out = part_proof("d", last_look=1, absent_at=-50, is_out=True)
    assert (
        planned_looks([*parts_absent_at(a=-20, b=-40, c=-30), part_out], seconds_after_slot=2, gap=10 * SECOND) == "bca"
    )


def test_a_part_that_a_listing_shows_goes_first_even_if_it_has_the_newest_look() -> None:
    listed = part_proof("d", last_look=-10, absent_at=-10, is_listed=True)
    assert (
        planned_looks([*parts_absent_at(a=-20, b=-40, c=-30), listed], seconds_after_slot=25, gap=10 * SECOND) == "dbca"
    )


def test_outside_the_tolerance_of_60_s_all_parts_get_a_look_the_oldest_first() -> None:
    parts = eight_parts_without_proof()  # a to h, of which h has the oldest look
    assert planned_looks(parts, seconds_after_slot=-90, gap=10 * SECOND) == "hgfedcba"
    assert planned_looks(parts, seconds_after_slot=60, gap=10 * SECOND) == "hgfedcba"


def test_before_the_slot_as_many_parts_as_fit_get_a_look_and_those_with_the_best_ranks_fit() -> None:
    parts = eight_parts_without_proof()  # a to h, of which a has the best rank and h the oldest look
    # Of the parts that fit, the one with the oldest look goes first.
    six_looks_fit = planned_looks(parts, seconds_after_slot=-60, gap=10 * SECOND)
    assert six_looks_fit == "fedcba"
    three_looks_fit = planned_looks(parts, seconds_after_slot=-25, gap=10 * SECOND)
    assert three_looks_fit == "cba"


def test_before_the_slot_a_part_that_was_proved_absent_takes_no_look_from_a_part_without_proof() -> None:
    proved_absent, without_proof = parts_absent_at(a=-40), eight_parts_without_proof()[1:]  # a, and b to h
    # Three looks fit, and b, c and d have the best ranks. Part a comes after them, because it has the newest look.
    assert planned_looks([*proved_absent, *without_proof], seconds_after_slot=-25, gap=10 * SECOND) == "dcba"


def test_after_the_slot_as_many_parts_get_a_look_as_fit_before_the_tolerance_of_60_s_ends() -> None:
    # In 15 s, looks at a and b fit, which come first in the alphabet. Of these two, b has the older look.
    assert planned_looks(parts_absent_at(a=-20, b=-40, c=-30), seconds_after_slot=45, gap=10 * SECOND) == "ba"


def test_a_part_without_a_proof_of_absence_goes_first_for_five_seconds_after_the_slot_and_then_last() -> None:
    # Only in these seconds, a look is likely to find it still absent.
    parts = [*parts_absent_at(a=-20, b=-40, c=-30), *parts_last_looked_at(d=-90)]
    assert planned_looks(parts, seconds_after_slot=1, gap=10 * SECOND) == "dbca"
    assert planned_looks(parts, seconds_after_slot=6, gap=10 * SECOND) == "bcad"
    # In the 24 s that are left of the tolerance, three looks fit, and d gets none.
    assert planned_looks(parts, seconds_after_slot=36, gap=10 * SECOND) == "bca"


def test_a_part_that_was_absent_after_the_slot_gets_no_look_if_the_others_need_the_time() -> None:
    # Two looks fit in the 15 s that are left of the tolerance. Part a is likely late, because it was absent at 20 s.
    assert planned_looks(parts_absent_at(a=20, b=-40, c=-30), seconds_after_slot=45, gap=10 * SECOND) == "bc"


@pytest.mark.parametrize(
    ("rank_of_a", "rank_of_b", "rank_of_c", "first_two"),
    [
        ((-1, 1, 9), (0, 1, 1), (0, 1, 2), "ab"),
        ((0, 2, 1), (0, 1, 5), (0, 1, 3), "bc"),
        ((0, 1, 3), (0, 1, 2), (0, 1, 1), "bc"),
        ((0, 1, 3), (-2, 5, 2), (-1, 1, 1), "bc"),
    ],
    ids=["importance", "number of parts", "chance", "importance before all else"],
)
def test_if_only_two_looks_fit_the_parts_of_the_lowest_rank_get_them(
    rank_of_a: Rank, rank_of_b: Rank, rank_of_c: Rank, first_two: str
) -> None:
    # A rank is the importance, the number of required parts, and a random number that decides between equal releases.
    # The lowest rank goes first.
    ranks = {"a": rank_of_a, "b": rank_of_b, "c": rank_of_c}
    parts = [part_proof(name, last_look=-90, rank=rank) for name, rank in ranks.items()]
    # Two looks fit: 20 s are left before the slot, and looks are 10 s apart.
    assert sorted(planned_looks(parts, seconds_after_slot=-20, gap=10 * SECOND)) == list(first_two)


def test_the_only_look_that_fits_goes_to_an_important_part_although_it_is_likely_late() -> None:
    # Part a is likely late, because it was absent 20 s after the slot. The others still had 30 s to come.
    important = part_proof("a", last_look=20, absent_at=20, rank=rank_of(importance=1))
    unimportant = parts_absent_at(b=-30, c=-30)
    # One look fits in the 10 s until the end of the tolerance, 60 s after the slot.
    assert planned_looks([important, *unimportant], seconds_after_slot=50, gap=10 * SECOND) == "a"


def sweep_of(*parts: str) -> Sweep:
    sweep = Sweep(SLOT, WITHIN)
    for part in parts:
        sweep.add(part, ProofGoal(SLOT, WITHIN, (0, 1, ord(part))))
    return sweep


def make_next_look(
    sweep: Sweep, now: float, result: LookResult, *, age: float = 0.0, gap: timedelta = GAP
) -> tuple[str, View]:
    """Make the next look at `now`, of a copy of this age, and record its result. Return its part and view."""
    part = sweep.next_part(at(now), gap, lambda _: True)
    view = part.next_view
    sweep.record_start(part, at(now))
    sweep.record_result(part.id, view, result, at(now), at(now - age))
    return part.id, view


def test_failed_look_is_repeated_out_of_turn_only_once() -> None:
    # `LookResult.NOTHING` is a failed look. The first look at a fails, and so does the one that repeats it.
    sweep = sweep_of("a", "b", "c")
    parts_of_failed_looks = [make_next_look(sweep, now, LookResult.NOTHING)[0] for now in (-60, -50)]
    parts_of_next_looks = [make_next_look(sweep, now, LookResult.ABSENT)[0] for now in (-40, -30, -20, -10)]
    assert parts_of_failed_looks == ["a", "a"]
    assert parts_of_next_looks == ["b", "c", "a", "b"]


def view_of_second_look(*, first_look_at: float, age_of_copy: float) -> View:
    """Return the view of the second look, if the first, at the edge, got a copy of this age without the part."""
    sweep = sweep_of("a")
    _part, first_view = make_next_look(sweep, first_look_at, LookResult.ABSENT, age=age_of_copy)
    assert first_view is View.EDGE
    _part, second_view = make_next_look(sweep, first_look_at + 10, LookResult.NOTHING)
    return second_view


def test_after_an_absence_5_s_after_the_slot_the_next_look_is_at_the_edge_again() -> None:
    assert view_of_second_look(first_look_at=5, age_of_copy=0) is View.EDGE


def test_after_an_absence_in_a_copy_from_before_the_slot_the_next_look_is_at_the_origin() -> None:
    # The release may be out, and the cache at the edge may hide it.
    assert view_of_second_look(first_look_at=5, age_of_copy=9) is View.ORIGIN


def test_after_an_absence_later_than_20_s_after_the_slot_the_next_look_is_at_the_origin() -> None:
    assert view_of_second_look(first_look_at=25, age_of_copy=0) is View.ORIGIN


def test_after_an_absence_before_the_slot_the_next_look_is_at_the_edge_even_if_a_copy_was_old() -> None:
    # Before the slot, absence is expected.
    assert view_of_second_look(first_look_at=-5, age_of_copy=9) is View.EDGE


def view_after_an_absence_at_the_edge(*, origin_last_absent: float) -> View:
    """Return the view of the next look, 30 s before the slot, after an absence at the edge 45 s before it.

    The origin last showed an absence this many seconds after the slot.
    """
    sweep = sweep_of("a")
    sweep.record_result(
        "a", View.ORIGIN, LookResult.ABSENT, sent=at(origin_last_absent), proved_from=at(origin_last_absent)
    )
    make_next_look(sweep, -45, LookResult.ABSENT)
    _part, next_view = make_next_look(sweep, -30, LookResult.ABSENT)
    return next_view


def test_next_look_is_at_the_origin_if_its_last_absence_is_80_s_before_the_slot() -> None:
    # The interval of first seen would begin at this absence, which is too early to prove that the part is on time. It
    # must begin in the last 60 s before the slot.
    assert view_after_an_absence_at_the_edge(origin_last_absent=-80) is View.ORIGIN


def test_next_look_is_at_the_edge_if_the_last_absence_at_the_origin_is_50_s_before_the_slot() -> None:
    # The interval of first seen begins in the last 60 s before the slot, as it must to prove that the part is on time.
    assert view_after_an_absence_at_the_edge(origin_last_absent=-50) is View.EDGE


def test_next_look_is_at_the_edge_if_the_last_absence_at_the_origin_is_110_s_before_the_slot() -> None:
    # Over 95 s before the slot, an absence at the origin does not count. The interval begins at the absence at the
    # edge.
    assert view_after_an_absence_at_the_edge(origin_last_absent=-110) is View.EDGE


def sweep_with_announcements(*pages: str) -> Sweep:
    """Return a sweep of these pages and of the announcement of each: `a` and `announcement of a`."""
    sweep = sweep_of(*pages)
    for page in pages:
        sweep.add(f"announcement of {page}", ProofGoal(SLOT, WITHIN, (0, 1, ord(page)), announced_page=page))
    return sweep


def looks_in_the_last_40_s(pages: str) -> list[tuple[str, View]]:
    """Return the looks at pages and their announcements, one a second until the slot. All are absent."""
    sweep = sweep_with_announcements(*pages)
    return [make_next_look(sweep, now, LookResult.ABSENT, gap=SECOND) for now in range(-40, 0)]


def test_in_the_last_40_s_before_a_slot_the_announcement_of_each_page_gets_the_first_looks() -> None:
    first_eight_looks = looks_in_the_last_40_s("abcdefgh")[:8]
    # An announcement is looked at only at the origin.
    assert first_eight_looks == [(f"announcement of {page}", View.ORIGIN) for page in "abcdefgh"]


def test_in_the_last_40_s_before_a_slot_each_page_gets_one_of_the_last_looks() -> None:
    # So each absence of a page is proved as late as possible.
    last_eight_looks = looks_in_the_last_40_s("abcdefgh")[-8:]
    assert sorted(part for part, _ in last_eight_looks) == list("abcdefgh")


def test_in_the_last_40_s_before_a_slot_pages_are_looked_at_only_at_the_edge() -> None:
    # Eight pages at one look a second leave no time for the origin view.
    looks = looks_in_the_last_40_s("abcdefgh")
    assert {view for part, view in looks if part in "abcdefgh"} == {View.EDGE}


def test_after_the_first_round_the_announcement_of_a_missing_page_is_looked_at_before_the_page() -> None:
    sweep = sweep_with_announcements("a", "b", "c")
    for page in "abc":
        sweep.record_result(page, View.EDGE, LookResult.ABSENT, at(-5), at(-5))
    looks: list[str] = []
    for now in range(1, 6):
        part = sweep.next_part(at(now), SECOND, is_ready=lambda _: True)
        sweep.record_start(part, at(now))
        # After the slot, pages a and c are there and b is still absent.
        result = LookResult.ABSENT if part.id == "b" else LookResult.PRESENT
        sweep.record_result(part.id, part.next_view, result, at(now), at(now))
        looks.append(part.id)
    first_round, then = looks[:3], looks[3:]
    assert sorted(first_round) == ["a", "b", "c"]
    assert then == ["announcement of b", "b"]


def test_unchanged_announcement_proves_absence_as_of_one_redirect_lag_earlier() -> None:
    # An announcement redirects to its page, but may begin to do so up to `REDIRECT_LAG` after the page came.
    sweep = sweep_with_announcements("a")
    sweep.record_result("announcement of a", View.ORIGIN, LookResult.ABSENT, at(-20), at(-20))
    assert sweep.parts["announcement of a"].absent_at == at(-20) - REDIRECT_LAG


def test_views_alternate_at_a_part_that_is_still_absent_20_seconds_after_the_slot() -> None:
    sweep = sweep_of("a")
    views = [make_next_look(sweep, now, LookResult.ABSENT)[1] for now in (22, 24, 26, 28)]
    assert views == [View.EDGE, View.ORIGIN, View.EDGE, View.ORIGIN]


def test_a_part_seen_before_and_after_its_slot_gets_no_further_look() -> None:
    sweep = sweep_of("a")
    # A part that is public before its slot may be removed again, so it still gets a look after the slot.
    make_next_look(sweep, -8, LookResult.PRESENT)
    make_next_look(sweep, 2, LookResult.PRESENT)
    assert sweep.next_part(at(6), GAP, is_ready=lambda _: True) is None


def test_a_part_that_is_not_ready_is_passed_over_and_chosen_once_it_is_ready() -> None:
    sweep = sweep_of("a", "b")
    # It is the turn of a.
    only_b_is_ready = sweep.next_part(at(-30), GAP, is_ready=lambda part: part.id == "b")
    assert only_b_is_ready is sweep.parts["b"]
    none_is_ready = sweep.next_part(at(-30), GAP, is_ready=lambda _: False)
    assert none_is_ready is None
    only_a_is_ready = sweep.next_part(at(-28), GAP, is_ready=lambda part: part.id == "a")
    assert only_a_is_ready is sweep.parts["a"]


def test_removed_part_gets_no_look_and_a_new_part_gets_one_at_once() -> None:
    sweep = sweep_of("a", "b")
    assert make_next_look(sweep, -30, LookResult.ABSENT)[0] == "a"
    sweep.remove("b")
    sweep.remove("never there")  # this is no error
    sweep.add("c", ProofGoal(SLOT, WITHIN, (0, 1, 0)))
    assert make_next_look(sweep, -29, LookResult.ABSENT)[0] == "c"
    # A look that was under way when its part was removed is ignored.
    sweep.record_result("b", View.EDGE, LookResult.ABSENT, at(-28), at(-28))
    assert set(sweep.parts) == {"a", "c"}


def test_a_part_that_a_listing_shows_to_be_out_gets_the_next_look() -> None:
    sweep = sweep_of("a", "b", "c")
    for second in (-30, -20, -10):
        make_next_look(sweep, second, LookResult.ABSENT)
    assert make_next_look(sweep, 1, LookResult.ABSENT)[0] == "a"
    sweep.prioritise(["c", "not in the sweep"])
    assert make_next_look(sweep, 11, LookResult.PRESENT)[0] == "c"


def test_all_parts_that_are_published_on_time_are_proved_although_every_ninth_part_is_late() -> None:
    parts = usual_parts(175)  # published 1 to 5 s after the slot
    late_numbers = set(range(0, 175, 9))
    for number in late_numbers:
        seconds_after_slot = 200.0
        parts[number] = Part(seconds_after_slot)
    numbers_of_proved_parts = simulate_sweep(parts, rate=5.0).parts
    assert sorted(numbers_of_proved_parts) == sorted(set(range(175)) - late_numbers)


@pytest.mark.parametrize("fraction_late", [0.0, 0.1, 0.2])
def test_sweep_proves_85_percent_of_what_perfect_foresight_would(fraction_late: float) -> None:
    parts = [Part(seconds_after_slot) for seconds_after_slot in draw_delays(300, fraction_late)]
    proved, proved_with_foresight = simulate_sweep(parts, rate=5.0).parts, best_possible(parts, rate=5.0)
    assert len(proved) >= 0.85 * len(proved_with_foresight)


publication_times = st.lists(st.floats(0, 30), min_size=1, max_size=60)  # in seconds after the slot


@given(publication_times, st.floats(1, 5))
def test_all_parts_are_proved_to_one_round_if_each_can_get_a_look_between_publication_and_tolerance(
    published_after_slot: list[float], rate: float
) -> None:
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
    # The tolerance ends 60 s after the slot. Leave out the parts for which no look is left until then.
    looks_left = int((60 - max(published_after_slot)) / gap)
    parts = [Part(seconds) for seconds in published_after_slot[:looks_left]]
    simulated = simulate_sweep(parts, rate)
    numbers_of_proved_parts, interval_seconds = simulated.parts, simulated.widths
    assert sorted(numbers_of_proved_parts) == list(range(len(parts)))
    seconds_of_a_round, rounding = len(parts) * gap, 0.001
    assert max(interval_seconds) <= seconds_of_a_round + rounding


@given(publication_times, st.floats(0.2, 1))
def test_all_important_parts_are_proved_if_each_can_get_a_look_between_publication_and_tolerance(
    published_after_slot: list[float], rate: float
) -> None:
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
    # The tolerance ends 60 s after the slot. As many parts are important as looks are left until then.
    looks_left = int((60 - max(published_after_slot)) / gap)
    important = [Part(seconds, weight=1) for seconds in published_after_slot[:looks_left]]
    unimportant = [Part(seconds, weight=0) for seconds in published_after_slot[looks_left:]]
    numbers_of_proved_parts = simulate_sweep([*important, *unimportant], rate).parts
    numbers_of_important_parts = range(len(important))
    assert set(numbers_of_proved_parts) >= set(numbers_of_important_parts)


PARTS_WITH_ANY_LOOKS = st.lists(
    st.builds(
        part_proof,
        st.uuids().map(str),
        last_look=st.floats(-180, 60),
        absent_at=st.floats(-180, 60) | st.none(),
        is_out=st.booleans(),
    ),
    max_size=40,
)


@given(PARTS_WITH_ANY_LOOKS, st.floats(-150, 90), st.floats(0.1, 20))
def test_no_part_that_is_out_is_planned_and_no_part_is_planned_twice(
    parts: list[PartProof], now: float, gap: float
) -> None:
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in parts}).order_looks(at(now), gap * SECOND)
    assert not any(part.is_out for part in planned)
    assert len({part.id for part in planned}) == len(planned)


@given(PARTS_WITH_ANY_LOOKS, st.floats(60, 90), st.floats(0.1, 20))
def test_after_the_tolerance_of_60_s_every_part_that_is_not_out_is_planned(
    parts: list[PartProof], now: float, gap: float
) -> None:
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in parts}).order_looks(at(now), gap * SECOND)
    assert {part.id for part in planned} == {part.id for part in parts if not part.is_out}
