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


def make_next_look(  # what a look is made of
    sweep: Sweep, now: float, told: LookResult, *, age: float = 0.0, view: View | None = None, gap: timedelta = GAP
) -> tuple[str, View]:
    """Make the next look at `now`, of a copy of this age, and record its result. Return the part and the view asked."""
    one = sweep.next_part(at(now), gap, lambda _: True)
    how = one.next_view
    sweep.record_start(one, at(now))
    sweep.record_result(one.id, view or how, told, at(now), at(now - age))
    return one.id, how


def test_failed_look_is_repeated_out_of_turn_only_once() -> None:
    sweep = sweep_of("a", "b", "c")
    times = [-60, -50, -40, -30, -20, -10]
    told = [LookResult.NOTHING if place in (0, 1) else LookResult.ABSENT for place in range(6)]
    assert [make_next_look(sweep, now, each)[0] for now, each in zip(times, told, strict=True)] == list("aabcab")


@pytest.mark.parametrize(
    ("now", "age", "view"),
    [
        pytest.param(5, 0, View.EDGE, id="an absence of after the slot needs no second opinion at first"),
        pytest.param(5, 9, View.ORIGIN, id="a cached one that speaks of before the slot does"),
        pytest.param(25, 0, View.ORIGIN, id="and so does one of so much later"),
        pytest.param(-5, 9, View.EDGE, id="before the slot users are asked for"),
    ],
)
def test_origin_view_is_used_if_a_cache_may_hide_a_change(now: float, age: float, view: View) -> None:
    sweep = sweep_of("a")
    make_next_look(sweep, now, LookResult.ABSENT, age=age)
    assert make_next_look(sweep, now + 9, LookResult.NOTHING)[1] is view


@pytest.mark.parametrize(
    ("origin_absent", "view"),
    [
        pytest.param(-80, View.ORIGIN, id="it would date what comes, and too early to prove it on time"),
        pytest.param(-50, View.EDGE, id="its absence is proof enough"),
        pytest.param(-110, View.EDGE, id="long ago, so that the edge is believed"),
    ],
)
def test_origin_view_is_repeated_if_its_last_absence_would_widen_the_interval(origin_absent: float, view: View) -> None:
    sweep = sweep_of("a", *"bcdefghij")
    sweep.record_result("a", View.ORIGIN, LookResult.ABSENT, at(origin_absent), at(origin_absent))
    looks = [make_next_look(sweep, now, LookResult.ABSENT) for now in range(-45, -15)]
    assert [how for one, how in looks if one == "a"][1] is view


def sweep_with_announcements(*pages: str) -> Sweep:
    """Return a sweep of these pages, each with its announcement, whose name has a "!" at the end."""
    sweep = sweep_of(*pages)
    for page in pages:
        sweep.add(f"{page}!", ProofGoal(SLOT, WITHIN, (0, 1, ord(page)), announces=page))
    return sweep


def test_announcements_get_the_looks_that_pages_leave_in_the_last_minute() -> None:
    sweep = sweep_with_announcements(*"abcdefgh")
    looks = [make_next_look(sweep, now, LookResult.ABSENT, gap=SECOND) for now in range(-40, 0)]
    assert {one for one, how in looks[:24] if how is View.ORIGIN} == {f"{page}!" for page in "abcdefgh"}
    assert sorted(one for one, _ in looks[-8:]) == list("abcdefgh")


def test_announcements_of_missing_pages_follow_the_first_round_after_the_slot() -> None:
    sweep = sweep_with_announcements("a", "b", "c")
    for page in "abc":
        sweep.record_result(page, View.EDGE, LookResult.ABSENT, at(-5), at(-5))
    told = {"a": LookResult.PRESENT, "b": LookResult.ABSENT, "c": LookResult.PRESENT, "b!": LookResult.PRESENT}
    looks: list[str] = []
    for now in range(1, 6):
        one = sweep.next_part(at(now), SECOND, lambda _: True)
        sweep.record_start(one, at(now))
        sweep.record_result(one.id, one.next_view, told[one.id], at(now), at(now))
        looks.append(one.id)
    assert sorted(looks[:3]) == list("abc")
    assert looks[3:] == ["b!", "b"]


def test_unchanged_announcement_proves_absence_as_of_one_redirect_lag_earlier() -> None:
    sweep = sweep_with_announcements("a")
    sweep.record_result("a!", View.ORIGIN, LookResult.ABSENT, at(-20), at(-20))
    assert sweep.parts["a!"].absent_at == at(-20) - REDIRECT_LAG


def test_views_alternate_at_a_part_that_is_still_absent() -> None:
    sweep = sweep_of("a")
    assert [make_next_look(sweep, now, LookResult.ABSENT)[1].value for now in (22, 24, 26, 28)] == [
        "edge",
        "origin",
    ] * 2


def test_a_part_seen_before_its_slot_needs_only_one_more_look_after_it() -> None:
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
    sweep.prioritise(["c", "nobody's"])
    assert make_next_look(sweep, 31, LookResult.PRESENT)[0] == "c"


@pytest.mark.parametrize(("parts", "proved", "width"), [(60, 60, 12.2), (175, 175, 35.4), (300, 282, 60.7)])
def test_busy_slot_is_proved_as_far_as_the_budget_allows(parts: int, proved: int, width: float) -> None:
    got = swept(usual(parts), 5.0)
    assert len(got.parts) >= proved
    assert got.width <= width


def test_late_parts_cost_the_others_only_their_first_looks() -> None:
    day = [Part(200.0) if number % 9 == 0 else part for number, part in enumerate(usual(175))]
    assert len(swept(day, 5.0).parts) == 155


@pytest.mark.parametrize("late", [0.0, 0.1, 0.2])
def test_sweep_proves_85_percent_of_what_perfect_foresight_would(late: float) -> None:
    day = [Part(comes) for comes in delays(300, late)]
    assert len(swept(day, 5.0).parts) >= 0.85 * len(best(day, 5.0))


comings = st.lists(st.floats(0, 30), min_size=1, max_size=60)


@given(comings, st.floats(1, 5))
def test_all_parts_are_proved_if_the_budget_suffices(comes: list[float], rate: float) -> None:
    gap = 1.01 / rate
    kept = comes[: max(1, int((60 - max(comes)) / gap) - 1)]
    got = swept([Part(each) for each in kept], rate)
    assert sorted(got.parts) == list(range(len(kept)))
    assert max(got.widths) <= (len(kept) + 1) * gap + 1e-6


@given(comings, st.floats(0.2, 1))
def test_important_parts_are_proved_if_they_alone_would_fit(comes: list[float], rate: float) -> None:
    gap = 1.01 / rate
    most = max(0, int((60 - max(comes)) / gap) - 2)
    day = [Part(each, weight=int(number < most)) for number, each in enumerate(comes)]
    assert set(swept(day, rate).parts) >= set(range(min(most, len(day))))


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
