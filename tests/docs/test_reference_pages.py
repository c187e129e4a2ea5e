"""Every command, metric, column, log event and alert has its entry in the reference pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from monitor.cli.main import VERBS, cli
from monitor.clock import SystemClock
from monitor.deliver.open_data import VERDICT
from monitor.health.collector import MonitorState, StateCollector
from monitor.health.metrics import Metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ALERTS = (DOCS / "alerts.md").read_text(encoding="utf-8")


def rows(page: str) -> set[str]:
    return set(
        re.findall(r"^\| `([^`]+)` \|", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    )


def commands() -> Iterator[str]:
    context = click.Context(cli)
    for verb in VERBS:
        command = cli.get_command(context, verb)  # type: ignore[attr-defined]
        inner = list(command.commands) if isinstance(command, click.Group) else []
        yield from (f"{verb} {name}" for name in inner) if inner else (verb,)


def events() -> Iterator[str]:
    """Yield the name of every fact that our code logs."""
    for folder in ("monitor", "alerts", "schedules"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (name := _find_event(node)) is not None:
                    yield name


def _find_event(call: ast.Call) -> str | None:
    """Return the event that a call logs, by `_log.info`, `log` or the desk's own functions."""
    called, position = call.func, 0
    if isinstance(called, ast.Attribute):
        is_logger = isinstance(called.value, ast.Name) and called.value.id == "_log"
        is_logged = (is_logger and called.attr != "bind") or called.attr == "_log_act"
        if called.attr == "_change_incident":
            is_logged, position = True, 1
    else:
        is_logged = isinstance(called, ast.Name) and called.id == "log"
    if not is_logged or len(call.args) <= position:
        return None
    word = call.args[position]
    return str(word.value) if isinstance(word, ast.Constant) else None


def test_every_command_has_its_row() -> None:
    assert rows("commands.md") == set(commands())


def test_every_column_of_the_open_data_has_its_row() -> None:
    assert rows("open-data.md") == set(VERDICT)


def test_every_metric_has_its_row() -> None:
    metrics = Metrics("1")
    states = StateCollector(list, MonitorState, SystemClock().now, metrics)
    exported = {
        re.sub(r"_total$", "", one.name) + "_total" * (one.type == "counter"): one
        for one in (*states.collect(), *metrics.registry.collect())
        if one.name.startswith("ninethirty_")
    }
    assert rows("metrics.md") == set(exported)


@pytest.mark.slow
def test_every_event_of_the_log_has_its_row_and_is_one_word() -> None:
    assert rows("log.md") == set(events())
    assert all(re.fullmatch(r"[a-z_]+", event) for event in events())


@pytest.mark.parametrize(
    "alert", re.findall(r"^## (Ninethirty\w+|Alert\w+|Watchdog)$", ALERTS, re.MULTILINE)
)
def test_a_runbook_says_what_it_means_and_what_to_do_and_belongs_to_an_alert(alert: str) -> None:
    told = re.search(rf"^## {alert}\n(.*?)(?=^##|\Z)", ALERTS, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert "**Means:**" in told[1]
    assert "**Do:**" in told[1]
    assert f"alert: {alert}\n" in (ROOT / "deploy/prometheus/rules.yml").read_text(encoding="utf-8")
