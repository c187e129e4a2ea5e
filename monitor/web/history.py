"""The history: how punctual the releases of twelve months were, by month, producer, series, host and hour.

It tells everybody the same, staff too: what is settled, once its slot has passed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.draft.period import JUDGED
from monitor.errors import UnknownName
from monitor.store.rows import Judged
from monitor.web.embargo import has_passed
from monitor.web.fragments import named
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import queries_of, takes
from schedules.titles import read_title

K = TypeVar("K", "Kind", "Edition")
_MONTHS, _MOST = 12, 15
_LASTS, _SETTLES = timedelta(minutes=10), timedelta(days=40)
WORDS = ("on_time", "late", "overdue", "early", "not_published", "unproven")
"""Verdicts as they are drawn, from left to right; the last one counts for nothing."""


class Kind(NamedTuple):
    """What is told apart of a release: month and hour of its slot in local time, no hour where none was promised."""

    month: str
    producer: str
    host: str
    hour: str
    word: str


class Edition(NamedTuple):
    """What is told apart of a release to compare series: the words of its title that are of no period."""

    producer: str
    series: str
    host: str
    word: str


class Chosen(NamedTuple):
    """The producer and the host whose releases alone are shown; empty for all."""

    producer: str
    host: str

    def has(self, one: Kind | Edition) -> bool:
        """Tell whether releases are among those chosen."""
        return self.producer in ("", one.producer) and self.host in ("", one.host)


class Month(NamedTuple):
    """What was counted of a month, and the title of the newest edition of each series of a producer."""

    kinds: Counter[Kind]
    editions: Counter[Edition]
    titles: dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Bar:
    """So many releases of each verdict under one label; `whole` is what the full width stands for."""

    label: str
    words: Mapping[str, int]
    whole: int

    @property
    def share(self) -> str:
        """Return the share on time of what could be judged."""
        on_time, judged = self.words.get("on_time", 0), sum(self.words.get(word, 0) for word in JUDGED)
        return f"{100 * on_time // judged} %, {on_time} of {judged}" if judged else "nothing judged"

    def boxes(self) -> Iterator[tuple[str, float, float]]:
        """Yield each verdict with where its box begins and how wide it is, in percent."""
        begins = 0.0
        for word in WORDS:
            width = 100 * self.words.get(word, 0) / max(self.whole, 1)
            if width:
                yield word, round(begins, 3), round(width, 3)
            begins += width


@dataclass
class History:
    """What was counted of each month: kept for ten minutes, for a day of months long over. A year is much to read."""

    _kept: dict[datetime, tuple[datetime, Month]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def counted(self, queries: Queries) -> list[Month]:
        """Return what was counted of each month, the first one first. Raises `StoreFault`."""
        now = queries.clock.now()
        starts = months(now, queries.timezone)
        async with self._turn:
            for begins, ends in zip(starts, [*starts[1:], now], strict=True):
                lasts = _LASTS if now - ends < _SETTLES else timedelta(days=1)
                kept = self._kept.get(begins)
                if kept is None or not timedelta() <= now - kept[0] < lasts:
                    # In a thread, and no more than a month at a time is held.
                    self._kept[begins] = now, await queries.ask(partial(_count, queries, begins, ends, now))
            self._kept = {begins: self._kept[begins] for begins in starts}
            return [month for _, month in self._kept.values()]


def months(now: datetime, zone: str) -> list[datetime]:
    """Return when each of the last twelve local months began, this one included, the first one first."""
    local = now.astimezone(ZoneInfo(zone))
    this = local.year * 12 + local.month - 1
    return [datetime(one // 12, one % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for one in range(this - _MONTHS + 1, this + 1)]


def _count(queries: Queries, begins: datetime, ends: datetime, now: datetime) -> Month:
    made = Month(Counter(), Counter(), {})
    for row in queries.store.verdicts.judged(begins, ends):
        if row.slot is None or not row.final or row.word not in WORDS or not has_passed(row.body, now):
            continue
        kind, title = _kind(row, row.slot.astimezone(ZoneInfo(queries.timezone))), row.body["title"]
        series = " ".join(read_title(title).words)
        made.kinds[kind] += 1
        made.editions[Edition(row.producer, series, kind.host, row.word)] += 1
        made.titles[row.producer, series] = title
    return made


def _kind(row: Judged, slot: datetime) -> Kind:
    hour = f"{slot:%H}:00" if row.body["slot"]["precision"] == "instant" else ""
    return Kind(f"{slot:%b %Y}", row.producer, urlsplit(row.body["url"]).hostname or "", hour, row.word)


def bars(
    counted: Iterable[tuple[K, int]], label: Callable[[K], str], known: Iterable[str] = (), *, worst: bool = False
) -> list[Bar]:
    """Return the bars of kinds by a label: the `known` ones in their order, else those with most releases first.

    Else, and where the `worst` are looked for, those of which most could not be told to be on time.
    """
    found: dict[str, Counter[str]] = {one: Counter() for one in known}
    for kind, many in counted:
        if name := label(kind):
            found.setdefault(name, Counter())[kind.word] += many
    widest = max((words.total() for words in found.values()), default=0)
    made = [Bar(name, words, widest) for name, words in found.items()]
    return made if known else sorted(made, key=lambda bar: _rank(bar, worst=worst))[:_MOST]


def _rank(bar: Bar, *, worst: bool) -> tuple[int, int, str]:
    total = sum(bar.words.values())
    return (bar.words.get("on_time", 0) - total if worst else 0), -total, bar.label


async def history(request: Request) -> Response:
    """Show how punctual releases were, of all or of one producer, at all hosts or at one."""
    queries = queries_of(request)
    takes(request, ("producer", "host"))
    kept: History = request.app.state.history
    counted, now = await kept.counted(queries), queries.clock.now()
    chosen = Chosen(*(request.query_params.get(name, "").strip() for name in Chosen._fields))
    # Thousands of kinds take a while.
    values = await queries.ask(partial(_values, queries, counted, chosen, now))
    return render(request, "history.html", most=_MOST, producer=chosen.producer, host=chosen.host, **values)


def _values(queries: Queries, counted: Sequence[Month], chosen: Chosen, now: datetime) -> dict[str, Any]:
    """Return what the page is made of. Raises `UnknownName`."""
    kinds = Counter[Kind]()
    for month in counted:
        kinds.update(month.kinds)
    producers, hosts = {kind.producer for kind in kinds}, {kind.host for kind in kinds}
    if chosen.producer and chosen.producer not in producers | set(queries.producers):
        raise UnknownName(f"There is no producer {chosen.producer!r}.")
    if chosen.host not in hosts | {""}:
        raise UnknownName(f"There is no host {chosen.host!r}.")
    mine = [(kind, many) for kind, many in kinds.items() if chosen.has(kind)]
    plots = _plots(queries, mine, chosen, now)
    if chosen.producer or len(producers) == 1:
        plots["series"] = _by_series(counted, chosen)
    total = Counter[str]()
    for kind, many in mine:
        total[kind.word] += many
    return {
        "plots": plots,
        "total": Bar("", total, 1),
        "words": [word for word in WORDS if word in total],
        "producers": named(producers, queries.producers),
        "hosts": sorted(hosts - {""}),
    }


def _plots(queries: Queries, mine: Sequence[tuple[Kind, int]], chosen: Chosen, now: datetime) -> dict[str, list[Bar]]:
    """Return the bars of each picture but that of series."""
    starts, names = months(now, queries.timezone), queries.producers
    return {
        "month": bars(mine, lambda kind: kind.month, [f"{one:%b %Y}" for one in starts]),
        "producer": bars(mine, lambda kind: names.get(kind.producer, kind.producer)) if not chosen.producer else [],
        "series": [],
        "host": bars(mine, lambda kind: kind.host) if not chosen.host else [],
        "hour": bars(mine, lambda kind: kind.hour, sorted({kind.hour for kind, _ in mine if kind.hour})),
    }


def _by_series(counted: Sequence[Month], chosen: Chosen) -> list[Bar]:
    """Return the series that went worst, each under the title of its newest edition."""
    titles: dict[tuple[str, str], str] = {}
    for month in counted:
        titles.update(month.titles)
    every = (one for month in counted for one in month.editions.items() if chosen.has(one[0]))
    return bars(every, lambda one: titles[one.producer, one.series], worst=True)


ROUTES = [Route("/history", history)]
