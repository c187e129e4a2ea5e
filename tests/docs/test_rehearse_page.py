"""docs/rehearse.md names every key of a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.rehearse.script import script
from monitor.rehearse.script.script import FAULTS, Script

PAGE = (Path(__file__).parents[2] / "docs/rehearse.md").read_text(encoding="utf-8")
TABLES = {
    "release": script.ScriptRelease,
    "change": script.ScriptChange,
    "answer": script.ScriptAnswer,
    "fault": script.ScriptFault,
    "monitor": script.ScriptTrouble,
    "log": script.ScriptLog,
}


def _section(name: str) -> str:
    return PAGE.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]


def _keys(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_a_table_is_in_its_section(table: str) -> None:
    section = _section(table)
    missing = [
        key
        for key in _keys(TABLES[table])
        if f"`{key}`" not in section and f"`{key} =" not in section
    ]
    assert missing == []


def test_every_key_of_a_script_and_every_table_has_its_place() -> None:
    top = PAGE.split("## release", 1)[0]
    missing = [key for key in _keys(Script) if f"`{key}`" not in top and f"## {key}\n" not in PAGE]
    assert missing == []


def test_every_kind_of_fault_is_named() -> None:
    assert [kind for kind in FAULTS if f"`{kind}`" not in _section("fault")] == []
