from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.health.collector import Now, Shown, Vitals
from monitor.health.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
OPERATE = Path(__file__).parents[2] / "docs" / "operate.md"


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


NAMES = [rule["alert"] for rule in rules()]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)


def exported() -> set[str]:
    metrics = Metrics("1")
    clock = SystemClock()
    states = Now(list[Shown], Vitals, clock.now, metrics.slots_passed.inc, lambda: None)
    return set(re.findall(r"^# TYPE (\w+)", b"".join(metrics.page(states)).decode(), re.MULTILINE))


@pytest.mark.needs("prometheus")
@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "--lint=all", "--lint-fatal", "rules.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_promtool_is_content(command: tuple[str, ...]) -> None:
    done = run("promtool", *command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("alertmanager")
def test_amtool_is_content() -> None:
    done = run("amtool", "check-config", "../alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", rules(), ids=NAMES)
def test_an_alert_has_a_severity_words_and_a_runbook_that_is_there(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"} or rule["alert"] == "Watchdog"
    told = rule["annotations"]
    assert told["summary"]
    assert told["description"]
    page, _, anchor = told["runbook_url"].partition("#")
    links = [told["board_url"]] if rule["alert"].startswith("Ninethirty") else []
    assert all(link.startswith("{{ $externalLabels.board }}/") for link in (told["runbook_url"], *links))
    headings = re.findall(r"^#+ (.+)$", OPERATE.read_text(encoding="utf-8"), re.MULTILINE)
    assert page.endswith("/runbook")
    assert anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", rules(), ids=NAMES)
def test_an_alert_asks_for_metrics_that_we_export(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\bninethirty_\w+", rule["expr"]))
    assert {re.sub(r"_bucket$", "", name) for name in asked} <= exported()


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_tested_to_fire_and_to_be_silent(name: str) -> None:
    groups = yaml.safe_load((FOLDER / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    told = [test["exp_alerts"] for group in groups for test in group["alert_rule_test"] if test["alertname"] == name]
    assert any(told)
    assert name in {"NinethirtyDown", "Watchdog"} or not all(told)
