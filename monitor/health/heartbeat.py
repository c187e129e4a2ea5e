"""The sign of life that is written with every batch: by it a restart knows to the look when the last run ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.store.rows import Heartbeat
from monitor.store.sql.read import Leases
from monitor.store.sql.write import Transaction


class HeartbeatWriter:
    """Accompanies the writer: each commit says as of when this monitor was alive, without one commit more.

    Until `begin` it writes nothing, so that the sign of life of an earlier process can still be read.
    """

    def __init__(self, monitor: str, leases: Leases | None = None) -> None:
        """`leases` tell whether the store still knows what it has taken: one that does not has gone back in time."""
        self._monitor = monitor
        self._leases = leases
        # As of when it was alive, until it has stopped in good order, which is told instead.
        self._alive: datetime | None = None
        self._beat: Heartbeat | None = None
        self._offered: Heartbeat | None = None
        self._taken: Heartbeat | None = None
        self._begun: Heartbeat | None = None
        self._repeated = 0
        self._told: Callable[[], object] = bool

    def on_back(self, told: Callable[[], object]) -> None:
        """Have `told` called, in the writer's thread, when the store has lost what it had taken."""
        self._told = told

    def begin(self, now: datetime) -> None:
        """Say from now on that this monitor is alive."""
        self._beat, self._alive = None, now

    def alive(self, now: datetime) -> None:
        """Take note that something was done at `now`; nothing before `begin` or after `end`."""
        if self._alive is not None:
            self._alive = now

    def end(self, now: datetime) -> None:
        """Stop in good order: nothing that is still written says otherwise."""
        self._beat, self._alive = Heartbeat(self._monitor, now, stopped=True), None

    def prepare(self) -> None:
        """Have nothing to do before the transaction."""

    def write(self, transaction: Transaction) -> None:
        """Write the sign of life."""
        alive = self._alive
        beat = self._beat if alive is None else Heartbeat(self._monitor, alive)
        if beat is None:
            self._offered = None
            return
        if self._leases is not None and self._taken is not None:
            self._taken = self._still(self._leases.heartbeat(self._monitor))
            if self._taken is None:
                self._told()
        self._offered = self._apart(beat)
        transaction.save_heartbeat(self._offered)

    def _still(self, known: Heartbeat | None) -> Heartbeat | None:
        """Return what the store has taken by what it knows, None when it has lost that.

        Not by which is later: a clock may have been set in between. What was offered last may have been taken though
        nobody told.
        """
        return known if known in (self._taken, self._offered) else None

    def _apart(self, beat: Heartbeat) -> Heartbeat:
        """Return a sign of life that no batch bore before, though nothing was done since: a store may lose just one."""
        self._repeated = self._repeated + 1 if beat == self._begun else 0
        self._begun = beat
        return replace(beat, at=beat.at + self._repeated * timedelta.resolution)

    def written(self) -> None:
        """Remember what the store has taken."""
        self._taken = self._offered

    def more(self) -> int:
        """Return 0: there is one sign of life."""
        return 0

    def close(self) -> None:
        """Write nothing more."""
        self._beat = self._alive = None
