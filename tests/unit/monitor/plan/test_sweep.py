"""Which looks are made if the budget is too small for every second: those that prove most."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budget_sim import (
    SLOT,
    WITHIN,
    Part,
    best_possible,
    draw_delays,
    simulate_sweep,
    usual_parts,
)
from monitor.plan.addresses import REDIRECT_LAG
from monitor.plan.proof import LookResult, PartProof, ProofGoal, Rank
from monitor.plan.sweep import Sweep
from monitor.plan.targets import View

SECOND = timedelta(seconds=1)


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
    return PartProof(
        name, goal, at(last_look), absent_at=absent, is_out=is_out, is_listed=is_listed
    )


def planned_looks(parts: list[PartProof], seconds_after_slot: float) -> str:
    """Return the names of the parts, of one letter each, in the order of the planned looks, which
    are 10 s apart.
    """
    sweep = Sweep(SLOT, WITHIN, {part.id: part for part in parts})
    return "".join(part.id for part in sweep.order_looks(at(seconds_after_slot), 10 * SECOND))


def parts_last_looked_at(**last_looks: float) -> list[PartProof]:
    """Return parts that were looked at in these seconds after the slot, without a result."""
    return [part_proof(name, last_look=second) for name, second in last_looks.items()]


def parts_absent_at(**absences: float) -> list[PartProof]:
    """Return parts that the last look, in these seconds after the slot, proved absent."""
    return [
        part_proof(name, last_look=second, absent_at=second) for name, second in absences.items()
    ]


def eight_parts_without_proof() -> list[PartProof]:
    """Return the parts a to h, last looked at from 70 s (a) to 77 s (h) before the slot.

    Part a has the best rank.
    """
    return [
        part_proof(name, last_look=-70 - n, rank=rank_of(order=n))
        for n, name in enumerate("abcdefgh")
    ]


@pytest.mark.parametrize(
    ("parts", "seconds_after_slot"),
    [(parts_last_looked_at(a=-70, b=-90, c=-80), -60), (parts_absent_at(a=-20, b=-40, c=-30), 1)],
    ids=["before the slot", "after the slot"],
)
def test_part_with_oldest_look_goes_first(
    parts: list[PartProof], seconds_after_slot: float
) -> None:
    assert planned_looks(parts, seconds_after_slot) == "bca"


def test_part_that_is_out_gets_no_look() -> None:
    missing, out = (
        parts_absent_at(a=-20, b=-40, c=-30),
        part_proof("d", last_look=1, absent_at=-50, is_out=True),
    )
    assert planned_looks([*missing, out], seconds_after_slot=2) == "bca"


def test_listed_part_goes_first_even_with_the_newest_look() -> None:
    """A listing shows part d, so it is out.

    Of the other parts, the one with the oldest look goes first.
    """
    unlisted = parts_absent_at(a=-20, b=-40, c=-30)
    listed = part_proof("d", last_look=-10, absent_at=-10, is_listed=True)
    assert planned_looks([*unlisted, listed], seconds_after_slot=25) == "dbca"


@pytest.mark.parametrize("seconds_after_slot", [-90, 60])
def test_outside_tolerance_all_parts_get_looks_oldest_first(seconds_after_slot: float) -> None:
    """The tolerance is 60 s. Of the parts a to h, h has the oldest look."""
    assert planned_looks(eight_parts_without_proof(), seconds_after_slot) == "hgfedcba"


@pytest.mark.parametrize(("seconds_before_slot", "planned"), [(60, "fedcba"), (25, "cba")])
def test_best_ranks_get_the_looks_that_fit_before_slot(
    seconds_before_slot: float, planned: str
) -> None:
    """Part a has the best rank of a to h.

    Of the parts that fit, the one with the oldest look goes first.
    """
    assert planned_looks(eight_parts_without_proof(), -seconds_before_slot) == planned


def test_proved_part_takes_no_look_from_part_without_proof() -> None:
    """Part a is proved absent, parts b (best rank) to h (worst) are not. At 25 s before the slot,
    three looks fit. They go to b, c and d, in the order of their last looks: that of d is the
    oldest.
    """
    # a, and b to h
    proved_absent, without_proof = parts_absent_at(a=-40), eight_parts_without_proof()[1:]
    # Part a comes after them, because it has the newest look.
    assert planned_looks([*proved_absent, *without_proof], seconds_after_slot=-25) == "dcba"


def test_after_slot_only_looks_that_fit_into_tolerance_are_planned() -> None:
    """Two looks fit into the last 15 s. They are at a and b, which come first in the alphabet."""
    assert planned_looks(parts_absent_at(a=-20, b=-40, c=-30), seconds_after_slot=45) == "ba"


@pytest.mark.parametrize(
    ("seconds_after_slot", "planned"),
    [(1, "dbca"), (6, "bcad"), (36, "bca")],
    ids=["within 5 s", "later", "only three looks fit"],
)
def test_part_without_proof_goes_first_only_just_after_slot(
    seconds_after_slot: float, planned: str
) -> None:
    """Parts a, b and c are proved absent before the slot, d is not. Until 5 s after the slot, d is
    likely absent still, and a look would prove that. So d goes first: “dbca”. Later it goes last,
    and not at all if only three looks fit.
    """
    proved_absent, without_proof = parts_absent_at(a=-20, b=-40, c=-30), parts_last_looked_at(d=-90)
    assert planned_looks([*proved_absent, *without_proof], seconds_after_slot) == planned


def test_part_absent_after_slot_leaves_the_looks_to_others() -> None:
    """Part a is likely late. Two looks fit into the 15 s that are left of the tolerance."""
    assert planned_looks(parts_absent_at(a=20, b=-40, c=-30), seconds_after_slot=45) == "bc"


@pytest.mark.parametrize(
    ("rank_of_a", "rank_of_b", "rank_of_c", "first_two"),
    [
        (rank_of(importance=1, order=9), rank_of(order=1), rank_of(order=2), "ab"),
        (rank_of(required_parts=2, order=1), rank_of(order=5), rank_of(order=3), "bc"),
        (rank_of(order=3), rank_of(order=2), rank_of(order=1), "bc"),
        (
            rank_of(order=3),
            rank_of(importance=2, required_parts=5, order=2),
            rank_of(importance=1, order=1),
            "bc",
        ),
    ],
    ids=["importance", "number of parts", "chance", "importance before all else"],
)
def test_parts_of_best_rank_get_the_looks_that_fit(
    rank_of_a: Rank, rank_of_b: Rank, rank_of_c: Rank, first_two: str
) -> None:
    """Two looks fit before the slot, for three parts. They go to the most important parts, then to
    those of releases with few required parts, then by a random order. Part a, for example, gets one
    if it is the only important part.
    """
    ranks = {"a": rank_of_a, "b": rank_of_b, "c": rank_of_c}
    parts = [part_proof(name, last_look=-90, rank=rank) for name, rank in ranks.items()]
    two_looks_fit = planned_looks(parts, seconds_after_slot=-20)
    assert sorted(two_looks_fit) == list(first_two)


def test_important_part_gets_the_only_look_although_likely_late() -> None:
    """One look fits into the last 10 s of the tolerance of 60 s. Part a was still absent 20 s after
    the slot, so it is probably late. Parts b and c were last looked at 30 s before the slot.
    """
    important = part_proof("a", last_look=20, absent_at=20, rank=rank_of(importance=1))
    unimportant = parts_absent_at(b=-30, c=-30)
    assert planned_looks([important, *unimportant], seconds_after_slot=50) == "a"


def sweep_of(*parts: str) -> Sweep:
    sweep = Sweep(SLOT, WITHIN)
    for part in parts:
        sweep.add(part, ProofGoal(SLOT, WITHIN, (0, 1, ord(part))))
    return sweep


class MadeLook(NamedTuple):
    part: str
    view: View


def make_next_look(
    sweep: Sweep,
    now: float,
    result: LookResult,
    *,
    age: float = 0.0,
    seconds_between_looks: float = 10,
) -> MadeLook:
    part = sweep.next_part(at(now), seconds_between_looks * SECOND, lambda _: True)
    view = part.next_view
    sweep.record_start(part, at(now))
    sweep.record_result(part.id, view, result, at(now), at(now - age))
    return MadeLook(part.id, view)


def test_failed_look_is_repeated_out_of_turn_only_once() -> None:
    """Parts a, b and c take turns.

    The look at a fails and is repeated at once. That fails too, so b is next.
    """
    sweep, failed = sweep_of("a", "b", "c"), LookResult.NOTHING
    parts_of_failed_looks = [make_next_look(sweep, now, failed).part for now in (-60, -50)]
    parts_of_next_looks = [
        make_next_look(sweep, now, LookResult.ABSENT).part for now in (-40, -30, -20, -10)
    ]
    assert parts_of_failed_looks == ["a", "a"]
    assert parts_of_next_looks == ["b", "c", "a", "b"]


@pytest.mark.parametrize(
    ("first_look_at", "age_of_copy", "next_view"),
    [(5, 0, View.EDGE), (5, 9, View.ORIGIN), (25, 0, View.ORIGIN), (-5, 9, View.EDGE)],
    ids=["5 s after slot", "copy from before slot", "over 20 s after slot", "before slot"],
)
def test_origin_is_next_if_edge_may_hide_a_release(
    first_look_at: float, age_of_copy: float, next_view: View
) -> None:
    """The first look, at the edge, finds the part absent. At 25 s after the slot, the edge may hide
    a release, so the origin is next. At 5 s this is so only if the edge sent a copy from before the
    slot, 9 s old.
    """
    sweep = sweep_of("a")
    first_look = make_next_look(sweep, first_look_at, LookResult.ABSENT, age=age_of_copy)
    second_look = make_next_look(sweep, first_look_at + 10, LookResult.NOTHING)
    assert (first_look.view, second_look.view) == (View.EDGE, next_view)


@pytest.mark.parametrize(
    ("origin_last_absent", "expected"),
    [(-80, View.ORIGIN), (-50, View.EDGE), (-110, View.EDGE)],
    ids=[
        "too early to prove the part on time",
        "within 60 s before slot",
        "too early to count at all",
    ],
)
def test_next_view_before_slot_depends_on_last_absence_at_origin(
    origin_last_absent: float, expected: View
) -> None:
    """To prove a part on time, the origin must lack it in the last 60 s before the slot. If it did
    at -50 s, the edge is next. If it did only at -80 s, the origin is next. An absence at -110 s
    does not count, so the edge is next.
    """
    sweep = sweep_of("a")
    sent = at(origin_last_absent)
    sweep.record_result("a", View.ORIGIN, LookResult.ABSENT, sent=sent, proved_from=sent)
    make_next_look(sweep, -45, LookResult.ABSENT)  # at the edge
    assert make_next_look(sweep, -30, LookResult.ABSENT).view is expected


def sweep_with_announcements(*pages: str) -> Sweep:
    sweep = sweep_of(*pages)
    for page in pages:
        sweep.add(
            f"announcement of {page}",
            ProofGoal(SLOT, WITHIN, (0, 1, ord(page)), announced_page=page),
        )
    return sweep


def looks_in_the_last_40_s(pages: str) -> list[MadeLook]:
    """Return the looks at pages and their announcements, one a second until the slot.

    All are absent.
    """
    sweep = sweep_with_announcements(*pages)
    return [
        make_next_look(sweep, now, LookResult.ABSENT, seconds_between_looks=1)
        for now in range(-40, 0)
    ]


def test_just_before_slot_announcements_get_the_first_looks() -> None:
    """From 40 s before the slot on, there is a look each second at eight pages and their
    announcements. The first eight are at the announcements, which are looked at only at the origin.
    """
    first_eight_looks = looks_in_the_last_40_s("abcdefgh")[:8]
    assert first_eight_looks == [(f"announcement of {page}", View.ORIGIN) for page in "abcdefgh"]


def test_last_looks_before_slot_are_one_at_each_page() -> None:
    """From 40 s before the slot on, there is a look each second at eight pages and their
    announcements. The last eight are at the pages, so that each is proved absent as late as
    possible.
    """
    last_eight_looks = looks_in_the_last_40_s("abcdefgh")[-8:]
    assert sorted(look.part for look in last_eight_looks) == list("abcdefgh")


def test_just_before_slot_pages_are_looked_at_only_at_edge() -> None:
    """Eight pages at one look a second leave no time for the origin view."""
    looks_at_pages = [
        look for look in looks_in_the_last_40_s("abcdefgh") if look.part in "abcdefgh"
    ]
    assert {look.view for look in looks_at_pages} == {View.EDGE}


def test_announcement_of_missing_page_is_looked_at_before_the_page() -> None:
    """Pages a, b and c are absent at -5 s.

    From 1 s on there is a look each second, and only b is still absent.
    """
    sweep = sweep_with_announcements("a", "b", "c")
    for page in "abc":
        sweep.record_result(page, View.EDGE, LookResult.ABSENT, at(-5), at(-5))
    looks: list[str] = []
    for now in range(1, 6):
        part = sweep.next_part(at(now), SECOND, is_ready=lambda _: True)
        sweep.record_start(part, at(now))
        result = LookResult.ABSENT if part.id == "b" else LookResult.PRESENT
        sweep.record_result(part.id, part.next_view, result, at(now), at(now))
        looks.append(part.id)
    # At first each page gets a look. Then only b needs further looks, and its announcement may
    # redirect to it.
    first_three, last_two = looks[:3], looks[3:]
    assert sorted(first_three) == ["a", "b", "c"]
    assert last_two == ["announcement of b", "b"]


def test_announcement_without_redirect_proves_page_absent_30_s_before() -> None:
    """An announcement redirects to its page at most 30 s (`REDIRECT_LAG`) after that came. Here it
    does not redirect yet at 20 s before the slot, so the page was absent at 50 s before it.
    """
    sweep = sweep_with_announcements("a")
    sweep.record_result("announcement of a", View.ORIGIN, LookResult.ABSENT, at(-20), at(-20))
    assert sweep.parts["announcement of a"].absent_at == at(-20) - REDIRECT_LAG


def test_views_alternate_at_part_still_absent_20_s_after_slot() -> None:
    """The edge may serve an old copy.

    So from 20 s after the slot on, edge and origin are looked at in turn.
    """
    sweep = sweep_of("a")
    views = [make_next_look(sweep, now, LookResult.ABSENT).view for now in (22, 24, 26, 28)]
    assert views == [View.EDGE, View.ORIGIN, View.EDGE, View.ORIGIN]


def test_part_seen_before_and_after_its_slot_gets_no_further_look() -> None:
    """A part that is public before its slot may be removed again, so it still gets a look after the
    slot.
    """
    sweep = sweep_of("a")
    make_next_look(sweep, -8, LookResult.PRESENT)
    make_next_look(sweep, 2, LookResult.PRESENT)
    assert sweep.next_part(at(6), 10 * SECOND, is_ready=lambda _: True) is None


def test_part_that_is_not_ready_is_passed_over() -> None:
    """It is the turn of part a. While a is not ready, b gets the look. If none is ready, there is
    no look (None). Once a is ready, it gets the look.
    """
    sweep = sweep_of("a", "b")
    only_b_is_ready = sweep.next_part(at(-30), 10 * SECOND, is_ready=lambda part: part.id == "b")
    assert only_b_is_ready is sweep.parts["b"]
    none_is_ready = sweep.next_part(at(-30), 10 * SECOND, is_ready=lambda _: False)
    assert none_is_ready is None
    only_a_is_ready = sweep.next_part(at(-28), 10 * SECOND, is_ready=lambda part: part.id == "a")
    assert only_a_is_ready is sweep.parts["a"]


def test_removed_part_gets_no_look_and_new_part_the_next() -> None:
    """Parts a and b take turns.

    After the look at a, b is removed and c is added. So the next look is at c.
    """
    sweep = sweep_of("a", "b")
    assert make_next_look(sweep, -30, LookResult.ABSENT).part == "a"
    sweep.remove("b")
    sweep.remove("never there")  # this is no error
    sweep.add("c", ProofGoal(SLOT, WITHIN, (0, 1, 0)))
    assert make_next_look(sweep, -29, LookResult.ABSENT).part == "c"
    # A look that was under way when its part was removed is ignored.
    sweep.record_result("b", View.EDGE, LookResult.ABSENT, at(-28), at(-28))
    assert set(sweep.parts) == {"a", "c"}


def test_prioritised_part_gets_the_next_look() -> None:
    """Parts a, b and c take turns.

    After a it is b's turn. But a listing shows that c is out, so c goes before b.
    """
    sweep = sweep_of("a", "b", "c")
    for second in (-30, -20, -10):
        make_next_look(sweep, second, LookResult.ABSENT)
    assert make_next_look(sweep, 1, LookResult.ABSENT).part == "a"
    sweep.prioritise(["c", "not in the sweep"])
    assert make_next_look(sweep, 11, LookResult.PRESENT).part == "c"


def test_all_parts_on_time_are_proved_although_others_are_late() -> None:
    """Of 175 parts, every ninth is published 200 s after the slot, and the others 1 to 5 s after
    it.
    """
    parts, late_numbers = usual_parts(175), set(range(0, 175, 9))
    for number in late_numbers:
        parts[number] = Part(200.0)
    numbers_of_proved_parts = simulate_sweep(parts, rate=5.0).parts
    assert sorted(numbers_of_proved_parts) == sorted(set(range(175)) - late_numbers)


@pytest.mark.parametrize("fraction_late", [0.0, 0.1, 0.2])
def test_sweep_proves_85_percent_of_what_perfect_foresight_would(fraction_late: float) -> None:
    """Perfect foresight knows when each of the 300 parts will come. Up to 20 % of them are late."""
    parts = [Part(seconds_after_slot) for seconds_after_slot in draw_delays(300, fraction_late)]
    proved, proved_with_foresight = (
        simulate_sweep(parts, rate=5.0).parts,
        best_possible(parts, rate=5.0),
    )
    assert len(proved) >= 0.85 * len(proved_with_foresight)


publication_times = st.lists(st.floats(0, 30), min_size=1, max_size=60)  # in seconds after the slot


@given(publication_times, st.floats(1, 5))
def test_parts_with_time_for_a_look_are_proved(
    published_after_slot: list[float], rate: float
) -> None:
    """All parts are published by 30 s, and the tolerance ends at 60 s. There are as many parts as
    looks in between, so each is proved. Each gets its next look after at most one look at every
    part, so its first seen is no longer.
    """
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
    looks_left = int((60 - max(published_after_slot)) / gap)
    parts = [Part(seconds) for seconds in published_after_slot[:looks_left]]
    simulated = simulate_sweep(parts, rate)
    numbers_of_proved_parts, interval_seconds = simulated.parts, simulated.widths
    assert sorted(numbers_of_proved_parts) == list(range(len(parts)))
    seconds_for_a_look_at_each, rounding = len(parts) * gap, 0.001
    assert max(interval_seconds) <= seconds_for_a_look_at_each + rounding


@given(publication_times, st.floats(0.2, 1))
def test_important_parts_with_time_for_a_look_are_proved(
    published_after_slot: list[float], rate: float
) -> None:
    """All parts are published by 30 s, and the tolerance ends at 60 s. A look in between at each
    important part fits, but none at the others. All important parts are proved.
    """
    gap = 1.01 / rate  # seconds from look to look, a hundredth more than the rate allows
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
def test_plan_has_no_part_twice_and_none_that_is_out(
    parts: list[PartProof], now: float, gap: float
) -> None:
    """A sweep plans the looks at the parts of one slot, `gap` seconds apart, from `now` on. A part
    that was seen after the slot is out.
    """
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in parts}).order_looks(
        at(now), gap * SECOND
    )
    assert not any(part.is_out for part in planned)
    assert len({part.id for part in planned}) == len(planned)


@given(PARTS_WITH_ANY_LOOKS, st.floats(60, 90), st.floats(0.1, 20))
def test_after_tolerance_of_60_s_every_missing_part_is_planned(
    parts: list[PartProof], now: float, gap: float
) -> None:
    planned = Sweep(SLOT, WITHIN, {part.id: part for part in parts}).order_looks(
        at(now), gap * SECOND
    )
    assert {part.id for part in planned} == {part.id for part in parts if not part.is_out}
