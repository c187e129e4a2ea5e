"""Counts looks that failed because of a fault in our own code, for the status page, and limits their log lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from monitor.clock import Clock
from monitor.look.fetch import Failure, Reason
from monitor.look.interpret import make_sighting
from monitor.look.recognise.result import unknown
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target

_log = structlog.get_logger(__name__)
_MINUTE = 60.0


@dataclass(slots=True)
class _Count:
    """How often one class of exception broke looks at one host, and when last.

    `logged_at` is the steady time of the last log line, in seconds, and `suppressed` the number of looks since then.
    """

    last_at: datetime
    looks: int = 0
    suppressed: int = 0
    logged_at: float | None = None


@dataclass(slots=True)
class BrokenLooks:
    """Counts looks that our own code broke, and logs one line a minute for each host and class of exception."""

    clock: Clock
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def record_look(self, target: Target, fault: Exception, began: datetime) -> tuple[Sighting, Failure]:
        """Count a look that our own code broke. Return an unknown sighting and a failure of kind `MONITOR_FAULT`."""
        self.count_fault(target.host, fault)
        now, name = self.clock.now(), type(fault).__name__
        failure = Failure(target.url, Reason.MONITOR_FAULT, name, min(began, now), now)
        return make_sighting(target, failure, unknown(failure.reason.value)), failure

    def count_fault(self, host: str, fault: Exception) -> None:
        """Count one broken look. Log it, unless one with the same host and exception was logged in the last minute."""
        mono, name = self.clock.monotonic(), type(fault).__name__
        count = self._counts.setdefault((host, name), _Count(self.clock.now()))
        count.last_at, count.looks = self.clock.now(), count.looks + 1
        if count.logged_at is not None and mono - count.logged_at < _MINUTE:
            count.suppressed += 1
            return
        _log.error("look_broke", host=host, fault=name, suppressed=count.suppressed, exc_info=fault)
        count.logged_at, count.suppressed = mono, 0

    def describe_by_host(self) -> dict[str, str]:
        """Return a line for the status page for each host: how many looks broke, with which error, and when last."""
        lines: dict[str, str] = {}
        for (host, name), count in self._counts.items():
            line = f"{count.looks} with {name}, the last at {count.last_at:%d %B %H:%M:%S} UTC"
            lines[host] = f"{lines[host]}; {line}" if host in lines else line
        return lines
