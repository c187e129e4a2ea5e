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


def order_of_looks(parts: list[PartProof], now: float, gap: timedelta = GAP) -> str:
    """Return the names of the parts, of one letter each, in the order of the planned looks."""
    sweep = Sweep(SLOT, WITHIN, {part.id: part for part in parts})
    return "".join(part.id for part in sweep.order_looks(at(now), gap))


UNPROVED = [part_proof("a", last_look=-70), part_proof("b", last_look=-90), part_proof("c", last_look=-80)]
PROVED_ABSENT = [
    part_proof("a", last_look=-20, absent_at=-20),
    part_proof("b", last_look=-40, absent_at=-40),
    part_proof("c", last_look=-30, absent_at=-30),
]
# The first of these in the alphabet has the highest rank and the newest look.
EIGHT_UNPROVED = [part_proof(name, last_look=-70 - place, rank=(0, 1, place)) for place, name in enumerate("abcdefgh")]
A_PROVED_OF_EIGHT = [part_proof("a", last_look=-40, absent_at=-40), *EIGHT_UNPROVED[1:]]
D_UNPROVED = [*PROVED_ABSENT, part_proof("d", last_look=-90)]
D_OUT = [*PROVED_ABSENT, part_proof("d", last_look=1, absent_at=-50, is_out=True)]
D_LISTED = [*PROVED_ABSENT, part_proof("d", last_look=-10, absent_at=-10, is_listed=True)]
A_ABSENT_AFTER_SLOT = [part_proof("a", last_look=20, absent_at=20), *PROVED_ABSENT[1:]]


@pytest.mark.parametrize(
    ("parts", "seconds_after_slot", "expected_order"),
    [
        pytest.param(UNPROVED, -60, "bca", id="before the slot the oldest look goes first"),
        pytest.param(PROVED_ABSENT, 1, "bca", id="after the slot too"),
        pytest.param(D_OUT, 2, "bca", id="a part that is out gets no look"),
        pytest.param(D_LISTED, 25, "dbca", id="a listed part goes first"),
        pytest.param(EIGHT_UNPROVED, -90, "hgfedcba", id="before the tolerance begins all parts get a look"),
        pytest.param(EIGHT_UNPROVED, -60, "fedcba", id="60 s before the slot as many as fit"),
        pytest.param(EIGHT_UNPROVED, -25, "cba", id="25 s before the slot as many as fit"),
        pytest.param(A_PROVED_OF_EIGHT, -25, "dcba", id="beside them a part that was proved absent"),
        pytest.param(PROVED_ABSENT, 45, "ba", id="15 s before the tolerance ends as many as fit"),
        pytest.param(D_UNPROVED, 1, "dbca", id="just after the slot an unproved part goes first"),
        pytest.param(D_UNPROVED, 6, "bcad", id="five seconds later it goes last"),
        pytest.param(D_UNPROVED, 36, "bca", id="it gets no look if the others need the time"),
        pytest.param(A_ABSENT_AFTER_SLOT, 45, "bc", id="nor does a part that was absent after the slot"),
        pytest.param(EIGHT_UNPROVED, 60, "hgfedcba", id="after the tolerance all parts get a look"),
    ],
)
def test_looks_ten_seconds_apart_are_planned_in_the_order_that_can_prove_most_parts(
    parts: list[PartProof], seconds_after_slot: float, expected_order: str
) -> None:
    # Only the state of the parts and the time vary. For example, UNPROVED are a, b and c, last looked at 70, 90 and 80
    # s before the slot, so b was looked at longest ago and goes first. EIGHT_UNPROVED are a to h: h was looked at
    # longest ago, but if not all fit, the first of the alphabet rank higher. The tolerance ends 60 s after the slot.
    assert order_of_looks(parts, now=seconds_after_slot, gap=10 * SECOND) == expected_order


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
    assert sorted(order_of_looks(parts, now=-20, gap=10 * SECOND)) == list(first_two)


def test_if_only_one_look_fits_an_important_part_gets_it_although_it_is_likely_late() -> None:
    # Part a was absent 20 s after the slot, so it is likely late. A lower first number of a rank is more important.
    important = part_proof("a", last_look=20, absent_at=20, rank=(-1, 1, 0))
    less_important = [part_proof(name, last_look=-30, absent_at=-30, rank=(0, 1, 0)) for name in "bc"]
    # The tolerance ends 60 s after the slot, and looks are 10 s apart.
    assert order_of_looks([important, *less_important], now=50, gap=10 * SECOND) == "a"


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


@pytest.mark.parametrize(
    ("first_look_at", "age_of_copy", "expected_second_view"),
    [
        pytest.param(5, 0, View.EDGE, id="soon after the slot"),
        pytest.param(5, 9, View.ORIGIN, id="after the slot, of a copy from before it"),
        pytest.param(25, 0, View.ORIGIN, id="20 s after the slot or later"),
        pytest.param(-5, 9, View.EDGE, id="before the slot, of an old copy"),
    ],
)
def test_after_an_absence_that_a_cache_may_have_kept_the_next_look_is_at_the_origin(
    first_look_at: float, age_of_copy: float, expected_second_view: View
) -> None:
    # A cache may hide a release: until 20 s after the slot only by a copy from before the slot, and later by any copy.
    sweep = sweep_of("a")
    make_next_look(sweep, first_look_at, LookResult.ABSENT, age=age_of_copy)
    _part, second_view = make_next_look(sweep, first_look_at + 10, LookResult.NOTHING)
    assert second_view is expected_second_view


@pytest.mark.parametrize(
    ("origin_last_absent", "expected_second_view"),
    [
        pytest.param(-80, View.ORIGIN, id="too early to prove that the part is on time"),
        pytest.param(-50, View.EDGE, id="late enough to prove it"),
        pytest.param(-110, View.EDGE, id="so early that the edge decides"),
    ],
)
def test_next_look_before_a_slot_is_at_the_origin_if_the_last_absence_there_is_95_to_60_s_before_it(
    origin_last_absent: float, expected_second_view: View
) -> None:
    # An absence at the origin up to 95 s before the slot is where the interval of the part's appearance begins, even if
    # the edge is absent later. Over 60 s before it, the tolerance, that is too early to prove the part on time.
    sweep = sweep_of("a")
    sweep.record_result("a", View.ORIGIN, LookResult.ABSENT, at(origin_last_absent), at(origin_last_absent))
    # This look at the edge, 45 s before the slot, finds the part absent. The next look is 15 s later.
    make_next_look(sweep, -45, LookResult.ABSENT)
    _part, second_view = make_next_look(sweep, -30, LookResult.ABSENT)
    assert second_view is expected_second_view


def sweep_with_announcements(*pages: str) -> Sweep:
    """Return a sweep of these pages and of the announcement of each: `a` and `announcement of a`."""
    sweep = sweep_of(*pages)
    for page in pages:
        sweep.add(f"announcement of {page}", ProofGoal(SLOT, WITHIN, (0, 1, ord(page)), announced_page=page))
    return sweep


def test_in_the_last_minute_announcements_get_the_first_looks_and_pages_the_last_ones() -> None:
    pages = list("abcdefgh")
    sweep = sweep_with_announcements(*pages)
    looks = [make_next_look(sweep, now, LookResult.ABSENT, gap=SECOND) for now in range(-40, 0)]
    one_look_at_each = len(pages)
    first_looks, last_looks = looks[:one_look_at_each], looks[-one_look_at_each:]
    assert first_looks == [(f"announcement of {page}", View.ORIGIN) for page in pages]
    assert sorted(part for part, _ in last_looks) == pages
    pages_at_origin = [part for part, view in looks if part in pages and view is View.ORIGIN]
    assert pages_at_origin == []


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


def test_part_that_is_not_ready_waits_for_the_next_round() -> None:
    # It is the turn of a. Only a part for which `is_ready` returns true can be chosen.
    sweep = sweep_of("a", "b")
    assert sweep.next_part(at(-30), GAP, is_ready=lambda part: part.id == "b") is sweep.parts["b"]
    assert sweep.next_part(at(-30), GAP, is_ready=lambda _: False) is None
    assert sweep.next_part(at(-28), GAP, is_ready=lambda part: part.id == "a") is sweep.parts["a"]


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


def test_late_parts_prevent_no_proof_of_the_others() -> None:
    # Every ninth of 175 parts is late.
    late = set(range(0, 175, 9))
    published_soon, published_late = usual_parts(175), Part(comes=200.0)  # 1 to 5 s, and 200 s after the slot
    parts = [published_late if number in late else part for number, part in enumerate(published_soon)]
    assert sorted(simulate_sweep(parts, rate=5.0).parts) == sorted(set(range(175)) - late)


@pytest.mark.parametrize("fraction_late", [0.0, 0.1, 0.2])
def test_sweep_proves_85_percent_of_what_perfect_foresight_would(fraction_late: float) -> None:
    parts = [Part(seconds_after_slot) for seconds_after_slot in draw_delays(300, fraction_late)]
    proved, proved_with_foresight = simulate_sweep(parts, rate=5.0).parts, best_possible(parts, rate=5.0)
    assert len(proved) >= 0.85 * len(proved_with_foresight)


publication_times = st.lists(st.floats(0, 30), min_size=1, max_size=60)  # in seconds after the slot


def looks_left_after(last_publication: float, gap: float) -> int:
    """Return how many looks, `gap` seconds apart, the tolerance of 60 s leaves after the last publication."""
    return int((60 - last_publication) / gap)


@given(publication_times, st.floats(1, 5))
def test_all_parts_are_proved_to_within_one_round_of_looks_if_a_look_is_left_for_each(
    published_after_slot: list[float], rate: float
) -> None:
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
    looks_left = looks_left_after(max(published_after_slot), gap=gap)
    parts = [Part(seconds) for seconds in published_after_slot[:looks_left]]  # no more than there are looks left
    simulated = simulate_sweep(parts, rate)
    proved_numbers, interval_seconds = simulated.parts, simulated.widths
    assert sorted(proved_numbers) == list(range(len(parts)))
    seconds_of_one_round, rounding = len(parts) * gap, 0.001
    assert max(interval_seconds) <= seconds_of_one_round + rounding


@given(publication_times, st.floats(0.2, 1))
def test_if_the_tolerance_leaves_a_look_for_each_important_part_the_important_parts_are_all_proved(
    published_after_slot: list[float], rate: float
) -> None:
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
    looks_left = looks_left_after(max(published_after_slot), gap=gap)
    parts = [Part(seconds, weight=int(number < looks_left)) for number, seconds in enumerate(published_after_slot)]
    important = {number for number, part in enumerate(parts) if part.weight}
    assert set(simulate_sweep(parts, rate).parts) >= important


@given(
    st.lists(st.tuples(st.floats(-180, 60), st.floats(-180, 60) | st.none(), st.booleans()), max_size=40),
    st.floats(-150, 90),
    st.floats(0.1, 20),
)
def test_each_part_that_is_not_out_is_planned_at_most_once_and_after_the_tolerance_exactly_once(
    looks_of_parts: list[tuple[float, float | None, bool]], now: float, gap: float
) -> None:
    parts = [
        part_proof(str(number), last_look, absent_at, is_out=is_out)
        for number, (last_look, absent_at, is_out) in enumerate(looks_of_parts)
    ]
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in parts}).order_looks(at(now), gap * SECOND)
    assert len({part.id for part in planned}) == len(planned)
    assert not any(part.is_out for part in planned)
    tolerance_ends = 60
    # Before that, there may be too few looks for all parts.
    if now >= tolerance_ends:
        assert len(planned) == sum(not part.is_out for part in parts)
