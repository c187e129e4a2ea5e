"""One watched release: its promises, its targets, and the runs of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain, takewhile
from operator import is_

from monitor.deliver.assessment import VisibleState
from monitor.judge.runs import (
    MOST_CHANGES,
    Run,
    count_changes,
    extend_run,
    find_last_removal,
    start_run,
)
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication
from monitor.ledger.promise_check import CalendarWait
from monitor.look.recognise.content import PLACEHOLDER
from monitor.look.recognise.result import Known
from monitor.look.sighting import Sighting, State
from monitor.plan.addresses import FoundPage
from monitor.plan.phases import Window, window_at
from monitor.plan.proof import NEVER, ProofGoal
from monitor.plan.targets import Target, View, parse_target_id, release_from_id, target_id
from monitor.plan.windows import UNSEEN, Progress, Stage
from schedules.contract.verdict import PartVerdict, VerdictKind
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import has_passed
from schedules.times.json import Json, instant_json

_JSON_MAX_AGE = timedelta(seconds=1)
"""How long the JSON is reused after looks that changed no verdict."""
_PUBLISHED = {VerdictKind.ON_TIME, VerdictKind.LATE}
_CLOSED = {VerdictKind.CANCELLED, VerdictKind.NOT_PUBLISHED}


@dataclass(slots=True)
class TargetState:
    """One target of a release: when it is looked at, and its runs.

    `target` is None after its last look, but its runs are still judged. `proof_goal` is None
    without an exact slot.
    """

    target: Target | None = None
    windows: tuple[Window, ...] = ()
    proof_goal: ProofGoal | None = None
    runs: tuple[Run, ...] = ()

    @property
    def last(self) -> Run | None:
        """Return the last run, or None."""
        return self.runs[-1] if self.runs else None

    def crosses_close_phase(self, now: datetime) -> bool:
        """Return whether a phase close to the slot begins or ends since the last look.

        An absence then begins a new run, so that none mixes wide gaps with narrow ones.
        """
        if not self.runs or self.runs[-1].state is not State.ABSENT:
            return False
        windows = (window_at(self.windows, at) for at in (self.runs[-1].last_received, now))
        was_close, is_close = (window is not None and window.phase.is_close for window in windows)
        return was_close is not is_close

    def spacing(self, now: datetime) -> timedelta | None:
        """Return the planned spacing in the gap since the last look, which a run may not much
        exceed.

        None: no looks were planned, so it may bridge any gap.
        """
        window_of_last_look = (
            window_at(self.windows, self.runs[-1].last_received) if self.runs else None
        )
        if window_of_last_look is not None:
            return window_of_last_look.every
        window = window_at(self.windows, now)
        return window.every if window is not None and window.phase.limits_gaps else None

    def runs_with(
        self, sighting: Sighting, monitor: str, *, follows_blind: bool
    ) -> tuple[Run, ...]:
        """Return the runs with a sighting added to the last one, or with a new run of `monitor`.

        A new run begins after a blind span, at a phase close to the slot, and after too wide a gap.
        Raises `OutOfOrder`.
        """
        if sighting.digest is not None and count_changes(self.runs) >= MOST_CHANGES:
            # The bytes differ at almost every look, which must not begin a run.
            sighting = replace(sighting, digest=None)
        if self.last is not None:
            must_begin_run = follows_blind or self.crosses_close_phase(sighting.sent)
            spacing = self.spacing(sighting.sent)
            extended = extend_run(self.last, sighting, spacing, apart=must_begin_run)
            if extended is not None:
                return (*self.runs[:-1], extended)
        return (*self.runs, replace(start_run(sighting), monitor=monitor))


_EMPTY_STATE = TargetState()


def find_last_proof(runs: Sequence[Run], url: str) -> Run | None:
    """Return the last run that proved something at an address, or None."""
    for run in reversed(runs):
        if run.state is not State.UNKNOWN and run.address in ("", url):
            return run
    return None


@dataclass(frozen=True, slots=True)
class CachedJson:
    """The JSON of a watched release as of `at`, kept until something can change it.

    `changes_at` is when time alone does, or None.
    """

    body: Json
    at: datetime
    changes_at: datetime | None
    recorded_state: Sequence[object]
    seen_state: Sequence[object]

    def as_of(
        self, now: datetime, recorded_state: Sequence[object], seen_state: Sequence[object]
    ) -> Json | None:
        """Return the JSON if it can be used at `now`, or None.

        Each change of the verdict or a promise puts a new object into `recorded_state`, each look
        into `seen_state`.
        """
        was_clock_set_back = now < self.at
        if was_clock_set_back or not all(map(is_, self.recorded_state, recorded_state)):
            return None
        has_no_new_look = len(self.seen_state) == len(seen_state) and all(
            map(is_, self.seen_state, seen_state)
        )
        if has_no_new_look and (self.changes_at is None or now < self.changes_at):
            return self.body | {"at": instant_json(now)}
        # Most looks change little, and the JSON is slow to make.
        return self.body if now < self.at + _JSON_MAX_AGE else None


@dataclass(slots=True)
class JudgingState:
    """How far the judging of a release is. Only `judging.py` changes it."""

    verdict: Verdict | None = None
    final_since: datetime | None = None
    """When the verdict became final. None while it is not."""
    withheld_until: datetime | None = None
    """If the slot passed unwatched, the verdict only plans looks until then, or until a look at the
    page.
    """
    wait: CalendarWait = field(default_factory=CalendarWait)
    """For a calendar read."""
    recorded: VisibleState | None = None
    """What people see since the last record, a new object each time."""
    must_record: bool = False
    """Whether to record the verdict even if nothing changed for people."""
    is_being_recorded: bool = False
    was_judged_meanwhile: bool = False
    """Whether a later verdict waits while one is recorded."""
    incident: str | None = None
    """The id of its incident as of the last record."""
    propagated: Verdict | None = None
    """The verdict with which others of its slot were last judged."""
    cached_json: CachedJson | None = None

    @property
    def is_withheld(self) -> bool:
        """Return whether its verdict waits for a look or a calendar read."""
        return self.withheld_until is not None or self.wait.is_on


@dataclass(slots=True)
class WatchedRelease:
    """A release, and everything in memory about it."""

    release: Release
    """With configured and found parts."""
    promises: Sequence[Promise]
    announced: Release | None = None
    """As calendars show it."""
    states: dict[str, TargetState] = field(default_factory=dict)
    """By target id."""
    judging: JudgingState = field(default_factory=JudgingState)
    watched_closely: dict[str, datetime] = field(default_factory=dict)
    """Parts that a listing showed, with since when. They are looked at as if public early."""
    other_runs: tuple[Run, ...] = ()
    """Runs of other monitors or an earlier process. They are judged but never extended."""
    monitor: str = ""
    found_page: FoundPage | None = None
    """The page if a redirect or look found it."""
    file_reads: dict[tuple[str, str], datetime | None] = field(default_factory=dict)
    """When a file may be read again, by part and digest. None: it was read."""

    @property
    def verdict(self) -> Verdict | None:
        """Return its last verdict, or None."""
        return self.judging.verdict

    @property
    def recorded_state(self) -> tuple[object, ...]:
        """Return everything known of it but runs, as objects that are replaced on change."""
        judging = self.judging
        return self.release, self.promises, self.verdict, judging.recorded, judging.incident

    @property
    def seen_state(self) -> tuple[object, ...]:
        """Return its runs, as objects that are replaced after every look."""
        return self.other_runs, *(state.runs for state in self.states.values())

    @property
    def targets(self) -> dict[str, Target]:
        """Return the targets that are looked at, by id."""
        return {
            name: state.target for name, state in self.states.items() if state.target is not None
        }

    @property
    def runs(self) -> dict[str, tuple[Run, ...]]:
        """Return the runs of all monitors by target id, of dropped targets too."""
        own = {name: state.runs for name, state in self.states.items() if state.runs}
        for name in {run.target for run in self.other_runs}:
            others = (run for run in self.other_runs if run.target == name)
            own[name] = tuple(sorted((*own.get(name, ()), *others), key=lambda run: run.key))
        return own

    @property
    def publication(self) -> Publication | None:
        """Return its publication, by which lags are measured, or None."""
        verdict = self.verdict
        slot = None if verdict is None else verdict.slot_begins
        by = self.out_by
        if slot is None or by is None:
            return None
        return Publication(self.release.id, slot, by, self.runs, self.release.title)

    @property
    def out_by(self) -> datetime | None:
        """Return by when its page was public, from its slot on, or None."""
        verdict = self.verdict
        return None if verdict is None or verdict.page is None else verdict.page.released.by

    @property
    def published_slot(self) -> datetime | None:
        """Return its slot if that has passed and it is out, else None."""
        verdict = self.verdict
        if verdict is None or verdict.slot is None or self.out_by is None:
            return None
        return verdict.slot_begins if has_passed(verdict.slot, verdict.at) else None

    @property
    def last_proof_at(self) -> datetime | None:
        """Return when the last look that proved something was answered, or None."""
        last_runs = (state.runs[-1] for state in self.states.values() if state.runs)
        return max(
            (run.last_received for run in last_runs if run.state is not State.UNKNOWN), default=None
        )

    def merge_promises(self, promises: Iterable[Promise]) -> None:
        """Add promises, and keep the later confirmation of known ones."""
        by_key = {(promise.calendar, promise.learnt): promise for promise in self.promises}
        for promise in promises:
            known = by_key.get((promise.calendar, promise.learnt))
            if known is None or (promise.confirmed_at or NEVER) >= (known.confirmed_at or NEVER):
                by_key[promise.calendar, promise.learnt] = promise
        self.promises = tuple(
            sorted(by_key.values(), key=lambda promise: (promise.learnt, promise.calendar))
        )

    def has_promises(self, promises: Iterable[Promise]) -> bool:
        """Return whether these promises are known, whenever they were confirmed."""
        known = {(promise.calendar, promise.learnt) for promise in self.promises}
        return all((promise.calendar, promise.learnt) in known for promise in promises)

    def load_runs(self, runs: Iterable[Run]) -> None:
        """Add stored runs, others' to `other_runs`."""
        for run in runs:
            if run.monitor in ("", self.monitor):  # empty in runs of older versions
                self.state_of(run.target).runs += (run,)
            else:
                self.other_runs += (run,)

    def replace_other_runs(self, runs: Iterable[Run]) -> None:
        """Replace `other_runs` by the stored runs of others."""
        mine = chain.from_iterable(state.runs for state in self.states.values())
        keys = {run.key for run in mine}
        self.other_runs = tuple(run for run in runs if run.key not in keys)

    def move_runs_back(self, step: timedelta, now: datetime) -> dict[Run, Run]:
        """Move the runs that end after `now` by a negative `step`. Return each with its
        correction.
        """
        replaced: dict[Run, Run] = {}
        for state in self.states.values():
            wrong = [run for run in state.runs if run.last_received > now]
            moved = {run: run.moved_back(step, now) for run in wrong}
            state.runs = tuple(moved.get(run, run) for run in state.runs)
            replaced |= moved
        return replaced

    def state_of(self, target: str) -> TargetState:
        """Return the state of a target, created if need be."""
        return self.states.setdefault(target, TargetState())

    def state_or_empty(self, target: str) -> TargetState:
        """Return the state of a target to read from, perhaps an empty one."""
        return self.states.get(target, _EMPTY_STATE)

    def has_shown(self, url: str) -> bool:
        """Return whether its page was ever seen present or withdrawn at this address."""
        for target, runs in self.runs.items():
            if parse_target_id(target)[1] != "page":
                continue
            shown = (run for run in runs if run.state in (State.PRESENT, State.WITHDRAWN))
            if any(run.address == url for run in shown):
                return True
        return False

    def set_targets(self, targets: Iterable[Target]) -> None:
        """Set the targets that are looked at. Changed ones then have no windows."""
        by_id = {target.id: target for target in targets}
        for name in [*by_id, *(self.states.keys() - by_id.keys())]:
            state = self.state_of(name)
            target = by_id.get(name)
            if state.target != target:
                state.target, state.windows = target, ()

    def known_about(self, target: Target) -> Known:
        """Return what earlier looks at a target found out, by which content is known to be new."""
        # Runs of older versions have no address.
        runs = [
            run for run in self.state_or_empty(target.id).runs if run.address in ("", target.url)
        ]
        # `changed` compares each body with the first one.
        digests = (run.digest for run in runs if run.digest is not None)
        baseline = next(digests, None) if target.recognise == "changed" else None
        was_missing = any(run.status == HTTPStatus.NOT_FOUND for run in runs)
        had_page = any(run.state is not State.UNKNOWN and run.status in (200, 304) for run in runs)
        since_last_proof = takewhile(lambda run: run.state is State.UNKNOWN, reversed(runs))
        had_placeholder = any(run.why == PLACEHOLDER for run in since_last_proof)
        # Runs do not have a placeholder's text, so use "".
        placeholder = "" if had_placeholder else None
        return Known(baseline, was_missing, had_page, placeholder)

    def was_removed(self, target: Target) -> bool:
        """Return whether a published target was removed or changed, and did not return."""
        part = self._part_verdict(target.part)
        return (
            part is not None
            and _published_since(part) is not None
            and self.progress(target).lost_at is not None
        )

    def progress(self, target: Target) -> Progress:
        """Return the stage of a target for planning."""
        progress = self._progress_by_verdict(target)
        closely_since = self.watched_closely.get(target.part)
        if closely_since is not None and progress.stage is Stage.UNSEEN:
            return Progress(Stage.EXPOSED, closely_since)
        return progress

    def _progress_by_verdict(self, target: Target) -> Progress:
        part = self._part_verdict(target.part)
        if self.verdict is None or part is None:
            return UNSEEN
        if self.verdict.verdict in _CLOSED:
            return Progress(Stage.CLOSED)
        exposed_since = [
            exposure.start.by for exposure in part.exposures if exposure.open and exposure.start.by
        ]
        if exposed_since:
            return Progress(Stage.EXPOSED, min(exposed_since))
        if (since := _published_since(part)) is not None:
            # The origin may show it while the edge hides it from users.
            is_complete = not self._is_hidden_by_edge(target)
            return Progress(
                Stage.SEEN, since, is_complete=is_complete, lost_at=self._removed_at(target, since)
            )
        page_since = None if self.verdict.page is None else _published_since(self.verdict.page)
        if page_since is None:
            return UNSEEN
        # The release is out, but without this part.
        return Progress(Stage.SEEN, page_since, is_complete=False)

    def _removed_at(self, target: Target, since: datetime) -> datetime | None:
        """Return when a view of a part was last found removed or changed, None if it returned."""
        views = (target_id(target.release, target.part, view) for view in (View.EDGE, View.ORIGIN))
        removals = (find_last_removal(self.state_or_empty(name).runs) for name in views)
        return max(
            (removal for removal in removals if removal is not None and removal > since),
            default=None,
        )

    def _is_hidden_by_edge(self, target: Target) -> bool:
        """Return whether the edge has never shown a published target, so that its delay grows."""
        runs = self.state_or_empty(target.id).runs
        return (
            target.view is View.EDGE
            and bool(runs)
            and all(run.state is not State.PRESENT for run in runs)
        )

    def _part_verdict(self, part_id: str) -> PartVerdict | None:
        parts = self.verdict.parts if self.verdict is not None else ()
        return next((part for part in parts if part.id == part_id), None)

    def is_over(self, now: datetime) -> bool:
        """Return whether none of its targets will be looked at again."""
        return all(
            not state.windows or state.windows[-1].ends <= now for state in self.states.values()
        )


def group_by_release(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return runs by the id of their release, in their order."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        found[release_from_id(run.target)].append(run)
    return dict(found)


def _published_since(part: PartVerdict) -> datetime | None:
    """Return since when a part has been published, after its slot, or None."""
    if part.released.by is not None:
        return part.released.by
    if part.verdict in _PUBLISHED or (
        part.verdict is VerdictKind.UNPROVEN and part.first_seen.by is not None
    ):
        return part.first_seen.by
    return None


def is_view_of_page(target: Target) -> bool:
    """Return whether a target is the landing page as users see it."""
    return target.part == "page" and target.view is View.EDGE
