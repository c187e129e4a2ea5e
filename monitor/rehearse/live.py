"""The live demonstration: the real monitor in real time, and a publisher that is late."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.rehearse.drive import Rehearsal
from monitor.rehearse.script.script import Script
from monitor.rehearse.settings import OUTBOX, rehearsal_settings
from monitor.rehearse.virtual_loop import JumpingLoop
from monitor.web.users import Right, make_line
from schedules.times.words import clock
from schedules.times.zone import LONDON

_PAGE = "https://www.statistics.example/bus-journeys-2026"
_PRODUCER = "office-for-examples"
_REPORT = {
    "head_of_profession": "Head of Profession for Statistics",
    "contact": "statistics@statistics.example",
    "to": "regulation@statistics.example",
}
_AHEAD, _LATE = timedelta(minutes=2), timedelta(minutes=3)
_LONGEST = timedelta(days=1)
_RULE = "-" * 72


def run_live(
    folder: Path,
    port: int,
    show: Callable[[str], None],
    on_start: Callable[[asyncio.AbstractEventLoop, asyncio.Event], None],
    speed: float | None = 1.0,
) -> None:
    """Play a release that is due in two to three minutes and comes three minutes late, and serve
    its board until an event is set.

    `on_start` gets the loop and that event. `show` gets what to print: what happens, and each
    notice. Everything is written in `folder`. `speed` is relative to real time, None as fast as
    possible.
    """
    now = SystemClock().now()
    slot = now.replace(second=0, microsecond=0) + _AHEAD + timedelta(minutes=1)
    password = secrets.token_hex(6)
    users = folder / "users"
    users.write_text(f"{make_line('demo', password, right=Right.HEAD)}\n", encoding="utf-8")
    base = Settings.model_validate(
        {
            # short, so that a report is owed within minutes
            "policy": {"on_time_within": "30s", "note_within": "90s"},
            "web": {
                "listen": f"127.0.0.1:{port}",
                "public_url": f"http://127.0.0.1:{port}",
                "users_file": str(users),
            },
            "producer": [{"id": _PRODUCER, "name": "Office for Examples", "report": _REPORT}],
        }
    )
    script = _make_script(now, slot)
    settings = rehearsal_settings(script, base, folder)
    show(
        f"A release is due at {clock(slot, LONDON)}. Its publisher will be three minutes late.\n"
        f"Open http://127.0.0.1:{port}/ and sign in as demo with the password {password}.\n"
        "Notices appear here. Acknowledge the incident, complete its report and sign it.\n"
        "Stop it with Ctrl-C."
    )

    async def run() -> None:
        stop = asyncio.Event()
        on_start(asyncio.get_running_loop(), stop)
        showing = asyncio.create_task(_show_notices(folder / OUTBOX, show))
        try:
            await Rehearsal.in_real_time(script, settings).run_until(stop)
        finally:
            showing.cancel()

    with asyncio.Runner(loop_factory=lambda: JumpingLoop(speed=speed)) as runner:
        runner.run(run())


def _make_script(now: datetime, slot: datetime) -> Script:
    release = {
        "id": "bus-journeys-2026",
        "title": "Bus journeys: 2026",
        "producer": _PRODUCER,
        "url": _PAGE,
        "slot": slot,
    }
    answer = {"url": _PAGE, "at": slot + _LATE}
    return Script.model_validate(
        {
            "title": "A live demonstration",
            "from": now,
            "until": now + _LONGEST,
            "release": [release],
            "answer": [answer],
        }
    )


async def _show_notices(outbox: Path, show: Callable[[str], None]) -> None:
    """Show each notice that comes into the folder channel from now on, once."""
    shown = set(_list_notices(outbox))
    while True:
        for file in _list_notices(outbox):
            if file not in shown:
                shown.add(file)
                show(f"\n{_RULE}\n{file.read_text(encoding='utf-8').rstrip()}\n{_RULE}")
        await asyncio.sleep(1)


def _list_notices(outbox: Path) -> list[Path]:
    return sorted(outbox.rglob("*.txt"), key=lambda file: file.stat().st_mtime)
