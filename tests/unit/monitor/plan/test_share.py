"""Several monitors at one host: each uses its own turns, and together they keep one budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.plan.budget import Pacer
from monitor.plan.share import LATEST_START, Share, Turns

EPOCH = datetime(2026, 11, 26, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("east", "north", "south", "west")

COUNTS, RATES = st.integers(1, 4), st.sampled_from([0.5, 2.0, 5.0, 20.0])


def turns_at_govuk(
    name: str,
    members: tuple[str, ...],
    *,
    rate: float = 5.0,
    turns_begin: float = -1e9,
) -> Turns:
    """Return the turns of a monitor. The first turn of all begins so many seconds after EPOCH."""
    return Share(name, members, turns_begin).turns(rate, EPOCH)


def starts_in_all_turns(mine: Turns, until: datetime, late: timedelta) -> list[datetime]:
    """Return when a monitor starts requests that uses all its turns, each `late` after the begin of
    the turn.
    """
    starts, now = [], EPOCH
    while (now := mine.at_or_after(now)) < until:
        starts.append(now + late)
        now += mine.gap - LATEST_START
    return starts


@given(
    number_of_monitors=COUNTS,
    rate=RATES,
    milliseconds_late=st.lists(st.integers(0, 20), min_size=4, max_size=4),
)
def test_all_monitors_together_never_start_more_than_the_budget(
    *, number_of_monitors: int, rate: float, milliseconds_late: list[int]
) -> None:
    """No second has more starts, even if all monitors use all their turns."""
    monitors = NAMES[:number_of_monitors]
    starts: list[datetime] = []
    for monitor, ms_late in zip(monitors, milliseconds_late, strict=False):
        turns = turns_at_govuk(monitor, monitors, rate=rate)
        starts += starts_in_all_turns(
            turns, until=EPOCH + 60 * SECOND, late=timedelta(milliseconds=ms_late)
        )
    starts.sort()
    # also at less than one request a second, one second may have one
    most_a_second = max(1, int(rate))
    # With a budget of five a second, for example, each start and the fifth one after it are over a
    # second apart.
    for start, later_start in zip(starts, starts[most_a_second:], strict=False):
        assert later_start - start > SECOND


@given(number_of_monitors=COUNTS, rate=RATES)
def test_monitors_share_whole_budget_but_never_a_turn(
    *, number_of_monitors: int, rate: float
) -> None:
    """Monitors take turns at a host. The turns are numbered, and `mine` are the numbers of one
    monitor. Its `fraction` of the budget is that of its turns.
    """
    monitors = NAMES[:number_of_monitors]
    turns_of_all = [turns_at_govuk(monitor, monitors, rate=rate) for monitor in monitors]
    assert sum(turns.fraction for turns in turns_of_all) == 1
    for turns, other_turns in combinations(turns_of_all, 2):
        numbers_of_turns, other_numbers = turns.mine, other_turns.mine
        assert numbers_of_turns.isdisjoint(other_numbers)


@given(number_of_monitors=COUNTS, rate=RATES)
def test_turn_lasts_5_percent_longer_than_the_budget_requires(
    *, number_of_monitors: int, rate: float
) -> None:
    """The clocks of the monitors differ a little, so a turn has some time to spare. For example,
    with a budget of 5 requests a second it lasts for 0.21 s.
    """
    monitors = NAMES[:number_of_monitors]
    for monitor in monitors:
        turns = turns_at_govuk(monitor, monitors, rate=rate)
        assert turns.gap == timedelta(seconds=1.05 / rate)


def test_monitor_that_is_no_member_never_gets_a_turn() -> None:
    """Only the members north and south take turns, so west has none. `at_or_after(now)` would
    return `now` if a turn began then. Here it always returns a later time, at which to try again.
    """
    no_turns, now = turns_at_govuk("west", members=("north", "south")), EPOCH
    for _ in range(100):
        try_again_at = no_turns.at_or_after(now)
        assert try_again_at > now
        now = try_again_at


def test_start_too_late_in_turn_waits_for_next_own_turn() -> None:
    """North and south take turns at a host. North may start a request until 0.02 s (`LATEST_START`)
    after its turn began. At 0.04 s it is still its turn, but too late.
    """
    turns = turns_at_govuk("north", members=("north", "south"), rate=1.0, turns_begin=0.0)
    assert turns.gap > 2 * LATEST_START
    assert turns.at_or_after(EPOCH + LATEST_START) == EPOCH + LATEST_START
    # The next turn is of south, and the one after it of north.
    assert turns.at_or_after(EPOCH + 2 * LATEST_START) == EPOCH + 2 * turns.gap


@pytest.mark.parametrize("members", [("north",), ("north", "south")])
def test_monitor_gets_all_its_turns_even_with_late_starts(members: tuple[str, ...]) -> None:
    """North has all turns at a host, or every second one beside south. It starts each request as
    late in its turn as allowed. Still, it gets its next turn in time.
    """
    turns, pacer = turns_at_govuk("north", members, rate=5.0, turns_begin=0.0), Pacer(5.0)
    pacer.reconfigure(5.0, turns)
    time_between_own_turns = len(members) * turns.gap
    now = EPOCH
    for number in range(4):
        turn_begins = pacer.next_start(now)
        assert turn_begins == EPOCH + number * time_between_own_turns
        pacer.record_start(turn_begins + LATEST_START)
        now = turn_begins
    assert pacer.gap == time_between_own_turns


def test_monitor_uses_a_quarter_of_its_turns_after_a_refusal() -> None:
    """North and south take turns at a host, so north has every second one.

    Then the host refuses a request of north.
    """
    turns, pacer = turns_at_govuk("north", members=("north", "south"), rate=5.0), Pacer(5.0)
    pacer.reconfigure(5.0, turns)
    time_between_own_turns = 2 * turns.gap
    assert pacer.gap == time_between_own_turns
    pacer.record_refusal(EPOCH, timedelta(seconds=10))
    assert pacer.gap == 4 * time_between_own_turns
