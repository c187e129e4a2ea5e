"""The tasks of a worker, and the JSON in which a task and its reply cross the pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from types import GenericAlias
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import SchemaValidator

PLACES = {
    "recognise": "monitor.look.reading:read_body",
    "inspect": "monitor.files.inspect:inspect_file",
    "strip": "schedules.sources.body:strip_personal",
    "more": "schedules.sources.tasks:find_further_requests",
    "read": "schedules.sources.tasks:read_calendar",
    "read_rota": "schedules.sources.tasks:read_rota",
}
"""The functions that a worker calls. Their annotations are the schema of what crosses the pipe."""
_MOST_VALUES = 2_000_000
LONGEST_FAULT = 500
_BYTES_AS_TEXT = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

Result = TypeVar("Result")


class Ending(StrEnum):
    """How a task ended: with a result, at its limits, or with an unexpected exception."""

    DONE = "done"
    COSTLY = "costly"
    FAULT = "fault"


class Reply(BaseModel, Generic[Result]):
    """What a worker answers: how its task ended, why it has no result, and the kilobytes of memory
    that it uses now.
    """

    model_config = _BYTES_AS_TEXT
    ending: Ending
    fault: str = Field(default="", max_length=LONGEST_FAULT)
    resident: int = Field(default=0, ge=0)
    result: Result | None = None

    @model_validator(mode="after")
    def _require_result(self) -> Reply[Result]:
        if self.ending is Ending.DONE and self.result is None:
            raise ValueError("no result")
        return self

    def pack(self) -> bytes:
        """Return the line that `unpack` reads."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Task:
    """A function that a worker may call, and the schemas of its arguments and its reply."""

    name: str
    function: Callable[..., Any]
    arguments: TypeAdapter[tuple[Any, ...]]
    reply: type[Reply[Any]]

    def pack(self, seconds: int, arguments: tuple[object, ...]) -> bytes:
        """Return the line that lets a worker call this function, within so many seconds."""
        packed = self.arguments.dump_json(arguments, exclude_defaults=True)
        return b"%s %d %s\n" % (self.name.encode(), seconds, packed)


@cache
def find_task(name: str) -> Task:
    """Return the task of this name. Raises `KeyError` for any other."""
    module, _, function_name = PLACES[name].partition(":")
    function = getattr(import_module(module), function_name)
    types: dict[str, Any] = get_type_hints(function, include_extras=True)
    reply: Any = Reply.__class_getitem__(types.pop("return"))
    arguments: Any = GenericAlias(tuple, tuple(types.values()))
    return Task(name, function, TypeAdapter(arguments, config=_BYTES_AS_TEXT), reply)


def unpack(model: type[Reply[Result]], line: bytes) -> Reply[Result]:
    """Return the reply in a line. Raises `ValueError` if it is none of this model."""
    # Each value takes memory before the model can refuse it. All but one follow any of these.
    if sum(map(line.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise ValueError("too many values")
    try:
        reply: Reply[Result] = _make_reader(model).validate_json(line)
    except OverflowError as exc:
        raise ValueError("a time out of range") from exc
    return reply


@cache
def _make_reader(model: type[Reply[Any]]) -> SchemaValidator:
    return SchemaValidator(_stop_at_first_fault(model.__pydantic_core_schema__))


def _stop_at_first_fault(schema: Any) -> Any:  # noqa: ANN401  # any part of a schema
    """Return a schema that refuses a collection at its first fault, because a million faults take
    gigabytes.
    """
    if isinstance(schema, list):
        return [_stop_at_first_fault(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    stopping = {key: _stop_at_first_fault(part) for key, part in schema.items()}
    if schema.get("type") in ("list", "tuple", "dict"):
        stopping["fail_fast"] = True
    return stopping
