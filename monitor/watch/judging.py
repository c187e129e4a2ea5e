"""Judges releases as looks come in, and records changed verdicts, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

import structlog

from alerts.finding import ReleaseFacts
from monitor.clock import Clock
from monitor.deliver.assessment import Assessment, assess, body_of
from monitor.deliver.facts import Measurement
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.errors import Conflict
from monitor.health.state import HealthState
from monitor.judge.findings.platform import SlotVerdict, slot_verdict
from monitor.judge.judge import ReleaseCase
from monitor.judge.runs import records_of
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication
from monitor.ledger.promise_check import PromiseCheck
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks, with_pauses
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.log_facts import unless_embargoed
from monitor.watch.planner import Planner
from monitor.watch.release import CachedJson, WatchedRelease
from schedules.contract.verdict import LATE_VERDICTS, Grade, VerdictKind
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import has_passed
from schedules.times.json import Json

_log = structlog.get_logger(__name__)

_RETRY_AFTER, _AFTER_A_FAULT = timedelta(seconds=1), timedelta(minutes=1)
_NEAR_SLOT = timedelta(days=1)
_UNDECIDED = {VerdictKind.PENDING, VerdictKind.UNPROVEN}
MAX_WITHHELD = timedelta(seconds=30)
"""How long a verdict is withheld at most if the slot had passed when the watch began."""


@dataclass(slots=True)
class Judging:
    """Keeps the verdicts of watched releases up to date, and their `JudgingState`.

    Judging waits while `is_clock_in_doubt`, just after our clock was set. Verdicts are in memory at
    once, notices follow once they are stored. `on_recorded` gets each recorded one.
    """

    clock: Clock
    planner: Planner
    queue: JudgingQueue
    blind: BlindSpans
    writer: Writer
    events: VerdictRecorder
    health: HealthState
    _: KW_ONLY
    on_recorded: Callable[[RecordedVerdict], None]
    is_clock_in_doubt: Callable[[], bool]
    releases: dict[str, WatchedRelease] = field(default_factory=dict)
    promise_check: PromiseCheck = field(default_factory=PromiseCheck)
    _tasks: Tasks = field(default_factory=Tasks)

    async def run(self) -> None:
        """Judge releases that changed or are due, until cancelled."""
        while True:
            due = await self.queue.wait_for_due(self.releases)
            while self.is_clock_in_doubt():
                await self.clock.sleep(_RETRY_AFTER / timedelta(seconds=1))
            async for release in with_pauses(due, self.clock):
                if (watched := self.releases.get(release)) is not None:
                    self._judge_in_background(watched)
            # Let looks and the store run.
            await asyncio.sleep(0)

    def withhold_if_slot_passed(self, watched: WatchedRelease) -> bool:
        """Withhold the verdict of a release added after its slot. Return whether it is withheld."""
        now = self.clock.now()
        # Finding the slot in force is slow.
        if any(has_passed(promise.slot, now) for promise in watched.promises):
            slot = slot_in_force(watched.release, watched.promises, now).slot
            if slot is not None and has_passed(slot, now):
                watched.judging.withheld_until = now + MAX_WITHHELD
        return watched.judging.withheld_until is not None

    def note_sighting(
        self, watched: WatchedRelease, target: Target, sighting: Sighting, *, is_new_run: bool
    ) -> None:
        """Have a release judged again if a sighting can change its verdict."""
        state = watched.judging
        proves_page = target.part == "page" and sighting.state is not State.UNKNOWN
        ends_withholding = proves_page and state.withheld_until is not None
        if ends_withholding:
            # The first proof about its page.
            state.withheld_until = None
        # Any look can prove that an absence has lasted long enough.
        was_removed = watched.was_removed(target)
        can_time_change_verdict = self._can_time_change_verdict(watched, sighting.received)
        if ends_withholding or is_new_run or was_removed or can_time_change_verdict:
            self.queue.judge_soon(target.release)

    def _can_time_change_verdict(self, watched: WatchedRelease, at: datetime) -> bool:
        """Return whether a look at `at` with the same result can change verdict or grade."""
        verdict = watched.verdict
        if verdict is None or verdict.slot_passes is None:
            return False
        slot_end = verdict.slot_passes
        if verdict.verdict is VerdictKind.OVERDUE and verdict.grade is not Grade.REPORT:
            # A late enough absence raises the grade.
            return at > slot_end + self.planner.rules.policies.of(watched.release).note_within
        # It shows whether an exposure lasted until the slot.
        return (verdict.verdict in _UNDECIDED or verdict.is_exposed) and at > slot_end

    def record_again(self, watched: WatchedRelease) -> None:
        """Judge a release, and record its verdict even if people have seen it."""
        watched.judging.must_record = True
        watched.judging.cached_json = None
        self.queue.judge_soon(watched.release.id)

    def verdict_now(self, release: str) -> Json | None:
        """Return the JSON of a watched release as of now, None without a verdict to show."""
        watched = self.releases.get(release)
        if watched is None or watched.judging.is_withheld:
            return None
        state = watched.judging
        now = self.clock.now()
        recorded, seen = watched.recorded_state, watched.seen_state
        if state.cached_json is not None:
            body = state.cached_json.as_of(now, recorded, seen)
            if body is not None:
                return body
        verdict = self.verdict(watched, now)
        # The id of the incident needs no query.
        body = body_of(verdict, None, self.events.rules.editions) | {"incident": state.incident}
        # The seconds since a slot without a release change at once.
        changes_at = verdict.revisit if verdict.due is None else now
        state.cached_json = CachedJson(body, now, changes_at, recorded, seen)
        return body

    def facts(self, release: Release, promises: Sequence[Promise]) -> ReleaseFacts:
        """Return the facts as of now about a release, watched or only promised."""
        watched = self.releases.get(release.id) or WatchedRelease(
            self.planner.rules.with_parts(release), list(promises)
        )
        return self.assess(watched, self.verdict(watched, self.clock.now())).facts

    def find_unrecorded(self) -> Iterator[ReleaseFacts]:
        """Yield the facts of releases whose breach is not recorded yet.

        Not without any recorded verdict: the store may have its incident from before a restart.
        """
        for watched in self.releases.values():
            state = watched.judging
            if state.verdict is None or state.is_withheld or state.recorded is None:
                continue
            assessment = self.assess(watched, state.verdict)
            if assessment.visible.is_breach and not state.recorded.is_breach:
                yield assessment.facts

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and record every verdict that changed."""
        for release in releases:
            if (watched := self.releases.get(release)) is None:
                continue
            if (assessment := self._assess_if_changed(watched)) is not None:
                await self.record(watched, assessment)

    def _judge_in_background(self, watched: WatchedRelease) -> None:
        """Judge a release, and record a changed verdict in the background.

        After a fault, judge it again in a minute, and go on with the others.
        """
        now = self.clock.now()
        try:
            assessment = self._assess_if_changed(watched)
            if assessment is not None:
                watched.judging.is_being_recorded = True
                self._tasks.start(self._record_in_background(watched, assessment))
        except Exception as fault:  # noqa: BLE001 # the daemon's handler counts and logs it
            self.queue.judge_at(now + _AFTER_A_FAULT, watched.release.id)
            found = {"message": "a release cannot be judged", "exception": fault}
            asyncio.get_running_loop().call_exception_handler(found)

    async def _record_in_background(self, watched: WatchedRelease, assessment: Assessment) -> None:
        """Record a verdict. A fault is handled as in `_judge_in_background`."""
        release = watched.release.id
        state = watched.judging
        try:
            await self.record(watched, assessment)
        except Exception:  # a fault in one release must not end the watch over all others
            self.queue.judge_at(self.clock.now() + _AFTER_A_FAULT, release)
            # The handler of stray exceptions counts and logs it.
            raise
        finally:
            state.is_being_recorded = False
            if state.was_judged_meanwhile:
                state.was_judged_meanwhile = False
                self.queue.judge_soon(release)

    def _assess_if_changed(self, watched: WatchedRelease) -> Assessment | None:
        """Judge a release, and plan its looks by the verdict.

        Return the assessment to record, None if people see no change or it waits.
        """
        now = self.clock.now()
        name = watched.release.id
        state = watched.judging
        verdict = state.verdict = self.verdict(watched, now)
        state.final_since = (state.final_since or now) if verdict.final else None
        self.planner.replan(watched)
        if verdict.revisit is not None:
            self.queue.judge_at(verdict.revisit, name)
        if state.is_being_recorded:
            # It is judged again after the record.
            state.was_judged_meanwhile = True
            self._requeue_same_slot(watched, verdict)
            return None
        # After a start past the slot, the first verdict lacks a look at the page.
        if state.withheld_until is not None and now < state.withheld_until:
            self.queue.judge_at(state.withheld_until, name)
            return None
        state.withheld_until = None
        # Time can be a reason for reads, even if the verdict is unchanged.
        judge_after_read = partial(self.queue.judge_soon, name)
        state.wait = self.promise_check.request_needed_reads(
            watched.release, verdict, state.wait, judge_after_read
        )
        if state.wait.judge_at is not None:
            self.queue.judge_at(state.wait.judge_at, name)
        if state.wait.is_on:
            return None
        # The verdict is evidence about the others of its slot from now on.
        self._requeue_same_slot(watched, verdict)
        assessment = self.assess(watched, verdict)
        is_due = state.must_record or assessment.visible != state.recorded
        return assessment if is_due else None

    def assess(self, watched: WatchedRelease, verdict: Verdict) -> Assessment:
        """Return the assessment of a verdict, with how it was measured."""
        slot = verdict.slot_begins
        near = [
            span
            for span in self.blind.spans
            if slot is None or span.begins - _NEAR_SLOT < slot < span.ends + _NEAR_SLOT
        ]
        runs = watched.runs
        records = tuple(records_of(chain.from_iterable(runs.values())))
        measured = Measurement(self.blind.monitor, runs, near, self.health.offset, records)
        return assess(verdict, measured, self.events.rules.editions)

    async def record(self, watched: WatchedRelease, assessment: Assessment) -> None:
        """Write an assessed verdict with its incidents and notices, then call `on_recorded`.

        After a conflict with a person's change of the draft, judge again soon.
        """
        verdict = assessment.verdict
        # A calendar read may wait to be written. The store must not have the verdict without its
        # promises.
        perhaps_unwritten = watched.promises if self.writer.backlog.portions_left() else ()

        def write(tx: Transaction) -> RecordedVerdict:
            _write_release_and_promises(tx, watched.announced, perhaps_unwritten)
            return self.events.record(tx, assessment, verdict.at)

        # A record requested during this one is another.
        must_record, watched.judging.must_record = watched.judging.must_record, False
        try:
            recorded = await self.writer.write(write)
        except BaseException as exc:
            watched.judging.must_record |= must_record
            if not isinstance(exc, Conflict):
                raise
            self.queue.judge_at(verdict.at + _RETRY_AFTER, verdict.release)
            return
        watched.judging.recorded = assessment.visible
        watched.judging.incident = recorded.incident.id if recorded.incident else None
        kind, grade = verdict.verdict.value, verdict.grade.value
        judged = unless_embargoed(
            verdict.slot, verdict.at, verdict=kind, grade=grade, final=verdict.final
        )
        _log.info("verdict", release=verdict.release, **judged)
        self.on_recorded(recorded)

    def _requeue_same_slot(self, watched: WatchedRelease, verdict: Verdict) -> None:
        """Have others of the same slot judged again if this verdict has changed since the last
        call.
        """
        before = watched.judging.propagated
        watched.judging.propagated = verdict
        for name in releases_to_rejudge(self.releases, before, verdict):
            self.queue.judge_soon(name)

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
        for name, other in self.releases.items():
            # Without a look at the page it is not evidence.
            is_evidence = name != verdict.release and other.judging.withheld_until is None
            if is_evidence and other.verdict is not None:
                yield slot_verdict(other.verdict)

    def _list_publications(self, watched: WatchedRelease) -> Iterator[Publication]:
        """Yield when other releases came out, by which lags are measured."""
        for other in self.releases.values():
            if other is not watched and other.publication is not None:
                yield other.publication


def releases_to_rejudge(
    releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict
) -> Iterator[str]:
    """Yield the releases of the slot to judge again because this verdict changed.

    Lateness that changed concerns all, for the finding `platform`. A release on time speaks against
    it, so that concerns late ones.
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
    """Write a release, its `promises` in order and each calendar's last confirmation, if any."""
    if release is None or not promises:
        return
    tx.save(release)
    tx.add_promises(promises)
    for calendar, newest in {promise.calendar: promise for promise in promises}.items():
        if newest.confirmed_at is not None:
            tx.confirm_all(calendar, [release.id], newest.confirmed_at)
