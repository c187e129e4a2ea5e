"""Spells: which runs count, how an `Age` is believed, and by when what was out was gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.judge.runs import Run
from monitor.judge.spells import Spell, believed, gone_by, spells, unproved
from monitor.look.sighting import State
from monitor.plan.targets import View
from tests.unit.monitor.judge.world import fold, look, second

A, P, U, W = State.ABSENT, State.PRESENT, State.UNKNOWN, State.WITHDRAWN
Look = tuple[float, State] | tuple[float, State, float]


def runs(*looks: Look, specific: bool = False, target: str = "r/page/edge") -> list[Run]:
    found: list[Run] = []
    for at, state, *age in looks:
        ages = (age[0], age[0]) if age else (0, 0)
        found = fold(found, look(target, state, at, ages, specific=specific and state is P))
    return found


def told(*looks: Look, specific: bool = False) -> list[tuple[bool, datetime, datetime]]:
    found = spells(View.EDGE, runs(*looks, specific=specific))
    return [(one.out, one.begin, one.end) for one in found]


def test_presence_counts_after_a_seen_absence_or_when_it_is_specific() -> None:
    assert told((0, P), (5, P)) == []
    assert told((0, P), (5, P), specific=True) == [(True, second(0), second(5))]
    assert told((0, A), (5, P)) == [(False, second(0), second(0)), (True, second(5), second(5))]
    assert told((0, W), (5, P))[1][0]


def test_failed_looks_part_no_spell_and_absent_is_gone_as_withdrawn_is() -> None:
    assert told((0, A), (5, U), (10, A), (15, W)) == [(False, second(0), second(15))]
    assert told((0, A), (5, P), (10, U), (15, P))[1:] == [(True, second(5), second(15))]


def test_a_copy_from_before_the_first_absence_is_no_presence_after_it() -> None:
    assert len(told((100, A), (105, P, 10))) == 1
    # One of the very instant is.
    assert len(told((100, A), (105, P, 5))) == 2
    # Once it was out after an absence, an older copy is of the same content.
    assert len(told((100, A), (110, P), (115, A), (120, P, 30))) == 4


def test_a_spell_holds_what_all_its_runs_show() -> None:
    (spell,) = spells(View.EDGE, runs((0, A, 60), (5, U), (10, A)))
    assert (spell.begin, spell.end) == (second(-60), second(10))
    assert (spell.first_sent, spell.last_received, len(spell.runs)) == (second(0), second(10), 2)
    (aged,) = spells(View.EDGE, runs((0, A), (5, U), (10, A, 60)))
    assert (aged.begin, aged.end) == (second(-50), second(0))


def of(views: dict[View, Sequence[Look]]) -> dict[View, tuple[Spell, ...]]:
    return believed({view: spells(view, runs(*looks, specific=True)) for view, looks in views.items()})


def test_an_age_that_no_look_contradicts_is_believed() -> None:
    (_, out) = of({View.EDGE: [(0, A), (60, P, 30)]})[View.EDGE]
    assert (out.begin, out.claims, out.earliest) == (second(30), None, second(30))


def test_an_age_that_an_earlier_look_contradicts_is_believed_as_of_the_look_alone() -> None:
    (_, out) = of({View.EDGE: [(0, A), (50, A), (60, P, 30)]})[View.EDGE]
    assert (out.begin, out.claims, out.earliest) == (second(75), second(30), second(30))


@pytest.mark.parametrize(
    ("origin", "is_watched"),
    [
        ([(20, A), (35, A), (50, A)], True),
        ([(10, A), (50, A)], False),  # too far apart: it may have come and gone again
        ([(35, A), (50, A)], False),  # begins after the instant that is told
        ([(30, A), (50, A)], True),
    ],
)
def test_where_the_origin_was_watched_it_had_not_come_before(origin: Sequence[Look], *, is_watched: bool) -> None:
    found = of({View.EDGE: [(0, A), (60, P, 30)], View.ORIGIN: origin})
    out = found[View.EDGE][1]
    assert (out.begin, out.claims) == (second(75), None if is_watched else second(30))


def test_a_contradiction_is_a_look_that_was_sent_before_and_by_no_content_item() -> None:
    later = of({View.EDGE: [(0, A), (60, P, 30)], View.ORIGIN: [(61, A)]})
    content = of({View.EDGE: [(0, A), (60, P, 30)], View.CONTENT: [(50, A)]})
    equal = of({View.EDGE: [(0, A), (30, A), (60, P, 30)]})
    assert [found[View.EDGE][1].begin for found in (later, content, equal)] == [second(30)] * 3


def test_what_answers_as_if_out_from_its_first_look_on_proves_nothing() -> None:
    run = unproved(runs((0, U), (5, P), (10, U), (15, P, 60), (20, A), (25, P)))
    assert run is not None
    assert (run.begin, run.end) == (second(-45), second(5))
    assert unproved(runs((0, A), (5, P))) is None
    assert unproved(runs((0, P), (5, P), specific=True)) is None
    assert unproved(runs((0, U))) is None


def spell(out: Sequence[Look], *gone: Look) -> datetime | None:
    first, *rest = spells(View.EDGE, [*runs(*out, specific=True), *runs(*gone)])
    return gone_by(first, rest)


def test_what_was_out_is_gone_by_the_first_look_that_speaks_of_later() -> None:
    assert spell([(0, P), (10, P)]) is None
    assert spell([(0, P), (10, P)], (20, A)) == second(20)
    # Told out of a cache: of before it came, of while it was out, and then of after it.
    assert spell([(0, P), (10, P)], (20, A, 30)) is None
    assert spell([(0, P), (10, P)], (20, A, 20)) is None
    assert spell([(0, P), (10, P)], (20, A, 15)) is None
    assert spell([(0, P), (10, P)], (20, A, 15), (30, A)) == second(30)
    assert spell([(0, P), (10, P)], (20, A, 10)) is None
    assert spell([(0, P), (10, P)], (20, A, 9)) == second(11)


def test_spells_are_changed_by_nothing_that_is_not_contradicted() -> None:
    (gone,) = spells(View.EDGE, runs((0, A), (5, A)))
    (out,) = spells(View.EDGE, runs((0, P), (5, P), specific=True))
    assert believed({View.EDGE: [gone]})[View.EDGE] == (gone,)
    wide = replace(gone, end=second(3))
    assert believed({View.EDGE: [out], View.ORIGIN: [wide]})[View.EDGE] == (out,)
    assert out.earliest == second(0)
    assert timedelta(seconds=5) == out.end - out.begin
