"""What webhooks are sent is what its published schema says, whatever happens to an incident."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from alerts.channels.pagerduty import build_event
from alerts.channels.webhook import webhook_body
from alerts.silence import Scope
from monitor.cli.channel import _make_test_message
from monitor.clock import VirtualClock
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.rehearse.virtual_loop import run_virtually
from monitor.web.hook import Hook, schema
from tests.unit.monitor.deliver.platform_day import OUT, Day
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import after_slot

PUBLISHED = Path(__file__).parents[4] / "docs" / "webhook.schema.json"
ROLE = "duty statistician"


def posted_events(channel: FakeChannel) -> list[dict[str, Any]]:
    """Return the events that a webhook posts, each validated by its strict model."""
    bodies = [webhook_body(message) for message in channel.messages.values()]
    for body in bodies:
        Hook.model_validate_json(body, extra="forbid")
    return [json.loads(body) for body in bodies]


def play_day(story: Callable[[Day, Desk], Awaitable[None]], pager: str = "pager") -> Day:
    days: list[Day] = []

    async def whole(clock: VirtualClock) -> None:
        day = Day(clock)
        desk = Desk(CurrentIncidents(day.store.verdicts, lambda _release, _now: None, day.events), day.writer, clock)
        days.append(day)
        await story(day, desk)
        day.writer.abandon()

    run_virtually(whole, after_slot(0))
    return days[0]


async def acknowledge_and_sign(day: Day, desk: Desk) -> None:
    await day.judged(400, ["r7"])
    await day.on_to(400 + 16 * 60)
    (incident,) = day.store.verdicts.incidents()
    await desk.acknowledge(incident.id, ROLE)
    await desk.acknowledge(incident.id, "head of profession")
    await day.on_to(1600)
    await day.judged(OUT["r7"] + 30, ["r7"])
    await day.judged(OUT["r7"] + 4000, ["r7"])
    (incident,) = day.store.verdicts.incidents()
    await desk.sign_report(incident, ROLE, {}, anyway="it is urgent")
    await day.on_to(OUT["r7"] + 4100)


def test_published_schema_matches_the_models() -> None:
    result = "python -m monitor.web.hook > docs/webhook.schema.json"
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), result


def test_a_webhook_gets_each_event_of_an_incident_once() -> None:
    day = play_day(acknowledge_and_sign)
    result = posted_events(day.channels["hook"])
    assert [one["event"] for one in result] == ["opened", "reminder", "acknowledged", "over", "signed"]
    assert {one["thread"] for one in result} == {result[0]["id"]}
    assert [one["incident"]["acknowledged"] for one in result][1:3] == [None, {"at": result[2]["at"], "by": ROLE}]
    assert [bool(one["incident"]["signed"]) for one in result] == [False] * 4 + [True]


def test_people_get_no_notice_of_an_acknowledgement_or_signature() -> None:
    day = play_day(acknowledge_and_sign)
    assert not {"acknowledged", "signed", "closed"} & {*day.kinds("mail"), *day.kinds("ons")}


def test_pager_gets_acknowledgement_and_close_but_no_signature() -> None:
    day = play_day(acknowledge_and_sign)
    result = [build_event(message, "key") for message in day.channels["pager"].messages.values()]
    actions = [one["event_action"] for one in result if one is not None]
    assert actions == ["trigger", "trigger", "acknowledge", "resolve"]


def test_a_person_closing_an_incident_is_posted_to_machines() -> None:
    async def story(day: Day, desk: Desk) -> None:
        await day.judged(400)
        await day.on_to(700)
        await desk.acknowledge(day.platform().id, ROLE)
        await desk.log_incident(
            {"what": "a leak", "when": "2018-01-05T08:00", "title": "T", "producer": "ons", "by": ROLE}
        )
        await day.on_to(800)
        (logged,) = (one for one in day.store.verdicts.incidents() if one.kind.value == "hand")
        await desk.waive(logged.id, ROLE, "no report is called for")
        await desk.silence((Scope.PRODUCER, "dfe"), after_slot(900), ROLE, "moving")
        await day.judged(1300)
        await day.on_to(1500)

    day = play_day(story)
    result = posted_events(day.channels["hook"])
    of_platform = [one["event"] for one in result if (one["incident"] or {}).get("kind") == "platform"]
    assert of_platform[:2] == ["opened", "acknowledged"]
    by_hand = [one["event"] for one in result if (one["incident"] or {}).get("kind") == "hand"]
    assert by_hand == ["opened", "closed"]
    paged = [build_event(message, "key") for message in day.channels["pager"].messages.values()]
    assert [one["event_action"] for one in paged if one is not None and "platform" in one["dedup_key"]] == [
        "trigger",
        "acknowledge",
    ]


def test_make_test_message_of_a_webhook_matches_the_schema() -> None:
    Hook.model_validate_json(webhook_body(_make_test_message("hook", after_slot(0))), extra="forbid")
