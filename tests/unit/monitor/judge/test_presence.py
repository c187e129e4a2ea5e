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
from tests.worlds.looks import ABSENT, PRESENT, Look, a_sighting, looks

T = TypeVar("T")


def presences_in(
    edge: Sequence[Look] = (), origin: Sequence[Look] = (), content_api: Sequence[Look] = ()
) -> list[Presence]:
    """Return the presences that these looks at each view prove, all of this edition."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content_api}
    runs = {
        view: looks(*each, specific=True).runs(f"page/{view}")
        for view, each in views.items()
        if each
    }
    return list(build_presences({view: build_spells(view, each) for view, each in runs.items()}))


def between(after: float | None, by: float) -> Interval:
    return Interval(after_slot(after), after_slot(by))


def test_content_of_two_views_is_removed_once_both_lack_it() -> None:
    """The edge showed the content at 10 s and lacked it at 20 s. The origin showed it at 11 s and
    lacked it at 35 s. So it was certainly public from 10 s to 11 s. It counts as removed once both
    views lack it: after 11 s, by 35 s.
    """
    edge = [(0, ABSENT), (10, PRESENT), (20, ABSENT)]
    origin = [(0, ABSENT), (11, PRESENT), (35, ABSENT)]
    (presence,) = presences_in(edge, origin)
    first_present, last_present, first_absent_in_both = 10, 11, 35
    assert (presence.begin, presence.end) == (after_slot(first_present), after_slot(last_present))
    assert presence.removed == between(last_present, first_absent_in_both)


@pytest.mark.parametrize(
    ("origin", "begins"),
    [
        ([(0, ABSENT), (11, PRESENT), (21, ABSENT), (41, PRESENT)], [10, 40]),
        ([(0, ABSENT), (11, PRESENT), (41, PRESENT)], [10]),
    ],
    ids=["origin absent too", "origin always present"],
)
def test_second_presence_counts_only_if_all_views_were_absent_between(
    origin: list[Look], begins: list[float]
) -> None:
    """A presence is a time in which content was public.

    The edge showed it at 10 s, not at 20 s, and again at 40 s.
    - If the origin lacked it at 21 s too, it was removed. So there are two presences, from 10 s and
      from 40 s on.
    - If the origin never lacked it, the absence at the edge does not count. So one presence goes on
      from 10 s.
    """
    edge = [(0, ABSENT), (10, PRESENT), (20, ABSENT), (40, PRESENT)]
    presences = presences_in(edge, origin)
    assert [presence.begin for presence in presences] == [after_slot(begin) for begin in begins]


@pytest.mark.parametrize(("seconds_after_edge", "is_removed"), [(61, True), (59, False)])
def test_absence_at_origin_removes_content_after_a_minute(
    seconds_after_edge: float, *, is_removed: bool
) -> None:
    """The edge last showed the content at 10 s, and was not looked at again.

    The origin lacked it from 12 s on.
    - If the origin still lacks it at 71 s, over a minute after the last look at the edge, it was
      removed by 12 s.
    - If the origin lacks it only until 69 s, less than a minute, the edge may still show it: not
      removed (None).
    """
    last_look_at_edge, first_absent_at_origin = 10, 12
    last_absent_at_origin = last_look_at_edge + seconds_after_edge  # 71 or 69
    edge = [(0, ABSENT), (last_look_at_edge, PRESENT)]
    origin = [
        (0, ABSENT),
        (9, PRESENT),
        (first_absent_at_origin, ABSENT),
        (last_absent_at_origin, ABSENT),
    ]
    (presence,) = presences_in(edge, origin)
    assert presence.removed == (
        between(last_look_at_edge, first_absent_at_origin) if is_removed else None
    )


@pytest.mark.parametrize(
    ("edge_absent", "last_absent"),
    [(79, 79), (80, 0), (90, 0)],
    ids=["before", "at the time", "after"],
)
def test_edge_absence_dates_page_only_before_content_api_showed_it(
    edge_absent: float, last_absent: float
) -> None:
    """The content API, which has the text of a page, lacked it at 0 s and showed it at 80 s.

    The edge lacked it once.
    - If that was at 79 s, before the API showed it, the page came between 79 s and 80 s.
    - If it was at 80 s or 90 s, the edge, a cache, may have sent an old copy. So the page came
      between 0 s and 80 s.
    """
    api_first_shown = 80
    edge = [(0, ABSENT), (edge_absent, ABSENT), (100, PRESENT)]
    content_api = [(0, ABSENT), (api_first_shown, PRESENT), (101, PRESENT)]
    (presence,) = presences_in(edge, content_api=content_api)
    assert presence.appears == between(last_absent, api_first_shown)


@pytest.mark.parametrize("origin_absent_before_gap", [[-128], [-128, 0]])
def test_origin_proves_no_absence_in_long_gap_between_looks(
    origin_absent_before_gap: list[float],
) -> None:
    """The edge lacked the page at -130 s and showed it at 150 s. The origin lacked it until -128 s,
    or until 0 s, and again at 158 s. In this gap of over two minutes between its looks, the page
    may have come and gone at the origin. So the origin proves absence only until its last look
    before the gap.
    """
    edge_last_absent, edge_first_shown, origin_absent_after_gap = -130, 150, 158
    edge = [(edge_last_absent, ABSENT), (edge_first_shown, PRESENT)]
    origin = [(sent, ABSENT) for sent in [*origin_absent_before_gap, origin_absent_after_gap]]
    (presence,) = presences_in(edge, origin)
    last_before_gap = origin_absent_before_gap[-1]
    # The page came after an instant from -130 s to the last look before the gap, and by 150 s.
    assert after_slot(edge_last_absent) < presence.appears.after <= after_slot(last_before_gap)
    assert presence.appears.by == after_slot(edge_first_shown)


# Absence between the first and last look of a run: only the widest gap between its looks is known

ABSENT_EVERY_20_S_FROM_0 = [(float(sent), ABSENT) for sent in (0, 20, 40, 60, 80)]


@pytest.mark.parametrize("edge_first_shown", [44, 46])
def test_regular_looks_at_origin_prove_absence_until_shortly_before(
    edge_first_shown: float,
) -> None:
    """The origin lacked the page at each look, every 20 s from 0 s to 80 s. The edge showed it at
    44 s or 46 s. Of the looks at the origin, only the times of the first and the last are stored,
    and the longest gap: 20 s. So the last look at the origin before the page came is dated as early
    as possible.
    """
    (presence,) = presences_in(edge=[(edge_first_shown, PRESENT)], origin=ABSENT_EVERY_20_S_FROM_0)
    # Looks at two views within 5 s cannot be put in order. So the last look at the origin must be
    # at least 5 s before. It was at most 20 s before that. Its answer may have been made a second
    # before it was received.
    last_absent = edge_first_shown - 5 - 20 - 1
    assert presence.appears == between(last_absent, edge_first_shown)


@pytest.mark.parametrize(("edge_shows_at", "last_absent"), [(10, 0), (24, 0), (4, None)])
def test_only_first_origin_look_counts_if_edge_shows_page_soon(
    edge_shows_at: float, last_absent: float | None
) -> None:
    """The origin lacked the page at each look, every 20 s from 0 s to 80 s. Only the times of its
    first and its last look are stored. So if the edge showed the page soon after 0 s, only the look
    at 0 s was surely before that.
    - The edge showed it at 10 s or 24 s: it came after 0 s.
    - The edge showed it at 4 s: looks at two views within 5 s cannot be put in order, so no absence
      counts (None).
    """
    (presence,) = presences_in(edge=[(edge_shows_at, PRESENT)], origin=ABSENT_EVERY_20_S_FROM_0)
    assert presence.appears == between(last_absent, edge_shows_at)


SENT = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(
    lambda gaps: [*accumulate(gaps, initial=0)]
)
"""When the looks of a run were sent, the first at the slot."""


def sent_with(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[tuple[int, T]]]:
    """Draw when looks were sent one after the other, each with one of these values."""
    gaps = st.lists(st.tuples(st.integers(1, 60), values), min_size=1, max_size=13)
    return gaps.map(
        lambda each: [
            *zip(accumulate(gap for gap, _ in each), (value for _, value in each), strict=True)
        ]
    )


def run_of_absences(*absences: Look) -> Run:
    (run,) = looks(*absences).runs("page")
    return run


def an_absence(sent: float, milliseconds: int) -> Sighting:
    """Return an absence seen by a look that took so many milliseconds."""
    answered = after_slot(sent + milliseconds / 1000)
    return a_sighting(ABSENT, sent, received=answered, proved_to=answered)


ABSENCES = sent_with(st.integers(0, 900)).map(
    lambda drawn: [an_absence(sent, took) for sent, took in drawn]
)


@given(absences=ABSENCES, seconds=st.integers(-5, 300))
def test_run_proves_absence_at_most_until_last_look_before_limit(
    absences: list[Sighting], seconds: int
) -> None:
    """Random looks found the page absent, one after the other. They make one run, which does not
    keep when each look was made. `last_absence_until` returns until when this run proves absence,
    up to a limit. None: it proves none. This must never be after the last look that was sent by the
    limit.
    """
    limit = after_slot(seconds)
    last_proved_absent = last_absence_until(run_of_absences(*absences), limit)
    sent_by_limit = [absence.sent for absence in absences if absence.sent <= limit]
    if last_proved_absent is not None:
        assert sent_by_limit != []
        assert last_proved_absent <= max(sent_by_limit)


@given(limit=st.integers(0, 400), sent_and_ages=sent_with(st.integers(0, 150)))
def test_cached_absences_count_only_if_made_before_the_limit(
    limit: int, sent_and_ages: list[tuple[int, int]]
) -> None:
    """Random looks found the page absent. But each got a copy that a cache had made some seconds
    before (`age`). The first look, at 0 s, got a fresh answer of age 0. All looks make one run.
    Until when does it prove absence, up to a limit? At most until the last copy made by this limit.
    """
    fresh_look = (0, 0)
    all_looks = [fresh_look, *sent_and_ages]
    run = run_of_absences(*((sent, ABSENT, age) for sent, age in all_looks))
    absent_as_of = last_absence_until(run, after_slot(limit))
    copies_made = [sent - age for sent, age in all_looks]
    last_made_by_limit = max(made for made in copies_made if made <= limit)
    # None: no absence is proved by then.
    assert absent_as_of is None or absent_as_of <= after_slot(last_made_by_limit)


def test_old_copy_proves_absence_before_the_look_that_got_it() -> None:
    """A look at 17 s found the page absent. But a cache had made this copy 26 s before. So the page
    was absent at 17 - 26 = -9 s. This is before the limit of -5 s, so it counts, although the look
    itself was after the limit.
    """
    sent, age = 17, 26
    old_copy = run_of_absences((sent, ABSENT, age))
    assert last_absence_until(old_copy, limit=after_slot(-5)) == after_slot(-9)


@given(limit=st.integers(20, 200), sent=SENT, data=st.data())
def test_further_look_in_a_run_never_shortens_proved_absence(
    limit: int, sent: list[int], data: st.DataObject
) -> None:
    """Random looks found the page absent and make one run. The run proves absence until some
    instant, up to a limit. Then one more look is added between the first and the last. It found the
    page absent too. So absence must be proved until the same instant, or a later one.
    """
    further_looks = (
        st.floats(0, sent[-1])
        .map(lambda when: round(when, 1))
        .filter(lambda when: when not in sent)
    )
    sent_with_further_look = sorted([*sent, data.draw(further_looks)])
    run_without = run_of_absences(*((when, ABSENT) for when in sent))
    run_with = run_of_absences(*((when, ABSENT) for when in sent_with_further_look))
    absent_without = last_absence_until(run_without, after_slot(limit))
    absent_with = last_absence_until(run_with, after_slot(limit))
    # None: no absence is proved by the limit.
    if absent_without is not None:
        assert absent_with is not None
        assert absent_with >= absent_without


@pytest.mark.parametrize(
    ("origin", "after"),
    [
        pytest.param([(0, ABSENT), (7, ABSENT), (10, PRESENT)], 7, id="shown soon after"),
        pytest.param([(0, ABSENT), (7, ABSENT), (12, ABSENT), (13, PRESENT)], 5, id="absent later"),
    ],
)
def test_own_last_absence_of_the_origin_counts_if_it_confirms_the_edge(
    origin: list[Look], after: float
) -> None:
    edge = [(0, ABSENT), (5, ABSENT), (9, PRESENT)]
    (presence,) = presences_in(edge, origin)
    assert presence.appears == between(after, 9)
