"""Whose word counts where the watched hosts disagree about the time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.look.clock_vote import vote

RIGHT = (-0.4, 0.5)
HOUR = (3599.5, 3600.4)
DAY = (86399.0, 86400.0)


def test_what_all_agree_on_is_the_intersection_of_their_spans() -> None:
    assert vote({"a": (-0.4, 0.5), "b": (-0.2, 0.8)}).bounds == (-0.2, 0.5)


def test_a_host_that_most_contradict_is_set_aside_and_told() -> None:
    told = vote({"liar": HOUR, "a": RIGHT, "b": RIGHT})
    assert told.bounds == RIGHT
    assert told.against == {"liar"}


def test_a_clock_that_all_hosts_call_wrong_is_wrong() -> None:
    assert vote({"a": HOUR}).bounds == HOUR
    assert vote({"a": HOUR, "b": HOUR}).against == frozenset()


def test_of_two_hosts_that_disagree_the_one_that_our_clock_bears_out_is_believed() -> None:
    told = vote({"liar": HOUR, "a": RIGHT})
    assert told.bounds == RIGHT
    assert told.against == {"liar"}


def test_of_two_hosts_that_contradict_each_other_and_our_clock_neither_is_believed() -> None:
    told = vote({"a": HOUR, "b": DAY})
    assert told.bounds == (3599.5, 86400.0)
    assert told.drawn == {"a", "b"}


def test_a_clock_that_the_machine_keeps_right_is_not_called_wrong_by_one_host() -> None:
    assert vote({"liar": HOUR, "a": RIGHT}, kept=True).against == {"liar"}
    assert vote({"one": HOUR, "other": HOUR}, kept=True).bounds == HOUR


def test_two_liars_that_contradict_each_other_do_not_silence_the_honest_one() -> None:
    told = vote({"x": HOUR, "y": DAY, "a": RIGHT})
    assert told.bounds == RIGHT
    assert told.against == {"x", "y"}


@given(
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9),
    st.lists(st.one_of(st.floats(-1e6, -3), st.floats(3, 1e6)), max_size=2),
)
def test_a_majority_of_honest_hosts_is_always_right(
    offset: float, honest: list[tuple[float, float]], lies: list[float]
) -> None:
    spans = {f"liar{n}": (offset + lie, offset + lie + 1) for n, lie in enumerate(lies)}
    spans |= {f"a{n}": (offset - below, offset + above) for n, (below, above) in enumerate(honest)}
    low, high = vote(spans).bounds
    assert low - 1e-6 <= offset <= high + 1e-6
