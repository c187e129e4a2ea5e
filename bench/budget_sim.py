"""Compares how many releases of a busy slot are proved with the most that is possible with known
publication times.

The planner's real order is used in simulated time, without requests. Delays are as on GOV.UK: of
657 releases 601 came within 10 s of their slot and 27 more within the minute. Late ones come one to
ten minutes later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from monitor.look.forecast import PartToProve, play_sweeps
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View, target_id

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
WITHIN = timedelta(seconds=60)
_SECOND = timedelta(seconds=1)
_SLACK = 1.01
_ENDS = 60.0
_SOON, _IN_TIME = 601 / 628, 10.0
_LATEST = 600.0


@dataclass(frozen=True, slots=True)
class Part:
    """A simulated part: when it is published, in seconds after its slot, and its weight."""

    comes: float
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Proved:
    """The parts proved by the end of the tolerance, and the widths of their intervals in
    seconds.
    """

    parts: tuple[int, ...]
    widths: tuple[float, ...]

    @property
    def width(self) -> float:
        """Return the median width, or 0 if no part is proved."""
        return median(self.widths) if self.widths else 0.0


def draw_delays(parts: int, late: float, seed: int = 1) -> list[float]:
    """Return the delays of `parts` parts in seconds, of which the share `late` is late."""
    chance = Random(seed)  # noqa: S311  # a throw of dice, always the same
    return [_delay(chance, late) for _ in range(parts)]


def simulate_sweep(
    parts: Sequence[Part], rate: float, views: int = 1, requests: float = 0.0
) -> Proved:
    """Return what a sweep proves at `rate` looks a second, with one look for each view of a part.

    `requests` is the share of the budget that other requests use.
    """
    goals = [ProofGoal(SLOT, WITHIN, (-part.weight, 1, n)) for n, part in enumerate(parts)]
    promised = [PartToProve(_make_target(n), goal) for n, goal in enumerate(goals)]
    comes = {
        one.target.id: SLOT + part.comes * _SECOND
        for one, part in zip(promised, parts, strict=True)
    }
    widths = play_sweeps(
        promised, rate * (1.0 - requests) / views, lambda part: comes[part.target.id]
    )
    numbers = [n for n, one in enumerate(promised) if one.target.id in widths]
    return Proved(tuple(numbers), tuple(width / _SECOND for width in widths.values()))


def _make_target(number: int) -> Target:
    release = f"r{number}"
    name = target_id(release, "page", View.EDGE)
    return Target(name, release, "page", View.EDGE, f"https://example/{release}", "example", "")


def best_possible(parts: Sequence[Part], rate: float) -> list[int]:
    """Return the numbers of the most parts that can be proved if all delays are known, by
    decreasing weight.
    """
    gap = _SLACK / rate
    comes: list[float] = []
    taken = []
    for number in sorted(range(len(parts)), key=lambda each: (-parts[each].weight, each)):
        tried = sorted([*comes, parts[number].comes], reverse=True)
        # There must be time for a look at each of the last parts before the tolerance ends.
        if len(tried) <= _ENDS / gap and all(
            place * gap <= _ENDS - late for place, late in enumerate(tried)
        ):
            comes = tried
            taken.append(number)
    return taken


def measure_slots() -> dict[str, float]:
    """Return how much a sweep at 5 looks a second proves of busy slots.

    `slot_N`: N pages that come 1 to 5 s after their slot. `late_P`: 300 pages of which P in a
    hundred are late, as a share of the best possible, by number, and by weight if one in twenty
    weighs more. `views_2`: two looks each time. `files`: each page also needs a file at another
    host.
    """
    figures: dict[str, float] = {}
    for pages in (60, 175, 300):
        got = simulate_sweep(usual_parts(pages), 5.0)
        figures |= {f"slot_{pages}_proved": len(got.parts), f"slot_{pages}_width": got.width}
    for late in (0, 5, 10, 20):
        equal, unequal = (
            compare_with_best(300, 5.0, late / 100, weigh)
            for weigh in (lambda _: 0, _one_in_twenty)
        )
        figures |= {
            f"late_{late}_to_best": equal["to_best"],
            f"late_{late}_weight": unequal["weight_to_best"],
        }
    figures["slot_175_views_2_proved"] = len(simulate_sweep(usual_parts(175), 5.0, views=2).parts)
    figures["slot_300_files_proved"] = len(with_files(300))
    return figures


def usual_parts(pages: int) -> list[Part]:
    """Return parts that are published 1 to 5 s after the slot."""
    return [Part(1 + 4 * (number * 7919 % 1000) / 1000) for number in range(pages)]


def with_files(pages: int) -> set[int]:
    """Return which pages are proved with one file each, at two hosts of 5/s that both take them in
    the same order.
    """
    files = [Part(page.comes + 0.5) for page in usual_parts(pages)]
    return set(simulate_sweep(usual_parts(pages), 5.0).parts) & set(
        simulate_sweep(files, 5.0).parts
    )


def _one_in_twenty(number: int) -> int:
    return 10 if number % 20 == 0 else 0


def compare_with_best(
    parts: int, rate: float, late: float, weigh: Callable[[int], int], views: int = 1
) -> dict[str, float]:
    """Return how much of a slot is proved, by number and by weight, as a share of the best
    possible.
    """
    day = [Part(comes, weigh(number)) for number, comes in enumerate(draw_delays(parts, late))]
    got, most = simulate_sweep(day, rate, views), best_possible(day, rate)
    due = sum(part.comes <= _ENDS for part in day)
    return {
        "proved": len(got.parts),
        "due": due,
        "to_best": len(got.parts) / max(1, len(most)),
        "weight_to_best": _weight(day, got.parts) / max(1, _weight(day, most)),
        "width": got.width,
    }


def _weight(day: Sequence[Part], proved: Sequence[int]) -> int:
    return sum(1 + day[number].weight for number in proved)


def _delay(chance: Random, late: float) -> float:
    if chance.random() < late:
        return chance.uniform(_ENDS + 1, _LATEST)
    return (
        chance.uniform(0, _IN_TIME) if chance.random() < _SOON else chance.uniform(_IN_TIME, _ENDS)
    )
