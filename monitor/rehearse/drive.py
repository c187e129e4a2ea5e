"""A script played through the real daemon: every part but the clock, the network and the channels is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from monitor.app.app import App
from monitor.app.build import Edges, build
from monitor.app.jobs import LoopJobs
from monitor.clock import SystemClock, VirtualClock
from monitor.config.settings import Settings
from monitor.look.http.fetcher import HttpFetcher
from monitor.rehearse.expect import Met, Results, check
from monitor.rehearse.publisher.server import Publisher
from monitor.rehearse.results import results_of
from monitor.rehearse.script.script import Script, ScriptLog, ScriptTrouble
from monitor.rehearse.settings import settings_for
from monitor.rehearse.virtual_loop import HeldFetcher, JumpingLoop
from monitor.store.writer import DELAY

_UNHURRIED = 60.0
"""Seconds of virtual time from a look to its commit."""
_STEPS = 50
Report = Callable[[int], None]
Cue = tuple[datetime, int, ScriptTrouble | ScriptLog]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a rehearsal, as `rehearse --json` prints it."""

    script: Script
    results: Results
    met: Sequence[Met]
    wall_seconds: float
    looks: int
    requests: dict[str, int]
    peak_rate: dict[str, int]
    reason: str | None = None
    """Why it was not played to its end; None when it was."""

    @classmethod
    def failed(cls, script: Script, reason: str, wall_seconds: float = 0.0) -> Played:
        """Return what came of a script that was not played to its end: no expectation is met."""
        met = [Met(one.release or "", one.part, met=False, why="not played to its end") for one in script.expect]
        return cls(script, Results(), met, wall_seconds, 0, {}, {}, reason)

    @property
    def ok(self) -> bool:
        """Return whether it was played to its end and met every expectation."""
        return self.reason is None and all(met.met for met in self.met)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of the interface."""
        return {
            "title": self.script.title,
            "ok": self.ok,
            "reason": self.reason,
            "wall_seconds": round(self.wall_seconds, 3),
            "virtual_seconds": (self.script.ends - self.script.begins).total_seconds(),
            "looks": self.looks,
            "requests": self.requests,
            "peak_rate": self.peak_rate,
            "releases": list(self.results.releases),
            "notices": list(self.results.notices),
            "drafts": list(self.results.drafts),
            "expect": [{"release": one.release, "part": one.part, "met": one.met, "why": one.why} for one in self.met],
        }


def play(
    script: Script, base: Settings, folder: Path, speed: float | None = None, report: Report | None = None
) -> Played:
    """Play a script with its store, evidence and drafts in `folder`, as fast as may be or `speed` times real time.

    `base` is the configuration whose calendars, policy, watch, budget and routes are used. `report` is called now and
    then with how many per cent are played.
    """
    settings = settings_for(script, base, folder)
    began = SystemClock().monotonic()
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(speed=speed)) as runner:
        stage = runner.run(_staged(script, settings, report))
    results = results_of(settings, script, folder)
    return Played(
        script=script,
        results=results,
        met=check(script, results),
        wall_seconds=SystemClock().monotonic() - began,
        looks=stage.looks,
        requests=stage.publisher.log.requests(),
        peak_rate=stage.publisher.log.peak_rate(),
    )


async def _staged(script: Script, settings: Settings, report: Report | None) -> _Stage:
    stage = _Stage(script, settings, VirtualClock(script.begins), VirtualClock(script.begins))
    reporting = None if report is None else asyncio.ensure_future(_reporting(script, stage.truth, report))
    try:
        await stage.perform()
    finally:
        if reporting is not None:
            reporting.cancel()
    return stage


async def _reporting(script: Script, truth: VirtualClock, report: Report) -> None:
    step = (script.ends - script.begins) / _STEPS
    for done in range(_STEPS):
        report(100 * done // _STEPS)
        await truth.sleep(step.total_seconds())


@dataclass
class _Stage:
    """The publisher, and the daemon while it lives. `truth` is right whatever the monitor's clock shows."""

    script: Script
    settings: Settings
    truth: VirtualClock
    clock: VirtualClock
    looks: int = 0
    publisher: Publisher = field(init=False)
    _app: App | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Task[None] | None = None
    _lives: int = 0

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.script, self.truth, self.settings.timezone)

    async def perform(self) -> None:
        """Play from the first instant to the last."""
        await self.publisher.start()
        try:
            await self._start()
            for at, _, cue in self._cues():
                await self._until(at)
                await self._take(cue)
            await self._until(self.script.ends)
            if self._app is not None:
                await self._app.redraft_all()
            await self._stop_daemon()
        finally:
            await self.publisher.close()

    def _cues(self) -> Iterator[Cue]:
        told: list[ScriptTrouble | ScriptLog] = [*self.script.monitor, *self.script.log]
        cues = [(cue.at, place, cue) for place, cue in enumerate(told) if cue.at <= self.script.ends]
        return iter(sorted(cues, key=lambda cue: cue[:2]))

    async def _until(self, instant: datetime) -> None:
        """Wait for an instant; a daemon that dies of itself in the meantime is raised."""
        pause = asyncio.ensure_future(self.truth.sleep((instant - self.truth.now()).total_seconds()))
        waiting = {pause} | ({self._life} if self._life is not None else set())
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._life is not None and self._life.done():
            pause.cancel()
            self._life.result()
        await pause

    async def _take(self, cue: ScriptTrouble | ScriptLog) -> None:
        if isinstance(cue, ScriptLog):
            await self._log(cue)
        elif cue.kind == "stop":
            await self._stop_daemon()
        elif cue.kind == "kill":
            await self._kill()
        elif cue.kind == "start":
            await self._start()
        elif cue.offset is not None:
            self.clock.offset = cue.offset

    async def _start(self) -> None:
        if self._app is not None:
            return
        self._lives += 1
        self._stop = asyncio.Event()
        seconds = self.settings.network.timeout.total_seconds()
        fetcher = HttpFetcher(self.clock, route=self.publisher.route, seconds=seconds)
        edges = Edges(
            clock=self.clock,
            clockwork=LoopJobs,
            fetcher=HeldFetcher(fetcher),
            seed=Random(f"{self.script.seed}/{self._lives}").getrandbits(32),  # noqa: S311 # a rehearsal is to be repeatable
            serve=False,
            # Nobody rehearses a power cut: the wait for the disk would be most of the time it takes.
            durable=False,
            # Nor, but where a script kills the daemon, what a batch not yet written would have held: in virtual time
            # each look would be a batch of its own.
            delay=DELAY if any(cue.kind == "kill" for cue in self.script.monitor) else _UNHURRIED,
        )
        self._app = build(self.settings, edges)
        self._life = asyncio.create_task(self._app.run(self._stop), name="daemon")

    async def _stop_daemon(self) -> None:
        if self._app is None or self._life is None:
            return
        self._stop.set()
        await self._life
        await self._bury(self._app)

    async def _kill(self) -> None:
        if self._app is None or self._life is None:
            return
        self._app.abandon()
        self._life.cancel()
        await asyncio.wait({self._life})
        await self._bury(self._app)

    async def _bury(self, app: App) -> None:
        self.looks += app.looks
        await app.close()
        self._app = self._life = None

    async def _log(self, cue: ScriptLog) -> None:
        if self._app is not None:
            await self._app.log_by_hand(cue.release, cue.words)
