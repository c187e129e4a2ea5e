"""Builds the program from settings. Only here are all real edges joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from monitor.app.app import App
from monitor.app.core import REAL, Edges, make_core, make_interpreter
from monitor.app.daemon import Daemon
from monitor.app.options import make_budget
from monitor.app.parts import (
    judge_at_for,
    make_calendar_reads,
    make_channels_and_rules,
    make_clockwork,
    make_desk,
    make_outbox,
    make_queries,
    make_reminders,
    make_tripwires,
    make_watch,
)
from monitor.app.reload import Reload
from monitor.app.upkeep import make_self_check, make_status
from monitor.config.settings import Settings
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.verdicts import VerdictRecorder
from monitor.look.poller import Poller
from monitor.threads import run_in_thread
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.intake import Intake
from monitor.watch.leads import Leads
from monitor.watch.look_tally import LookTally
from monitor.watch.odd_answers import OddAnswers
from monitor.web.queries import Queries

if TYPE_CHECKING:
    from monitor.web.server import WebServer

__all__ = ["REAL", "Edges", "build"]


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> App:
    """Return a program to run in this event loop. Raises `UserFault`, `StoreFault` and `PortTaken`."""
    bound = _bind_ports(settings.web.listen, settings.web.metrics_listen) if edges.serve else ()
    core = make_core(settings, edges, folder)
    clock, interpreter, budget = core.clock, make_interpreter(core), make_budget(settings)
    poller = Poller(clock, core.fetcher, budget, interpreter)
    channels, rules = make_channels_and_rules(core, settings)
    record = VerdictRecorder(core.store, rules, core.evidence.records_being_written, core.evidence.headers.get)
    current_incidents = CurrentIncidents(core.store.verdicts, judge_at_for(core), record)
    outbox = make_outbox(core, channels, rules, current_incidents)
    reminders = make_reminders(core, rules, outbox, current_incidents)
    watch = make_watch(core, poller, record, reminders, interpreter.skew)
    admission = Admission(core.store, core.ledger, watch, clock, core.threads.ask)
    tally = LookTally(clock, core.metrics, core.health, core.heartbeat, core.blind, skew=interpreter.skew)
    leads = Leads(core.store.verdicts, core.writer, clock, watch, admission, core.ledger, outbox.wake, core.tasks)
    tripwires = make_tripwires(core, poller, watch, admission, tally, leads)
    forecast = BudgetForecast(clock, watch.releases.values, budget, settings.timezone, run_in_thread)
    check = make_self_check(core, poller, outbox)
    status = make_status(core, watch, check, forecast, interpreter.skew, broken=poller.broken, record=record)
    calendar_reads = make_calendar_reads(core, poller, admission, watch, outbox)
    queries = make_queries(core, status, tally, record, make_desk(core, current_incidents, outbox), calendar_reads)
    daemon = Daemon(
        settings.watch.vantage,
        clock,
        make_clockwork(core),
        [],
        edges.manager,
        core.fetcher,
        core.store,
        core.writer,
        core.heartbeat,
        core.blind,
        core.threads.ask,
        poller,
        Intake(tally, watch, tripwires, OddAnswers(watch, core.ledger, leads, clock, core.tasks)),
        watch,
        core.ledger,
        admission,
        calendar_reads,
        tripwires,
        outbox,
        channels,
        core.metrics,
        core.workers,
        core.failover,
        core.members,
        _make_web_server(queries, bound, settings.web.proxies),
        (queries.close, core.workers.close, core.threads.close),
    )
    reload = Reload(core, daemon, record, current_incidents, reminders, forecast, check, queries)
    return App(daemon, status, settings.timezone, reload)


# The web server takes 6 MB, so it is imported only if pages are served.


def _bind_ports(*addresses: str | None) -> tuple[socket, ...]:
    from monitor.web.server import bind_address  # noqa: PLC0415 # see above

    return tuple(bind_address(one) for one in addresses if one is not None)


def _make_web_server(queries: Queries, bound: Sequence[socket], proxies: Sequence[str]) -> WebServer | None:
    if not bound:
        return None
    from monitor.web.app import make_application  # noqa: PLC0415 # see above
    from monitor.web.server import WebServer  # noqa: PLC0415 # see above

    return WebServer(make_application(queries), bound[0], proxies, metrics=next(iter(bound[1:]), None))
