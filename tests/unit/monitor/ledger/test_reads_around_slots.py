"""Reads of calendars around slots: how many depends on how often a calendar is read anyway."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from monitor.ledger.reading import is_due
from tests.unit.monitor.app.calendar_monitor import (
    STATS,
    CalendarMonitor,
    csv,
    row,
    run_calendar_monitor,
)
from tests.worlds.instants import at


def is_read_due(
    now: str, *, last_try: str, last_usable: str = "00:00", often: bool = False
) -> bool:
    """Return whether a read is due, with a slot at 09:30.

    `often`: the calendar is read every 15 minutes anyway.
    """
    return is_due([at("09:30")], at(now), at(last_try), at(last_usable), often=often)


@pytest.mark.parametrize(
    ("now", "last_try", "last_usable", "is_due_now"),
    [
        ("09:19", "08:30", "08:30", False),
        ("09:20", "08:30", "08:30", True),
        ("09:20", "09:19", "09:14", True),
        ("09:20", "09:19", "09:15", False),
        ("09:21", "09:20", "09:20", False),
        ("09:21", "09:16", "09:16", False),
    ],
)
def test_read_is_due_10_minutes_before_slot_without_recent_one(
    now: str, last_try: str, last_usable: str, *, is_due_now: bool
) -> None:
    """The slot is at 09:30. A read is due at 09:20, unless a usable one was at 09:15 or later. So
    it is due if the last usable one was at 09:14, even if another failed at 09:19 (`last_try`). At
    09:19 it is not due yet. Once it was tried at 09:20, it is not due again.
    """
    assert is_read_due(now, last_try=last_try, last_usable=last_usable) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [
        *(("09:25", "09:20", False), ("09:26", "09:20", True), ("09:26", "09:25", True)),
        *(("09:26", "09:26", False), ("09:27", "09:26", False), ("09:30", "09:20", False)),
    ],
)
@pytest.mark.parametrize("last_usable", ["08:30", "09:20"])
def test_read_is_due_4_minutes_before_slot_unless_tried(
    now: str, last_try: str, last_usable: str, *, is_due_now: bool
) -> None:
    """The slot is at 09:30. A calendar read is due at 09:26, even if one was tried at 09:25
    (`last_try`). It does not matter whether that one was usable. At 09:25 the read is not due yet.
    Once it was tried at 09:26, it is not due again. At 09:30, when the slot has come, it is no
    longer due.
    """
    assert is_read_due(now, last_try=last_try, last_usable=last_usable) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [
        *(("09:31", "09:20", True), ("09:34", "09:31", False)),
        *(
            ("09:35", "09:31", True),
            ("09:35", "09:34", True),
            ("09:35", "09:35", False),
            ("09:36", "09:35", False),
        ),
        *(("10:30", "09:35", True), ("10:30", "09:50", True)),
    ],
)
def test_reads_are_due_1_5_and_60_minutes_after_slot(
    now: str, last_try: str, *, is_due_now: bool
) -> None:
    """The slot is at 09:30. Reads are due at 09:31, 09:35 and 10:30, each until one is tried at
    that time or later. If the last one was tried at 09:31 (`last_try`), none is due at 09:34, and
    one is due at 09:35.
    """
    assert is_read_due(now, last_try=last_try) is is_due_now


@pytest.mark.parametrize(
    ("now", "last_try", "is_due_now"),
    [
        ("09:49", "09:34", True),
        ("09:49", "09:35", False),
        ("09:50", "09:34", False),
        ("10:50", "09:35", False),
    ],
    ids=[
        "14 minutes later",
        "tried since",
        "15 minutes later",
        "20 minutes after the read at 10:30",
    ],
)
def test_untried_read_stays_due_for_15_minutes(
    now: str, last_try: str, *, is_due_now: bool
) -> None:
    """The slot is at 09:30, and a calendar read is due at 09:35. If none was tried since then
    (`last_try` is 09:34), it is still due at 09:49. At 09:50, 15 minutes later, it is too late for
    it. In the same way, the read of 10:30 is no longer due at 10:50. A read that was tried at 09:35
    is not due at 09:49.
    """
    assert is_read_due(now, last_try=last_try) is is_due_now


@pytest.mark.parametrize(("now", "last_try"), [("09:20", "09:19"), ("09:35", "09:34")])
def test_often_read_calendar_needs_fewer_reads_around_slot(now: str, last_try: str) -> None:
    """The slot is at 09:30, and reads are due at 09:20 and at 09:35. A calendar that is read every
    15 minutes anyway (`often`) does not need these two. The last read was tried a minute before
    `now`.
    """
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
    """The slot is at 09:30. With the interval 15 minutes, a calendar has extra reads at 09:26 and
    09:31. With 16 minutes it also has some at 09:20 (unless it was read at 09:16), 09:35 and 10:30.
    """

    async def note_extra_reads_until_eleven(monitor: CalendarMonitor) -> None:
        day_of_slot = date(2026, 11, 17)
        read_before = datetime.combine(day_of_slot, time.fromisoformat(read_before_at), UTC)
        await monitor.clock.sleep((read_before - monitor.clock.now()).total_seconds())
        await monitor.read_calendar(csv(row("a", f"{day_of_slot}", "09:30")))
        extra_reads = []
        # Each minute, the job that makes extra reads is run. If it makes a request, the calendar
        # was read.
        while monitor.clock.now() < datetime.combine(day_of_slot, time(11), UTC):
            requests_before = len(monitor.fetcher.asked)
            await monitor.daemon.parts.calendar_reads.read_around_slots()
            if len(monitor.fetcher.asked) > requests_before:
                extra_reads.append(f"{monitor.clock.now():%H:%M}")
            await monitor.clock.sleep(60)
        assert extra_reads == expected_reads

    run_calendar_monitor(tmp_path, note_extra_reads_until_eleven, STATS | {"every": every})
