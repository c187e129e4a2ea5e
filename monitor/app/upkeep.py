"""Recurring jobs that maintain the monitor itself, and the parts that report its state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from monitor.app.core import Core
from monitor.app.options import allowed_hosts, make_host_lookup, make_policies
from monitor.app.status import Status, release_states
from monitor.deliver.outbox import Outbox
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.collector import StateCollector
from monitor.health.deadman import DeadManSwitch
from monitor.health.hosts import CHECK_EVERY, StarvedHosts
from monitor.health.self_check import LookRates, PollerProgress, SelfCheck
from monitor.health.system import return_free_memory
from monitor.look.clock_skew import Skew
from monitor.look.poller import BrokenLooks, Poller
from monitor.store.retention import BOUNDED, DAILY, Retention
from monitor.threads import Job, run_in_thread
from monitor.watch.budget_forecast import FORECAST_EVERY, BudgetForecast
from monitor.watch.compaction import Compaction
from monitor.watch.predicted_addresses import PREDICT_EVERY, PredictedAddresses
from monitor.watch.watch import Watch

_RETURN_MEMORY_EVERY = timedelta(minutes=15)
Recurring = tuple[timedelta, str, Job]


def make_self_check(core: Core, poller: Poller, outbox: Outbox) -> SelfCheck:
    """Return the self-check, which combines the state of all parts."""
    return SelfCheck(
        core.clock,
        core.health,
        PollerProgress(core.clock, poller),
        poller.stretch_factors,
        lambda: outbox.backlogs,
        evidence=core.evidence.appender.describe_fault,
        workers=core.worker_health.reasons,
        manager=core.edges.manager,
        rates=LookRates(core.metrics.looks.counts, core.clock.monotonic),
    )


def make_status(  # noqa: PLR0913 # the parts whose state it shows
    core: Core,
    watch: Watch,
    check: SelfCheck,
    forecast: BudgetForecast,
    skew: Skew,
    *,
    broken: BrokenLooks,
    record: VerdictRecorder,
) -> Status:
    """Return the status for pages and Prometheus. The rotas are those in the rules of `record`."""
    metrics, zone = core.metrics, core.settings.timezone
    failed = metrics.faults.labels("metrics").inc
    counted, now = (metrics.slots_passed.inc, failed, metrics.exposures.inc), core.clock.now
    states = StateCollector(partial(release_states, watch.releases), check.monitor_state, now, *counted)
    rotas, newer, fault = (lambda: record.rules.rotas), (lambda: core.store.newer), (lambda: core.worker_health.fault)
    parts = (core.clock, watch, core.health, check, metrics, states, forecast, skew, broken)
    return Status(*parts, zone, rotas, newer, fault)


def upkeep_jobs(core: Core, starved: StarvedHosts, watch: Watch, forecast: BudgetForecast) -> Iterator[Recurring]:
    """Yield the jobs that maintain store, evidence, memory, workers and forecasts."""
    # Jobs that read the whole store have no time limit.
    settings, clock, ask, slow = core.settings, core.clock, core.threads.ask, run_in_thread
    policies, after = make_policies(settings), settings.store.compact_after
    compaction = Compaction(core.store, core.writer, clock, policies, after, watch.releases.keys, slow)
    keep, most = timedelta(days=settings.evidence.keep_days), settings.evidence.keep_mb * 1_000_000
    retention = Retention(core.evidence, compaction, core.store, core.writer, clock, ask=slow, keep=keep, most=most)
    yield DAILY, "retention", retention.run_daily
    yield BOUNDED, "evidence", retention.keep_within_limit
    yield from core.failover.jobs()
    if core.edges.clock is None:
        # Not in rehearsals, where hours pass in moments and the memory is soon needed again.
        yield _RETURN_MEMORY_EVERY, "memory", _return_memory
    yield CHECK_EVERY, "scarcity", starved.check
    # The daemon tries to start a worker before the first slot. A rehearsal starts one when it needs it.
    yield CHECK_EVERY, "workers", partial(core.workers.try_start, eager=core.edges.clock is None)
    yield FORECAST_EVERY, "foresight", forecast.look_ahead
    if settings.watch.learn_addresses:
        inside = {host.lower() for host, _ in allowed_hosts(settings)}
        predicted = PredictedAddresses(core.store.verdicts, watch, clock, make_host_lookup(settings), ask, inside)
        yield PREDICT_EVERY, "expected addresses", predicted.predict_missing


async def _return_memory() -> None:
    return_free_memory()


def deadman_jobs(core: Core, check: SelfCheck) -> Iterator[Recurring]:
    """Yield the ping of the dead man's switch, if one is configured."""
    table = core.settings.deadman
    if table.url is not None:
        switch = DeadManSwitch(core.fetcher, table.url, check.reasons_to_alarm, core.metrics.count_ping)
        yield table.every, "deadman", switch.ping
