"""The heartbeat that is written with every batch. From it a restart knows when the last run ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.store.batch import BatchMember
from monitor.store.rows import Heartbeat
from monitor.store.sql.read import Leases
from monitor.store.sql.write import Transaction


class HeartbeatWriter(BatchMember):
    """Adds to each batch of the writer when this monitor was last alive, without a further commit.

    Until `begin` it does not write, so that the heartbeat of the earlier process can still be read.
    """

    def __init__(self, monitor: str, leases: Leases | None = None) -> None:
        """`leases` read the stored heartbeat, to detect a store that lost batches it had committed."""
        self._monitor = monitor
        self._leases = leases
        # When it was last alive. None before `begin` and after `end`, which sets the final heartbeat instead.
        self._alive: datetime | None = None
        self._final_beat: Heartbeat | None = None
        self._offered: Heartbeat | None = None
        self._committed: Heartbeat | None = None
        self._last_beat: Heartbeat | None = None
        self._repeated = 0
        self._report_loss: Callable[[], object] = bool

    def on_lost_batches(self, report: Callable[[], object]) -> None:
        """Have `report` called, in the writer's thread, if the store has lost batches that it had committed."""
        self._report_loss = report

    def begin(self, now: datetime) -> None:
        """Write from now on that this monitor is alive."""
        self._final_beat, self._alive = None, now

    def note_alive(self, now: datetime) -> None:
        """Note that the monitor was alive at `now`. Before `begin` and after `end` this has no effect."""
        if self._alive is not None:
            self._alive = now

    def end(self, now: datetime) -> None:
        """Record a regular stop at `now`. Later batches repeat it."""
        self._final_beat, self._alive = Heartbeat(self._monitor, now, stopped=True), None

    def write(self, transaction: Transaction) -> None:
        """Write the heartbeat, and report a loss if the store no longer has the last one."""
        alive = self._alive
        beat = self._final_beat if alive is None else Heartbeat(self._monitor, alive)
        if beat is None:
            self._offered = None
            return
        if self._leases is not None and self._committed is not None:
            stored = self._leases.heartbeat(self._monitor)
            # Times are not compared, because a clock may have been set. The last batch may have been committed without
            # a confirmation.
            self._committed = stored if stored in (self._committed, self._offered) else None
            if self._committed is None:
                self._report_loss()
        self._offered = self._make_unique(beat)
        transaction.save_heartbeat(self._offered)

    def _make_unique(self, beat: Heartbeat) -> Heartbeat:
        """Return the heartbeat with microseconds added, so that each batch has another and the loss of one is seen."""
        self._repeated = self._repeated + 1 if beat == self._last_beat else 0
        self._last_beat = beat
        return replace(beat, at=beat.at + self._repeated * timedelta.resolution)

    def note_committed(self) -> None:
        """Remember the heartbeat that the store has committed."""
        self._committed = self._offered

    def close(self) -> None:
        """Write no more heartbeats."""
        self._final_beat = self._alive = None
