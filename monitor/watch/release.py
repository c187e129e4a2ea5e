"""One release under watch: its promises, its targets, and what was seen of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import takewhile

from monitor.judge.runs import MOST_CHANGES, Run, changes, extend, left
from monitor.judge.verdict import PartVerdict, Verdict, Word
from monitor.judge.witnesses import Publication
from monitor.look.interpret import Known
from monitor.look.recognise.placeholder import PLACEHOLDER
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import AGAIN, SLOT, Window, window_at
from monitor.plan.proof import NEVER, Proof
from monitor.plan.targets import Target, View, target_id
from monitor.plan.windows import Progress, Stage
from monitor.watch.shown import Shown
from schedules.announcement import Address
from schedules.promise import Promise
from schedules.release import Release

_OUT = {Word.ON_TIME, Word.LATE}
_OVER = {Word.CANCELLED, Word.NOT_PUBLISHED}


@dataclass(slots=True)
class TargetState:
    """One address of a release: when it is looked at, and what was seen of it.

    `target` is None while nobody looks at it: what was seen is judged all the same. `proof` is what it must be proved
    to be, None where nothing is judged to the minute.
    """

    target: Target | None = None
    windows: tuple[Window, ...] = ()
    proof: Proof | None = None
    runs: tuple[Run, ...] = ()

    @property
    def last(self) -> Run | None:
        """Return the last run."""
        return self.runs[-1] if self.runs else None

    def last_proved(self, url: str) -> Run | None:
        """Return the last run that proved anything at an address."""
        for run in reversed(self.runs):
            if run.state is not State.UNKNOWN and run.address in ("", url):
                return run
        return None

    def crosses_slot_phase(self, now: datetime) -> bool:
        """Return whether the phase around the slot begins or ends between the last look and `now`.

        What is absent then begins a run of its own, so that the run keeps the widest gap of that phase alone.
        """
        if self.last is None or self.last.state is not State.ABSENT:
            return False
        last, this = window_at(self.windows, self.last.last_received), window_at(self.windows, now)
        return (last is not None and last.name == SLOT.name) is not (this is not None and this.name == SLOT.name)

    def spacing(self, now: datetime) -> timedelta | None:
        """Return the spacing that was in force since the last look, None when any gap is allowed."""
        window = window_at(self.windows, self.runs[-1].last_received) if self.runs else None
        if window is None and (again := window_at(self.windows, now)) is not None and again.name == AGAIN.name:
            # An origin that was looked at no more and is now: what it showed long ago has not lasted since.
            window = again
        return window.every if window else None


_NOWHERE = TargetState()


@dataclass(slots=True)
class WatchedRelease:
    """A release, and everything known of it, as the daemon holds it in memory.

    - `announced` is the release as its calendars show it. `release` has configured and found parts as well.
    - `states` are by target id. `last_recorded` is another object after each record of the release.
    - `last_propagated` is the verdict with which others of its slot were last judged again.
    - Until `planning_only_until` its verdict is only for planning: its slot passed unwatched. One look may settle it.
    - `closely` are parts that a listing showed, with since when. They are looked at as if they were public early.
    - `others` are runs of other monitors on the same store, or of this one before a restart. They are judged, and our
      looks never extend them.
    - `place` is where its page was redirected to or found, if no calendar names that address.
    - `asked` is the instant that its calendars must confirm before a breach is claimed, and the deadline for that.
      `waits` is true until then.
    - `shown` is what people last saw of it.
    """

    release: Release
    promises: Sequence[Promise]
    announced: Release | None = None
    states: dict[str, TargetState] = field(default_factory=dict)
    verdict: Verdict | None = None
    final_since: datetime | None = None
    incident: str | None = None
    last_recorded: object = None
    last_propagated: Verdict | None = None
    planning_only_until: datetime | None = None
    closely: tuple[tuple[str, datetime], ...] = ()
    others: tuple[Run, ...] = ()
    monitor: str = ""
    place: tuple[str, Address] | None = None
    asked: tuple[datetime, datetime] | None = None
    waits: bool = False
    shown: Shown | None = None

    @property
    def written(self) -> tuple[object, ...]:
        """Return what is known of it but for what looks saw: other objects whenever any of it is another."""
        return self.release, self.promises, self.verdict, self.last_recorded, self.incident

    @property
    def seen(self) -> tuple[object, ...]:
        """Return what looks saw of it: other objects after every look."""
        return self.others, *(state.runs for state in self.states.values())

    @property
    def targets(self) -> dict[str, Target]:
        """Return what is looked at."""
        return {name: state.target for name, state in self.states.items() if state.target is not None}

    @property
    def runs(self) -> dict[str, tuple[Run, ...]]:
        """Return what was seen of every target, those that nobody looks at any more included."""
        own = {name: state.runs for name, state in self.states.items() if state.runs}
        for name in {run.target for run in self.others}:
            theirs = (run for run in self.others if run.target == name)
            own[name] = tuple(sorted((*own.get(name, ()), *theirs), key=lambda run: run.key))
        return own

    @property
    def published(self) -> Publication | None:
        """Return what measures how far witnesses are behind; None while it is not out."""
        page = None if self.verdict is None else self.verdict.page
        slot = None if self.verdict is None or self.verdict.slot is None else self.verdict.slot.begins()
        out = None if page is None else page.released.by
        return None if slot is None or out is None else Publication(self.release.id, slot, out, self.runs)

    @property
    def looked(self) -> datetime | None:
        """Return when the last look was answered that proved anything."""
        last = (state.runs[-1] for state in self.states.values() if state.runs)
        return max((run.last_received for run in last if run.state is not State.UNKNOWN), default=None)

    def take_promises(self, promises: Iterable[Promise]) -> None:
        """Take what a calendar or the store says was promised: neither may know yet what the other told before."""
        known = {(promise.calendar, promise.learnt): promise for promise in self.promises}
        for promise in promises:
            mine = known.get(key := (promise.calendar, promise.learnt))
            if mine is None or (promise.confirmed_at or NEVER) >= (mine.confirmed_at or NEVER):
                known[key] = promise
        self.promises = tuple(sorted(known.values(), key=lambda promise: (promise.learnt, promise.calendar)))

    def has_promises(self, promises: Iterable[Promise]) -> bool:
        """Tell whether these are known, by whoever learnt of them; when they were last confirmed does not count."""
        known = {(promise.calendar, promise.learnt) for promise in self.promises}
        return all((promise.calendar, promise.learnt) in known for promise in promises)

    def recall(self, runs: Iterable[Run]) -> None:
        """Take the runs that a store held when this release came under watch: those of other monitors apart."""
        for run in runs:
            if run.monitor in ("", self.monitor):
                self.state_of(run.target).runs += (run,)
            else:
                self.others += (run,)

    def take_others(self, runs: Iterable[Run]) -> None:
        """Take what others saw, or this monitor before it began without its store, from what the store holds now."""
        mine = {run.key for state in self.states.values() for run in state.runs}
        self.others = tuple(run for run in runs if run.key not in mine)

    def state_of(self, target: str) -> TargetState:
        """Return a target's state, made when there is none."""
        state = self.states.get(target)
        if state is None:
            state = self.states[target] = TargetState()
        return state

    def at(self, target: str) -> TargetState:
        """Return a target's state to read, an empty one when there is none."""
        return self.states.get(target, _NOWHERE)

    def has_shown(self, url: str) -> bool:
        """Tell whether anything was seen to be out, or taken away again, at what was the address of its page."""
        mine = (run for name, runs in self.runs.items() if name.rsplit("/", 2)[1] == "page" for run in runs)
        return any(run.address == url and run.state in (State.PRESENT, State.WITHDRAWN) for run in mine)

    def aim(self, targets: Iterable[Target]) -> None:
        """Look at these and at no others; what differs from before has no windows yet."""
        wanted = {target.id: target for target in targets}
        for name in [*wanted, *(self.states.keys() - wanted.keys())]:
            state, target = self.state_of(name), wanted.get(name)
            if state.target != target:
                state.target, state.windows = target, ()

    def add(self, target: Target, sighting: Sighting, spacing: timedelta | None, *, apart: bool) -> tuple[Run, bool]:
        """Fold a sighting in; returns the run it went to and whether that run is new.

        The bytes of what kept changing do not count: each look would make a run, and tell nothing. Raises OutOfOrder.
        """
        state = self.state_of(target.id)
        if sighting.digest is not None and changes(state.runs) >= MOST_CHANGES:
            sighting = replace(sighting, digest=None)
        outcome = extend(state.runs[-1] if state.runs else None, sighting, spacing, apart=apart)
        if isinstance(outcome, Run) and state.runs:
            state.runs = (*state.runs[:-1], outcome)
            return outcome, False
        begun = replace(outcome if isinstance(outcome, Run) else outcome[1], monitor=self.monitor)
        state.runs = (*state.runs, begun)
        return begun, True

    def take_back(self, target: str, before: Run | None, *, new: bool) -> None:
        """Undo the last `add`, which nobody could keep: `before` was the last run then."""
        state = self.states[target]
        state.runs = state.runs[:-1] if before is None or new else (*state.runs[:-1], before)

    def remembered(self, target: Target) -> Known:
        """Return what earlier looks at a target tell later ones.

        A baseline is the first body that was read, and it is known from its run alone. Of a placeholder that nothing
        proved has followed only its having been there is known.
        """
        runs = [run for run in self.at(target.id).runs if run.address in ("", target.url)]
        first = next((run for run in runs if run.digest is not None), None)
        baseline = first.digest if first is not None and target.recognise == "changed" else None
        was_missing = any(run.status == HTTPStatus.NOT_FOUND for run in runs)
        lately = takewhile(lambda run: run.state is State.UNKNOWN, reversed(runs))
        return Known(baseline, was_missing, "" if any(run.why == PLACEHOLDER for run in lately) else None)

    def replace_last(self, run: Run) -> None:
        """Put a run that has changed in the place of the last one of its target."""
        state = self.states[run.target]
        state.runs = (*state.runs[:-1], run)

    def is_left(self, target: Target) -> bool:
        """Tell whether what was out at a target has been found gone, or other bytes, and not been back since."""
        part = self._part(target.part)
        return part is not None and _out_since(part) is not None and self.standing(target).left is not None

    def standing(self, target: Target) -> Progress:
        """Return how a target stands, from the last verdict."""
        stands = self._standing(target)
        since = dict(self.closely).get(target.part)
        return Progress(Stage.EXPOSED, since) if since is not None and stands.stage is Stage.UNSEEN else stands

    def _standing(self, target: Target) -> Progress:
        verdict = self.verdict
        part = self._part(target.part)
        if verdict is None or part is None:
            return Progress()
        if verdict.word in _OVER:
            return Progress(Stage.CLOSED)
        exposed = [exposure.start.by for exposure in part.exposures if exposure.open and exposure.start.by]
        if exposed:
            return Progress(Stage.EXPOSED, min(exposed))
        return self._seen(target, part, verdict)

    def _seen(self, target: Target, part: PartVerdict, verdict: Verdict) -> Progress:
        if (since := _out_since(part)) is not None:
            return Progress(Stage.SEEN, since, complete=not self._is_hidden(target), left=self._left(target, since))
        page = verdict.page
        out = _out_since(page) if page is not None else None
        return Progress() if out is None else Progress(Stage.SEEN, out, complete=False)

    def _left(self, target: Target, since: datetime) -> datetime | None:
        """Return when either view of a part was last found gone, or other bytes, after it was out; None when back."""
        turns = (left(self.at(target_id(target.release, target.part, view)).runs) for view in (View.EDGE, View.ORIGIN))
        return max((turn for turn in turns if turn is not None and turn > since), default=None)

    def _is_hidden(self, target: Target) -> bool:
        """Tell whether users have never been seen to get what is out: how long an edge hides it is to be measured."""
        runs = self.at(target.id).runs
        return target.view is View.EDGE and bool(runs) and all(run.state is not State.PRESENT for run in runs)

    def _part(self, part_id: str) -> PartVerdict | None:
        for part in self.verdict.parts if self.verdict else ():
            if part.id == part_id:
                return part
        return None

    def is_over(self, now: datetime) -> bool:
        """Tell whether nothing of it will be looked at again."""
        return all(not state.windows or state.windows[-1].ends <= now for state in self.states.values())


def _out_since(part: PartVerdict) -> datetime | None:
    """Return since when a part has been out as promised, None while it is not."""
    if part.released.by is not None:
        return part.released.by
    if part.word in _OUT or (part.word is Word.UNPROVEN and part.first_seen.by is not None):
        return part.first_seen.by
    return None


def is_view_of_page(target: Target) -> bool:
    """Tell whether a target is what users see of the landing page."""
    return target.part == "page" and target.view is View.EDGE
