"""The calendar is read once more before a breach is notified.

That read may change the promise, or fail.
"""

from __future__ import annotations

import pytest

from monitor.rehearse.publisher.calendar import CALENDAR_HOST
from tests.unit.monitor.app.monitor_in_test import (
    HEAD_OFF_GOVUK,
    NEVER_PUBLISHED,
    OFF_GOVUK_URL,
    MonitorInTest,
    published_at,
    with_daemon,
)

MOVED_TO_10_00 = """
[[change]]
release = "claims-q3"
at = 2026-11-26T09:29:30
slot = 2026-11-26T10:00:00
"""
CALENDAR_UNREADABLE = f"""
[[fault]]
host = "{CALENDAR_HOST}"
from = 2026-11-26T09:29:00
until = 2026-11-26T10:30:00
kind = "reset"
"""


@with_daemon(NEVER_PUBLISHED, head=HEAD_OFF_GOVUK)
async def test_late_release_is_notified_after_its_calendar_is_reread(
    monitor: MonitorInTest,
) -> None:
    """A release may be a minute late. So this one is overdue from 09:31:00 on."""
    await monitor.until("09:31:06")
    assert monitor.stored_verdict() == "overdue"
    (notice,) = monitor.store.outbox.notices()
    second_read, first_read = monitor.store.ledger.reads("rehearsal")
    assert (f"{first_read.started:%H:%M}", f"{second_read.started:%H:%M}") == ("09:28", "09:31")
    assert notice.kind == "opened"
    assert second_read.started <= notice.at


@with_daemon(NEVER_PUBLISHED, head=HEAD_OFF_GOVUK)
async def test_read_after_the_slot_confirms_the_promise_up_to_the_slot(
    monitor: MonitorInTest,
) -> None:
    """The calendar is read again at 09:31:00.

    That confirms the slot until it passed, at 09:30:00, and no longer.
    """
    await monitor.until("09:31:06")
    row = monitor.verdict_row()
    assert row.body["promise_confirmed"] == "2026-11-26T09:30:00.000Z"
    assert "promise_in_doubt" not in monitor.finding_kinds()


@pytest.mark.slow
@with_daemon(MOVED_TO_10_00 + published_at("10:00:00", OFF_GOVUK_URL), head=HEAD_OFF_GOVUK)
async def test_slot_moved_at_the_last_moment_is_doubted_not_late(monitor: MonitorInTest) -> None:
    """At 09:29:30 the calendar moves the slot from 09:30 to 10:00. It is read at 09:28 and again at
    09:31, which leaves open whether it was moved before 09:30 or after it.
    """
    await monitor.until("09:32:00")
    assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("unproven", ["calendar"])
    assert monitor.finding_kinds() >= {"promise_in_doubt"}
    await monitor.until("10:20:00")  # published at 10:00
    assert monitor.stored_verdict() == "unproven"
    assert "opened" not in monitor.notice_kinds()


@with_daemon(CALENDAR_UNREADABLE, head=HEAD_OFF_GOVUK)
async def test_unreadable_calendar_leaves_an_overdue_promise_in_doubt(
    monitor: MonitorInTest,
) -> None:
    """From 09:29 on, every read of the calendar fails, also the one at 09:31 for which the notice
    waits.
    """
    await monitor.until("09:31:06")
    assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("overdue", ["opened"])
    assert monitor.finding_kinds() >= {"promise_in_doubt"}
