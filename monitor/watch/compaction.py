"""Runs of releases settled long ago put together, with the proof each time that no verdict changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.deliver.verdicts import body_of
from monitor.judge.merge_runs import compacted
from monitor.judge.policy import Policies
from monitor.judge.runs import Run
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask
from monitor.watch.rejudge import StoredCase, stored_case

_log = structlog.get_logger(__name__)
CROWDED = 8
"""A target with no more runs than this is left as it is: there is nothing to gain."""
_BEFORE_SLOT = timedelta(days=1)
_CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Merger:
    """The runs of one release that are to be replaced, and by what."""

    runs: tuple[Run, ...] = ()
    merged: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Compaction:
    """Puts together what was absent day after day before its slot, of releases final for longer than `after`.

    `watched` are those whose runs are in memory.
    """

    store: Store
    writer: Writer
    clock: Clock
    policies: Policies
    after: timedelta
    watched: Callable[[], Collection[str]]
    ask: Ask

    async def compact(self) -> int:
        """Compact what has become old enough, a release at a time; return how many runs fewer there are."""
        if not self.after:
            return 0
        fewer, before = 0, self.clock.now() - self.after
        for release in await self.ask(lambda: self.store.runs.crowded(CROWDED)):
            if release not in self.watched():
                fewer += await self._compact(release, before)
        return fewer

    async def _compact(self, release: str, before: datetime) -> int:
        found = await self.ask(lambda: self.merger(release, before))
        # A target at a time: each by itself changes no verdict, and other writes wait for one alone.
        for target in {run.target: None for run in found.merged}:
            runs, merged = ([run for run in some if run.target == target] for some in (found.runs, found.merged))
            await self.writer.write(partial(_merge, runs, merged))
        return len(found.runs) - len(found.merged)

    def merger(self, release: str, before: datetime) -> Merger:
        """Return what may be put together of a release: nothing unless it is final and its slot passed before then."""
        row, case = self.store.verdicts.judged_one(release), stored_case(self.store, release)
        if case is None or row is None or not row.final or row.slot is None or row.slot > before:
            return Merger()
        shorter = replace(case, runs=_shorter(case))
        told, again = (body_of(one.verdict(self.policies, row.at), None) for one in (case, shorter))
        if told != again:
            # Failed looks that a finding tells of are worth more than room.
            _log.info("compaction_differs", release=release)
            return Merger()
        were, are = ({run for runs in one.runs.values() for run in runs} for one in (case, shorter))
        return Merger(tuple(were - are), tuple(are - were))


def _merge(runs: Sequence[Run], merged: Sequence[Run], tx: Transaction) -> None:
    tx.merge_runs(runs, merged)


def _shorter(case: StoredCase) -> dict[str, list[Run]]:
    begins = [begin for promise in case.promises if (begin := promise.slot.begins()) is not None]
    if not begins:
        return case.runs
    until = min(begins) - _BEFORE_SLOT
    # A look made by a clock in doubt proves less than its neighbours.
    doubted = [span for span in case.blind if span.cause == _CLOCK and span.begins < until]
    return case.runs if doubted else compacted(case.runs, until)
