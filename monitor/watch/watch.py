"""The releases under watch: sightings come in, runs and verdicts go out."""

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
from monitor.judge.policy import Grade
from monitor.judge.runs import OutOfOrder, Run, is_turn, was_blind
from monitor.judge.verdict import Word
from monitor.ledger.promise_check import PromiseCheck
from monitor.look.fetch import Answer, Failure
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.store.evidence.evidence import Evidence
from monitor.store.writer import Writer
from monitor.watch.blind_spans import BlindSpans, OutOfOrderLooks
from monitor.watch.judging import Judging
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Looker, Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from monitor.watch.shown import Shown
from schedules.announcement import Address, Part
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot_relations import has_passed

_log = structlog.get_logger(__name__)
_UNSETTLED = {Word.PENDING, Word.UNPROVEN}
HOLD = timedelta(seconds=30)
"""How long at most a verdict is withheld on a release whose slot had passed when it came under watch."""


class Watch:
    """Holds every release whose slot is near or whose watch is open, and keeps its verdict true."""

    def __init__(  # noqa: PLR0913 # the edges it stands between
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
        """`on_recorded` is told every verdict that is written; `others` are monitors on the same store.

        `set_wrong` tells whether our clock was set wrong a moment ago.
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
        """Return every release under watch."""
        return self._releases

    @property
    def ahead(self) -> timedelta:
        """Return how long before its slot a release comes under watch, with a day for the roll."""
        return self._rules.watch.far.begins + timedelta(days=1)

    def reconfigure(self, rules: WatchRules) -> None:
        """Watch and judge by other rules from now on: every release that is under watch, too."""
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
        """Watch a release, or take what its calendars now say of it.

        Stored of it are `runs`, `found` parts and the `place` of its page. `soon`: look at every target at once.
        """
        is_new, known = release.id not in self._releases, replace(release, parts=(*release.parts, *found))
        first = WatchedRelease(known, (), monitor=self._rules.watch.vantage, place=place)
        watched = self._releases.setdefault(release.id, first)
        watched.take_promises(promises)
        watched.recall(runs)
        if is_new:
            self._hold_if_passed(watched)
        self._planner.take(watched, release, soon=soon or (is_new and watched.planning_only_until is not None))
        self.judge_soon(release.id)

    def update_promises(self, release: str, promises: Sequence[Promise]) -> None:
        """Replace the promises of a watched release, and judge it again soon unless nothing depends on them yet."""
        watched = self._releases[release]
        watched.take_promises(promises)
        if watched.verdict is None or watched.verdict.word is not Word.PENDING:
            self.judge_soon(release)

    def forget_old(self, now: datetime) -> list[str]:
        """Let go of releases that nobody will look at again; return which."""
        over = [name for name, one in self._releases.items() if one.verdict and one.verdict.final and one.is_over(now)]
        for name in over:
            self.forget(name)
        return over

    def forget(self, release: str) -> None:
        """Let go of a release."""
        watched = self._releases.pop(release, None)
        if watched is None:
            return
        self._planner.forget(watched)
        for target in watched.states:
            self._evidence.forget(target)
            self._out_of_order.forget(target)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Take in one sighting of a target of a watched release."""
        watched = self._releases.get(target.release)
        if watched is None:
            return
        state = watched.at(target.id)
        last, before, spacing = state.last, state.last_proved(target.url), state.spacing(sighting.sent)
        apart = last is not None and was_blind(last, sighting, self._blind.after(last.last_received))
        apart = apart or state.crosses_slot_phase(sighting.sent)
        try:
            run, new = watched.add(target, sighting, spacing, apart=apart)
        except OutOfOrder:
            self._out_of_order.tell(sighting, last)
            return
        is_kept = False
        try:
            is_kept = self._take_run(watched, target, run, outcome, turned=new and is_turn(before, run))
        finally:
            # Memory must not know more than the store, not even when this breaks.
            if not is_kept:
                watched.take_back(target.id, last, new=new)
        if not is_kept:
            return
        self._planner.take_found(watched, sighting)
        if watched.planning_only_until is not None and target.part == "page" and sighting.state is not State.UNKNOWN:
            watched.planning_only_until = None
            self.judge_soon(target.release)
        elif new or watched.is_left(target) or self._is_unsettled(watched, sighting.received):
            self.judge_soon(target.release)

    @property
    def check(self) -> PromiseCheck:
        """Return what is to be read again before people are told of a breach."""
        return self._judging.check

    def judge_soon(self, release: str) -> None:
        """Have a release judged at the next turn of the loop."""
        self._queue.soon(release)

    async def run(self) -> None:
        """Judge what has changed or is due to be judged again, until cancelled."""
        await self._judging.run()

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and write down every verdict that changed."""
        await self._judging.judge_all(releases)

    def verdict_now(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now, None when it is not watched or its verdict is withheld."""
        watched = self._releases.get(release)
        if watched is None or watched.planning_only_until is not None or watched.waits:
            return None
        now, rests_on, looks = self._clock.now(), watched.written, watched.seen
        if watched.shown is not None and (body := watched.shown.as_of(now, rests_on, looks)) is not None:
            return body
        verdict = self._judging.verdict(watched, now)
        body = body_of(verdict, None, self.events.rules.book) | {"incident": watched.incident}
        # For how long it has been due goes on growing without any look.
        until = verdict.revisit if verdict.due is None else now
        watched.shown = Shown(body, now, until, rests_on, looks)
        return body

    def facts(self, release: Release, promises: Sequence[Promise]) -> ReleaseFacts:
        """Return what `alerts` may know as of now of a release, watched or only promised."""
        watched = self._releases.get(release.id) or WatchedRelease(self._planner.with_parts(release), list(promises))
        verdict = self._judging.verdict(watched, self._clock.now())
        return release_facts(verdict, self._recorder.measured(watched, verdict, self._blind.spans))

    def add_parts(self, release: str, parts: Sequence[Part]) -> None:
        """Watch further parts of a watched release."""
        if (watched := self._releases.get(release)) is not None:
            self._planner.add_parts(watched, parts)
            self.judge_soon(release)

    def look_closely(self, release: str, part: Part) -> str | None:
        """Look at a further address of a watched release at once, and closely until told to `relax`.

        Returns the id of the part that it is; None for a release that nobody watches.
        """
        watched = self._releases.get(release)
        if watched is None:
            return None
        known = next((one for one in watched.release.parts if one.url == part.url), None)
        name = part.id if known is None else known.id
        watched.closely = (*watched.closely, (name, self._clock.now()))
        if known is None:
            self._planner.add_parts(watched, [part], soon=True)
        else:
            self._planner.replan(watched, soon=True)
        return name

    def relax(self, release: str, part: str) -> None:
        """Look at a part no more often than at any other from now on, unless it is out early indeed."""
        watched = self._releases.get(release)
        if watched is not None:
            watched.closely = tuple(one for one in watched.closely if one[0] != part)
            self._planner.replan(watched)

    def _take_run(
        self, watched: WatchedRelease, target: Target, run: Run, outcome: Answer | Failure, *, turned: bool
    ) -> bool:
        """Keep a run and the bytes of its look; False when there is no room for it: then nothing was seen."""
        if turned:
            run = replace(run, evidence=(*run.evidence, *self._evidence.keep_turn(target, outcome)))
            watched.replace_last(run)
            _log.info("turned", target=target.id, state=run.state.value, status=run.status, why=run.why or None)
        else:
            self._evidence.remember(target, outcome)
        if not self._writer.put(run):
            self._health.note_store_failure(self._clock.now())
            return False
        return True

    def _hold_if_passed(self, watched: WatchedRelease) -> None:
        now = self._clock.now()
        if not any(has_passed(promise.slot, now) for promise in watched.promises):
            # What is in force takes long to tell, and is one of these.
            return
        slot = slot_in_force(watched.release, watched.promises, now).slot
        passes = slot.passes() if slot is not None else None
        if passes is not None and passes <= now:
            watched.planning_only_until = now + HOLD

    def _is_unsettled(self, watched: WatchedRelease, at: datetime) -> bool:
        """Tell whether one more look, though it shows nothing new, can change the verdict or its grade."""
        verdict = watched.verdict
        passes = verdict.slot.passes() if verdict is not None and verdict.slot is not None else None
        if verdict is None or passes is None:
            return False
        if verdict.word is Word.OVERDUE and verdict.grade is not Grade.REPORT:
            return at > passes + self._rules.policies.of(*watched.release.producers).note_within
        # The first look after the slot shows whether what was public early still is.
        is_exposed = any(each.open for each in verdict.exposures)
        return (verdict.word in _UNSETTLED or is_exposed) and at > passes
