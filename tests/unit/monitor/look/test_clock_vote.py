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
    """By the dates of a host, our clock is ahead by at least and at most some seconds: of `liar`, by about an hour."""
    outcome = vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT, "b": NEARLY_RIGHT})
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"liar"}


def test_one_host_proves_clock_wrong_only_if_machine_is_unsynchronised() -> None:
    """By the dates of this host, our clock is an hour ahead."""
    # At first the machine says nothing about its clock.
    assert vote({"a": HOUR_AHEAD}) == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a"}))
    assert vote({"a": HOUR_AHEAD}, synchronised=True) == Vote(RIGHT_CLOCK, outvoted=frozenset({"a"}))
    assert vote({"a": HOUR_AHEAD}, synchronised=False) == Vote(HOUR_AHEAD)


def test_two_agreeing_hosts_prove_our_clock_wrong() -> None:
    for synchronised in (True, False, None):
        assert vote({"a": HOUR_AHEAD, "b": HOUR_AHEAD}, synchronised=synchronised) == Vote(HOUR_AHEAD)


def test_of_two_hosts_one_that_our_clock_confirms_wins() -> None:
    """By the dates of one host, our clock is an hour ahead. By those of the other, it is nearly right."""
    expected = Vote(NEARLY_RIGHT, outvoted=frozenset({"liar"}))
    for synchronised in (True, False, None):
        assert vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT}, synchronised=synchronised) == expected


@pytest.mark.parametrize("synchronised", [False, None])
def test_two_contradicting_hosts_do_not_prove_our_clock_wrong(*, synchronised: bool | None) -> None:
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD}, synchronised=synchronised)
    assert result == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a", "b"}))


def test_if_two_hosts_contradict_two_others_bounds_cover_both_pairs() -> None:
    """By two hosts, our clock is an hour ahead, and by two others, a day. The bounds are how far it is ahead."""
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD, "c": HOUR_AHEAD, "d": DAY_AHEAD})
    # Nothing shows which pair is right, so none of the four hosts is confirmed.
    least_of_hour, _ = HOUR_AHEAD
    _, most_of_day = DAY_AHEAD
    assert result == Vote(bounds=(least_of_hour, most_of_day), unconfirmed=frozenset({"a", "b", "c", "d"}))


def test_only_two_hosts_can_prove_our_clock_wrong() -> None:
    """By each host, our clock is ahead by at least and at most so many seconds. Only host a excludes zero."""
    seconds_ahead = {"a": (0.3, 1.3), "b": (-0.4, 0.5), "c": (-0.2, 0.8)}
    assert vote(seconds_ahead) == Vote(bounds=(0.0, 0.5), unconfirmed=frozenset({"a"}))
    # With host d, two hosts show that it is at least 0.2 s ahead. Host b still allows 0.5 s at most.
    seconds_ahead["d"] = (0.2, 1.2)
    assert vote(seconds_ahead).bounds == (0.2, 0.5)


def test_two_contradicting_liars_do_not_silence_honest_host() -> None:
    """By host x, our clock is an hour ahead, by y a day, and by the honest host a it is nearly right.

    Each host has only its own vote. Our clock also votes for host a, which shows it as nearly right.
    """
    outcome = vote({"x": HOUR_AHEAD, "y": DAY_AHEAD, "a": NEARLY_RIGHT})
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"x", "y"}


@given(
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9),
    st.lists(st.one_of(st.floats(-1e6, -3), st.floats(3, 1e6)), max_size=2),
)
def test_three_honest_hosts_prevail_over_two_wrong_ones(
    true_offset: float, honest_margins: list[tuple[float, float]], errors: list[float]
) -> None:
    """Our clock is ahead by `true_offset`.

    The bounds that an honest host gives contain it, and those of a wrong one do not.
    """
    spans = {}
    for n, error in enumerate(errors):  # at most two, of three seconds or more
        spans[f"wrong{n}"] = (true_offset + error, true_offset + error + 1)
    for n, (below, above) in enumerate(honest_margins):  # at least three, of up to a second
        spans[f"honest{n}"] = (true_offset - below, true_offset + above)
    least, most = vote(spans).bounds
    rounding = 1e-6
    assert least - rounding <= true_offset <= most + rounding
