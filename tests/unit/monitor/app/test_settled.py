"""A person says which time a calendar's text means, and the running monitor follows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.by_hand import InvalidInput
from monitor.deliver.desk import Desk
from monitor.errors import UnknownName
from monitor.store.rows import NOBODY, Actor
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, with_calendar_monitor

DOUBTFUL = csv(row("a", "26 November 2026 9:30am BST", ""), row("b"))
HALF_PAST_EIGHT = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
HALF_PAST_NINE = HALF_PAST_EIGHT.replace(hour=9)


def desk_of(monitor: CalendarMonitor) -> Desk:
    desk = monitor.app.reload.parts.queries.desk
    assert desk is not None
    return desk.acting_as(Actor("user:anne", "duty statistician"))


def slot_of(monitor: CalendarMonitor) -> dict[str, Any]:
    body = monitor.daemon.parts.watch.judging.verdict_now("a")
    assert body is not None
    slot: dict[str, Any] = body["slot"]
    return slot


@with_calendar_monitor()
async def test_an_answer_counts_over_reads_and_restarts_until_the_text_changes(
    monitor: CalendarMonitor,
) -> None:
    await monitor.read_calendar(DOUBTFUL)
    await monitor.clock.sleep(60)
    await desk_of(monitor).settle_slot("a", HALF_PAST_NINE)
    await monitor.read_calendar(minutes_later=10)
    await monitor.restart()
    slot = slot_of(monitor)
    assert (slot["start"], slot["doubt"]) == ("2026-11-26T09:30:00.000Z", None)
    assert slot["readings"] == ["2026-11-26T09:30:00.000Z"]
    assert slot["settled"]["by"] == "duty statistician"
    assert len(slot["settled"]["readings"]) == 2
    await monitor.read_calendar(csv(row("a", "27 November 2026 9:30am BST", ""), row("b")))
    slot = slot_of(monitor)
    assert (slot["doubt"], slot["settled"], len(slot["readings"])) == ("zone", None, 2)


@with_calendar_monitor()
async def test_the_notice_of_a_doubt_asks_and_its_incident_is_acknowledged_by_the_answer(
    monitor: CalendarMonitor,
) -> None:
    await monitor.read_calendar(DOUBTFUL)
    await monitor.judge_all()
    (notice,) = monitor.store.outbox.notices()
    assert "is it 08:30 GMT or 09:30 GMT?" in notice.subject
    assert "Say it on the page of the release" in notice.text
    await desk_of(monitor).settle_slot("a", HALF_PAST_EIGHT)
    (incident,) = monitor.store.verdicts.incidents_of("a")
    assert incident.acknowledged is not None


@with_calendar_monitor()
async def test_no_other_time_and_no_clear_text_can_be_settled(monitor: CalendarMonitor) -> None:
    await monitor.read_calendar(DOUBTFUL)
    desk = desk_of(monitor)
    with pytest.raises(InvalidInput, match="cannot mean"):
        await desk.settle_slot("a", HALF_PAST_NINE.replace(hour=10))
    with pytest.raises(InvalidInput, match="not in doubt"):
        await desk.settle_slot("b", HALF_PAST_NINE)
    with pytest.raises(InvalidInput, match="role"):
        await desk.acting_as(NOBODY).settle_slot("a", HALF_PAST_NINE)
    with pytest.raises(UnknownName):
        await desk.settle_slot("unknown", HALF_PAST_NINE)
