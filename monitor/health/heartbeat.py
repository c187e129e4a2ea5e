"""The sign of life that is written with every batch: by it a restart knows to the look when the last run ended."""

from __future__ import annotations

from datetime import datetime

from monitor.store.interface import Transaction
from monitor.store.rows import Heartbeat


class HeartbeatWriter:
    """Accompanies the writer: each commit says as of when this monitor was alive, without one commit more.

    Until `begin` it writes nothing, so that the sign of life of an earlier process can still be read.
    """

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor
        self._beat: Heartbeat | None = None

    def begin(self, now: datetime) -> None:
        """Say from now on that this monitor is alive."""
        self._beat = Heartbeat(self._monitor, now)

    def alive(self, now: datetime) -> None:
        """Take note that something was done at `now`; nothing before `begin` or after `end`."""
        if self._beat is not None and not self._beat.stopped:
            self._beat = Heartbeat(self._monitor, now)

    def end(self, now: datetime) -> None:
        """Stop in good order: nothing that is still written says otherwise."""
        self._beat = Heartbeat(self._monitor, now, stopped=True)

    def write(self, transaction: Transaction) -> None:
        """Write the sign of life."""
        if self._beat is not None:
            transaction.save_heartbeat(self._beat)

    def written(self) -> None:
        """Do nothing: each batch says it anew."""

    def close(self) -> None:
        """Write nothing more."""
        self._beat = None
