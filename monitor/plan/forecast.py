"""Forecasts of what a host's budget can carry and prove: looks wanted each minute, and parts proved at each slot."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from math import ceil
from zoneinfo import ZoneInfo

from monitor.plan.budget import WantedSpacing, affordable_spacings, least_gap
from monitor.plan.phases import Window, on_grid, window_at
from monitor.plan.proof import ProofGoal

MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
CLOSE_ENOUGH = timedelta(seconds=30)
"""Looks this far apart are enough for releases in the first half of the usual tolerance (`policy.on_time_within`)."""
USUAL_DELAY = timedelta(seconds=3)
"""Looks this soon after a slot find little, because most releases come later (`docs/decisions/020`)."""
_MOST_NAMED = 5

PartToProve = tuple[str, ProofGoal]
"""The id of a release, and the goal for one of its parts."""


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """What a budget can prove about the parts that one host has promised for one slot.

    `proved` of `parts` parts are likely to be proved, each within an interval of about `width`. `unproved` are the
    releases of the others, and `sufficient_rate` is the least whole budget, in looks a second, for all of them.
    """

    slot: datetime
    parts: int
    proved: int
    width: timedelta
    unproved: tuple[str, ...]
    sufficient_rate: int

    def describe(self, timezone: str) -> str:
        """Return the forecast as text, with local times."""
        at = self.slot.astimezone(ZoneInfo(timezone))
        proved = f"{self.proved} can be proved, to {self.width / _SECOND:.0f} s"
        text = f"of {self.parts} parts promised for {at:%H:%M}, {proved}"
        if not self.unproved:
            return text
        more = len(self.unproved) - _MOST_NAMED
        names = ", ".join(self.unproved[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"{text}; unproven will be {names}; {self.sufficient_rate}/s would prove all"


def forecast_slots(parts: Iterable[PartToProve], rate: float, begin: datetime, end: datetime) -> list[SlotForecast]:
    """Return what `rate` looks a second at one host can prove of each slot from `begin` to before `end`, in time order.

    Slots where every part can be looked at each second are left out. `parts` has each part once.
    """
    slots: dict[tuple[datetime, timedelta], list[PartToProve]] = defaultdict(list)
    for release, goal in parts:
        if begin <= goal.slot < end:
            slots[goal.slot, goal.tolerance].append((release, goal))
    found = []
    for (slot, tolerance), promised in sorted(slots.items()):
        proved = provable_count(len(promised), tolerance, rate)
        width = max(proved, 1) * least_gap(rate)
        if width > _SECOND:
            left_out = sorted(promised, key=lambda one: (one[1].rank, one[0]))[proved:]
            unproved = tuple(dict.fromkeys(release for release, _ in left_out))
            needed = rate_to_prove(len(promised), tolerance)
            found.append(SlotForecast(slot, len(promised), proved, width, unproved, needed))
    return found


def provable_count(count: int, tolerance: timedelta, rate: float) -> int:
    """Return how many of `count` parts of one slot are likely to be proved at `rate` looks a second."""
    return min(count, max(0, int((tolerance - USUAL_DELAY) / least_gap(rate))))


def rate_to_prove(count: int, tolerance: timedelta) -> int:
    """Return the least whole budget, in looks a second, that is likely to prove `count` parts of one slot."""
    least = max(1, ceil(count * _SECOND / max(tolerance - USUAL_DELAY, _SECOND)))
    return least if provable_count(count, tolerance, least) >= count else least + 1


def looks_per_minute(plans: Iterable[Sequence[Window]], begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Return each minute from `begin` to before `end`, with the number of looks that fall due in it.

    `plans` has the windows of each target of one host. The last minute may be cut short by `end`.
    """
    looks = [0] * max(0, ceil((end - begin) / MINUTE))
    # Releases of one slot are looked at in the same windows.
    for window, times in Counter(chain.from_iterable(plans)).items():
        per_minute, rest = divmod(MINUTE, window.every)
        # If a minute is a whole number of spacings, every whole minute of the window has the same number of looks.
        low = max(0, ceil((window.begins - begin) / MINUTE))
        high = low if rest else max(low, (min(window.ends, end) - begin) // MINUTE)
        for minute in range(low, high):
            looks[minute] += times * per_minute
        before = _due_instants(window, begin, min(end, begin + low * MINUTE))
        for due in chain(before, _due_instants(window, begin + high * MINUTE, end)):
            looks[(due - begin) // MINUTE] += times
    return [(begin + minute * MINUTE, count) for minute, count in enumerate(looks)]


def _due_instants(window: Window, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the due instants of a window from `since` to before `until`."""
    due = max(window.begins, on_grid(since, window.begins, window.every))
    while due < min(until, window.ends):
        yield due
        due += window.every


def busiest_minute(wanted: Sequence[tuple[datetime, int]]) -> tuple[datetime, int] | None:
    """Return the first minute with the most looks, and their number. None without minutes."""
    return max(wanted, key=lambda each: each[1], default=None)


def spacings_at(plans: Iterable[Sequence[Window]], minute: datetime, budget: float) -> dict[WantedSpacing, float]:
    """Return the seconds between looks in the middle of a minute, by the spacing wanted and the chance."""
    return affordable_spacings(_count_wanted(plans, minute), budget)


def _count_wanted(plans: Iterable[Sequence[Window]], minute: datetime) -> Counter[WantedSpacing]:
    windows = (window_at(windows, minute + MINUTE / 2) for windows in plans)
    return Counter((window.every.total_seconds(), window.chance) for window in windows if window)


def overload_warning(  # noqa: PLR0913  # what a warning is made of
    host: str,
    wanted: Sequence[tuple[datetime, int]],
    budget: float,
    plans: Sequence[Sequence[Window]],
    timezone: str = "Europe/London",
    enough: timedelta = CLOSE_ENOUGH,
    *,
    slots: Sequence[SlotForecast] = (),
) -> str | None:
    """Return a warning if a host's budget (looks a second) cannot carry the looks `wanted` each minute, else None.

    `plans` are those that `wanted` was counted from. They show how far apart the closest looks of the worst minute will
    be, and the budget that would bring the most important of them within `enough` of each other. If looks are planned
    for the proofs of `slots`, the warning has the forecast of these instead.
    """
    affordable = budget * MINUTE.total_seconds()
    over = [(minute, looks) for minute, looks in wanted if looks > affordable]
    worst = busiest_minute(over)
    if worst is None:
        return None
    zone = ZoneInfo(timezone)
    at, since = worst[0].astimezone(zone), over[0][0].astimezone(zone)
    minutes = "1 minute" if len(over) == 1 else f"{len(over)} minutes"
    described = [slot.describe(timezone) for slot in slots] or [_describe_spacing(plans, worst, budget, enough)]
    return (
        f"{host}: {worst[1]} looks wanted in the minute from {at:%H:%M} on {at.day} {at:%B %Y}, "
        f"the budget carries {affordable:.0f} ({budget:g}/s); over budget in {minutes} from {since:%H:%M}; "
        f"{'; '.join(described)}"
    )


def _describe_spacing(
    plans: Sequence[Sequence[Window]], worst: tuple[datetime, int], budget: float, enough: timedelta
) -> str:
    """Return how far apart looks will be in the worst minute, and which budget would be sufficient."""
    minute, looks = worst
    text = f"looks will be {looks / (budget * MINUTE.total_seconds()):.1f} times as far apart"
    spacings = spacings_at(plans, minute, budget)
    if not spacings:
        return text
    wanted = min(every for every, _ in spacings)
    got = sorted(spacing for (every, _), spacing in spacings.items() if every == wanted)
    least, most = (f"{seconds:.2g}" if seconds < 100 else f"{seconds:.0f}" for seconds in (got[0], got[-1]))
    text += f": every {least if least == most else f'{least} to {most}'} s where {wanted:g} s is wanted"
    # If no look is wanted closer than is enough, no slot is near.
    if _most_important(spacings) <= enough or wanted > enough.total_seconds():
        return text
    sufficient = least_sufficient_budget(plans, minute, enough)
    return f"{text}, too far to prove who was on time; {sufficient:g}/s would make it {enough.total_seconds():g} s"


def least_sufficient_budget(plans: Sequence[Sequence[Window]], minute: datetime, enough: timedelta) -> float:
    """Return the least whole budget at which the most important looks are at most `enough` apart."""
    low, high = 1, max(1, ceil(sum(1 / every for every, _ in _count_wanted(plans, minute).elements())))
    while low < high:
        middle = (low + high) // 2
        is_sufficient = _most_important(spacings_at(plans, minute, middle)) <= enough
        low, high = (low, middle) if is_sufficient else (middle + 1, high)
    return float(low)


def _most_important(spacings: Mapping[WantedSpacing, float]) -> timedelta:
    """Return the spacing that the targets get that want the closest looks and, of these, are likeliest to change."""
    wanted = min(spacings, key=lambda one: (one[0], -one[1]), default=None)
    return timedelta(seconds=0.0 if wanted is None else spacings[wanted])
