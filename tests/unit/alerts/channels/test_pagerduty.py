from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.channel import Accepted, Message, Outcome, Refused
from alerts.channels.pagerduty import PagerDuty, build_event
from tests.loopback import Asked, http_server
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 35, 1, tzinfo=UTC)


class FakePagerDuty:
    """PagerDuty's Events API as documented: joins events by `dedup_key`, refuses what breaks its
    rules with 400.
    """

    def __init__(self) -> None:
        self.alerts: dict[str, str] = {}
        self.pages = 0

    def __call__(self, request: Asked) -> tuple[int, str, dict[str, str]]:
        event = request.json
        if faults := list(self._faults(event)):
            return 400, json.dumps({"status": "invalid event", "errors": faults}), {}
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger" and self.alerts.get(key) != "triggered":
            self.pages += 1
        self.alerts[key] = {"trigger": "triggered", "resolve": "resolved"}[action]
        return 202, json.dumps({"status": "success", "dedup_key": key}), {}

    def _faults(self, event: dict[str, object]) -> list[str]:
        payload = event.get("payload")
        faults = [] if event.get("routing_key") == "k" * 32 else ["'routing_key' is invalid"]
        faults += (
            []
            if event.get("event_action") in {"trigger", "resolve"}
            else ["'event_action' is invalid"]
        )
        if event.get("event_action") == "trigger":
            assert isinstance(payload, dict)
            faults += [
                f"'{key}' is missing"
                for key in ("summary", "source", "severity")
                if not payload.get(key)
            ]
            faults += ["'summary' is too long"] if len(payload["summary"]) > 1024 else []
            known = {"critical", "error", "warning", "info"}
            faults += [] if payload["severity"] in known else ["'severity' is invalid"]
        return faults


async def send_once(message: Message, url: str) -> Outcome:
    channel = PagerDuty(
        channel_settings("pagerduty", routing_key="k" * 32, url=url, timeout=5), lambda: NOW, DIRECT
    )
    try:
        return await channel.send(message)
    finally:
        await channel.close()


async def test_notices_of_one_incident_are_one_page_and_one_resolve(message: Message) -> None:
    pagerduty, incident_id = FakePagerDuty(), message.data["incident"]["id"]
    async with http_server(pagerduty) as server:
        for kind in ("opened", "grade_changed", "reminder", "appeared"):
            assert await send_once(replace(message, kind=kind), server.url) == Accepted("202")
        assert (pagerduty.pages, pagerduty.alerts) == (1, {incident_id: "triggered"})
        assert await send_once(replace(message, kind="final"), server.url) == Accepted("202")
    assert (pagerduty.pages, pagerduty.alerts) == (1, {incident_id: "resolved"})


async def test_long_subject_is_shortened_so_that_pagerduty_accepts_it(message: Message) -> None:
    """FakePagerDuty refuses a summary of more than 1,024 characters, as PagerDuty does."""
    async with http_server(FakePagerDuty()) as server:
        assert await send_once(replace(message, subject="x" * 4500), server.url) == Accepted("202")


@pytest.mark.parametrize(
    ("grade", "severity"), [("report", "critical"), ("note", "warning"), ("none", "info")]
)
def test_the_grade_decides_the_severity(message: Message, grade: str, severity: str) -> None:
    assert (
        build_event(replace(message, data={**message.data, "grade": grade}), "k")["payload"][
            "severity"
        ]
        == severity
    )


def test_an_incident_that_a_person_closed_is_resolved(message: Message) -> None:
    incident = {**message.data["incident"], "closed": "2018-01-05T09:50:00.000Z"}
    assert (
        build_event(replace(message, data={"incident": incident}), "k")["event_action"] == "resolve"
    )


def test_an_event_links_to_the_incident_and_to_the_release(message: Message) -> None:
    incident_page, release_page = "https://board.example/i", "https://www.gov.uk/x"
    data = {**message.data, "link": incident_page, "measured": {"url": release_page}}
    links = build_event(replace(message, data=data), "k")["links"]
    assert [link["href"] for link in links] == [incident_page, release_page]


async def test_a_wrong_key_is_refused_permanently_and_not_quoted(message: Message) -> None:
    async with http_server(FakePagerDuty()) as server:
        channel = PagerDuty(
            channel_settings("pagerduty", routing_key="wrong", url=server.url), lambda: NOW, DIRECT
        )
        outcome = await channel.send(message)
    assert outcome == Refused(permanent=True, reason="400 was the answer")
