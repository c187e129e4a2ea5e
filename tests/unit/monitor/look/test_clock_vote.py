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
    # By host a, our clock is -0.4 to 0.5 s ahead (negative: behind). By host b, it is -0.2 to 0.8 s
    # ahead.
    assert vote({"a": (-0.4, 0.5), "b": (-0.2, 0.8)}).bounds == (-0.2, 0.5)


def test_host_that_most_contradict_is_outvoted() -> None:
    """By the dates of host `liar`, our clock is about an hour ahead.

    By those of hosts a and b, it is nearly right.
    """
    outcome = vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT, "b": NEARLY_RIGHT})
    # Two hosts outvote one.
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"liar"}


def test_one_host_proves_clock_wrong_only_if_machine_is_unsynchronised() -> None:
    """By the dates of the only host, our clock is an hour ahead. But the host may be wrong."""
    # If the machine reports nothing, our clock counts as right, and the host as unconfirmed.
    assert vote({"a": HOUR_AHEAD}) == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a"}))
    # If the machine reports that our clock is synchronised, that outvotes the host.
    assert vote({"a": HOUR_AHEAD}, synchronised=True) == Vote(
        RIGHT_CLOCK, outvoted=frozenset({"a"})
    )
    # If the machine reports that our clock is not synchronised, the host is believed.
    assert vote({"a": HOUR_AHEAD}, synchronised=False) == Vote(HOUR_AHEAD)


def test_two_agreeing_hosts_prove_our_clock_wrong() -> None:
    # It does not matter what the machine reports: that our clock is synchronised, that it is not,
    # or nothing (None).
    for synchronised in (True, False, None):
        assert vote({"a": HOUR_AHEAD, "b": HOUR_AHEAD}, synchronised=synchronised) == Vote(
            HOUR_AHEAD
        )


def test_of_two_contradicting_hosts_the_one_that_agrees_with_our_clock_wins() -> None:
    """By the dates of host `liar`, our clock is an hour ahead. By those of host a, it is nearly
    right, so our clock agrees with host a. The machine may report that our clock is synchronised,
    that it is not, or nothing (None).
    """
    expected = Vote(NEARLY_RIGHT, outvoted=frozenset({"liar"}))
    for synchronised in (True, False, None):
        assert vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT}, synchronised=synchronised) == expected


@pytest.mark.parametrize("synchronised", [False, None])
def test_two_contradicting_hosts_do_not_prove_our_clock_wrong(*, synchronised: bool | None) -> None:
    """By host a, our clock is an hour ahead, and by host b a day. Nothing confirms either, so our
    clock counts as right. The machine reports that our clock is not synchronised, or nothing
    (None).
    """
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD}, synchronised=synchronised)
    assert result == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a", "b"}))


def test_if_two_hosts_contradict_two_others_bounds_cover_both_pairs() -> None:
    """By hosts a and c, our clock is an hour ahead. By hosts b and d, it is a day ahead. Two hosts
    that agree prove our clock wrong, but nothing shows which pair is right. So our clock is an hour
    to a day ahead.
    """
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD, "c": HOUR_AHEAD, "d": DAY_AHEAD})
    least_of_hour, _ = HOUR_AHEAD
    _, most_of_day = DAY_AHEAD
    assert result == Vote(
        bounds=(least_of_hour, most_of_day), unconfirmed=frozenset({"a", "b", "c", "d"})
    )


def test_only_two_hosts_can_prove_our_clock_wrong() -> None:
    """By host a, our clock is 0.3 to 1.3 s ahead. By hosts b and c, it may be right (0 s ahead)."""
    seconds_ahead = {"a": (0.3, 1.3), "b": (-0.4, 0.5), "c": (-0.2, 0.8)}
    # All three agree on 0.3 to 0.5 s. But only host a proves more than 0 s, and one host is not
    # enough: 0 to 0.5 s.
    assert vote(seconds_ahead) == Vote(bounds=(0.0, 0.5), unconfirmed=frozenset({"a"}))
    # By host d, our clock is at least 0.2 s ahead. Now two hosts prove 0.2 s. Only host a proves
    # 0.3 s.
    seconds_ahead["d"] = (0.2, 1.2)
    assert vote(seconds_ahead).bounds == (0.2, 0.5)


def test_two_contradicting_liars_do_not_silence_honest_host() -> None:
    """By host x, our clock is an hour ahead, and by host y a day. By the honest host a, it is
    nearly right. No two hosts agree. Our own clock agrees with host a, which decides the vote.
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
    """Our clock is ahead by a random number of seconds, `true_offset`. Each host says by how many
    at least and at most. There are three honest hosts or more. Their bounds contain the true
    number, up to a second below and above it. There are at most two wrong hosts. Their bounds miss
    it by 2 s or more. The result of the vote may never miss it.
    """
    spans = {}
    for n, error in enumerate(errors):  # an error is 3 s or more, ahead or behind
        spans[f"wrong{n}"] = (true_offset + error, true_offset + error + 1)
    for n, (below, above) in enumerate(honest_margins):
        spans[f"honest{n}"] = (true_offset - below, true_offset + above)
    least, most = vote(spans).bounds
    rounding = 1e-6  # of floating-point numbers
    assert least - rounding <= true_offset <= most + rounding
