"""How far the judging of a release is, is changed in one file."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

from monitor.watch.release import JudgingState

MONITOR = Path(__file__).parents[2] / "monitor"
OWNER = "watch/judging.py"


def assigned_attributes(file: Path) -> set[str]:
    """Return the names of the attributes that a file assigns, except those of `self`."""
    stored = (
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return {node.attr for node in stored if ast.unparse(node.value) != "self"}


def test_only_judging_changes_the_judging_state_of_a_release() -> None:
    names = {field.name for field in fields(JudgingState)}
    writers = {
        file.relative_to(MONITOR).as_posix(): sorted(assigned_attributes(file) & names)
        for file in MONITOR.rglob("*.py")
    }
    assert [file for file, written in writers.items() if written] == [OWNER]
    assert set(writers[OWNER]) == names
