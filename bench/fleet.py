"""Measures the requests and intervals of several monitors on one PostgreSQL, and what happens when
one of them is killed or cut off from the store.

The monitors are real processes. The publisher, also a process, logs the time of each request.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx

from bench.daemons import configure, free_port, release_toml, start_daemon, wait_for_web
from bench.figures import median
from bench.hostile_origin import FIRST, HOSTS
from bench.origin import SideProgram, run_beside
from bench.postgres import run_postgres
from bench.world import temporary_folder
from monitor.clock import SystemClock

_RATE = 10
_PAGES = 24
_SETTLE = 6.0
_STARTS = 10.0
"""About how many seconds two monitors need to start."""
_CUT_SECONDS = 1200.0
"""After 15 minutes without the store, a leader stops."""
_TO_FIND = 15.0
"""About how many seconds it takes to find all pages after they were published."""
_TO_TAKE_OVER = 10.0
"""How many seconds a standby has at least to take over."""
_OFTEN = """near = { from = "60m", every = "1s" }
[policy]
on_time_within = "2s"
"""


@dataclass(frozen=True)
class _Fleet:
    """Running monitors: the process of each, and the port of its pages."""

    monitors: list[tuple[subprocess.Popen[bytes], int]]

    def leader(self) -> subprocess.Popen[bytes]:
        """Return the process of the monitor that is no standby."""
        for process, web in self.monitors:
            answer = httpx.get(f"http://127.0.0.1:{web}/readyz", trust_env=False)
            if answer.text != "standby":
                return process
        raise RuntimeError("no monitor leads")


def run(*, quick: bool = False) -> Iterator[dict[str, float]]:
    """Yield the requests and intervals of two monitors relative to one, and the effects of killing
    one of two, and of cutting one off from the store.

    `interval_ratio_2`: the median width of first-seen intervals. `takeover_s`: seconds from the
    kill to the first look of the other. `widest_gap_s`: the longest time without a look at a page
    around the kill. `duplicates`: messages sent twice. `cut_off_ratio`: requests of both while the
    leader cannot reach the store, relative to the budget.
    """
    seconds = 2.0 if quick else 30.0
    with run_postgres() as database:
        one = _asked(database, 1, seconds)
        yield {"requests_per_s_of_budget": one / _RATE}
        two = _asked(database, 2, seconds)
        yield {"requests_ratio_2": two / one}
        if not quick:
            four = _asked(database, 4, seconds)
            yield {"requests_ratio_4": four / one}
        yield {"interval_ratio_2": _interval(database, 2) / _interval(database, 1)}
        yield _killed(database, seconds)
        yield {"cut_off_ratio": _cut_off(database, 5.0 if quick else _CUT_SECONDS)}


def _asked(database: str, many: int, seconds: float) -> float:
    """Return requests a second to a host whose budget is too small for its pages."""
    with temporary_folder() as place, run_beside("bench.hostile_origin") as publisher:
        slot = timedelta(minutes=20)
        with _fleet(place, publisher, database, many, _pages(publisher, 1, slot)):
            began = time.monotonic()
            time.sleep(seconds)
            ended = time.monotonic()
    looks = [at for _, at in _log(publisher) if began <= at < ended]
    if not looks:
        raise RuntimeError(f"{many} monitors made no look in {ended - began:.0f} s")
    return len(looks) / (ended - began)


def _interval(database: str, many: int) -> float:
    """Return the median width in seconds of the intervals in which pages were first seen."""
    with temporary_folder() as place, run_beside("bench.hostile_origin") as publisher:
        until_slot = timedelta(seconds=many * _STARTS + _SETTLE)
        slot = time.monotonic() + until_slot.total_seconds()
        pages = _pages(publisher, 1, until_slot)
        with _fleet(place, publisher, database, many, pages) as fleet:
            time.sleep(max(0.0, slot - time.monotonic()))
            for number in range(_PAGES):
                address = f"http://127.0.0.{FIRST}:{publisher.port}/publish/page-{number}"
                httpx.get(address, trust_env=False)
            time.sleep(_TO_FIND)
            (_process, web), *_others = fleet.monitors
            board = httpx.get(f"http://127.0.0.1:{web}/api/v1/releases", trust_env=False).json()
    seen = [release["first_seen"] for release in board["releases"]]
    found = [one for one in seen if one["after"] is not None and one["by"] is not None]
    if len(found) < _PAGES / 2:
        raise RuntimeError(f"only {len(found)} of {_PAGES} pages have an interval")
    return median(
        (datetime.fromisoformat(one["by"]) - datetime.fromisoformat(one["after"])).total_seconds()
        for one in found
    )


def _cut_off(database: str, seconds: float) -> float:
    """Cut the leader of two monitors off from the store, and return the requests of both relative
    to the budget.
    """
    with temporary_folder() as place, run_beside("bench.hostile_origin") as publisher:
        pages = _pages(publisher, 1, timedelta(hours=1))
        users = {"m0": "cut", "m1": "test"}
        _change_store(database, "DROP ROLE IF EXISTS cut", "CREATE ROLE cut LOGIN SUPERUSER")
        with _fleet(place, publisher, database, 2, pages, users=users) as fleet:
            if fleet.leader() is not fleet.monitors[0][0]:
                raise RuntimeError("the first monitor does not lead")
            _change_store(
                database,
                "ALTER ROLE cut NOLOGIN",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cut'",
            )
            began = time.monotonic()
            time.sleep(seconds)
            ended = time.monotonic()
    requests = [at for _, at in _log(publisher) if began <= at < ended]
    return len(requests) / (_RATE * (ended - began))


def _killed(database: str, seconds: float) -> dict[str, float]:
    """Kill the leader of two monitors, and return the figures of the takeover."""
    with temporary_folder() as place, run_beside("bench.hostile_origin") as publisher:
        # Some releases become late around the kill, so that there are notices before and after it.
        pages = _pages(publisher, HOSTS, timedelta(minutes=20), many=HOSTS)
        for late in range(4):
            soon = timedelta(seconds=_STARTS + _SETTLE + seconds + late - 4)
            pages += _pages(publisher, HOSTS, soon, many=1, first=100 + late)
        with _fleet(place, publisher, database, 2, pages) as fleet:
            time.sleep(seconds)
            fleet.leader().send_signal(signal.SIGKILL)
            killed = time.monotonic()
            time.sleep(max(seconds, _TO_TAKE_OVER))
            ended = time.monotonic()
        told = Counter(path.name for path in place.glob("*/outbox/*/*.json"))
    gaps = [0.0]
    for page in {path for path, _ in _log(publisher) if not path.startswith("/page-10")}:
        times = [
            at
            for path, at in _log(publisher)
            if path == page and killed - seconds / 2 <= at <= ended
        ]
        gaps += [later - first for first, later in pairwise([*times, ended])]
    return {
        "takeover_s": min(at for _, at in _log(publisher) if at > killed) - killed,
        "widest_gap_s": max(gaps),
        "duplicates": float(sum(many - 1 for many in told.values())),
    }


def _log(publisher: SideProgram) -> list[tuple[str, float]]:
    return [(line[1], float(line[2])) for line in publisher.told if line[0] == "asked"]


def _pages(
    publisher: SideProgram, hosts: int, until_slot: timedelta, many: int = _PAGES, first: int = 0
) -> str:
    slot = (SystemClock().now() + until_slot).timestamp()
    numbers = range(first, first + many)
    urls = {
        each: f"http://127.0.0.{FIRST + each % hosts}:{publisher.port}/page-{each}"
        for each in numbers
    }
    return "".join(release_toml(f"r{each}", url, slot) for each, url in urls.items())


@contextmanager
def _fleet(  # what it runs on
    place: Path,
    publisher: SideProgram,
    database: str,
    many: int,
    pages: str,
    users: Mapping[str, str] | None = None,
) -> Iterator[_Fleet]:
    """Run monitors on an empty database, each as its own user of it (default: the owner)."""
    empty(database)
    (place / "calendar.toml").write_text(pages, encoding="utf-8")
    with ExitStack() as stack:
        fleet = {}
        for name in (f"m{number}" for number in range(many)):
            user = (users or {}).get(name, "test")
            store = database.replace("test@", f"{user}@")
            fleet[name] = stack.enter_context(
                monitor(place, store, _OFTEN, name=name, port=publisher.port, rate=_RATE)
            )
            # The first one leads.
            wait_for_web(*fleet[name])
        time.sleep(_SETTLE)
        yield _Fleet([*fleet.values()])


def empty(database: str) -> None:
    """Delete everything in a database."""
    _change_store(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def _change_store(database: str, *statements: str) -> None:
    from sqlalchemy import create_engine, text  # noqa: PLC0415  # only used here

    engine = create_engine(database)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def monitor(
    place: Path, store: str, often: str, **values: object
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a monitor with these `values` of `configure`.

    Yields its process and the port of its pages.
    """
    web, own = free_port(), place / str(values["name"])
    config = configure(own, place / "calendar.toml", often, web=web, store=store, **values)
    with (own / "log").open("wb") as log:
        process = start_daemon(config, log)
        try:
            yield process, web
        finally:
            process.kill()
            process.wait()
