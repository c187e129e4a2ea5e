"""The watched releases: receives sightings, makes runs, and has verdicts judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.files.facts import FileSign, NotRead
from monitor.health.state import HealthState
from monitor.judge.runs import OutOfOrder, Run, is_change, was_blind
from monitor.look.fetch import Answer, Failure
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import FoundPage
from monitor.plan.targets import Target
from monitor.store.evidence.evidence import Evidence
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Tasks
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import Judging
from monitor.watch.log_facts import is_embargoed, unless_embargoed
from monitor.watch.planner import WatchRules
from monitor.watch.release import WatchedRelease, find_last_proof
from schedules.address import canonical_address
from schedules.announcement import Part
from schedules.contract.verdict import VerdictKind
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.titles import read_title

_log = structlog.get_logger(__name__)

_EARLIER_EDITION_AWAITED = "the page of an earlier edition that is not out yet"
"""Why an absence proves nothing: the page will first show that edition."""
_BETWEEN_EDITIONS = timedelta(hours=20)
_NOT_AWAITED = (VerdictKind.CANCELLED, VerdictKind.MOVED)


@dataclass(frozen=True, slots=True)
class Watch:
    """All releases with a near slot or an open verdict, and the runs of their targets.

    `blind` has the times without usable looks.
    """

    clock: Clock
    judging: Judging
    writer: Writer
    evidence: Evidence
    blind: BlindSpans
    health: HealthState
    _tasks: Tasks = field(default_factory=Tasks)

    @property
    def releases(self) -> dict[str, WatchedRelease]:
        """Return the watched releases by id."""
        return self.judging.releases

    @property
    def rules(self) -> WatchRules:
        """Return the rules by which releases are watched and judged."""
        return self.judging.planner.rules

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
        self.judging.planner.reconfigure(rules, self.releases.values())
        for name in self.releases:
            self.judging.queue.judge_soon(name)

    def adopt(
        self,
        release: Release,
        promises: Sequence[Promise],
        runs: Iterable[Run] = (),
        *,
        found_parts: Sequence[Part] = (),
        found_page: FoundPage | None = None,
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
            # If the verdict is withheld until a look at the page, look at once.
            soon = self.judging.withhold_if_slot_passed(watched) or soon
        self.judging.planner.update_release(watched, release, soon=soon)
        self.judging.queue.judge_soon(release.id)

    def update_promises(self, release: str, promises: Sequence[Promise]) -> None:
        """Add promises to a watched release.

        Judge it again soon, unless its verdict is still pending.
        """
        watched = self.releases[release]
        watched.merge_promises(promises)
        if watched.verdict is None or watched.verdict.verdict is not VerdictKind.PENDING:
            self.judging.queue.judge_soon(release)

    def correct_dates(self, step: timedelta, now: datetime) -> None:
        """Move the times of looks and reads after `now` by `step` (negative), because the clock
        was ahead.
        """
        for watched in self.releases.values():
            watched.promises = tuple(promise.moved_back(step, now) for promise in watched.promises)
            replaced = watched.move_runs_back(step, now)
            if replaced:
                corrected = list(replaced.values())
                replace_all = partial(Transaction.merge_runs, runs=list(replaced), merged=corrected)
                self._tasks.start(self.writer.write(replace_all))

    def forget_old(self, now: datetime) -> list[str]:
        """Forget final releases that will not be looked at again, and return their ids."""
        forgotten = []
        for name, watched in list(self.releases.items()):
            verdict = watched.verdict
            if verdict is None or not verdict.final or not watched.is_over(now):
                continue
            # A withheld verdict must be recorded first.
            if watched.judging.is_withheld:
                continue
            # A promise that was read after the verdict must be judged first.
            if all(promise.learnt <= verdict.at for promise in watched.promises):
                self.forget(name)
                forgotten.append(name)
        return forgotten

    def forget(self, release: str) -> None:
        """Stop watching a release."""
        watched = self.releases.pop(release, None)
        if watched is None:
            return
        self.judging.planner.forget(watched)
        for target in watched.states:
            self.evidence.forget(target)
            self.blind.forget_target(target)

    def is_embargoed(self, target: Target) -> bool:
        """Return whether a target is one of a release before its slot."""
        watched = self.releases.get(target.release)
        if watched is None:
            return False
        slot = None if watched.verdict is None else watched.verdict.slot
        return is_embargoed(slot, self.clock.now())

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Add one sighting to the runs of its target.

        It is dropped if its run cannot be stored. If it changed the target, the bytes of its look
        are stored too, else they replace those kept in memory. Then files and links on the page
        become parts, and the release is judged if that can change its verdict.
        """
        watched = self.releases.get(target.release)
        if watched is None:
            return
        if sighting.state is State.ABSENT and self._is_earlier_edition_awaited(watched, target):
            sighting = replace(sighting, state=State.UNKNOWN, why=_EARLIER_EDITION_AWAITED)
        state = watched.state_of(target.id)
        last = state.last
        follows_blind = last is not None and was_blind(
            last, sighting, self.blind.after(last.last_received)
        )
        try:
            runs = state.runs_with(sighting, watched.monitor, follows_blind=follows_blind)
        except OutOfOrder:
            self.blind.note_out_of_order(sighting, state.runs[-1].last_received)
            return
        run, is_new_run = runs[-1], len(runs) > len(state.runs)
        # A new run that shows the same as the last proof is not a change. It began after a gap or a
        # failed look.
        if is_new_run and is_change(find_last_proof(state.runs, target.url), run):
            records = self.evidence.keep_state_change(target, outcome)
            run = replace(run, evidence=(*run.evidence, *records))
            slot = None if watched.verdict is None else watched.verdict.slot
            why = run.why or None
            seen = unless_embargoed(
                slot, self.clock.now(), state=run.state.value, status=run.status, why=why
            )
            _log.info("turned", target=target.id, **seen)
        else:
            self.evidence.remember(target, outcome)
        # Memory must not have a run that the store lacks.
        if not self.writer.queue_run(run):
            self.health.note_lost_look(self.clock.now())
            return
        state.runs = (*runs[:-1], run)
        self.judging.planner.add_found_parts(watched, sighting)
        self.judging.note_sighting(watched, target, sighting, is_new_run=is_new_run)

    def _is_earlier_edition_awaited(self, watched: WatchedRelease, target: Target) -> bool:
        """Return whether the page of a release, before its slot, will first show another edition of
        the same title, without a period, that is not known to be out.
        """
        title, address = watched.release.title, canonical_address(watched.release.url)
        if target.part != "page" or read_title(title).period:
            return False
        slot = self._find_slot(watched)
        if slot is None or self.clock.now() >= slot:
            return False
        for other in self.releases.values():
            if other.release.title != title or canonical_address(other.release.url) != address:
                continue
            if other.out_by is not None or (
                other.verdict is not None and other.verdict.verdict in _NOT_AWAITED
            ):
                continue
            earlier_slot = self._find_slot(other)
            if earlier_slot is not None and earlier_slot <= slot - _BETWEEN_EDITIONS:
                return True
        return False

    def _find_slot(self, watched: WatchedRelease) -> datetime | None:
        """Return when the slot of a release begins, also if it was not judged yet, or None."""
        if watched.verdict is not None:
            return watched.verdict.slot_begins
        return slot_in_force(watched.release, watched.promises, self.clock.now()).slot_begins

    def note_inside(
        self, target: Target, digest: str, inside: tuple[FileSign, ...] | NotRead
    ) -> None:
        """Add what was read inside a file to the last run of its target that got it.

        Its release is judged again.
        """
        watched = self.releases.get(target.release)
        if watched is None:
            return
        state = watched.state_of(target.id)
        last = next((run for run in reversed(state.runs) if run.digest == digest), None)
        if last is None:
            return
        read = replace(last, inside=inside)
        if not self.writer.queue_run(read):
            self.health.note_lost_look(self.clock.now())
            return
        state.runs = tuple(read if run is last else run for run in state.runs)
        self.judging.queue.judge_soon(target.release)

    def add_parts(self, release: str, parts: Sequence[Part]) -> None:
        """Watch further parts of a watched release."""
        if (watched := self.releases.get(release)) is not None:
            self.judging.planner.add_parts(watched, parts)
            self.judging.queue.judge_soon(release)

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
        watched.watched_closely[part_id] = self.clock.now()
        if same_address is None:
            self.judging.planner.add_parts(watched, [part], soon=True)
        else:
            self.judging.planner.replan(watched, soon=True)
        return part_id

    def stop_looking_closely(self, release: str, part: str) -> None:
        """Look at a part as often as at any other from now on, unless it is public early."""
        watched = self.releases.get(release)
        if watched is not None:
            watched.watched_closely.pop(part, None)
            self.judging.planner.replan(watched)
