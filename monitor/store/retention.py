"""What is given up in the course of time, and how the store stays lean; in portions that hold nothing up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

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
"""How often the evidence is held to its room: a page that changes at each look fills a disk within a day."""
READS_KEPT = timedelta(days=90)
_PAGES = 100
_PAUSE = 0.05


class Compacting(Protocol):
    """What puts old runs together."""

    async def compact(self) -> int:
        """Compact what has become old enough; return how many runs fewer there are."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Runs once a day. Promises, verdicts, events, incidents, drafts, notices and hashes are kept for good.

    Evidence is kept for `keep`, and at most `most` bytes of it.
    """

    evidence: Evidence
    compaction: Compacting
    store: Store
    writer: Writer
    clock: Clock
    _: KW_ONLY
    ask: Ask
    keep: timedelta
    most: int

    async def bound(self) -> None:
        """Give up the oldest evidence as soon as there is too much of it."""
        if self.evidence.is_grown:
            await self._hold_to_its_room()

    async def _hold_to_its_room(self) -> None:
        files = await self.evidence.retain(self.keep, self.most)
        if files:
            _log.info("given_up", files=files)

    async def give_up(self) -> None:
        """Give up what the configuration says, and hand back the room."""
        await self._hold_to_its_room()
        reads = await self._thin_reads()
        runs = await self.compaction.compact()
        await self._hand_back()
        await self.ask(self.store.refresh)
        if reads or runs:
            _log.info("given_up", reads=reads, runs=runs)

    async def _thin_reads(self) -> int:
        before = self.clock.now() - READS_KEPT
        stale = await self.ask(lambda: self.store.ledger.stale_reads(before))
        for some in chunks(stale):
            await self.writer.write(partial(_forget, some))
        return len(stale)

    async def _hand_back(self) -> None:
        before, left = -1, await self.ask(lambda: self.store.give_back(_PAGES))
        while left not in {0, before}:
            # Whoever waits to write gets a turn.
            await self.clock.sleep(_PAUSE)
            before, left = left, await self.ask(lambda: self.store.give_back(_PAGES))


def _forget(reads: Sequence[tuple[str, datetime]], tx: Transaction) -> None:
    tx.forget_reads(reads)
