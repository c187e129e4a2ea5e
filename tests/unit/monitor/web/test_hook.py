"""Webhooks conform to their published schema at all stages of an incident."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from alerts.channels.pagerduty import build_event
from alerts.channels.webhook import webhook_body
from monitor.deliver.channel_test import make_test_message
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.store.rows import Actor
from monitor.web.hook import Hook, schema
from tests.unit.monitor.deliver.platform_day import PUBLISHED_AT, Day, play_day
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import SLOT, after_slot

PUBLISHED = Path(__file__).parents[4] / "docs" / "webhook.schema.json"
ROLE = "duty statistician"
DUTY, HEAD = Actor("user:anne", ROLE), Actor("user:hope", "head of profession")


def posted_events(channel: FakeChannel) -> list[dict[str, Any]]:
    bodies = [webhook_body(message) for message in channel.messages.values()]
    for body in bodies:
        Hook.model_validate_json(body, extra="forbid")
    return [json.loads(body) for body in bodies]


def events_of_kind(day: Day, kind: str) -> list[str]:
    """Return what a webhook of a day was sent about the incidents of a kind."""
    events = posted_events(day.channels["hook"])
    return [event["event"] for event in events if (event["incident"] or {}).get("kind") == kind]


def play_day_on_which_people_act(act: Callable[[Day, Desk], Awaitable[None]]) -> Day:
    """Run a day of a monitor whose releases people handle by `act`, and return it with what its
    channels got.
    """
    days: list[Day] = []

    async def story(day: Day) -> None:
        days.append(day)
        current = CurrentIncidents(day.store, lambda _read, _release, _now: None, day.recorder)
        await act(day, Desk(current, day.writer, day.clock, actor=DUTY))

    play_day(story, begins=SLOT)
    return days[0]


async def be_late_acknowledge_twice_publish_and_sign(day: Day, desk: Desk) -> None:
    """Play a day on which one release is late, reminded of, acknowledged twice, published and its
    report signed.
    """
    await day.judge_at(400, ["r7"])
    await day.run_until(400 + 16 * 60)
    (incident,) = day.store.verdicts.incidents()
    await desk.acknowledge(incident.id)
    await desk.acting_as(HEAD).acknowledge(incident.id)
    await day.run_until(1600)
    await day.judge_at(PUBLISHED_AT["r7"] + 30, ["r7"])
    await day.judge_at(PUBLISHED_AT["r7"] + 4000, ["r7"])
    (incident,) = day.store.verdicts.incidents()
    last_version = len(day.store.verdicts.drafts(incident.id))
    await desk.sign_report(incident, last_version, anyway="it is urgent")
    await day.run_until(PUBLISHED_AT["r7"] + 4100)


def test_published_schema_matches_the_models() -> None:
    how_to_publish = "python -m monitor.web.hook > docs/webhook.schema.json"
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), how_to_publish


def test_webhook_gets_each_incident_event_once_in_one_thread() -> None:
    # Two roles acknowledge the incident, and only the first acknowledgement is an event. It is over
    # once published.
    day = play_day_on_which_people_act(be_late_acknowledge_twice_publish_and_sign)
    events = posted_events(day.channels["hook"])
    assert [event["event"] for event in events] == [
        "opened",
        "reminder",
        "acknowledged",
        "over",
        "signed",
    ]
    assert {event["thread"] for event in events} == {events[0]["id"]}
    _, reminder, acknowledged, over, signed = events
    assert reminder["incident"]["acknowledged"] is None
    assert acknowledged["incident"]["acknowledged"] == {"at": acknowledged["at"], "by": ROLE}
    assert not over["incident"]["signed"]
    assert signed["incident"]["signed"]


def test_people_are_not_notified_of_acknowledgement_signature_or_closure() -> None:
    """On this day a release is late, two people acknowledge its incident, and its report is
    signed.
    """
    day = play_day_on_which_people_act(be_late_acknowledge_twice_publish_and_sign)
    # Two channels are for people: `mail` gets the notices of all releases, `ons` those of this
    # producer.
    for channel in ("mail", "ons"):
        assert "opened" in day.kinds(channel)
        assert not {"acknowledged", "signed", "closed"} & set(day.kinds(channel))


def list_pager_actions(day: Day) -> list[tuple[str, str]]:
    """Return the thread and the action of each event that the pager got."""
    events = [build_event(message, "key") for message in day.channels["pager"].messages.values()]
    return [(event["dedup_key"], event["event_action"]) for event in events if event is not None]


def test_pager_gets_an_acknowledgement_and_a_resolution_but_no_signature() -> None:
    day = play_day_on_which_people_act(be_late_acknowledge_twice_publish_and_sign)
    # The first trigger opens the incident and the second reminds of it. Publication resolves it.
    # Then it is signed.
    assert [action for _, action in list_pager_actions(day)] == [
        "trigger",
        "trigger",
        "acknowledge",
        "resolve",
    ]


def test_waiving_a_logged_incident_is_posted_as_closed() -> None:
    """To waive an incident is to decide that it needs no report.

    A webhook gets this as the event `closed`.
    """

    async def log_and_waive(day: Day, desk: Desk) -> None:
        await desk.log_incident(
            {
                "what": "a leak",
                "when": "2018-01-05T08:00",
                "title": "T",
                "producer": "ons",
            }
        )
        await day.run_until(800)
        (logged,) = day.store.verdicts.incidents()
        await desk.waive(logged.id, "no report is called for")
        await day.run_until(1500)

    day = play_day_on_which_people_act(log_and_waive)
    # "hand" is the kind of incidents that a person logs by hand.
    assert events_of_kind(day, "hand") == ["opened", "closed"]


def test_machines_get_one_acknowledgement_of_a_platform_incident() -> None:
    async def acknowledge_platform(day: Day, desk: Desk) -> None:
        # All eight releases of one platform are 400 s late, so there is one incident of the
        # platform.
        await day.judge_at(400)
        await day.run_until(700)
        await desk.acknowledge(day.platform_incident().id)
        # A verdict after the acknowledgement sends nothing more about the platform.
        await day.judge_at(1300)
        await day.run_until(1500)

    day = play_day_on_which_people_act(acknowledge_platform)
    assert events_of_kind(day, "platform") == ["opened", "acknowledged"]
    assert [action for thread, action in list_pager_actions(day) if "platform" in thread] == [
        "trigger",
        "acknowledge",
    ]


def test_make_test_message_of_a_webhook_matches_the_schema() -> None:
    Hook.model_validate_json(webhook_body(make_test_message("hook", after_slot(0))), extra="forbid")
