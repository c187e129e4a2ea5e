"""From slot and tolerance to every channel's acceptance: eight releases late at once, one of four channels hangs.

Eight releases of three producers on eight hosts are due at one slot, and none comes out. What tells of several in
one message counts for each that it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.daemons import promised
from bench.figures import percentile
from bench.origin import beside
from bench.world import folder, mail, running
from monitor.clock import SystemClock

_AT_ONCE = 8
_TOLERANCE = timedelta(seconds=5)
_UNTIL_SLOT = timedelta(seconds=8)
"""Time until the calendar is read, and every page was looked at."""
_UNTIL_TOLD = 5.0


def told_late(*, quick: bool = False) -> dict[str, float]:
    """Return p50, p99 and the most in milliseconds; raises RuntimeError when a channel was not told of a release."""
    # A daemon for each slot: what opens within minutes of a digest is told with patience, since somebody was called.
    took = [each for _ in range(1 if quick else 5) for each in _took()]
    return {"late_p50_ms": percentile(took, 50), "late_p99_ms": percentile(took, 99), "late_most_ms": max(took)}


def _took() -> list[float]:
    clock, ids = SystemClock(), [str(number) for number in range(_AT_ONCE)]
    with (
        folder() as place,
        beside("bench.origin") as publisher,
        beside("bench.posted") as posted,
        beside("bench.mailbox") as mailbox,
    ):
        slot = clock.now().replace(microsecond=0) + _UNTIL_SLOT
        due = clock.monotonic() + (slot + _TOLERANCE - clock.now()).total_seconds()
        asyncio.run(_unpublished(place, publisher.port, _channels(place, mailbox.port, posted.port), slot))
    heard = {name: posted.instants(name) for name in ("webhook", "pager")} | {"mail": mailbox.instants("series")}
    if missing := [f"{name} of {number}" for name, told in heard.items() for number in ids if number not in told]:
        raise RuntimeError(f"nobody was told: {', '.join(missing)}")
    return [1000 * (told[number] - due) for told in heard.values() for number in ids]


def _channels(place: Path, mail_port: int, posted: int) -> list[Mapping[str, Any]]:
    key = place / "key"
    key.write_text("k" * 32, encoding="utf-8")
    key.chmod(0o600)
    hooks = f"http://127.0.0.1:{posted}"
    return [
        mail(mail_port),
        {"name": "webhook", "kind": "webhook", "url": f"{hooks}/webhook"},
        {"name": "pager", "kind": "pagerduty", "routing_key": {"file": str(key)}, "url": f"{hooks}/pager"},
        {"name": "hangs", "kind": "webhook", "url": f"{hooks}/hangs"},
    ]


async def _unpublished(place: Path, port: int, channels: list[Mapping[str, Any]], slot: datetime) -> None:
    clock = SystemClock()
    tables = [
        promised(
            f"r{number}",
            f"https://h{number}.example/release/{number}",
            slot.timestamp(),
            f"Series {number}: July to September 2026",
            producer=f"example-{number % 3}",
        )
        for number in range(_AT_ONCE)
    ]
    policy = {"on_time_within": f"{_TOLERANCE.seconds}s"}
    async with running(place, port, "".join(tables), policy=policy, channel=channels):
        await asyncio.sleep((slot + _TOLERANCE - clock.now()).total_seconds() + _UNTIL_TOLD)
