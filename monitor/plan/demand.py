"""How many looks a plan wants of a host, minute by minute, against its budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from math import ceil
from zoneinfo import ZoneInfo

from monitor.plan.budget import Key, spacings
from monitor.plan.phases import Window, window_at
from monitor.plan.slot_forecast import SlotForecast

MINUTE = timedelta(minutes=1)
_HUNDRED = 100.0
ENOUGH = timedelta(seconds=30)
"""Looks this far apart settle what comes in the first half of the usual tolerance (`policy.on_time_within`)."""


def demand(plans: Iterable[Sequence[Window]], begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Return how many looks fall due in each minute from `begin` to before `end`.

    `plans` are the windows of each target of one host. Minutes are counted from `begin`; the last one
    may be cut short by `end`.
    """
    count = max(0, ceil((end - begin) / MINUTE))
    steps = [0] * (count + 1)
    # Releases of one slot are looked at in the same windows.
    for window, times in Counter(chain.from_iterable(plans)).items():
        _add(steps, times, window, begin, end)
    looks, level = [], 0
    for minute in range(count):
        level += steps[minute]
        looks.append((begin + minute * MINUTE, level))
    return looks


def peak_rate(wanted: Sequence[tuple[datetime, int]]) -> tuple[datetime, int] | None:
    """Return the minute that wants most looks and how many, the first of equals; None without minutes."""
    return max(wanted, key=lambda each: each[1], default=None)


def apart(plans: Iterable[Sequence[Window]], minute: datetime, budget: float) -> dict[Key, float]:
    """Return how far apart (seconds) looks in the middle of a minute will be, by what is wanted of them."""
    return spacings(_counted(plans, minute), budget)


def _counted(plans: Iterable[Sequence[Window]], minute: datetime) -> Counter[Key]:
    windows = (window_at(windows, minute + MINUTE / 2) for windows in plans)
    return Counter((window.every.total_seconds(), window.chance) for window in windows if window)


def oversubscribed(  # noqa: PLR0913  # what a warning is made of
    host: str,
    wanted: Sequence[tuple[datetime, int]],
    budget: float,
    plans: Sequence[Sequence[Window]],
    timezone: str = "Europe/London",
    enough: timedelta = ENOUGH,
    *,
    slots: Sequence[SlotForecast] = (),
) -> str | None:
    """Return a warning in words when a host's budget (looks a second) cannot carry what is wanted, else None.

    `plans` are those that `wanted` was counted from: they tell how far apart the closest looks of the worst minute
    will be, and the budget that would bring those that count most within `enough` of each other. Where they are near
    one of `slots`, looks go by what they prove, and that is told instead.
    """
    carried = budget * MINUTE.total_seconds()
    over = [(minute, looks) for minute, looks in wanted if looks > carried]
    worst = peak_rate(over)
    if worst is None:
        return None
    zone = ZoneInfo(timezone)
    at, since = worst[0].astimezone(zone), over[0][0].astimezone(zone)
    minutes = "1 minute" if len(over) == 1 else f"{len(over)} minutes"
    return (
        f"{host}: {worst[1]} looks wanted in the minute from {at:%H:%M} on {at.day} {at:%B %Y}, "
        f"the budget carries {carried:.0f} ({budget:g}/s); over budget in {minutes} from {since:%H:%M}; "
        f"{_outcome(plans, worst, budget, enough) if not slots else '; '.join(slot.words(timezone) for slot in slots)}"
    )


def _outcome(plans: Sequence[Sequence[Window]], worst: tuple[datetime, int], budget: float, enough: timedelta) -> str:
    times = worst[1] / (budget * MINUTE.total_seconds())
    remedy = _remedy(plans, worst[0], budget, enough)
    return f"looks will be {times:.1f} times as far apart{_closest(apart(plans, worst[0], budget))}{remedy}"


def needed(plans: Sequence[Sequence[Window]], minute: datetime, enough: timedelta) -> float:
    """Return the least whole budget at which those of the closest looks that count most are `enough` apart or less."""
    wanted = sum(1 / every for every, _ in _counted(plans, minute).elements())
    low, high = 1, max(1, ceil(wanted))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _dearest(apart(plans, minute, middle)) <= enough else (middle + 1, high)
    return float(low)


def _dearest(shared: Mapping[Key, float]) -> timedelta:
    """Return how far apart those looks are that are wanted closest, and of these of the likeliest to change."""
    key = min(shared, key=lambda key: (key[0], -key[1]), default=None)
    return timedelta(seconds=0.0 if key is None else shared[key])


def _remedy(plans: Sequence[Sequence[Window]], minute: datetime, budget: float, enough: timedelta) -> str:
    shared = apart(plans, minute, budget)
    # Where nothing is wanted closer, no slot is near.
    if _dearest(shared) <= enough or min(every for every, _ in shared) > enough.total_seconds():
        return ""
    least = needed(plans, minute, enough)
    return f", too far to prove who was on time; {least:g}/s would make it {enough.total_seconds():g} s"


def _closest(shared: Mapping[Key, float]) -> str:
    if not shared:
        return ""
    wanted = min(every for every, _ in shared)
    got = [spacing for (every, _), spacing in shared.items() if every == wanted]
    least, most = (f"{seconds:.2g}" if seconds < _HUNDRED else f"{seconds:.0f}" for seconds in (min(got), max(got)))
    return f": every {least if least == most else f'{least} to {most}'} s where {wanted:g} s is wanted"


def _add(steps: list[int], times: int, window: Window, begin: datetime, end: datetime) -> None:
    """Add the looks of so many equal windows to the differences between one minute and the next."""
    first = max(window.begins, window.begins + ceil((begin - window.begins) / window.every) * window.every)
    last = min(window.ends, end)
    if first >= last:
        return
    per_minute, odd = divmod(MINUTE, window.every)
    low, high = ceil((first - begin) / MINUTE), (last - begin) // MINUTE
    if odd or low >= high:
        _spread(steps, times, [(first, last)], window.every, begin)
        return
    # Every whole minute holds the same number of looks, so only the two ends are counted one by one.
    steps[low] += times * per_minute
    steps[high] -= times * per_minute
    _spread(steps, times, [(first, begin + low * MINUTE), (begin + high * MINUTE, last)], window.every, begin, first)


def _spread(
    steps: list[int],
    times: int,
    spans: Sequence[tuple[datetime, datetime]],
    every: timedelta,
    begin: datetime,
    anchor: datetime | None = None,
) -> None:
    for low, high in spans:
        due = low if anchor is None else low + (anchor - low) % every
        while due < high:
            minute = (due - begin) // MINUTE
            steps[minute] += times
            steps[minute + 1] -= times
            due += every
