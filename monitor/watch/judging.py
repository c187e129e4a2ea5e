"""Judge releases as looks come in, and record changed verdicts. No release waits for another one's record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.judge.findings.platform import SlotVerdict, add_platform_finding, slot_verdict
from monitor.judge.judge import judge
from monitor.judge.verdict import Verdict
from monitor.ledger.promise_check import PromiseCheck
from monitor.threads import Tasks, with_pauses
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.contract.verdict import LATE_VERDICTS, VerdictKind

_RETRY_AFTER = timedelta(seconds=1)
_AFTER_A_FAULT = timedelta(minutes=1)


@dataclass(slots=True)
class Judging:
    """Keeps the verdicts of these releases up to date. `others` reads what other monitors on the same store saw.

    After our clock was set wrong, `set_wrong` returns True for a moment, and judging waits until it returns False.

    Verdicts are in memory at once. Notices for a release are sent only after its verdict is stored.
    """

    clock: Clock
    releases: Mapping[str, WatchedRelease]
    planner: Planner
    recorder: Recorder
    rules: WatchRules
    queue: JudgingQueue
    blind: BlindSpans
    others: OtherMonitors | None
    _: KW_ONLY
    set_wrong: Callable[[], bool] = lambda: False
    check: PromiseCheck = field(default_factory=PromiseCheck)
    _tasks: Tasks = field(default_factory=Tasks)
    # The releases with a verdict being recorded. True if the release was judged again since the recording began.
    _being_recorded: dict[str, bool] = field(default_factory=dict)

    def reconfigure(self, rules: WatchRules, recorder: Recorder) -> None:
        """Judge by these rules and record with this recorder from now on."""
        self.rules, self.recorder = rules, recorder

    async def run(self) -> None:
        """Judge releases that changed or are due to be judged again, until cancelled."""
        while True:
            due = await self.queue.next(self.releases)
            while self.set_wrong():
                await self.clock.sleep(_RETRY_AFTER / timedelta(seconds=1))
            async for release in with_pauses(due, self.clock):
                if (watched := self.releases.get(release)) is not None:
                    self._judge_in_background(watched)
            # Let looks and the store run, even if each judgement queues another one.
            await asyncio.sleep(0)

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and record every verdict that changed."""
        for release in releases:
            watched = self.releases.get(release)
            if watched is not None and (record := self._judge_and_prepare_record(watched)) is not None:
                await record

    def _judge_in_background(self, watched: WatchedRelease) -> None:
        """Judge a release. Record a changed verdict in the background, so that no other release waits for it."""
        name = watched.release.id
        if name in self._being_recorded:
            self._requeue_same_slot(watched, self._judge_and_replan(watched, self.clock.now()))
            self._being_recorded[name] = True
        elif (record := self._judge_and_prepare_record(watched)) is not None:
            self._being_recorded[name] = False
            self._tasks.start(self._record_in_background(name, record))

    async def _record_in_background(self, release: str, record: Awaitable[None]) -> None:
        try:
            await record
        except Exception:  # a fault in one release must not end the watch over all others
            self.queue.at(self.clock.now() + _AFTER_A_FAULT, release)
            raise
        finally:
            if self._being_recorded.pop(release):
                self.queue.soon(release)

    def _judge_and_prepare_record(self, watched: WatchedRelease) -> Coroutine[Any, Any, None] | None:
        """Judge a release. Return the coroutine that records its verdict, or None if no record is needed now."""
        now = self.clock.now()
        verdict = self._judge_and_replan(watched, now)
        if watched.planning_only_until is not None and now < watched.planning_only_until:
            self.queue.at(watched.planning_only_until, watched.release.id)
            return None
        watched.planning_only_until = None
        has_changed = self.recorder.has_changed(watched, verdict, self.blind.spans)
        if has_changed and self.others is not None:
            return self._record_after_merge(self.others, watched, now)
        if self._defer_for_calendar_read(watched, verdict) or not has_changed:
            return None
        return self._record(watched, verdict, now)

    async def _record_after_merge(self, others: OtherMonitors, watched: WatchedRelease, now: datetime) -> None:
        """Add what other monitors saw, judge again, and record. Their looks may prove what ours could not."""
        if not await self._merge_other_monitors(others, watched, now):
            return
        if self.set_wrong():
            self.queue.soon(watched.release.id)
            return
        now, known = self.clock.now(), (watched.other_runs, watched.promises)
        verdict = self._judge_and_replan(watched, now)
        if self._defer_for_calendar_read(watched, verdict):
            return
        await self._record(watched, verdict, now)
        # Two monitors that record at the same time do not know each other's looks. The one that writes last sees both.
        if await self._merge_other_monitors(others, watched, now) and (watched.other_runs, watched.promises) != known:
            self.queue.soon(watched.release.id)

    async def _merge_other_monitors(self, others: OtherMonitors, watched: WatchedRelease, now: datetime) -> bool:
        """Add what other monitors saw. If the store fails, have the release judged again soon and return False."""
        try:
            await others.merge_into(watched, now)
        except StoreFault:
            # Then the release counts as changed, so the store is queried again even without a new look.
            watched.last_recorded = None
            self.queue.at(now + _RETRY_AFTER, watched.release.id)
            return False
        return True

    def _defer_for_calendar_read(self, watched: WatchedRelease, verdict: Verdict) -> bool:
        """Return whether a verdict must wait for a calendar read. If not, have others of its slot judged again."""
        again = self.check.defer_for_calendar_read(watched, verdict, partial(self.queue.soon, watched.release.id))
        if again is not None:
            self.queue.at(again, watched.release.id)
        if not watched.waits_for_calendar:
            self._requeue_same_slot(watched, verdict)
        return watched.waits_for_calendar

    def _requeue_same_slot(self, watched: WatchedRelease, verdict: Verdict) -> None:
        """Have others of its slot judged again, once for each change of this verdict.

        Without that limit two releases could requeue each other for ever.
        """
        before, watched.last_propagated = watched.last_propagated, verdict
        for name in releases_to_rejudge(self.releases, before, verdict):
            self.queue.soon(name)

    async def _record(self, watched: WatchedRelease, verdict: Verdict, now: datetime) -> None:
        if not await self.recorder.record(watched, verdict, self.blind.spans, now):
            self.queue.at(now + _RETRY_AFTER, watched.release.id)

    def _judge_and_replan(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Judge a release, and plan its looks by the verdict."""
        verdict = watched.verdict = self.verdict(watched, now)
        watched.final_since = (watched.final_since or now) if verdict.final else None
        self.planner.replan(watched)
        if verdict.revisit is not None:
            self.queue.at(verdict.revisit, watched.release.id)
        return verdict

    def verdict(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Return the verdict on a release as of `now`."""
        policy = self.rules.policies.of(*watched.release.producers)
        others, blind = (one.published for one in self.releases.values() if one is not watched), self.blind.spans
        published = (one for one in others if one is not None)
        verdict = judge(watched.release, watched.promises, watched.runs, blind, policy, now, published=published)
        return add_platform_finding(verdict, settled_releases(self.releases, verdict))


def settled_releases(releases: Mapping[str, WatchedRelease], verdict: Verdict) -> list[SlotVerdict]:
    """Return all other releases with their verdicts if `verdict` is a late one, else an empty list."""
    if verdict.verdict not in LATE_VERDICTS:
        return []
    others = (watched for name, watched in releases.items() if name != verdict.release)
    known = (watched.verdict for watched in others if watched.planning_only_until is None)
    return [slot_verdict(other) for other in known if other is not None]


def releases_to_rejudge(
    releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict
) -> Iterator[str]:
    """Yield the releases of the same slot to judge again, because this one's verdict changed from `before`.

    If it became late, or stopped being late, all others are judged again: their finding about the platform may change.
    If it became on time, only late ones are: a release on time is evidence against a fault of the platform.
    """
    was, now = before.verdict if before is not None else VerdictKind.PENDING, verdict.verdict
    crossed = (was in LATE_VERDICTS) is not (now in LATE_VERDICTS)
    in_time = (was is VerdictKind.ON_TIME) is not (now is VerdictKind.ON_TIME)
    if not (crossed or in_time) or verdict.slot is None:
        return
    for name, other in releases.items():
        known = other.verdict
        promised = known.slot if known is not None else None
        if name == verdict.release or known is None or promised is None or promised.instant != verdict.slot.instant:
            continue
        if crossed or known.verdict in LATE_VERDICTS:
            yield name
