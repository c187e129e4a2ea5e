"""The JSON Schema of `config.toml`, with which editors complete, check and explain keys."""

from __future__ import annotations

import ast
import inspect
import json
import re
from itertools import pairwise
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.json_schema import GenerateJsonSchema

from monitor.config.settings import Settings

FILE = "config.schema.json"
_LINK = re.compile(r" \(\[[^\[\]]*\]\([^()]*\)\)|\[([^\[\]]*)\]\([^()]*\)")


def schema_text() -> str:
    """Return the JSON Schema (2020-12) of a configuration, as the text of a file.

    Descriptions have no links.
    """
    schema = Settings.model_json_schema(by_alias=True, schema_generator=_WithDescriptions)
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": "ninethirty configuration"}
    return json.dumps(schema | head, indent=1, ensure_ascii=False) + "\n"


class _WithDescriptions(GenerateJsonSchema):
    def model_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 # as pydantic calls it
        table, model = super().model_schema(schema), schema["cls"]
        table["description"] = _LINK.sub(r"\1", describe_table(model))
        for key, text in describe_keys(model).items():
            table["properties"][key]["description"] = _LINK.sub(r"\1", text)
        for field in model.model_fields.values():
            if isinstance(field.validation_alias, AliasChoices):
                name, *others = map(str, field.validation_alias.choices)
                table["properties"] |= dict.fromkeys(others, table["properties"][name])
        return table


def describe_table(model: type[BaseModel]) -> str:
    """Return the docstring of a table, in Markdown, with one line for each paragraph and each item
    of a list.
    """
    return _join_lines(inspect.getdoc(model) or "")


def describe_keys(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each field of a table, by its key, in Markdown like
    `describe_table`.

    Links are relative to `docs/`. pydantic could read these docstrings too, but would slow down
    every start.
    """
    described: dict[str, str] = {}
    # Fields of a base come first, because a subclass may describe one of them again.
    bases = [
        base for base in model.__mro__ if issubclass(base, BaseModel) and base is not BaseModel
    ]
    for base in reversed(bases):
        (definition,) = ast.parse(inspect.getsource(base)).body
        for pair in pairwise(definition.body if isinstance(definition, ast.ClassDef) else []):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=field)), ast.Expr(
                    value=ast.Constant(value=str(text))
                ):
                    described[model.model_fields[field].alias or field] = _join_lines(
                        inspect.cleandoc(text)
                    )
    return described


def _join_lines(text: str) -> str:
    return re.sub(r"(?<!\n)\n(?!\n|- ) *", " ", text)
