"""Forecasts of what a host's budget can carry and prove."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from math import ceil
from statistics import median_low
from typing import NamedTuple

from monitor.look.sighting import Sighting, State
from monitor.look.sweeps import Sweeps, part_key
from monitor.plan.budget import WantedSpacing, least_gap
from monitor.plan.phases import Window, on_grid, window_at
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target
from schedules.times.zone import local

MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
USUAL_DELAY = timedelta(seconds=3)
"""Few releases come sooner after their slot (`docs/decisions/020`)."""
_MOST_NAMED = 5
_HIGHEST_RATE = 1000
_AMPLE_TOLERANCE = USUAL_DELAY + _SECOND
"""With a look a second at each part, all with this tolerance are proved."""


class PartToProve(NamedTuple):
    """The edge target of a part of a release, and the goal of its looks."""

    target: Target
    goal: ProofGoal

    @property
    def opens(self) -> datetime:
        """Return when looks for this goal begin."""
        return self.goal.slot - 2 * self.goal.tolerance


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """What a budget can prove about the parts promised for one slot at one host.

    `proved` of `parts` are likely to be, half of them within `width`. `unproved` are the releases
    of the others. `sufficient_rate` is the least whole budget for these and all that compete with
    them, None if this one or none suffices.
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
        rate = "no budget"
        if self.sufficient_rate:
            rate = f"{self.sufficient_rate}/s"
        return f"{text}; unproven will be {names}; {rate} would prove all"


def forecast_slots(
    parts: Iterable[PartToProve], rate: float, begin: datetime, end: datetime
) -> list[SlotForecast]:
    """Return a forecast for each slot in the span, at `rate` looks a second at one host.

    `parts` has each part once. Slots are left out if the rate amply suffices for them.
    """
    due = [part for part in parts if begin <= part.goal.slot < end]
    groups = (_forecast_group(some, rate) for some in _split_by_time(due))
    return list(chain.from_iterable(groups))


def _split_by_time(parts: Iterable[PartToProve]) -> list[list[PartToProve]]:
    """Return the parts in groups, such that looks of different groups never compete."""
    groups: list[list[PartToProve]] = []
    ends = datetime.min.replace(tzinfo=UTC)
    for part in sorted(parts, key=lambda part: (part.opens, part.goal.rank)):
        if part.opens >= ends:
            groups.append([])
        groups[-1].append(part)
        ends = max(ends, part.goal.ends)
    return groups


def _forecast_group(parts: Sequence[PartToProve], rate: float) -> Iterator[SlotForecast]:
    """Yield the forecasts of the slots of parts that compete."""
    least_tolerance = min(part.goal.tolerance for part in parts)
    if len(parts) * least_gap(rate) <= _SECOND and least_tolerance >= _AMPLE_TOLERANCE:
        return
    widths = play_sweeps(parts, rate, _usual_instant)
    sufficient = None
    if len(widths) < len(parts):
        sufficient = _find_sufficient_rate(parts, rate)
    by_slot = defaultdict[datetime, list[PartToProve]](list)
    for part in parts:
        by_slot[part.goal.slot].append(part)
    for slot, some in sorted(by_slot.items()):
        proved = [widths[part.target.id] for part in some if part.target.id in widths]
        unproved = [part for part in some if part.target.id not in widths]
        unproved.sort(key=lambda part: part.goal.rank)
        releases = tuple(dict.fromkeys(part.target.release for part in unproved))
        width = median_low(proved) if proved else timedelta()
        yield SlotForecast(slot, len(some), len(proved), width, releases, sufficient)


def _usual_instant(part: PartToProve) -> datetime:
    return part.goal.slot + USUAL_DELAY


def _find_sufficient_rate(parts: Sequence[PartToProve], rate: float) -> int | None:
    """Return the least whole rate that proves all parts, None if 1,000 does not."""

    def is_enough(tried: int) -> bool:
        return len(play_sweeps(parts, tried, _usual_instant)) == len(parts)

    too_low, enough = int(rate), min(max(1, 2 * int(rate)), _HIGHEST_RATE)
    while not is_enough(enough):
        if enough >= _HIGHEST_RATE:
            return None
        too_low, enough = enough, min(2 * enough, _HIGHEST_RATE)
    while enough - too_low > 1:
        middle = (too_low + enough) // 2
        if is_enough(middle):
            enough = middle
        else:
            too_low = middle
    return enough


def play_sweeps(
    parts: Sequence[PartToProve], rate: float, publication: Callable[[PartToProve], datetime]
) -> dict[str, timedelta]:
    """Look at parts as `Sweeps` choose, at `rate` looks a second. Each is out from its
    `publication` on.

    Return how close the last absence and the first presence were for each part that these prove on
    time, by target id.
    """
    sweeps, gap = Sweeps(), least_gap(rate)
    by_key = {part_key(part.target): part for part in parts}
    now = min(part.opens for part in parts)
    for part in parts:
        sweeps.add(part.target, part.goal, now)
    widths: dict[str, timedelta] = {}
    ends = max(part.goal.ends for part in parts)
    while now < ends:
        proof = sweeps.next_part(now, gap, is_ready=lambda _part: True)
        if proof is not None:
            target, goal = by_key[proof.id]
            is_out = now >= publication(by_key[proof.id])
            if is_out and proof.is_absence_proved() and proof.absent_at is not None:
                widths[target.id] = now - proof.absent_at
            sweeps.record_start(proof, now)
            state = State.PRESENT if is_out else State.ABSENT
            sweeps.record_result(target, goal, Sighting(target.id, state, now, now, now, now))
        now += gap
    return widths


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
