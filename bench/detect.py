"""From the last byte of the answer that proves a fault to the notice, with its draft, accepted by a mail server.

And from slot and tolerance to the last channel that is told of releases that are late, see `bench.late`.

Each release is published before its slot. Both ends are timed outside the daemon: by the publisher when it hands over
the first answer that holds the page, and by the mail server when it has taken the whole message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from bench.daemons import promised
from bench.figures import percentile
from bench.late import told_late
from bench.origin import beside
from bench.world import folder, mail, quietly, running
from monitor.clock import SystemClock

_APART = 1.1
"""Seconds between two publications: nearer ones would be told in one message."""
_UNTIL_WATCHED = 5.0
"""Seconds until the calendar is read and every page was looked at."""
_UNTIL_TOLD = 3.0
_TITLE = "Example statistics: July to September 2026"
"""What the publisher's pages are called, too."""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield p50, p99 and the most in milliseconds, of what is early and of what is late."""
    quietly()
    releases = 1 if quick else 30
    with folder() as place, beside("bench.origin") as publisher, beside("bench.mailbox") as mailbox:
        asyncio.run(_published(place, publisher.port, mailbox.port, releases))
    seen, mailed = publisher.instants("seen"), mailbox.instants("drafted")
    took = [mailed[number] - at for path, at in seen.items() if (number := path.rpartition("/")[2]) in mailed]
    if took:
        yield {
            "detect_p50_ms": 1000 * percentile(took, 50),
            "detect_p99_ms": 1000 * percentile(took, 99),
            "detect_most_ms": 1000 * max(took),
            "published": releases,
        }
    if len(took) < releases:
        raise RuntimeError(f"{releases} releases were published early, and people were told of {len(took)}")
    yield told_late(quick=quick)


async def _published(place: Path, port: int, mail_port: int, releases: int) -> None:
    slot = (SystemClock().now() + timedelta(minutes=30)).timestamp()
    sites = [f"https://h{number}.example/release/{number}" for number in range(releases)]
    tables = [promised(f"r{number}", site, slot, _TITLE) for number, site in enumerate(sites)]
    watch = {"origin_view": False, "near": {"from": "60m", "every": "1s"}, "exposed": {"every": "60s"}}
    async with (
        running(place, port, "".join(tables), watch=watch, channel=[mail(mail_port)]),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        await asyncio.sleep(_UNTIL_WATCHED)
        for number in range(releases):
            await client.get(f"/publish/release/{number}")
            await asyncio.sleep(_APART)
        await asyncio.sleep(_UNTIL_TOLD)
