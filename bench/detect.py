"""From the last byte of the answer that proves a fault to the notice, with its draft, accepted by a mail server.

And from slot and tolerance to the last channel that is told of releases that are late, see `bench.late`.

Each release is published before its slot. Both ends are timed outside the daemon: by the publisher when it hands over
the first answer that holds the page, and by the mail server when it has taken the whole message.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx

from bench.figures import percentile, rounded
from bench.late import told_late
from bench.origin import beside
from bench.world import daemon, folder, quietly, settings
from monitor.clock import SystemClock
from monitor.look.http.fetcher import HttpFetcher
from monitor.look.http.resolve import Route

_APART = 1.1
"""Seconds between two publications: nearer ones would be told in one message."""
_UNTIL_WATCHED = 5.0
"""Seconds until the calendar is read and every page was looked at."""
_RELEASE = """[[release]]
id = "r{number}"
title = "Example statistics: July to September 2026"
producer = "example"
url = "https://h{number}.example/release/{number}"
slot = {slot}
state = "confirmed"
part = [{{ id = "page", role = "page", url = "https://h{number}.example/release/{number}", recognise = "status" }}]
"""


def run(*, quick: bool = False) -> dict[str, float]:
    """Return p50, p99 and the most in milliseconds, of what is early and of what is late."""
    quietly()
    releases = 1 if quick else 30
    with folder() as place, beside("bench.origin") as publisher, beside("bench.mailbox") as mailbox:
        asyncio.run(_published(place, publisher.port, mailbox.port, releases))
    seen, mailed = publisher.instants("seen"), mailbox.instants("drafted")
    took = [mailed[number] - at for path, at in seen.items() if (number := path.rpartition("/")[2]) in mailed]
    if len(took) < releases:
        raise RuntimeError(f"{releases} releases were published early, and people were told of {len(took)}")
    return rounded(
        {
            "detect_p50_ms": 1000 * percentile(took, 50),
            "detect_p99_ms": 1000 * percentile(took, 99),
            "detect_most_ms": 1000 * max(took, default=0.0),
            "published": releases,
            **told_late(quick=quick),
        }
    )


async def _published(place: Path, port: int, mail: int, releases: int) -> None:
    clock = SystemClock()
    fetcher = HttpFetcher(clock, route=lambda *_: Route("127.0.0.1", port, tls=False))
    chosen = settings(
        place,
        watch={"origin_view": False, "near": {"from": "60m", "every": "1s"}, "exposed": {"every": "60s"}},
        calendar=[{"name": "bench", "kind": "toml", "file": str(place / "calendar.toml")}],
        channel=[
            {
                "name": "mail",
                "kind": "mail",
                "host": "127.0.0.1",
                "port": mail,
                "security": "none",
                "sender": "monitor@stats.example",
                "to": ["people@stats.example"],
            }
        ],
    )
    slot = (clock.now() + timedelta(minutes=30)).isoformat()
    promised = "".join(_RELEASE.format(number=number, slot=slot) for number in range(releases))
    (place / "calendar.toml").write_text(promised, encoding="utf-8")
    made = daemon(place, clock, fetcher, chosen)
    stop = asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    await asyncio.sleep(_UNTIL_WATCHED)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for number in range(releases):
            await client.get(f"/publish/release/{number}")
            await asyncio.sleep(_APART)
    await asyncio.sleep(3.0)
    stop.set()
    await life
    await made.close()
