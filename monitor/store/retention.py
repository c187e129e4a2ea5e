"""Deletes expired data, in small portions that do not delay other writes."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.store.evidence.evidence import Evidence
from monitor.store.sql.engine import Store
from monitor.store.sql.query import chunks
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask

_log = structlog.get_logger(__name__)
DAILY = timedelta(days=1)
BOUNDED = timedelta(minutes=1)
"""How often the size of the evidence is checked. A page that changes at each look can fill a disk
within a day.
"""
READS_KEPT = timedelta(days=90)
"""How long reads of calendars are kept that had the same result as the read before."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Deletes expired data.

    Promises, verdicts, events, incidents, drafts, notices and hashes are never deleted.

    At most `most` bytes of evidence are kept, for `keep`.
    """

    evidence: Evidence
    store: Store
    writer: Writer
    clock: Clock
    _: KW_ONLY
    ask: Ask
    keep: timedelta
    most: int

    async def keep_within_limit(self) -> None:
        """Delete the oldest evidence, if evidence was written since the last check and there is too
        much of it.
        """
        if self.evidence.has_grown_since_check:
            await self._delete_evidence()

    async def _delete_evidence(self) -> None:
        files = await self.evidence.delete_expired(self.keep, self.most)
        if files:
            _log.info("given_up", files=files)

    async def run_daily(self) -> None:
        """Delete old evidence and reads of calendars, and update the query statistics."""
        await self._delete_evidence()
        before = self.clock.now() - READS_KEPT
        repeated = await self.ask(lambda: self.store.ledger.repeated_reads(before))
        for reads in chunks(repeated):
            await self.writer.write(partial(Transaction.forget_reads, reads=reads))
        if repeated:
            _log.info("given_up", reads=len(repeated))
        await self.ask(self.store.update_statistics)
