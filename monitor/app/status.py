"""The monitor's status for the status page, the API and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor import __version__
from monitor.app.core import Core
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.collector import EmbargoedCollector, ReleaseState, StateCollector
from monitor.health.hosts import SilentHosts
from monitor.health.metrics import render_metrics
from monitor.health.self_check import NOTICE_STUCK_AFTER, Check, SelfCheck
from monitor.health.system import clock_sync_text, is_clock_synchronised
from monitor.judge.as_text import elapsed_text
from monitor.look.clock_skew import Skew
from monitor.look.poller import BrokenLooks
from monitor.look.sandbox.confine import describe_missing
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from monitor.web.monitor_view import MonitorView
from schedules.times.interval import Bounds
from schedules.times.json import Json
from schedules.times.words import stamp

_MOST_HOSTS = 5
"""How many hosts the status page lists with their used budget, the busiest first."""


@dataclass(frozen=True, slots=True)
class Status(MonitorView):
    """Reads the state of every part."""

    core: Core
    watch: Watch
    self_check: SelfCheck
    states: StateCollector
    forecast: BudgetForecast
    skew: Skew
    broken: BrokenLooks
    silent_hosts: SilentHosts
    record: VerdictRecorder
    timezone: str

    def body(self, release: str) -> Json | None:
        """Return the JSON of a watched release as of now."""
        return self.watch.judging.verdict_now(release)

    def last_looks(self) -> dict[str, datetime | None]:
        """Return when each watched release last had a look that proved something, by id."""
        return {name: watched.last_proof_at for name, watched in self.watch.releases.items()}

    def is_standby(self) -> bool:
        """Return whether another monitor looks, and this one waits to take over."""
        return self.core.is_standby

    def unready(self) -> list[str]:
        """Return why this monitor is not reliable now, or why a standby cannot take over.

        Empty if it is reliable.
        """
        return self.unable() if self.is_standby() else self.self_check.unready()

    def unable(self) -> list[str]:
        """Return why this monitor cannot serve pages or look. Empty if it can."""
        return self.self_check.unable()

    def is_store_unavailable(self) -> bool:
        """Return whether the store has failed for so long that requests must not wait for it."""
        return bool(self.core.health.unable(self.core.clock.now()))

    def stuck(self) -> list[str]:
        """Return why this process should be restarted. Empty if it should not."""
        return self.self_check.stuck()

    def metrics(self) -> Iterator[bytes]:
        """Yield the page for Prometheus, one metric at a time."""
        return self.core.metrics.render(self.states)

    def embargoed_metrics(self) -> Iterator[bytes]:
        """Yield the page with what was measured of releases before their slot."""
        return render_metrics(EmbargoedCollector(self.states.releases, self.states.now))

    def as_json(self) -> Json:
        """Return the health of the monitor: why it is not reliable, and the checks of the status
        page.
        """
        checks, silent = self.checks(), self.silent_hosts.silent_now(self.core.clock.now())
        wrong = {
            check.name: f"{check.state}. {check.todo}" for check in checks if not check.is_good
        }
        for host, span in silent.items():
            wrong[f"Host {host}"] = (
                f"no look proves anything since {stamp(span.since, self.timezone)}: {span.why}"
            )
        good = {check.name: check.state for check in checks if check.is_good}
        return {"unready": self.unready(), "status": {"Needs attention": wrong, "Good": good}}

    def checks(self) -> list[Check]:
        """Return the checks of the status page, one for each part of the monitor."""
        now, started = self.core.clock.now(), self.core.health.started
        uptime, since = elapsed_text(now - started), stamp(started, self.timezone)
        return [
            Check("Monitor", f"version {__version__}, up {uptime}, since {since}"),
            *self._leader_check(),
            self._store_check(),
            *(
                self._calendar_check(name)
                for name in sorted(self.core.health.spacings)
                if not self.is_standby()
            ),
            self._looks_check(),
            self._workers_check(),
            *self._clock_checks(),
            *self._budget_checks(),
            *self._channel_checks(),
            *(
                Check(f"On call, {name}", rota.describe_on_call(now))
                for name, rota in self.record.rules.rotas.items()
            ),
        ]

    def _leader_check(self) -> Iterator[Check]:
        """Yield who leads, if several monitors may share the store."""
        if self.core.leadership is not None:
            role = "standby" if self.is_standby() else "leader"
            yield Check("Leader", f"{self.core.leadership.describe()}, this one is the {role}")

    def _store_check(self) -> Check:
        store_faults = self.core.health.unable(self.core.clock.now())
        # "" means no fault
        faults = [one for one in (*store_faults, self.self_check.evidence_fault()) if one]
        if not faults:
            return Check("Store", "writable, and so is the evidence")
        return Check(
            "Store",
            "; ".join(faults),
            "Free space, or bring the database back.",
            "NinethirtyStoreFailing",
        )

    def _calendar_check(self, name: str) -> Check:
        """Return a check of a calendar: good if its last read was usable and is not too old."""
        health, title = self.core.health, f"Calendar {name}"
        last, fault = health.calendars.get(name), health.faults.get(name, "")
        state = f"last usable read {stamp(last, self.timezone)}" if last else "no usable read yet"
        if last and not fault and health.is_fresh(name, self.core.clock.now()):
            return Check(
                title, f"{state}, next by {stamp(last + health.spacings[name], self.timezone)}"
            )
        state = f"{state}; {fault}" if fault else state
        return Check(
            title,
            state,
            f"Run `ninethirty calendar read {name}` to see why.",
            "NinethirtyCalendarStale",
        )

    def _looks_check(self) -> Check:
        """Return a check of the looks, with the worst fault: looks broke, none are made, or some
        were late.
        """
        if broken := self.broken.describe_by_host():
            lines = "; ".join(f"{host}: {line}" for host, line in broken.items())
            todo = (
                "Report where the log says it broke. Watch pages of these hosts yourself at their"
                " slots."
            )
            return Check(
                "Looks",
                f"a fault of this monitor broke looks at {lines}",
                todo,
                "NinethirtyLooksBroken",
            )
        if stuck := self.stuck():
            return Check("Looks", "; ".join(stuck), "Restart the monitor.", "NinethirtyNoLooks")
        if self.core.health.is_late(self.core.clock.now()):
            todo = "Check the load of the machine and what else runs on it."
            return Check(
                "Looks", "some started late within the last minute", todo, "NinethirtyPollerLate"
            )
        watched, targets = len(self.watch.releases), self.self_check.monitor_state().targets
        pace = (
            f"on time, {sum(self.self_check.rates.per_second().values()):.1f} a second in the last"
            " minute"
        )
        return Check("Looks", f"{pace}, releases watched: {watched}, addresses: {targets}")

    def _workers_check(self) -> Check:
        if not (failing := self.self_check.worker_faults()):
            missing = describe_missing()
            confined = f"this kernel lacks {missing} to confine them" if missing else "confined"
            return Check("Workers", f"start when they are needed; {confined}")
        why = "; ".join([*failing, self.core.worker_health.fault])
        return Check(
            "Workers",
            why,
            "Remove the cause; the monitor tries again itself.",
            "NinethirtyWorkersFailing",
        )

    def _clock_checks(self) -> Iterator[Check]:
        """Yield a check of this machine's clock, and one for each host whose Date header is
        implausible.
        """
        health, is_synchronised = self.core.health, is_clock_synchronised()
        yield clock_check(
            health.offset, is_synchronised=is_synchronised, is_off=health.is_clock_off
        )
        for host, doubt in self.skew.describe_doubts().items():
            yield Check(
                f"Clock of {host}",
                doubt,
                "If our clock is right, inform the host.",
                "NinethirtyClockOff",
            )

    def _budget_checks(self) -> Iterator[Check]:
        """Yield a failed check for each budget that will be too small, or one good check if all are
        large enough.
        """
        warnings = self.forecast.warnings_by_label()
        for label, warning in warnings.items():
            todo = "Agree a larger budget with the host, then set it in `[budget]`."
            yield Check(f"Budget of {label}", warning, todo, "NinethirtyLooksMissing")
        if not warnings:
            busiest = list(self.self_check.rates.per_second().items())[:_MOST_HOSTS]
            budget = self.forecast.budget
            state = "enough to prove every part when last compared (every 10 minutes)"
            used = ", ".join(
                f"{host} {rate:.1f} of {budget.rate(host):g} a second" for host, rate in busiest
            )
            yield Check("Budgets", f"{state}; used in the last minute: {used}" if used else state)

    def _channel_checks(self) -> Iterator[Check]:
        for name, backlog in sorted(self.self_check.backlogs().items()):
            count, since, at = backlog.pending, backlog.since, backlog.delivered
            last = (
                f"last delivery {stamp(at, self.timezone)}"
                if at
                else "no delivery since the monitor started"
            )
            state = f"{last}, {count or 'no'} message{'s' if count != 1 else ''} waiting"
            if since is None or self.core.clock.now() - since < NOTICE_STUCK_AFTER:
                yield Check(f"Channel {name}", state)
            else:
                todo = f"Notify its recipients yourself, then run `ninethirty channel test {name}`."
                state = f"{state} since {stamp(since, self.timezone)}"
                yield Check(f"Channel {name}", state, todo, "NinethirtyOutboxStuck")


def clock_check(offset: Bounds | None, *, is_synchronised: bool | None, is_off: bool) -> Check:
    """Return a check of this machine's clock, with a fault if no service synchronises it or it is
    too wrong (`is_off`).

    `offset` is how many seconds it is ahead of the watched hosts. `is_synchronised` is None if the
    system does not say.
    """
    ahead = "not measured yet" if offset is None else f"{offset.min:.3f} s to {offset.max:.3f} s"
    state = f"{clock_sync_text(is_synchronised)}; ahead of the watched hosts: {ahead}"
    if is_off:
        return Check(
            "Clock", state, "Set the clock right: run `timedatectl`.", "NinethirtyClockOff"
        )
    if is_synchronised is False:
        return Check(
            "Clock",
            state,
            "Start chrony or systemd-timesyncd on this machine.",
            "NinethirtyClockOff",
        )
    return Check("Clock", state)


def release_states(releases: Mapping[str, WatchedRelease]) -> list[ReleaseState]:
    """Return the verdict of every watched release, for metrics, unless it is withheld."""
    states = [watched.judging for watched in releases.values()]
    return [
        ReleaseState(state.verdict, state.final_since)
        for state in states
        if state.verdict is not None and state.withheld_until is None
    ]
