"""The wired program: what the command line, rehearsals and benches ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from alerts.incident import Incident
from monitor.app.daemon import Daemon
from monitor.app.reload import Reload
from monitor.app.status import Status
from monitor.deliver.by_hand import log_by_hand
from monitor.errors import SurroundingsFault
from monitor.plan.targets import Target
from monitor.store.writer import LATE
from schedules.times.words import stamp

_ALIVE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class LookedOnce:
    """What came of looking once: the JSON of each release, and why calendars could not be read, by name."""

    releases: list[dict[str, Any]]
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class App:
    """One monitor, ready to run in the loop it was made in."""

    daemon: Daemon
    status: Status
    timezone: str
    reload: Reload

    @property
    def looks(self) -> int:
        """Return how many scheduled looks were begun."""
        return self.daemon.poller.made

    async def run(self, stop: asyncio.Event, started: Callable[[], None] = lambda: None) -> None:
        """Watch, record and tell until `stop` is set, and stop in good order; call `started` before the first look."""
        await self.daemon.run(stop, started)

    async def once(self, day: date | None = None) -> LookedOnce:
        """Read calendars, look once at the releases of a local day or at all, tell what is to be told.

        Raises `SurroundingsFault` while a monitor of this name is running on the same store.
        """
        daemon = self.daemon
        await self._refuse_another()
        await daemon.take_up()
        await daemon.calendar_reads.read_all()
        targets = daemon.admission.targets_on(day)
        for target in targets:
            await self._look(target)
        await daemon.watch.judge_all(list(daemon.watch.releases))
        for channel in daemon.channels:
            await daemon.outbox.empty(channel.name)
        looked = {target.release for target in daemon.admission.targets_on(day)}
        bodies = [body for release in looked if (body := self.status.body(release)) is not None]
        await daemon.writer.backlog.finish_large(LATE)
        await daemon.finish()
        return LookedOnce(bodies, dict(self.status.health.faults))

    async def log_by_hand(self, release: str, words: Mapping[str, str]) -> Incident:
        """Log an incident that a person saw, about a watched release or none. Raises `InvalidInput`."""
        daemon, now = self.daemon, self.daemon.clock.now()
        known = await daemon.ledger.recall(release)
        facts = daemon.watch.facts(known, daemon.ledger.promises(release)) if known is not None else None
        typed, record = {"release": release, **words}, daemon.watch.events
        incident, _ = await daemon.writer.write(lambda tx: log_by_hand(tx, record, typed, facts, now))
        daemon.outbox.wake()
        return incident

    async def renew_drafts(self) -> None:
        """Write every draft that measurements have outgrown again, as of now."""
        daemon, current = self.daemon, self.reload.as_of_now
        now = daemon.clock.now()
        for incident in await daemon.ask(daemon.store.verdicts.incidents):
            write = await daemon.ask(partial(current.renewal, incident.id, now))
            if write is not None:
                await daemon.writer.write(write)

    def abandon(self) -> None:
        """Die at once, as by kill -9: nothing that is not committed is kept."""
        self.daemon.abandon()

    async def close(self) -> None:
        """Let go of everything, committed or not."""
        await self.daemon.close()

    async def _look(self, target: Target) -> None:
        self.daemon.intake.see(target, *await self.daemon.poller.look_once(target))

    async def _refuse_another(self) -> None:
        # Two of one name would each take the other's silence for its own blind span.
        daemon = self.daemon
        beat = await daemon.ask(lambda: daemon.store.leases.heartbeat(daemon.name))
        if beat is not None and not beat.stopped and daemon.clock.now() - beat.at < _ALIVE:
            raise SurroundingsFault(
                f'a monitor named "{daemon.name}" is running on this store, last heard of at '
                f"{stamp(beat.at)}: ask it with `today`, or stop it first"
            )
