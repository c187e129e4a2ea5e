"""Presences put together from several views. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.presence import Presence, build_presences
from monitor.judge.runs import Run, last_absence_until
from monitor.judge.spells import build_spells
from monitor.look.sighting import Sighting
from monitor.plan.targets import View
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, Look, Turn, a_sighting, looks

T = TypeVar("T")
Turns = Sequence[Turn]


def presences_in(edge: Turns, origin: Turns = (), content: Turns = ()) -> list[Presence]:
    """Return the presences that single looks at each view prove, all of this edition."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content}
    runs = {view: looks(*turns, specific=True).runs(f"page/{view}") for view, turns in views.items() if turns}
    return build_presences({view: build_spells(view, each) for view, each in runs.items()})


def between(after: float | None, by: float) -> Interval:
    return Interval(after_slot(after), after_slot(by))


def test_content_of_two_views_is_removed_once_both_lack_it() -> None:
    # The edge was the first to show it, at 10, and the origin the last, at 11.
    edge, origin = [(0, ABSENT), (10, PRESENT), (20, ABSENT)], [(0, ABSENT), (11, PRESENT), (35, ABSENT)]
    (presence,) = presences_in(edge, origin)
    assert (presence.begin, presence.end) == (after_slot(10), after_slot(11))
    last_present, first_absent_in_both = 11, 35
    assert presence.removed == between(last_present, first_absent_in_both)


def test_a_second_presence_counts_only_if_all_views_were_absent_in_between() -> None:
    edge = [(0, ABSENT), (10, PRESENT), (20, ABSENT), (40, PRESENT)]
    origin_absent_too = [(0, ABSENT), (11, PRESENT), (21, ABSENT), (41, PRESENT)]
    assert [each.begin for each in presences_in(edge, origin_absent_too)] == [after_slot(10), after_slot(40)]
    origin_always_present = [(0, ABSENT), (11, PRESENT), (41, PRESENT)]
    assert [each.begin for each in presences_in(edge, origin_always_present)] == [after_slot(10)]


@pytest.mark.parametrize(
    ("origin", "removed_between"),
    [
        ([(0, ABSENT), (12, ABSENT), (69, ABSENT)], None),
        ([(0, ABSENT), (9, PRESENT), (12, ABSENT), (71, ABSENT)], between(10, 12)),
    ],
)
def test_a_view_without_looks_for_a_minute_does_not_keep_content_public(
    origin: Turns, removed_between: Interval | None
) -> None:
    # The edge showed the content at 10 and was not looked at again. Until 70 that still counts. At 71 only the origin
    # counts, which lacked the content at 12.
    (presence,) = presences_in(edge=[(0, ABSENT), (10, PRESENT)], origin=origin)
    assert presence.removed == removed_between


@pytest.mark.parametrize(("edge_absent", "appears_after"), [(90, 0), (79, 79), (80, 0)])
def test_an_absence_of_the_page_dates_an_appearance_in_the_content_api_only_if_the_absence_was_seen_first(
    edge_absent: float, appears_after: float
) -> None:
    # The content API lacked it at 0 and showed it at 80. The edge lacked it at `edge_absent` and showed it at 100.
    edge = [(0, ABSENT), (edge_absent, ABSENT), (100, PRESENT)]
    (presence,) = presences_in(edge, content=[(0, ABSENT), (80, PRESENT), (101, PRESENT)])
    assert presence.appears == between(appears_after, 80)


@pytest.mark.parametrize("last_origin_look", [-128, 0])
def test_an_origin_proves_absence_only_up_to_its_last_look_before_a_long_silence(last_origin_look: float) -> None:
    edge_last_absent, first_origin_look, edge_shows, next_origin_look = -130, -128, 150, 158
    origin_looks = sorted({first_origin_look, last_origin_look, next_origin_look})
    (presence,) = presences_in(
        edge=[(edge_last_absent, ABSENT), (edge_shows, PRESENT)],
        origin=[(when, ABSENT) for when in origin_looks],
    )
    # The origin proves more than the edge, but nothing about the silence, although it was absent before and after it.
    assert after_slot(edge_last_absent) < presence.appears.after <= after_slot(last_origin_look)
    assert presence.appears.by == after_slot(edge_shows)


# Absence between the first and last look of a run: only the widest gap between its looks is known


@pytest.mark.parametrize(
    ("edge_shows", "last_absent"), [(10.0, 0.0), (24.0, 0.0), (44.0, 18.0), (46.0, 20.0), (4.0, None)]
)
def test_an_origin_that_is_looked_at_every_twenty_seconds_proves_no_absence_between_its_looks(
    edge_shows: float, last_absent: float | None
) -> None:
    # Looks within 5 s of `edge_shows` cannot be put in order, so the limit is 5 s before it. Of the looks between the
    # first and the last only the gap is known: the last one before the limit was up to 20 s, and 1 s under way, before.
    origin = [(float(when), ABSENT) for when in range(0, 100, 20)]
    (presence,) = presences_in(edge=[(edge_shows, PRESENT)], origin=origin)
    assert presence.appears == between(last_absent, edge_shows)


SENT = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(lambda gaps: [*accumulate(gaps, initial=0)])
"""When the looks of a run were sent, the first at the slot."""


def sent_with(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[tuple[int, T]]]:
    """Draw when looks were sent one after the other, each with one of these values."""
    gaps = st.lists(st.tuples(st.integers(1, 60), values), min_size=1, max_size=13)
    return gaps.map(lambda each: [*zip(accumulate(gap for gap, _ in each), (value for _, value in each), strict=True)])


def run_of_absences(*absences: Look) -> Run:
    (run,) = looks(*absences).runs("page")
    return run


def absence_answered_at(answered: float, sent: int) -> Sighting:
    return a_sighting(ABSENT, sent, received=after_slot(answered), proved_to=after_slot(answered))


@given(limit=st.integers(-5, 300), sent_and_ms=sent_with(st.integers(0, 900)))
def test_a_run_proves_absence_up_to_a_limit_only_by_looks_that_were_sent_before_the_limit(
    limit: int, sent_and_ms: list[tuple[int, int]]
) -> None:
    run = run_of_absences(*(absence_answered_at(sent + ms / 1000, sent) for sent, ms in sent_and_ms))
    absent_as_of = last_absence_until(run, after_slot(limit))
    sent_before = [sent for sent, _ms in sent_and_ms if sent <= limit]
    if absent_as_of is not None:
        assert sent_before != []
        assert absent_as_of <= after_slot(sent_before[-1])


@given(limit=st.integers(0, 400), sent_and_ages=sent_with(st.integers(0, 150)))
def test_a_run_of_cached_answers_proves_absence_up_to_a_limit_only_by_copies_that_were_made_before_the_limit(
    limit: int, sent_and_ages: list[tuple[int, int]]
) -> None:
    fresh_look = (0, 0)
    all_looks = [fresh_look, *sent_and_ages]
    run = run_of_absences(*((sent, ABSENT, age) for sent, age in all_looks))
    absent_as_of = last_absence_until(run, after_slot(limit))
    made_before = [sent - age for sent, age in all_looks if sent - age <= limit]
    assert absent_as_of is None or absent_as_of <= after_slot(max(made_before))


@given(st.integers(20, 200), SENT, st.data())
def test_a_further_look_inside_a_run_never_makes_the_run_prove_less_absence(
    limit: int, sent: list[int], data: st.DataObject
) -> None:
    further_looks = st.floats(0, sent[-1]).map(lambda when: round(when, 1)).filter(lambda when: when not in sent)
    sent_with_further_look = sorted([*sent, data.draw(further_looks)])
    absent_without, absent_with = (
        last_absence_until(run_of_absences(*((when, ABSENT) for when in instants)), after_slot(limit))
        for instants in (sent, sent_with_further_look)
    )
    if absent_without is not None:
        assert absent_with is not None
        assert absent_with >= absent_without
