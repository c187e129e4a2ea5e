"""Open boards read the changing part of the front page again every few seconds.

Everyone who sees the same gets the same bytes: they are made at most once a second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.web.board import PRODUCER_COOKIE, read_board
from monitor.web.pages import millis, render
from monitor.web.request import may_act, queries_of
from monitor.web.strip import exact_slot
from schedules.times.words import clock as time_of_day

_SHARED_SECONDS = 1.0
_MOST_KEPT = 64
_NEAR_SECONDS, _FAR_SECONDS = 2, 10
"""Seconds until an open board reads again, near a slot and else."""
_NEAR_BEFORE, _NEAR_AFTER = timedelta(minutes=15), timedelta(minutes=15)


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
    """Return whether an open board is read every two seconds because of this release."""
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


ROUTES = [Route("/board", poll_board)]
