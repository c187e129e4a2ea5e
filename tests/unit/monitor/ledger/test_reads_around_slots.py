"""Reads of calendars around slots: how many depends on how often a calendar is read anyway."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.ledger.reading import is_due
from tests.unit.monitor.app.calendar_monitor import STATS, CalendarMonitor, csv, row, run_calendar_monitor

SLOT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def is_read_due(now: int, *, last_try: int, last_usable: int = -600, often: bool = False) -> bool:
    """Return whether a read is due `now`, after the last try and the last usable read: all in minutes from the slot."""
    at = [SLOT + minutes * MINUTE for minutes in (now, last_try, last_usable)]
    return is_due([SLOT], *at, often=often)


@pytest.mark.parametrize(
    ("now", "last_try", "last_usable", "is_due_now"),
    [
        (-11, -60, -60, False),
        (-10, -60, -60, True),
        (-10, -11, -16, True),
        (-10, -11, -15, False),
        (-9, -10, -10, False),
        (-9, -14, -14, False),
    ],
)
def test_read_is_due_10_minutes_before_slot_without_recent_one(
    now: int, last_try: int, last_usable: int, *, is_due_now: bool
) -> None:
    """Times are minutes after the slot. A usable read of the last 15 minutes before it is recent."""
    assert is_read_due(now, last_try=last_try, last_usable=last_usable) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [(-5, -10, False), (-4, -10, True), (-4, -5, True), (-4, -4, False), (-3, -4, False), (0, -10, False)],
)
@pytest.mark.parametrize("last_usable", [-60, -10])
def test_read_is_due_4_minutes_before_slot_unless_tried(
    now: int, last_try: int, last_usable: int, *, is_due_now: bool
) -> None:
    """Times are minutes after the slot. At the slot itself this read is no longer due."""
    assert is_read_due(now, last_try=last_try, last_usable=last_usable) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [
        *((1, -10, True), (4, 1, False)),
        *((5, 1, True), (5, 4, True), (5, 5, False), (6, 5, False)),
        *((60, 5, True), (60, 20, True)),
    ],
)
def test_reads_are_due_1_5_and_60_minutes_after_slot(now: int, last_try: int, *, is_due_now: bool) -> None:
    """Times are minutes after the slot. A read is not due again once it was tried."""
    assert is_read_due(now, last_try=last_try) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [(19, 4, True), (19, 5, False), (20, 4, False), (80, 5, False)],
    ids=["14 minutes later", "tried since", "15 minutes later", "20 minutes after the read at 60"],
)
def test_untried_read_stays_due_for_15_minutes(now: int, last_try: int, *, is_due_now: bool) -> None:
    """Times are minutes after the slot. Reads are due 5 and 60 minutes after it."""
    assert is_read_due(now, last_try=last_try) is is_due_now


@pytest.mark.parametrize(("now", "last_try"), [(-10, -11), (5, 4)])
def test_often_read_calendar_needs_fewer_reads_around_slot(now: int, last_try: int) -> None:
    """Times are minutes after the slot. A calendar read less often has reads 10 minutes before and 5 after it."""
    assert is_read_due(now, last_try=last_try, often=False)
    assert not is_read_due(now, last_try=last_try, often=True)


@pytest.mark.parametrize(
    ("every", "read_before_at", "expected_reads"),
    [
        ("15m", "09:00", ["09:26", "09:31"]),
        ("16m", "09:00", ["09:20", "09:26", "09:31", "09:35", "10:30"]),
        ("16m", "09:16", ["09:26", "09:31", "09:35", "10:30"]),
    ],
)
def test_calendar_read_every_15_minutes_has_fewer_extra_reads(
    tmp_path: Path, every: str, read_before_at: str, expected_reads: list[str]
) -> None:
    """The slot is at 09:30. A calendar has reads 4 minutes before it and 1 minute after it. One that is read less often
    than every 15 minutes has others 5 and 60 minutes after it, and 10 minutes before it unless it was read shortly
    before."""

    async def act(monitor: CalendarMonitor) -> None:
        day_of_slot = date(2026, 11, 17)
        first_read = datetime.combine(day_of_slot, time.fromisoformat(read_before_at), UTC)
        await monitor.clock.sleep((first_read - monitor.clock.now()).total_seconds())
        await monitor.read_calendar(csv(row("a", f"{day_of_slot}", "09:30")))
        reads = []
        while monitor.clock.now() < datetime.combine(day_of_slot, time(11), UTC):
            before = len(monitor.fetcher.asked)
            await monitor.daemon.calendar_reads.read_around_slots()
            if len(monitor.fetcher.asked) > before:
                reads.append(f"{monitor.clock.now():%H:%M}")
            await monitor.clock.sleep(60)
        assert reads == expected_reads

    run_calendar_monitor(tmp_path, act, STATS | {"every": every})
