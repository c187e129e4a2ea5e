"""The history: how punctual the releases of twelve months were, as dots on a time axis and as
counts.

Everyone sees the same, also staff: releases with a final verdict and a past slot.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from math import log2
from statistics import fmean, median
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.draft.period import count_on_time
from alerts.plots import Axis, Mark, Row
from monitor.errors import UnknownName
from monitor.judge.as_json import decisive_delay
from monitor.web.embargo import slot_has_passed
from monitor.web.fragments import sort_by_name
from monitor.web.pages import delay_from_slot, render
from monitor.web.queries import Queries, is_fresh
from monitor.web.request import check_parameters, queries_of
from schedules.times.words import day_text
from schedules.titles import read_title

_MONTHS, _MOST_GROUPS = 12, 15
_CACHED_FOR, _CORRECTED_FOR = timedelta(minutes=10), timedelta(days=40)
"""How long the points of a month are cached while its verdicts can change, and how long after its
end they can.
"""
VERDICTS = ("on_time", "late", "overdue", "early", "not_published", "unproven")
"""Verdicts in the order in which they are drawn, from left to right. The share on time leaves out
unproven.
"""
_TICKS = {
    -1440: "1 day early",
    -60: "1 h early",
    -5: "5 min early",
    0: "on time",
    5: "5 min",
    60: "1 h",
    1440: "1 day",
    10080: "1 week",
}
"""Labels of the scale of delays, by minutes after the slot."""
_SCALE = Axis([(float(minutes), float(place)) for place, minutes in enumerate(_TICKS)])
"""Delays range from seconds to weeks, so the ticks are equally far from each other."""
_HEIGHT, _COLUMNS, _ROWS, _SMALLEST, _LARGEST = 120, 90, 24, 4.5, 10.0
"""A picture of dots has this height in pixels and this grid. Dots in one cell merge. Radii are in
pixels.
"""


class Point(NamedTuple):
    """A release with a final verdict.

    `hour` is empty if no time was announced. `delay` is that behind the verdict, in seconds, or
    None.
    """

    slot: datetime
    month: str
    hour: str
    producer: str
    series: str
    host: str
    title: str
    verdict: str
    delay: Mapping[str, float | None] | None

    @property
    def seconds(self) -> float | None:
        """Return the middle of the measured delay, None if no delay was proved."""
        sides = [one for one in (self.delay or {}).values() if one is not None]
        return fmean(sides) if sides and self.verdict != "unproven" else None


@dataclass(frozen=True)
class Group:
    """The releases under one label. A bar has the whole width if it contains `most_releases`."""

    label: str
    points: Sequence[Point]
    most_releases: int = 1

    @cached_property
    def verdict_counts(self) -> Counter[str]:
        """Return how many releases have each verdict."""
        return Counter(one.verdict for one in self.points)

    @property
    def share(self) -> str:
        """Return the share on time among releases with a proved verdict, such as `50 %, 2 of 4`."""
        on_time, judged = count_on_time(one.verdict for one in self.points)
        if not judged:
            return "no releases judged"
        return f"{100 * on_time // judged} %, {on_time} of {judged}"

    @cached_property
    def median(self) -> str:
        """Return the median delay in words, empty if no delay was measured."""
        delays = [one.seconds for one in self.points if one.seconds is not None]
        if not delays:
            return ""
        middle = round(median(delays))
        return delay_from_slot({"min": middle, "max": middle}) if middle else "on time"

    @property
    def row(self) -> Row:
        """Return its bar: a box for each verdict."""
        marks: list[Mark] = []
        left = 0.0
        for verdict in VERDICTS:
            width = 100 * self.verdict_counts.get(verdict, 0) / max(self.most_releases, 1)
            if width:
                marks.append(Mark(verdict, round(left, 3), round(width, 3)))
            left += width
        return Row(self.label, self.share, marks)


@dataclass(frozen=True)
class Axes:
    """The axes of all pictures of dots: time from left to right, delays in minutes from bottom to
    top.
    """

    starts: Sequence[datetime]
    ends: datetime
    low: float
    high: float

    def x(self, instant: datetime) -> float:
        """Return the horizontal position of an instant, in percent."""
        axis = Axis([(self.starts[0].timestamp(), 0.0), (self.ends.timestamp(), 100.0)])
        return axis.place(instant.timestamp())

    def y(self, minutes: float) -> float:
        """Return the vertical position of a delay, in pixels from the top."""
        low, high, place = map(_SCALE.place, (self.low, self.high, minutes))
        return round(_HEIGHT * (high - place) / (high - low), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return (y, label) of each horizontal line."""
        return [
            (self.y(minutes), name)
            for minutes, name in _TICKS.items()
            if self.low <= minutes <= self.high
        ]

    @property
    def months(self) -> list[tuple[float, str]]:
        """Return (x, name) of the beginning of every third month."""
        return [(self.x(one), f"{one:%b %Y}") for one in self.starts[::3]]

    def dots(self, points: Iterable[Point]) -> list[tuple[float, float, float, str, str]]:
        """Return a dot for each measured release: x in percent, y and radius in pixels, verdict and
        text.

        Releases with the same verdict that would cover each other share a larger dot.
        """
        cells = defaultdict[tuple[int, int, str], list[tuple[float, float, Point]]](list)
        for one in points:
            if one.seconds is not None:
                x, y = self.x(one.slot), self.y(one.seconds / 60)
                cells[round(x * _COLUMNS / 100), round(y * _ROWS / _HEIGHT), one.verdict].append(
                    (x, y, one)
                )
        return [_merge_cell(cell) for cell in cells.values()]


def _merge_cell(cell: Sequence[tuple[float, float, Point]]) -> tuple[float, float, float, str, str]:
    """Return one dot for the releases in a cell. `cell` has the place of each."""
    first, number = cell[0][2], len(cell)
    text = f"{first.title}: {delay_from_slot(first.delay)}" if number == 1 else f"{number} releases"
    radius = round(min(_SMALLEST + log2(number), _LARGEST), 1)
    x, y = round(fmean(one[0] for one in cell), 2), round(fmean(one[1] for one in cell), 2)
    return x, y, radius, first.verdict, f"{text}, {day_text(first.slot.date())}"


@dataclass
class HistoryCache:
    """Caches the points of each month: for ten minutes, or for a day if the month ended over forty
    days ago.
    """

    # When each month was read, and its points, by the beginning of the month.
    _by_month: dict[datetime, tuple[datetime, list[Point]]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def points(self, queries: Queries) -> list[Point]:
        """Return the releases of twelve months with a final verdict, by slot, from the cache or the
        store.
        """
        now = queries.now()
        starts = month_starts(now, queries.timezone)
        async with self._lock:
            for begins, ends in zip(starts, [*starts[1:], now], strict=True):
                # The verdicts of a month may still be corrected for some time after its end.
                cached_for = _CACHED_FOR if now - ends < _CORRECTED_FOR else timedelta(days=1)
                read_at, _ = self._by_month.get(begins, (None, ()))
                if not is_fresh(read_at, now, cached_for):
                    # In a thread, and one month at a time, so that only a month of rows is in
                    # memory.
                    self._by_month[begins] = (
                        now,
                        await queries.ask(partial(_read_points, queries, begins, ends, now)),
                    )
            self._by_month = {begins: self._by_month[begins] for begins in starts}
            return list(chain.from_iterable(points for _, points in self._by_month.values()))


def month_starts(now: datetime, zone: str) -> list[datetime]:
    """Return the beginnings of the last twelve local months, this one included, in order."""
    local = now.astimezone(ZoneInfo(zone))
    this_month = local.year * 12 + local.month - 1
    months = range(this_month - _MONTHS + 1, this_month + 1)
    return [datetime(one // 12, one % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for one in months]


def _read_points(queries: Queries, begins: datetime, ends: datetime, now: datetime) -> list[Point]:
    """Return a point, the values that the charts draw and count, for each final verdict on
    punctuality.

    The slots are from `begins` to `ends`, and have passed by `now`.
    """
    points: list[Point] = []
    zone = ZoneInfo(queries.timezone)
    for row in queries.store.verdicts.judged(begins, ends):
        body = row.body
        # Other words, such as `cancelled` or `moved`, say nothing about punctuality.
        is_judged = row.final and row.word in VERDICTS
        if row.slot is None or not is_judged or not slot_has_passed(body, now):
            continue
        slot = row.slot.astimezone(zone)
        point = Point(
            slot=slot,
            month=f"{slot:%b %Y}",
            hour=f"{slot:%H}:00" if body["slot"]["precision"] == "instant" else "",
            producer=row.producer,
            # The words of a title that name no period are the same in every edition.
            series=" ".join(read_title(body["title"]).words),
            host=urlsplit(body["url"]).hostname or "",
            title=body["title"],
            verdict=row.word,
            delay=decisive_delay(body)[0],
        )
        points.append(point)
    return points


def group_by(
    points: Iterable[Point],
    label: Callable[[Point], str],
    known: Collection[str] = (),
    *,
    worst_first: bool = False,
) -> list[Group]:
    """Return groups of releases with the same label. Releases with an empty label are left out.

    With `known` labels, there is a group for each, in their order, and then one for each other
    label. Else only the first `_MOST_GROUPS` are returned: the largest, or with `worst_first` those
    with most releases that were not proved to be on time.
    """

    def rank(group: Group) -> tuple[int, int, str]:
        total = len(group.points)
        not_on_time = total - group.verdict_counts["on_time"]
        return (-not_on_time if worst_first else 0), -total, group.label

    by_label: dict[str, list[Point]] = {name: [] for name in known}
    for one in points:
        if name := label(one):
            by_label.setdefault(name, []).append(one)
    largest = max(map(len, by_label.values()), default=0)
    groups = [Group(name, grouped, most_releases=largest) for name, grouped in by_label.items()]
    return groups if known else sorted(groups, key=rank)[:_MOST_GROUPS]


async def show_history(request: Request) -> Response:
    """Show how punctual releases were, of all producers or one, at all hosts or one."""
    queries = queries_of(request)
    check_parameters(request, ("producer", "host"))
    cache: HistoryCache = request.app.state.history
    points, now = await cache.points(queries), queries.now()
    producer, host = (request.query_params.get(name, "").strip() for name in ("producer", "host"))
    # Thousands of releases take long, so they are counted in a thread.
    values = await queries.ask(partial(_page_values, queries, points, producer, host, now))
    return render(
        request,
        "history.html",
        most=_MOST_GROUPS,
        height=_HEIGHT,
        producer=producer,
        host=host,
        **values,
    )


def _page_values(
    queries: Queries, points: Sequence[Point], producer: str, host: str, now: datetime
) -> dict[str, Any]:
    """Return the charts and totals of the history page, for its template. Raises `UnknownName`.

    `points` are releases with their delays. If `producer` or `host` is not empty, only its points
    are shown.
    """
    producers = {one.producer for one in points}
    hosts = {one.host for one in points}
    names = queries.producers
    if producer and producer not in producers | set(names):
        raise UnknownName(f"There is no producer {producer!r}.")
    if host not in hosts | {""}:
        raise UnknownName(f"There is no host {host!r}.")
    chosen = [one for one in points if producer in ("", one.producer) and host in ("", one.host)]
    starts, total = month_starts(now, queries.timezone), Group("all", chosen)
    delay_minutes = [one.seconds / 60 for one in chosen if one.seconds is not None]
    # In these charts each release is a dot. One chart has a row for each producer, the other one
    # for each series. The points are in the order of their slots, so a series has the title of its
    # newest edition.
    dot_charts: dict[str, list[Group]] = {"producer": [], "series": []}
    if not producer:
        dot_charts["producer"] = group_by(chosen, lambda one: names.get(one.producer, one.producer))
    if producer or len(producers) == 1:
        titles = {(one.producer, one.series): one.title for one in points}
        dot_charts["series"] = group_by(
            chosen, lambda one: titles[one.producer, one.series], worst_first=True
        )
    axes = Axes(starts, now, low=min([-1, *delay_minutes]), high=max([5, *delay_minutes]))
    drawn = {}
    for by, groups in dot_charts.items():
        for group in groups:
            drawn[by, group.label] = axes.dots(group.points)
    return {
        "axes": axes,
        "dotted": dot_charts,
        "drawn": drawn,
        "plots": {
            "month": group_by(chosen, lambda one: one.month, [f"{one:%b %Y}" for one in starts]),
            "host": [] if host else group_by(chosen, lambda one: one.host),
            "hour": group_by(
                chosen, lambda one: one.hour, sorted({one.hour for one in chosen} - {""})
            ),
        },
        "total": total,
        "words": [word for word in VERDICTS if word in total.verdict_counts],
        "producers": sort_by_name(producers, names),
        "hosts": sorted(hosts - {""}),
    }


ROUTES = [Route("/history", show_history)]
