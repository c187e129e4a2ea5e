"""The history: how punctual the releases of twelve months were, by month, producer, platform and hour.

It tells everybody the same, staff too: what is settled, once its slot has passed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.draft.period import JUDGED
from monitor.errors import UnknownName
from monitor.store.rows import Judged
from monitor.web.embargo import has_passed
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import queries_of, takes

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

    _kept: dict[datetime, tuple[datetime, Counter[Kind]]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def counted(self, queries: Queries) -> Counter[Kind]:
        """Return how many releases there are of each kind. Raises `StoreFault`."""
        now, found = queries.clock.now(), Counter[Kind]()
        starts = months(now, queries.timezone)
        async with self._turn:
            for begins, ends in zip(starts, [*starts[1:], now], strict=True):
                lasts = _LASTS if now - ends < _SETTLES else timedelta(days=1)
                read, _ = self._kept.get(begins, (now - lasts, None))
                if not timedelta() <= now - read < lasts:
                    # In a thread, and no more than a month at a time is held.
                    self._kept[begins] = now, await queries.ask(partial(_count, queries, begins, ends, now))
                found += self._kept[begins][1]
            self._kept = {begins: self._kept[begins] for begins in starts}
        return found


def months(now: datetime, zone: str) -> list[datetime]:
    """Return when each of the last twelve local months began, this one included, the first one first."""
    local = now.astimezone(ZoneInfo(zone))
    this = local.year * 12 + local.month - 1
    return [datetime(one // 12, one % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for one in range(this - _MONTHS + 1, this + 1)]


def _count(queries: Queries, begins: datetime, ends: datetime, now: datetime) -> Counter[Kind]:
    rows = queries.store.verdicts.judged(begins, ends)
    settled = (row for row in rows if row.final and row.word in WORDS and has_passed(row.body, now))
    return Counter(_kind(row, row.slot.astimezone(ZoneInfo(queries.timezone))) for row in settled if row.slot)


def _kind(row: Judged, slot: datetime) -> Kind:
    hour = f"{slot:%H}:00" if row.body["slot"]["precision"] == "instant" else ""
    return Kind(f"{slot:%b %Y}", row.producer, urlsplit(row.body["url"]).hostname or "", hour, row.word)


def bars(
    counted: Iterable[tuple[Kind, int]], label: Callable[[Kind], str], known: Iterable[str] = (), most: int = _MOST
) -> list[Bar]:
    """Return the bars of kinds by a label: the `known` ones in their order, else those with most releases first."""
    found: dict[str, Counter[str]] = {one: Counter() for one in known}
    for kind, many in counted:
        if name := label(kind):
            found.setdefault(name, Counter())[kind.word] += many
    widest = max((words.total() for words in found.values()), default=0)
    made = [Bar(name, words, widest) for name, words in found.items()]
    return made if known else sorted(made, key=lambda bar: (-sum(bar.words.values()), bar.label))[:most]


async def history(request: Request) -> Response:
    """Show how punctual releases were, of all producers or of one."""
    queries = queries_of(request)
    takes(request, ("producer",))
    kept: History = request.app.state.history
    counted, producer = await kept.counted(queries), request.query_params.get("producer", "")
    producers = {kind.producer for kind in counted}
    if producer and producer not in producers | set(queries.producers):
        raise UnknownName(f"There is no producer {producer!r}.")
    # Thousands of kinds take a while.
    plots, total = await queries.ask(partial(_plots, queries, counted, producer, queries.clock.now()))
    told = sorted(((one, queries.producers.get(one, one)) for one in producers), key=lambda one: one[1].casefold())
    words = [word for word in WORDS if word in total.words]
    return render(
        request, "history.html", plots=plots, most=_MOST, words=words, producers=told, producer=producer, total=total
    )


def _plots(queries: Queries, counted: Counter[Kind], producer: str, now: datetime) -> tuple[dict[str, list[Bar]], Bar]:
    """Return the bars of each picture, and all releases in one."""
    chosen = [(kind, many) for kind, many in counted.items() if producer in ("", kind.producer)]
    hours = sorted({kind.hour for kind, _ in chosen if kind.hour})
    starts, names = months(now, queries.timezone), queries.producers
    plots = {
        "month": bars(chosen, lambda kind: kind.month, [f"{one:%b %Y}" for one in starts]),
        "producer": bars(chosen, lambda kind: names.get(kind.producer, kind.producer)) if not producer else [],
        "platform": bars(chosen, lambda kind: kind.host),
        "hour": bars(chosen, lambda kind: kind.hour, hours),
    }
    total = Counter[str]()
    for kind, many in chosen:
        total[kind.word] += many
    return plots, Bar("", total, 1)


ROUTES = [Route("/history", history)]
