"""What a request brings with it: the queries that answers, who asks, and a body read with a limit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alerts.one_line import one_line
from monitor.errors import UserFault
from monitor.web.queries import Queries
from monitor.web.sessions import Session

_LONGEST = 8192
_BODY_WITHIN = 10.0
_LONGEST_NAME = 40
FIRST_YEAR, LAST_YEAR = 1900, 2199
PROBLEM = "application/problem+json"


def queries_of(request: Request) -> Queries:
    """Return the queries of this application, as whoever asks may see them."""
    queries: Queries = request.app.state.queries
    return queries.seen_by(all_=sees_all(request))


def sees_all(request: Request) -> bool:
    """Tell whether whoever asks may know what is embargoed; nobody may that was not found to."""
    return getattr(request.state, "sees_all", False)


def session_of(request: Request) -> Session | None:
    """Return the session of whoever asks, None when nobody has signed in."""
    return getattr(request.state, "session", None)


def client_of(request: Request) -> str:
    """Return the address that asks, as a proxy we trust tells it."""
    return request.client.host if request.client is not None else ""


async def body_of(request: Request, longest: int = _LONGEST) -> bytes:
    """Return what was sent, in bytes. Raises `UserFault` when it is too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN):
            async for piece in request.stream():
                body += piece
                if len(body) > longest:
                    raise UserFault(f"the body must not be longer than {longest} bytes")
    except TimeoutError as exc:
        raise UserFault("the body took too long") from exc
    return bytes(body)


async def form_of(request: Request, longest: int = _LONGEST, most: int = 10) -> dict[str, str]:
    """Return the fields of a form, the first of each name, blank ones too. Raises `UserFault` when there is too much.

    `longest` is in bytes, `most` in fields.
    """
    body = (await body_of(request, longest)).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=most)
    except ValueError as exc:
        raise UserFault("a form of ours has fewer fields") from exc
    return {name: values[0] for name, values in fields.items()}


def day_of(text: str) -> date:
    """Read a day of a query. Raises ValueError for what is none, or lies where the calendar has no day beside it."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise ValueError
    return date.fromisoformat(text)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> Response:
    """Tell a program why there is no answer, as RFC 9457 has it, and what `more` there is to tell."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(told, status, headers, PROBLEM)


def takes(request: Request, known: Sequence[str]) -> None:
    """Check that a request has no other parameters, and each of them once. Raises `UserFault`."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            told = f"known are {', '.join(known)}" if known else "this address takes none"
            raise UserFault(f"{one_line(name, _LONGEST_NAME) or '(no name)'}: unknown parameter, {told}")
        if given.count(name) > 1:
            raise UserFault(f"{name}: given more than once")
