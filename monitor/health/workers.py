"""Tracks whether worker processes start. While none does, large responses cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.look.reading import NO_WORKER, SMALL_BODY

_GROWS = timedelta(seconds=30)


class WorkerHealth:
    """Notes each attempt to start a worker, and reports blind spans of the hosts whose responses were not read.

    A span begins with a host's first unread response and ends when a worker starts. It is reported while it grows.
    Small responses are read without a worker, so a host is blind only from its first large one.
    """

    def __init__(self, clock: Clock, counters: Metrics, on_blind: Callable[[Blind], None]) -> None:
        self._clock = clock
        self._counters = counters
        self._on_blind = on_blind
        self._since: datetime | None = None
        self._unread: dict[str, datetime] = {}
        self._reported: datetime | None = None
        self.fault = ""
        """Why the last worker did not start. Empty if it did."""

    def note_start_attempt(self, began: datetime, fault: str) -> None:
        """Note an attempt to start a worker that `began` then. It failed if it has a fault."""
        now, self.fault = self._clock.now(), fault
        if fault:
            self._counters.worker_start_failures.inc()
            self._since = self._since or began
            if self._unread and (self._reported is None or now - self._reported >= _GROWS):
                self._report_blind(now)
            return
        self._report_blind(now)
        self._since, self._reported = None, None
        self._unread.clear()

    def note_unread(self, host: str, began: datetime) -> None:
        """Note that a host's response, received at `began`, was not read because no worker runs."""
        if self._since is not None:
            self._unread.setdefault(host, began)

    def reasons(self) -> list[str]:
        """Return why large responses cannot be read. Empty if they can."""
        if self._since is None:
            return []
        larger = f"nothing larger than {SMALL_BODY // 1024} KB can be read since {self._since:%H:%M:%S} UTC"
        return [f"{larger}: no worker process starts"]

    def _report_blind(self, now: datetime) -> None:
        self._reported = now
        for host, since in self._unread.items():
            self._on_blind(Blind(since, now, NO_WORKER, host))
