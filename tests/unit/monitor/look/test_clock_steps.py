"""Our clock counts steady time. It is moved only if it is wrong and the wall clock or hosts are
right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from monitor.clock import SteadyClock, VirtualClock
from monitor.look.clock_skew import Skew
from monitor.look.clock_steps import ClockMove, ClockSteps
from monitor.look.fetch import Answer

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
LIMIT = timedelta(seconds=30)
HOUR = 3600.0


class StandingClock(VirtualClock):
    """A wall clock in which time passes only when a test says so."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


@dataclass
class Machine:
    """A machine whose wall clock is wrong by `wrong` seconds at the start.

    The machine says whether that clock is synchronised.
    """

    wrong: float = 0.0
    is_synchronised: bool | None = None
    moves: list[ClockMove] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wall = StandingClock(NOON, timedelta(seconds=self.wrong))
        self.clock = SteadyClock(self.wall)
        self.skew = Skew(lambda: self.is_synchronised, lambda: self.clock.moved)
        self.steps = ClockSteps(self.clock, self.skew, LIMIT)
        self.steps.on_moved = self.moves.append

    def set_wall_clock(self, wrong: float) -> None:
        self.wall.offset = timedelta(seconds=wrong)

    def look(self, *hosts: str, host_wrong: float = 0.0) -> None:
        """Let a second pass, and look at each host, which sends a true date if not `host_wrong`."""
        self.wall.passed += 1.0
        true_now = NOON + timedelta(seconds=self.wall.passed + host_wrong)
        date = format_datetime(true_now.replace(microsecond=0), usegmt=True)
        for host in hosts:
            now = self.clock.now()
            self.skew.observe(host, Answer(f"https://{host}/", 200, {"date": date}, b"", now, now))
            self.steps.check()

    def error(self) -> float:
        """Return by how many seconds our clock is ahead of the true time."""
        true_now = NOON + timedelta(seconds=self.wall.passed)
        return (self.clock.now() - true_now).total_seconds()


@pytest.mark.parametrize("wrong", [-HOUR, -45.0, 4.0, 45.0, HOUR])
def test_right_clock_does_not_follow_a_wall_clock_that_is_set_wrong(wrong: float) -> None:
    machine = Machine()
    machine.look("a")
    machine.set_wall_clock(wrong)
    for _ in range(40):
        machine.look("a")
    assert machine.error() == pytest.approx(0.0)
    assert machine.steps.wall_error() == pytest.approx(wrong)
    machine.set_wall_clock(0.0)
    machine.look("a")
    assert machine.steps.wall_error() == 0.0
    assert machine.moves == []


def test_step_of_less_than_a_second_is_no_error() -> None:
    machine = Machine()
    machine.set_wall_clock(0.9)
    machine.look("a")
    assert machine.steps.wall_error() == 0.0


@pytest.mark.parametrize("wrong", [-HOUR, 45.0, HOUR])
def test_clock_that_began_wrong_is_moved_once_two_hosts_prove_it(wrong: float) -> None:
    machine = Machine(wrong)
    machine.look("a", "b")
    assert machine.error() == pytest.approx(0.0, abs=1.0)
    (move,) = machine.moves
    assert move.seconds == pytest.approx(-wrong, abs=1.0)
    # It was wrong since its start, told by the true time.
    assert abs((move.begins - NOON).total_seconds()) <= 1.0
    assert move.ends == machine.clock.now()
    # The wall clock is still wrong. Once it is right, the two agree, and nothing is moved again.
    assert machine.steps.wall_error() == pytest.approx(wrong, abs=1.0)
    machine.set_wall_clock(0.0)
    machine.look("a", "b")
    assert machine.steps.wall_error() == 0.0
    assert len(machine.moves) == 1


@pytest.mark.parametrize("wrong", [20.0, HOUR])
def test_clock_that_began_wrong_follows_a_correction_that_one_host_confirms(wrong: float) -> None:
    """One host does not prove a clock wrong that the machine calls synchronised. Together with the
    corrected wall clock it does.
    """
    machine = Machine(wrong, is_synchronised=True)
    machine.look("a")
    assert machine.moves == []
    machine.set_wall_clock(0.0)
    machine.look("a")
    assert machine.error() == pytest.approx(0.0)
    (move,) = machine.moves
    assert move.begins == NOON


def test_span_since_a_host_last_confirmed_our_clock_is_the_wrong_one() -> None:
    """The machine was moved to another host, and no steady clock counted the hour. The true time
    went on.
    """
    machine = Machine()
    machine.look("a")
    confirmed_at = machine.clock.now()
    machine.set_wall_clock(HOUR)
    for _ in range(3):
        machine.look("a", host_wrong=HOUR)
    (move,) = machine.moves
    assert (move.seconds, move.begins) == (pytest.approx(HOUR), confirmed_at)


def test_without_any_date_the_wall_clock_is_believed_after_half_a_minute() -> None:
    machine = Machine()
    machine.set_wall_clock(HOUR)
    machine.steps.check()
    assert machine.steps.is_undecided()
    machine.wall.passed += 29.0
    machine.steps.check()
    assert machine.moves == []
    machine.wall.passed += 1.0
    machine.steps.check()
    assert machine.error() == pytest.approx(HOUR)
    assert not machine.steps.is_undecided()


def test_nothing_is_undecided_once_a_host_shows_which_clock_is_right() -> None:
    machine = Machine()
    machine.look("a")
    machine.set_wall_clock(HOUR)
    assert not machine.steps.is_undecided()
