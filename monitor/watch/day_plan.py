"""The planned looks of one day, by release and by host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from monitor.deliver.facts import slot_text
from monitor.judge.case import is_exact
from monitor.look import forecast
from monitor.plan.budget import Budget, WantedSpacing, affordable_spacings, stretch_factor
from monitor.plan.phases import Window
from monitor.plan.targets import Target, press_of, targets_of, tripwires_of
from monitor.plan.windows import UNSEEN, windows_in_force
from monitor.store.sql.engine import Store
from monitor.watch.budget_forecast import overload_warning
from monitor.watch.planner import WatchRules
from monitor.watch.rejudge import judged_parts, stored_case
from monitor.watch.release import JudgingState, WatchedRelease
from monitor.watch.tripwires import Producer, window_at_all_times
from schedules.announcement import Origin
from schedules.in_force import slot_in_force
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Slot
from schedules.times.json import Json, instant_json

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class PlannedRelease:
    """One release of the plan: its slot in force, and the windows of each target that touch the
    day.
    """

    release: Release
    slot: Slot
    windows: dict[Target, tuple[Window, ...]]
    is_due: bool
    parts_to_prove: Sequence[forecast.PartToProve]

    @property
    def predicted_urls(self) -> list[str]:
        """Return the addresses of its targets that were predicted from an earlier edition."""
        return [target.url for target in self.windows if target.origin is Origin.PREDICTED]

    @property
    def slot_text(self) -> str:
        """Return its slot in words."""
        return slot_text(self.slot)

    def as_json(self) -> Json:
        """Return the release, its slot and the windows of its targets as JSON.

        `due`: its slot is in the period.
        """
        return {
            "id": self.release.id,
            "title": self.release.title,
            "producer": self.release.producer,
            "slot": instant_json(self.slot.begins()),
            "due": self.is_due,
            "targets": [_target_json(target, windows) for target, windows in self.windows.items()],
        }


@dataclass(frozen=True, slots=True)
class HostPlan:
    """The looks of one host: how many are due in each minute, and how far its `budget` (looks a
    second) reaches.

    `peak` is the busiest minute with its number of looks. `spacings` has the seconds between looks
    that targets get in that minute, by the seconds that they want and the chance that a look finds
    a change. `slots` has a forecast for each slot that needs a larger budget.
    """

    host: str
    budget: float
    targets: int
    minutes: list[tuple[datetime, int]]
    peak: tuple[datetime, int]
    spacings: dict[WantedSpacing, float]
    warning: str | None
    slots: tuple[forecast.SlotForecast, ...]

    @property
    def looks(self) -> int:
        """Return how many looks are wanted."""
        return sum(looks for _, looks in self.minutes)

    @property
    def stretch(self) -> float:
        """Return the factor by which looks of the busiest minute are stretched: 1.0 if the budget
        is large enough.
        """
        return stretch_factor(self.peak[1] / _MINUTE, self.budget)

    def as_json(self) -> Json:
        """Return the plan of the host as JSON.

        Its list `apart` has a row for each kind of target in the busiest minute: the seconds
        between looks that it wants (`every`) and gets (`apart`), and the `chance` that a look finds
        a change.
        """
        at, looks = self.peak
        return {
            "budget": self.budget,
            "targets": self.targets,
            "looks": self.looks,
            "peak": {"at": instant_json(at), "looks": looks, "rate": looks / _MINUTE},
            "stretch": self.stretch,
            "apart": [
                {"every": wanted_seconds, "chance": chance, "apart": round(seconds, 3)}
                for (wanted_seconds, chance), seconds in sorted(self.spacings.items())
            ],
            "minutes": [
                {"at": instant_json(minute), "looks": count}
                for minute, count in self.minutes
                if count
            ],
            "slots": [
                {
                    "slot": instant_json(slot.slot),
                    "parts": slot.parts,
                    # how many parts can be proved, each within an interval of `width` seconds
                    "proved": slot.proved,
                    "width": round(slot.width.total_seconds(), 3),
                    "unproved": list(slot.unproved),
                    "enough": slot.sufficient_rate,  # the budget that would prove all parts
                }
                for slot in self.slots
            ],
            "warning": self.warning,
        }


@dataclass(frozen=True, slots=True)
class Day:
    """The period that is planned, and the facts for the plan.

    `judged` are the ids of judged releases.
    """

    store: Store
    judged: Collection[str]
    rules: WatchRules
    begin: datetime
    end: datetime
    now: datetime

    def plan_release(self, release: Release, promises: Sequence[Promise]) -> PlannedRelease | None:
        """Return the plan of one release, or None if it needs no looks in the period.

        If its slot is before the period, its looks continue from its verdict as of now. Otherwise
        it counts as unseen.
        """
        promised = slot_in_force(release, promises, self.now)
        slot, slot_begins = promised.slot, promised.slot_begins
        if slot is None or slot_begins is None:
            return None
        judged = self._load_judged(release) if slot_begins < self.begin else None
        watch, usual_time = self.rules.watch, self.rules.default_time
        exact = is_exact(promised)
        windows_of = {}
        for target in targets_of(release, origin_view=watch.origin_view):
            progress = UNSEEN if judged is None else judged.progress(target)
            windows = windows_in_force(
                target, promised, progress, watch, exact=exact, default_time=usual_time
            )
            inside = tuple(
                window
                for window in windows
                if window.begins < self.end and window.ends > self.begin
            )
            if inside:
                windows_of[target] = inside
        if not windows_of:
            return None
        parts_to_prove = []
        for target in windows_of:
            part = self.rules.part_to_prove(release, target, promised)
            if part is not None:
                parts_to_prove.append(part)
        is_due = self.begin <= slot_begins < self.end
        return PlannedRelease(
            release, slot, windows_of, is_due=is_due, parts_to_prove=parts_to_prove
        )

    def _load_judged(self, release: Release) -> WatchedRelease | None:
        """Return a release with its verdict from the store as of now, or None if it was not judged
        yet.
        """
        case = stored_case(self.store, release.id) if release.id in self.judged else None
        if case is None:
            return None
        verdict = case.judge(self.rules.policies, self.now)
        return WatchedRelease(release, case.promises, judging=JudgingState(verdict))


@dataclass(frozen=True, slots=True)
class Load:
    """The budgets of hosts, and the producers with tripwires, which use these budgets too."""

    budget: Budget
    producers: Sequence[Producer]
    timezone: str


def plan_releases(
    store: Store, rules: WatchRules, begin: datetime, end: datetime, now: datetime
) -> list[PlannedRelease]:
    """Return the plan of every release that is looked at from `begin` to before `end`, in the order
    of slots.
    """
    # Looks begin `far.begins` before a slot, and end `overdue.close` after the slot. A slot may be
    # a whole day.
    slots_from = begin - rules.watch.overdue.close - timedelta(days=1)
    slots_until = end + rules.watch.far.begins
    releases = store.ledger.releases(slots_from, slots_until)
    names = [release.id for release in releases]
    promises = store.ledger.promises_by_release(names)
    # also parts that looks found
    rows = store.verdicts.judged_on(names)
    parts_of_judged = {row.release: judged_parts(row) for row in rows}
    day = Day(store, parts_of_judged.keys(), rules, begin, end, now)
    planned = []
    for release in releases:
        with_all_parts = rules.with_parts(release, parts_of_judged.get(release.id, ()))
        plan = day.plan_release(with_all_parts, promises[release.id])
        if plan is not None:
            planned.append(plan)
    return sorted(planned, key=lambda plan: (plan.slot.begins() or begin, plan.release.id))


def plan_hosts(
    releases: Sequence[PlannedRelease],
    load: Load,
    rules: WatchRules,
    begin: datetime,
    end: datetime,
) -> list[HostPlan]:
    """Return the plan of each host, the busiest first: its looks (also at tripwires), forecasts and
    a warning.
    """
    plans: dict[str, list[tuple[Window, ...]]] = defaultdict(list)
    parts_to_prove: dict[str, list[forecast.PartToProve]] = defaultdict(list)
    for release in releases:
        for target, windows in release.windows.items():
            plans[target.host].append(windows)
        for part in release.parts_to_prove:
            parts_to_prove[part.target.host].append(part)
    for producer in load.producers:
        listings = tripwires_of(producer.id, producer.hosts, producer.newest)
        for target in (*listings, *press_of(producer.id, producer.press)):
            plans[target.host].append(window_at_all_times(rules.watch.tripwire.every))
    hosts = []
    for host, targets in plans.items():
        looks = forecast.looks_per_minute(targets, begin, end)
        rate = load.budget.rate(host)
        slots = forecast.forecast_slots(parts_to_prove[host], rate, begin, end)
        warning = overload_warning(host, rate, slots, load.timezone)
        peak = max(looks, key=itemgetter(1))
        busiest_minute, _ = peak
        spacings = affordable_spacings(forecast.count_wanted(targets, busiest_minute), rate)
        hosts.append(
            HostPlan(host, rate, len(targets), looks, peak, spacings, warning, tuple(slots))
        )
    return sorted(hosts, key=lambda plan: -plan.looks)


def _target_json(target: Target, windows: Iterable[Window]) -> Json:
    windows_json = [
        {
            "name": window.name,
            "from": instant_json(window.begins),
            "until": instant_json(window.ends),
            "every": window.every.total_seconds(),
        }
        for window in windows
    ]
    return {"id": target.id, "url": target.url, "host": target.host, "windows": windows_json}
