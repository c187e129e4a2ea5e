"""Warnings that a host's budget is too small for the looks of the next days, while someone can
still act.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.plan.addresses import is_witness
from monitor.plan.budget import Budget
from monitor.plan.forecast import PartToProve, forecast_slots, looks_per_minute, overload_warning
from monitor.plan.phases import Window
from monitor.plan.targets import View
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease
from schedules.times.zone import day_begins, local_date

_log = structlog.get_logger(__name__)
FORECAST_EVERY = timedelta(minutes=10)
"""How often plan and budgets are compared. The first comparison is before the first calendar read,
so it is short.
"""
_REPEAT_AFTER = timedelta(hours=1)
"""After so long an unchanged plan is compared again, because some of its slots have passed."""
_DAYS = 4
"""So a Friday's forecast includes Monday."""

PlannedLooks = tuple[tuple[Window, ...], PartToProve | None]
"""The windows of a target, and the part that it has to prove, or None."""
PlansByHost = Mapping[str, list[PlannedLooks]]


@dataclass
class BudgetForecast:
    """Compares the looks planned for four days with each host's budget, and logs each shortage
    once.
    """

    clock: Clock
    releases: Callable[[], Iterable[WatchedRelease]]
    budget: Budget
    close_enough: timedelta
    """The spacing of looks that a warning calls sufficient."""
    timezone: str
    ask: Ask
    warnings: dict[tuple[str, date], str] = field(default_factory=dict)
    _last_compared: tuple[PlansByHost, datetime] | None = None

    async def look_ahead(self) -> None:
        """Compare plan and budgets, and log new warnings, unless the same plan was compared lately.

        A recurring job.
        """
        plans = self._collect_plans()
        now = self.clock.now()
        if self._last_compared is not None:
            last_plans, compared_at = self._last_compared
            if plans == last_plans and now < compared_at + _REPEAT_AFTER:
                return
        self._last_compared = plans, now
        found = await self.ask(lambda: dict(self._find_shortages(plans, now)))
        for (host, day), warning in found.items():
            if (host, day) not in self.warnings:
                _log.warning("oversubscribed", host=host, day=day.isoformat(), warning=warning)
        self.warnings = found

    def warnings_by_label(self) -> dict[str, str]:
        """Return the warnings of the last comparison by "host, 5 January 2018"."""
        return {
            f"{host}, {day:%d %B %Y}": warning for (host, day), warning in self.warnings.items()
        }

    def _collect_plans(self) -> PlansByHost:
        """Return, by host, the windows of each target and the part that this target has to prove,
        or None.
        """
        plans: dict[str, list[PlannedLooks]] = defaultdict(list)
        for watched in self.releases():
            for state in watched.states.values():
                target = state.target
                # Witnesses (announcements, and GOV.UK's index) never use budget that other targets
                # need, so skip them.
                if target is None or is_witness(target.part):
                    continue
                # A part needs one proof (`goal`), but has one target a view. Count it once, with
                # the edge's target.
                goal = state.proof_goal if target.view is View.EDGE else None
                part_to_prove = (watched.release.id, goal) if goal is not None else None
                plans[target.host].append((state.windows, part_to_prove))
        return plans

    def _find_shortages(
        self, plans: PlansByHost, now: datetime
    ) -> Iterator[tuple[tuple[str, date], str]]:
        """Yield host and day, with a warning, if the host's budget is too small for the looks or
        proofs of the day.
        """
        zone = self.timezone
        current_minute = now.replace(second=0, microsecond=0)
        days = [local_date(now, zone) + timedelta(days=ahead) for ahead in range(_DAYS)]
        for host, planned in plans.items():
            rate = self.budget.rate(host)
            targets = [windows for windows, _ in planned]
            parts_to_prove = [part for _, part in planned if part is not None]
            for day in days:
                # the rest of today begins with the current minute
                begin = max(day_begins(day, zone), current_minute)
                end = day_begins(day + timedelta(days=1), zone)
                looks = looks_per_minute(targets, begin, end)
                slots = forecast_slots(parts_to_prove, rate, begin, end)
                warning = overload_warning(
                    host, looks, rate, targets, zone, self.close_enough, slots=slots
                )
                if warning is not None:
                    yield (host, day), warning
