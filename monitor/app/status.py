"""How the monitor is doing, as the status page, the API and Prometheus ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.rota import Rota
from monitor import __version__
from monitor.clock import Clock
from monitor.health.checks import Check
from monitor.health.collector import Now, Shown
from monitor.health.metrics import Metrics
from monitor.health.self_check import STUCK, SelfCheck
from monitor.health.state import HealthState
from monitor.health.system import is_kept, kept_words
from monitor.judge.as_text import elapsed
from monitor.look.broken_looks import BrokenLooks
from monitor.look.clock_skew import Skew
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from monitor.web.queries import Pulse
from schedules.times.interval import Bounds
from schedules.times.words import stamp

_MOST_HOSTS = 5
"""Hosts whose used budgets the status page names, the busiest first."""


@dataclass(frozen=True, slots=True)
class Status:
    """Reads the state of every part; changes none."""

    clock: Clock
    watch: Watch
    health: HealthState
    self_check: SelfCheck
    counters: Metrics
    states: Now
    forecast: BudgetForecast
    skew: Skew
    broken: BrokenLooks
    timezone: str
    rotas: Callable[[], Mapping[str, Rota]] = dict
    newer: Callable[[], str] = str
    worker_fault: Callable[[], str] = str

    def body(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now."""
        return self.watch.verdict_now(release)

    def pulses(self) -> dict[str, Pulse]:
        """Return every watched release: what was last written down of it, and when it was last looked at."""
        return {name: Pulse(one.last_recorded, one.last_proof_at) for name, one in self.watch.releases.items()}

    def unready(self) -> list[str]:
        """Return why this monitor is not to be relied on, empty when it is."""
        return self.self_check.unready()

    def unable(self) -> list[str]:
        """Return why this monitor cannot serve and look, empty when it can."""
        return self.self_check.unable()

    def storeless(self) -> bool:
        """Tell whether the store has not answered for so long that nobody should wait for it."""
        return bool(self.health.unable(self.clock.now()))

    def stuck(self) -> list[str]:
        """Return why this process should be started anew, empty when it need not be."""
        return self.self_check.stuck()

    def metrics(self) -> Iterator[bytes]:
        """Yield the page that Prometheus reads, a metric at a time."""
        return self.counters.page(self.states)

    def as_json(self) -> dict[str, Any]:
        """Return the health of the monitor: why it cannot be relied on, and what the status page shows."""
        checks = self.checks()
        wrong = {check.name: f"{check.state}. {check.todo}" for check in checks if not check.is_good}
        good = {check.name: check.state for check in checks if check.is_good}
        return {"unready": self.unready(), "status": {"Needs attention": wrong, "Good": good}}

    def checks(self) -> list[Check]:
        """Return the parts of the monitor for the status page, each good or with what to do."""
        return [
            self._monitor(),
            self._store(),
            *(self._calendar(name) for name in sorted(self.health.spacings)),
            self._looks(),
            self._workers(),
            *self._clocks(),
            *self._budgets(),
            *self._channels(),
            *(
                Check(f"On call, {name}", rota.describe_on_call(self.clock.now()))
                for name, rota in self.rotas().items()
            ),
        ]

    def _monitor(self) -> Check:
        up, since = elapsed(self.clock.now() - self.health.started), stamp(self.health.started, self.timezone)
        return Check("Monitor", f"version {__version__}, up {up}, since {since}")

    def _store(self) -> Check:
        if newer := self.newer():
            return Check("Store", f"{newer}, of a newer version of ninethirty", "Upgrade this monitor.")
        failing, lost = self.health.unable(self.clock.now()), self.self_check.evidence()
        if not (failing or lost):
            return Check("Store", "writable, and so is the evidence")
        free = "Free space, or bring the database back."
        return Check("Store", "; ".join([*failing, *([lost] if lost else [])]), free, "NinethirtyStoreFailing")

    def _calendar(self, name: str) -> Check:
        health, title = self.health, f"Calendar {name}"
        last, fault = health.calendars.get(name), health.faults.get(name, "")
        read = f"last usable read {stamp(last, self.timezone)}" if last else "no usable read yet"
        state = f"{read}; {fault}" if fault else read
        if fault or not health.is_fresh(name, self.clock.now()):
            return Check(title, state, f"Run `ninethirty calendar read {name}` to see why.", "NinethirtyCalendarStale")
        return Check(title, f"{state}, next by {stamp(last + health.spacings[name], self.timezone)}" if last else state)

    def _looks(self) -> Check:
        if broken := self.broken.by_host():
            lines = "; ".join(f"{host}: {line}" for host, line in broken.items())
            todo = "Report where the log says it broke. Watch pages of these hosts yourself at their slots."
            return Check("Looks", f"a fault of this monitor broke looks at {lines}", todo, "NinethirtyLooksBroken")
        if stuck := self.stuck():
            return Check("Looks", "; ".join(stuck), "Restart the monitor.", "NinethirtyNoLooks")
        if self.health.is_late(self.clock.now()):
            todo = "Check the load of the machine and what else runs on it."
            return Check("Looks", "some started late within the last minute", todo, "NinethirtyPollerLate")
        watched, targets = len(self.watch.releases), self.self_check.vitals().targets
        pace = f"on time, {sum(self.self_check.rates.per_second().values()):.1f} a second in the last minute"
        return Check("Looks", f"{pace}, releases watched: {watched}, addresses: {targets}")

    def _workers(self) -> Check:
        if not (failing := self.self_check.workers()):
            return Check("Workers", "start when they are needed")
        why = "; ".join([*failing, self.worker_fault()])
        return Check("Workers", why, "Remove the cause; the monitor tries again itself.", "NinethirtyWorkersFailing")

    def _clocks(self) -> Iterator[Check]:
        """Yield this machine's clock, and each watched host's whose date is not believed."""
        yield clock_check(is_kept(), self.health.offset, is_off=self.health.clock_is_off)
        for host, doubt in self.skew.doubts().items():
            yield Check(f"Clock of {host}", doubt, "If our clock is right, tell the host.", "NinethirtyClockOff")

    def _budgets(self) -> Iterator[Check]:
        warnings = self.forecast.warnings_by_label()
        busiest = list(self.self_check.rates.per_second().items())[:_MOST_HOSTS]
        used = ", ".join(f"{host} {rate:.1f} of {self.forecast.budget.rate(host):g} a second" for host, rate in busiest)
        if not warnings:
            state = "enough for every look that is planned"
            yield Check("Budgets", f"{state}; used in the last minute: {used}" if used else state)
        for name, warning in warnings.items():
            todo = "Agree a larger budget with the host, then set it in `[budget]`."
            yield Check(f"Budget of {name}", warning, todo, "NinethirtyLooksMissing")

    def _channels(self) -> Iterator[Check]:
        """Yield each channel with its last delivery and with the messages that wait for it."""
        for name, backlog in sorted(self.self_check.backlogs().items()):
            count, since, at = backlog.pending, backlog.since, backlog.delivered
            last = f"last delivery {stamp(at, self.timezone)}" if at else "no delivery since the monitor started"
            state = f"{last}, {count or 'no'} message{'s' if count != 1 else ''} waiting"
            if since is None or self.clock.now() - since < STUCK:
                yield Check(f"Channel {name}", state)
            else:
                todo = f"Tell its recipients yourself, then run `ninethirty channel test {name}`."
                yield Check(
                    f"Channel {name}", f"{state} since {stamp(since, self.timezone)}", todo, "NinethirtyOutboxStuck"
                )


def clock_check(kept: bool | None, offset: Bounds | None, *, is_off: bool) -> Check:  # noqa: FBT001 # an answer
    """Return the state of this machine's clock: wrong if nothing keeps it synchronised, or if it `is_off`.

    `offset` is how many seconds it is ahead of the watched hosts, `kept` is None if the system does not say.
    """
    told = "not measured yet" if offset is None else f"{offset.min:.3f} s to {offset.max:.3f} s"
    state = f"{kept_words(kept)}; ahead of the watched hosts: {told}"
    if is_off:
        return Check("Clock", state, "Set the clock right: run `timedatectl`.", "NinethirtyClockOff")
    if kept is False:
        return Check("Clock", state, "Start chrony or systemd-timesyncd on this machine.", "NinethirtyClockOff")
    return Check("Clock", state)


def shown(releases: Mapping[str, WatchedRelease]) -> list[Shown]:
    """Return every watched release's verdict for the metrics."""
    told = (one for one in releases.values() if one.planning_only_until is None)
    return [Shown(one.verdict, one.final_since) for one in told if one.verdict is not None]
