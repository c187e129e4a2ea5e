"""Reloads the configuration without interrupting looks, verdicts or sign-ins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel

from alerts.channel import Channel
from alerts.rota import rota_calendar_name
from monitor.app.core import Core
from monitor.app.daemon import Daemon
from monitor.app.options import (
    allowed_hosts,
    calendar_spacings,
    make_budget,
    make_calendar_checks,
    make_fetcher,
    make_join_rules,
    make_judge_at,
    make_openid,
    make_proxy_auth,
    make_tripwire_producers,
    make_watch_rules,
    page_settings,
)
from monitor.app.parts import (
    Parts,
    make_current_rules,
)
from monitor.app.readers import make_calendar_readers
from monitor.config.settings import Settings
from monitor.deliver.last_resort import LastResort
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.errors import BadInput, EnvironmentFault, Fault, NinethirtyError
from monitor.health.hosts import CHECK_EVERY, StarvedHosts
from monitor.health.self_check import DeadManSwitch, SelfCheck
from monitor.health.system import return_free_memory
from monitor.ledger.reader import CalendarReader
from monitor.look.fetch import Fetcher
from monitor.store.retention import BOUNDED, DAILY, Retention
from monitor.threads import RecurringJob, run_in_thread
from monitor.watch.budget_forecast import FORECAST_EVERY, BudgetForecast
from monitor.watch.planner import WatchRules
from monitor.watch.predicted_addresses import PREDICT_EVERY, PredictedAddresses
from monitor.watch.watch import Watch
from monitor.web.sessions import ProxyAuth
from schedules.sources.settings import CalendarSettings
from schedules.values import quote_value

if TYPE_CHECKING:
    from monitor.web.openid import OpenID

_log = structlog.get_logger(__name__)
_ROLL_EVERY = timedelta(hours=1)
_RETURN_MEMORY_EVERY = timedelta(minutes=15)
_RESTART = "cannot be changed while the monitor runs: restart the monitor"
_CLOSE_AFTER = 150.0
"""Seconds after which no request or message uses a replaced fetcher or channel."""
_FIXED_WEB = ("listen", "proxies", "users_file", "proxy_header", "metrics_listen", "socket")
_FIXED = (
    "timezone",
    "store",
    "evidence",
    "clock",
    *(f"web.{name}" for name in _FIXED_WEB),
    "watch.vantage",
)
"""Keys that cannot change while a monitor runs, because what was measured and stored so far depends
on them.
"""


def find_fixed_changes(current: Settings, new: Settings, file: str) -> Iterator[Fault]:
    """Yield a fault for each changed key that cannot change while a monitor runs.

    `file` is named in the faults.
    """
    for key in _FIXED:
        value_at = attrgetter(key)
        for changed_key, value in _differing_keys(key, value_at(current), value_at(new)):
            # The address of a store may contain a password.
            yield Fault(
                file,
                changed_key,
                _RESTART,
                None if changed_key == "store.url" else quote_value(value),
            )
    # A provider may change, but people cannot begin or cease to sign in.
    if current.web.signs_in != new.web.signs_in:
        yield Fault(file, "web.oidc", _RESTART)


def _differing_keys(key: str, old: Any, new: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 # a setting of any type
    """Yield each key of a setting that differs, with its new value. A table is compared key by
    key.
    """
    if isinstance(old, BaseModel):
        for name in type(old).model_fields:
            yield from _differing_keys(f"{key}.{name}", getattr(old, name), getattr(new, name))
    elif old != new:
        yield key, new


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a reload makes from new settings before it changes anything."""

    core: Core
    channels: Sequence[Channel]
    rules: ReportingRules
    readers: Sequence[tuple[CalendarReader, timedelta]]
    outbox_options: OutboxOptions
    watch_rules: WatchRules
    pages: dict[str, Any]
    proxy_auth: ProxyAuth | None
    provider: OpenID | None


@dataclass
class Reload:
    """Applies another configuration to the parts of a running monitor.

    Looks continue, releases are still watched, and people stay signed in.
    """

    daemon: Daemon
    parts: Parts
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _starved_hosts: StarvedHosts = field(init=False)
    _last_resort: LastResort = field(init=False)

    def __post_init__(self) -> None:
        """Set the recurring jobs of the first configuration."""
        core, parts = self.parts.core, self.parts
        self._starved_hosts = StarvedHosts(
            core.clock, parts.poller.stretch_factors, core.blind.note
        )
        self._last_resort = LastResort(
            core.clock,
            parts.outbox,
            core.health.store_fails,
            core.health.store_failing_since,
            parts.watch.judging.find_unrecorded,
        )
        self.daemon.jobs = self.jobs()
        core.metrics.record_reload(core.clock.now())

    def jobs(self) -> tuple[RecurringJob, ...]:
        """Return the recurring jobs of the current configuration."""
        parts = self.parts
        return (
            *parts.calendar_reads.jobs(),
            # watches releases that have come near, forgets old ones
            (_ROLL_EVERY, "roll", parts.admission.roll),
            *parts.check.jobs(),
            # hosts looked at too rarely
            *upkeep_jobs(parts.core, self._starved_hosts, parts.watch, parts.forecast),
            *deadman_jobs(parts.core, parts.check),  # pings a service that alarms without pings
            *parts.reminders.jobs(),
            *self._last_resort.jobs(),
            *parts.rota_reads().jobs(),
            *parts.summaries().jobs(),
            *parts.readiness_notices().jobs(),
        )

    async def __call__(self, read: Callable[[], Settings], file: str) -> list[str]:
        """Apply the settings that `read` returns.

        Return their faults. If there are any, the old settings remain.

        `read` runs in a thread. `file` names the configuration in faults.
        """
        async with self._lock:
            core, old = self.daemon.core, self.daemon.core.settings
            try:
                settings = await core.threads.ask(read)
                if faults := list(find_fixed_changes(old, settings, file)):
                    raise BadInput(faults)
                changed = [
                    name
                    for name in type(old).model_fields
                    if getattr(old, name) != getattr(settings, name)
                ]
                if core.is_standby:
                    self.daemon.begin_again(settings)
                else:
                    await self._replace_parts(settings)
            except NinethirtyError as fault:
                core.metrics.record_reload(None)
                _log.error("reload_refused", faults=str(fault).splitlines())
                return str(fault).splitlines()
        core.metrics.record_reload(core.clock.now())
        _log.info("reloaded", changed=changed)
        return []

    async def _replace_parts(self, settings: Settings) -> None:
        """Give new settings to every part that runs.

        If this fails, close what was opened for it, and raise. The old settings then stay in use.
        """
        async with AsyncExitStack() as opened:
            new = await self._prepare_parts(settings, opened)
            # The ledger comes first, because it uses its new rules at once, and may fail.
            await new.core.ledger.reconfigure(
                make_join_rules(settings), make_calendar_checks(settings), new.core.clock.now()
            )
            opened.pop_all()
        await self._apply_parts(new)

    async def _prepare_parts(self, settings: Settings, opened: AsyncExitStack) -> _Prepared:
        """Return every part that new settings make. This changes nothing.

        Raises `EnvironmentFault` if a file that they name cannot be read. The stack `opened` closes
        the new fetcher and channels.
        """
        old, ask = self.daemon.core, self.daemon.core.threads.ask
        core = old.with_settings(settings, self._new_fetcher(settings))
        if core.fetcher is not old.fetcher:
            opened.push_async_callback(core.fetcher.close)
        try:
            channels = await ask(partial(core.edges.open_channels, settings, core.clock.now))
            for channel in channels:
                if channel not in self.parts.channels:
                    opened.push_async_callback(channel.close)
            rules = await ask(lambda: make_current_rules(core, channels))
            return _Prepared(
                core,
                channels,
                rules,
                make_calendar_readers(core, self.parts.poller.send_in_turn),
                self.parts.outbox_options(core, rules),
                make_watch_rules(settings),
                page_settings(settings, core.folder, core.store, rules, core.certificates),
                make_proxy_auth(settings),
                make_openid(settings, core.clock),
            )
        except OSError as exc:
            raise EnvironmentFault(f"{exc.filename}: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise EnvironmentFault("a file that the configuration names is not UTF-8") from exc

    async def _apply_parts(self, new: _Prepared) -> None:
        """Put the new parts in the place of the old ones."""
        old, daemon, parts = self.daemon.core, self.daemon, self.parts
        core, settings = new.core, new.core.settings
        # Only the last step awaits, so no look, page or notice sees half of the change.
        parts.core = core
        parts.current_incidents.record.rules = parts.reminders.rules = new.rules
        parts.current_incidents.judge_at = make_judge_at(settings)
        parts.reminders.remind_after = settings.alert.remind_after
        parts.reminders.remind_every = settings.alert.remind_every
        parts.forecast.budget = make_budget(settings)
        spacings = calendar_spacings(settings)
        hosts = [host for host in settings.budget if host != "default"]
        core.health.expect_calendars(spacings)
        core.metrics.prepare_series(spacings, hosts, [channel.name for channel in new.channels])
        parts.poller.reconfigure(parts.forecast.budget, core.fetcher)
        parts.outbox.reconfigure(new.channels, new.outbox_options)
        parts.tripwires.reconfigure(
            make_tripwire_producers(settings), settings.watch.tripwire.every
        )
        # The new rules may have joined a release into another.
        for release in parts.watch.releases.keys() - core.ledger.releases.keys():
            parts.watch.forget(release)
        parts.watch.reconfigure(new.watch_rules)
        changed_rotas = [
            rota_calendar_name(table.name)
            for table in settings.rota
            if table not in old.settings.rota
        ]
        run_now = [*self._replace_readers(new.readers, old.settings), *changed_rotas]
        self._reconfigure_pages(new)
        daemon.reconfigure(self.jobs(), run_now)
        old_channels, parts.channels = parts.channels, new.channels
        self._close_later(old.fetcher, old_channels)
        await parts.admission.watch_all_near_or_retry()

    def _new_fetcher(self, settings: Settings) -> Fetcher:
        """Return the fetcher for these settings: the same one if the network, budgets and allowed
        hosts are equal.
        """
        core, both = self.daemon.core, (self.daemon.core.settings, settings)
        old, new = (
            (config.network, make_budget(config), list(allowed_hosts(config))) for config in both
        )
        # A fetcher that replaces the real one, as in rehearsals, stays.
        return (
            core.fetcher
            if old == new or core.edges.fetcher is not None
            else make_fetcher(settings, core.clock, core.certificates)
        )

    def _replace_readers(
        self, readers: Sequence[tuple[CalendarReader, timedelta]], old: Settings
    ) -> list[str]:
        """Replace the readers of calendars whose settings changed.

        Return the names of their jobs, to run at once.

        `readers` are the new readers of all calendars, each with the spacing of its reads.
        """
        reads, settings = self.parts.calendar_reads, self.parts.core.settings
        before = {table.name: _settings_of_reads(old, table) for table in old.calendar}
        after = {table.name: _settings_of_reads(settings, table) for table in settings.calendar}
        current = {reader.name: reader for reader, _ in reads.readers}
        unchanged = {
            name: reader for name, reader in current.items() if before[name] == after.get(name)
        }
        for reader, _ in readers:
            # A reader requests each entry that its calendar no longer shows, so it must know those
            # shown last.
            reader.remember(self.parts.core.ledger.state_of(reader.name).announcements())
        reads.readers = [(unchanged.get(reader.name, reader), every) for reader, every in readers]
        reads.expect_editions = settings.policy.expect_editions
        return [f"calendar {reader.name}" for reader, _ in readers if reader.name not in unchanged]

    def _reconfigure_pages(self, new: _Prepared) -> None:
        """Use other settings for pages, API and sign-in from now on. People stay signed in."""
        queries = self.parts.queries = replace(self.parts.queries, **new.pages)
        if queries.sessions is not None:
            queries.sessions.public_url = new.core.settings.web.public_url or ""
            queries.sessions.proxy_auth = new.proxy_auth
            queries.sessions.provider = new.provider
        if self.daemon.web is not None:
            from monitor.web.app import make_application  # noqa: PLC0415 # 6 MB, only if pages are served

            self.daemon.web.replace_app(make_application(queries))

    def _close_later(self, fetcher: Fetcher, channels: Sequence[Channel]) -> None:
        """Close the given fetcher and channels if they were replaced.

        Wait first, because looks may still use them.
        """
        unused: list[Channel | Fetcher] = [
            channel for channel in channels if channel not in self.parts.channels
        ]
        if fetcher is not self.daemon.core.fetcher:
            unused.append(fetcher)

        async def close() -> None:
            await self.daemon.core.clock.sleep(_CLOSE_AFTER)
            for edge in unused:
                await edge.close()

        if unused:
            self.daemon.core.tasks.start(close())


def _settings_of_reads(settings: Settings, table: CalendarSettings) -> object:
    """Return all settings that decide how a calendar is read, to compare them."""
    return table.model_copy(update={"every": None}), settings.slot_time, settings.policy.producer


def upkeep_jobs(
    core: Core, starved: StarvedHosts, watch: Watch, forecast: BudgetForecast
) -> Iterator[RecurringJob]:
    """Yield the jobs that maintain store, evidence, memory, workers and forecasts, and predict
    addresses.
    """
    settings, clock = core.settings, core.clock
    keep, most = timedelta(days=settings.evidence.keep_days), settings.evidence.keep_mb * 1_000_000
    # It reads the whole store. `core.threads.ask` would limit its time.
    retention = Retention(
        core.evidence, core.store, core.writer, clock, ask=run_in_thread, keep=keep, most=most
    )
    yield DAILY, "retention", retention.run_daily
    yield BOUNDED, "evidence", retention.keep_within_limit
    yield DAILY, "damage of evidence", core.evidence.look_for_damage
    yield from core.spooling.jobs()
    if core.edges.clock is None:
        # Not in rehearsals, where hours pass in moments and the memory is soon needed again.
        yield _RETURN_MEMORY_EVERY, "memory", _return_free_memory
        # This starts a worker before the first slot. A rehearsal starts one when it needs it.
        yield CHECK_EVERY, "workers", partial(core.workers.try_start, eager=True)
    else:
        yield BOUNDED, "workers", core.workers.try_start
    yield CHECK_EVERY, "scarcity", starved.check
    yield FORECAST_EVERY, "foresight", forecast.look_ahead
    if settings.watch.learn_addresses:
        private_hosts = {host.lower() for host, _ in allowed_hosts(settings)}
        hosts = {table.id: table.hosts for table in settings.producer}
        predicted = PredictedAddresses(
            core.store.verdicts, watch, clock, hosts, core.threads.ask, inside=private_hosts
        )
        yield PREDICT_EVERY, "expected addresses", predicted.predict_missing


async def _return_free_memory() -> None:
    return_free_memory()


def deadman_jobs(core: Core, check: SelfCheck) -> Iterator[RecurringJob]:
    """Yield the ping of the dead man's switch, if one is configured."""
    table = core.settings.deadman
    if table.url is not None:
        switch = DeadManSwitch(
            core.fetcher, table.url, check.reasons_to_alarm, core.metrics.count_ping
        )
        yield table.every, "deadman", switch.ping
