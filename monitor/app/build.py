"""Settings to the wired program, in one pass: the only place where real edges meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from socket import socket
from typing import TYPE_CHECKING

from alerts.channel import Channel
from monitor.app.app import App
from monitor.app.core import Core, core_of, interpreter_of
from monitor.app.daemon import Daemon
from monitor.app.edges import REAL, Edges
from monitor.app.jobs import Jobs, SchedulerJobs, counted
from monitor.app.options import budget_of, policies_of, tripwires_of, watch_rules_of
from monitor.app.readers import readers_of
from monitor.app.reporting_options import (
    channels_of,
    digesting_of,
    door_of,
    endings_of,
    keys_of,
    links_of,
    reminding_of,
    reporting_rules_of,
    schedules_of,
)
from monitor.app.status import Status
from monitor.app.upkeep import deadman, self_check_of, status_of, upkeep
from monitor.config.secrets import in_addresses, veil
from monitor.config.settings import Settings
from monitor.config.values import is_loopback
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.by_hand import Acknowledgements
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Summaries
from monitor.deliver.verdicts import VerdictRecord
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.reading import CalendarReads
from monitor.look.poller import Poller
from monitor.store.lease import Leaseholder
from monitor.store.open import is_shared
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.intake import Intake
from monitor.watch.leads import Leads
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.look_tally import LookTally
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.rejudge import ahead_of, facts_of
from monitor.watch.tripwires import ListingHandlers, Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries

if TYPE_CHECKING:
    from monitor.web.server import WebServer

__all__ = ["REAL", "Edges", "build"]
_ROLL = timedelta(hours=1)
_TURN = timedelta(seconds=10)
"""How long a killed process keeps the outbox from another; where a store is shared, how often that one looks."""


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> App:
    """Return a program ready to run, made in the loop it will run in.

    `folder` is where relative calendar files start from. Raises `UserFault`, `StoreFault`, `PortTaken`.
    """
    bound = _listening(settings.web.listen) if edges.serve else None
    core = core_of(settings, edges, folder)
    clock, interpreter = core.clock, interpreter_of(core)
    poller = Poller(clock, core.fetcher, budget_of(settings), interpreter)
    channels = channels_of(settings, clock.now, folder) if edges.channels is None else list(edges.channels)
    rules = reporting_rules_of(settings, [channel.name for channel in channels], folder)
    outbox = _outbox(core, channels, rules)
    reminders = _reminders(core, rules, outbox)
    watch = _watch(core, poller, rules, reminders)
    admission = Admission(core.store, core.ledger, watch, clock)
    tally = LookTally(clock, core.metrics, core.health, core.heartbeat, core.blind, skew=interpreter.skew)
    tripwires = _tripwires(core, poller, watch, admission, tally, outbox)
    calendar_reads = _calendar_reads(core, poller, admission, watch, outbox)
    check = self_check_of(core, poller, outbox)
    forecast = BudgetForecast(clock, watch.releases.values, budget_of(settings), settings.timezone, core.threads.ask)
    status = status_of(core, watch, check, forecast, interpreter.skew)
    queries = _queries(core, status, tally, rules)
    upkept = (*check.jobs(), *upkeep(core, poller, watch, forecast), *deadman(core, check))
    told = (*reminders.jobs(), *_summaries(core, queries, forecast, outbox).jobs())
    daemon = Daemon(
        settings.watch.vantage,
        clock,
        _clockwork(core),
        (*calendar_reads.jobs(), (_ROLL, "roll", admission.roll), *upkept, *told),
        edges.manager,
        core.fetcher,
        core.store,
        core.writer,
        core.heartbeat,
        core.blind,
        poller,
        Intake(tally, watch, tripwires),
        watch,
        core.ledger,
        admission,
        calendar_reads,
        tripwires,
        outbox,
        channels,
        core.metrics,
        core.workers,
        _web(queries, bound, settings.web.proxies),
        (queries.close, core.workers.close, core.threads.close),
    )
    return App(daemon, status, settings.timezone)


def _outbox(core: Core, channels: Sequence[Channel], rules: ReportingRules) -> Outbox:
    settings, seed = core.settings, core.edges.seed
    # Of this process alone: two monitors of one name must not both believe to hold the outbox.
    mark = Random(seed).getrandbits(32)  # noqa: S311 # tells processes apart, guards nothing
    idle = {"idle": _TURN} if is_shared(settings.store.url) else {}
    options = OutboxOptions(
        links_of(settings),
        rules.templates,
        digesting_of(settings),
        Leaseholder(f"{settings.watch.vantage} {mark:08x}", _TURN),
        veil=veil(in_addresses(settings)),
        **idle,
    )
    return Outbox(
        core.store,
        core.writer,
        channels,
        endings_of(settings, channels),
        core.clock,
        core.threads.ask,
        rng=Random(seed),  # noqa: S311 # spreads retries, guards nothing
        told=core.metrics.delivered,
        options=options,
    )


def _as_of_now(core: Core, rules: ReportingRules) -> AsOfNow:
    afresh = partial(facts_of, core.store, policies_of(core.settings), core.settings.watch.vantage)
    return AsOfNow(core.store.verdicts, afresh, VerdictRecord(core.store, rules))


def _reminders(core: Core, rules: ReportingRules, outbox: Outbox) -> Reminders:
    settings, given_up = core.settings, core.metrics.given_up.set
    return Reminders(
        core.store,
        core.writer,
        core.clock,
        rules,
        reminding_of(settings),
        as_of_now=_as_of_now(core, rules),
        ask=core.threads.ask,
        wake=outbox.wake,
        given_up=given_up,
        owed=core.metrics.owed,
    )


def _summaries(core: Core, queries: Queries, forecast: BudgetForecast, outbox: Outbox) -> Summaries:
    settings, board = core.settings, queries.seen_by(all_=True).board
    return Summaries(
        schedules_of(settings),
        core.store,
        core.writer,
        core.clock,
        settings.timezone,
        board,
        lambda: forecast.warnings,
        {table.id: table.name for table in settings.producer if table.name},
        core.threads.ask,
        outbox.wake,
        settings.web.public_url or "",
    )


def _watch(core: Core, poller: Poller, rules: ReportingRules, reminders: Reminders) -> Watch:
    shared = is_shared(core.settings.store.url)
    return Watch(
        core.clock,
        poller,
        core.writer,
        VerdictRecord(core.store, rules, core.evidence.appended, core.evidence.heads.get),
        core.evidence,
        watch_rules_of(core.settings),
        queue=core.queue,
        blind=core.blind,
        health=core.health,
        on_recorded=reminders.recorded,
        others=OtherMonitors(core.store, core.threads.ask) if shared else None,
    )


def _tripwires(
    core: Core, poller: Poller, watch: Watch, admission: Admission, tally: LookTally, outbox: Outbox
) -> Tripwires:
    store, writer, clock, tasks = core.store, core.writer, core.clock, core.tasks
    leads = Leads(store.verdicts, writer, clock, watch, admission, core.ledger, outbox.wake, tasks)
    listed = ListingFollowUp(admission, core.ledger, watch, clock, poller, leads, tasks)
    unannounced = Unannounced(store.ledger, writer, core.ledger, watch, poller, clock, tally, tasks)
    handlers = ListingHandlers(listed.take, unannounced.take, leads.take_press)
    every = core.settings.watch.tripwire.every
    return Tripwires(poller, tripwires_of(core.settings), admission.near, admission.bearing, handlers, every)


def _calendar_reads(core: Core, poller: Poller, admission: Admission, watch: Watch, outbox: Outbox) -> CalendarReads:
    settings, health, clock = core.settings, core.health, core.clock
    zone, store, writer = settings.timezone, core.store, core.writer
    return CalendarReads(
        readers_of(settings, core.folder, poller.ask, clock, core.evidence, core.workers),
        admission.learn,
        admission.slots,
        CalendarIncidents(core.ledger, health, clock, store.verdicts, writer, watch.events, outbox.wake, zone),
        health,
        core.metrics,
        clock,
        settings.policy.expect_editions,
        watch.check,
    )


def _clockwork(core: Core) -> Jobs:
    failed = counted(core.metrics)
    make = core.edges.clockwork
    return SchedulerJobs(failed) if make is None else make(core.clock, failed)


def _queries(core: Core, status: Status, tally: LookTally, rules: ReportingRules) -> Queries:
    settings, throttle = core.settings, Throttle(core.clock)
    return Queries(
        core.store,
        status,
        core.clock,
        settings.timezone,
        settings.web.public == "board",
        Acknowledgements(core.store.verdicts, core.writer, core.clock),
        keys_of(settings),
        rules.templates,
        [table.name for table in settings.calendar],
        {table.id: table.name for table in settings.producer},
        ahead_of(core.store, policies_of(settings), rules.book),
        tally.silent_hosts.silences,
        as_of_now=_as_of_now(core, rules),
        writer=core.writer,
        door=door_of(settings, core.folder, core.clock, throttle),
        throttle=throttle,
        veil=veil(in_addresses(settings)),
        local=settings.web.users_file is None and is_loopback(settings.web.listen),
    )


# The web server is loaded only by who serves: 6 MB that others need not have.


def _listening(address: str) -> socket:
    from monitor.web.server import listen  # noqa: PLC0415 # see above

    return listen(address)


def _web(queries: Queries, bound: socket | None, proxies: Sequence[str]) -> WebServer | None:
    if bound is None:
        return None
    from monitor.web.app import application  # noqa: PLC0415 # see above
    from monitor.web.server import WebServer  # noqa: PLC0415 # see above

    return WebServer(application(queries), bound, proxies)
