"""Plays a script through the real daemon.

Only the clock, the network and the channels are simulated.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

from monitor.app.build import App, Edges, build
from monitor.app.options import make_stored_judge
from monitor.clock import SteadyClock, SystemClock, VirtualClock
from monitor.config.settings import Settings
from monitor.deliver.drafts import ENDINGS, render_draft
from monitor.look.http.fetcher import HttpFetcher
from monitor.rehearse.expect import Met, Results, check
from monitor.rehearse.publisher.faults import find_certificates
from monitor.rehearse.publisher.server import Publisher
from monitor.rehearse.script.script import Script, ScriptLog, ScriptTrouble
from monitor.rehearse.settings import rehearsal_settings
from monitor.rehearse.virtual_loop import JumpingLoop, TimeStoppingFetcher
from monitor.store.open import open_store
from monitor.store.rows import Draft
from monitor.store.sql.read import OutboxStore, VerdictStore
from monitor.store.writer import DELAY
from schedules.times.json import Json, instant_json

_DELAY_WITHOUT_KILL = 60.0
"""Virtual seconds until a look is committed, if the script never kills the daemon."""
_PROGRESS_REPORTS = 50
ReportProgress = Callable[[int], None]
ScriptAction = ScriptTrouble | ScriptLog


@dataclass(frozen=True, slots=True)
class RehearsalOutcome:
    """The outcome of a rehearsal."""

    script: Script
    results: Results
    met: Sequence[Met]
    wall_seconds: float
    looks: int
    requests: dict[str, int]
    peak_rate: dict[str, int]
    reason: str | None = None
    """Why it was not played to its end; None if it was."""

    @classmethod
    def of_failure(cls, script: Script, reason: str, wall_seconds: float = 0.0) -> RehearsalOutcome:
        """Return the outcome of a script that was not played to its end: no expectation is met."""
        met = [
            Met(one.release or "", one.part, met=False, why="not played to its end")
            for one in script.expect
        ]
        return cls(
            script, Results(), met, wall_seconds, looks=0, requests={}, peak_rate={}, reason=reason
        )

    @property
    def ok(self) -> bool:
        """Whether the script was played to its end and every expectation was met."""
        return self.reason is None and all(met.met for met in self.met)

    def as_json(self) -> Json:
        """Return the outcome as the JSON object of `rehearse --json`."""
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
            "expect": [
                {"release": one.release, "part": one.part, "met": one.met, "why": one.why}
                for one in self.met
            ],
        }


def play(
    script: Script,
    base: Settings,
    folder: Path,
    speed: float | None = None,
    report: ReportProgress | None = None,
) -> RehearsalOutcome:
    """Play a script and return its outcome. Store, evidence and drafts are written in `folder`.

    `base` is the configuration to use. `speed` is relative to real time; None means as fast as
    possible. `report` is called with the percentage played, 50 times in all.
    """
    settings = rehearsal_settings(script, base, folder)
    began = SystemClock().monotonic()
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(speed=speed)) as runner:
        rehearsal = runner.run(_run_rehearsal(script, settings, report))
    results = _read_results(settings, script, folder)
    return RehearsalOutcome(
        script=script,
        results=results,
        met=check(script, results),
        wall_seconds=SystemClock().monotonic() - began,
        looks=rehearsal.looks,
        requests=rehearsal.publisher.log.requests(),
        peak_rate=rehearsal.publisher.log.peak_rate(),
    )


async def _run_rehearsal(
    script: Script, settings: Settings, report: ReportProgress | None
) -> Rehearsal:
    """Return the rehearsal of a script with its publisher's log."""
    begins = script.begins
    rehearsal = Rehearsal(
        script, settings, true_clock=VirtualClock(begins), monitor_clock=VirtualClock(begins)
    )
    reporting = (
        asyncio.ensure_future(_report_progress(script, rehearsal.true_clock, report))
        if report
        else None
    )
    try:
        await rehearsal.run()
    finally:
        if reporting is not None:
            reporting.cancel()
    return rehearsal


async def _report_progress(
    script: Script, true_clock: VirtualClock, report: ReportProgress
) -> None:
    """Call `report` with the percentage played, in equal steps of virtual time."""
    step = (script.ends - script.begins) / _PROGRESS_REPORTS
    for done in range(_PROGRESS_REPORTS):
        report(100 * done // _PROGRESS_REPORTS)
        await true_clock.sleep(step.total_seconds())


@dataclass
class Rehearsal:
    """The publisher, and the daemon while it runs.

    `true_clock` is right even if `monitor_clock` is wrong.
    """

    script: Script
    settings: Settings
    true_clock: VirtualClock
    monitor_clock: VirtualClock
    is_live: bool = False
    """Whether it plays in real time, and serves its pages."""
    looks: int = 0
    publisher: Publisher = field(init=False)
    _app: App | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _daemon: asyncio.Task[None] | None = None
    _starts: int = 0

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.script, self.true_clock, self.settings.timezone)

    @classmethod
    def in_real_time(cls, script: Script, settings: Settings) -> Rehearsal:
        """Return a rehearsal whose pages people can use while it runs, on a loop with the speed of
        real time.
        """
        begins = script.begins
        return cls(script, settings, VirtualClock(begins), VirtualClock(begins), is_live=True)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Play the releases of the script until `stop` is set."""
        await self.publisher.start()
        try:
            await self._start_daemon()
            stopped = asyncio.ensure_future(stop.wait())
            running = {stopped} | ({self._daemon} if self._daemon is not None else set())
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            await self._end_daemon()
        finally:
            await self.publisher.close()

    async def run(self) -> None:
        """Play the script from its begin to its end."""
        await self.publisher.start()
        try:
            await self._start_daemon()
            actions: list[ScriptAction] = [*self.script.monitor, *self.script.log]
            for action in sorted(actions, key=lambda action: action.at):
                if action.at <= self.script.ends:
                    await self._wait_until(action.at)
                    await self._apply_action(action)
            await self._wait_until(self.script.ends)
            if self._app is not None:
                await self._app.redraft_all()
            await self._end_daemon()
        finally:
            await self.publisher.close()

    async def _wait_until(self, instant: datetime) -> None:
        """Wait until `instant` by the true clock.

        Raises the exception of a daemon that fails while we wait.
        """
        pause = asyncio.ensure_future(
            self.true_clock.sleep((instant - self.true_clock.now()).total_seconds())
        )
        waiting = {pause} | ({self._daemon} if self._daemon is not None else set())
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._daemon is not None and self._daemon.done():
            pause.cancel()
            # Raises the daemon's exception. A daemon ends without one only in `_end_daemon`, which
            # sets it to None.
            self._daemon.result()
        await pause

    async def _apply_action(self, action: ScriptAction) -> None:
        """Log an incident if the daemon runs, or stop, kill or start the daemon, or set its
        clock.
        """
        if isinstance(action, ScriptLog):
            if self._app is not None:
                await self._app.log_by_hand(action.release, action.words)
        elif action.kind in {"stop", "kill"}:
            await self._end_daemon(kill=action.kind == "kill")
        elif action.kind == "start":
            await self._start_daemon()
        elif action.offset is not None:
            self.monitor_clock.offset = action.offset

    async def _start_daemon(self) -> None:
        if self._app is not None:
            return
        self._starts += 1
        self._stop = asyncio.Event()
        # Results are committed after this delay, in virtual time. A long one saves many commits,
        # but a kill would lose more than usual.
        may_be_killed = any(action.kind == "kill" for action in self.script.monitor)
        delay = DELAY if self.is_live or may_be_killed else _DELAY_WITHOUT_KILL
        seconds = self.settings.network.timeout.total_seconds()
        clock = SteadyClock(self.monitor_clock)
        fetcher = HttpFetcher(clock, route=self.publisher.route, seconds=seconds)
        # what a daemon uses of the outside world: here a virtual clock and the simulated publisher
        edges = Edges(
            clock=clock,
            fetcher=TimeStoppingFetcher(fetcher),  # virtual time stands still during a request
            seed=Random(f"{self.script.seed}/{self._starts}").getrandbits(32),  # noqa: S311 # a rehearsal must be repeatable
            serve=self.is_live,
            certificates=find_certificates(self.script.fault),
            # No script has a power cut, and waiting for the disk would be most of a rehearsal's
            # real time.
            durable=False,
            delay=delay,
        )
        self._app = build(self.settings, edges)
        self._daemon = asyncio.create_task(self._app.daemon.run(self._stop), name="daemon")

    async def _end_daemon(self, *, kill: bool = False) -> None:
        """Stop the daemon if it runs, and count its looks.

        With `kill`, its uncommitted rows are lost.
        """
        if self._app is None or self._daemon is None:
            return
        if kill:
            self._app.daemon.abandon()
            self._daemon.cancel()
            await asyncio.wait({self._daemon})
        else:
            self._stop.set()
            await self._daemon
        self.looks += self._app.daemon.parts.poller.made
        await self._app.daemon.close()
        self._app = self._daemon = None


def _read_results(settings: Settings, script: Script, folder: Path) -> Results:
    """Return the releases (as of the script's end), notices and drafts.

    Also write the drafts to files in `folder`.
    """
    store = open_store(settings.store.url)
    try:
        judge, at = make_stored_judge(settings, store), script.ends
        judged = [judge.body_of(row, at) for row in store.verdicts.judged()]
        # None for a judged release.
        unwatched = (judge.body_of_unwatched(release.id, at) for release in store.ledger.releases())
        return Results(
            releases=[*judged, *(body for body in unwatched if body is not None)],
            notices=_read_notices(store.outbox),
            drafts=_read_drafts(store.verdicts, folder),
        )
    finally:
        store.close()


def _read_notices(outbox: OutboxStore) -> list[Json]:
    """Return the notices as `rehearse --json` prints them.

    `follows` is the id of an earlier notice, or None.
    """
    channels: dict[str, list[str]] = defaultdict(list)
    for delivery in outbox.deliveries():
        channels[delivery.notice].append(delivery.channel)
    return [
        {
            "id": notice.id,
            "kind": notice.kind,
            "release": notice.release,
            "at": instant_json(notice.at),
            "channels": sorted(channels[notice.id]),
            "follows": notice.follows or None,
            "findings": list(notice.findings),
            "subject": notice.subject,
        }
        for notice in outbox.notices()
    ]


def _read_drafts(verdicts: VerdictStore, folder: Path) -> list[Json]:
    """Return the last version of each incident's draft, after writing it to files in
    `folder`/drafts.
    """
    drafts = []
    for incident in verdicts.incidents():
        versions = verdicts.drafts(incident.id)
        if not versions:
            continue
        last = versions[-1]
        files = [str(_write_draft(last, ending, folder / "drafts")) for ending in ENDINGS]
        drafts.append(
            {
                "release": incident.release,
                "incident": incident.id,
                "form": last.form,
                "edition": last.edition,
                "versions": last.version,
                "files": files,
            }
        )
    return drafts


def _write_draft(draft: Draft, ending: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{draft.incident}.{ending}"
    file.write_bytes(render_draft(draft, ending)[0])
    return file
