"""Until when a run proves absence, up to a limit. A number is an instant in seconds after the slot."""

from __future__ import annotations

from itertools import accumulate
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.runs import Run, last_absence_until
from monitor.look.sighting import Sighting
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, Look, a_sighting, looks

T = TypeVar("T")


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
