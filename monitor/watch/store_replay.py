"""Writes everything in memory again after the store was replaced or restored from an older copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.ledger.ledger import Ledger
from monitor.store.evidence.evidence import Evidence
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, Tasks, repeat_until_answered
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.release import group_by_release
from monitor.watch.watch import Watch

_log = structlog.get_logger(__name__)
_BLIND_SPANS_BACK = timedelta(days=30)
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StoreReplay:
    """Writes releases, promises, runs, evidence, blind spans and verdicts again.

    Notices are not sent again, because the outbox has their ids. `watch_finished` watches again the
    releases that were finished lately.
    """

    ledger: Ledger
    watch: Watch
    blind: BlindSpans
    evidence: Evidence
    writer: Writer
    store: Store
    ask: Ask
    loop: asyncio.AbstractEventLoop
    watch_finished: Callable[[], Awaitable[None]]
    _tasks: Tasks = field(default_factory=Tasks)

    def on_store_reset(self) -> None:
        """Start writing again because the store has lost committed rows.

        May be called from the writer's thread.
        """
        _log.error("store_went_back", releases=len(self.watch.releases))
        self.evidence.check_for_lost_records()
        self.loop.call_soon_threadsafe(lambda: self._tasks.start(self.write()))

    def on_handed_in(self) -> None:
        """Start to judge with the facts that the former leader has stored late."""
        self._tasks.start(
            repeat_until_answered(self._judge_with_stored_facts, self.watch.clock, _RETRY_SECONDS)
        )

    async def _judge_with_stored_facts(self) -> None:
        now = self.watch.clock.now()
        releases = [*self.watch.releases]
        spans = await self.ask(lambda: self.store.runs.blind(now - _BLIND_SPANS_BACK, now))
        await self.ledger.merge_stored_promises(releases)
        self.blind.add(spans)
        for name in releases:
            if (watched := self.watch.releases.get(name)) is not None:
                watched.merge_promises(self.ledger.promises(name))
        await self._merge_stored_runs()
        self.watch.judging.queue.judge_all()
        await self.watch_finished()

    async def write(self) -> None:
        """Write the ledger, blind spans and runs in memory again, and have every release judged and
        recorded.
        """
        await self.ledger.rewrite_all_rows()
        spans = list(self.blind.spans)

        def add(tx: Transaction) -> None:
            for span in spans:
                tx.add_blind(span)

        await self.writer.write(add)
        await repeat_until_answered(self._merge_stored_runs, self.watch.clock, _RETRY_SECONDS)
        for watched in list(self.watch.releases.values()):
            for state in watched.states.values():
                for run in state.runs:
                    self.writer.queue_run(run)
            # The verdict is recorded again. If the store has the same one, that makes no new event.
            self.watch.judging.record_again(watched)

    async def _merge_stored_runs(self) -> None:
        """Give watched releases the runs that other monitors, or an earlier start of this one, have
        stored.
        """
        releases = dict(self.watch.releases)
        stored = await self.ask(lambda: self.store.runs.of_releases([*releases]))
        runs = group_by_release(stored)
        for name, watched in releases.items():
            watched.replace_other_runs(runs.get(name, ()))
