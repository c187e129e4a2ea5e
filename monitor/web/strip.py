"""The strip of a slot: the releases of each producer as bars on one axis, seconds near the slot.

It shows at a glance whether one producer or all are concerned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlsplit

from alerts.plots import SLOT_AXIS, Mark, mark_release
from monitor.errors import StoreFault
from monitor.judge.as_json import decisive_delay, verdict_or_due
from monitor.judge.findings.blind import CAUSES_THAT_ALLOW_SOME_LOOKS
from monitor.judge.policy import Policies
from monitor.judge.runs import Blind
from monitor.web.fragments import (
    WITHOUT_PROBLEM,
    Row,
    count_statuses,
    has_gone_wrong,
    sort_gravest_first,
)
from monitor.web.pages import least_length
from monitor.web.queries import Queries
from schedules.contract.verdict import verdict_text
from schedules.times.json import instant_from_json

_MOST_NAMED = 14
_MOST_PRODUCERS = 4
"""A group of problems names so many producers, and counts more."""
_BEFORE = timedelta(minutes=2)
_OPEN = ("due", "overdue")
_NOT_ON_TIME = (*_OPEN, "late", "not_published", "unproven")
"""If many of a host's releases are so, the host may have failed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One release with a problem, or all of one producer that are not out and have the same bars.

    `length` is how late one was, or else how long it was public early.
    """

    rows: Sequence[Row]
    marks: list[Mark]
    length: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One producer: `counts` of its releases by verdict and the `lines` of its problems, the
    gravest first.

    `marks` are the bars of the producer itself: one of all releases on time, and those of problems
    that are not named. Behind all bars is the `backdrop`: the tolerance, and when the monitor could
    not look.
    """

    producer: str
    releases: int
    counts: Sequence[tuple[str, int]]
    backdrop: list[Mark]
    marks: list[Mark]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Group:
    """The releases of a slot with the same problem, in `words`: `10 not seen yet`.

    `longest` says how long the worst was early or late: `the worst for at least 5 min`. `whose`
    names the producers, `at_host` says whether other releases at the same host came. `overdue_from`
    is when releases that are due become overdue, None for another verdict.
    """

    verdict: str
    words: str
    longest: str
    whose: str
    at_host: str
    overdue_from: datetime | None


@dataclass(frozen=True, slots=True)
class Strip:
    """All releases of one slot. `left_out` problems are counted but not named."""

    slot: datetime
    releases: int
    on_time: int
    groups: Sequence[Group]
    lanes: Sequence[Lane]
    left_out: int

    @property
    def text_lines(self) -> int:
        """Return how many lines of text there are: producers and named releases."""
        return len(self.lanes) + sum(len(line.rows) for line in self._lines)

    @property
    def states(self) -> list[str]:
        """Return the state of each bar, for the legend."""
        marks: list[Mark] = []
        for lane in self.lanes:
            marks += [*lane.backdrop, *lane.marks]
        marks += chain.from_iterable(line.marks for line in self._lines)
        return [mark.state for mark in marks]

    @property
    def _lines(self) -> Iterator[Line]:
        return chain.from_iterable(lane.lines for lane in self.lanes)


@dataclass(frozen=True, slots=True)
class StripRules:
    """What strips need to know besides releases: names of producers by id, tolerances, gaps."""

    names: Mapping[str, str]
    policies: Policies
    blind: Sequence[Blind] = ()


async def read_strips(queries: Queries, rows: Sequence[Row]) -> list[Strip]:
    """Return the strips of these releases, with the gaps of the monitor from the store.

    If the store does not answer, they show no gaps: a page warns of that itself.
    """
    slots = [slot for slot in map(exact_slot, rows) if slot is not None]
    blind: Sequence[Blind] = ()
    if slots:
        begin, end = min(slots) - timedelta(days=1), max(slots) + timedelta(days=1)
        with suppress(StoreFault):
            blind = await queries.ask(lambda: queries.store.runs.blind(begin, end))
    rules = StripRules(queries.producers, queries.policies, blind)
    return make_strips(rows, queries.now(), rules)


def exact_slot(row: Row) -> datetime | None:
    """Return the instant for which a release is promised, None without a time of day."""
    slot = row["slot"]
    if slot is None or slot["precision"] != "instant":
        return None
    return instant_from_json(slot["start"])


def make_strips(rows: Iterable[Row], now: datetime, rules: StripRules) -> list[Strip]:
    """Return a strip for each slot that comes within two minutes, has passed, or has a problem.

    Slots without a time of day have none.
    """
    by_slot = defaultdict[datetime, list[Row]](list)
    for row in rows:
        if row["verdict"] == "cancelled" and not has_gone_wrong(row):
            continue
        slot = exact_slot(row)
        if slot is not None:
            by_slot[slot].append(row)
    return [
        _make_strip(slot, some, now, rules)
        for slot, some in sorted(by_slot.items())
        if slot <= now + _BEFORE or any(map(has_gone_wrong, some))
    ]


def _make_strip(slot: datetime, rows: Sequence[Row], now: datetime, rules: StripRules) -> Strip:
    problems = sort_gravest_first(filter(has_gone_wrong, rows))
    # Those that can still come in time are first, because people can still act.
    problems.sort(key=lambda row: verdict_or_due(row) != "due")
    others = [row for row in rows if not has_gone_wrong(row)]
    by_producer = defaultdict[str, list[Row]](list)
    for row in [*problems, *sorted(others, key=itemgetter("producer"))]:
        by_producer[row["producer"]].append(row)
    by_problem = defaultdict[str, list[Row]](list)
    for row in problems:
        by_problem[verdict_or_due(row)].append(row)
    problems_by_producer = Counter(row["producer"] for row in problems)
    most = _most_named_of_each(problems_by_producer.values())
    left_out = sum(max(0, number - most) for number in problems_by_producer.values())
    lanes = [_make_lane(some, most, slot, now, rules) for some in by_producer.values()]
    on_time = sum(row["verdict"] == "on_time" for row in rows)
    groups = [_make_group(verdict, some, rows, slot, rules) for verdict, some in by_problem.items()]
    return Strip(slot, len(rows), on_time, groups, lanes, left_out)


def _make_group(
    verdict: str, some: Sequence[Row], rows: Sequence[Row], slot: datetime, rules: StripRules
) -> Group:
    """Return the group of `some` of a slot's releases, which have the same verdict."""
    words, overdue_from, at_host = verdict_text(verdict), None, ""
    if verdict == "due":
        words = "not seen yet"
        overdue_from = slot + min(rules.policies.tolerance([row["producer"]]) for row in some)
    if verdict in WITHOUT_PROBLEM:
        words += ", with an incident"
    if verdict in _NOT_ON_TIME:
        at_host = _say_what_else_came(some, rows)
    whose = _describe_producers(some, rows, rules.names)
    return Group(verdict, f"{len(some)} {words}", _say_longest(some), whose, at_host, overdue_from)


def _say_longest(rows: Sequence[Row]) -> str:
    measured = filter(None, map(_measured_seconds, rows))
    length = least_length(max(measured, key=_least_seconds, default=None))
    if not length:
        return ""
    how_long = f"for {length}"
    if rows[0]["verdict"] == "late":
        how_long = f"by {length}"
    if len(rows) > 1:
        how_long = f"the worst {how_long}"
    return how_long


def _measured_seconds(row: Row) -> Mapping[str, Any] | None:
    """Return the bounds in seconds of how late a release was, or else how long it was public early;
    None if it was neither.
    """
    if row["verdict"] == "late":
        delay, _part = decisive_delay(row)
        return delay
    exposures: list[Mapping[str, Any]] = [one["seconds"] for one in row["exposures"]]
    return max(exposures, key=_least_seconds, default=None)


def _least_seconds(bounds: Mapping[str, Any]) -> float:
    return bounds["min"] or 0.0


def _describe_producers(some: Sequence[Row], rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """Return whose releases `some` of a slot's are: `ONS (7 of 8), Ofsted (1 of 1)`, `20 of
    30 producers`.
    """
    counted = _count_by_name(some, names)
    in_slot = _count_by_name(rows, names)
    shares = [f"{name} ({number} of {in_slot[name]})" for name, number in counted.most_common()]
    if len(counted) == 1:
        return shares[0]
    is_mostly_one = max(counted.values()) * 2 > len(some)
    if len(counted) <= _MOST_PRODUCERS:
        if is_mostly_one:
            shares[:2] = [f"Mostly {shares[0]}, also {shares[1]}"]
        return ", ".join(shares)
    whose = f"{len(counted)} of {len(in_slot)} producers"
    return f"{whose}, most of {shares[0]}" if is_mostly_one else whose


def _count_by_name(rows: Iterable[Row], names: Mapping[str, str]) -> Counter[str]:
    return Counter(names.get(row["producer"], row["producer"]) for row in rows)


def _say_what_else_came(some: Sequence[Row], rows: Sequence[Row]) -> str:
    """Return how many other releases at the one host of `some` are on time: many if the host works,
    none if it failed. Empty if they have several hosts, or are the only one there.
    """
    hosts = {_host_of(row) for row in some}
    if len(hosts) > 1:
        return ""
    host = hosts.pop()
    at_host = [row for row in rows if _host_of(row) == host]
    if not host or len(at_host) == 1:
        return ""
    on_time = sum(row["verdict"] == "on_time" for row in at_host)
    if not on_time:
        return f"Nothing at {host} is on time so far."
    others = f"1 other at {host} is" if on_time == 1 else f"{on_time} others at {host} are"
    return f"Not the whole platform: {others} on time."


def _host_of(row: Row) -> str:
    return urlsplit(row["url"] or "").hostname or ""


def _most_named_of_each(problems: Iterable[int]) -> int:
    """Return how many of its problems each producer names, at least one, so that there are about
    `_MOST_NAMED` in all.
    """
    # One problem of each producer, then a second of each that has two, and so on. The round that
    # would exceed `_MOST_NAMED` is left out.
    rounds = sorted(chain.from_iterable(map(range, problems)))
    return len(rounds) if len(rounds) <= _MOST_NAMED else max(1, rounds[_MOST_NAMED])


def _make_lane(
    rows: Sequence[Row], most_named: int, slot: datetime, now: datetime, rules: StripRules
) -> Lane:
    producer = rows[0]["producer"]
    problems = [(row, tuple(list_marks(row, slot, now))) for row in rows if has_gone_wrong(row)]
    unnamed = dict.fromkeys(chain.from_iterable(marks for _, marks in problems[most_named:]))
    tolerance = rules.policies.tolerance([producer]).total_seconds()
    hosts = {"", *map(_host_of, rows)}
    # A gap in which some looks were made matters only if something stayed unproven.
    is_unproven = any(row["verdict"] == "unproven" for row in rows)
    gaps = [
        span
        for span in rules.blind
        if span.host in hosts
        and not span.target
        and (is_unproven or span.cause not in CAUSES_THAT_ALLOW_SOME_LOOKS)
    ]
    return Lane(
        rules.names.get(producer, producer),
        len(rows),
        count_statuses(rows),
        [SLOT_AXIS.mark("tolerance", 0.0, tolerance), *_mark_gaps(gaps, slot)],
        [*unnamed, *_mark_on_time(rows)],
        _group_in_lines(problems[:most_named]),
    )


def _mark_on_time(rows: Iterable[Row]) -> list[Mark]:
    """Return one bar for all releases on time, an empty list without any."""
    delays = [row["delay"] for row in rows if row["verdict"] == "on_time" and row["delay"]]
    lows = [delay["min"] for delay in delays if delay["min"] is not None]
    highs = [delay["max"] for delay in delays if delay["max"] is not None]
    return [SLOT_AXIS.mark("on_time", min(lows), max(highs))] if lows and highs else []


def _group_in_lines(problems: Iterable[tuple[Row, tuple[Mark, ...]]]) -> list[Line]:
    def likeness(problem: tuple[Row, tuple[Mark, ...]]) -> tuple[object, ...]:
        row, marks = problem
        word = verdict_or_due(row)
        return (word, marks) if word in _OPEN else (row["id"],)

    lines: list[Line] = []
    for _, alike in groupby(problems, likeness):
        rows, marks = zip(*alike, strict=True)
        lines.append(Line(rows, list(marks[0]), least_length(_measured_seconds(rows[0]))))
    return lines


def _mark_gaps(gaps: Iterable[Blind], slot: datetime) -> list[Mark]:
    """Return bars for the gaps around a slot, those that touch as one."""
    marks: list[Mark] = []
    for span in sorted(gaps, key=lambda span: span.begins):
        begins, ends = (at - slot for at in (span.begins, span.ends))
        mark = SLOT_AXIS.mark("blind", begins.total_seconds(), ends.total_seconds())
        if marks and mark.left <= marks[-1].left + marks[-1].width:
            last = marks.pop()
            right = max(last.left + last.width, mark.left + mark.width)
            mark = Mark("blind", last.left, round(right - last.left, 2))
        marks.append(mark)
    return marks


def list_marks(row: Row, slot: datetime, now: datetime) -> list[Mark]:
    """Return the bars of one release on the axis of its slot. If it is not out, its bar ends at
    `now`.
    """
    exposures = [_seconds_of(one, slot, now) for one in row["exposures"]]
    word = verdict_or_due(row)
    if word in _OPEN:
        return mark_release("open", None, (now - slot).total_seconds(), exposures)
    delay, _part = decisive_delay(row)
    bounds = delay or {"min": None, "max": None}
    return mark_release(word, bounds["min"], bounds["max"], exposures)


def _seconds_of(exposure: Mapping[str, Any], slot: datetime, now: datetime) -> tuple[float, float]:
    """Return from when to when something was proved public early, in seconds after the slot: until
    that or `now`, if it is not seen removed.
    """
    begins = instant_from_json(exposure["from"]["by"] or exposure["from"]["after"])
    ended = instant_from_json((exposure["to"] or {}).get("by")) or min(slot, now)
    end = (ended - slot).total_seconds()
    if exposure["seconds"]["min"]:
        return end - exposure["seconds"]["min"], end
    start = SLOT_AXIS.points[0][0] if begins is None else (begins - slot).total_seconds()
    return start, end
