"""The parts of a monitor, each made from its core and from those that it stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from alerts.channel import Channel
from alerts.rota import Rota
from monitor.app.core import Core
from monitor.app.jobs import Jobs, SchedulerJobs, counted
from monitor.app.options import policies_of, tripwires_of, watch_rules_of
from monitor.app.readers import readers_of, rota_readers_of
from monitor.app.reporting_options import (
    channels_of,
    digesting_of,
    door_of,
    explainer_of,
    keys_of,
    links_of,
    periods_of,
    reminding_of,
    reporting_rules_of,
    schedules_of,
)
from monitor.app.status import Status
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.config.settings import Settings
from monitor.deliver.as_of_now import Afresh, AsOfNow
from monitor.deliver.desk import Desk
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Summaries
from monitor.deliver.verdicts import VerdictRecord
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.reading import CalendarReads
from monitor.ledger.rota import RotaReads, with_stored_shifts
from monitor.look.clock_skew import ClockStepGuard, Skew
from monitor.look.poller import Poller
from monitor.store.lease import Leaseholder
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.intake import Intake
from monitor.watch.leads import Leads
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.look_tally import LookTally
from monitor.watch.odd_answers import OddAnswers
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.rejudge import body_of_unwatched_at, facts_of
from monitor.watch.store_replay import StoreReplay
from monitor.watch.tripwires import ListingHandlers, Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from schedules.values import is_loopback

_TURN = timedelta(seconds=10)
"""How long a killed process keeps the outbox from the next."""


def reaching_people(core: Core, settings: Settings) -> tuple[list[Channel], ReportingRules]:
    """Return the channels of a configuration, and what `alerts` wants to know of producers, routes and rotas."""
    own = core.edges.channels
    channels = channels_of(settings, core.clock.now) if own is None else list(own)
    rules = reporting_rules_of(settings, [channel.name for channel in channels], core.folder)
    return channels, replace(rules, rotas=with_stored_shifts(rules.rotas, core.store))


def outbox_options_for(core: Core, rules: ReportingRules) -> OutboxOptions:
    """Return how the outbox is drained."""
    settings, shares = core.settings, core.members is not None
    options = OutboxOptions(
        links_of(settings),
        rules.templates,
        digesting_of(settings),
        Leaseholder(core.holder, settings.store.takeover if shares else _TURN),
        redactor=redactor(secrets_in_addresses(settings)),
        rules=rules,
    )
    return replace(options, idle=settings.store.takeover) if shares else options


def outbox_for(core: Core, channels: Sequence[Channel], rules: ReportingRules, as_of_now: AsOfNow) -> Outbox:
    """Return what takes notices to their channels."""
    return Outbox(
        core.store,
        core.writer,
        channels,
        core.clock,
        core.threads.ask,
        rng=Random(core.edges.seed),  # noqa: S311 # spreads retries, guards nothing
        told=core.metrics.delivered,
        options=replace(outbox_options_for(core, rules), current=as_of_now.incident),
    )


def afresh_for(core: Core) -> Afresh:
    """Return what judges a release again as of an instant."""
    return partial(facts_of, core.store, policies_of(core.settings), core.settings.watch.vantage)


def reminders_for(core: Core, rules: ReportingRules, outbox: Outbox, as_of_now: AsOfNow) -> Reminders:
    """Return what reminds people of incidents that nobody has."""
    settings, given_up = core.settings, core.metrics.given_up.set
    return Reminders(
        core.store,
        core.writer,
        core.clock,
        rules,
        reminding_of(settings),
        as_of_now=as_of_now,
        ask=core.threads.ask,
        wake=outbox.wake,
        given_up=given_up,
        owed=core.metrics.owed,
    )


def summaries_for(
    core: Core, queries: Queries, forecast: BudgetForecast, outbox: Outbox, rotas: dict[str, Rota]
) -> Summaries:
    """Return what tells people of whole days and months."""
    settings, board = core.settings, queries.for_viewer(sees_all=True).list_releases
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
        rotas,
    )


def watch_for(core: Core, poller: Poller, record: VerdictRecord, reminders: Reminders, skew: Skew) -> Watch:
    """Return what holds the releases under watch."""
    ask, members = core.threads.ask, core.members
    watch = Watch(
        core.clock,
        poller,
        core.writer,
        record,
        core.evidence,
        watch_rules_of(core.settings),
        queue=core.queue,
        blind=core.blind,
        health=core.health,
        on_recorded=reminders.recorded,
        others=None if members is None else OtherMonitors(core.store, ask, members, core.blind.add),
        set_wrong=ClockStepGuard(skew, core.clock),
    )
    loop = asyncio.get_running_loop()
    again = StoreReplay(core.ledger, watch, core.blind, core.evidence, core.writer, core.store, ask, loop)
    core.heartbeat.on_back(again.on_store_reset)
    core.apart.on_back(again.write)
    return watch


def leads_for(core: Core, watch: Watch, admission: Admission, outbox: Outbox) -> Leads:
    """Return what asks people to judge what no measurement can."""
    store, writer, clock = core.store, core.writer, core.clock
    return Leads(store.verdicts, writer, clock, watch, admission, core.ledger, outbox.wake, core.tasks)


def intake_for(core: Core, tally: LookTally, watch: Watch, tripwires: Tripwires, leads: Leads) -> Intake:
    """Return what takes in every look."""
    return Intake(tally, watch, tripwires, OddAnswers(watch, core.ledger, leads, core.clock, core.tasks))


def tripwires_for(
    core: Core, poller: Poller, watch: Watch, admission: Admission, tally: LookTally, leads: Leads
) -> Tripwires:
    """Return what watches listings, feeds and the press."""
    store, writer, clock, tasks = core.store, core.writer, core.clock, core.tasks
    listed = ListingFollowUp(admission, core.ledger, watch, clock, poller, leads, tasks)
    unannounced = Unannounced(store.ledger, writer, core.ledger, watch, poller, clock, tally, tasks, core.threads.ask)
    handlers = ListingHandlers(
        listed.follow_in_background, unannounced.consider_in_background, leads.send_for_press_item
    )
    every = core.settings.watch.tripwire.every
    return Tripwires(
        poller, tripwires_of(core.settings), admission.near, admission.find_same_address_or_title, handlers, every
    )


def calendar_reads_for(core: Core, poller: Poller, admission: Admission, watch: Watch, outbox: Outbox) -> CalendarReads:
    """Return what reads every calendar."""
    settings, health, clock = core.settings, core.health, core.clock
    zone, store, writer = settings.timezone, core.store, core.writer
    return CalendarReads(
        readers_of(settings, core.folder, poller.ask, clock, core.evidence, core.workers),
        admission.take_read,
        admission.slots,
        CalendarIncidents(
            core.ledger, health, clock, store.verdicts, writer, watch.events, outbox.wake, zone, core.threads.ask
        ),
        health,
        core.metrics,
        clock,
        settings.policy.expect_editions,
        watch.promise_check,
    )


def rota_reads_for(core: Core, poller: Poller, incidents: CalendarIncidents, rotas: dict[str, Rota]) -> RotaReads:
    """Return what reads the rotas that are calendars."""
    readers = rota_readers_of(core.settings, core.folder, poller.ask, core.clock, core.workers)
    return RotaReads(readers, rotas, incidents, core.health, core.metrics, core.clock, core.writer)


def clockwork_for(core: Core) -> Jobs:
    """Return what runs recurring jobs."""
    failed = counted(core.metrics)
    make = core.edges.clockwork
    return SchedulerJobs(failed) if make is None else make(core.clock, failed)


def desk_for(core: Core, as_of_now: AsOfNow, outbox: Outbox) -> Desk:
    """Return what people write down from a browser."""
    settings = core.settings
    own = None if core.members is None else [settings.watch.vantage]
    return Desk(as_of_now, core.writer, core.clock, outbox.wake, Path(settings.evidence.folder), own)


def queries_for(core: Core, status: Status, tally: LookTally, record: VerdictRecord, desk: Desk) -> Queries:
    """Return what pages and the API ask."""
    settings, throttle = core.settings, Throttle(core.clock)
    return Queries(
        core.store,
        status,
        core.clock,
        settings.timezone,
        desk=desk,
        unheard=tally.silent_hosts.unheard,
        as_of_now=desk.current,
        writer=core.writer,
        door=door_of(settings, core.folder, core.clock, throttle),
        throttle=throttle,
        **shown_by(core, record.rules),
    )


def shown_by(core: Core, rules: ReportingRules) -> dict[str, Any]:
    """Return what the configuration says of pages and of who may see them, by the field of `Queries`."""
    settings = core.settings
    return {
        "public": settings.web.public == "board",
        "keys": keys_of(settings),
        "templates": rules.templates,
        "calendars": [table.name for table in settings.calendar],
        "producers": {table.id: table.name for table in settings.producer},
        "ahead": body_of_unwatched_at(core.store, policies_of(settings), rules.book),
        "explained": explainer_of(settings, core.store).explain_release,
        "periods": periods_of(settings, core.store),
        "redactor": redactor(secrets_in_addresses(settings)),
        "local": is_loopback(settings.web.listen) and not settings.web.signs_in,
    }
