"""The operations of the API. Models read what each is asked, and describe that and what it answers in OpenAPI 3.1."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.by_hand import InvalidInput
from alerts.draft.write.registry import MEDIA
from monitor import __version__
from monitor.deliver.open_data import FlatRow, csv_chunks
from monitor.errors import Refused, UnknownName
from monitor.web.answers import Answer, Problem
from monitor.web.asked import SEGMENT, Asked
from monitor.web.credentials import TokenScope
from monitor.web.request import PROBLEM, body_of, problem, takes

Json = dict[str, Any]
_JSON, _CSV = "application/json", "text/csv; charset=utf-8"
_COMPACT: Json = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
_REF = "#/components/schemas/{model}"
_FAULTS = {
    400: "wrong parameters, or a wrong body",
    401: "the board is not public: neither a name with its password nor the token",
    403: "not for viewers, or not for this token",
    404: "nothing of that name",
    429: "too many wrong passwords or tokens; `Retry-After` says how many seconds to wait",
    503: "the store does not answer",
}
_REFUSED = "not as things are now, such as an end that has passed"
_TAGS = {
    "releases": "What was promised, and what became of it.",
    "incidents": "What went wrong, and its drafts.",
    "silences": "Messages held back.",
    "calendars": "Where promises are read.",
    "description": "This.",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """How the list `name` of an answer is written as CSV: the meaning of each column, and how to make a row."""

    name: str
    columns: Mapping[str, str]
    row: Callable[[Mapping[str, Any]], FlatRow] = dict


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API. `name` and `tag` are for programs that are made from the description.

    `endpoint` is given what is asked. It returns an `answer` as JSON, which with `rows` can be read as CSV too, or a
    response of its own, of one of the `media`.
    """

    name: str
    tag: str
    endpoint: Callable[[Request, Any], Awaitable[Any]]
    answer: type[Answer] | None = None
    asked: type[Asked] = Asked
    rows: Rows | None = None
    media: tuple[str, ...] = (_JSON,)
    method: str = "GET"
    status: int = 200
    longest: int = 8192

    async def answered(self, request: Request) -> Response:
        """Answer a request. Raises `UserFault` for what the models do not take."""
        fields = self.asked.model_fields.items() if self.method == "GET" else ()
        takes(request, [told.alias or name for name, told in fields])
        if not all(map(str.isprintable, request.path_params.values())):
            raise UnknownName("nothing has a name like that")
        if self.method == "GET":
            asked = self.asked.read(dict(request.query_params))
        elif (refused := _refused(request)) is not None:
            return refused
        else:
            asked = self.asked.read(await body_of(request, self.longest))
        try:
            found: Any = await self.endpoint(request, asked)
        except InvalidInput as fault:
            raise Refused("; ".join(fault.faults)) from fault
        return found if isinstance(found, Response) else self._written(request, asked, found)

    def _written(self, request: Request, asked: Asked, found: Json) -> Response:
        headers, media, rows = dict[str, str](), _JSON, self.rows
        if rows is not None and _is_csv(request, asked):
            body, media = b"".join(csv_chunks(rows.columns, map(rows.row, found[rows.name]))), _CSV
        else:
            body = json.dumps(found, **_COMPACT).encode()
        if self.method == "GET":
            mark = headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
            if not known.isdisjoint({mark, "*"}):
                return Response(status_code=304, headers=headers)
        if rows is not None:
            headers["Vary"] = "Accept"
            if (after := found.get("next")) is not None:
                # The next page, whatever the form of this one.
                query = urlencode({**request.query_params, "after": after})
                headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        return Response(body, self.status, headers, media)

    def described(self, path: str, schemas: Json) -> Json:
        """Return its part of the description; `schemas` has what it is asked by the name of the model."""
        summary, _, rest = (inspect.getdoc(self.endpoint) or "").partition("\n\n")
        parameters = [_of_path(name) for name in re.findall(r"{(\w+)}", path)]
        told: Json = {"operationId": self.name, "tags": [self.tag], "summary": summary.rstrip("."), "description": rest}
        shape = {"type": "object"} if self.answer is None else _ref(self.answer)
        content: Json = {media: {"schema": shape} if media == _JSON else {} for media in self.media}
        answer: Json = {"description": HTTPStatus(self.status).phrase, "content": content}
        responses = {self.status: answer} | {status: _fault(words) for status, words in _FAULTS.items()}
        if self.rows is not None:
            columns = "; ".join(f"{name}: {words}" for name, words in self.rows.columns.items())
            content[_CSV] = {"schema": {"type": "string", "description": f"A row each, with the columns {columns}."}}
        if self.method == "POST":
            responses[409] = _fault(_REFUSED)
            body = {"required": True, "content": {_JSON: {"schema": _ref(self.asked)}}}
            told |= {"requestBody": body, "security": [{"token": []}]}
        else:
            parameters += _of_query(schemas[self.asked.__name__])
            if self.answer is not None:
                mark = {"description": "its mark, for `If-None-Match`", "schema": {"type": "string"}}
                answer["headers"] = {"ETag": mark}
                responses[304] = {"description": "nothing has changed since the answer of that mark"}
        return told | {"parameters": parameters, "responses": {str(one): responses[one] for one in sorted(responses)}}


class ApiRoute(Route):
    """An address of the API, with everything that can be asked of it."""

    def __init__(self, path: str, *operations: Operation) -> None:
        """Take the operations, each of another method."""
        self.operations = {one.method: one for one in operations}
        super().__init__(path, self._answer, methods=list(self.operations))

    async def _answer(self, request: Request) -> Response:
        return await self.operations["GET" if request.method == "HEAD" else request.method].answered(request)


class PlainSchema(GenerateJsonSchema):
    """Leaves out titles, which repeat the names of fields, and defaults of None, which mean that a field is absent."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 # as pydantic calls it
        """Return whether a title is set: never."""
        return False

    def default_schema(self, schema: Any) -> Json:  # noqa: ANN401 # as pydantic calls it
        """Return the schema of a field that has a default."""
        told: Json = super().default_schema(schema)
        return {name: value for name, value in told.items() if name != "default" or value is not None}


def description(routes: Iterable[BaseRoute]) -> Json:
    """Return the description of the operations among these routes."""
    told = [(route.path, one) for route in routes if isinstance(route, ApiRoute) for one in route.operations.values()]
    answers: set[tuple[Any, JsonSchemaMode]] = {(one.answer, "serialization") for _, one in told if one.answer}
    questions: set[tuple[Any, JsonSchemaMode]] = {(one.asked, "validation") for _, one in told}
    wanted = sorted([(Problem, "serialization"), *answers, *questions], key=str)
    schemas = models_json_schema(wanted, schema_generator=PlainSchema, ref_template=_REF)[1]["$defs"]
    paths: Json = {}
    for path, one in told:
        paths.setdefault(path, {})[one.method.lower()] = one.described(path, schemas)
    # What a query is asked stands among its parameters.
    queries = {one.asked.__name__ for _, one in told} - {one.asked.__name__ for _, one in told if one.method == "POST"}
    summary = "Promised statistics, and when each appeared"
    return {
        "openapi": "3.1.0",
        "info": {"title": "ninethirty", "version": __version__, "summary": summary},
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": paths,
        # Nothing, where the board is public.
        "security": [{}, {"password": []}, {"token": []}],
        "components": {
            "schemas": {name: shape for name, shape in schemas.items() if name not in queries and "__" not in name},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _ref(model: type[Answer | Asked]) -> Json:
    return {"$ref": _REF.format(model=model.__name__)}


def _fault(words: str) -> Json:
    return {"description": words, "content": {PROBLEM: {"schema": _ref(Problem)}}}


def _of_path(name: str) -> Json:
    shape: Json = {"enum": [*MEDIA]} if name == "ending" else {"type": "string", "minLength": 1, "pattern": SEGMENT}
    return {"name": name, "in": "path", "required": True, "schema": shape}


def _of_query(asked: Json) -> Iterator[Json]:
    for name, one in asked.get("properties", {}).items():
        shape = {key: value for key, value in one.items() if key != "description"}
        yield {"name": name, "in": "query", "required": False, "description": one["description"], "schema": shape}


def _is_csv(request: Request, asked: Asked) -> bool:
    """Return whether a list is wanted as CSV: by its parameter, else by what is named first of both in `Accept`."""
    accepted = [one.partition(";")[0].strip() for one in request.headers.get("Accept", "").split(",")]
    preferred = next((one for one in accepted if one in ("text/csv", _JSON)), "")
    return (getattr(asked, "format", None) or preferred.removeprefix("text/")) == "csv"


def _refused(request: Request) -> Response | None:
    """Return what to answer a program that does not show a token that is good for this, None to one that does."""
    may = getattr(request.state, "may", None)
    if may is TokenScope.DUTY:
        return None
    if may is not None:
        return problem(403, f"this token is good for {may} alone")
    return problem(401, "needs a token for duty as a bearer token", {"WWW-Authenticate": "Bearer"})
