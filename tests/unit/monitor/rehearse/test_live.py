"""The live demonstration, played as fast as possible."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.daemons import free_port
from monitor.rehearse.live import run_live
from monitor.rehearse.settings import OUTBOX


def test_live_demonstration_shows_a_late_release_and_its_end(tmp_path: Path) -> None:
    shown = list[str]()
    stop = list[asyncio.Event]()

    def show(text: str) -> None:
        shown.append(text)
        if "over: Bus journeys: 2026" in text:
            stop[0].set()

    of_last_time = tmp_path / OUTBOX / "2026-11-28" / "old.txt"
    of_last_time.parent.mkdir(parents=True)
    of_last_time.write_text("over: Bus journeys: 2026", encoding="utf-8")
    port = free_port()
    run_live(tmp_path, port, show, lambda _loop, event: stop.append(event), speed=None)
    beginning, *notices = shown
    assert f"http://127.0.0.1:{port}/" in beginning
    assert "with the password" in beginning
    assert "LATE: Bus journeys: 2026" in notices[0]
    assert f"http://127.0.0.1:{port}/incidents/bus-journeys-2026" in notices[0]
