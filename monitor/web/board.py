"""The front page: what needs a person, worst first, and the other releases of one day.

Open boards read its changing part again every few seconds. Everyone who sees the same gets the same
bytes: they are made at most once a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.incident import Incident
from monitor.errors import NotAllowed, StoreFault, UserFault
from monitor.judge.as_json import is_by, verdict_or_due
from monitor.threads import with_pauses
from monitor.web import fragments
from monitor.web.embargo import slot_has_passed
from monitor.web.pages import millis, render
from monitor.web.queries import Queries
from monitor.web.request import (
    PostRoute,
    check_parameters,
    may_act,
    parse_day,
    queries_of,
    read_form,
)
from monitor.web.strip import Strip, exact_slot, read_strips
from schedules.times.words import clock as time_of_day

FOLDED_OVER = 20
"""If a page has more releases, the board folds those without a problem, and a month its days."""
_REPEATED_UP_TO = 5
"""The list below a strip is folded if it has more releases than this, all of them in strips."""
_FILTERS = ("producer", "state", "q")
_DATE_FIELDS = ("day", "month", "year")
PRODUCER_COOKIE = "ninethirty-mine"
_COOKIE_SECONDS = 365 * 24 * 3600
_PRODUCER_ID_OR_EMPTY = re.compile(r"[\w.-]{0,100}", re.ASCII)
_SHARED_SECONDS = 1.0
_MOST_KEPT = 64
_NEAR_SECONDS, _FAR_SECONDS = 2, 10
"""Seconds until an open board reads again, near a slot and else."""
_NEAR_BEFORE, _NEAR_AFTER = timedelta(minutes=15), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of the board that are listed together. A folded group is opened by its heading."""

    heading: str
    rows: Sequence[fragments.Row]
    is_folded: bool = False


async def show_board(request: Request) -> Response:
    """Show the front page for a day, by default today, with the releases that match the filters."""
    return render(request, "board.html", **await read_board(request, has_durations=True))


async def read_board(request: Request, *, has_durations: bool) -> dict[str, Any]:
    """Return the values from which the main part of the front page is made.

    With `has_durations`, it says how long ago each look was, and how far each slot is from now.
    The script of an open board counts these itself.
    """
    queries = queries_of(request)
    query = request.query_params
    check_parameters(request, ("date", *_DATE_FIELDS, *_FILTERS, "wall"))
    filters = _read_filters(request)
    day, fault = _read_day(query, queries.today())
    # Many releases share one slot, so the gravest status comes first within a slot. Sorts are
    # stable.
    releases = fragments.sort_gravest_first(await queries.list_releases(day, day))
    releases.sort(key=lambda row: (row["slot"] or {}).get("start") or "")
    rows = [row for row in releases if _matches_filters(row, filters["chosen"], queries.producers)]
    needing = await _list_needing_action(queries)
    now = queries.now()
    today = queries.today()
    is_today = day == today
    last_looks = _last_looks(queries, releases, now) if is_today else {}
    counted_at = now if has_durations else None
    parts = fragments.render_day_parts(queries, releases, now, counted_at)
    attention = fragments.select_attention(rows, needing, sees_all=queries.sees_all)
    return {
        **filters,
        **_date_values(query, day),
        **await _list_values(queries, rows, attention),
        "fault": fault,
        "releases": releases,
        "promised": len(releases),
        "producers": list_producers(releases, queries.producers),
        "states": [word for word, _ in fragments.count_statuses(releases)],
        "readiness": await fragments.render_readiness(queries, None if is_today else day),
        "parts": parts | {"warnings": await fragments.render_warnings(queries, now)},
        "html_rows": await render_rows(queries, rows, last_looks, counted_at, attention.steps),
        "counted_at": counted_at,
        # Only the page of today is read again while it is open.
        "is_live": is_today,
        # A screen on a wall gets a page without menu and forms.
        "wall": query.get("wall") == "1",
        "today": today,
    }


def _read_filters(request: Request) -> dict[str, Any]:
    """Return the filters of the query as `chosen`, and the producer that this browser remembers as
    `mine`.
    """
    own_producer = request.cookies.get(PRODUCER_COOKIE, "")
    if not _PRODUCER_ID_OR_EMPTY.fullmatch(own_producer):
        own_producer = ""
    # It is a filter, unless the query has another.
    given = {"producer": own_producer} | dict(request.query_params)
    chosen = {name: given.get(name, "").strip() for name in _FILTERS}
    return {"chosen": chosen, "mine": own_producer, "is_filtered": any(chosen.values())}


def _date_values(query: Mapping[str, str], day: date) -> dict[str, Any]:
    """Return the day, the days to which the page links, and the typed parts of a date."""
    return {
        "day": day,
        "days": [day + timedelta(days=ahead) for ahead in range(1, 8)],
        "before": day - timedelta(days=1),
        "typed": {name: query.get(name, "") for name in _DATE_FIELDS},
    }


async def _list_values(
    queries: Queries, rows: Sequence[fragments.Row], attention: fragments.Attention
) -> dict[str, Any]:
    """Return the lists and strips of the releases that match the filters. `groups` are those that
    are not in `attention`.
    """
    shown = {row["id"] for row in attention.rows}
    rest = [row for row in rows if row["id"] not in shown]
    strips = await read_strips(queries, rows)
    return {
        "attention": attention,
        "is_attention_folded": _repeats_much(attention.rows, strips),
        "others": fragments.render_others(queries, attention).strip(),
        "groups": group_rows(rest, queries.producers),
        "counts": fragments.count_statuses(rows),
        "strips": strips,
    }


async def remember_producer(request: Request) -> Response:
    """Set a cookie: the front page shows only one producer in this browser.

    An empty name removes it.
    """
    producer = (await read_form(request)).get("producer", "")
    # People who are not signed in have no form token, so the browser's header about the sending
    # site is checked.
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise NotAllowed("This form was sent from elsewhere.")
    if not _PRODUCER_ID_OR_EMPTY.fullmatch(producer):
        raise UserFault("producer: not the id of a producer")
    response = RedirectResponse("/", 303)
    if producer:
        secure = request.scope["scheme"] == "https"
        response.set_cookie(
            PRODUCER_COOKIE,
            producer,
            _COOKIE_SECONDS,
            secure=secure,
            httponly=True,
            samesite="lax",
        )
    else:
        response.delete_cookie(PRODUCER_COOKIE)
    return response


async def _list_needing_action(queries: Queries) -> list[Incident]:
    try:
        return await queries.list_needing_action()
    except StoreFault:
        # The page still shows the releases of the day, which are in memory, and a warning names the
        # fault.
        return []


def _repeats_much(rows: Sequence[fragments.Row], strips: Sequence[Strip]) -> bool:
    """Return whether a list of these releases says much again that strips show."""
    slots = {strip.slot for strip in strips}
    return len(rows) > _REPEATED_UP_TO and all(exact_slot(row) in slots for row in rows)


def group_rows(rows: Sequence[fragments.Row], names: Mapping[str, str]) -> list[RowGroup]:
    """Return the rows of a day in groups.

    On a busy day, those without a problem are folded by producer, and those with one if they are
    many.
    """
    if len(rows) <= FOLDED_OVER:
        return [RowGroup("", rows)] if rows else []
    bad = [row for row in rows if fragments.has_gone_wrong(row)]
    good: dict[str, list[fragments.Row]] = {}
    for row in rows:
        if not fragments.has_gone_wrong(row):
            good.setdefault(names.get(row["producer"], row["producer"]), []).append(row)
    groups = [RowGroup(name, some, is_folded=True) for name, some in sorted(good.items())]
    if bad:
        groups.insert(0, RowGroup("", bad, is_folded=len(bad) > FOLDED_OVER))
    return groups


def _last_looks(
    queries: Queries, rows: Iterable[fragments.Row], now: datetime
) -> dict[str, datetime]:
    """Return the time of the last look at each release, by id.

    Before a slot, only staff may know it.
    """
    all_looks = queries.live.last_looks()
    looks = ((row, all_looks.get(row["id"])) for row in rows)
    return {
        row["id"]: look
        for row, look in looks
        if look is not None and (queries.sees_all or slot_has_passed(row, now))
    }


async def render_rows(
    queries: Queries,
    rows: Iterable[fragments.Row],
    last_looks: Mapping[str, datetime],
    now: datetime | None,
    steps: Mapping[str, fragments.NextStep],
) -> dict[str, Markup]:
    """Return the HTML row of each release, by its id.

    `last_looks` has times by release, `steps` the next step by incident. Without `now`, the rows do
    not say how long ago a look was.
    """
    rendered = {}
    async for row in with_pauses(rows, queries.clock):
        release_id = row["id"]
        step = steps.get(row["incident"])
        cells = fragments.render_row(queries, row, last_looks.get(release_id), now, step)
        rendered[release_id] = Markup(f'<tr id="{fragments.element_id(release_id)}">{cells}</tr>\n')  # noqa: S704 # escaped where it was made
    return rendered


def _matches_filters(
    row: fragments.Row, chosen: Mapping[str, str], names: Mapping[str, str]
) -> bool:
    """Return whether a release has the chosen producer and state, and contains the text `q`.

    Empty ones match all.
    """
    text = f"{row['title']} {row['id']} {names.get(row['producer'], row['producer'])}".casefold()
    is_in_state = chosen["state"] in ("", verdict_or_due(row))
    return is_in_state and is_by(row, chosen["producer"]) and chosen["q"].casefold() in text


def list_producers(
    rows: Iterable[fragments.Row], names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the ids of the producers of these releases with their names, sorted by name."""
    ids: set[str] = set()
    for row in rows:
        ids.update(row.get("producers", [row["producer"]]))
    return fragments.sort_by_name(ids, names)


def _read_day(query: Mapping[str, str], default: date) -> tuple[date, str]:
    """Return the day in the query or else `default`, and an error if the query has something that
    is not a date.
    """
    typed = "-".join(query.get(name, "").strip().zfill(2) for name in reversed(_DATE_FIELDS))
    text = query.get("date") or typed
    if text == "00-00-00":  # three blank fields, so no date was typed
        return default, ""
    try:
        return parse_day(text), ""
    except ValueError:
        return default, "Date must be a real date, such as 27 3 2026"


@dataclass(eq=False)
class SharedBoard:
    """The last main part of the front page for one audience and filter.

    `made` is in seconds of steady time.
    """

    made: float = float("-inf")
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedBoards:
    """Keeps what was made for each audience and filter, the most recently used `_MOST_KEPT`."""

    def __init__(self) -> None:
        self._boards: OrderedDict[tuple[object, ...], SharedBoard] = OrderedDict()

    async def get(self, request: Request) -> SharedBoard:
        """Return the board as this visitor sees it, at most `_SHARED_SECONDS` old."""
        queries = queries_of(request)
        key = (
            queries.sees_all,
            may_act(request),
            request.url.query,
            request.cookies.get(PRODUCER_COOKIE, ""),
        )
        board = self._boards.setdefault(key, SharedBoard())
        self._boards.move_to_end(key)
        if len(self._boards) > _MOST_KEPT:
            self._boards.popitem(last=False)
        async with board.lock:
            if queries.clock.monotonic() - board.made > _SHARED_SECONDS:
                await _make_board(board, request)
        return board


async def _make_board(board: SharedBoard, request: Request) -> None:
    queries = queries_of(request)
    values = await read_board(request, has_durations=False)
    board.body = bytes(render(request, "board_main.html", **values).body)
    board.made = queries.clock.monotonic()
    now = queries.now()
    is_near = any(is_near_slot(row, now) for row in values["releases"])
    board.headers = {
        "ETag": f'"{hashlib.sha256(board.body).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Authorization",
        "Board-Now": str(millis(now)),
        "Board-Clock": time_of_day(now, queries.timezone, exact=True),
        "Board-Next": str(_NEAR_SECONDS if is_near else _FAR_SECONDS),
    }


def is_near_slot(row: Mapping[str, Any], now: datetime) -> bool:
    """Return whether an open board is read more often because of this release."""
    slot = exact_slot(row)
    if slot is None:
        return False
    return -_NEAR_BEFORE <= now - slot <= _NEAR_AFTER or row["verdict"] == "overdue"


async def poll_board(request: Request) -> Response:
    """Return the main part of the front page, or 304 if the browser has these very bytes.

    `Board-Now` and `Board-Clock` are the monitor's time, `Board-Next` the seconds until the next
    request.
    """
    shared: SharedBoards = request.app.state.boards
    board = await shared.get(request)
    if request.headers.get("If-None-Match") == board.headers["ETag"]:
        return Response(None, 304, board.headers)
    return Response(board.body, 200, board.headers, "text/html")


ROUTES = [
    Route("/", show_board),
    PostRoute("/mine", remember_producer),
    Route("/board", poll_board),
]
