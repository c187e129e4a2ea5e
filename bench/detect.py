"""Measures the time from the answer that proves an early release to the accepted mail with its
draft.

Both ends are timed outside the daemon: by the publisher when it has sent the first answer with the
page, and by the mail server when it has the whole message. `bench.late` adds the time from the
tolerance to notices of late releases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from bench.daemons import release_toml
from bench.figures import percentile
from bench.late import measure_late_notices
from bench.origin import run_beside
from bench.world import mail, run_daemon, silence_logs, temporary_folder
from monitor.clock import SystemClock

_APART = 1.1
"""Seconds between two publications. Closer ones would share one message."""
_UNTIL_WATCHED = 5.0
"""Seconds in which the calendar is read and each page gets a look."""
_UNTIL_TOLD = 3.0
_TITLE = "Example statistics: July to September 2026"
"""Also the title of the publisher's pages."""


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield p50, p99 and maximum in milliseconds for early and for late releases."""
    silence_logs()
    releases = 1 if quick else 30
    with (
        temporary_folder() as place,
        run_beside("bench.origin") as publisher,
        run_beside("bench.mailbox") as mailbox,
    ):
        asyncio.run(_published(place, publisher.port, mailbox.port, releases))
    seen, mailed = publisher.instants("seen"), mailbox.instants("drafted")
    took = [
        mailed[number] - at
        for path, at in seen.items()
        if (number := path.rpartition("/")[2]) in mailed
    ]
    if took:
        yield {
            "detect_p50_ms": 1000 * percentile(took, 50),
            "detect_p99_ms": 1000 * percentile(took, 99),
            "detect_most_ms": 1000 * max(took),
            "published": releases,
        }
    if len(took) < releases:
        raise RuntimeError(
            f"{releases} releases were published early, and {len(took)} were notified"
        )
    yield measure_late_notices(quick=quick)


async def _published(place: Path, port: int, mail_port: int, releases: int) -> None:
    slot = (SystemClock().now() + timedelta(minutes=30)).timestamp()
    sites = [f"https://h{number}.example/release/{number}" for number in range(releases)]
    tables = [release_toml(f"r{number}", site, slot, _TITLE) for number, site in enumerate(sites)]
    watch = {
        "origin_view": False,
        "near": {"from": "60m", "every": "1s"},
        "exposed": {"every": "60s"},
    }
    async with (
        run_daemon(place, port, "".join(tables), watch=watch, channel=[mail(mail_port)]),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        await asyncio.sleep(_UNTIL_WATCHED)
        for number in range(releases):
            await client.get(f"/publish/release/{number}")
            await asyncio.sleep(_APART)
        await asyncio.sleep(_UNTIL_TOLD)
