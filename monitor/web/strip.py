"""The strip of a slot: each release with that slot as a bar on one axis, seconds near the slot.

It shows at a glance whether one producer or all are concerned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.judge.as_json import decisive_delay, verdict_or_due
from monitor.web.fragments import has_gone_wrong, severity_rank
from schedules.times.json import instant_from_json

Row = Mapping[str, Any]

_AXIS = (
    (-86_400.0, 0.0),
    (-3_600.0, 4.0),
    (-120.0, 12.0),
    (0.0, 25.0),
    (10.0, 40.0),
    (60.0, 55.0),
    (300.0, 68.0),
    (600.0, 78.0),
    (3_600.0, 89.0),
    (86_400.0, 100.0),
)
"""Where a second after the slot lies on the axis, in percent. Between two points it is linear."""
_TICKS = {-120: "-2 min", 0: "slot", 10: "10 s", 60: "1 min", 300: "5 min", 600: "10 min"}
_TICKS |= {3_600: "1 h", 86_400: "1 day"}
_NARROWEST = 0.8
"""The least width of a bar in percent, so that an interval of a second can be seen."""
_MOST_NAMED = 40
_BEFORE = timedelta(minutes=2)
_OPEN = ("due", "overdue")


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar on the axis, in percent. `state` is a verdict, or `open` for what is not out yet."""

    state: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One producer with its releases on time, and those with a problem, the gravest first."""

    producer: str
    releases: int
    on_time: int
    marks: Sequence[Mark]
    problems: list[tuple[Row, Sequence[Mark]]]


@dataclass(frozen=True, slots=True)
class Strip:
    """All releases of one slot. `left_out` problems are counted but not named."""

    slot: datetime
    releases: int
    lanes: Sequence[Lane]
    left_out: int
    ticks: Sequence[tuple[float, str]]


def make_strips(rows: Iterable[Row], names: Mapping[str, str], now: datetime) -> list[Strip]:
    """Return a strip for each slot that comes within two minutes, has passed, or has a problem.

    `names` are the names of producers by id. Slots without a time of day have none.
    """
    by_slot = defaultdict[datetime, list[Row]](list)
    for row in rows:
        slot = row["slot"]
        if slot is None or slot["precision"] != "instant":
            continue
        if row["verdict"] == "cancelled" and not has_gone_wrong(row):
            continue
        start = instant_from_json(slot["start"])
        if start is not None:
            by_slot[start].append(row)
    return [
        _make_strip(slot, some, names)
        for slot, some in sorted(by_slot.items())
        if slot <= now + _BEFORE or any(map(has_gone_wrong, some))
    ]


def _make_strip(slot: datetime, rows: Sequence[Row], names: Mapping[str, str]) -> Strip:
    by_producer = defaultdict[str, list[Row]](list)
    for row in rows:
        by_producer[names.get(row["producer"], row["producer"])].append(row)
    lanes = [_make_lane(name, some, slot) for name, some in by_producer.items()]
    lanes.sort(key=lambda lane: (-len(lane.problems), lane.producer.casefold()))
    left_out = _leave_out(lanes)
    ticks = [(place_on_axis(seconds), label) for seconds, label in _TICKS.items()]
    return Strip(slot, len(rows), lanes, left_out, ticks)


def _leave_out(lanes: Sequence[Lane]) -> int:
    """Keep `_MOST_NAMED` problems at most, and return how many are left out.

    A producer with few problems keeps them before one with many, so that each is seen.
    """
    room, left_out = _MOST_NAMED, 0
    for lane in sorted(lanes, key=lambda lane: len(lane.problems)):
        left_out += len(lane.problems[room:])
        del lane.problems[room:]
        room -= len(lane.problems)
    return left_out


def _make_lane(producer: str, rows: Sequence[Row], slot: datetime) -> Lane:
    on_time = [row for row in rows if row["verdict"] == "on_time"]
    problems = [row for row in rows if has_gone_wrong(row)]
    problems.sort(key=lambda row: severity_rank(verdict_or_due(row)))
    bounds = [row["delay"] for row in on_time if row["delay"]]
    lows = [one["min"] for one in bounds if one["min"] is not None]
    highs = [one["max"] for one in bounds if one["max"] is not None]
    marks = [_make_mark("on_time", min(lows), max(highs))] if lows and highs else []
    drawn: list[tuple[Row, Sequence[Mark]]] = [(row, list_marks(row, slot)) for row in problems]
    return Lane(producer, len(rows), len(on_time), marks, drawn)


def list_marks(row: Row, slot: datetime) -> list[Mark]:
    """Return the bars of one release: its exposures, and an open bar if it is not out.

    Without any, it is the interval in which it came.
    """
    word = verdict_or_due(row)
    marks = [_make_mark("early", *_seconds_of(one, slot)) for one in row["exposures"]]
    delay, _part = decisive_delay(row)
    low = delay["min"] if delay else None
    high = delay["max"] if delay else None
    if word in _OPEN:
        marks.append(_make_mark("open", 0.0, _AXIS[-1][0]))
    elif low is not None and high is not None and not marks:
        marks.append(_make_mark(word, low, high))
    return marks


def _seconds_of(exposure: Mapping[str, Any], slot: datetime) -> tuple[float, float]:
    """Return from when to when something was public early, in seconds after the slot."""
    begins = exposure["from"]["after"] or exposure["from"]["by"]
    ends = (exposure["to"] or {}).get("by")
    first, last = instant_from_json(begins), instant_from_json(ends)
    start = (first - slot).total_seconds() if first is not None else _AXIS[0][0]
    return start, (last - slot).total_seconds() if last is not None else 0.0


def _make_mark(state: str, low: float, high: float) -> Mark:
    left = place_on_axis(low)
    width = max(place_on_axis(high) - left, _NARROWEST)
    return Mark(state, min(left, 100 - _NARROWEST), round(width, 2))


def place_on_axis(seconds: float) -> float:
    """Return where a second after the slot lies on the axis, from 0 to 100."""
    before, left = _AXIS[0]
    if seconds <= before:
        return left
    for after, right in _AXIS[1:]:
        if seconds <= after:
            share = (seconds - before) / (after - before)
            return round(left + share * (right - left), 2)
        before, left = after, right
    return left
