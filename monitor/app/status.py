"""How the monitor is doing, as the status page, the API and Prometheus ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.rota import Rota
from monitor.clock import Clock
from monitor.health.collector import Now, Shown
from monitor.health.metrics import Metrics
from monitor.health.self_check import SelfCheck
from monitor.health.state import HealthState
from monitor.health.system import is_kept, kept_words
from monitor.look.broken_looks import BrokenLooks
from monitor.look.clock_skew import Skew
from monitor.watch.budget_forecast import BudgetForecast
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from monitor.web.running import Pulse
from schedules.times.words import stamp


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
        return {name: Pulse(one.told, one.looked) for name, one in self.watch.releases.items()}

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
        return {"unready": self.unready(), "status": self.status()}

    def status(self) -> dict[str, Any]:
        """Return how the monitor is doing, for the status page."""
        zone = self.timezone
        reads = {name: stamp(at, zone) for name, at in self.health.calendars.items()}
        offset = self.health.offset
        told = "not measured yet" if offset is None else f"between {offset.min:.3f} s and {offset.max:.3f} s"
        now = self.clock.now()
        on_call = {name: rota.told(now) for name, rota in self.rotas().items()}
        newer, broken, worker_fault = self.newer(), self.broken.by_host(), self.worker_fault()
        return {
            **({"Looks that a fault of this monitor broke": broken} if broken else {}),
            **({"On call": on_call} if on_call else {}),
            **({"Store": {"shape": f"{newer}, of a newer version of ninethirty: upgrade this one"}} if newer else {}),
            **({"Workers": {"why none starts": worker_fault}} if worker_fault else {}),
            "Calendars, last usable read": reads,
            "Calendars, faults": dict(self.health.faults),
            "Clock": {
                "our clock minus the watched hosts'": told,
                "kept right by the machine": kept_words(is_kept()),
                **self.skew.doubts(),
            },
            "Budgets, looks ahead": self.forecast.warnings_told(),
            "Watch": {"releases": str(len(self.watch.releases)), "outbox": str(self.self_check.vitals().pending)},
        }


def shown(releases: Mapping[str, WatchedRelease]) -> list[Shown]:
    """Return every watched release's verdict for the metrics."""
    told = (one for one in releases.values() if one.held is None)
    return [Shown(one.verdict, one.final_since) for one in told if one.verdict is not None]
