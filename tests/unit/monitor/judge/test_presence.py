"""Presences put together from several views. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.presence import Presence, build_presences
from monitor.judge.runs import absent_at
from monitor.judge.spells import build_spells
from monitor.plan.targets import View
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, Turn, a_sighting, looks

Turns = Sequence[Turn]


def presences_in(edge: Turns, origin: Turns = (), content: Turns = ()) -> list[Presence]:
    """Return the presences that single looks at each view prove, all of this edition."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content}
    runs = {view: looks(*turns, specific=True).runs(f"page/{view}") for view, turns in views.items() if turns}
    return build_presences({view: build_spells(view, each) for view, each in runs.items()})


def between(after: float | None, by: float) -> Interval:
    return Interval(after_slot(after), after_slot(by))


def test_content_of_two_views_is_removed_once_both_lack_it() -> None:
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
    (presence,) = presences_in(edge=[(0, ABSENT), (10, PRESENT)], origin=origin)
    assert presence.removed == removed_between


@pytest.mark.parametrize(("edge_absent", "appears_after"), [(90, 0), (79, 79), (80, 0)])
def test_an_absence_of_the_page_dates_an_appearance_in_the_content_api_only_if_the_absence_was_seen_first(
    edge_absent: float, appears_after: float
) -> None:
    edge = [(0, ABSENT), (edge_absent, ABSENT), (100, PRESENT)]
    (presence,) = presences_in(edge, content=[(0, ABSENT), (80, PRESENT), (101, PRESENT)])
    assert presence.appears == between(appears_after, 80)


@pytest.mark.parametrize("last_origin_look", [-128, 0])
def test_an_origin_proves_absence_only_up_to_its_last_look_before_a_long_silence(last_origin_look: float) -> None:
    edge = [(-130, ABSENT), (150, PRESENT), (160, ABSENT)]
    origin_looks = sorted({-128, last_origin_look, 158})
    (presence,) = presences_in(edge, origin=[(when, ABSENT) for when in origin_looks])
    assert after_slot(-130) < presence.appears.after <= after_slot(last_origin_look)
    assert presence.appears.by == after_slot(150)


# Absence between the first and last look of a run: only the widest gap between its looks is known


@pytest.mark.parametrize(
    ("edge_shows", "last_absent"), [(10.0, 0.0), (24.0, 0.0), (44.0, 18.0), (46.0, 20.0), (4.0, None)]
)
def test_an_origin_that_is_looked_at_every_twenty_seconds_proves_no_absence_between_its_looks(
    edge_shows: float, last_absent: float | None
) -> None:
    # Only looks more than 5 s before the edge showed it count. The last of these was up to 21 s earlier.
    origin = [(float(when), ABSENT) for when in range(0, 100, 20)]
    (presence,) = presences_in([(edge_shows, PRESENT), (edge_shows + 1, ABSENT)], origin=origin)
    assert presence.appears == between(last_absent, edge_shows)


GAPS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(st.integers(-5, 300), st.lists(st.tuples(st.integers(1, 40), st.integers(0, 900)), min_size=1, max_size=13))
def test_absence_up_to_an_instant_is_proved_by_a_look_before_it(
    limit: int, gaps_and_durations_in_ms: list[tuple[int, int]]
) -> None:
    sent = list(accumulate(gap for gap, _ in gaps_and_durations_in_ms))
    received = [after_slot(when + ms / 1000) for when, (_, ms) in zip(sent, gaps_and_durations_in_ms, strict=True)]
    absences = [
        a_sighting(ABSENT, when, received=came, proved_to=came) for when, came in zip(sent, received, strict=True)
    ]
    (run,) = looks(*absences).runs("page/origin")
    proved = absent_at(run, after_slot(limit))
    looks_before = [when for when in sent if when <= limit]
    if proved is not None:
        assert looks_before
        assert proved <= after_slot(looks_before[-1])


@given(st.integers(0, 400), st.lists(st.tuples(st.integers(1, 60), st.integers(0, 150)), min_size=1, max_size=8))
def test_absence_up_to_an_instant_is_proved_no_later_than_the_age_of_copies_allows(
    limit: int, gaps_and_ages: list[tuple[int, int]]
) -> None:
    sent = list(accumulate((gap for gap, _ in gaps_and_ages), initial=0))
    made = [0, *(when - age for when, (_, age) in zip(sent[1:], gaps_and_ages, strict=True))]
    (run,) = looks(*((when, ABSENT, when - copied) for when, copied in zip(sent, made, strict=True))).runs("page")
    proved = absent_at(run, after_slot(limit))
    assert proved is None or proved <= after_slot(max(copied for copied in made if copied <= limit))


@given(st.integers(20, 200), GAPS, st.data())
def test_a_further_look_inside_a_run_takes_no_absence_back(limit: int, gaps: list[int], data: st.DataObject) -> None:
    sent = [float(each) for each in accumulate(gaps, initial=0)]
    inside = st.floats(0, sent[-1]).map(lambda when: round(when, 1)).filter(lambda when: when not in sent)
    with_further_look = sorted([*sent, data.draw(inside)])
    proved_before, proved_now = (
        absent_at(run, after_slot(limit))
        for instants in (sent, with_further_look)
        for run in looks(*((when, ABSENT) for when in instants)).runs("page/origin")
    )
    assert proved_before is None or (proved_now is not None and proved_now >= proved_before)
