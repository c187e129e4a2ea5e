"""Dataclasses to rows and back: columns of the same names as the fields, or the whole as JSON."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")

_NAMES: dict[type[Any], tuple[str, ...]] = {}
_VALUES: dict[type[Any], Callable[[Any], tuple[Any, ...]]] = {}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in order."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def to_row(thing: Any) -> dict[str, Any]:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as a row; nested values stay as they are."""
    kind = type(thing)
    names = field_names(kind)
    if kind not in _VALUES:
        _VALUES[kind] = operator.attrgetter(*names)
    return dict(zip(names, _VALUES[kind](thing), strict=True))


def to_json(thing: Any, *leave_out: str) -> str:  # noqa: ANN401  # any of our dataclasses
    """Return a dataclass as compact JSON, without the fields that hold their default and those left out."""
    text = _adapter(type(thing)).dump_json(thing, exclude_defaults=True, exclude=set(leave_out))
    return text.decode()


def from_json(kind: type[T], text: str, left_out: Mapping[str, Any]) -> T:
    """Return the dataclass that `to_json` wrote, given what was left out; raises ValueError for anything else."""
    return cast("T", _adapter(kind).validate_python({**json.loads(text), **left_out}))


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # Making an adapter takes milliseconds, and most runs of the program need few of them.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
