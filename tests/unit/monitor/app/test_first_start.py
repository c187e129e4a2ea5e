from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.app.life import HEAD, PUBLISHED_AT_SLOT, Life, live, published_at

FIRST_START_AT_09_40 = HEAD.replace("from = 2026-11-26T09:28:00", "from = 2026-11-26T09:40:00")


@pytest.mark.slow
def test_a_release_absent_at_the_first_start_is_notified_once_and_never_called_late(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:55:00")
        (message,) = life.received()
        assert message.subject.startswith("NOT PROVEN: ")
        assert "not watched at its slot" in message.subject
        assert "not out as of" in message.text
        assert life.stored_verdict() == "unproven"
        await life.until("10:20:00")
        assert life.received() == [message]
        assert life.stored_verdict() == "unproven"

    live(tmp_path, published_at("10:00:00"), act, head=FIRST_START_AT_09_40)


def test_a_release_published_before_the_first_start_sends_no_notice(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:55:00")
        assert life.received() == []

    live(tmp_path, PUBLISHED_AT_SLOT, act, head=FIRST_START_AT_09_40)
