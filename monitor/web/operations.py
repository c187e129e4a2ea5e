"""Operations of the API: each checks its input with a model, responds, and describes itself in
OpenAPI 3.1.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from alerts.by_hand import InvalidInput
from alerts.draft.write.registry import MEDIA
from alerts.incident import IncidentKind
from monitor import __version__
from monitor.deliver.open_data import FlatRow, csv_chunks
from monitor.errors import UnknownName
from monitor.web.answers import Answer, Problem
from monitor.web.inputs import ID, Input
from monitor.web.request import PROBLEM, check_parameters, problem_response, read_body
from monitor.web.users import Peer, Program
from schedules.contract.verdict import FindingKind
from schedules.times.json import Json

_JSON, _CSV = "application/json", "text/csv; charset=utf-8"
_COMPACT: Json = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
_REF = "#/components/schemas/{model}"
_DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action"
    " 'none'"
)
_FAULTS = {
    400: "wrong parameters, or a wrong body",
    401: "the board is not public, and the request has no token",
    403: "not for viewers, or not for this token",
    404: "no such item",
    429: "too many wrong tokens; `Retry-After` says how many seconds to wait",
    503: "the store does not answer",
}
_CONFLICT = "the present state does not allow it, such as an end that has passed"
_TAGS = {
    "releases": "Promised releases and their verdicts.",
    "incidents": "Incidents and the drafts of their reports.",
    "silences": "Muted messages.",
    "calendars": "The calendars from which promises are read.",
    "description": "This description.",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The CSV form of the list `name` in an answer: each column with its meaning, and `row` makes
    one row.
    """

    name: str
    columns: Mapping[str, str]
    row: Callable[[Mapping[str, Any]], FlatRow] = dict


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    `name` and `tag` are for programs that are generated from the description.

    `endpoint` is called with the request and the input, if its signature names a model of one. It
    returns the JSON of an `answer`, which can also be read as CSV if there are `rows`, or a whole
    response of one of the `media`.
    """

    name: str
    tag: str
    endpoint: Callable[..., Awaitable[Any]]
    answer: type[Answer] | None = None
    rows: Rows | None = None
    media: tuple[str, ...] = (_JSON,)
    method: str = "GET"
    status: int = 200
    max_bytes: int = 8192

    @property
    def input(self) -> type[Input]:
        """Return the model of the input."""
        return _find_input(self.endpoint)

    async def respond(self, request: Request) -> Response:
        """Return the response to a request, or refuse its input.

        A POST needs a caller that may change incidents.
        """
        fields = self.input.model_fields.items() if self.method == "GET" else ()
        check_parameters(request, [field.alias or name for name, field in fields])
        if not all(map(str.isprintable, request.path_params.values())):
            raise UnknownName("no item has such a name")
        if self.method == "GET":
            sent = self.input.read(dict(request.query_params))
        elif (refusal := _refuse_without_right(request)) is not None:
            return refusal
        else:
            sent = self.input.read(await read_body(request, self.max_bytes))
        try:
            inputs = () if self.input is Input else (sent,)
            answer: Any = await self.endpoint(request, *inputs)
        except InvalidInput as fault:
            faults = [*map(str, fault.faults)]
            return problem_response(409, "; ".join(faults), faults=faults)
        if isinstance(answer, Response):
            return answer
        return self._respond_with(request, sent, answer)

    def _respond_with(self, request: Request, sent: Input, answer: Json) -> Response:
        """Return the answer as JSON or CSV with a link to the next page.

        Return 304 if `If-None-Match` has its ETag.
        """
        media, rows = _JSON, self.rows
        # A 304 needs the `Vary` of the whole response too (RFC 9110, 15.4.5).
        headers = {"Vary": "Accept"} if rows is not None else {}
        if rows is not None and _wants_csv(request, sent):
            body, media = b"".join(csv_chunks(rows.columns, map(rows.row, answer[rows.name]))), _CSV
        else:
            body = json.dumps(answer, **_COMPACT).encode()
        if self.method == "GET":
            etag = headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            cached = {
                one.strip().removeprefix("W/")
                for one in request.headers.get("If-None-Match", "").split(",")
            }
            if not cached.isdisjoint({etag, "*"}):
                return Response(status_code=304, headers=headers)
        if rows is not None and (after := answer.get("next")) is not None:
            # CSV has no place for the address of the next page.
            query = urlencode({**request.query_params, "after": after})
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        return Response(body, self.status, headers, media)

    def describe(self, path: str, schemas: Json) -> Json:
        """Return the OpenAPI object of this operation, from its docstring and the `schemas` of the
        inputs.
        """
        summary, _, description = (inspect.getdoc(self.endpoint) or "").partition("\n\n")
        parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]
        result: Json = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": summary.rstrip("."),
        }
        result["description"] = description
        schema = {"type": "object"} if self.answer is None else _schema_reference(self.answer)
        content: Json = {
            media: {"schema": schema} if media == _JSON else {} for media in self.media
        }
        if self.rows is not None:
            columns = "; ".join(f"{name}: {words}" for name, words in self.rows.columns.items())
            content[_CSV] = {
                "schema": {
                    "type": "string",
                    "description": f"A row each, with the columns {columns}.",
                }
            }
        success: Json = {"description": HTTPStatus(self.status).phrase, "content": content}
        responses = {self.status: success} | {
            status: _describe_problem(words) for status, words in _FAULTS.items()
        }
        if self.method == "POST":
            responses[409] = _describe_problem(_CONFLICT)
            body = {"required": True, "content": {_JSON: {"schema": _schema_reference(self.input)}}}
            result |= {"requestBody": body, "security": [{"token": []}]}
        else:
            parameters += _query_parameters(schemas[self.input.__name__])
            if self.answer is not None:
                etag = {
                    "description": "the value for `If-None-Match`",
                    "schema": {"type": "string"},
                }
                success["headers"] = {"ETag": etag}
                responses[304] = {"description": "unchanged since the response with that `ETag`"}
        return result | {
            "parameters": parameters,
            "responses": {str(one): responses[one] for one in sorted(responses)},
        }


@cache
def _find_input(endpoint: Callable[..., Awaitable[Any]]) -> type[Input]:
    _request, *others = inspect.signature(endpoint, eval_str=True).parameters.values()
    models: list[type[Input]] = [sent.annotation for sent in others]
    return next(iter(models), Input)


post_operation = partial(Operation, method="POST")


class ApiRoute(Route):
    """An address of the API, the `path` below `/api/v1`, with its operations."""

    def __init__(self, path: str, *operations: Operation) -> None:
        self.operations = {one.method: one for one in operations}
        # An id or a name may contain slashes.
        with_slashes = re.sub(r"{(release|incident|calendar|channel)}", r"{\1:path}", path)
        super().__init__(
            f"/api/v1{with_slashes}", self._respond_by_method, methods=list(self.operations)
        )

    async def _respond_by_method(self, request: Request) -> Response:
        return await self.operations["GET" if request.method == "HEAD" else request.method].respond(
            request
        )


def file_response(content: bytes, media: str, name: str) -> Response:
    """Return a document as a response, whose policy forbids scripts and every other address.

    Browsers save it under `name`, or show it if `name` is empty.
    """
    headers = {"Content-Security-Policy": _DOCUMENT_POLICY}
    if name:
        quoted = quote(name)
        # A header has only ASCII characters (RFC 6266).
        label = f'filename="{name}"' if quoted == name else f"filename*=utf-8''{quoted}"
        headers["Content-Disposition"] = f"attachment; {label}"
    return Response(content, media_type=media, headers=headers)


class PlainSchema(GenerateJsonSchema):
    """Makes schemas without titles, which repeat the fields' names, and without defaults of
    None.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 # as pydantic calls it
        """Return whether a title is set: never."""
        return False

    def default_schema(self, schema: Any) -> Json:  # noqa: ANN401 # as pydantic calls it
        """Return the schema of a field that has a default."""
        result: Json = super().default_schema(schema)
        return {
            name: value for name, value in result.items() if name != "default" or value is not None
        }


def describe_api(routes: Iterable[BaseRoute]) -> Json:
    """Return the OpenAPI description of the operations among these routes, with the schemas of
    their models.
    """
    operations: list[tuple[str, Operation]] = []
    for route in routes:
        if isinstance(route, ApiRoute):
            operations += [(route.path_format, each) for each in route.operations.values()]
    answers: set[tuple[Any, JsonSchemaMode]] = {
        (one.answer, "serialization") for _, one in operations if one.answer
    }
    inputs: set[tuple[Any, JsonSchemaMode]] = {(one.input, "validation") for _, one in operations}
    models = sorted([(Problem, "serialization"), *answers, *inputs], key=str)
    schemas = models_json_schema(models, schema_generator=PlainSchema, ref_template=_REF)[1][
        "$defs"
    ]
    paths: Json = {}
    for path, one in operations:
        paths.setdefault(path, {})[one.method.lower()] = one.describe(path, schemas)
    # The inputs in queries are described as parameters, so their schemas are left out.
    in_bodies = {one.input.__name__ for _, one in operations if one.method == "POST"}
    left_out = {one.input.__name__ for _, one in operations} - in_bodies
    # No schema refers to these enums: each field lists their values.
    left_out |= {FindingKind.__name__, IncidentKind.__name__}
    summary = "Promised statistics, and when each appeared"
    return {
        "openapi": "3.1.0",
        "info": {"title": "ninethirty", "version": __version__, "summary": summary},
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": paths,
        # The first means no authentication, for public boards.
        "security": [{}, {"token": []}],
        "components": {
            "schemas": {name: one for name, one in schemas.items() if name not in left_out},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schema_reference(model: type[Answer | Input]) -> Json:
    return {"$ref": _REF.format(model=model.__name__)}


def _describe_problem(words: str) -> Json:
    return {"description": words, "content": {PROBLEM: {"schema": _schema_reference(Problem)}}}


def _path_parameter(name: str) -> Json:
    shape: Json = {"type": "string", "minLength": 1, "pattern": ID}
    if name == "ending":
        shape = {"enum": [*MEDIA]}
    return {"name": name, "in": "path", "required": True, "schema": shape}


def _query_parameters(schema: Json) -> Iterator[Json]:
    for name, one in schema.get("properties", {}).items():
        shape = {key: value for key, value in one.items() if key != "description"}
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": one["description"],
            "schema": shape,
        }


def _wants_csv(request: Request, sent: Input) -> bool:
    """Return whether to answer with CSV: if `format` says so, or without it, if `Accept` has CSV
    before JSON.
    """
    accepted = [
        one.partition(";")[0].strip() for one in request.headers.get("Accept", "").split(",")
    ]
    preferred = next((one for one in accepted if one in ("text/csv", _JSON)), "")
    return (getattr(sent, "format", None) or preferred.removeprefix("text/")) == "csv"


def _refuse_without_right(request: Request) -> Response | None:
    """Return None for a caller that may change incidents, else a refusal: 403, or 401 for no
    caller.

    The cookie of a browser is not a caller here, because another site could use it.
    """
    caller: Peer | Program | None = getattr(request.state, "caller", None)
    if caller is None:
        return problem_response(
            401, "needs a token for duty as a bearer token", {"WWW-Authenticate": "Bearer"}
        )
    if request.state.actor is not None:
        return None
    if isinstance(caller, Program):
        return problem_response(403, f"this token is only for {caller.scope}")
    return problem_response(403, "this is for staff")
