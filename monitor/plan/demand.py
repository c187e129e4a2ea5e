"""How many looks a plan wants of a host, minute by minute, against its budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from monitor.plan.phases import Window

MINUTE = timedelta(minutes=1)


def demand(plans: Iterable[Sequence[Window]], begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Return how many looks fall due in each minute from `begin` to before `end`.

    `plans` are the windows of each target of one host. Minutes are counted from `begin`; the last one
    may be cut short by `end`.
    """
    count = max(0, ceil((end - begin) / MINUTE))
    steps = [0] * (count + 1)
    for windows in plans:
        for window in windows:
            _add(steps, window, begin, end)
    looks, level = [], 0
    for minute in range(count):
        level += steps[minute]
        looks.append((begin + minute * MINUTE, level))
    return looks


def peak_rate(wanted: Sequence[tuple[datetime, int]]) -> tuple[datetime, int] | None:
    """Return the minute that wants most looks and how many, the first of equals; None without minutes."""
    return max(wanted, key=lambda each: each[1], default=None)


def oversubscribed(
    host: str,
    wanted: Sequence[tuple[datetime, int]],
    budget: float,
    timezone: str = "Europe/London",
) -> str | None:
    """Return a warning in words when a host's budget (looks a second) cannot carry what is wanted, else None."""
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
        f"looks will be up to {worst[1] / carried:.1f} times as far apart"
    )


def _add(steps: list[int], window: Window, begin: datetime, end: datetime) -> None:
    """Add a window's looks to the differences between one minute and the next."""
    first = max(window.begins, window.begins + ceil((begin - window.begins) / window.every) * window.every)
    last = min(window.ends, end)
    if first >= last:
        return
    per_minute, odd = divmod(MINUTE, window.every)
    if odd:
        _spread(steps, [(first, last)], window.every, begin)
        return
    # Every whole minute holds the same number of looks, so only the two ends are counted one by one.
    low, high = ceil((first - begin) / MINUTE), (last - begin) // MINUTE
    if low >= high:
        _spread(steps, [(first, last)], window.every, begin)
        return
    steps[low] += per_minute
    steps[high] -= per_minute
    _spread(steps, [(first, begin + low * MINUTE), (begin + high * MINUTE, last)], window.every, begin, first)


def _spread(
    steps: list[int],
    spans: Sequence[tuple[datetime, datetime]],
    every: timedelta,
    begin: datetime,
    anchor: datetime | None = None,
) -> None:
    for low, high in spans:
        due = low if anchor is None else low + (anchor - low) % every
        while due < high:
            minute = (due - begin) // MINUTE
            steps[minute] += 1
            steps[minute + 1] -= 1
            due += every
