"""What is given up in the course of time: bytes that are old or too many, and reads of calendars without news."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import structlog

from monitor.clock import Clock
from monitor.config.settings import EvidenceSettings
from monitor.record.writer import Writer

_log = structlog.get_logger(__name__)
DAILY = timedelta(days=1)
READS_KEPT = timedelta(days=90)


class Keeping(Protocol):
    """What keeps evidence."""

    async def retain(self, keep: timedelta, most: int) -> list[str]:
        """Give up what is past `keep` or beyond `most` bytes in all; return the names of the files."""


class Retention:
    """Runs once a day. Promises, runs, verdicts, incidents and hashes are kept for good."""

    def __init__(self, table: EvidenceSettings, evidence: Keeping, writer: Writer, clock: Clock) -> None:
        self._table = table
        self._evidence = evidence
        self._writer = writer
        self._clock = clock

    async def give_up(self) -> None:
        """Give up what the configuration says."""
        keep, most = timedelta(days=self._table.keep_days), self._table.keep_mb * 1_000_000
        files = await self._evidence.retain(keep, most)
        before = self._clock.now() - READS_KEPT
        reads = await self._writer.write(lambda tx: tx.thin_reads(before))
        if files or reads:
            _log.info("given_up", files=files, reads=reads)
