"""Forecasts of what a host's budget can carry and prove."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import chain, groupby
from math import ceil
from operator import itemgetter

from monitor.plan.budget import WantedSpacing, least_gap
from monitor.plan.phases import Window, on_grid, window_at
from monitor.plan.proof import ProofGoal, Rank
from schedules.times.zone import local

MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
USUAL_DELAY = timedelta(seconds=3)
"""Few releases come sooner after their slot (`docs/decisions/020`)."""
_MOST_NAMED = 5

_RankedPart = tuple[timedelta, Rank, str]
PartToProve = tuple[str, ProofGoal]
"""The id of a release, and the goal for one of its parts."""


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """What a budget can prove about the parts promised for one slot at one host.

    `proved` of `parts` are likely to be, each within about `width`, `unproved` are the releases of
    the others. `sufficient_rate` is the least whole budget for all, None if none suffices.
    """

    slot: datetime
    parts: int
    proved: int
    width: timedelta
    unproved: tuple[str, ...]
    sufficient_rate: int | None

    def describe(self, timezone: str) -> str:
        """Return the forecast as text, with local times."""
        at = local(self.slot, timezone)
        proved = f"{self.proved} can be proved, to {self.width / _SECOND:.0f} s"
        text = f"of {self.parts} parts promised for {at:%H:%M}, {proved}"
        if not self.unproved:
            return text
        more = len(self.unproved) - _MOST_NAMED
        names = ", ".join(self.unproved[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        rate = f"{self.sufficient_rate}/s" if self.sufficient_rate else "no budget"
        return f"{text}; unproven will be {names}; {rate} would prove all"


def forecast_slots(
    parts: Iterable[PartToProve], rate: float, begin: datetime, end: datetime
) -> list[SlotForecast]:
    """Return how many parts `rate` looks a second at one host can prove, for each slot in the span,
    if no other slot overlaps it.

    `parts` has each part once. Slots are left out if the rate suffices to prove all their parts to
    a second.
    """
    slots: dict[datetime, list[_RankedPart]] = defaultdict(list)
    for release_id, goal in parts:
        if begin <= goal.slot < end:
            slots[goal.slot].append((goal.tolerance, goal.rank, release_id))
    forecasts = []
    for slot, ranked in sorted(slots.items()):
        unproved = [release_id for *_, release_id in _find_unproved(ranked, rate)]
        proved = len(ranked) - len(unproved)
        # In turn, 30 parts at 2 looks a second have a look, and a first-seen interval, of 15 s
        # each.
        width = max(proved, 1) * least_gap(rate)
        if unproved or width > _SECOND:
            releases = tuple(dict.fromkeys(unproved))
            sufficient = rate_to_prove(len(ranked), min(ranked)[0])
            forecasts.append(SlotForecast(slot, len(ranked), proved, width, releases, sufficient))
    return forecasts


def _find_unproved(ranked: Sequence[_RankedPart], rate: float) -> Iterator[_RankedPart]:
    """Yield the parts of a slot that are likely to stay unproved.

    Until its tolerance ends, each part gets as many looks as any other.
    """
    waiting, looks_before, looks_each = len(ranked), 0, Fraction()
    for tolerance, group in groupby(sorted(ranked), itemgetter(0)):
        parts = list(group)
        looks = provable_count(len(ranked), tolerance, rate)
        looks_each += Fraction(looks - looks_before, waiting)
        yield from parts[int(looks_each * len(parts)) :]
        waiting, looks_before = waiting - len(parts), looks


def provable_count(count: int, tolerance: timedelta, rate: float) -> int:
    """Return how many of `count` parts of a slot, all with this tolerance, are likely to be proved
    at `rate` looks a second.
    """
    return min(count, max(0, (tolerance - USUAL_DELAY) * rate // least_gap(1.0)))


def rate_to_prove(count: int, tolerance: timedelta) -> int | None:
    """Return the least whole rate at which `provable_count` is `count`, None if there is none."""
    time_left = tolerance - USUAL_DELAY
    return ceil(count * least_gap(1.0) / time_left) if time_left > timedelta() else None


def looks_per_minute(
    plans: Iterable[Sequence[Window]], begin: datetime, end: datetime
) -> list[tuple[datetime, int]]:
    """Return each minute from `begin` to before `end`, with the number of looks due in it.

    `plans` has the windows of each target of one host.
    """
    looks = [0] * max(0, ceil((end - begin) / MINUTE))
    # Releases of one slot share their windows.
    for window, target_count in Counter(chain.from_iterable(plans)).items():
        looks_a_minute, remainder = divmod(MINUTE, window.every)
        # Minutes wholly in the window have this number if they are a multiple of the spacing.
        first_whole = after_whole = max(0, ceil((window.begins - begin) / MINUTE))
        if not remainder:
            after_whole = max(first_whole, (min(window.ends, end) - begin) // MINUTE)
        for minute in range(first_whole, after_whole):
            looks[minute] += target_count * looks_a_minute
        due_before = _due_instants(window, begin, min(end, begin + first_whole * MINUTE))
        due_after = _due_instants(window, begin + after_whole * MINUTE, end)
        for due in chain(due_before, due_after):
            looks[(due - begin) // MINUTE] += target_count
    return [(begin + minute * MINUTE, count) for minute, count in enumerate(looks)]


def _due_instants(window: Window, since: datetime, until: datetime) -> Iterator[datetime]:
    due = max(window.begins, on_grid(since, window.begins, window.every))
    while due < min(until, window.ends):
        yield due
        due += window.every


def count_wanted(plans: Iterable[Sequence[Window]], minute: datetime) -> Counter[WantedSpacing]:
    """Return how many targets want each spacing in the middle of a minute."""
    windows = (window_at(windows, minute + MINUTE / 2) for windows in plans)
    return Counter(
        WantedSpacing(window.every.total_seconds(), window.chance) for window in windows if window
    )
