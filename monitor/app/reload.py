"""Another configuration in the place of the one that runs, while looks, runs, verdicts and sign-ins stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog
from pydantic import BaseModel

from alerts.channel import Channel
from alerts.rota import calendar_of
from monitor.app.core import Core
from monitor.app.daemon import Daemon
from monitor.app.options import (
    allowed_hosts,
    budget_of,
    checks_of,
    fetcher_of,
    joining_of,
    spacings_of,
    tripwires_of,
    watch_rules_of,
)
from monitor.app.parts import (
    afresh_for,
    outbox_options_for,
    reaching_people,
    rota_reads_for,
    shown_by,
    summaries_for,
)
from monitor.app.readers import readers_of
from monitor.app.reporting_options import provider_of, reminding_of, vouching_of
from monitor.app.upkeep import Recurring, deadman, upkeep
from monitor.config.settings import Settings
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.reminders import Reminders
from monitor.deliver.verdicts import VerdictRecord
from monitor.errors import BadInput, Fault, NinethirtyError
from monitor.health.hosts import StarvedHosts
from monitor.health.self_check import SelfCheck
from monitor.ledger.reader import CalendarReader
from monitor.look.fetch import Fetcher
from monitor.watch.budget_forecast import BudgetForecast
from monitor.web.queries import Queries
from schedules.sources.settings import CalendarSettings
from schedules.values import shown

_log = structlog.get_logger(__name__)
_ROLL = timedelta(hours=1)
_RESTART = "cannot be changed while the monitor runs: restart it for that"
_SETTLED = 150.0
"""Seconds after which nothing is under way any more through what was replaced."""
_FIXED = (
    "timezone",
    "store",
    "evidence",
    "clock",
    "web.listen",
    "web.proxies",
    "web.users_file",
    "web.proxy_header",
    "web.metrics_listen",
    "watch.vantage",
)
"""Keys that a running monitor cannot take otherwise: what was measured and kept so far was by these."""


def fixed_faults(now: Settings, then: Settings, file: str) -> Iterator[Fault]:
    """Yield a fault for each key that cannot be changed while a monitor runs."""
    for key in _FIXED:
        for place, value in _differing(key, _at(now, key), _at(then, key)):
            # The address of a store may hold a password.
            value_told = None if place == "store.url" else shown(value)
            yield Fault(file, place, _RESTART, value_told)
    if now.web.signs_in != then.web.signs_in:
        yield Fault(file, "web.oidc", _RESTART)


def _at(settings: Settings, key: str) -> Any:  # noqa: ANN401 # whatever stands there
    found: Any = settings
    for name in key.split("."):
        found = getattr(found, name)
    return found


def _differing(key: str, now: Any, then: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 # whatever stands there
    if isinstance(now, BaseModel):
        for name in type(now).model_fields:
            yield from _differing(f"{key}.{name}", getattr(now, name), getattr(then, name))
    elif now != then:
        yield key, then


@dataclass
class Reload:
    """Has the parts of a running monitor go by another configuration.

    Nothing that is measured or known starts anew: looks go on, releases stay under watch, whoever signed in stays in.
    """

    core: Core
    daemon: Daemon
    record: VerdictRecord
    as_of_now: AsOfNow
    reminders: Reminders
    forecast: BudgetForecast
    check: SelfCheck
    queries: Queries
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _starved: StarvedHosts = field(init=False)

    def __post_init__(self) -> None:
        """Have the jobs done that the first configuration asks for."""
        self._starved = StarvedHosts(self.core.clock, self.daemon.poller.stretch, self.core.blind.note)
        self.daemon.jobs = self.jobs()
        self.core.metrics.reloaded(self.core.clock.now())

    def jobs(self) -> tuple[Recurring, ...]:
        """Return the recurring jobs that the configuration asks for."""
        core, daemon, outbox, rotas = self.core, self.daemon, self.daemon.outbox, self.record.rules.rotas
        return (
            *daemon.calendar_reads.jobs(),
            (_ROLL, "roll", daemon.admission.roll),
            *self.check.jobs(),
            *upkeep(core, self._starved, daemon.watch, self.forecast),
            *deadman(core, self.check),
            *self.reminders.jobs(),
            *rota_reads_for(core, daemon.poller, daemon.calendar_reads.incidents, rotas).jobs(),
            *summaries_for(core, self.queries, self.forecast, outbox, rotas).jobs(),
        )

    async def __call__(self, read: Callable[[], Settings], file: str) -> list[str]:
        """Go by what `read` returns, from now on; return what is wrong with it, and then everything is as it was.

        It is read from `file`, in a thread.
        """
        async with self._turn:
            try:
                settings = await self.core.threads.ask(read)
                if faults := list(fixed_faults(self.core.settings, settings, file)):
                    raise BadInput(faults)
                was = self.core.settings
                changed = [name for name in type(was).model_fields if getattr(was, name) != getattr(settings, name)]
                await self._take(settings)
            except NinethirtyError as fault:
                self.core.metrics.reloaded(None)
                _log.error("reload_refused", faults=str(fault).splitlines())
                return str(fault).splitlines()
        self.core.metrics.reloaded(self.core.clock.now())
        _log.info("reloaded", changed=changed)
        return []

    async def _take(self, settings: Settings) -> None:
        was, daemon, folder = self.core, self.daemon, self.core.folder
        core = replace(was, settings=settings, fetcher=self._fetcher(settings))
        # All that can go wrong comes first.
        channels, rules = await core.threads.ask(lambda: reaching_people(core, settings))
        readers = readers_of(settings, folder, daemon.poller.ask, core.clock, core.evidence, core.workers)
        await core.ledger.reconfigure(joining_of(settings), checks_of(settings), core.clock.now())
        # From here on nothing is waited for: no look, page or notice meets half of it.
        self.core, self.record.rules, self.reminders.rules = core, rules, rules
        self.reminders.reminding, self.as_of_now.afresh = reminding_of(settings), afresh_for(core)
        self.forecast.budget = budget_of(settings)
        self._count(settings, channels)
        daemon.poller.reconfigure(self.forecast.budget, core.fetcher)
        daemon.outbox.reconfigure(channels, outbox_options_for(core, rules))
        daemon.tripwires.reconfigure(tripwires_of(settings), settings.watch.tripwire.every)
        self._watch(settings)
        rotas = [calendar_of(table.name) for table in settings.rota if table not in was.settings.rota]
        anew = [*self._read(readers, was.settings), *rotas]
        self._show(settings)
        daemon.reconfigure(self.jobs(), anew)
        old, daemon.fetcher, daemon.channels = daemon.channels, core.fetcher, channels
        self._retire(was.fetcher, old)
        await daemon.admission.watch_all_near(core.clock.now())

    def _fetcher(self, settings: Settings) -> Fetcher:
        """Return what goes out to the network: another only where it is to go otherwise."""
        core = self.core
        was, now = ((one.network, budget_of(one), list(allowed_hosts(one))) for one in (core.settings, settings))
        is_same = was == now or core.edges.fetcher is not None
        return core.fetcher if is_same else fetcher_of(settings, core.clock)

    def _count(self, settings: Settings, channels: Sequence[Channel]) -> None:
        spacings = spacings_of(settings)
        self.core.health.expect(spacings)
        hosts = [host for host in settings.budget if host != "default"]
        self.core.metrics.expect(spacings, hosts, [channel.name for channel in channels])

    def _watch(self, settings: Settings) -> None:
        daemon, watch = self.daemon, self.daemon.watch
        for release in watch.releases.keys() - daemon.ledger.releases.keys():
            watch.forget(release)
        watch.reconfigure(watch_rules_of(settings))

    def _read(self, readers: Sequence[tuple[CalendarReader, timedelta]], was: Settings) -> list[str]:
        """Read calendars by these readers; return the jobs of those that are to be read at once."""
        reads, settings, ledger = self.daemon.calendar_reads, self.core.settings, self.core.ledger
        before = {table.name: _read_by(was, table) for table in was.calendar}
        own = {reader.name: reader for reader, _ in reads.readers}
        same = {table.name for table in settings.calendar if before.get(table.name) == _read_by(settings, table)}
        for reader, _ in readers:
            reader.remember(ledger.shown(reader.name))
        reads.readers = [(own[it.name] if it.name in same else it, every) for it, every in readers]
        reads.expect_editions = settings.policy.expect_editions
        return [f"calendar {reader.name}" for reader, _ in readers if reader.name not in same]

    def _show(self, settings: Settings) -> None:
        self.queries = replace(self.queries, **shown_by(self.core, self.record.rules))
        if self.queries.door is not None:
            self.queries.door.public_url = settings.web.public_url or ""
            self.queries.door.proxy_auth = vouching_of(settings)
            self.queries.door.provider = provider_of(settings, self.core.clock)
        if self.daemon.web is not None:
            from monitor.web.app import application  # noqa: PLC0415 # 6 MB, for who serves alone

            self.daemon.web.serve(application(self.queries))

    def _retire(self, fetcher: Fetcher, channels: Sequence[Channel]) -> None:
        """Let go of what was replaced, once nothing is under way through it."""
        gone: list[Channel | Fetcher] = [one for one in channels if one not in self.daemon.channels]
        gone += [fetcher] if fetcher is not self.daemon.fetcher else []

        async def close() -> None:
            await self.core.clock.sleep(_SETTLED)
            for one in gone:
                await one.close()

        if gone:
            self.core.tasks.start(close())


def _read_by(settings: Settings, table: CalendarSettings) -> object:
    """Return all that decides how a calendar is read."""
    return table.model_copy(update={"every": None}), settings.slot_time, settings.policy.producer
