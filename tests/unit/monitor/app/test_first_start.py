from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.app.life import HEAD, PUBLISHED_AT_SLOT, Life, live, published_at
from tests.worlds.fake_channel import FakeChannel

FIRST_START_AT_09_40 = HEAD.replace("from = 2026-11-26T09:28:00", "from = 2026-11-26T09:40:00")


def sent_texts(life: Life) -> list[str]:
    (channel,) = life.channels
    assert isinstance(channel, FakeChannel)
    return [f"{one.subject}\n{one.text}" for one in channel.messages.values()]


@pytest.mark.slow
def test_a_release_absent_at_the_first_start_is_notified_once_and_never_called_late(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:55:00")
        (missing,) = sent_texts(life)
        assert missing.startswith("NOT PROVEN: ")
        assert "not watched at its slot" in missing.partition("\n")[0]
        assert "not out as of" in missing
        assert life.stored_verdict() == "unproven"
        await life.until("10:20:00")
        assert sent_texts(life) == [missing]
        assert life.stored_verdict() == "unproven"

    live(tmp_path, published_at("10:00:00"), act, head=FIRST_START_AT_09_40)


def test_a_release_published_before_the_first_start_sends_no_notice(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:55:00")
        assert sent_texts(life) == []

    live(tmp_path, PUBLISHED_AT_SLOT, act, head=FIRST_START_AT_09_40)
