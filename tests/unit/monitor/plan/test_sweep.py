"""Which looks are made if the budget is too small for every second: those that prove most."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget_sim import SLOT, WITHIN, Part, best, delays, swept, usual
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
    turn: float,
    absent: float | None = None,
    *,
    rank: Rank = (0, 1, 0),
    seen: bool = False,
    listed: bool = False,
) -> PartProof:
    proof = ProofGoal(SLOT, WITHIN, rank)
    return PartProof(
        name, proof, at(turn), absent_at=None if absent is None else at(absent), is_out=seen, is_listed=listed
    )


def order_of_looks(needs: list[PartProof], now: float, gap: timedelta = GAP) -> str:
    """Return the names of the parts, of one letter each, in the order of the planned looks."""
    sweep = Sweep(SLOT, WITHIN, {part.id: part for part in needs})
    return "".join(part.id for part in sweep.order_looks(at(now), gap))


BEFORE = [part_proof("a", -70), part_proof("b", -90), part_proof("c", -80)]
AFTER = [part_proof("a", -20, -20), part_proof("b", -40, -40), part_proof("c", -30, -30)]
MANY = [part_proof(name, -70 - place, rank=(0, 1, place)) for place, name in enumerate("abcdefgh")]


@pytest.mark.parametrize(
    ("needs", "now", "turns"),
    [
        pytest.param(BEFORE, -60, "bca", id="who was looked at longest ago goes first"),
        pytest.param(AFTER, 1, "bca", id="after the slot in the same order"),
        pytest.param([*AFTER, part_proof("d", 1, -50, seen=True)], 2, "bca", id="what is seen is looked at no more"),
        pytest.param([*AFTER, part_proof("d", -10, -10, listed=True)], 25, "dbca", id="what is listed goes first"),
        pytest.param(MANY, -60, "fedcba", id="no more than fit until the slot"),
        pytest.param(MANY, -90, "hgfedcba", id="before that all"),
        pytest.param(MANY, -25, "cba", id="fewer, the less time is left"),
        pytest.param(
            [*MANY[1:], part_proof("a", -40, -40)], -25, "dcba", id="what was proved absent is looked at again"
        ),
        pytest.param(AFTER, 45, "ba", id="after the slot no more than fit"),
        pytest.param(
            [*AFTER, part_proof("d", -90)], 1, "dbca", id="one not seen absent is looked at while it may be so yet"
        ),
        pytest.param([*AFTER, part_proof("d", -90)], 6, "bcad", id="and later after all others"),
        pytest.param([*AFTER, part_proof("d", -90)], 36, "bca", id="and not at all where others need the time"),
        pytest.param(
            [part_proof("a", 20, 20), *AFTER[1:]], 45, "bc", id="what is likely to be late takes nobody's time"
        ),
        pytest.param(MANY, 60, "hgfedcba", id="after the tolerance all are looked at"),
    ],
)
def test_order_of_looks(needs: list[PartProof], now: float, turns: str) -> None:
    assert order_of_looks(needs, now) == turns


@pytest.mark.parametrize(
    ("ranks", "kept"),
    [
        ([(-1, 1, 9), (0, 1, 1), (0, 1, 2)], "ab"),
        ([(0, 2, 1), (0, 1, 5), (0, 1, 3)], "bc"),
        ([(0, 1, 3), (0, 1, 2), (0, 1, 1)], "bc"),
        ([(0, 1, 3), (-2, 5, 2), (-1, 1, 1)], "bc"),
    ],
)
def test_rank_is_by_importance_then_number_of_parts_then_chance(ranks: list[Rank], kept: str) -> None:
    needs = [part_proof(name, -90, rank=rank) for name, rank in zip("abc", ranks, strict=True)]
    assert "".join(sorted(order_of_looks(needs, -20))) == kept


def test_important_part_is_looked_at_even_if_likely_late() -> None:
    important = part_proof("a", 20, 20, rank=(-1, 1, 0))
    assert order_of_looks([important, *AFTER[1:]], 50) == "a"


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
    sweep = sweep_of("a", "b", "c")
    failed = [make_next_look(sweep, now, LookResult.NOTHING)[0] for now in (-60, -50)]
    then = [make_next_look(sweep, now, LookResult.ABSENT)[0] for now in (-40, -30, -20, -10)]
    assert (failed, then) == (["a", "a"], ["b", "c", "a", "b"])


@pytest.mark.parametrize(
    ("now", "age", "view"),
    [
        pytest.param(5, 0, View.EDGE, id="an absence of after the slot needs no second opinion at first"),
        pytest.param(5, 9, View.ORIGIN, id="a cached one that speaks of before the slot does"),
        pytest.param(25, 0, View.ORIGIN, id="and so does one of so much later"),
        pytest.param(-5, 9, View.EDGE, id="before the slot users are asked for"),
    ],
)
def test_after_an_absence_that_a_cache_may_have_kept_the_next_look_is_at_the_origin(
    now: float, age: float, view: View
) -> None:
    sweep = sweep_of("a")
    make_next_look(sweep, now, LookResult.ABSENT, age=age)
    _part, next_view = make_next_look(sweep, now + 9, LookResult.NOTHING)
    assert next_view is view


@pytest.mark.parametrize(
    ("origin_last_absent", "second_view"),
    [
        pytest.param(-80, View.ORIGIN, id="it would date what comes, and too early to prove it on time"),
        pytest.param(-50, View.EDGE, id="its absence is proof enough"),
        pytest.param(-110, View.EDGE, id="long ago, so that the edge is believed"),
    ],
)
def test_the_second_look_at_a_part_is_at_the_origin_if_its_last_absence_there_would_widen_the_interval(
    origin_last_absent: float, second_view: View
) -> None:
    sweep = sweep_of("a", *"bcdefghij")
    sweep.record_result("a", View.ORIGIN, LookResult.ABSENT, at(origin_last_absent), at(origin_last_absent))
    looks = [make_next_look(sweep, now, LookResult.ABSENT) for now in range(-45, -15)]
    _first, second, *_ = [view for part, view in looks if part == "a"]
    assert second is second_view


def sweep_with_announcements(*pages: str) -> Sweep:
    """Return a sweep of these pages and of the announcement of each: `a` and `announcement of a`."""
    sweep = sweep_of(*pages)
    for page in pages:
        sweep.add(f"announcement of {page}", ProofGoal(SLOT, WITHIN, (0, 1, ord(page)), announces=page))
    return sweep


def test_in_the_last_minute_announcements_get_the_first_looks_at_the_origin_and_pages_the_last_looks() -> None:
    pages = list("abcdefgh")
    sweep = sweep_with_announcements(*pages)
    looks = [make_next_look(sweep, now, LookResult.ABSENT, gap=SECOND) for now in range(-40, 0)]
    first_looks, last_looks = looks[: 3 * len(pages)], looks[-len(pages) :]
    at_origin = {part for part, view in first_looks if view is View.ORIGIN}
    assert at_origin == {f"announcement of {page}" for page in pages}
    assert sorted(part for part, _ in last_looks) == pages


def test_after_the_first_round_the_announcement_of_a_missing_page_is_looked_at_before_the_page() -> None:
    sweep = sweep_with_announcements("a", "b", "c")
    for page in "abc":
        sweep.record_result(page, View.EDGE, LookResult.ABSENT, at(-5), at(-5))
    looks: list[str] = []
    for now in range(1, 6):
        part = sweep.next_part(at(now), SECOND, lambda _: True)
        sweep.record_start(part, at(now))
        result = LookResult.ABSENT if part.id == "b" else LookResult.PRESENT
        sweep.record_result(part.id, part.next_view, result, at(now), at(now))
        looks.append(part.id)
    first_round, then = looks[:3], looks[3:]
    assert sorted(first_round) == ["a", "b", "c"]
    assert then == ["announcement of b", "b"]


def test_unchanged_announcement_proves_absence_as_of_one_redirect_lag_earlier() -> None:
    sweep = sweep_with_announcements("a")
    sweep.record_result("announcement of a", View.ORIGIN, LookResult.ABSENT, at(-20), at(-20))
    assert sweep.parts["announcement of a"].absent_at == at(-20) - REDIRECT_LAG


def test_views_alternate_at_a_part_that_is_still_absent() -> None:
    sweep = sweep_of("a")
    views = [make_next_look(sweep, now, LookResult.ABSENT)[1] for now in (22, 24, 26, 28)]
    assert views == [View.EDGE, View.ORIGIN, View.EDGE, View.ORIGIN]


def test_a_part_seen_before_and_after_its_slot_gets_no_further_look() -> None:
    sweep = sweep_of("a")
    make_next_look(sweep, -8, LookResult.PRESENT)
    make_next_look(sweep, 2, LookResult.PRESENT)
    assert sweep.next_part(at(6), GAP, lambda _: True) is None


def test_part_that_is_not_ready_waits_for_the_next_round() -> None:
    sweep = sweep_of("a", "b")
    assert sweep.next_part(at(-30), GAP, lambda one: one.id == "b") is sweep.parts["b"]
    assert sweep.next_part(at(-30), GAP, lambda _: False) is None
    assert sweep.next_part(at(-28), GAP, lambda one: one.id == "a") is sweep.parts["a"]


def test_removed_part_gets_no_look_and_a_new_part_gets_one_at_once() -> None:
    sweep = sweep_of("a", "b")
    assert make_next_look(sweep, -30, LookResult.ABSENT)[0] == "a"
    sweep.remove("b")
    sweep.remove("never there")
    sweep.add("c", ProofGoal(SLOT, WITHIN, (0, 1, 0)))
    assert make_next_look(sweep, -29, LookResult.ABSENT)[0] == "c"
    sweep.record_result("b", View.EDGE, LookResult.ABSENT, at(-28), at(-28))
    assert set(sweep.parts) == {"a", "c"}


def test_listed_part_goes_first_at_once() -> None:
    sweep = sweep_of("a", "b", "c")
    for second in (-30, -20, -10):
        make_next_look(sweep, second, LookResult.ABSENT)
    assert make_next_look(sweep, 1, LookResult.ABSENT)[0] == "a"
    sweep.prioritise(["c", "not in the sweep"])
    assert make_next_look(sweep, 31, LookResult.PRESENT)[0] == "c"


@pytest.mark.parametrize(("parts", "least_proved", "widest"), [(60, 60, 12.2), (175, 175, 35.4), (300, 282, 60.7)])
def test_five_looks_a_second_prove_so_many_parts_of_a_busy_slot_within_so_many_seconds(
    parts: int, least_proved: int, widest: float
) -> None:
    simulated = swept(usual(parts), rate=5.0)
    assert len(simulated.parts) >= least_proved
    assert simulated.width <= widest


def test_late_parts_cost_the_others_only_their_first_looks() -> None:
    day = [Part(200.0) if number % 9 == 0 else part for number, part in enumerate(usual(175))]
    assert len(swept(day, 5.0).parts) == 155


@pytest.mark.parametrize("late", [0.0, 0.1, 0.2])
def test_sweep_proves_85_percent_of_what_perfect_foresight_would(late: float) -> None:
    day = [Part(comes) for comes in delays(300, late)]
    assert len(swept(day, 5.0).parts) >= 0.85 * len(best(day, 5.0))


comings = st.lists(st.floats(0, 30), min_size=1, max_size=60)


@given(comings, st.floats(1, 5))
def test_all_parts_are_proved_within_a_round_of_looks_if_the_looks_of_the_tolerance_suffice(
    comes: list[float], rate: float
) -> None:
    gap = 1.01 / rate
    looks_after_the_last_came = int((60 - max(comes)) / gap)
    fitting = comes[: max(1, looks_after_the_last_came - 1)]
    simulated = swept([Part(each) for each in fitting], rate)
    assert sorted(simulated.parts) == list(range(len(fitting)))
    a_round_of_looks = (len(fitting) + 1) * gap
    assert max(simulated.widths) <= a_round_of_looks + 1e-6


@given(comings, st.floats(0.2, 1))
def test_important_parts_are_proved_if_they_alone_would_fit_into_the_looks_of_the_tolerance(
    comes: list[float], rate: float
) -> None:
    looks_after_the_last_came = int((60 - max(comes)) * rate / 1.01)
    fitting = max(0, looks_after_the_last_came - 2)
    parts = [Part(each, weight=int(number < fitting)) for number, each in enumerate(comes)]
    important = {number for number, part in enumerate(parts) if part.weight}
    assert set(swept(parts, rate).parts) >= important


@given(
    st.lists(st.tuples(st.floats(-180, 60), st.floats(-180, 60) | st.none(), st.booleans()), max_size=40),
    st.floats(-150, 90),
    st.floats(0.1, 20),
)
def test_the_order_of_looks_has_each_part_once_and_none_that_is_out_and_all_after_the_tolerance(
    rows: list[tuple[float, float | None, bool]], now: float, gap: float
) -> None:
    needs = [part_proof(str(n), turn, absent, seen=seen) for n, (turn, absent, seen) in enumerate(rows)]
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in needs}).order_looks(at(now), gap * SECOND)
    assert len({one.id for one in planned}) == len(planned)
    assert not any(one.is_out for one in planned)
    if now >= 60:
        assert len(planned) == sum(not seen for _, _, seen in rows)
