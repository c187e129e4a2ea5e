"""The watched releases: receives sightings, makes runs, and has verdicts judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import methodcaller
from typing import Any

import structlog

from alerts.finding import ReleaseFacts
from monitor.clock import Clock
from monitor.deliver.assessment import body_of
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.health.state import HealthState
from monitor.judge.runs import OutOfOrder, Run, is_change, was_blind
from monitor.look.fetch import Answer, Failure
from monitor.look.poller import Poller
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from monitor.store.evidence.evidence import Evidence
from monitor.store.writer import Writer
from monitor.threads import Tasks
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import Judging, JudgingQueue
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.release import CachedJson, TargetState, WatchedRelease, find_last_proof
from schedules.announcement import Address, Part
from schedules.contract.verdict import Grade, VerdictKind
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import has_passed

_log = structlog.get_logger(__name__)
_UNDECIDED = {VerdictKind.PENDING, VerdictKind.UNPROVEN}
MAX_WITHHELD = timedelta(seconds=30)
"""The longest that a verdict is withheld if the slot had passed when the release came under
watch.
"""


class Watch:
    """All releases with a near slot or an open verdict. Keeps their verdicts up to date.

    `events` records verdicts with what follows from them, and `on_recorded` is called with each
    recorded verdict. `is_clock_in_doubt` returns
    whether our clock was just set wrong.
    """

    def __init__(  # noqa: PLR0913 # the parts of the daemon that it connects
        self,
        clock: Clock,
        poller: Poller,
        writer: Writer,
        events: VerdictRecorder,
        evidence: Evidence,
        rules: WatchRules,
        *,
        queue: JudgingQueue,
        blind: BlindSpans,
        health: HealthState,
        on_recorded: Callable[[RecordedVerdict], None],
        is_clock_in_doubt: Callable[[], bool],
    ) -> None:
        """Connect these parts.

        `blind` has the times without usable looks, and `queue` the releases to judge.
        """
        self.clock, self.writer, self.events, self.evidence = clock, writer, events, evidence
        self.rules, self.queue, self.blind, self.health = rules, queue, blind, health
        self.releases: dict[str, WatchedRelease] = {}
        self._tasks = Tasks()
        planner = Planner(clock, poller, rules)
        self.judging = Judging(
            clock,
            self.releases,
            planner,
            queue,
            blind,
            writer,
            events,
            health,
            on_recorded=on_recorded,
            is_clock_in_doubt=is_clock_in_doubt,
        )

    @property
    def ahead(self) -> timedelta:
        """Return how long before its slot a release comes under watch.

        One day more covers the time between rolls.
        """
        return self.rules.watch.far.begins + timedelta(days=1)

    def reconfigure(self, rules: WatchRules) -> None:
        """Watch and judge by these rules from now on, releases that are watched already
        included.
        """
        self.rules = rules
        self.judging.planner.reconfigure(rules, self.releases.values())
        for name in self.releases:
            self.queue.judge_soon(name)

    def adopt(
        self,
        release: Release,
        promises: Sequence[Promise],
        runs: Iterable[Run] = (),
        *,
        found_parts: Sequence[Part] = (),
        found_page: tuple[str, Address] | None = None,
        soon: bool = False,
    ) -> None:
        """Begin to watch a release, or update a watched one to what calendars now show.

        Have it judged soon.

        `runs` are its stored runs. `found_parts` and the address `found_page` were found by looks
        before a restart, and are only used for a release that is not watched yet. If `soon`, look
        at all its targets at once.
        """
        is_new = release.id not in self.releases
        if is_new:
            release_as_stored = replace(release, parts=(*release.parts, *found_parts))
            self.releases[release.id] = WatchedRelease(
                release_as_stored, (), monitor=self.rules.watch.vantage, found_page=found_page
            )
        watched = self.releases[release.id]
        watched.merge_promises(promises)
        watched.load_runs(runs)
        if is_new:
            self._withhold_verdict_if_slot_passed(watched)
            # The verdict is withheld until a look at the page, so look at once.
            soon = soon or watched.verdict_withheld_until is not None
        self.judging.planner.update_release(watched, release, soon=soon)
        self.queue.judge_soon(release.id)

    def update_promises(self, release: str, promises: Sequence[Promise]) -> None:
        """Add promises to a watched release.

        Judge it again soon, unless its verdict is still pending.
        """
        watched = self.releases[release]
        watched.merge_promises(promises)
        if watched.verdict is None or watched.verdict.verdict is not VerdictKind.PENDING:
            self.queue.judge_soon(release)

    def correct_dates(self, step: timedelta, now: datetime) -> None:
        """Move the times of looks and reads after `now` by `step` (negative), because the clock
        was ahead.
        """
        for watched in self.releases.values():
            watched.promises = tuple(promise.moved_back(step, now) for promise in watched.promises)
            replaced = watched.move_runs_back(step, now)
            if replaced:
                replace_all = methodcaller("merge_runs", list(replaced), list(replaced.values()))
                self._tasks.start(self.writer.write(replace_all))

    def forget_old(self, now: datetime) -> list[str]:
        """Forget final releases that will not be looked at again, and return their ids."""
        names = [
            name
            for name, it in self.releases.items()
            if it.verdict and it.verdict.final and it.is_over(now)
        ]
        for name in names:
            self.forget(name)
        return names

    def forget(self, release: str) -> None:
        """Stop watching a release."""
        watched = self.releases.pop(release, None)
        if watched is None:
            return
        self.judging.planner.forget(watched)
        for target in watched.states:
            self.evidence.forget(target)
            self.blind.forget_target(target)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Add one sighting to its release, and have the release judged if that can change its
        verdict.

        The sighting is dropped if its run cannot be stored. Files and links on the page become
        parts of the release.
        """
        watched = self.releases.get(target.release)
        if watched is None:
            return
        state = watched.state_of(target.id)
        runs_before = state.runs
        added = self._add_to_runs(watched, state, sighting)
        if added is None:
            return
        run, is_new_run = added
        is_stored = False
        try:
            # A new run that shows the same as the last proof is no change. It began after a gap or
            # a failed look.
            has_changed = is_new_run and is_change(find_last_proof(runs_before, target.url), run)
            is_stored = self._keep_run(watched, target, run, outcome, has_changed=has_changed)
        finally:
            # Memory must not have a run that the store lacks, not even after an exception in
            # `_keep_run`.
            if not is_stored:
                state.runs = runs_before
        if is_stored:
            self.judging.planner.add_found_parts(watched, sighting)
            self._rejudge_if_needed(watched, target, sighting, is_new_run=is_new_run)

    def _add_to_runs(
        self, watched: WatchedRelease, state: TargetState, sighting: Sighting
    ) -> tuple[Run, bool] | None:
        """Add a sighting to a run in memory.

        Return the run and whether it is new, None for a sighting out of order.
        """
        last_run, spacing = state.last, state.spacing(sighting.sent)
        follows_blind = last_run is not None and was_blind(
            last_run, sighting, self.blind.after(last_run.last_received)
        )
        must_begin_run = follows_blind or state.crosses_close_phase(sighting.sent)
        try:
            return watched.add_sighting(state, sighting, spacing, must_begin_run=must_begin_run)
        except OutOfOrder:
            # A sighting is only out of order after a last run, so `last_run` is never None here.
            self.blind.note_out_of_order(
                sighting, last_run.last_received if last_run else sighting.received
            )
            return None

    def _rejudge_if_needed(
        self, watched: WatchedRelease, target: Target, sighting: Sighting, *, is_new_run: bool
    ) -> None:
        """Have a release judged again if a sighting can change its verdict."""
        proves_page = target.part == "page" and sighting.state is not State.UNKNOWN
        ends_withholding = proves_page and watched.verdict_withheld_until is not None
        if ends_withholding:
            # The release was added after its slot. This is the first proof about its page, so now
            # the verdict counts.
            watched.verdict_withheld_until = None
        # then any look can prove that the absence has lasted long enough
        was_removed = watched.was_removed(target)
        can_time_change_verdict = self._can_time_change_verdict(watched, sighting.received)
        if ends_withholding or is_new_run or was_removed or can_time_change_verdict:
            self.queue.judge_soon(target.release)

    def verdict_now(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now, or None if it has no verdict to show.

        It has none if it is not watched, and while its verdict is withheld or waits for a calendar
        read.
        """
        watched = self.releases.get(release)
        if (
            watched is None
            or watched.verdict_withheld_until is not None
            or watched.waits_for_calendar
        ):
            return None
        now, recorded, seen = self.clock.now(), watched.recorded_state, watched.seen_state
        if (
            watched.cached_json is not None
            and (body := watched.cached_json.as_of(now, recorded, seen)) is not None
        ):
            return body
        verdict = self.judging.verdict(watched, now)
        # `incident` is the id, for which the store need not be read.
        body = body_of(verdict, None, self.events.rules.editions) | {"incident": watched.incident}
        # If the slot has passed without a release, the JSON has the seconds since the slot, which
        # change at once.
        changes_at = verdict.revisit if verdict.due is None else now
        watched.cached_json = CachedJson(body, now, changes_at, recorded, seen)
        return body

    def facts(self, release: Release, promises: Sequence[Promise]) -> ReleaseFacts:
        """Return the facts for `alerts` as of now about a release, watched or only promised."""
        watched = self.releases.get(release.id) or WatchedRelease(
            self.rules.with_parts(release), list(promises)
        )
        verdict = self.judging.verdict(watched, self.clock.now())
        return self.judging.assess(watched, verdict).facts

    def find_unrecorded(self) -> Iterator[ReleaseFacts]:
        """Yield the facts of releases whose present verdict the store lacks.

        A release without any recorded verdict is left out, because its incident may be stored.
        """
        for watched in self.releases.values():
            verdict = watched.verdict
            is_withheld = watched.verdict_withheld_until is not None or watched.waits_for_calendar
            recorded = watched.last_recorded
            if verdict is None or is_withheld or recorded is None:
                continue
            assessment = self.judging.assess(watched, verdict)
            if assessment.visible.is_breach and not recorded.is_breach:
                yield assessment.facts

    def add_parts(self, release: str, parts: Sequence[Part]) -> None:
        """Watch further parts of a watched release."""
        if (watched := self.releases.get(release)) is not None:
            self.judging.planner.add_parts(watched, parts)
            self.queue.judge_soon(release)

    def look_closely(self, release: str, part: Part) -> str | None:
        """Look at a further address of a watched release at once, and often until
        `stop_looking_closely`.

        Return the id of its part, which may be an earlier part with that address. None if the
        release is not watched.
        """
        watched = self.releases.get(release)
        if watched is None:
            return None
        same_address = next(
            (known for known in watched.release.parts if known.url == part.url), None
        )
        part_id = part.id if same_address is None else same_address.id
        watched.watched_closely = (*watched.watched_closely, (part_id, self.clock.now()))
        if same_address is None:
            self.judging.planner.add_parts(watched, [part], soon=True)
        else:
            self.judging.planner.replan(watched, soon=True)
        return part_id

    def stop_looking_closely(self, release: str, part: str) -> None:
        """Look at a part as often as at any other from now on, unless it is public early."""
        watched = self.releases.get(release)
        if watched is not None:
            watched.watched_closely = tuple(
                other for other in watched.watched_closely if other[0] != part
            )
            self.judging.planner.replan(watched)

    def _keep_run(
        self,
        watched: WatchedRelease,
        target: Target,
        run: Run,
        outcome: Answer | Failure,
        *,
        has_changed: bool,
    ) -> bool:
        """Queue a run to be written.

        Return False if the writer has no room for it, and note that in `health`.

        The bytes of its look are stored with it if the target `has_changed`, else they replace
        those kept in memory.
        """
        if has_changed:
            run = replace(
                run, evidence=(*run.evidence, *self.evidence.keep_state_change(target, outcome))
            )
            watched.replace_last_run(run)
            _log.info(
                "turned",
                target=target.id,
                state=run.state.value,
                status=run.status,
                why=run.why or None,
            )
        else:
            self.evidence.remember(target, outcome)
        if not self.writer.queue_run(run):
            self.health.note_lost_look(self.clock.now())
            return False
        return True

    def _withhold_verdict_if_slot_passed(self, watched: WatchedRelease) -> None:
        """If a release was added after its slot, withhold its verdict until a look at its page, for
        a short time.
        """
        now = self.clock.now()
        if not any(has_passed(promise.slot, now) for promise in watched.promises):
            # The slot in force is the slot of one of these promises, so it has not passed either.
            # Finding it is slow.
            return
        slot = slot_in_force(watched.release, watched.promises, now).slot
        passes = slot.passes() if slot is not None else None
        if passes is not None and passes <= now:
            watched.verdict_withheld_until = now + MAX_WITHHELD

    def _can_time_change_verdict(self, watched: WatchedRelease, at: datetime) -> bool:
        """Return whether a look at `at` with the same result as before can change the verdict or
        its grade.
        """
        verdict = watched.verdict
        slot_end = (
            verdict.slot.passes() if verdict is not None and verdict.slot is not None else None
        )
        if verdict is None or slot_end is None:
            return False
        if verdict.verdict is VerdictKind.OVERDUE and verdict.grade is not Grade.REPORT:
            # An absence later than `note_within` after the slot raises the grade to a report.
            return at > slot_end + self.rules.policies.of(watched.release).note_within
        # The first look after the slot shows whether an early exposure lasted until then.
        is_exposed = any(exposure.open for exposure in verdict.exposures)
        return (verdict.verdict in _UNDECIDED or is_exposed) and at > slot_end
