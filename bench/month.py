"""A month of the daemon's life in virtual time: releases come under watch, are published and are let go of again.

What is planned is what the daemon plans from a calendar. Spacings differ from the defaults, which would make seventeen
million looks of it: few while a slot is far off, and one a second from thirteen minutes before it. A release is under
watch for three weeks, as by default. One in a hundred is late, so that drafts are written and notices go out.
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
# The first that is late comes on the third day, when all have been looked at: what its draft costs is told apart.
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
_MISSING = b"<html><head><title>Page not found</title></head><body><h1>Page not found</h1></body></html>"
_WORDS = "Example statistics of a department, with their figures and what they mean. " * 40


@dataclass
class Month:
    """What was measured: resident KB when all is watched, and at each midnight from when a draft has been written.

    `targets` are the fewest under watch at any of these; `looks` and `days` those after the first draft.
    """

    full: float
    targets: int
    looks: int = 0
    days: int = 0
    resident: list[float] = field(default_factory=list)


class Absent:
    """A fetcher whose every answer says that there is nothing yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def fetch(self, request: Request) -> Answer | Failure:
        """Answer 404 after a turn of the loop."""
        sent = self._clock.now()
        await asyncio.sleep(0.01)
        return Answer(request.url, 404, {"content-type": "text/html"}, bytes(_MISSING), sent, self._clock.now())

    async def close(self) -> None:
        """Have nothing to close."""


class _Publisher:
    """A fetcher whose pages are missing until their slot, one in a hundred until seven minutes later."""

    def __init__(self, clock: Clock, a_day: int) -> None:
        self._clock = clock
        self._a_day = a_day

    async def fetch(self, request: Request) -> Answer | Failure:
        """Answer after a turn of the loop."""
        number, sent = int(request.url.rpartition("/")[2]), self._clock.now()
        await asyncio.sleep(0.01)
        received = self._clock.now()
        head = {"content-type": "text/html", "date": _dated(received.replace(microsecond=0))}
        if sent < slot_of(number, self._a_day) + (_LATE_BY if number % _LATE_EVERY == _LATE_EVERY - 1 else timedelta()):
            return Answer(request.url, 404, head, bytes(_MISSING), sent, received, request=request)
        head["etag"] = f'"{number}"'
        if request.etag == head["etag"]:
            return Answer(request.url, 304, head, b"", sent, received, request=request)
        body = f"<html><head><title>Statistics {number}</title></head><body>{number} {_WORDS}</body></html>".encode()
        return Answer(request.url, 200, head, body, sent, received, request=request)

    async def close(self) -> None:
        """Have nothing to close."""


async def lived(place: Path, targets: int, days: int) -> Month:
    """Live `days` after warming up with so many targets under watch at any time."""
    clock, a_day = VirtualClock(_START), ceil(targets / _WATCHED_DAYS)
    calendar = {"name": "bench", "kind": "toml", "file": str(place / "calendar.toml"), "every": "15m"}
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
    """Return the slot of a release where so many have theirs each day."""
    return _START + timedelta(days=number // a_day) + _SLOT


async def _measured(made: Daemon, clock: Clock, days: int) -> Month:
    await clock.sleep(_FULL_DAYS * _DAY)
    month = Month(rss_kb(), len(made.poller.watched_targets()), days=days)
    await clock.sleep((_WARM_DAYS - _FULL_DAYS) * _DAY)
    before = made.poller.made
    month.resident.append(rss_kb())
    for _ in range(days):
        await clock.sleep(_DAY)
        month.resident.append(rss_kb())
        month.targets = min(month.targets, len(made.poller.watched_targets()))
    month.looks = made.poller.made - before
    return month


def _write_calendar(file: Path, a_day: int, days: int) -> None:
    rows = [
        f'[[release]]\nid="r{number}"\ntitle="Statistics {number}"\nproducer="p{number % _PRODUCERS}"\n'
        f'state="confirmed"\nurl="https://h{number % _HOSTS}.example/statistics/{number}"\n'
        f"slot={slot_of(number, a_day).isoformat()}\n"
        for number in range(a_day * days)
    ]
    file.write_text("\n".join(rows), encoding="utf-8")


@lru_cache(maxsize=4)
def _dated(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)
