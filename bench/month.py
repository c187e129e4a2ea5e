"""Runs the daemon for a month of virtual time, in which releases are watched, published and dropped
again.

The daemon plans them from a calendar. Looks are rarer than by default, which would need seventeen
million: few far from the slot, and one a second from thirteen minutes before it. A release is
watched for three weeks, as by default. One in a hundred is late, so that drafts and notices are
written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from math import ceil
from pathlib import Path

from bench.figures import rss_kb
from bench.world import MANY, daemon, settings
from monitor.app.daemon import Daemon
from monitor.clock import Clock, VirtualClock
from monitor.look.fetch import Answer, Failure, Request

_START = datetime(2026, 11, 1, tzinfo=UTC)
_SLOT = timedelta(hours=9, minutes=30)
_LATE_EVERY, _LATE_BY = 100, timedelta(minutes=7)
_HOSTS, _PRODUCERS = 50, 10
_DAY = 86_400.0
_WATCHED_DAYS = 22
# The first late release is on the third day, after first looks at all pages, so that its draft is
# measured separately.
_FULL_DAYS, _WARM_DAYS = 2, 3
_WATCH = {
    "origin_view": False,
    "far": {"from": "20d", "every": "1d"},
    "ahead": {"from": "7d", "every": "6h"},
    "near": {"from": "15m", "every": "60s"},
    "slot": {"from": "13m", "until": "10m", "every": "1s"},
    "settle": {"every": "60s", "until": "10m"},
    "after": {"every": "6h", "until": "1d"},
}
_MISSING = (
    b"<html><head><title>Page not found</title></head><body><h1>Page not found</h1></body></html>"
)
_WORDS = "Example statistics of a department, with their figures and what they mean. " * 40


@dataclass
class Month:
    """The figures of a month: resident KB with all targets (`full`), and at each midnight after the
    first draft.

    `targets` is the fewest targets at any of these times. `looks` and `days` are counted after the
    first draft.
    """

    full: float
    targets: int
    looks: int = 0
    days: int = 0
    resident: list[float] = field(default_factory=list)


class Absent:
    """A fetcher that always answers 404."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def fetch(self, request: Request) -> Answer | Failure:
        """Answer 404 after 10 ms."""
        sent = self._clock.now()
        await asyncio.sleep(0.01)
        return Answer(
            request.url,
            404,
            {"content-type": "text/html"},
            bytes(_MISSING),
            sent,
            self._clock.now(),
        )

    async def close(self) -> None:
        """Do nothing, because there are no connections."""


class _Publisher:
    """A fetcher whose pages appear at their slot, and one in a hundred seven minutes later."""

    def __init__(self, clock: Clock, a_day: int) -> None:
        self._clock = clock
        self._a_day = a_day

    async def fetch(self, request: Request) -> Answer | Failure:
        """Answer after 10 ms: 404 before publication, then 200, or 304 for a matching ETag."""
        number, sent = int(request.url.rpartition("/")[2]), self._clock.now()
        await asyncio.sleep(0.01)
        received = self._clock.now()
        head = {"content-type": "text/html", "date": _dated(received.replace(microsecond=0))}
        if sent < slot_of(number, self._a_day) + (
            _LATE_BY if number % _LATE_EVERY == _LATE_EVERY - 1 else timedelta()
        ):
            return Answer(request.url, 404, head, bytes(_MISSING), sent, received, request=request)
        head["etag"] = f'"{number}"'
        if request.etag == head["etag"]:
            return Answer(request.url, 304, head, b"", sent, received, request=request)
        body = (
            f"<html><head><title>Statistics {number}</title></head><body>{number}"
            f" {_WORDS}</body></html>".encode()
        )
        return Answer(request.url, 200, head, body, sent, received, request=request)

    async def close(self) -> None:
        """Do nothing, because there are no connections."""


async def live_month(place: Path, targets: int, days: int) -> Month:
    """Run the daemon for `days` after a warm-up, with about `targets` targets at any time.

    Return the figures.
    """
    clock, a_day = VirtualClock(_START), ceil(targets / _WATCHED_DAYS)
    calendar = {
        "name": "bench",
        "kind": "toml",
        "file": str(place / "calendar.toml"),
        "every": "15m",
    }
    _write_calendar(place / "calendar.toml", a_day, _WARM_DAYS + days + _WATCHED_DAYS)
    chosen = settings(place, budget={"default": f"{MANY:.0f}/s"}, watch=_WATCH, calendar=[calendar])
    made = daemon(place, clock, _Publisher(clock, a_day), chosen)
    stop = asyncio.Event()
    life = asyncio.create_task(made.run(stop))
    try:
        return await _measured(made, clock, days)
    finally:
        stop.set()
        await life
        await made.close()


def slot_of(number: int, a_day: int) -> datetime:
    """Return the slot of a release if `a_day` releases have theirs on each day."""
    return _START + timedelta(days=number // a_day) + _SLOT


async def _measured(made: Daemon, clock: Clock, days: int) -> Month:
    await clock.sleep(_FULL_DAYS * _DAY)
    month = Month(rss_kb(), len(made.parts.poller.watched_targets()), days=days)
    await clock.sleep((_WARM_DAYS - _FULL_DAYS) * _DAY)
    before = made.parts.poller.made
    month.resident.append(rss_kb())
    for _ in range(days):
        await clock.sleep(_DAY)
        month.resident.append(rss_kb())
        month.targets = min(month.targets, len(made.parts.poller.watched_targets()))
    month.looks = made.parts.poller.made - before
    return month


def _write_calendar(file: Path, a_day: int, days: int) -> None:
    rows = [
        f'[[release]]\nid="r{number}"\ntitle="Statistics'
        f' {number}"\nproducer="p{number % _PRODUCERS}"\n'
        f'state="confirmed"\nurl="https://h{number % _HOSTS}.example/statistics/{number}"\n'
        f"slot={slot_of(number, a_day).isoformat()}\n"
        for number in range(a_day * days)
    ]
    file.write_text("\n".join(rows), encoding="utf-8")


@lru_cache(maxsize=4)
def _dated(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)
