"""Forecasts of what a host's budget can carry and prove."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from math import ceil

from monitor.plan.budget import WantedSpacing, least_gap
from monitor.plan.phases import Window, on_grid, window_at
from monitor.plan.proof import ProofGoal, Rank
from schedules.times.zone import local

MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
USUAL_DELAY = timedelta(seconds=3)
"""Few releases come sooner after their slot (`docs/decisions/020`)."""
_MOST_NAMED = 5

PartToProve = tuple[str, ProofGoal]
"""The id of a release, and the goal for one of its parts."""


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """What a budget can prove about the parts promised for one slot at one host.

    `proved` of `parts` are likely to be, each within about `width`, `unproved` are the releases of
    the others. `sufficient_rate` is the least whole budget, in looks a second, for all.
    """

    slot: datetime
    parts: int
    proved: int
    width: timedelta
    unproved: tuple[str, ...]
    sufficient_rate: int

    def describe(self, timezone: str) -> str:
        """Return the forecast as text, with local times."""
        at = local(self.slot, timezone)
        proved = f"{self.proved} can be proved, to {self.width / _SECOND:.0f} s"
        text = f"of {self.parts} parts promised for {at:%H:%M}, {proved}"
        if not self.unproved:
            return text
        more = len(self.unproved) - _MOST_NAMED
        names = ", ".join(self.unproved[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"{text}; unproven will be {names}; {self.sufficient_rate}/s would prove all"


def forecast_slots(
    parts: Iterable[PartToProve], rate: float, begin: datetime, end: datetime
) -> list[SlotForecast]:
    """Return how many parts `rate` looks a second at one host can prove, for each slot in the span.

    `parts` has each part once. Slots are left out if the rate suffices to prove all their parts to
    a second.
    """
    slots: dict[tuple[datetime, timedelta], list[tuple[Rank, str]]] = defaultdict(list)
    for release_id, needed_proof in parts:
        if begin <= needed_proof.slot < end:
            slots[needed_proof.slot, needed_proof.tolerance].append((needed_proof.rank, release_id))
    forecasts = []
    for (slot, tolerance), ranked in sorted(slots.items()):
        count = len(ranked)
        proved = provable_count(count, tolerance, rate)
        # In turn, 30 parts at 2 looks a second have a look, and a first-seen interval, of 15 s
        # each.
        time_between_looks = max(proved, 1) * least_gap(rate)
        if proved < count or time_between_looks > _SECOND:
            unproved = tuple(dict.fromkeys(release_id for _, release_id in sorted(ranked)[proved:]))
            sufficient_rate = rate_to_prove(count, tolerance)
            forecasts.append(
                SlotForecast(slot, count, proved, time_between_looks, unproved, sufficient_rate)
            )
    return forecasts


def provable_count(count: int, tolerance: timedelta, rate: float) -> int:
    """Return how many of `count` parts of a slot are likely to be proved at `rate`
    looks a second.
    """
    return min(count, max(0, int((tolerance - USUAL_DELAY) / least_gap(rate))))


def rate_to_prove(count: int, tolerance: timedelta) -> int:
    """Return the least whole rate, in looks a second, likely to prove `count` parts of one slot."""
    least = max(1, ceil(count * _SECOND / max(tolerance - USUAL_DELAY, _SECOND)))
    return least if provable_count(count, tolerance, least) >= count else least + 1


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


def busiest_minute(minutes: Sequence[tuple[datetime, int]]) -> tuple[datetime, int] | None:
    """Return the first minute with the most looks, and their number, None without minutes."""
    return max(minutes, key=lambda minute: minute[1], default=None)


def count_wanted(plans: Iterable[Sequence[Window]], minute: datetime) -> Counter[WantedSpacing]:
    """Return how many targets want each spacing in the middle of a minute."""
    windows = (window_at(windows, minute + MINUTE / 2) for windows in plans)
    return Counter(
        WantedSpacing(window.every.total_seconds(), window.chance) for window in windows if window
    )


def overload_warning(
    host: str, rate: float, slots: Iterable[SlotForecast], timezone: str
) -> str | None:
    """Return a warning that names the slots with parts that `rate` looks a second cannot prove, or
    None if all can be proved.
    """
    short = [slot.describe(timezone) for slot in slots if slot.unproved]
    return f"{host}, {rate:g}/s: {'; '.join(short)}" if short else None
