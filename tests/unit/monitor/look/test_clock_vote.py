"""Which hosts are believed if they disagree about the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.clock_skew import RIGHT_CLOCK, Vote, vote

# Between how many seconds our clock is ahead, as the dates of a host show it.
NEARLY_RIGHT = (-0.4, 0.5)
HOUR_AHEAD = (3599.5, 3600.4)
DAY_AHEAD = (86399.0, 86400.0)


def test_result_of_agreeing_hosts_is_the_intersection_of_their_spans() -> None:
    assert vote({"a": (-0.4, 0.5), "b": (-0.2, 0.8)}).bounds == (-0.2, 0.5)


def test_host_that_most_contradict_is_outvoted() -> None:
    outcome = vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT, "b": NEARLY_RIGHT})
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"liar"}


def test_one_host_shows_that_our_clock_is_wrong_only_if_the_machine_is_not_synchronised() -> None:
    # At first the machine says nothing about its clock.
    assert vote({"a": HOUR_AHEAD}) == Vote(RIGHT_CLOCK, unconfirmed=frozenset("a"))
    assert vote({"a": HOUR_AHEAD}, synchronised=True) == Vote(RIGHT_CLOCK, outvoted=frozenset("a"))
    assert vote({"a": HOUR_AHEAD}, synchronised=False) == Vote(HOUR_AHEAD)


def test_two_hosts_that_agree_show_that_our_clock_is_wrong() -> None:
    for synchronised in (True, False, None):
        assert vote({"a": HOUR_AHEAD, "b": HOUR_AHEAD}, synchronised=synchronised) == Vote(HOUR_AHEAD)


def test_of_two_hosts_that_disagree_the_one_that_our_clock_confirms_wins() -> None:
    for synchronised in (True, False, None):
        assert vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT}, synchronised=synchronised) == Vote(
            NEARLY_RIGHT, outvoted=frozenset({"liar"})
        )


@pytest.mark.parametrize("synchronised", [False, None])
def test_two_hosts_that_contradict_each_other_and_our_clock_do_not_make_it_wrong(*, synchronised: bool | None) -> None:
    assert vote({"a": HOUR_AHEAD, "b": DAY_AHEAD}, synchronised=synchronised) == Vote(
        RIGHT_CLOCK, unconfirmed=frozenset("ab")
    )


def test_two_pairs_that_contradict_each_other_and_our_clock_leave_either_possible() -> None:
    outcome = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD, "c": HOUR_AHEAD, "d": DAY_AHEAD})
    # It is a draw, so the result covers both: an hour ahead (from 3599.5 s) and a day ahead (to 86400.0 s).
    assert outcome == Vote((3599.5, 86400.0), unconfirmed=frozenset("abcd"))


def test_one_host_of_many_cannot_show_that_our_clock_is_wrong() -> None:
    spans = {"a": (0.3, 1.3), "b": (-0.4, 0.5), "c": (-0.2, 0.8)}
    # Host a alone shows that our clock is at least 0.3 s ahead. With host d, two show that it is at least 0.2 s ahead.
    assert vote(spans) == Vote((0.0, 0.5), unconfirmed=frozenset("a"))
    assert vote(spans | {"d": (0.2, 1.2)}).bounds == (0.2, 0.5)


def test_two_liars_that_contradict_each_other_do_not_silence_the_honest_one() -> None:
    # Each host has only its own vote, and that of our clock is for host a.
    outcome = vote({"x": HOUR_AHEAD, "y": DAY_AHEAD, "a": NEARLY_RIGHT})
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"x", "y"}


@given(
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9),
    st.lists(st.one_of(st.floats(-1e6, -3), st.floats(3, 1e6)), max_size=2),
)
def test_honest_majority_is_always_right(offset: float, honest: list[tuple[float, float]], lies: list[float]) -> None:
    # Three hosts or more give a range that contains the true offset. At most two liars are three seconds or more off.
    spans = {f"liar{n}": (offset + lie, offset + lie + 1) for n, lie in enumerate(lies)}
    spans |= {f"a{n}": (offset - below, offset + above) for n, (below, above) in enumerate(honest)}
    low, high = vote(spans).bounds
    assert low - 1e-6 <= offset <= high + 1e-6
