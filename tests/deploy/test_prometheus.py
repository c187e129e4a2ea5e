from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.health.collector import MonitorState, ReleaseState, StateCollector
from monitor.health.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
ALERTS_PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"


LONGEST_RANGE = 3600
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]
NAMES = [rule["alert"] for rule in ALERTS]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)


def exported() -> set[str]:
    metrics = Metrics("1")
    clock = SystemClock()
    states = StateCollector(list[ReleaseState], MonitorState, clock.now, metrics)
    return set(
        re.findall(r"^# TYPE (\w+)", b"".join(metrics.render(states)).decode(), re.MULTILINE)
    )


@pytest.mark.needs("prometheus")
@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "--lint=all", "--lint-fatal", "rules.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", "rules_test.yml"),
        ("test", "rules", "rules_day_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_rules_and_configuration(command: tuple[str, ...]) -> None:
    done = run("promtool", *command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("alertmanager")
def test_amtool_accepts_the_configuration() -> None:
    done = run("amtool", "check-config", "../alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", ALERTS, ids=NAMES)
def test_an_alert_has_a_severity_a_text_and_an_entry_in_the_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"} or rule["alert"] == "Watchdog"
    annotations = rule["annotations"]
    assert annotations["summary"]
    assert annotations["description"]
    page, _, anchor = annotations["runbook_url"].partition("#")
    links = [annotations["board_url"]] if rule["alert"].startswith("Ninethirty") else []
    assert all(
        link.startswith("{{ $externalLabels.board }}/")
        for link in (annotations["runbook_url"], *links)
    )
    headings = re.findall(r"^#+ (.+)$", ALERTS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert page.endswith("/runbook")
    assert anchor in {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert", rule.get("record")))
def test_a_rule_reads_metrics_that_the_monitor_exports_or_a_rule_records(
    rule: dict[str, Any],
) -> None:
    read = {
        re.sub(r"_bucket$", "", name)
        for name in re.findall(r"\bninethirty[_:][\w:]+", rule["expr"])
    }
    assert read <= exported() | {one["record"] for one in rules() if "record" in one}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert", rule.get("record")))
def test_no_rule_reads_a_range_so_long_that_thousands_of_releases_exceed_the_limit_of_prometheus(
    rule: dict[str, Any],
) -> None:
    ranges = [
        int(count) * UNITS[unit] for count, unit in re.findall(r"\[(\d+)([smhd])", rule["expr"])
    ]
    assert max(ranges, default=0) <= LONGEST_RANGE


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    groups = yaml.safe_load((FOLDER / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    expected = [
        test["exp_alerts"]
        for group in groups
        for test in group["alert_rule_test"]
        if test["alertname"] == name
    ]
    assert any(expected)
    assert name in {"NinethirtyDown", "Watchdog"} or not all(expected)
