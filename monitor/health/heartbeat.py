"""The heartbeat, by which a restart knows when the last run ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.store.batch import RowSource
from monitor.store.rows import Heartbeat
from monitor.store.sql.write import Transaction


@dataclass(slots=True)
class HeartbeatWriter(RowSource):
    """Adds to each batch of the writer when this monitor was last alive, without a further commit.

    Until `begin` it does not write, so that the heartbeat of the earlier process can still be read.
    If the stored heartbeat shows that the store has lost committed batches, `report_loss` is
    called, in the writer's thread.
    """

    monitor: str
    report_loss: Callable[[], object] = lambda: None
    # None before `begin` and after `end`, which sets the final heartbeat instead.
    _last_alive: datetime | None = None
    _final_beat: Heartbeat | None = None
    # The heartbeat of the batch that was written last. When the store has committed the batch, the
    # writer calls `note_committed`, which makes it the confirmed one, `_last_confirmed`.
    _last_written: Heartbeat | None = None
    _last_confirmed: Heartbeat | None = None
    # The last heartbeat before it was made unique, and how often it was repeated since.
    _last_beat: Heartbeat | None = None
    _repeated: int = 0

    def begin(self, now: datetime) -> None:
        """Start to write heartbeats."""
        self._final_beat, self._last_alive = None, now

    def note_alive(self, now: datetime) -> None:
        """Note that the monitor was alive at `now`, between `begin` and `end`."""
        if self._last_alive is not None:
            self._last_alive = now

    def end(self, now: datetime) -> None:
        """Record a regular stop at `now`. Later batches repeat it."""
        self._final_beat, self._last_alive = Heartbeat(self.monitor, now, stopped=True), None

    @property
    def beat(self) -> Heartbeat | None:
        """Return the present heartbeat. None before `begin`, and after `close`."""
        if self._last_alive is None:
            return self._final_beat
        return Heartbeat(self.monitor, self._last_alive)

    def write(self, transaction: Transaction) -> None:
        """Write `beat`, if there is one, with a batch of writes."""
        beat = self.beat
        if beat is None:
            self._last_written = None
            return
        if self._last_confirmed is not None:
            stored = transaction.read.leases.heartbeat(self.monitor)
            # Without a loss, the store has one of these: it may have committed the last batch
            # although its answer did not arrive. Times are not compared, because a clock may have
            # been set.
            is_lost = stored is None or stored not in (self._last_confirmed, self._last_written)
            # None until the next confirmation: report a loss once
            self._last_confirmed = None if is_lost else stored
            if is_lost:
                self.report_loss()
        # A repeated heartbeat gets one microsecond more each time, so that the loss of any batch is
        # seen.
        self._repeated = self._repeated + 1 if beat == self._last_beat else 0
        self._last_beat = beat
        self._last_written = replace(beat, at=beat.at + self._repeated * timedelta.resolution)
        transaction.save(self._last_written)

    def note_committed(self) -> None:
        """Confirm the last batch."""
        self._last_confirmed = self._last_written

    def close(self) -> None:
        """Write no more heartbeats."""
        self._final_beat = self._last_alive = None
