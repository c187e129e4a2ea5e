"""The direction of imports: leaves import nothing of ours, and each step of the road only what stands before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROAD = ["plan", "look", "judge", "record", "deliver"]
OURS = {"monitor", "schedules", "alerts"}
PURE = ["monitor/plan", "monitor/judge", "schedules", "alerts/draft"]


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def offenders(folder: str, forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules(folder)
        for name in imports(file)
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


@pytest.mark.parametrize("leaf", ["schedules", "alerts"])
def test_a_leaf_imports_nothing_of_ours_but_itself(leaf: str) -> None:
    assert offenders(leaf, OURS - {leaf}) == []


@pytest.mark.parametrize("step", ROAD)
def test_a_step_of_the_road_imports_only_what_stands_before_it(step: str) -> None:
    later = {f"monitor.{name}" for name in ROAD[ROAD.index(step) + 1 :]}
    around = {"monitor.build", "monitor.daemon", "monitor.cli", "monitor.web", "monitor.rehearse"}
    assert offenders(f"monitor/{step}", later | around) == []


@pytest.mark.parametrize("folder", ["monitor/plan", "monitor/judge"])
def test_plan_and_judge_know_no_network_store_or_clock(folder: str) -> None:
    assert offenders(folder, {"httpx", "sqlalchemy", "monitor.clock", "asyncio", "time"}) == []


def test_only_the_command_line_and_rehearsals_import_the_builder() -> None:
    found = offenders("monitor", {"monitor.build"})
    assert [line for line in found if not line.startswith(("monitor/cli/", "monitor/rehearse/"))] == []


def test_the_clock_is_read_in_one_file_alone() -> None:
    reads = ("datetime.now(", "datetime.utcnow(", "date.today(", "time.time(", "time.monotonic(")
    found = [
        str(file.relative_to(ROOT))
        for folder in OURS
        for file in modules(folder)
        if any(read in file.read_text(encoding="utf-8") for read in reads)
    ]
    assert found == ["monitor/clock.py"]
