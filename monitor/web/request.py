"""Functions that read a request: its viewer's queries and session, its body up to a limit, its
parameters.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.by_hand import check_year
from alerts.one_line import one_line
from monitor.deliver.desk import Desk
from monitor.errors import NotAllowed, Refused, UserFault
from monitor.store.rows import Actor
from monitor.web.queries import Queries
from monitor.web.sessions import Session

_LONGEST_BODY = 8192
_BODY_SECONDS = 10.0
_LONGEST_NAME = 40
"""The most characters of an unknown parameter's name that a refusal repeats."""
_TOO_MANY_FIELDS = "this form has too many fields"
_DAMAGED = "this form arrived damaged: load the page again, and send it again"
PROBLEM = "application/problem+json"


PostRoute = partial(Route, methods=["POST"])
"""A route of a form. `Route` is one of a page."""


def queries_of(request: Request) -> Queries:
    """Return the queries of this application, limited to what the viewer of this request may
    see.
    """
    queries: Queries = request.app.state.queries
    return queries.for_viewer(sees_all=sees_all(request))


def sees_all(request: Request) -> bool:
    """Return whether the viewer may see embargoed information.

    False until `Authorise` has checked the request.
    """
    return getattr(request.state, "sees_all", False)


def require_staff(request: Request) -> Queries:
    """Return the queries of a viewer who may see everything. Raises `NotAllowed` for others."""
    queries = queries_of(request)
    if not queries.sees_all:
        raise NotAllowed("This is for staff.")
    return queries


def session_of(request: Request) -> Session | None:
    """Return the session of the person who is signed in, or None."""
    return getattr(request.state, "session", None)


def desk_of(request: Request) -> Desk | None:
    """Return the desk for the account that made a request, or None if it may not act."""
    actor: Actor | None = getattr(request.state, "actor", None)
    desk = queries_of(request).desk
    return None if actor is None or desk is None else desk.acting_as(actor)


def require_desk(request: Request) -> Desk:
    """Return what `desk_of` does. Raises `NotAllowed` for None, `Refused` in a demonstration."""
    if queries_of(request).desk is None:
        raise Refused("this board is only for reading")
    if (desk := desk_of(request)) is None:
        raise NotAllowed("this is for staff who may act")
    return desk


def may_act(request: Request) -> bool:
    """Return whether the person is signed in with the right `duty` or `head`, and the board can be
    changed.
    """
    return session_of(request) is not None and desk_of(request) is not None


def client_of(request: Request) -> str:
    """Return the address of the client, or an empty text if it is unknown.

    A trusted proxy can state it.
    """
    return request.client.host if request.client is not None else ""


async def read_body(request: Request, longest: int = _LONGEST_BODY) -> bytes:
    """Return the body of a request.

    Raises `UserFault` if it is longer than `longest` bytes or takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > longest:
                    raise UserFault(f"the body must not be longer than {longest} bytes")
    except TimeoutError as exc:
        raise UserFault("the body took too long") from exc
    except ClientDisconnect as exc:
        raise UserFault("the body ended too early") from exc
    return bytes(body)


async def read_form(
    request: Request, longest: int = _LONGEST_BODY, most: int = 10
) -> dict[str, str]:
    """Return the fields of a form by name, blank ones too.

    If a name occurs twice, the first value counts.

    Raises `UserFault` if there are more than `longest` bytes or `most` fields.
    """
    body = (await read_body(request, longest)).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=most)
    except ValueError as exc:
        raise UserFault(_TOO_MANY_FIELDS) from exc
    return {name: values[0] for name, values in fields.items()}


async def read_form_with_files(
    request: Request, longest: int, most: int, longest_with_files: int
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields of a form as `read_form` does, and the content of each file that was
    chosen, by field name. The field `NAME.filename` has the name of the file.

    Browsers send files as `multipart/form-data` (RFC 7578). A form in any other type has no files.
    Raises `UserFault` too if there are more than `longest_with_files` bytes with the files, or if
    the form is damaged.
    """
    if not request.headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
        return await read_form(request, longest, most), {}
    body = await read_body(request, longest_with_files)
    limits = {"max_files": most, "max_fields": most, "max_part_size": longest_with_files}
    parser = _FormParser(request.headers, _yield_once(body), **limits)
    # Files stay in memory, where the body is already.
    parser.spool_max_size = longest_with_files
    try:
        form = await parser.parse()
    except MultiPartException as exc:
        raise UserFault(
            _TOO_MANY_FIELDS if exc.message.startswith("Too many") else _DAMAGED
        ) from exc
    fields, files = dict[str, str](), dict[str, bytes]()
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, value)
        elif value.filename:
            files.setdefault(name, await value.read())
            fields.setdefault(f"{name}.filename", value.filename)
    await form.close()
    # The parser raises no exception for a form that ends within a part.
    if not parser.is_complete:
        raise UserFault(_DAMAGED)
    # The parser has one limit for fields and one for files. Both together must not be more than
    # `most` either.
    if len(form.multi_items()) > most:
        raise UserFault(_TOO_MANY_FIELDS)
    if len(body) - sum(map(len, files.values())) > longest:
        raise UserFault(f"the texts must not be longer than {longest} bytes")
    return fields, files


class _FormParser(MultiPartParser):
    """A parser that knows whether the form `is_complete`: it did not end in the middle of a
    part.
    """

    is_complete = False

    def on_end(self) -> None:
        self.is_complete = True


async def _yield_once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def parse_day(text: str) -> date:
    """Return the date in a text such as `2026-11-26`. Raises ValueError for others."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        with suppress(ValueError):
            return check_year(date.fromisoformat(text))
    raise ValueError('not a day, write "2026-11-26"')


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return a problem document (RFC 9457) that says why a request failed.

    `more` are additional members.
    """
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return JSONResponse(content, status, headers, PROBLEM)


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Raise `UserFault` if a query has a parameter that is not `known`, or the same one twice."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            expected = f"known are {', '.join(known)}" if known else "this address takes none"
            raise UserFault(
                f"{one_line(name, _LONGEST_NAME) or '(no name)'}: unknown parameter, {expected}"
            )
        if given.count(name) > 1:
            raise UserFault(f"{name}: given more than once")
