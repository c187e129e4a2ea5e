"""When a target is looked at: phases around the slot, each with a spacing of looks."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

_MICRO = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Looks at `begins`, `begins + every`, … as long as they fall before `ends`."""

    name: str
    begins: datetime
    ends: datetime
    every: timedelta


def next_due(windows: Sequence[Window], after: datetime, shift: timedelta = timedelta()) -> datetime | None:
    """Return the first due instant later than `after`; None when no window is left.

    `windows` are in time order and do not overlap. `shift` (less than the spacing) moves every due
    instant of a window, so that targets of one host do not fall due together.
    """
    start = bisect.bisect_right([window.ends for window in windows], after)
    for window in windows[start:]:
        first = window.begins + shift % window.every
        steps = max(0, ceil((after - first + _MICRO) / window.every))
        due = first + steps * window.every
        if due < window.ends:
            return due
    return None


def window_at(windows: Sequence[Window], now: datetime) -> Window | None:
    """Return the window that holds `now`, None between windows."""
    return next((window for window in windows if window.begins <= now < window.ends), None)
