"""Every table of the configuration with its keys and defaults, as the models tell of them."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from monitor.config.settings import Settings
from schedules.values import Secret, write_duration


@dataclass
class Described:
    """A table by its heading, with the default of each of its own keys as TOML; `required` for one without."""

    heading: str
    keys: dict[str, str] = field(default_factory=dict)


def described() -> list[Described]:
    """Return every table, the top level first."""
    return list(_walk(Settings, "", "Top level"))


def _walk(model: type[BaseModel], path: str, heading: str, given: object = None) -> Iterator[Described]:
    """Yield a table and those inside it; `given` is the instance that its parent has by default."""
    table = Described(heading)
    inner: list[Iterator[Described]] = []
    for name, told in model.model_fields.items():
        key = told.alias or name
        below = list(_below(told.annotation, f"{path}.{key}".lstrip(".")))
        inner += [_walk(*one, told.get_default()) for one in below]
        if not below and get_origin(told.annotation) is not dict:
            table.keys[key] = _default(told, getattr(given, name, PydanticUndefined))
        elif not below:
            inner.append(iter([Described(f"[{path}.{key}]".replace("[.", "["))]))
    yield table
    for each in inner:
        yield from each


def _below(annotation: Any, path: str) -> Iterator[tuple[type[BaseModel], str, str]]:  # noqa: ANN401  # any annotation
    tables = [one for one in _choices(annotation) if _is_table(one)]
    if tables:
        yield tables[0], path, f"[{path}]"
    elif get_origin(annotation) is dict and _is_table(get_args(annotation)[1]):
        yield get_args(annotation)[1], f"{path}.NAME", f"[{path}.NAME]"
    elif get_origin(annotation) is list:
        for one in _choices(get_args(annotation)[0]):
            if _is_table(one):
                kind = get_args(one.model_fields["kind"].annotation) if path == "channel" else ()
                yield one, path, f'[[{path}]] kind = "{kind[0]}"' if kind else f"[[{path}]]"


def _choices(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401  # as above
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    is_union = get_origin(annotation) in {types.UnionType, Union}
    return get_args(annotation) if is_union else (annotation,)


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not Secret


def _default(told: FieldInfo, given: object) -> str:
    value = told.get_default() if given is PydanticUndefined else given
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f'"{write_duration(value)}"'
    return f'"{value:%H:%M}"' if isinstance(value, time) else json.dumps(value)
