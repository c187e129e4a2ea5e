"""Makes the parts of a monitor, each from the core and from other parts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from alerts.channel import Channel
from alerts.rota import Rota
from monitor.app.core import Core
from monitor.app.options import (
    make_policies,
    make_tripwire_producers,
    make_watch_rules,
)
from monitor.app.readers import make_calendar_readers, make_rota_readers
from monitor.app.reporting_options import (
    make_channels,
    make_digest_rule,
    make_links,
    make_readiness_reader,
    make_reporting_rules,
    make_sessions,
    make_summary_schedules,
    page_settings,
)
from monitor.app.status import Status, release_states
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.deliver.current_incidents import CurrentIncidents, JudgeAt
from monitor.deliver.desk import Desk
from monitor.deliver.outbox import IDLE, Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Summaries
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.collector import StateCollector
from monitor.health.hosts import SilentHosts
from monitor.health.self_check import LookRates, PollerProgress, SelfCheck
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.reading import CalendarReads
from monitor.ledger.rota import RotaReads, add_stored_shifts
from monitor.look.clock_skew import Skew
from monitor.look.clock_steps import ClockSteps
from monitor.look.poller import BrokenLooks, Poller
from monitor.plan.budget import Budget
from monitor.readiness.notices import ReadinessNotices, Recipients
from monitor.store.kept_sessions import KeptSessions
from monitor.threads import run_in_thread
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.intake import LookTally
from monitor.watch.judging import Judging
from monitor.watch.leads import Leads
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.planner import Planner
from monitor.watch.rejudge import facts_of
from monitor.watch.store_replay import StoreReplay
from monitor.watch.tripwires import Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries


def make_channels_and_rules(core: Core) -> tuple[list[Channel], ReportingRules]:
    """Return the configured channels, and the rules of producers, routes and rotas."""
    settings, replaced = core.settings, core.edges.channels
    channels = make_channels(settings, core.clock.now) if replaced is None else list(replaced)
    rules = make_reporting_rules(settings, [channel.name for channel in channels], core.folder)
    return channels, replace(rules, rotas=add_stored_shifts(rules.rotas, core.store))


def make_outbox_options(
    core: Core, rules: ReportingRules, current_incidents: CurrentIncidents
) -> OutboxOptions:
    """Return the configured options of the outbox."""
    settings = core.settings
    # People may write notices on a standby, which does not wake the leader.
    idle = IDLE if core.leadership is None else settings.store.takeover
    return OutboxOptions(
        make_links(settings),
        make_digest_rule(settings),
        idle=idle,
        redactor=redactor(secrets_in_addresses(settings)),
        rules=rules,
        refresh_incident=lambda tx, incident, now: current_incidents.within(tx).refresh(
            incident, now
        ),
    )


def make_outbox(
    core: Core,
    channels: Sequence[Channel],
    rules: ReportingRules,
    current_incidents: CurrentIncidents,
) -> Outbox:
    """Return the outbox, which sends notices through the channels."""
    return Outbox(
        core.store,
        core.writer,
        channels,
        core.clock,
        core.threads.ask,
        rng=Random(core.edges.seed),  # noqa: S311 # spreads retries, no secret
        on_outcome=core.metrics.count_delivery,
        options=make_outbox_options(core, rules, current_incidents),
    )


def judge_at_for(core: Core) -> JudgeAt:
    """Return a function that judges a release again as of an instant."""
    return partial(facts_of, make_policies(core.settings), core.settings.watch.vantage)


def make_reminders(
    core: Core, rules: ReportingRules, outbox: Outbox, current_incidents: CurrentIncidents
) -> Reminders:
    """Return the reminders of incidents that no one has acknowledged."""
    settings = core.settings
    return Reminders(
        core.store,
        core.writer,
        core.clock,
        rules,
        remind_after=settings.alert.remind_after,
        remind_every=settings.alert.remind_every,
        current_incidents=current_incidents,
        ask=core.threads.ask,
        wake=outbox.wake,
        record_given_up=core.metrics.given_up.set,
        record_owed=core.metrics.record_owed,
    )


def make_summaries(
    core: Core, queries: Queries, forecast: BudgetForecast, outbox: Outbox, rotas: dict[str, Rota]
) -> Summaries:
    """Return the morning, evening and monthly summaries."""
    settings, board = core.settings, queries.for_viewer(sees_all=True).list_releases
    return Summaries(
        make_summary_schedules(settings),
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


def make_readiness_notices(core: Core, rules: ReportingRules, outbox: Outbox) -> ReadinessNotices:
    """Return the sender of notices about readiness."""
    settings = core.settings
    recipients = [
        Recipients(tuple(table.channels), table.producer)
        for table in settings.summary
        if table.kind == "ready"
    ]
    return ReadinessNotices(
        recipients,
        make_readiness_reader(settings, core.store, rules, core.certificates),
        core.writer,
        core.clock,
        core.threads.ask,
        outbox.wake,
        rules.rotas,
        core.health.started,
    )


def make_watch(
    core: Core, poller: Poller, record: VerdictRecorder, reminders: Reminders, steps: ClockSteps
) -> Watch:
    """Return the watch, which keeps and judges the watched releases.

    If the store has lost rows, what the watch and the ledger know is written to it
    again.
    """
    ask = core.threads.ask
    judging = Judging(
        core.clock,
        Planner(core.clock, poller, make_watch_rules(core.settings)),
        core.queue,
        core.blind,
        core.writer,
        record,
        core.health,
        on_recorded=reminders.wake_for_notices,
        is_clock_in_doubt=steps.is_undecided,
    )
    watch = Watch(core.clock, judging, core.writer, core.evidence, core.blind, core.health)
    loop = asyncio.get_running_loop()
    replay = StoreReplay(
        core.ledger, watch, core.blind, core.evidence, core.writer, core.store, ask, loop
    )
    core.heartbeat.report_loss = replay.on_store_reset
    if core.leadership is not None:
        core.leadership.on_handed_in = replay.on_handed_in
    return watch


def make_leads(core: Core, watch: Watch, admission: Admission, outbox: Outbox) -> Leads:
    """Return the leads, which send people what only they can judge."""
    return Leads(
        core.writer,
        core.clock,
        watch,
        admission,
        core.ledger,
        outbox.wake,
        core.tasks,
    )


def make_forecast(core: Core, watch: Watch, budget: Budget) -> BudgetForecast:
    """Return the forecast of the looks for which the budget will be too small."""
    close_enough = watch.rules.policies.general.close_enough
    return BudgetForecast(
        core.clock,
        watch.releases.values,
        budget,
        close_enough,
        core.settings.timezone,
        run_in_thread,
    )


def make_tripwires(
    core: Core, poller: Poller, watch: Watch, admission: Admission, tally: LookTally, leads: Leads
) -> Tripwires:
    """Return the tripwires, which watch listings, feeds and press releases.

    `leads` sends what people must judge.
    """
    store, writer, clock, tasks = core.store, core.writer, core.clock, core.tasks
    # The first follows entries about announced releases, the second those of other releases.
    # `tally` counts looks.
    follow_up = ListingFollowUp(admission, core.ledger, watch, clock, poller, leads, tasks)
    unannounced = Unannounced(
        store.ledger, writer, core.ledger, watch, poller, clock, tally, tasks, core.threads.ask
    )
    return Tripwires(
        poller,
        make_tripwire_producers(core.settings),
        admission.near_releases,
        admission.find_same_address_or_title,
        follow_up.follow_in_background,
        unannounced.consider_in_background,
        leads.send_for_press_item,
        every=core.settings.watch.tripwire.every,
    )


def make_calendar_reads(
    core: Core, poller: Poller, admission: Admission, watch: Watch, outbox: Outbox
) -> CalendarReads:
    """Return the calendar reads.

    They open an incident about a calendar that fails, changes or lacks an edition.
    """
    settings, health, clock = core.settings, core.health, core.clock
    zone, store, writer, ask = settings.timezone, core.store, core.writer, core.threads.ask
    return CalendarReads(
        make_calendar_readers(core, poller.send_in_turn),
        admission.record_calendar_read,
        admission.slots_by_calendar,
        CalendarIncidents(
            core.ledger,
            health,
            core.metrics,
            clock,
            store.verdicts,
            writer,
            watch.judging.events,
            outbox.wake,
            zone,
            ask,
        ),
        health,
        clock,
        expect_editions=settings.policy.expect_editions,
        # with it, the judge requests calendar reads before it reports a breach
        check=watch.judging.promise_check,
    )


def make_rota_reads(
    core: Core, poller: Poller, incidents: CalendarIncidents, rotas: dict[str, Rota]
) -> RotaReads:
    """Return the reads of rotas that are kept in calendars."""
    readers = make_rota_readers(
        core.settings, core.folder, poller.send_in_turn, core.clock, core.workers
    )
    return RotaReads(readers, rotas, incidents, core.clock, core.writer)


def make_queries(
    core: Core,
    status: Status,
    current: CurrentIncidents,
    outbox: Outbox,
    reads: CalendarReads,
    admission: Admission,
) -> Queries:
    """Return the queries behind pages and API, with the desk that writes what people do in the
    browser.
    """
    settings, clock, throttle = core.settings, core.clock, Throttle(core.clock)
    # The monitors with evidence in our folder. None: all.
    monitors_here = None if core.leadership is None else [settings.watch.vantage]
    return Queries(
        core.store,
        status,
        clock,
        settings.timezone,
        desk=Desk(
            current,
            core.writer,
            clock,
            outbox.wake,
            Path(settings.evidence.folder),
            monitors_here,
            admission.settle_slot,
        ),
        silent_hosts=status.silent_hosts.silent_now,
        sessions=make_sessions(
            settings, core.folder, KeptSessions(core.store, core.writer, clock), throttle
        ),
        throttle=throttle,
        read_calendar=reads.read_named,
        **page_settings(settings, core.folder, core.store, current.record.rules, core.certificates),
    )


def make_self_check(core: Core, poller: Poller, outbox: Outbox) -> SelfCheck:
    """Return the self-check, which combines the state of all parts."""
    return SelfCheck(
        core.clock,
        core.health,
        PollerProgress(core.clock, poller),
        poller.stretch_factors,
        lambda: outbox.backlogs,
        evidence_fault=core.evidence.appender.describe_fault,
        worker_faults=core.worker_health.reasons,
        manager=core.edges.manager,
        rates=LookRates(core.metrics.looks.counts, core.clock.monotonic),
    )


def make_status(  # noqa: PLR0913, PLR0917 # the parts whose state it shows
    core: Core,
    watch: Watch,
    check: SelfCheck,
    forecast: BudgetForecast,
    skew: Skew,
    broken: BrokenLooks,
    silent: SilentHosts,
    record: VerdictRecorder,
) -> Status:
    """Return the status for pages and Prometheus.

    `record` has the rotas, `broken` the looks that our code broke.
    """
    states = StateCollector(
        partial(release_states, watch.releases), check.monitor_state, core.clock.now, core.metrics
    )
    return Status(
        core, watch, check, states, forecast, skew, broken, silent, record, core.settings.timezone
    )
