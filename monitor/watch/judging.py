"""Judge releases as looks come in, and record changed verdicts.

No release waits for another one's record.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from monitor.clock import Clock
from monitor.deliver.assessment import Assessment, assess
from monitor.deliver.facts import Measurement
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.errors import Conflict
from monitor.health.state import HealthState
from monitor.judge.findings.platform import SlotVerdict, slot_verdict
from monitor.judge.judge import ReleaseCase
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication
from monitor.ledger.promise_check import PromiseCheck
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks, with_pauses
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.planner import Planner
from monitor.watch.release import WatchedRelease
from schedules.contract.verdict import LATE_VERDICTS, VerdictKind
from schedules.promise import Promise
from schedules.release import Release

_log = structlog.get_logger(__name__)

_RETRY_AFTER, _AFTER_A_FAULT = timedelta(seconds=1), timedelta(minutes=1)
_LONGEST_PAUSE = 3600.0
_NEAR_SLOT = timedelta(days=1)
PORTION = 100
"""The most releases taken at a time if all are due. A release that changes waits for no more than
these.
"""


class JudgingQueue:
    """Ids of releases to judge in the next iteration of the event loop or at an instant.

    Each is judged once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Ids of releases to judge at once, and a heap of those to judge at an instant.
        self._soon: set[str] = set()
        self._later: list[tuple[datetime, str]] = []
        self._is_all_queued = False
        # The ids that `judge_all` queued and that are not judged yet, in the order of judging.
        self._remaining: list[str] = []
        self._wakeup = asyncio.Event()

    def judge_soon(self, release: str) -> None:
        """Queue a release for the next iteration of the event loop."""
        self._soon.add(release)
        self._wakeup.set()

    def judge_at(self, instant: datetime, release: str) -> None:
        """Queue a release for an instant."""
        # A release that is judged often asks for the same instant again and again.
        if (instant, release) not in self._later[:1]:
            heapq.heappush(self._later, (instant, release))
            self._wakeup.set()

    def judge_all(self) -> None:
        """Queue all releases."""
        self._is_all_queued = True
        self._wakeup.set()

    async def wait_for_due(self, known: Collection[str] = ()) -> list[str]:
        """Wait until releases are due, and return their ids in order.

        After `judge_all`, all ids in `known` are due.
        """
        while not (due := self._take_due(known)):
            # Pause until the next one is due, or until another is queued.
            self._wakeup.clear()
            pause = _LONGEST_PAUSE
            if self._later:
                pause = min(
                    pause, max(0.0, (self._later[0][0] - self._clock.now()).total_seconds())
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
        return due

    def _take_due(self, known: Collection[str]) -> list[str]:
        """Take the releases that are due now out of the queue, and return them.

        Releases queued by id go first. If there are none, take the next portion of those that
        `judge_all` queued.
        """
        now = self._clock.now()
        if self._is_all_queued:
            # Ids that remain from an earlier `judge_all` stay in front. Else frequent calls would
            # starve the last ids.
            self._remaining += sorted({*known}.difference(self._remaining))
            self._is_all_queued = False
        while self._later and self._later[0][0] <= now:
            _, release = heapq.heappop(self._later)
            self._soon.add(release)
        if self._soon:
            due, self._soon = sorted(self._soon), set()
        else:
            due, self._remaining = sorted(self._remaining[:PORTION]), self._remaining[PORTION:]
        return due


@dataclass(slots=True)
class Judging:
    """Keeps the verdicts of these releases up to date.

    After our clock was set, `is_clock_in_doubt` returns True for a moment, and judging waits until
    it returns False. Verdicts are in memory at once. Notices for a release are sent only after its
    verdict is stored.
    """

    clock: Clock
    releases: Mapping[str, WatchedRelease]
    planner: Planner
    queue: JudgingQueue
    blind: BlindSpans
    writer: Writer
    events: VerdictRecorder
    health: HealthState
    _: KW_ONLY
    on_recorded: Callable[[RecordedVerdict], None]
    is_clock_in_doubt: Callable[[], bool] = lambda: False
    promise_check: PromiseCheck = field(default_factory=PromiseCheck)
    _tasks: Tasks = field(default_factory=Tasks)
    # The releases with a verdict that is being recorded, and those of them that were judged again
    # meanwhile.
    _being_recorded: set[str] = field(default_factory=set)
    _judged_meanwhile: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Judge releases that changed or are due to be judged again, until cancelled."""
        while True:
            due = await self.queue.wait_for_due(self.releases)
            while self.is_clock_in_doubt():
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
            if (
                watched is not None
                and (record := self._judge_and_prepare_record(watched)) is not None
            ):
                await record

    def _judge_in_background(self, watched: WatchedRelease) -> None:
        """Judge a release.

        Record a changed verdict in the background, so that no other release waits for it.
        """
        name = watched.release.id
        if name in self._being_recorded:
            verdict = self._judge_and_replan(watched, self.clock.now())
            # Whether this release is late or on time is evidence about the others of its slot.
            self._requeue_same_slot(watched, verdict)
            # The record that is under way may lack this verdict, so the release is judged again
            # afterwards.
            self._judged_meanwhile.add(name)
        elif (record := self._judge_and_prepare_record(watched)) is not None:
            self._being_recorded.add(name)
            self._tasks.start(self._record_in_background(name, record))

    async def _record_in_background(self, release: str, record: Awaitable[None]) -> None:
        """Record a verdict.

        Judge the release again in a minute after a fault, or soon if it was judged meanwhile.
        """
        try:
            await record
        except Exception:  # a fault in one release must not end the watch over all others
            self.queue.judge_at(self.clock.now() + _AFTER_A_FAULT, release)
            # no one awaits this task, so the daemon's handler of stray exceptions counts and logs
            # the fault
            raise
        finally:
            self._being_recorded.remove(release)
            if release in self._judged_meanwhile:  # the newest verdict was not recorded yet
                self._judged_meanwhile.remove(release)
                self.queue.judge_soon(release)

    def _judge_and_prepare_record(
        self, watched: WatchedRelease
    ) -> Coroutine[Any, Any, None] | None:
        """Judge a release.

        Return the coroutine that records its verdict, or None if nothing is to be recorded now.

        Nothing is recorded if people would see no change but growing durations, or while the
        verdict waits for a calendar read.
        """
        now = self.clock.now()
        verdict = self._judge_and_replan(watched, now)
        # After a start past the slot, the first verdict lacks a look at the page. It is only used
        # to plan looks.
        if watched.verdict_withheld_until is not None and now < watched.verdict_withheld_until:
            self.queue.judge_at(watched.verdict_withheld_until, watched.release.id)
            return None
        watched.verdict_withheld_until = None
        # Call this even if the verdict is unchanged: time that has passed can be a reason for a
        # calendar read.
        if self._queue_judgements_after(watched, verdict):
            return None
        assessment = self.assess(watched, verdict)
        has_changed = assessment.visible != watched.last_recorded
        return self.record(watched, assessment) if has_changed else None

    def assess(self, watched: WatchedRelease, verdict: Verdict) -> Assessment:
        """Return the assessment of a verdict, with how it was measured: vantage, runs, blind spans
        near its slot, clock offset, evidence.
        """
        slot = verdict.slot.begins() if verdict.slot else None
        near = [
            span for span in self.blind.spans if slot is None or abs(span.ends - slot) < _NEAR_SLOT
        ]
        runs = watched.runs
        records = tuple(
            (name, "") for each in runs.values() for run in each for name in run.evidence
        )
        measured = Measurement(self.blind.monitor, runs, near, self.health.offset, records)
        return assess(verdict, measured, self.events.rules.editions)

    async def record(self, watched: WatchedRelease, assessment: Assessment) -> None:
        """Write an assessed verdict with the incidents and notices that follow from it, then call
        `on_recorded`.

        If a person changed the incident's draft at the same time, judge the release again soon.
        """
        verdict = assessment.verdict
        # Portions of a calendar read may still wait to be written, perhaps with these promises. The
        # store must never have the verdict without its promises, so write them together.
        perhaps_unwritten = watched.promises if self.writer.backlog.portions_left() else ()

        def write(tx: Transaction) -> RecordedVerdict:
            _write_release_and_promises(tx, watched.announced, perhaps_unwritten)
            return self.events.record(tx, assessment, verdict.at)

        try:
            recorded = await self.writer.write(write)
        except Conflict:
            self.queue.judge_at(verdict.at + _RETRY_AFTER, verdict.release)
            return
        watched.last_recorded = assessment.visible
        watched.incident = recorded.incident.id if recorded.incident else None
        kind, grade = verdict.verdict.value, verdict.grade.value
        _log.info(
            "verdict", release=verdict.release, verdict=kind, grade=grade, final=verdict.final
        )
        self.on_recorded(recorded)

    def _queue_judgements_after(self, watched: WatchedRelease, verdict: Verdict) -> bool:
        """Queue the judgements that follow from a verdict.

        Return whether the verdict must wait for a calendar read.
        """
        judge_after_read = partial(self.queue.judge_soon, watched.release.id)
        # This call also sets `watched.waits_for_calendar`.
        judge_at_latest = self.promise_check.request_needed_reads(
            watched, verdict, judge_after_read
        )
        if judge_at_latest is not None:  # None: no judgement is needed unless a calendar is read
            self.queue.judge_at(judge_at_latest, watched.release.id)
        must_wait_for_calendar = watched.waits_for_calendar
        if not must_wait_for_calendar:
            # The verdict counts from now on, so it is evidence about the other releases of its
            # slot.
            self._requeue_same_slot(watched, verdict)
        return must_wait_for_calendar

    def _requeue_same_slot(self, watched: WatchedRelease, verdict: Verdict) -> None:
        """Have the other releases of the same slot judged again if this verdict has changed since
        the last call.

        Without a change, none are judged again. Otherwise two releases would requeue each other for
        ever.
        """
        before, watched.last_propagated = watched.last_propagated, verdict
        for name in releases_to_rejudge(self.releases, before, verdict):
            self.queue.judge_soon(name)

    def _judge_and_replan(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Judge a release, and plan its looks by the verdict."""
        verdict = watched.verdict = self.verdict(watched, now)
        watched.final_since = (watched.final_since or now) if verdict.final else None
        self.planner.replan(watched)
        if verdict.revisit is not None:
            self.queue.judge_at(verdict.revisit, watched.release.id)
        return verdict

    def verdict(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Return the verdict on a release as of `now`."""
        case = ReleaseCase(
            watched.release,
            watched.promises,
            watched.runs,
            self.blind.spans,
            partial(self._list_publications, watched),
            self._list_slot_verdicts,
        )
        return case.judge(self.planner.rules.policies, now)

    def _list_slot_verdicts(self, verdict: Verdict) -> Iterator[SlotVerdict]:
        """Yield the verdicts on other releases."""
        for name, other in self.releases.items():
            # A withheld verdict is no evidence, because the monitor has not looked at the page of
            # its release yet.
            is_evidence = name != verdict.release and other.verdict_withheld_until is None
            if is_evidence and other.verdict is not None:
                yield slot_verdict(other.verdict)

    def _list_publications(self, watched: WatchedRelease) -> Iterator[Publication]:
        """Yield when other releases came out. It shows how long GOV.UK's announcement and index lag
        behind a release.
        """
        for other in self.releases.values():
            if other is not watched and other.publication is not None:
                yield other.publication


def releases_to_rejudge(
    releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict
) -> Iterator[str]:
    """Yield the releases of the same slot to judge again, because this one's verdict changed from
    `before`.

    If it became late, or stopped being late, all others are judged again: their finding about the
    platform may change. If it became on time, or stopped being so, only late ones are: a release on
    time speaks against a platform fault.
    """
    old_kind, kind = before.verdict if before is not None else VerdictKind.PENDING, verdict.verdict
    lateness_changed = (old_kind in LATE_VERDICTS) is not (kind in LATE_VERDICTS)
    on_time_changed = (old_kind is VerdictKind.ON_TIME) is not (kind is VerdictKind.ON_TIME)
    if not (lateness_changed or on_time_changed) or verdict.slot is None:
        return
    for name, watched in releases.items():
        other = watched.verdict
        if name == verdict.release or other is None or other.slot is None:
            continue
        has_same_slot = other.slot.instant == verdict.slot.instant
        if has_same_slot and (lateness_changed or other.verdict in LATE_VERDICTS):
            yield name


def _write_release_and_promises(
    tx: Transaction, release: Release | None, promises: Sequence[Promise]
) -> None:
    """Write a release, its `promises` (oldest first) and each calendar's last confirmation.

    Without any, do nothing.
    """
    if release is None or not promises:
        return
    tx.save(release)
    tx.add_promises(promises)
    for calendar, newest in {promise.calendar: promise for promise in promises}.items():
        if newest.confirmed_at is not None:
            tx.confirm_all(calendar, [release.id], newest.confirmed_at)
