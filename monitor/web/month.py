"""The calendar of a month."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.errors import StoreFault, UnknownName, UserFault
from monitor.judge.as_json import is_by
from monitor.store.sql.read_ledger import LedgerStore
from monitor.threads import run_in_thread
from monitor.web.board import FOLDED_OVER, list_producers, render_rows
from monitor.web.fragments import Row, count_statuses, has_gone_wrong
from monitor.web.pages import render
from monitor.web.request import check_parameters, parse_day, queries_of
from schedules.announcement import State
from schedules.export import list_promised
from schedules.times.json import Json, instant_from_json
from schedules.times.zone import local_date

_LISTED_UP_TO = 400
"""If a month has more releases, each day shows only a count for each status, and a link to its
board.
"""
_SHOWN_STATES = frozenset({State.PROVISIONAL, State.POSTPONED})
"""States of a promise that verdicts do not show."""


@dataclass(frozen=True)
class DayRows:
    """The releases of one day. If `day` is None, those without one, such as "in August"."""

    day: date | None
    rows: Sequence[Row]

    @cached_property
    def counts(self) -> list[tuple[str, int]]:
        """Return how many releases have each status, the gravest status first."""
        return count_statuses(self.rows)

    @cached_property
    def bad(self) -> list[tuple[str, int]]:
        """Return `counts` of the releases with a problem only."""
        return count_statuses([row for row in self.rows if has_gone_wrong(row)])


async def show_month(request: Request) -> Response:
    """Show the releases of a month by day with their verdicts, and links to subscribe."""
    queries, query = queries_of(request), request.query_params
    check_parameters(request, ("month", "producer"))
    first = _read_month(query.get("month"), queries.today())
    producer = query.get("producer", "").strip()
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    releases, now = await queries.list_releases(first, last), queries.now()
    producers = list_producers(releases, queries.producers)
    if producer and producer not in {*queries.producers, *(one for one, _ in producers)}:
        raise UnknownName(f"There is no producer {producer!r}.")
    rows = [row for row in releases if is_by(row, producer)]
    lists_rows = len(rows) <= _LISTED_UP_TO
    is_from_memory = queries.live.is_store_unavailable()
    if lists_rows:
        try:
            states = await queries.ask(lambda: _find_states(queries.store.ledger, rows, now))
            rows = [row | states.get(row["id"], {}) for row in rows]
        except StoreFault:
            is_from_memory = True
    # Thousands of rows take long, so they are grouped in a thread.
    days = await run_in_thread(lambda: _group_by_day(rows, queries.timezone))
    return render(
        request,
        "month.html",
        first=first,
        weeks=calendar.Calendar().monthdatescalendar(first.year, first.month),
        days=days,
        by_day={one.day: one for one in days},
        count=len(rows),
        html_rows=await render_rows(queries, rows, {}, now, {}) if lists_rows else {},
        whole=lists_rows,
        is_from_memory=is_from_memory,
        folded_over=FOLDED_OVER,
        producers=producers,
        producer=producer,
        before=first - timedelta(days=1),
        after=last + timedelta(days=1),
        today=queries.today(),
        chosen=urlencode({"producer": producer}) if producer else "",
    )


def _read_month(text: str | None, today: date) -> date:
    """Return the first day of a month such as `2026-11`, by default of this month.

    Raises `UserFault`.
    """
    try:
        return parse_day(f"{text}-01") if text else today.replace(day=1)
    except ValueError as exc:
        raise UserFault('month: not a month, write "2026-11"') from exc


def _find_states(ledger: LedgerStore, rows: Sequence[Row], now: datetime) -> dict[str, Json]:
    """Return, by release, the field `promised_as` of its row, if its promise is provisional or
    postponed.
    """
    promises = ledger.promises_by_release([row["id"] for row in rows])
    # Finding the promise in force takes long, and few releases ever had one in these states.
    candidates = [
        release
        for release, own in promises.items()
        if not _SHOWN_STATES.isdisjoint(promise.state for promise in own)
    ]
    promised = list_promised(ledger.releases_named(candidates), promises, now)
    return {
        one.release.id: {"promised_as": one.state.value}
        for one in promised
        if one.state in _SHOWN_STATES
    }


def _group_by_day(rows: Sequence[Row], timezone: str) -> list[DayRows]:
    """Return the releases of each day in order, and last those without a single day."""

    def day_of(row: Row) -> date:
        slot = row["slot"] or {"start": None}
        start = instant_from_json(slot["start"])
        if start is None or slot["precision"] not in ("instant", "day"):
            return date.max
        return local_date(start, timezone)

    # The sort is stable, so the releases of a day stay in the order of their slots.
    ordered = sorted(rows, key=day_of)
    return [
        DayRows(None if one == date.max else one, tuple(some))
        for one, some in groupby(ordered, key=day_of)
    ]


ROUTES = [Route("/calendar", show_month)]
