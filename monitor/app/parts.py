"""Makes the parts of a monitor from its core."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import structlog

from alerts.channel import Channel
from monitor.app.core import Core, make_clock_steps, make_interpreter
from monitor.app.options import (
    evidence_owner,
    make_budget,
    make_judge_at,
    make_links,
    make_readiness_reader,
    make_reporting_rules,
    make_sessions,
    make_summary_schedules,
    make_tripwire_producers,
    make_watch_rules,
    page_settings,
)
from monitor.app.readers import make_calendar_readers, make_rota_readers
from monitor.app.status import Status, release_states
from monitor.config.secrets import redactor, secrets_in_addresses
from monitor.deliver.channel_test import send_test
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.outbox import IDLE, Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.summaries import Summaries
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.collector import StateCollector
from monitor.health.self_check import LookRates, PollerProgress, SelfCheck
from monitor.judge.runs import Blind
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.reading import CalendarReads
from monitor.ledger.rota import RotaReads, add_stored_shifts
from monitor.look.clock_steps import ClockMove
from monitor.look.poller import Poller
from monitor.readiness.notices import ReadinessNotices, Recipients
from monitor.store.kept_sessions import KeptSessions
from monitor.threads import run_in_thread
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.file_readings import FileReadings
from monitor.watch.intake import Intake, LookTally
from monitor.watch.judging import Judging
from monitor.watch.leads import Leads
from monitor.watch.listing_followup import ListingFollowUp
from monitor.watch.planner import Planner
from monitor.watch.store_replay import StoreReplay
from monitor.watch.tripwires import Tripwires
from monitor.watch.unannounced import Unannounced
from monitor.watch.watch import Watch
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries

_log = structlog.get_logger(__name__)


def make_current_rules(core: Core, channels: Sequence[Channel]) -> ReportingRules:
    """Return the rules of producers, routes and rotas, with the stored shifts."""
    names = [channel.name for channel in channels]
    rules = make_reporting_rules(core.settings, names, core.folder)
    return replace(rules, rotas=add_stored_shifts(rules.rotas, core.store))


class Parts:
    """The parts of a monitor, each made from earlier ones. A reload replaces `core`."""

    def __init__(self, core: Core) -> None:
        clock, tasks, ask, store = core.clock, core.tasks, core.threads.ask, core.store
        self.core = core
        self._steps = make_clock_steps(core)
        interpreter = make_interpreter(core, self._steps)
        self.poller = Poller(clock, core.fetcher, make_budget(core.settings), interpreter)
        self.channels = core.edges.open_channels(core.settings, clock.now)
        self._rules = make_current_rules(core, self.channels)
        self._record = VerdictRecorder(
            self._rules, core.evidence.records_being_written, core.evidence.headers.get
        )
        self.current_incidents = CurrentIncidents(store, make_judge_at(core.settings), self._record)
        self.outbox = self._make_outbox()
        self.reminders = self._make_reminders()
        self.watch = self._make_watch()
        self._steps.on_moved = self._follow_clock_move
        self.admission = Admission(store, core.ledger, self.watch, clock, ask)
        self._tally = LookTally(
            clock,
            core.metrics,
            core.health,
            core.heartbeat,
            core.blind,
            self._steps,
            self.watch,
        )
        self._leads = Leads(
            core.writer, clock, self.watch, self.admission, core.ledger, self.outbox.wake, tasks
        )
        self.tripwires = self._make_tripwires()
        files = FileReadings(
            self.watch, core.workers, clock, self.poller.send_in_turn, core.ledger.similar_titles
        )
        self.intake = Intake(self._tally, self.watch, self.tripwires, self._leads, files)
        self.forecast = BudgetForecast(
            clock,
            self.watch.releases.values,
            make_budget(core.settings),
            core.settings.timezone,
            run_in_thread,
        )
        self.check = self._make_self_check()
        self.status = self._make_status()
        self.calendar_reads = self._make_calendar_reads()
        self.queries = self._make_queries()

    def _follow_clock_move(self, move: ClockMove) -> None:
        """Correct what was dated by our wrong clock. The span in which it was wrong is blind.

        If it was ahead, dates that now lie in the future are moved back with it.
        """
        _log.warning("clock_moved", seconds=round(move.seconds, 3))
        core, step = self.core, timedelta(seconds=move.seconds)
        self.poller.follow_clock_move(move.seconds)
        core.health.correct_dates(step, move.ends)
        if move.seconds < 0:
            core.blind.correct_dates(step, move.ends)
            self.watch.correct_dates(step, move.ends)
            core.tasks.start(core.ledger.correct_dates(step, move.ends))
        core.blind.note(Blind(move.begins, move.ends, "clock"))

    def outbox_options(self, core: Core, rules: ReportingRules) -> OutboxOptions:
        """Return the configured options of the outbox."""
        settings = core.settings
        # People may write notices on a standby, which does not wake the leader.
        idle = IDLE if core.leadership is None else settings.store.takeover
        return OutboxOptions(
            make_links(settings),
            idle=idle,
            redactor=redactor(secrets_in_addresses(settings)),
            rules=rules,
            refresh_incident=lambda tx, incident, now: self.current_incidents.within(tx).refresh(
                incident, now
            ),
        )

    def summaries(self) -> Summaries:
        """Return the morning, evening and monthly summaries."""
        core, settings = self.core, self.core.settings
        return Summaries(
            make_summary_schedules(settings),
            core.store,
            core.writer,
            core.clock,
            settings.timezone,
            self.queries.for_viewer(sees_all=True).list_releases,
            lambda: self.forecast.warnings,
            {table.id: table.name for table in settings.producer if table.name},
            core.threads.ask,
            self.outbox.wake,
            settings.web.public_url or "",
            self.reminders.rules.rotas,
        )

    def readiness_notices(self) -> ReadinessNotices:
        """Return the sender of notices about readiness."""
        core, rules = self.core, self.reminders.rules
        recipients = [
            Recipients(tuple(table.channels), table.producer)
            for table in core.settings.summary
            if table.kind == "ready"
        ]
        return ReadinessNotices(
            recipients,
            make_readiness_reader(core.settings, core.store, rules, core.certificates),
            core.writer,
            core.clock,
            core.threads.ask,
            self.outbox.wake,
            rules.rotas,
            core.health.started,
        )

    def rota_reads(self) -> RotaReads:
        """Return the reads of rotas that are kept in calendars."""
        core, send = self.core, self.poller.send_in_turn
        readers = make_rota_readers(core.settings, core.folder, send, core.clock, core.workers)
        rotas, incidents = self.reminders.rules.rotas, self.calendar_reads.incidents
        return RotaReads(readers, rotas, incidents, core.clock, core.writer)

    def _make_outbox(self) -> Outbox:
        core = self.core
        return Outbox(
            core.store,
            core.writer,
            self.channels,
            core.clock,
            core.threads.ask,
            rng=Random(core.edges.seed),  # noqa: S311 # spreads retries, no secret
            on_outcome=core.metrics.count_delivery,
            options=self.outbox_options(core, self._rules),
        )

    def _make_reminders(self) -> Reminders:
        core, alert = self.core, self.core.settings.alert
        return Reminders(
            core.store,
            core.writer,
            core.clock,
            self._rules,
            remind_after=alert.remind_after,
            remind_every=alert.remind_every,
            current_incidents=self.current_incidents,
            ask=core.threads.ask,
            wake=self.outbox.wake,
            record_given_up=core.metrics.given_up.set,
            record_owed=core.metrics.record_owed,
        )

    def _make_watch(self) -> Watch:
        """Return the watch.

        If the store has lost rows, what the watch and the ledger know is written to it again.
        """
        core = self.core
        judging = Judging(
            core.clock,
            Planner(core.clock, self.poller, make_watch_rules(core.settings)),
            core.queue,
            core.blind,
            core.writer,
            self._record,
            core.health,
            on_recorded=self.reminders.wake_for_notices,
            is_clock_in_doubt=self._steps.is_undecided,
        )
        watch = Watch(core.clock, judging, core.writer, core.evidence, core.blind, core.health)
        replay = StoreReplay(
            core.ledger,
            watch,
            core.blind,
            core.evidence,
            core.writer,
            core.store,
            core.threads.ask,
            asyncio.get_running_loop(),
            self._watch_finished_again,
        )
        core.heartbeat.report_loss = replay.on_store_reset
        if core.leadership is not None:
            core.leadership.on_handed_in = replay.on_handed_in
            core.leadership.on_allowance = self.poller.set_allowance
            core.leadership.host_waits = self.poller.host_waits
            core.leadership.adopt_waits = self.poller.adopt_waits
        return watch

    async def _watch_finished_again(self) -> None:
        await self.admission.watch_finished_again()

    def _make_tripwires(self) -> Tripwires:
        core, admission = self.core, self.admission
        # The first follows entries about announced releases, the second those of other releases.
        follow_up = ListingFollowUp(
            admission, core.ledger, self.watch, core.clock, self.poller, self._leads, core.tasks
        )
        unannounced = Unannounced(
            core.store.ledger,
            core.writer,
            core.ledger,
            self.watch,
            self.poller,
            core.clock,
            self._tally,
            core.tasks,
            core.threads.ask,
        )
        return Tripwires(
            self.poller,
            make_tripwire_producers(core.settings),
            admission.near_releases,
            admission.find_same_address_or_title,
            follow_up.follow_in_background,
            unannounced.consider_in_background,
            self._leads.send_for_press_item,
            every=core.settings.watch.tripwire.every,
        )

    def _make_calendar_reads(self) -> CalendarReads:
        core, admission, judging = self.core, self.admission, self.watch.judging
        incidents = CalendarIncidents(
            core.ledger,
            core.health,
            core.metrics,
            core.clock,
            core.store.verdicts,
            core.writer,
            judging.events,
            self.outbox.wake,
            core.settings.timezone,
            core.threads.ask,
        )
        return CalendarReads(
            make_calendar_readers(core, self.poller.send_in_turn),
            admission.record_calendar_read,
            admission.slots_by_calendar,
            incidents,
            core.health,
            core.clock,
            expect_editions=core.settings.policy.expect_editions,
            # with it, the judge requests calendar reads before it reports a breach
            check=judging.promise_check,
        )

    def _make_queries(self) -> Queries:
        core, clock, settings = self.core, self.core.clock, self.core.settings
        throttle, kept = Throttle(clock), KeptSessions(core.store, core.writer, clock)
        desk = Desk(
            self.current_incidents,
            core.writer,
            clock,
            self.outbox.wake,
            Path(settings.evidence.folder),
            evidence_owner(settings),
            self.admission.settle_slot,
        )
        return Queries(
            core.store,
            self.status,
            clock,
            settings.timezone,
            desk=desk,
            silent_hosts=self._tally.silent_hosts.silent_now,
            sessions=make_sessions(settings, core.folder, kept, throttle),
            throttle=throttle,
            read_calendar=self.calendar_reads.read_named,
            send_test=lambda name: send_test(self.outbox.channels_in_use, name, clock.now()),
            **page_settings(settings, core.folder, core.store, self._rules, core.certificates),
        )

    def _make_self_check(self) -> SelfCheck:
        core, poller, outbox = self.core, self.poller, self.outbox
        return SelfCheck(
            core.clock,
            core.health,
            PollerProgress(core.clock, poller),
            poller.stretch_factors,
            lambda: outbox.backlogs,
            evidence_fault=core.evidence.appender.describe_fault,
            evidence_damage=lambda: core.evidence.damage,
            worker_faults=core.worker_health.reasons,
            short_hosts=lambda: {host for host, _ in self.forecast.warnings},
            manager=core.edges.manager,
            rates=LookRates(core.metrics.looks.counts, core.clock.monotonic),
        )

    def _make_status(self) -> Status:
        core, watch, check = self.core, self.watch, self.check
        states = StateCollector(
            partial(release_states, watch.releases),
            check.monitor_state,
            core.clock.now,
            core.metrics,
        )
        return Status(
            core,
            watch,
            check,
            states,
            self.forecast,
            self._steps.skew,
            self.poller.broken,
            self._tally.silent_hosts,
            self._record,
            core.settings.timezone,
        )
