"""Eight releases of three producers that one platform delays are one incident and one thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from alerts.by_hand import acknowledge_incident
from alerts.channels.pagerduty import build_event
from alerts.incident import Kind
from monitor.deliver.platform import related_incidents
from monitor.store.rows import DeliveryState
from tests.unit.monitor.deliver.platform_day import PLATFORM_INCIDENT, PRODUCER_OF, PUBLISHED_AT, Day, play_day
from tests.worlds.fake_channel import FakeChannel


def pager_events(pager: FakeChannel) -> list[Mapping[str, object]]:
    events = (build_event(message, "key") for message in pager.messages.values())
    return [event for event in events if event is not None]


async def run_day_of_outage(day: Day, *, acknowledged: bool = False) -> None:
    """Judge all eight releases from a minute late until all are out, with every message sent when due."""
    await day.judge_at(61)
    await day.run_until(90)
    if acknowledged:
        with day.store.transaction() as tx:
            tx.save_incident(acknowledge_incident(day.platform(), "press office", day.clock.now()))
    await day.judge_at(301)
    for name, seconds in PUBLISHED_AT.items():
        await day.judge_at(seconds + 2)
        assert day.platform().closed is None or name == "r7"
    verdicts_are_final_at = PUBLISHED_AT["r7"] + 2000
    await day.judge_at(verdicts_are_final_at)
    await day.run_until(verdicts_are_final_at + 100)


@pytest.mark.slow
def test_a_platform_fault_that_delays_eight_releases_is_one_thread_with_few_messages() -> None:
    async def story(day: Day) -> None:
        await run_day_of_outage(day)
        assert day.kinds("mail") == ["opened", "grade_changed", *["reminder"] * 4, "final"]
        first, graver = day.subjects("mail")[:2]
        assert first.startswith("LATE: 8 releases of 3 producers (dfe, ofqual, ons) on www.gov.uk due")
        assert "8 not out yet" in first
        assert "graver now" in graver
        assert "all out" in day.subjects("mail")[-1]
        assert [one["event_action"] for one in pager_events(day.channels["pager"])] == ["trigger", "resolve"]
        assert {one["dedup_key"] for one in pager_events(day.channels["pager"])} == {PLATFORM_INCIDENT}
        assert day.store.check() == []

    play_day(story)


@pytest.mark.slow
def test_a_producers_channel_gets_only_its_own_releases_and_a_hook_gets_all() -> None:
    async def story(day: Day) -> None:
        await run_day_of_outage(day)
        assert len(day.subjects("ons")) <= 7
        assert day.subjects("ons")[0].startswith("LATE: 2 releases of ons (8 in all) on www.gov.uk")
        texts = " ".join(message.text for message in day.channels["ons"].messages.values())
        assert "Title r7" in texts
        assert "Title r0" not in texts
        # A program sorts for itself: it gets each release and the platform.
        assert day.kinds("hook").count("opened") == len(PRODUCER_OF) + 1

    play_day(story)


@pytest.mark.slow
def test_an_acknowledged_platform_incident_links_its_releases_has_a_draft_and_sends_no_reminders() -> None:
    async def story(day: Day) -> None:
        await run_day_of_outage(day, acknowledged=True)
        found = day.platform()
        assert found.kind is Kind.PLATFORM
        assert [one.release for one in found.linked] == sorted(PRODUCER_OF)
        assert set(found.producers) == {"www.gov.uk", "dfe", "ofqual", "ons"}
        assert not found.is_open
        of_releases = related_incidents(day.store.verdicts, found)
        assert len(of_releases) == len(PRODUCER_OF)
        assert related_incidents(day.store.verdicts, of_releases[0])[-1].id == PLATFORM_INCIDENT
        report = day.store.verdicts.drafts(PLATFORM_INCIDENT)[-1]
        assert report.form == "period"
        assert all(f"Title {name}" in str(report.facts) for name in PRODUCER_OF)
        # "appeared": half of the releases are out. No "reminder", because it is acknowledged.
        assert day.kinds("mail") == ["opened", "grade_changed", "appeared", "final"]

    play_day(story)


def test_the_opening_of_a_platform_incident_replaces_only_unsent_openings_of_its_releases() -> None:
    async def story(day: Day) -> None:
        await day.judge_at(61, ["r0"])
        await day.run_until(63)
        assert day.kinds("mail") == ["opened"]
        await day.judge_at(64, ["r3", "r6"])
        await day.judge_at(65, ["r0", "r3", "r6"])
        await day.run_until(95)
        assert day.kinds("mail") == ["opened", "opened"]
        assert "3 releases" in day.subjects("mail")[-1]
        rows = [row for row in day.store.outbox.deliveries() if row.channel == "mail"]
        # Those of r3 and r6. The one of r0 was sent before.
        assert sum(row.standing is DeliveryState.COVERED for row in rows) == 2

    play_day(story)


def test_a_release_and_then_its_platform_end_separately_on_a_pager_and_together_in_mail() -> None:
    async def story(day: Day) -> None:
        await day.judge_at(61, ["r0"])
        await day.run_until(65)
        last_out = PUBLISHED_AT["r3"]
        final_at = last_out + 3610
        for seconds in (70, 301, last_out + 2, final_at):
            await day.judge_at(seconds, ["r0", "r3"])
        await day.run_until(final_at + 90)
        actions_by_key: dict[object, list[object]] = {}
        for one in pager_events(day.channels["pager"]):
            actions_by_key.setdefault(one["dedup_key"], []).append(one["event_action"])
        assert len(actions_by_key) == 2
        assert all((actions[0], actions[-1]) == ("trigger", "resolve") for actions in actions_by_key.values())
        assert day.kinds("mail").index("final") == len(day.kinds("mail")) - 1

    play_day(story)


def test_a_thread_that_keeps_changing_is_sent_once_a_minute_as_flapping() -> None:
    async def story(day: Day) -> None:
        await day.judge_at(61, ["r0"])
        await day.run_until(70)
        opening = day.store.outbox.notices()[0]
        # For five minutes the release changes every five seconds.
        for number in range(60):
            kind, now = "back" if number % 2 else "new_finding", day.clock.now()
            change = replace(opening, id=f"change-{number}", kind=kind, at=now, follows=opening.id)
            with day.store.transaction() as tx:
                tx.add_notice(change, day.rules.deliveries(change, day.store.verdicts.incidents()[0], now))
            await day.run_until(70 + 5 * (number + 1))
        times = sorted(day.channels["mail"].received.values())
        assert all(after - before >= timedelta(minutes=1) for before, after in pairwise(times))
        assert 4 <= len(times) <= 7
        assert all(subject.startswith("FLAPPING") for subject in day.subjects("mail")[1:])

    play_day(story)
