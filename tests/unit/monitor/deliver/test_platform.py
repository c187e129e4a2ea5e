"""Eight releases of three producers that one platform holds up: one incident, one thread, each told of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from alerts.by_hand import acknowledge_incident
from alerts.channels.pagerduty import build_event
from alerts.incident import Kind
from monitor.clock import VirtualClock
from monitor.deliver.platform import related_incidents
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from tests.unit.monitor.deliver.platform_day import NAME, OUT, WHOSE, Day
from tests.worlds.fake_channel import FakeChannel
from tests.worlds.instants import after_slot


def events(pager: FakeChannel) -> list[Mapping[str, object]]:
    told = (build_event(message, "key") for message in pager.messages.values())
    return [one for one in told if one is not None]


async def the_day(day: Day, *, taken: bool = False) -> None:
    await day.judged(61)
    await day.on_to(90)
    if taken:
        with day.store.transaction() as tx:
            tx.save_incident(acknowledge_incident(day.platform(), "press office", day.clock.now()))
    await day.judged(301)
    for name, seconds in OUT.items():
        await day.judged(seconds + 2)
        assert day.platform().closed is None or name == "r7"
    await day.judged(9500)
    await day.on_to(9600)
    day.writer.abandon()


@pytest.mark.slow
def test_a_platform_fault_is_one_thread_with_few_messages() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await the_day(day)
        assert day.kinds("mail") == ["opened", "grade_changed", *["reminder"] * 4, "final"]
        first, graver = day.got("mail")[:2]
        assert first.startswith("LATE: 8 releases of 3 producers (dfe, ofqual, ons) on www.gov.uk due")
        assert "8 not out yet" in first
        assert "graver now" in graver
        assert "all out" in day.got("mail")[-1]
        assert [one["event_action"] for one in events(day.channels["pager"])] == ["trigger", "resolve"]
        assert {one["dedup_key"] for one in events(day.channels["pager"])} == {NAME}
        assert day.store.check() == []

    run_virtually(story, after_slot(60))


@pytest.mark.slow
def test_each_producers_channel_gets_only_its_own_releases() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await the_day(day)
        assert len(day.got("ons")) <= 7
        assert day.got("ons")[0].startswith("LATE: 2 releases of ons (8 in all) on www.gov.uk")
        texts = " ".join(message.text for message in day.channels["ons"].messages.values())
        assert "Title r7" in texts
        assert "Title r0" not in texts
        # A program sorts for itself: it hears of each, and of the platform besides.
        assert day.kinds("hook").count("opened") == len(WHOSE) + 1

    run_virtually(story, after_slot(60))


@pytest.mark.slow
def test_the_platforms_incident_links_its_releases_and_has_a_draft() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await the_day(day, taken=True)
        found = day.platform()
        assert found.kind is Kind.PLATFORM
        assert [one.release for one in found.linked] == sorted(WHOSE)
        assert set(found.producers) == {"www.gov.uk", "dfe", "ofqual", "ons"}
        assert not found.is_open
        theirs = [one.id for one in related_incidents(day.store.verdicts, found)]
        assert len(theirs) == len(WHOSE)
        one = day.store.verdicts.incident(theirs[0])
        assert one is not None
        assert [other.id for other in related_incidents(day.store.verdicts, one)][-1] == NAME
        report = day.store.verdicts.drafts(NAME)[-1]
        assert report.form == "period"
        assert all(f"Title {name}" in str(report.facts) for name in WHOSE)
        # Who has it hears when half of it is out, and no reminders.
        assert day.kinds("mail") == ["opened", "grade_changed", "appeared", "final"]

    run_virtually(story, after_slot(60))


def test_an_unsent_opening_is_covered_by_the_thread_and_a_sent_one_is_not() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await day.judged(61, ["r0"])
        await day.on_to(63)
        assert day.kinds("mail") == ["opened"]
        await day.judged(64, ["r3", "r6"])
        await day.judged(65, ["r0", "r3", "r6"])
        await day.on_to(95)
        assert day.kinds("mail") == ["opened", "opened"]
        assert "3 releases" in day.got("mail")[-1]
        rows = [row for row in day.store.outbox.deliveries() if row.channel == "mail"]
        assert sum(row.standing is DeliveryState.COVERED for row in rows) == 2
        day.writer.abandon()

    run_virtually(story, after_slot(60))


def test_a_pager_called_before_the_platform_fault_was_known_gets_both_ends() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await day.judged(61, ["r0"])
        await day.on_to(65)
        for seconds in (70, 301, OUT["r3"] + 2, OUT["r3"] + 3610):
            await day.judged(seconds, ["r0", "r3"])
        await day.on_to(OUT["r3"] + 3700)
        told: dict[object, list[object]] = {}
        for one in events(day.channels["pager"]):
            told.setdefault(one["dedup_key"], []).append(one["event_action"])
        assert len(told) == 2
        assert all((actions[0], actions[-1]) == ("trigger", "resolve") for actions in told.values())
        assert "final" not in day.kinds("mail")[:-1]
        day.writer.abandon()

    run_virtually(story, after_slot(60))


def test_a_thread_that_keeps_changing_is_sent_once_a_minute_as_flapping() -> None:
    async def story(clock: VirtualClock) -> None:
        day = Day(clock)
        await day.judged(61, ["r0"])
        await day.on_to(70)
        opening = day.store.outbox.notices()[0]
        for turn in range(60):
            flip = replace(
                opening, id=f"turn-{turn}", kind=("new_finding", "back")[turn % 2], at=clock.now(), follows=opening.id
            )
            with day.store.transaction() as tx:
                tx.add_notice(flip, day.rules.deliveries(flip, day.store.verdicts.incidents()[0], clock.now()))
            await day.on_to(70 + 5 * (turn + 1))
        times = sorted(
            row.finished
            for row in day.store.outbox.deliveries()
            if row.channel == "mail" and row.standing is DeliveryState.SENT and row.finished is not None
        )
        assert all(after - before >= timedelta(minutes=1) for before, after in pairwise(times))
        assert 4 <= len(times) <= 7
        assert all(subject.startswith("FLAPPING") for subject in day.got("mail")[1:])
        day.writer.abandon()

    run_virtually(story, after_slot(60))
