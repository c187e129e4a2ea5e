"""Two independent monitors in two networks: docs/how-to/two-networks.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.channel import Message
from alerts.channels.alertmanager import build_alerts
from monitor.config.settings import Settings
from tests.unit.monitor.app.monitor_in_test import HOST, MonitorInTest, published_at, run_monitor
from tests.worlds.channels import channel_settings

BUDGET, HALF = 5, "2.5/s"
ALERTMANAGER = channel_settings("alertmanager", url="http://127.0.0.1:9093")
PUBLISHED_AT_09_32 = published_at("09:32:00")


@dataclass
class Seen:
    """What one monitor sent: messages, and requests to the host."""

    messages: list[Message] = field(default_factory=list)
    requests: list[datetime] = field(default_factory=list)

    def alerts(self) -> list[dict[str, Any]]:
        return [
            alert
            for message in self.messages
            for alert in build_alerts(message, ALERTMANAGER, self.requests[-1])
        ]


def run_in_network(folder: Path, name: str) -> Seen:
    """Run a monitor with a store of its own and half of the budget, until the release is late."""
    folder.mkdir()
    seen = Seen()
    tables = {"watch": {"vantage": name}, "budget": {HOST: HALF}}

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:33:00")
        assert monitor.stored_verdict() == "late"
        seen.messages = monitor.received()
        entries = monitor.publisher.log.entries
        seen.requests = [entry.at for entry in entries if entry.host == HOST]

    run_monitor(folder, PUBLISHED_AT_09_32, act, base=Settings.model_validate(tables))
    return seen


def most_in_a_second(requests: Sequence[datetime]) -> int:
    """Return the most requests in one second of the clock."""
    return max(Counter(at.replace(microsecond=0) for at in requests).values())


def test_monitors_of_two_networks_keep_one_budget_and_make_one_alert(tmp_path: Path) -> None:
    east, west = (run_in_network(tmp_path / name, name) for name in ("east", "west"))
    together = [at for seen in (east, west) for at in seen.requests]
    # A second of the clock can have one request more than fits into a second.
    assert most_in_a_second(together) <= BUDGET + 2
    length = max(together) - min(together)
    assert len(together) <= BUDGET * (length / timedelta(seconds=1))
    labels = [
        {tuple(sorted(alert["labels"].items())) for alert in seen.alerts()} for seen in (east, west)
    ]
    assert labels[0] == labels[1] != set()
