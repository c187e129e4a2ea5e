"""What a monitor does about itself every so often, whatever it watches, and how it tells its state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from monitor.app.core import Core
from monitor.app.options import allowed_hosts, hosts_of, policies_of
from monitor.app.status import Status, shown
from monitor.deliver.outbox import Outbox
from monitor.deliver.verdicts import VerdictRecord
from monitor.health.collector import Now
from monitor.health.deadman import Deadman
from monitor.health.hosts import CHECKED, StarvedHosts
from monitor.health.look_rates import LookRates
from monitor.health.progress import PollerProgress
from monitor.health.self_check import SelfCheck
from monitor.health.system import give_back
from monitor.look.broken_looks import BrokenLooks
from monitor.look.clock_skew import Skew
from monitor.look.poller import Poller
from monitor.store.retention import BOUNDED, DAILY, Retention
from monitor.threads import Job, off_the_loop
from monitor.watch.budget_forecast import FORECAST_EVERY, BudgetForecast
from monitor.watch.compaction import Compaction
from monitor.watch.predicted_addresses import PREDICT_EVERY, PredictedAddresses
from monitor.watch.watch import Watch

_GIVEN_BACK = timedelta(minutes=15)
Recurring = tuple[timedelta, str, Job]


def self_check_of(core: Core, poller: Poller, outbox: Outbox) -> SelfCheck:
    """Return what asks each part how it is."""
    return SelfCheck(
        core.clock,
        core.health,
        PollerProgress(core.clock, poller),
        poller.stretch,
        lambda: outbox.backlogs,
        evidence=core.evidence.appender.trouble,
        workers=core.worker_health.reasons,
        manager=core.edges.manager,
        rates=LookRates(core.metrics.looks.counts, core.clock.monotonic),
    )


def status_of(  # noqa: PLR0913 # the parts whose state it shows
    core: Core,
    watch: Watch,
    check: SelfCheck,
    forecast: BudgetForecast,
    skew: Skew,
    *,
    broken: BrokenLooks,
    record: VerdictRecord,
) -> Status:
    """Return how the monitor is doing, for pages and for Prometheus; by the rules of `record` somebody is on call."""
    metrics, zone = core.metrics, core.settings.timezone
    failed = metrics.faults.labels("metrics").inc
    counted, now = (metrics.slots_passed.inc, failed, metrics.exposures.inc), core.clock.now
    states = Now(partial(shown, watch.releases), check.vitals, now, *counted)
    rotas, newer, fault = (lambda: record.rules.rotas), (lambda: core.store.newer), (lambda: core.worker_health.fault)
    parts = (core.clock, watch, core.health, check, metrics, states, forecast, skew, broken)
    return Status(*parts, zone, rotas, newer, fault)


def upkeep(core: Core, starved: StarvedHosts, watch: Watch, forecast: BudgetForecast) -> Iterator[Recurring]:
    """Yield what is done every so often, whatever is watched."""
    # What goes through the whole store takes as long as it takes.
    settings, clock, ask, slow = core.settings, core.clock, core.threads.ask, off_the_loop
    policies, after = policies_of(settings), settings.store.compact_after
    compaction = Compaction(core.store, core.writer, clock, policies, after, watch.releases.keys, slow)
    keep, most = timedelta(days=settings.evidence.keep_days), settings.evidence.keep_mb * 1_000_000
    retention = Retention(core.evidence, compaction, core.store, core.writer, clock, ask=slow, keep=keep, most=most)
    yield DAILY, "retention", retention.give_up
    yield BOUNDED, "evidence", retention.bound
    yield from core.apart.jobs()
    if core.edges.clock is None:
        # In a rehearsal the hours pass in moments, and the memory is soon needed again.
        yield _GIVEN_BACK, "memory", _give_back
    yield CHECKED, "scarcity", starved.check
    # Whether one starts is known before the first slot; a rehearsal finds out when it needs one.
    yield CHECKED, "workers", partial(core.workers.try_start, eager=core.edges.clock is None)
    yield FORECAST_EVERY, "foresight", forecast.look_ahead
    if settings.watch.learn_addresses:
        inside = {host.lower() for host, _ in allowed_hosts(settings)}
        predicted = PredictedAddresses(core.store.verdicts, watch, clock, hosts_of(settings), ask, inside)
        yield PREDICT_EVERY, "expected addresses", predicted.predict_missing


async def _give_back() -> None:
    give_back()


def deadman(core: Core, check: SelfCheck) -> Iterator[Recurring]:
    """Yield the sign of life that goes out while all is well, where one is configured."""
    table = core.settings.deadman
    if table.url is not None:
        yield table.every, "deadman", Deadman(core.fetcher, table.url, check.troubles, core.metrics.pinged).ping
