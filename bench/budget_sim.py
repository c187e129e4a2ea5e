"""How much of a busy slot is proved, beside the most that anybody could who knew when each page would come.

The planner's own order, in simulated time: no requests are made. Delays are as the public record has them: of 657
releases 601 came within 10 s of their slot and 27 more within the minute. What is late comes one to ten minutes later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from monitor.plan.proof import LookResult, PartProof, ProofGoal
from monitor.plan.sweep import Sweep
from monitor.plan.targets import View

SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
WITHIN = timedelta(seconds=60)
_SECOND = timedelta(seconds=1)
_SLACK = 1.01
_BEGINS, _ENDS = -120.0, 60.0
_SOON, _IN_TIME = 601 / 628, 10.0
_LATEST = 600.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the simulated day: how long after its slot it comes (seconds), and how much it matters."""

    comes: float
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Proved:
    """Which parts are proved by the end of the tolerance, and how wide their intervals are (seconds)."""

    parts: tuple[int, ...]
    widths: tuple[float, ...]

    @property
    def width(self) -> float:
        """Return the median width, 0 when nothing is proved."""
        return median(self.widths) if self.widths else 0.0


def delays(parts: int, late: float, seed: int = 1) -> list[float]:
    """Return when so many parts come, in seconds after their slot, of which a share is late."""
    chance = Random(seed)  # noqa: S311  # a throw of dice, always the same
    return [_delay(chance, late) for _ in range(parts)]


def swept(parts: Sequence[Part], rate: float, views: int = 1, requests: float = 0.0) -> Proved:
    """Return what a sweep proves at `rate` looks a second, of which each part takes one for each view.

    `requests` is the share of the budget that goes to anything else.
    """
    gap = timedelta(seconds=_SLACK * views / (rate * (1.0 - requests)))
    sweep = Sweep(SLOT, WITHIN)
    for number, part in enumerate(parts):
        sweep.add(str(number), ProofGoal(SLOT, WITHIN, (-part.weight, 1, number)))
    found: dict[int, float] = {}
    now = SLOT + _BEGINS * _SECOND
    while now < SLOT + _ENDS * _SECOND:
        need = sweep.next_part(now, gap, _is_ready)
        if need is not None:
            _look(sweep, need, parts[int(need.id)], now, found)
        now += gap
    return Proved(tuple(found), tuple(found.values()))


def best(parts: Sequence[Part], rate: float) -> list[int]:
    """Return the most that can be proved by who knows when each part comes, what matters most first."""
    gap = _SLACK / rate
    comes: list[float] = []
    taken = []
    for number in sorted(range(len(parts)), key=lambda each: (-parts[each].weight, each)):
        tried = sorted([*comes, parts[number].comes], reverse=True)
        # Those that come last must fit into what is left of the tolerance then.
        if len(tried) <= _ENDS / gap and all(place * gap <= _ENDS - late for place, late in enumerate(tried)):
            comes = tried
            taken.append(number)
    return taken


def slots() -> dict[str, float]:
    """Return what a sweep at 5/s makes of busy slots.

    `slot_N` are N pages that come 1 to 5 s after their slot; `late_P` are 300 of which P in a hundred are late, with
    delays as the public record has them: proved, as a share of what could be, by number and where one in twenty
    matters more (`weight`). `views_2` spends two looks on each turn, `files` needs a file of each page at another host.
    """
    figures: dict[str, float] = {}
    for pages in (60, 175, 300):
        got = swept(usual(pages), 5.0)
        figures |= {f"slot_{pages}_proved": len(got.parts), f"slot_{pages}_width": got.width}
    for late in (0, 5, 10, 20):
        equal, unequal = (campaign(300, 5.0, late / 100, weigh) for weigh in (lambda _: 0, _one_in_twenty))
        figures |= {f"late_{late}_to_best": equal["to_best"], f"late_{late}_weight": unequal["weight_to_best"]}
    figures["slot_175_views_2_proved"] = len(swept(usual(175), 5.0, views=2).parts)
    figures["slot_300_files_proved"] = len(with_files(300))
    return figures


def usual(pages: int) -> list[Part]:
    """Return the pages of a slot that come 1 to 5 s after it."""
    return [Part(1 + 4 * (number * 7919 % 1000) / 1000) for number in range(pages)]


def with_files(pages: int) -> set[int]:
    """Return which are proved of pages that need a file each, at two hosts of 5/s: the same go first at both."""
    files = [Part(page.comes + 0.5) for page in usual(pages)]
    return set(swept(usual(pages), 5.0).parts) & set(swept(files, 5.0).parts)


def _one_in_twenty(number: int) -> int:
    return 10 if number % 20 == 0 else 0


def campaign(parts: int, rate: float, late: float, weigh: Callable[[int], int], views: int = 1) -> dict[str, float]:
    """Return what is proved of a slot, by number and by weight, as a share of the most that could be."""
    day = [Part(comes, weigh(number)) for number, comes in enumerate(delays(parts, late))]
    got, most = swept(day, rate, views), best(day, rate)
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


def _look(sweep: Sweep, need: PartProof, part: Part, now: datetime, found: dict[int, float]) -> None:
    sweep.record_start(need, now)
    is_out = (now - SLOT) / _SECOND >= part.comes
    absent = need.absent_at
    sweep.record_result(need.id, View.EDGE, LookResult.PRESENT if is_out else LookResult.ABSENT, now, now)
    if is_out and absent is not None and absent >= SLOT - WITHIN:
        found[int(need.id)] = (now - absent) / _SECOND


def _is_ready(_need: PartProof) -> bool:
    return True


def _delay(chance: Random, late: float) -> float:
    if chance.random() < late:
        return chance.uniform(_ENDS + 1, _LATEST)
    return chance.uniform(0, _IN_TIME) if chance.random() < _SOON else chance.uniform(_IN_TIME, _ENDS)
