"""Corrects what this process has dated by a clock that proved wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor.health.state import HealthState
from monitor.judge.runs import Blind
from monitor.ledger.ledger import Ledger
from monitor.look.clock_steps import ClockMove
from monitor.look.poller import Poller
from monitor.threads import Tasks
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.watch import Watch

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClockMoves:
    """Follows each move of our clock.

    The span in which it was wrong is blind. If it was ahead, dates that now lie in the future are
    moved back with it, and looks are planned anew.
    """

    blind: BlindSpans
    health: HealthState
    poller: Poller
    watch: Watch
    ledger: Ledger
    tasks: Tasks

    def follow(self, move: ClockMove) -> None:
        """Correct dates, plans and blind spans after a move."""
        _log.warning("clock_moved", seconds=round(move.seconds, 3))
        step = timedelta(seconds=move.seconds)
        self.poller.follow_clock_move(move.seconds)
        self.health.correct_dates(step, move.ends)
        if move.seconds < 0:
            self.blind.correct_dates(step, move.ends)
            self.watch.correct_dates(step, move.ends)
            self.tasks.start(self.ledger.correct_dates(step, move.ends))
        self.blind.note(Blind(move.begins, move.ends, "clock"))
