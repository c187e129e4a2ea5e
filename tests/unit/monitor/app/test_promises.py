"""The calendar is read once more before a breach is notified. That read may change the promise, or fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.rehearse.publisher.calendar import CALENDAR_HOST
from tests.unit.monitor.app.life import HEAD, NEVER_PUBLISHED, Life, live

HEAD_ANNOUNCED_ELSEWHERE = HEAD.replace(
    "https://www.gov.uk/government/statistics/claims", "https://stats.example/claims"
)
MOVED_TO_10_00 = """
[[change]]
release = "claims-q3"
at = 2026-11-26T09:29:30
slot = 2026-11-26T10:00:00

[[answer]]
url = "https://stats.example/claims"
at = 2026-11-26T10:00:00
"""
CALENDAR_UNREADABLE = f"""
[[fault]]
host = "{CALENDAR_HOST}"
from = 2026-11-26T09:29:00
until = 2026-11-26T10:30:00
kind = "reset"
"""


def test_a_late_release_is_notified_only_after_its_calendar_was_read_again(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:31:06")
        assert (life.stored_verdict(), life.notice_kinds()) == ("overdue", ["opened"])
        row = life.daemon.store.verdicts.judged_one("claims-q3")
        assert row is not None
        assert row.body["promise_confirmed"] == "2026-11-26T09:30:00.000Z"
        assert "promise_in_doubt" not in life.finding_kinds()
        (last, *_) = life.daemon.store.ledger.reads("rehearsal", limit=1)
        assert f"{last.started:%H:%M}" == "09:31"

    live(tmp_path, NEVER_PUBLISHED, act, head=HEAD_ANNOUNCED_ELSEWHERE)


@pytest.mark.slow
def test_a_change_found_by_the_second_read_is_notified_and_nothing_is_called_late(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:32:00")
        assert (life.stored_verdict(), life.notice_kinds()) == ("unproven", ["calendar"])
        assert life.finding_kinds() >= {"promise_in_doubt"}
        await life.until("10:20:00")
        assert life.stored_verdict() == "unproven"
        assert "opened" not in life.notice_kinds()

    live(tmp_path, MOVED_TO_10_00, act, head=HEAD_ANNOUNCED_ELSEWHERE)


def test_a_failed_calendar_read_delays_an_overdue_notice_only_while_it_lasts(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:31:15")
        assert (life.stored_verdict(), life.notice_kinds()) == ("overdue", ["opened"])
        assert life.finding_kinds() >= {"promise_in_doubt"}

    live(tmp_path, CALENDAR_UNREADABLE, act, head=HEAD_ANNOUNCED_ELSEWHERE)
