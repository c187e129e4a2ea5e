"""Looks that broke inside our own code: counted for the status page, and logged without a flood."""

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
    """How often one class of fault broke looks at one host. `logged` is in seconds of steady time."""

    last: datetime
    looks: int = 0
    suppressed: int = 0
    logged: float | None = None


@dataclass(slots=True)
class BrokenLooks:
    """Counts looks that our own code broke, and logs one line a minute for each host and class of fault."""

    clock: Clock
    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def record_look(self, target: Target, fault: Exception, began: datetime) -> tuple[Sighting, Failure]:
        """Count a look that our own code broke. Return its sighting, which is unknown, and its outcome."""
        self.count(target.host, fault)
        now, name = self.clock.now(), type(fault).__name__
        failure = Failure(target.url, Reason.MONITOR_FAULT, name, min(began, now), now)
        return make_sighting(target, failure, unknown(failure.reason.value)), failure

    def count(self, host: str, fault: Exception) -> None:
        """Count one look. Log it with the number of lines suppressed since the last line, or suppress its line."""
        now, name = self.clock.monotonic(), type(fault).__name__
        count = self._counts.setdefault((host, name), _Count(self.clock.now()))
        count.last, count.looks = self.clock.now(), count.looks + 1
        if count.logged is not None and now - count.logged < _MINUTE:
            count.suppressed += 1
            return
        _log.error("look_broke", host=host, fault=name, suppressed=count.suppressed, exc_info=fault)
        count.logged, count.suppressed = now, 0

    def by_host(self) -> dict[str, str]:
        """Return a line for the status page for each host: how many looks broke, with which error, and when last."""
        words: dict[str, str] = {}
        for (host, name), count in self._counts.items():
            line = f"{count.looks} with {name}, the last at {count.last:%d %B %H:%M:%S} UTC"
            words[host] = f"{words[host]}; {line}" if host in words else line
        return words
