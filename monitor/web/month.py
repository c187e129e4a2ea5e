"""The calendar of a month: what is promised for each day and what became of it, to read and to subscribe to."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.errors import UnknownName, UserFault
from monitor.judge.as_json import is_by
from monitor.ledger.export import promised_in
from monitor.web.board import cells_of, producers_of
from monitor.web.fragments import Row, counts, is_bad
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import day_of, queries_of, takes
from schedules.announcement import State
from schedules.times.json import instant_from_json
from schedules.times.zone import local_date

_MOST = 400
"""Releases beyond which days tell how many there are, and lead to the board of the day."""
_TOLD = (State.PROVISIONAL, State.POSTPONED)
"""What calendars say of a promise that a verdict does not."""


@dataclass(frozen=True, slots=True)
class Days:
    """Releases that stand together: those of one day, or, with none, those promised for no day of the month."""

    day: date | None
    rows: Sequence[Row]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Return how many releases bear each verdict, the gravest first."""
        return counts(self.rows)

    @property
    def bad(self) -> list[tuple[str, int]]:
        """Return the same of those that went wrong."""
        return counts([row for row in self.rows if is_bad(row)])


async def month(request: Request) -> Response:
    """Show the releases of a month by day, of all producers or of one, and where to subscribe to them."""
    queries, asked = queries_of(request), request.query_params
    takes(request, ("month", "producer"))
    first, producer = _first(asked.get("month"), queries.today()), asked.get("producer", "").strip()
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    every, states = await queries.board(first, last), await _states(queries, first, last)
    if producer and producer not in {*queries.producers, *(one for one, _ in producers_of(every, {}))}:
        raise UnknownName(f"There is no producer {producer!r}.")
    rows = [row | states.get(row["id"], {}) for row in every if is_by(row, producer)]
    # Thousands of rows take a while.
    days, whole = await queries.ask(lambda: _by_day(rows, queries.timezone)), len(rows) <= _MOST
    return render(
        request,
        "month.html",
        first=first,
        weeks=calendar.Calendar().monthdatescalendar(first.year, first.month),
        days=days,
        by_day={one.day: one for one in days},
        count=len(rows),
        cells=await cells_of(queries, rows, {}, queries.clock.now()) if whole else {},
        whole=whole,
        producers=producers_of(every, queries.producers),
        producer=producer,
        before=first - timedelta(days=1),
        after=last + timedelta(days=1),
        today=queries.today(),
        chosen=urlencode({"producer": producer}) if producer else "",
    )


def _first(text: str | None, today: date) -> date:
    """Return the first day of a month. Raises `UserFault`."""
    try:
        return day_of(f"{text}-01") if text else today.replace(day=1)
    except ValueError as exc:
        raise UserFault('month: not a month, write "2026-11"') from exc


async def _states(queries: Queries, first: date, last: date) -> dict[str, dict[str, str]]:
    """Return by its id what calendars say of each promise besides its time. Raises `StoreFault`."""
    span, now = queries.span(first, last), queries.clock.now()
    found = await queries.ask(lambda: list(promised_in(queries.store.ledger, span, now)))
    return {one.release.id: {"promised_as": one.state.value} for one in found if one.state in _TOLD}


def _by_day(rows: Sequence[Row], timezone: str) -> list[Days]:
    """Return the releases of each day in order, and last those that are promised for longer than a day."""

    def day(row: Row) -> date:
        slot = row["slot"] or {"start": None}
        start = instant_from_json(slot["start"])
        return local_date(start, timezone) if start and slot["precision"] in ("instant", "day") else date.max

    # The board has them in the order of their slots.
    ordered = sorted(rows, key=day)
    return [Days(None if one == date.max else one, tuple(some)) for one, some in groupby(ordered, key=day)]


ROUTES = [Route("/calendar", month)]
