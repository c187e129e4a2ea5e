"""Merge the runs of releases that were settled long ago, after checking that no verdict changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import methodcaller

import structlog

from monitor.clock import Clock
from monitor.deliver.assessment import body_of
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from monitor.judge.runs import Run, compact_runs
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Ask
from monitor.watch.rejudge import stored_case

_log = structlog.get_logger(__name__)
MIN_RUNS = 8
"""A target with this many runs or fewer is not merged, because that would save too little."""
_BEFORE_SLOT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compaction:
    """Merges runs of absence from before the slot, for releases that have been final for longer
    than `after`.

    Releases in `watched` are left out, because their runs are in memory. An `after` of zero turns
    merging off.
    """

    store: Store
    writer: Writer
    clock: Clock
    policies: Policies
    after: timedelta
    watched: Callable[[], Collection[str]]
    ask: Ask

    async def compact(self) -> int:
        """Merge the runs of each release that is old enough.

        Return how many runs fewer the store has.
        """
        if not self.after:
            return 0
        fewer, before = 0, self.clock.now() - self.after
        for release in await self.ask(lambda: self.store.runs.find_crowded(MIN_RUNS)):
            if release not in self.watched():
                fewer += await self._compact_release(release, before)
        return fewer

    async def _compact_release(self, release: str, before: datetime) -> int:
        """Merge the runs of a release if its slot was before `before`. Return how many fewer."""
        all_runs, all_merged = await self.ask(lambda: self._plan_merge(release, before))
        # One transaction a target, so that other writes wait for one only. A stop between two of
        # them loses no proof.
        for target in {run.target for run in all_merged}:
            runs = [run for run in all_runs if run.target == target]
            merged = [run for run in all_merged if run.target == target]
            await self.writer.write(methodcaller("merge_runs", runs, merged))
        return len(all_runs) - len(all_merged)

    def _plan_merge(self, release: str, before: datetime) -> tuple[set[Run], set[Run]]:
        """Return the runs of a release to be replaced, and the merged runs that replace them.

        Both are empty if the verdict is not final or would change, or if the slot was later than
        `before`.
        """
        row, case = self.store.verdicts.judged_one(release), stored_case(self.store, release)
        if case is None or row is None or not row.final or row.slot is None or row.slot > before:
            return set(), set()
        merged_case = replace(case, runs=_merge_early_absence(case))
        verdict, merged_verdict = (
            case.judge(self.policies, row.at),
            merged_case.judge(self.policies, row.at),
        )
        if body_of(verdict, incident=None) != body_of(merged_verdict, incident=None):
            # The verdict's JSON would change, for example because a finding counts failed looks. So
            # keep all runs.
            _log.info("compaction_differs", release=release)
            return set(), set()
        stored_runs = {run for runs in case.runs.values() for run in runs}
        merged_runs = {run for runs in merged_case.runs.values() for run in runs}
        return stored_runs - merged_runs, merged_runs - stored_runs


def _merge_early_absence(case: ReleaseCase) -> Mapping[str, Sequence[Run]]:
    """Return the runs of a case by target.

    Absences until a day before its first slot are merged if that is safe.
    """
    begins = [begin for promise in case.promises if (begin := promise.slot.begins()) is not None]
    if not begins:
        return case.runs
    until = min(begins) - _BEFORE_SLOT
    # A look made while our clock was in doubt proves less than its neighbours, so it must not be
    # merged with them.
    doubted = [span for span in case.blind if span.cause == "clock" and span.begins < until]
    return case.runs if doubted else compact_runs(case.runs, until)
