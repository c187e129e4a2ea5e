"""Settings to the wired program, in one pass: the only place where real edges meet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from monitor.app.app import App
from monitor.app.core import REAL, Edges, core_of, interpreter_of
from monitor.app.daemon import Daemon
from monitor.app.options import budget_of
from monitor.app.parts import (
    afresh_for,
    calendar_reads_for,
    clockwork_for,
    desk_for,
    intake_for,
    leads_for,
    outbox_for,
    queries_for,
    reaching_people,
    reminders_for,
    tripwires_for,
    watch_for,
)
from monitor.app.reload import Reload
from monitor.app.upkeep import self_check_of, status_of
from monitor.config.settings import Settings
from monitor.deliver.as_of_now import AsOfNow
from monitor.deliver.verdicts import VerdictRecord
from monitor.look.poller import Poller
from monitor.threads import off_the_loop
from monitor.watch.admission import Admission
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.look_tally import LookTally
from monitor.web.queries import Queries

if TYPE_CHECKING:
    from monitor.web.server import WebServer

__all__ = ["REAL", "Edges", "build"]


def build(settings: Settings, edges: Edges = REAL, folder: Path = Path()) -> App:
    """Return a program to run in this loop, files from `folder`. Raises `UserFault`, `StoreFault`, `PortTaken`."""
    bound = _listening(settings.web.listen, settings.web.metrics_listen) if edges.serve else ()
    core = core_of(settings, edges, folder)
    clock, interpreter, budget = core.clock, interpreter_of(core), budget_of(settings)
    poller = Poller(clock, core.fetcher, budget, interpreter)
    channels, rules = reaching_people(core, settings)
    record = VerdictRecord(core.store, rules, core.evidence.appended, core.evidence.heads.get)
    as_of_now = AsOfNow(core.store.verdicts, afresh_for(core), record)
    outbox = outbox_for(core, channels, rules, as_of_now)
    reminders = reminders_for(core, rules, outbox, as_of_now)
    watch = watch_for(core, poller, record, reminders, interpreter.skew)
    admission = Admission(core.store, core.ledger, watch, clock, core.threads.ask)
    tally = LookTally(clock, core.metrics, core.health, core.heartbeat, core.blind, skew=interpreter.skew)
    leads = leads_for(core, watch, admission, outbox)
    tripwires = tripwires_for(core, poller, watch, admission, tally, leads)
    forecast = BudgetForecast(clock, watch.releases.values, budget, settings.timezone, off_the_loop)
    check = self_check_of(core, poller, outbox)
    status = status_of(core, watch, check, forecast, interpreter.skew, broken=poller.broken, record=record)
    queries = queries_for(core, status, tally, record, desk_for(core, as_of_now, outbox))
    daemon = Daemon(
        settings.watch.vantage,
        clock,
        clockwork_for(core),
        [],
        edges.manager,
        core.fetcher,
        core.store,
        core.writer,
        core.heartbeat,
        core.blind,
        core.threads.ask,
        poller,
        intake_for(core, tally, watch, tripwires, leads),
        watch,
        core.ledger,
        admission,
        calendar_reads_for(core, poller, admission, watch, outbox),
        tripwires,
        outbox,
        channels,
        core.metrics,
        core.workers,
        core.apart,
        core.members,
        _web(queries, bound, settings.web.proxies),
        (queries.close, core.workers.close, core.threads.close),
    )
    reload = Reload(core, daemon, record, as_of_now, reminders, forecast, check, queries)
    return App(daemon, status, settings.timezone, reload)


# The web server is loaded only by who serves: 6 MB that others need not have.


def _listening(*addresses: str | None) -> tuple[socket, ...]:
    from monitor.web.server import listen  # noqa: PLC0415 # see above

    return tuple(listen(one) for one in addresses if one is not None)


def _web(queries: Queries, bound: Sequence[socket], proxies: Sequence[str]) -> WebServer | None:
    if not bound:
        return None
    from monitor.web.app import application  # noqa: PLC0415 # see above
    from monitor.web.server import WebServer  # noqa: PLC0415 # see above

    return WebServer(application(queries), bound[0], proxies, metrics=next(iter(bound[1:]), None))
