"""Spools what the store does not take, and hands it in when the store is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor.errors import StoreFault
from monitor.health.heartbeat import HeartbeatWriter
from monitor.health.state import HealthState
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import Record
from monitor.store.spool import Spool
from monitor.store.writer import Writer
from monitor.threads import RecurringJob, ends_within, run_in_thread

_log = structlog.get_logger(__name__)
_EVERY = timedelta(seconds=1)


@dataclass(slots=True)
class Spooling:
    """Follows the store: while it fails, the facts that wait for it are in the spool too.

    A monitor whose store is back writes them from memory. Only its next process reads the spool.
    Without a `spool`, nothing is done.
    """

    spool: Spool | None
    writer: Writer
    evidence: Evidence
    heartbeat: HeartbeatWriter
    health: HealthState
    _is_fault_logged: bool = False

    def jobs(self) -> Iterator[RecurringJob]:
        """Yield the recurring job."""
        if self.spool is not None:
            yield _EVERY, "spool", self.follow_store

    async def follow_store(self) -> None:
        """If the store fails, spool what waits for it. Else delete a spool that it has taken."""
        if self.spool is None:
            return
        if self.health.is_store_failing:
            await self.spool_waiting_facts(self.spool)
        elif self.spool.has_lines:
            await self._delete_once_stored(self.spool)

    async def spool_waiting_facts(self, spool: Spool) -> None:
        """Add the waiting facts that the spool lacks."""
        is_new = not spool.has_lines
        (runs, writes), beat = self.writer.uncommitted(), self.heartbeat.beat
        try:
            count = await run_in_thread(
                lambda: spool.append(runs, writes, self._known_records(), beat)
            )
        except StoreFault as fault:
            if not self._is_fault_logged:
                _log.error("spool_failed", fault=str(fault))
            self._is_fault_logged = True
            return
        self._is_fault_logged = False
        if is_new:
            _log.warning("spool_begun", spool=str(spool.file), facts=count)

    async def finish(self) -> None:
        """Commit all writes and close the writer. What waits for more than a second is spooled.

        Raises `StoreFault` if the store fails.
        """
        if self.spool is not None and self.health.is_store_failing:
            await self.spool_waiting_facts(self.spool)
        closing = asyncio.ensure_future(self.writer.close())
        if self.spool is not None:
            # A store that begins to fail only now is noticed seconds later.
            while not await ends_within(closing, _EVERY.total_seconds()):
                await self.spool_waiting_facts(self.spool)
        await closing
        if self.spool is not None:
            await run_in_thread(self.spool.delete)

    def close(self) -> None:
        """Leave what the store did not take to the next start."""
        if self.spool is not None:
            self.spool.close()

    async def _delete_once_stored(self, spool: Spool) -> None:
        # Everything queued before is committed with this, except the portions of large writes.
        with suppress(StoreFault):
            await self.writer.write(lambda _tx: None, is_fact=True, patient=False)
        if self.health.is_store_failing:
            return
        _runs, writes = self.writer.uncommitted()
        if not spool.has_any(writes):
            await run_in_thread(spool.delete)
            _log.warning("spool_deleted")

    def _known_records(self) -> list[Record]:
        """Return every known record of evidence, also committed ones, because a store can lose its
        last batches.
        """
        # A record that is committed in between is in both.
        records = {*self.evidence.flush_to_disk(), *self.evidence.last_committed()}
        return sorted(records, key=lambda record: record.number)
