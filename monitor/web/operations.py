"""The operations of the API: models read what each is asked, and describe that and what it answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.deliver.open_data import Row, as_csv
from monitor.errors import UnknownName
from monitor.web.answers import Answer
from monitor.web.asked import Asked, Listed
from monitor.web.credentials import TokenScope
from monitor.web.request import body_of, problem, takes

CSV = "text/csv; charset=utf-8"
_COMPACT: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
UNKNOWN = {404: "nothing of that name"}
REFUSED = {**UNKNOWN, 409: "not as things are now, such as an end that has passed"}


@dataclass(frozen=True, slots=True)
class Rows:
    """How a list of an answer, of that name, is told as CSV: what each column means, and how one of it is a row."""

    name: str
    columns: Mapping[str, str]
    row: Callable[[Mapping[str, Any]], Row] = dict


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API.

    `endpoint` is given what is asked, and returns an `answer` as JSON, or a response of its own, of one of
    the `media`. `name` and `tag` are for whoever makes a program from the description; `faults` are those of its own.
    """

    name: str
    tag: str
    endpoint: Callable[[Request, Any], Awaitable[Any]]
    answer: type[Answer] | None = None
    asked: type[Asked] = Asked
    faults: Mapping[int, str] = field(default_factory=dict)
    media: tuple[str, ...] = ("application/json",)
    method: str = "GET"
    status: int = 200
    rows: Rows | None = None
    longest: int = 8192

    @property
    def parameters(self) -> list[str]:
        """Return the names of the parameters that it takes after the `?` of its address."""
        fields = self.asked.model_fields.items() if self.method == "GET" else ()
        return [told.alias or name for name, told in fields]

    async def answered(self, request: Request) -> Response:
        """Answer a request. Raises `UserFault` for what the models do not take."""
        takes(request, self.parameters)
        if not all(map(str.isprintable, request.path_params.values())):
            raise UnknownName("nothing has a name like that")
        form = ""
        if self.method == "GET":
            asked = self.asked.read(dict(request.query_params))
            form = getattr(asked, "format", None) or ("csv" if _prefers_csv(request) else "")
            found: Any = await self.endpoint(request, asked)
        elif (refused := _refused(request)) is not None:
            return refused
        else:
            found = await self.endpoint(request, self.asked.read(await body_of(request, self.longest)))
        if isinstance(found, Response):
            return found
        is_csv = self.rows is not None and form == "csv"
        body = self._as_csv(found) if is_csv else json.dumps(found, **_COMPACT).encode()
        mark = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
        if self.method == "GET" and not known.isdisjoint({mark, "*"}):
            return Response(status_code=304, headers={"ETag": mark})
        headers = {"ETag": mark} if self.method == "GET" else {}
        if self.rows is not None:
            headers |= {"Vary": "Accept"} | _leading_on(request, found.get("next"))
        return Response(body, self.status, headers, CSV if is_csv else self.media[0])

    def _as_csv(self, found: Mapping[str, Any]) -> bytes:
        rows = self.rows
        return b"" if rows is None else b"".join(as_csv(rows.columns, map(rows.row, found[rows.name])))


def listing(  # noqa: PLR0913 # as an operation has it
    name: str,
    tag: str,
    endpoint: Callable[[Request, Any], Awaitable[Any]],
    answer: type[Answer],
    asked: type[Listed] = Listed,
    faults: Mapping[int, str] | None = None,
    *,
    rows: Rows,
) -> Operation:
    """Return an operation that tells a list, as JSON or as CSV."""
    return Operation(name, tag, endpoint, answer, asked, faults or {}, ("application/json", CSV), rows=rows)


class ApiRoute(Route):
    """An address of the API, with everything that can be asked of it."""

    def __init__(self, path: str, *operations: Operation) -> None:
        """Take the operations, each of another method."""
        self.operations = {one.method: one for one in operations}
        super().__init__(path, self._answer, methods=list(self.operations))

    async def _answer(self, request: Request) -> Response:
        return await self.operations["GET" if request.method == "HEAD" else request.method].answered(request)


def _prefers_csv(request: Request) -> bool:
    accepted = [one.partition(";")[0].strip() for one in request.headers.get("Accept", "").split(",")]
    return next((one for one in accepted if one in ("text/csv", "application/json")), "") == "text/csv"


def _leading_on(request: Request, after: str | None) -> dict[str, str]:
    """Return the header that leads to the next page, whatever the form of this one."""
    query = urlencode({**request.query_params, "after": after})
    return {} if after is None else {"Link": f'<{request.url.path}?{query}>; rel="next"'}


def _refused(request: Request) -> Response | None:
    """Return what to answer a program that does not show a token that is good for this, None to one that does."""
    may = getattr(request.state, "may", None)
    if may is TokenScope.DUTY:
        return None
    if may is not None:
        return problem(403, f"this token is good for {may} alone")
    return problem(401, "needs a token for duty as a bearer token", {"WWW-Authenticate": "Bearer"})
