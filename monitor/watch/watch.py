"""The watched releases: receives sightings, makes runs, and has verdicts judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from alerts.finding import ReleaseFacts
from monitor.clock import Clock
from monitor.deliver.facts import release_facts
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder, body_of
from monitor.health.state import HealthState
from monitor.judge.runs import OutOfOrder, Run, is_change, was_blind
from monitor.ledger.promise_check import PromiseCheck
from monitor.look.fetch import Answer, Failure
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.store.evidence.evidence import Evidence
from monitor.store.writer import Writer
from monitor.watch.blind_spans import BlindSpans, OutOfOrderLooks
from monitor.watch.cached_json import CachedJson
from monitor.watch.judging import Judging
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Looker, Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address, Part
from schedules.contract.verdict import Grade, VerdictKind
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import has_passed

_log = structlog.get_logger(__name__)
_UNDECIDED = {VerdictKind.PENDING, VerdictKind.UNPROVEN}
MAX_PLANNING_ONLY = timedelta(seconds=30)
"""The longest that a verdict is withheld if the slot had passed when the release came under watch."""


class Watch:
    """All releases with a near slot or an open verdict. Keeps their verdicts up to date."""

    def __init__(  # noqa: PLR0913 # it connects many parts
        self,
        clock: Clock,
        looker: Looker,
        writer: Writer,
        events: VerdictRecorder,
        evidence: Evidence,
        rules: WatchRules,
        *,
        queue: JudgingQueue,
        blind: BlindSpans,
        health: HealthState,
        on_recorded: Callable[[RecordedVerdict], None] = lambda _recorded: None,
        others: OtherMonitors | None = None,
        set_wrong: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_recorded` is called with every verdict that is written. `others` reads other monitors on the same store.

        `set_wrong` returns whether our clock was set wrong a moment ago.
        """
        self._clock = clock
        self._planner = Planner(clock, looker, rules)
        self._writer = writer
        self.events = events
        self._evidence = evidence
        self._rules = rules
        self._recorder = Recorder(writer, events, rules, health, on_recorded, others)
        self._health = health
        self._blind = blind
        self._out_of_order = OutOfOrderLooks(blind)
        self._releases: dict[str, WatchedRelease] = {}
        self._queue = queue
        self._judging = Judging(
            clock, self._releases, self._planner, self._recorder, rules, queue, blind, others, set_wrong=set_wrong
        )

    @property
    def releases(self) -> Mapping[str, WatchedRelease]:
        """Return all watched releases, by id."""
        return self._releases

    @property
    def ahead(self) -> timedelta:
        """Return how long before its slot a release comes under watch. One day more covers the time between rolls."""
        return self._rules.watch.far.begins + timedelta(days=1)

    def reconfigure(self, rules: WatchRules) -> None:
        """Watch and judge by these rules from now on, releases that are watched already included."""
        self._rules = rules
        self._recorder = replace(self._recorder, rules=rules)
        self._judging.reconfigure(rules, self._recorder)
        self._planner.reconfigure(rules, self._releases.values())
        for name in self._releases:
            self.judge_soon(name)

    def adopt(
        self,
        release: Release,
        promises: Sequence[Promise],
        runs: Iterable[Run] = (),
        *,
        found: Sequence[Part] = (),
        place: tuple[str, Address] | None = None,
        soon: bool = False,
    ) -> None:
        """Watch a release, or update one that is watched to what its calendars now show.

        `runs`, `found` parts and the `place` of its page are those in the store. `soon`: look at every target at once.
        """
        is_new, known = release.id not in self._releases, replace(release, parts=(*release.parts, *found))
        first = WatchedRelease(known, (), monitor=self._rules.watch.vantage, place=place)
        watched = self._releases.setdefault(release.id, first)
        watched.merge_promises(promises)
        watched.load_runs(runs)
        if is_new:
            self._plan_only_if_slot_passed(watched)
        soon = soon or (is_new and watched.planning_only_until is not None)
        self._planner.update_release(watched, release, soon=soon)
        self.judge_soon(release.id)

    def update_promises(self, release: str, promises: Sequence[Promise]) -> None:
        """Replace the promises of a watched release. Judge it again soon, unless its verdict is still pending."""
        watched = self._releases[release]
        watched.merge_promises(promises)
        if watched.verdict is None or watched.verdict.verdict is not VerdictKind.PENDING:
            self.judge_soon(release)

    def forget_old(self, now: datetime) -> list[str]:
        """Forget final releases that will not be looked at again, and return their ids."""
        over = [name for name, one in self._releases.items() if one.verdict and one.verdict.final and one.is_over(now)]
        for name in over:
            self.forget(name)
        return over

    def forget(self, release: str) -> None:
        """Stop watching a release."""
        watched = self._releases.pop(release, None)
        if watched is None:
            return
        self._planner.forget(watched)
        for target in watched.states:
            self._evidence.forget(target)
            self._out_of_order.forget(target)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Add one sighting to its release, and have the release judged if that can change its verdict."""
        watched = self._releases.get(target.release)
        if watched is None:
            return
        state = watched.state_or_empty(target.id)
        last, before, spacing = state.last, state.last_proved(target.url), state.spacing(sighting.sent)
        apart = last is not None and was_blind(last, sighting, self._blind.after(last.last_received))
        apart = apart or state.crosses_slot_phase(sighting.sent)
        try:
            run, new = watched.add_sighting(target, sighting, spacing, apart=apart)
        except OutOfOrder:
            self._out_of_order.report(sighting, last)
            return
        is_kept = False
        try:
            is_kept = self._keep_run(watched, target, run, outcome, turned=new and is_change(before, run))
        finally:
            # Memory must not have a run that the store lacks, not even after a fault here.
            if not is_kept:
                watched.undo_add(target.id, last, new=new)
        if not is_kept:
            return
        self._planner.add_found_parts(watched, sighting)
        if watched.planning_only_until is not None and target.part == "page" and sighting.state is not State.UNKNOWN:
            watched.planning_only_until = None
            self.judge_soon(target.release)
        elif new or watched.was_removed(target) or self._is_unsettled(watched, sighting.received):
            self.judge_soon(target.release)

    @property
    def promise_check(self) -> PromiseCheck:
        """Return the requests for calendar reads that breaches wait for."""
        return self._judging.check

    def judge_soon(self, release: str) -> None:
        """Queue a release to be judged in the next iteration of the event loop."""
        self._queue.soon(release)

    async def run(self) -> None:
        """Judge releases that changed or are due to be judged again, until cancelled."""
        await self._judging.run()

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and record every verdict that changed."""
        await self._judging.judge_all(releases)

    def verdict_now(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now. None if it is not watched or its verdict is withheld."""
        watched = self._releases.get(release)
        if watched is None or watched.planning_only_until is not None or watched.waits_for_calendar:
            return None
        now, rests_on, looks = self._clock.now(), watched.recorded_state, watched.seen_state
        if watched.cached_json is not None and (body := watched.cached_json.as_of(now, rests_on, looks)) is not None:
            return body
        verdict = self._judging.verdict(watched, now)
        body = body_of(verdict, None, self.events.rules.editions) | {"incident": watched.incident}
        # While a release is due, its seconds grow with time.
        until = verdict.revisit if verdict.due is None else now
        watched.cached_json = CachedJson(body, now, until, rests_on, looks)
        return body

    def facts(self, release: Release, promises: Sequence[Promise]) -> ReleaseFacts:
        """Return the facts for `alerts` as of now about a release, watched or only promised."""
        watched = self._releases.get(release.id) or WatchedRelease(self._planner.with_parts(release), list(promises))
        verdict = self._judging.verdict(watched, self._clock.now())
        return release_facts(verdict, self._recorder.how_measured(watched, verdict, self._blind.spans))

    def add_parts(self, release: str, parts: Sequence[Part]) -> None:
        """Watch further parts of a watched release."""
        if (watched := self._releases.get(release)) is not None:
            self._planner.add_parts(watched, parts)
            self.judge_soon(release)

    def look_closely(self, release: str, part: Part) -> str | None:
        """Look at a further address of a watched release at once, and often until `stop_looking_closely`.

        Return the id of its part, or None if the release is not watched.
        """
        watched = self._releases.get(release)
        if watched is None:
            return None
        known = next((one for one in watched.release.parts if one.url == part.url), None)
        name = part.id if known is None else known.id
        watched.watched_closely = (*watched.watched_closely, (name, self._clock.now()))
        if known is None:
            self._planner.add_parts(watched, [part], soon=True)
        else:
            self._planner.replan(watched, soon=True)
        return name

    def stop_looking_closely(self, release: str, part: str) -> None:
        """Look at a part as often as at any other from now on, unless it is public early."""
        watched = self._releases.get(release)
        if watched is not None:
            watched.watched_closely = tuple(one for one in watched.watched_closely if one[0] != part)
            self._planner.replan(watched)

    def _keep_run(
        self, watched: WatchedRelease, target: Target, run: Run, outcome: Answer | Failure, *, turned: bool
    ) -> bool:
        """Keep a run, and the bytes of its look if it `turned`. Return False if the writer has no room for it."""
        if turned:
            run = replace(run, evidence=(*run.evidence, *self._evidence.keep_state_change(target, outcome)))
            watched.replace_last_run(run)
            _log.info("turned", target=target.id, state=run.state.value, status=run.status, why=run.why or None)
        else:
            self._evidence.remember(target, outcome)
        if not self._writer.queue_run(run):
            self._health.note_store_failure(self._clock.now())
            return False
        return True

    def _plan_only_if_slot_passed(self, watched: WatchedRelease) -> None:
        """Withhold the verdict of a release that was added after its slot, until its page was looked at."""
        now = self._clock.now()
        if not any(has_passed(promise.slot, now) for promise in watched.promises):
            # Finding the slot in force is slow, and it is the slot of one of these promises.
            return
        slot = slot_in_force(watched.release, watched.promises, now).slot
        passes = slot.passes() if slot is not None else None
        if passes is not None and passes <= now:
            watched.planning_only_until = now + MAX_PLANNING_ONLY

    def _is_unsettled(self, watched: WatchedRelease, at: datetime) -> bool:
        """Return whether another look with the same result can change the verdict or its grade."""
        verdict = watched.verdict
        passes = verdict.slot.passes() if verdict is not None and verdict.slot is not None else None
        if verdict is None or passes is None:
            return False
        if verdict.verdict is VerdictKind.OVERDUE and verdict.grade is not Grade.REPORT:
            return at > passes + self._rules.policies.of(*watched.release.producers).note_within
        # The first look after the slot shows whether an early exposure lasted until then.
        is_exposed = any(each.open for each in verdict.exposures)
        return (verdict.verdict in _UNDECIDED or is_exposed) and at > passes
