"""What a request brings with it: the desk that answers, who asks, and a body read with a limit."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs

from starlette.requests import Request

from monitor.errors import UserFault
from monitor.web.desk import Desk
from monitor.web.door import Session

_LONGEST = 8192
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def desk_of(request: Request) -> Desk:
    """Return the desk that serves this application."""
    desk: Desk = request.app.state.desk
    return desk


def session_of(request: Request) -> Session | None:
    """Return the session of whoever asks, None when nobody has signed in."""
    return getattr(request.state, "session", None)


def client_of(request: Request) -> str:
    """Return the address that asks, as a proxy we trust tells it."""
    return request.client.host if request.client is not None else ""


async def body_of(request: Request) -> bytes:
    """Return what was sent. Raises `UserFault` when it is too long."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            raise UserFault(f"the body must not be longer than {_LONGEST} bytes")
    return body


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name. Raises `UserFault` when there is too much of it."""
    try:
        fields = parse_qs((await body_of(request)).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as exc:
        raise UserFault("a form of ours has fewer fields") from exc
    return {name: values[0] for name, values in fields.items()}


def day_of(text: str) -> date:
    """Read a day of a query. Raises ValueError for what is none, or lies where the calendar has no day beside it."""
    day = date.fromisoformat(text)
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError
    return day
