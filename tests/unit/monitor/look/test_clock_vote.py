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
    """By the dates of host `liar`, our clock is about an hour ahead. By those of hosts a and b, it is nearly right."""
    outcome = vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT, "b": NEARLY_RIGHT})
    assert outcome.bounds == NEARLY_RIGHT
    assert outcome.outvoted == {"liar"}


def test_one_host_proves_clock_wrong_only_if_machine_is_unsynchronised() -> None:
    """By the dates of the only host, our clock is an hour ahead. RIGHT_CLOCK: our clock counts as right."""
    # The machine may say nothing about its clock, that it is synchronised, or that it is not.
    assert vote({"a": HOUR_AHEAD}) == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a"}))
    assert vote({"a": HOUR_AHEAD}, synchronised=True) == Vote(RIGHT_CLOCK, outvoted=frozenset({"a"}))
    assert vote({"a": HOUR_AHEAD}, synchronised=False) == Vote(HOUR_AHEAD)


def test_two_agreeing_hosts_prove_our_clock_wrong() -> None:
    for synchronised in (True, False, None):
        assert vote({"a": HOUR_AHEAD, "b": HOUR_AHEAD}, synchronised=synchronised) == Vote(HOUR_AHEAD)


def test_of_two_hosts_one_that_our_clock_confirms_wins() -> None:
    """By the dates of one host, our clock is an hour ahead. By those of the other, it is nearly right, which wins. It
    does not matter whether the machine reports that our clock is synchronised or not, or nothing (None)."""
    expected = Vote(NEARLY_RIGHT, outvoted=frozenset({"liar"}))
    for synchronised in (True, False, None):
        assert vote({"liar": HOUR_AHEAD, "a": NEARLY_RIGHT}, synchronised=synchronised) == expected


@pytest.mark.parametrize("synchronised", [False, None])
def test_two_contradicting_hosts_do_not_prove_our_clock_wrong(*, synchronised: bool | None) -> None:
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD}, synchronised=synchronised)
    assert result == Vote(RIGHT_CLOCK, unconfirmed=frozenset({"a", "b"}))


def test_if_two_hosts_contradict_two_others_bounds_cover_both_pairs() -> None:
    """By the dates of two hosts, our clock is an hour ahead, and by two others, a day. The bounds contain both."""
    result = vote({"a": HOUR_AHEAD, "b": DAY_AHEAD, "c": HOUR_AHEAD, "d": DAY_AHEAD})
    # Nothing shows which pair is right, so none of the four hosts is confirmed.
    least_of_hour, _ = HOUR_AHEAD
    _, most_of_day = DAY_AHEAD
    assert result == Vote(bounds=(least_of_hour, most_of_day), unconfirmed=frozenset({"a", "b", "c", "d"}))


def test_only_two_hosts_can_prove_our_clock_wrong() -> None:
    """By host a, our clock is 0.3 to 1.3 s ahead. Hosts b and c show that it may be right (0 s ahead)."""
    seconds_ahead = {"a": (0.3, 1.3), "b": (-0.4, 0.5), "c": (-0.2, 0.8)}
    # All three allow 0.3 to 0.5 s. Only host a proves more than 0 s, so that is not confirmed.
    assert vote(seconds_ahead) == Vote(bounds=(0.0, 0.5), unconfirmed=frozenset({"a"}))
    # Now host d shows 0.2 s at least, so a and d together prove that. Host b still allows 0.5 s at most.
    seconds_ahead["d"] = (0.2, 1.2)
    assert vote(seconds_ahead).bounds == (0.2, 0.5)


def test_two_contradicting_liars_do_not_silence_honest_host() -> None:
    """By host x, our clock is an hour ahead, by y a day, and by the honest host a it is nearly right. No two hosts
    agree. So our own clock decides the vote, for host a."""
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
    """Our clock is ahead by `true_offset` seconds. Each host says by how many at least and at most. The true number is
    within these bounds for each honest host, and at least 2 s off for each wrong one."""
    spans = {}
    for n, error in enumerate(errors):  # at most two
        spans[f"wrong{n}"] = (true_offset + error, true_offset + error + 1)
    for n, (below, above) in enumerate(honest_margins):  # at least three, each up to a second
        spans[f"honest{n}"] = (true_offset - below, true_offset + above)
    least, most = vote(spans).bounds
    rounding = 1e-6
    assert least - rounding <= true_offset <= most + rounding
