"""Do workers start? While none does nothing large can be read, which is a fault of this monitor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.look.reading import NO_WORKER, SMALL_BODY

_GROWS = timedelta(seconds=30)


class WorkerHealth:
    """Takes note of each attempt to start a worker, and reports blind spans of the hosts whose answers went unread.

    A span begins with a host's first answer that no worker read and ends when one starts; it is reported while it
    grows. Small answers are read without a worker, so a host is blind only from its first large one on.
    """

    def __init__(self, clock: Clock, counters: Metrics, on_blind: Callable[[Blind], None]) -> None:
        self._clock = clock
        self._counters = counters
        self._on_blind = on_blind
        self._since: datetime | None = None
        self._unread: dict[str, datetime] = {}
        self._reported: datetime | None = None
        self.fault = ""
        """Why the last worker did not start, empty when it did."""

    def attempted(self, began: datetime, fault: str) -> None:
        """Take note of an attempt to start a worker; it failed when it has a fault."""
        now, self.fault = self._clock.now(), fault
        if fault:
            self._counters.worker_start_failures.inc()
            self._since = self._since or began
            if self._unread and (self._reported is None or now - self._reported >= _GROWS):
                self._report(now)
            return
        self._report(now)
        self._since, self._reported = None, None
        self._unread.clear()

    def unread(self, host: str, began: datetime) -> None:
        """Take note that an answer of a host, received at `began`, was not read for want of a worker."""
        if self._since is not None:
            self._unread.setdefault(host, began)

    def reasons(self) -> list[str]:
        """Return why pages cannot be read, empty when they can."""
        if self._since is None:
            return []
        larger = f"nothing larger than {SMALL_BODY // 1024} KB can be read since {self._since:%H:%M:%S} UTC"
        return [f"{larger}: no worker process starts"]

    def _report(self, now: datetime) -> None:
        self._reported = now
        for host, since in self._unread.items():
            self._on_blind(Blind(since, now, NO_WORKER, host))
