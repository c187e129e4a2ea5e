"""Warnings that a host's budget cannot prove all parts of the next days, while someone can still
act.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

import structlog

from monitor.clock import Clock
from monitor.look.forecast import PartToProve, SlotForecast, forecast_slots
from monitor.plan.budget import Budget
from monitor.plan.targets import View
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease
from schedules.times.zone import day_begins, local_date

_log = structlog.get_logger(__name__)
FORECAST_EVERY = timedelta(minutes=10)
"""How often plan and budgets are compared. The first comparison is before the first calendar read,
so it is short.
"""
_DAYS = 4
"""So a Friday's forecast includes Monday."""

PartsByHost = Mapping[str, list[PartToProve]]


@dataclass
class BudgetForecast:
    """Compares the parts to prove in four days with each host's budget, and logs each shortage
    once.
    """

    clock: Clock
    releases: Callable[[], Iterable[WatchedRelease]]
    budget: Budget
    timezone: str
    ask: Ask
    warnings: dict[tuple[str, date], str] = field(default_factory=dict)

    async def look_ahead(self) -> None:
        """Compare plan and budgets, and log new warnings: a recurring job."""
        parts = self._collect_parts()
        now = self.clock.now()
        found = await self.ask(lambda: dict(self._find_shortages(parts, now)))
        for (host, day), warning in found.items():
            if (host, day) not in self.warnings:
                _log.warning("oversubscribed", host=host, day=day.isoformat(), warning=warning)
        self.warnings = found

    def warnings_by_label(self) -> dict[str, str]:
        """Return the warnings of the last comparison by "host, 5 January 2018"."""
        return {
            f"{host}, {day:%d %B %Y}": warning for (host, day), warning in self.warnings.items()
        }

    def _collect_parts(self) -> PartsByHost:
        """Return the parts to prove by host."""
        parts: dict[str, list[PartToProve]] = defaultdict(list)
        for watched in self.releases():
            for state in watched.states.values():
                target, goal = state.target, state.proof_goal
                # A part has a target for each view. Count it once, with the edge's.
                if target is not None and goal is not None and target.view is View.EDGE:
                    parts[target.host].append(PartToProve(target, goal))
        return parts

    def _find_shortages(
        self, parts: PartsByHost, now: datetime
    ) -> Iterator[tuple[tuple[str, date], str]]:
        """Yield host and day, with a warning, if the host's budget is too small for the proofs of
        the day.
        """
        zone = self.timezone
        begin = now.replace(second=0, microsecond=0)
        end = day_begins(local_date(now, zone) + timedelta(days=_DAYS), zone)
        for host, parts_to_prove in parts.items():
            rate = self.budget.rate(host)
            forecasts = forecast_slots(parts_to_prove, rate, begin, end)
            for day, of_day in groupby(forecasts, lambda one: local_date(one.slot, zone)):
                warning = overload_warning(host, rate, of_day, zone)
                if warning is not None:
                    yield (host, day), warning


def overload_warning(
    host: str, rate: float, slots: Iterable[SlotForecast], timezone: str
) -> str | None:
    """Return a warning that names the slots with parts that `rate` looks a second cannot prove, or
    None if all can be proved.
    """
    short = [slot.describe(timezone) for slot in slots if slot.unproved]
    return f"{host}, {rate:g}/s: {'; '.join(short)}" if short else None
