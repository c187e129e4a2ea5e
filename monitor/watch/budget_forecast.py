"""Budgets that will not carry the looks of today and the next days: told while somebody can still act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from monitor.clock import Clock
from monitor.plan.addresses import is_witness
from monitor.plan.budget import Budget
from monitor.plan.forecast import PartToProve, forecast_slots, looks_per_minute, overload_warning
from monitor.plan.phases import Window
from monitor.plan.targets import View
from monitor.threads import Ask
from monitor.watch.release import WatchedRelease

_log = structlog.get_logger(__name__)
RECKONED = timedelta(minutes=10)
"""How often: the first time is before the first calendar is read, and what is announced meanwhile may be due soon."""
_AGAIN = timedelta(hours=1)
"""How often at least, though nothing was planned anew: what has passed need not be told of."""
_DAYS = 4
"""On a Friday, what Monday needs is told."""

Planned = tuple[tuple[Window, ...], PartToProve | None]
"""When a target is looked at, and what its part must be proved to be."""
Plans = Mapping[str, list[Planned]]


@dataclass
class BudgetForecast:
    """Holds the looks planned for four days against each host's budget; what is too much is logged once."""

    clock: Clock
    releases: Callable[[], Iterable[WatchedRelease]]
    budget: Budget
    timezone: str
    ask: Ask
    warnings: dict[tuple[str, date], str] = field(default_factory=dict)
    _reckoned: tuple[Plans, datetime] | None = None

    async def look_ahead(self) -> None:
        """Compare plan and budgets again, unless that was done lately for the same plan; a recurring job."""
        plans, now = self._plans(), self.clock.now()
        if self._reckoned is not None and self._reckoned[0] == plans and now < self._reckoned[1] + _AGAIN:
            return
        self._reckoned, days = (plans, now), list(self._days())
        found = await self.ask(lambda: dict(self._oversubscribed(plans, days)))
        for (host, day), warning in found.items():
            if (host, day) not in self.warnings:
                _log.warning("oversubscribed", host=host, day=day.isoformat(), warning=warning)
        self.warnings = found

    def warnings_told(self) -> dict[str, str]:
        """Return what was found last, by host and day."""
        return {f"{host}, {day:%d %B %Y}": warning for (host, day), warning in self.warnings.items()}

    def _plans(self) -> Plans:
        plans: dict[str, list[Planned]] = defaultdict(list)
        for watched in self.releases():
            for state in watched.states.values():
                # Announcements and the index are looked at with what is left: no proof to the second wants them.
                if (target := state.target) is not None and not is_witness(target.part):
                    is_part = state.proof is not None and target.view is View.EDGE
                    needed = (watched.release.id, state.proof) if state.proof is not None and is_part else None
                    plans[target.host].append((state.windows, needed))
        return plans

    def _days(self) -> Iterator[tuple[date, datetime, datetime]]:
        zone, now = ZoneInfo(self.timezone), self.clock.now()
        first = now.astimezone(zone).date()
        for day in (first + timedelta(days=ahead) for ahead in range(_DAYS)):
            begin, end = (
                datetime.combine(each, time(), zone).astimezone(now.tzinfo) for each in (day, day + timedelta(days=1))
            )
            # What is left of today, by whole minutes.
            yield day, max(begin, now.replace(second=0, microsecond=0)), end

    def _oversubscribed(
        self, plans: Plans, days: Sequence[tuple[date, datetime, datetime]]
    ) -> Iterator[tuple[tuple[str, date], str]]:
        for host, planned in plans.items():
            windows, needed = [one for one, _ in planned], [one for _, one in planned if one is not None]
            for day, begin, end in days:
                wanted, rate = looks_per_minute(windows, begin, end), self.budget.rate(host)
                slots = forecast_slots(needed, rate, begin, end)
                warning = overload_warning(host, wanted, rate, windows, self.timezone, slots=slots)
                if warning is not None:
                    yield (host, day), warning
