"""The releases under watch: sightings come in, runs and verdicts go out."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from zlib import crc32

import structlog

from alerts.finding import ReleaseFacts
from monitor.clock import Clock
from monitor.deliver.events import Events, Recorded, body_of, standing
from monitor.deliver.facts import Measured, release_facts
from monitor.judge.interval import Bounds
from monitor.judge.judge import judge
from monitor.judge.platform import with_platform
from monitor.judge.policy import Policies
from monitor.judge.runs import Blind, OutOfOrder, Run
from monitor.judge.verdict import Verdict, Word
from monitor.look.fetch import Answer, Failure
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Phases, Window, window_at
from monitor.plan.targets import Target, View, targets_of
from monitor.plan.windows import windows_for
from monitor.record.writer import Writer
from monitor.watched import Watched, is_view_of_page
from schedules.announcement import Part, Role
from schedules.inforce import slot_in_force
from schedules.promise import Promise
from schedules.release import Release

_log = structlog.get_logger(__name__)
_UNSETTLED = {Word.PENDING, Word.UNPROVEN}


class Looker(Protocol):
    """What the watch asks of the poller."""

    def watch(
        self, target: Target, windows: Sequence[Window], shift: timedelta = ..., *, instant: datetime | None = None
    ) -> None:
        """Look at a target in these windows from now on, and at `instant` without fail."""

    def drop(self, target_id: str) -> None:
        """Look at a target no more."""


class Keeper(Protocol):
    """What the watch asks of the evidence."""

    def turned(self, target: Target, run: Run, outcome: Answer | Failure) -> tuple[str, ...]:
        """Keep the bytes of a look that changed what is known, and of the one before; returns their ids."""

    def same(self, target: Target, outcome: Answer | Failure) -> None:
        """Remember the last look, should the next one turn out different."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How releases are watched and judged, from the configuration."""

    monitor: str = "edge"
    phases: Phases = field(default_factory=Phases)
    policies: Policies = field(default_factory=Policies)
    origin_view: bool = True
    primary: str | None = None
    extra_parts: Callable[[Release], tuple[Part, ...]] = lambda _release: ()


class Watch:
    """Holds every release whose slot is near or whose watch is open, and keeps its verdict true."""

    def __init__(  # noqa: PLR0913 # the edges it stands between
        self,
        clock: Clock,
        looker: Looker,
        writer: Writer,
        events: Events,
        keeper: Keeper,
        rules: Rules,
        *,
        on_recorded: Callable[[Recorded], None] = lambda _recorded: None,
        clock_offset: Callable[[], Bounds | None] = lambda: None,
    ) -> None:
        """`on_recorded` hears of every verdict written; `clock_offset` tells how far our clock is off."""
        self._clock = clock
        self._looker = looker
        self._writer = writer
        self.events = events
        self._keeper = keeper
        self._rules = rules
        self._on_recorded = on_recorded
        self._clock_offset = clock_offset
        self._releases: dict[str, Watched] = {}
        self._blind: list[Blind] = []
        self._dirty: set[str] = set()
        self._bell = asyncio.Event()
        self._revisits: list[tuple[datetime, str]] = []

    @property
    def releases(self) -> Mapping[str, Watched]:
        """Return every release under watch."""
        return self._releases

    def adopt(self, release: Release, promises: Sequence[Promise], runs: Iterable[Run] = ()) -> None:
        """Watch a release, or take what its calendars now say of it; `runs` are those of an earlier life."""
        watched = self._releases.setdefault(release.id, Watched(release, []))
        watched.promises = list(promises)
        watched.announced = release
        watched.release = self._with_parts(release, watched.release.parts)
        for run in runs:
            watched.runs.setdefault(run.target, []).append(run)
        self._set_targets(watched)
        self.judge_soon(release.id)

    def forget_old(self, now: datetime) -> None:
        """Let go of releases that nobody will look at again."""
        over = [name for name, watched in self._releases.items() if watched.verdict and watched.is_over(now)]
        for name in over:
            for target in self._releases.pop(name).targets:
                self._looker.drop(target)

    def see(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Take in one sighting of a target of a watched release."""
        watched = self._releases.get(target.release)
        if watched is None:
            return
        before = watched.last_known(target.id)
        try:
            run, new = watched.add(
                target, sighting, self._spacing(watched, target), apart=self._was_blind(sighting, watched)
            )
        except OutOfOrder:
            _log.warning("sighting_out_of_order", target=target.id)
            return
        self._take_run(watched, target, run, outcome, turned=new and run.state is not before)
        self._take_found(watched, target, sighting)
        if new or self._is_unsettled(watched, sighting.received):
            self.judge_soon(target.release)

    def blind(self, span: Blind) -> None:
        """Take in a span in which nothing could be seen; everything it touches is judged again."""
        self._blind = [
            kept for kept in self._blind if (kept.begins, kept.cause, kept.host) != (span.begins, span.cause, span.host)
        ]
        self._blind.append(span)
        for release in self._releases:
            self.judge_soon(release)

    def judge_soon(self, release: str) -> None:
        """Have a release judged at the next turn of the loop."""
        self._dirty.add(release)
        self._bell.set()

    async def run(self) -> None:
        """Judge what has changed or is due to be judged again, until cancelled."""
        while True:
            self._collect_due()
            if self._dirty:
                dirty, self._dirty = sorted(self._dirty), set()
                await self.judge_all(dirty)
            else:
                await self._wait()

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and write down every verdict that changed."""
        for release in releases:
            watched = self._releases.get(release)
            if watched is not None:
                await self._judge(watched)

    def verdict_now(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now, None when it is not watched."""
        watched = self._releases.get(release)
        if watched is None:
            return None
        body = body_of(self._verdict(watched, self._clock.now()), None)
        return body | {"incident": watched.incident}

    def facts(self, release: Release, promises: Sequence[Promise]) -> ReleaseFacts:
        """Return what the alerts leaf may know as of now of a release, watched or only promised."""
        watched = self._releases.get(release.id) or Watched(self._with_parts(release, ()), list(promises))
        verdict = self._verdict(watched, self._clock.now())
        return release_facts(verdict, self.measured(watched, verdict))

    def add_part(self, release: str, part: Part) -> None:
        """Watch a further address of a release that is watched."""
        watched = self._releases.get(release)
        if watched is not None and all(known.url != part.url for known in watched.release.parts):
            watched.release = replace(watched.release, parts=(*watched.release.parts, part))
            self._set_targets(watched)

    def measured(self, watched: Watched, verdict: Verdict) -> Measured:
        """Return how a verdict was measured, for the draft."""
        slot = verdict.slot.begins() if verdict.slot else None
        blind = [span for span in self._blind if slot is None or abs(span.ends - slot) < timedelta(days=1)]
        records = tuple((name, "") for runs in watched.runs.values() for run in runs for name in run.evidence)
        spacing = self._rules.phases.slot_every.total_seconds()
        return Measured(self._rules.monitor, watched.runs, blind, self._clock_offset(), spacing, records)

    def _take_run(self, watched: Watched, target: Target, run: Run, outcome: Answer | Failure, *, turned: bool) -> None:
        if turned:
            run = replace(run, evidence=(*run.evidence, *self._keeper.turned(target, run, outcome)))
            watched.replace_last(run)
            _log.info("turned", target=target.id, state=run.state.value, status=run.status, why=run.why or None)
        self._keeper.same(target, outcome)
        self._writer.put(run)

    def _take_found(self, watched: Watched, target: Target, sighting: Sighting) -> None:
        known = {part.url for part in watched.release.parts}
        found = [one for one in sighting.found if one.role in {"attachment", "html", "data"} and one.url not in known]
        if not found or sighting.state is not State.PRESENT or target.view is View.TRIPWIRE:
            return
        first = len(watched.release.parts)
        parts = [_discovered(f"found-{first + place}", one.role, one.url) for place, one in enumerate(found)]
        watched.release = replace(watched.release, parts=(*watched.release.parts, *parts))
        self._set_targets(watched)

    async def _judge(self, watched: Watched) -> None:
        now = self._clock.now()
        verdict = self._verdict(watched, now)
        changed = watched.verdict is None or _standing(watched.verdict) != _standing(verdict)
        watched.verdict = verdict
        watched.final_since = (watched.final_since or now) if verdict.final else None
        self._replan(watched)
        if verdict.revisit is not None:
            heapq.heappush(self._revisits, (verdict.revisit, watched.release.id))
        if changed or (watched.incident is not None and verdict.word is not Word.PENDING):
            await self._record(watched, verdict, now)

    async def _record(self, watched: Watched, verdict: Verdict, now: datetime) -> None:
        measured = self.measured(watched, verdict)
        recorded = await self._writer.write(lambda tx: self.events.record(tx, verdict, measured, now))
        watched.incident = recorded.incident.id if recorded.incident else None
        _log.info(
            "verdict",
            release=verdict.release,
            verdict=verdict.word.value,
            grade=verdict.grade.value,
            final=verdict.final,
        )
        self._on_recorded(recorded)

    def _verdict(self, watched: Watched, now: datetime) -> Verdict:
        policy = self._rules.policies.of(watched.release.producer)
        verdict = judge(watched.release, watched.promises, watched.runs, self._blind, policy, now)
        return with_platform(verdict, self._others(verdict))

    def _others(self, verdict: Verdict) -> list[Verdict]:
        if verdict.word not in {Word.LATE, Word.OVERDUE}:
            return []
        known = (watched.verdict for name, watched in self._releases.items() if name != verdict.release)
        return [other for other in known if other is not None]

    def _replan(self, watched: Watched) -> None:
        now = self._clock.now()
        slot = slot_in_force(watched.promises, now, self._rules.primary).slot
        for target in watched.targets.values():
            windows = windows_for(target, slot, watched.standing(target), self._rules.phases, now) if slot else ()
            if _differ(windows, watched.windows.get(target.id, ()), now):
                self._plan(watched, target, windows, slot.instant if slot and is_view_of_page(target) else None)

    def _plan(self, watched: Watched, target: Target, windows: tuple[Window, ...], instant: datetime | None) -> None:
        watched.windows[target.id] = windows
        if windows:
            # The shift spreads targets over their spacing, the same after every restart.
            shift = timedelta(milliseconds=crc32(target.id.encode()) % 3_600_000)
            self._looker.watch(target, windows, shift, instant=instant)
        else:
            self._looker.drop(target.id)

    def _set_targets(self, watched: Watched) -> None:
        targets = {target.id: target for target in targets_of(watched.release, origin_view=self._rules.origin_view)}
        for gone in watched.targets.keys() - targets.keys():
            self._looker.drop(gone)
            watched.windows.pop(gone, None)
        for name, target in targets.items():
            if watched.targets.get(name) != target:
                watched.windows.pop(name, None)
        watched.targets = targets
        self._replan(watched)

    def _with_parts(self, release: Release, known: Sequence[Part]) -> Release:
        parts = {part.id: part for part in known if part.id.startswith(("found-", "elsewhere-"))}
        parts = {part.id: part for part in (*release.parts, *self._rules.extra_parts(release))} | parts
        return replace(release, parts=tuple(parts.values()))

    def _spacing(self, watched: Watched, target: Target) -> timedelta | None:
        runs = watched.runs.get(target.id)
        windows = watched.windows.get(target.id, ())
        window = window_at(windows, runs[-1].last_received) if runs else None
        return window.every if window else None

    def _was_blind(self, sighting: Sighting, watched: Watched) -> bool:
        runs = watched.runs.get(sighting.target)
        if not runs:
            return False
        last = runs[-1].last_received
        return any(span.begins < sighting.sent and span.ends > last for span in self._blind if not span.host)

    def _is_unsettled(self, watched: Watched, at: datetime) -> bool:
        verdict = watched.verdict
        if verdict is None or verdict.word not in _UNSETTLED or verdict.slot is None:
            return False
        passes = verdict.slot.passes()
        return passes is not None and at > passes

    def _collect_due(self) -> None:
        now = self._clock.now()
        while self._revisits and self._revisits[0][0] <= now:
            self._dirty.add(heapq.heappop(self._revisits)[1])

    async def _wait(self) -> None:
        self._bell.clear()
        pause = 3600.0
        if self._revisits:
            pause = max(0.0, (self._revisits[0][0] - self._clock.now()).total_seconds())
        try:
            async with asyncio.timeout(pause):
                await self._bell.wait()
        except TimeoutError:
            return


def _standing(verdict: Verdict) -> str:
    return standing(body_of(verdict, None))


def _differ(new: Sequence[Window], old: Sequence[Window], now: datetime) -> bool:
    return tuple(new) != tuple(window for window in old if window.ends > now)


def _discovered(name: str, role: str, url: str) -> Part:
    return Part(name, Role(role), url, required=False)
