from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.channel import Accepted, Message
from alerts.channels.alertmanager import Alertmanager, build_alerts
from monitor.clock import SystemClock
from tests.loopback import Asked, http_server
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 35, 1, tzinfo=UTC)
SETTINGS = channel_settings("alertmanager", url="http://127.0.0.1:9093")
CONFIG = """
route: {{receiver: hook, group_by: [alertname, release], group_wait: 50ms, group_interval: 50ms, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: '{url}/hook', send_resolved: true}}]}}]
"""


def build_alerts_of(message: Message, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # fields of a message
    return list(build_alerts(replace(message, **changes), SETTINGS, NOW))


def test_all_notices_of_an_incident_have_labels_of_one_alert(message: Message) -> None:
    """Alertmanager takes notices with the same labels as one alert."""
    (opening,) = build_alerts_of(message, id="aaaa0002", subject="NOT OUT", kind="opened")
    # A message about a new grade gives one alert of that grade, and then alerts that end those of
    # lower grades.
    of_new_grade = build_alerts_of(message, kind="grade_changed")[0]
    (appearance,) = build_alerts_of(
        message, id="aaaa0003", subject="LATE, now out", kind="appeared"
    )
    assert opening["labels"] == of_new_grade["labels"] == appearance["labels"]
    assert opening["labels"] == {
        "alertname": "NinethirtyIncident",
        "incident": "i",
        "release": "malpractice",
        "producer": "ofqual",
        "grade": "report",
        "severity": "critical",
    }


def test_alert_fires_until_final_message_or_for_two_weeks(message: Message) -> None:
    firing, final = build_alerts_of(message)[0], build_alerts_of(message, kind="final")[0]
    assert firing["startsAt"] == final["startsAt"] == message.data["incident"]["opened"]
    # Without a later message, the alert ends two weeks after this one.
    two_weeks_later = "2018-01-19T09:35:01.000Z"
    assert (message.data["at"], firing["endsAt"]) == ("2018-01-05T09:35:01.000Z", two_weeks_later)
    assert final["endsAt"] == message.data["at"]


def test_a_graver_alert_ends_the_alerts_of_all_lower_grades(message: Message) -> None:
    """The message says that the grade is now `report`. The lower grades are `none` and `note`."""
    report, *ended = build_alerts_of(message, kind="grade_changed")
    assert report["labels"]["grade"] == "report"
    sent_at = message.data["at"]
    assert [(alert["labels"]["grade"], alert["endsAt"]) for alert in ended] == [
        ("none", sent_at),
        ("note", sent_at),
    ]


@pytest.mark.parametrize("kind", ["opened", "appeared"])
def test_a_notice_without_a_change_of_grade_is_one_alert(message: Message, kind: str) -> None:
    assert len(build_alerts_of(message, kind=kind)) == 1


def test_alert_links_to_board_and_runbook_if_they_have_pages(message: Message) -> None:
    links = {
        "page": "https://board.example/incidents/i",
        "runbook": "https://board.example/runbook#at-931",
    }
    alert, *_ = build_alerts_of(message, data={**message.data, **links})
    assert alert["annotations"]["board_url"] == links["page"]
    assert alert["annotations"]["runbook_url"] == links["runbook"]
    without_links, *_ = build_alerts_of(message)
    assert not {"board_url", "runbook_url"} & without_links["annotations"].keys()


@pytest.mark.parametrize("kind", ["lead", "unproven", "calendar"])
def test_an_alert_that_no_measurement_resolves_ends_after_a_day(
    message: Message, kind: str
) -> None:
    """The message is of 09:35:01 on 5 January."""
    assert build_alerts_of(message, kind=kind)[0]["endsAt"] == "2018-01-06T09:35:01.000Z"


def test_test_message_is_an_alert_of_its_own_starting_now(message: Message) -> None:
    (alert,) = build_alerts_of(message, kind="test", data={})
    assert alert["labels"]["alertname"] == "NinethirtyTest"
    # The clock of `build_alerts_of` shows NOW.
    assert datetime.fromisoformat(alert["startsAt"]) == NOW


async def test_alerts_are_posted_to_api_with_configured_bearer_token(message: Message) -> None:
    async with http_server(lambda _: (200, "", {})) as server:
        # The slash at the end of the configured address is not doubled.
        channel = Alertmanager(
            channel_settings("alertmanager", url=f"{server.url}/", token="t0"), lambda: NOW, DIRECT
        )
        assert isinstance(await channel.send(message), Accepted)
    (asked,) = server.asked
    assert (asked.target, asked.headers["authorization"]) == ("/api/v2/alerts", "Bearer t0")


@contextmanager
def alertmanager(folder: Path, hook: str) -> Iterator[str]:
    """Run Alertmanager with a webhook and yield its address."""
    (folder / "am.yml").write_text(CONFIG.format(url=hook))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'am.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{address}"
        finally:
            process.terminate()


async def wait_until_ready(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(20):
        while True:
            try:
                if (await client.get(f"{url}/-/ready")).is_success:
                    return
            except httpx.TransportError:
                await SystemClock().sleep(0.05)


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[str, asyncio.Queue[dict[str, Any]]]]:
    """Give a receiver's address and what Alertmanager tells it."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def take(asked: Asked) -> tuple[int, str, dict[str, str]]:
        queue.put_nowait(asked.json)
        return 200, "", {}

    async with http_server(take) as server:
        yield server.url, queue


@pytest.mark.needs("alertmanager")
async def test_a_real_alertmanager_fires_and_resolves(
    message: Message, tmp_path: Path, receiver: tuple[str, asyncio.Queue[dict[str, Any]]]
) -> None:
    """A real Alertmanager runs here and reports to a webhook. The opening of an incident makes it
    report “firing”, and the final message “resolved”.
    """
    hook, queue = receiver
    clock = SystemClock()
    opened = clock.now() - timedelta(seconds=2)
    incident = {"id": "i", "opened": opened.isoformat(), "closed": None}
    data = {**message.data, "at": opened.isoformat(), "incident": incident}
    with alertmanager(tmp_path, hook) as url:
        await wait_until_ready(url)
        channel = Alertmanager(channel_settings("alertmanager", url=url), clock.now, DIRECT)
        # Alertmanager gets the alert twice, but notifies the webhook of it once.
        for _ in range(2):
            assert await channel.send(replace(message, kind="opened", data=data)) == Accepted("200")
        firing = await asyncio.wait_for(queue.get(), 15)
        data["at"] = clock.now().isoformat()
        assert await channel.send(replace(message, kind="final", data=data)) == Accepted("200")
        resolved = await asyncio.wait_for(queue.get(), 15)
    assert (firing["status"], resolved["status"]) == ("firing", "resolved")
    assert firing["alerts"][0]["annotations"]["summary"] == message.subject
    assert {one["status"] for one in resolved["alerts"]} == {"resolved"}
