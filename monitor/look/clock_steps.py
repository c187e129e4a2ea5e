"""Notices that someone set the wall clock, and finds which clock is right: it or ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.clock import SteadyClock
from monitor.look.clock_skew import TOLERANCE, Skew

_UNDECIDED_SECONDS = 30.0
"""If the dates of hosts decide nothing for so long after a step, the wall clock is believed."""
_LEAST_HOSTS = 2
"""So many hosts must agree that our clock is wrong, if no one set the wall clock (decision 33)."""
_RIGHT_EVERY = 1.0
"""How often, in seconds, it is noted that the dates of hosts confirm our clock."""


@dataclass(frozen=True, slots=True)
class ClockMove:
    """Our clock was moved by `seconds`. It had been wrong from `begins` to `ends`, by its new
    time.
    """

    seconds: float
    begins: datetime
    ends: datetime


def _ignore_move(_move_clock: ClockMove) -> None:
    """Ignore a move."""


class ClockSteps:
    """Compares our clock with the wall clock and with the dates that hosts send.

    Our clock counts steady time, so it does not follow when the wall clock is set. It is moved only
    if it is the wrong one: if more hosts confirm the wall clock than ours, or if the hosts prove
    ours wrong by more than `limit`. `on_moved` is called after each move.
    """

    def __init__(self, clock: SteadyClock, skew: Skew, limit: timedelta) -> None:
        self.skew = skew
        self._clock, self._limit = clock, limit.total_seconds()
        self.on_moved: Callable[[ClockMove], None] = _ignore_move
        # When a host's date last confirmed our clock.
        self._confirmed_at: datetime | None = None
        self._confirmed_mono = -_RIGHT_EVERY
        self._unmoved_since = clock.now()
        self._step_seen_at: float | None = None  # in steady time

    def wall_error(self) -> float:
        """Return by how many seconds the wall clock was set wrong, 0 if it agrees with ours."""
        lead = self._clock.wall_lead()
        return lead if abs(lead) > TOLERANCE else 0.0

    def check(self) -> float:
        """Move our clock if it is wrong, and return the `wall_error`. Call this after each look."""
        self.skew.adapt_to_move()
        error = self.wall_error()
        seconds = self._seconds_to_move(error)
        if seconds:
            self._move_clock(seconds)
            return self.wall_error()
        if self._clock.monotonic() - self._confirmed_mono >= _RIGHT_EVERY:
            self._confirmed_mono = self._clock.monotonic()
            confirming, _ = self.skew.count_support(0.0)
            if confirming:
                self._confirmed_at = self._clock.now()
        return error

    def is_undecided(self) -> bool:
        """Return whether the wall clock was just set and no host has shown yet which is right."""
        lead = self.wall_error()
        self._note_step(lead)
        if not lead or self._is_step_old():
            return False
        ours, walls = self.skew.count_support(lead)
        return ours <= walls

    def _seconds_to_move(self, lead: float) -> float:
        self._note_step(lead)
        if lead:
            ours, walls = self.skew.count_support(lead)
            if walls > ours or (walls == ours and self._is_step_old()):
                return lead
        least, most = self.skew.bounds
        if least <= self._limit and most >= -self._limit:
            return 0.0
        seconds = -(least + most) / 2
        ours, others = self.skew.count_support(seconds)
        if others >= _LEAST_HOSTS and others > ours:
            return seconds
        return 0.0

    def _note_step(self, lead: float) -> None:
        if not lead:
            self._step_seen_at = None
        elif self._step_seen_at is None:
            self._step_seen_at = self._clock.monotonic()

    def _is_step_old(self) -> bool:
        seen_at = self._step_seen_at
        return seen_at is not None and self._clock.monotonic() - seen_at >= _UNDECIDED_SECONDS

    def _move_clock(self, seconds: float) -> None:
        # If no host ever confirmed our clock, it was wrong since its start.
        wrong_since = self._confirmed_at or self._unmoved_since + timedelta(seconds=seconds)
        self._clock.move(seconds)
        self.skew.adapt_to_move()
        now = self._clock.now()
        self._confirmed_at, self._unmoved_since = None, now
        self.on_moved(ClockMove(seconds, min(wrong_since, now), now))
