"""The wired program, as the command line, rehearsals and benches use it."""

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
from monitor.errors import EnvironmentFault
from monitor.store.writer import LATE
from schedules.times.words import stamp

_ALIVE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class LookedOnce:
    """The result of `run_once`: the JSON of each release, and the faults of calendar reads by calendar."""

    releases: list[dict[str, Any]]
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class App:
    """One monitor. Run it in the event loop in which it was built."""

    daemon: Daemon
    status: Status
    timezone: str
    reload: Reload

    @property
    def looks(self) -> int:
        """Return how many scheduled looks have begun."""
        return self.daemon.poller.made

    async def run(self, stop: asyncio.Event, started: Callable[[], None] = lambda: None) -> None:
        """Run until `stop` is set, then stop regularly. `started` is called before the first look."""
        await self.daemon.run(stop, started)

    async def run_once(self, day: date | None = None) -> LookedOnce:
        """Read calendars, look once at the releases of a local day (None: all), judge them and send due notices.

        Raises `EnvironmentFault` while a monitor of this name is running on the same store.
        """
        daemon = self.daemon
        await self._refuse_second_monitor()
        await daemon.take_up()
        await daemon.calendar_reads.read_all()
        targets = daemon.admission.targets_on(day)
        for target in targets:
            daemon.intake.see(target, *await daemon.poller.look_once(target))
        await daemon.watch.judging.judge_all(list(daemon.watch.releases))
        for channel in daemon.channels:
            await daemon.outbox.send_due(channel.name)
        looked = {target.release for target in daemon.admission.targets_on(day)}
        bodies = [body for release in looked if (body := self.status.body(release)) is not None]
        await daemon.writer.backlog.finish_large(LATE)
        await daemon.finish()
        return LookedOnce(bodies, dict(self.status.health.faults))

    async def log_by_hand(self, release: str, words: Mapping[str, str]) -> Incident:
        """Save an incident that a person reports, for a watched release or none. Raises `InvalidInput`."""
        daemon, now = self.daemon, self.daemon.clock.now()
        known = await daemon.ledger.load_release(release)
        facts = daemon.watch.facts(known, daemon.ledger.promises(release)) if known is not None else None
        typed, record = {"release": release, **words}, daemon.watch.events
        incident, _ = await daemon.writer.write(lambda tx: log_by_hand(tx, record, typed, facts, now))
        daemon.outbox.wake()
        return incident

    async def redraft_all(self) -> None:
        """Write a new version of every draft that is no longer current."""
        daemon, current = self.daemon, self.reload.current_incidents
        now = daemon.clock.now()
        for incident in await daemon.ask(daemon.store.verdicts.incidents):
            write = await daemon.ask(partial(current.prepare_redraft, incident.id, now))
            if write is not None:
                await daemon.writer.write(write)

    def abandon(self) -> None:
        """Stop at once, like `kill -9`. Uncommitted writes are lost."""
        self.daemon.abandon()

    async def close(self) -> None:
        """Close the store, channels and connections, even if not everything is committed."""
        await self.daemon.close()

    async def _refuse_second_monitor(self) -> None:
        # Two monitors of one name would each take the other's silence for its own blind span.
        daemon = self.daemon
        beat = await daemon.ask(lambda: daemon.store.leases.heartbeat(daemon.name))
        if beat is not None and not beat.stopped and daemon.clock.now() - beat.at < _ALIVE:
            raise EnvironmentFault(
                f'a monitor named "{daemon.name}" is running on this store, last active at {stamp(beat.at)}: '
                "query it with `today`, or stop it first"
            )
