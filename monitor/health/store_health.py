"""Whether the store takes what is written: counted, logged, and told the state of health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.store.evidence.appender import EvidenceRefused
from monitor.store.writer import LATE, StoreSilent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What the writer tells of each attempt."""

    clock: Clock
    counters: Metrics
    health: HealthState

    def committed(self, seconds: float, _rows: int) -> None:
        """Take note that a batch was committed, and how long that took."""
        self.counters.commit.observe(seconds)
        self.health.committed(self.clock.now())

    def failed(self, fault: Exception) -> None:
        """Take note that a batch could not be committed."""
        # While a folder of evidence holds the batch up, looks go on and nothing is unseen.
        if not isinstance(fault, EvidenceRefused):
            silent = timedelta(seconds=LATE) if isinstance(fault, StoreSilent) else timedelta()
            self.health.store_failed(self.clock.now() - silent)
        self.counters.store_failures.inc()
        _log.error("store_failed", fault=str(fault))
