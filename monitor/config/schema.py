"""The JSON Schema of `config.toml`, with which editors complete, check and explain keys."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.config.read import follow_reference
from monitor.config.settings import Settings

FILE = "config.schema.json"
_HEADING = re.compile(r'^## `\[+([\w.]+)\]+(?: kind = "(\w+)")?`$')
_LINK = re.compile(r" \(\[[^\[\]]*\]\([^()]*\)\)|\[([^\[\]]*)\]\([^()]*\)")
_SAME_AS_BEFORE = "As above."


def schema_text() -> str:
    """Return the JSON Schema (2020-12) of a configuration, as the text of a file.

    The descriptions of keys are the meanings in `docs/configure.md`. Tables of one model share its descriptions, so a
    key has none if the page explains it differently for each table.
    """
    schema = Settings.model_json_schema(by_alias=True)
    texts: dict[tuple[int, str], set[str]] = defaultdict(set)
    tables: dict[int, dict[str, Any]] = {}
    for names, kind, key, text in _read_meanings(_configuration_page()):
        for table in _tables_at(schema, names, kind):
            if key in table.get("properties", {}):
                tables[id(table)] = table
                texts[id(table), key].add(text)
    for (table_id, key), found in texts.items():
        if len(found) == 1:
            tables[table_id]["properties"][key]["description"] = found.pop()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ninethirty configuration"}
    return json.dumps(schema | head, indent=1, ensure_ascii=False) + "\n"


def _configuration_page() -> str:
    # The wheel has the page beside this module, a clone has it in docs/.
    shipped = Path(__file__).with_name("configure.md")
    file = shipped if shipped.is_file() else Path(__file__).parents[2] / "docs" / shipped.name
    return file.read_text(encoding="utf-8")


def _read_meanings(page: str) -> Iterator[tuple[list[str], str | None, str, str]]:
    """Yield each key and table that the page explains: the tables that it is in, their kind, its name, and the text."""
    names, kind = list[str](), None
    heading = None
    for line in filter(None, page.splitlines()):
        if heading and line[0] not in "|`":
            yield names[:-1], None, names[-1], _LINK.sub(r"\1", line)
        heading = _HEADING.match(line)
        if line.startswith("## "):
            names, kind = (heading[1].split("."), heading[2]) if heading else ([], None)
        elif line.startswith("| `"):
            key, _, text = line.strip("| ").split(" | ", 2)
            if text != _SAME_AS_BEFORE:
                yield names, kind, key.strip("`"), _LINK.sub(r"\1", text)


def _tables_at(schema: dict[str, Any], names: list[str], kind: str | None) -> list[dict[str, Any]]:
    """Return the tables with these names, of one kind if given. Where users choose the name, any name fits."""
    defs = schema.get("$defs", {})
    tables = [schema]
    for name in names:
        inner = [table.get("properties", {}).get(name) or table.get("additionalProperties") for table in tables]
        tables = [found for node in inner if isinstance(node, dict) for found in _tables_in(node, defs)]
    return [table for table in tables if kind in (None, table.get("properties", {}).get("kind", {}).get("const"))]


def _tables_in(node: dict[str, Any], defs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the table that a node of the schema is, or each table of its union or list."""
    node = follow_reference(node, defs)
    inner = [*node.get("anyOf", node.get("oneOf", [])), *([node["items"]] if "items" in node else [])]
    for each in inner:
        yield from _tables_in(each, defs)
    if not inner:
        yield node
