"""The description of the API in OpenAPI 3.1, made of what reads and writes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from starlette.routing import BaseRoute

from alerts.draft.write.registry import MEDIA
from monitor import __version__
from monitor.web.answers import Answer
from monitor.web.asked import SEGMENT
from monitor.web.operations import CSV, ApiRoute, Operation
from monitor.web.request import PROBLEM

Json = dict[str, Any]
_JSON = "application/json"
_REF = "#/components/schemas/{model}"
_FAULTS = {
    400: "wrong parameters, or a wrong body",
    401: "the board is not public: neither a name with its password nor the token",
    403: "not for viewers, or not for this token",
    429: "too many wrong passwords or tokens; `Retry-After` says how many seconds to wait",
    503: "the store does not answer",
}
_TAGS = {
    "releases": "What was promised, and what became of it.",
    "incidents": "What went wrong, and its drafts.",
    "silences": "Messages held back.",
    "calendars": "Where promises are read.",
    "description": "This.",
}


class Clashing(Answer):
    """A box into which somebody else wrote meanwhile: what stands there, and what was sent."""

    box: str
    stood: str
    sent: str


class Problem(Answer):
    """Why there is no answer (RFC 9457): the status with its words, and one line for a person.

    `conflicts` are there only where answers were written to a version that is no longer the newest.
    """

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    conflicts: list[Clashing] | None = None


class PlainSchema(GenerateJsonSchema):
    """Leaves out titles, which repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 # as pydantic calls it
        """Tell that none is set."""
        return False


def description(routes: Iterable[BaseRoute]) -> Json:
    """Return the description of the operations among these routes."""
    asked = [(route.path, one) for route in routes if isinstance(route, ApiRoute) for one in route.operations.values()]
    answers: set[tuple[Any, JsonSchemaMode]] = {(one.answer, "serialization") for _, one in asked if one.answer}
    questions: set[tuple[Any, JsonSchemaMode]] = {(one.asked, "validation") for _, one in asked}
    wanted = sorted([(Problem, "serialization"), *answers, *questions], key=str)
    schemas = models_json_schema(wanted, schema_generator=PlainSchema, ref_template=_REF)[1]["$defs"]
    paths: Json = {}
    for path, one in asked:
        paths.setdefault(path, {})[one.method.lower()] = _operation(path, one, schemas)
    posted = {one.asked.__name__ for _, one in asked if one.method == "POST"}
    queries = {one.asked.__name__ for _, one in asked} - posted
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ninethirty",
            "version": __version__,
            "summary": "Promised statistics, and when each appeared",
        },
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


def _operation(path: str, one: Operation, schemas: Json) -> Json:
    first, _, rest = (inspect.getdoc(one.endpoint) or "").partition("\n\n")
    responses = {str(status): _problem(words) for status, words in sorted({**_FAULTS, **one.faults}.items())}
    told: Json = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": first.rstrip("."),
        "description": rest,
        "parameters": [_of_path(name) for name in re.findall(r"{(\w+)}", path)],
    }
    shape: Json = {"type": "object"} if one.answer is None else {"$ref": _REF.format(model=one.answer.__name__)}
    content: Json = {media: {"schema": shape} if media == _JSON else {} for media in one.media}
    if one.rows is not None:
        columns = "; ".join(f"{name}: {words}" for name, words in one.rows.columns.items())
        content[CSV] = {"schema": {"type": "string", "description": f"A row each, with the columns {columns}."}}
    answer: Json = {"description": HTTPStatus(one.status).phrase, "content": content}
    if one.method == "POST":
        body = {"schema": {"$ref": _REF.format(model=one.asked.__name__)}}
        told |= {"requestBody": {"required": True, "content": {_JSON: body}}, "security": [{"token": []}]}
    elif one.answer is not None:
        answer["headers"] = {"ETag": {"description": "its mark, for `If-None-Match`", "schema": {"type": "string"}}}
        responses["304"] = {"description": "nothing has changed since the answer of that mark"}
    if one.method == "GET":
        told["parameters"] += _of_query(schemas[one.asked.__name__])
    return {**told, "responses": {str(one.status): answer, **responses}}


def _problem(words: str) -> Json:
    return {"description": words, "content": {PROBLEM: {"schema": {"$ref": _REF.format(model=Problem.__name__)}}}}


def _of_path(name: str) -> Json:
    shape: Json = {"enum": [*MEDIA]} if name == "ending" else {"type": "string", "minLength": 1, "pattern": SEGMENT}
    return {"name": name, "in": "path", "required": True, "schema": shape}


def _of_query(asked: Json) -> Iterator[Json]:
    for name, one in asked.get("properties", {}).items():
        shape = {key: value for key, value in one.items() if key != "description" and value is not None}
        yield {"name": name, "in": "query", "required": False, "description": one["description"], "schema": shape}
