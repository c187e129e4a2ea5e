"""Addresses for programs: a parameter that one does not know is refused, since a typo must not give other data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.say import one_line
from monitor.errors import UserFault
from monitor.web.openapi import query_names

Endpoint = Callable[[Request], Awaitable[Response]]
_LONGEST = 40


def api_route(path: str, endpoint: Endpoint, methods: Sequence[str] = ("GET",)) -> Route:
    """Return the route of an address that takes the parameters of its description, each of them once."""
    known = query_names(path)

    async def answer(request: Request) -> Response:
        _check([name for name, _ in request.query_params.multi_items()], known)
        return await endpoint(request)

    return Route(path, answer, methods=list(methods))


def _check(given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            told = f"known are {', '.join(known)}" if known else "this address takes none"
            raise UserFault(f"{one_line(name, _LONGEST) or '(no name)'}: unknown parameter, {told}")
        if given.count(name) > 1:
            raise UserFault(f"{name}: given more than once")
