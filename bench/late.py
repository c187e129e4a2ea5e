"""Measures the time from the end of the tolerance until each channel has accepted the notices of
late releases.

Eight releases of three producers on eight hosts are due at one slot and none is published. One of
four channels hangs. A message about several releases counts for each that it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.daemons import release_toml
from bench.figures import percentile
from bench.origin import run_beside
from bench.world import mail, run_daemon, temporary_folder
from monitor.clock import SystemClock

_AT_ONCE = 8
_TOLERANCE = timedelta(seconds=5)
_UNTIL_SLOT = timedelta(seconds=8)
"""The time in which the calendar is read and each page gets a look."""
_UNTIL_TOLD = 5.0


def measure_late_notices(*, quick: bool = False) -> dict[str, float]:
    """Return p50, p99 and maximum in milliseconds.

    Raises RuntimeError if a channel got no notice of a release.
    """
    # Each slot gets its own daemon, because notices are delayed for minutes after a digest.
    took = [each for _ in range(1 if quick else 5) for each in _took()]
    return {
        "late_p50_ms": percentile(took, 50),
        "late_p99_ms": percentile(took, 99),
        "late_most_ms": max(took),
    }


def _took() -> list[float]:
    clock, ids = SystemClock(), [str(number) for number in range(_AT_ONCE)]
    with (
        temporary_folder() as place,
        run_beside("bench.origin") as publisher,
        run_beside("bench.posted") as posted,
        run_beside("bench.mailbox") as mailbox,
    ):
        slot = clock.now().replace(microsecond=0) + _UNTIL_SLOT
        due = clock.monotonic() + (slot + _TOLERANCE - clock.now()).total_seconds()
        asyncio.run(
            _unpublished(place, publisher.port, _channels(place, mailbox.port, posted.port), slot)
        )
    heard = {name: posted.instants(name) for name in ("webhook", "pager")} | {
        "mail": mailbox.instants("series")
    }
    if missing := [
        f"{name} of {number}"
        for name, told in heard.items()
        for number in ids
        if number not in told
    ]:
        raise RuntimeError(f"no notice arrived: {', '.join(missing)}")
    return [1000 * (told[number] - due) for told in heard.values() for number in ids]


def _channels(place: Path, mail_port: int, posted: int) -> list[Mapping[str, Any]]:
    key = place / "key"
    key.write_text("k" * 32, encoding="utf-8")
    key.chmod(0o600)
    hooks = f"http://127.0.0.1:{posted}"
    return [
        mail(mail_port),
        {"name": "webhook", "kind": "webhook", "url": f"{hooks}/webhook"},
        {
            "name": "pager",
            "kind": "pagerduty",
            "routing_key": {"file": str(key)},
            "url": f"{hooks}/pager",
        },
        {"name": "hangs", "kind": "webhook", "url": f"{hooks}/hangs"},
    ]


async def _unpublished(
    place: Path, port: int, channels: list[Mapping[str, Any]], slot: datetime
) -> None:
    clock = SystemClock()
    tables = [
        release_toml(
            f"r{number}",
            f"https://h{number}.example/release/{number}",
            slot.timestamp(),
            f"Series {number}: July to September 2026",
            producer=f"example-{number % 3}",
        )
        for number in range(_AT_ONCE)
    ]
    policy = {"on_time_within": f"{_TOLERANCE.seconds}s"}
    async with run_daemon(place, port, "".join(tables), policy=policy, channel=channels):
        await asyncio.sleep((slot + _TOLERANCE - clock.now()).total_seconds() + _UNTIL_TOLD)
