"""Draws faults of hosts, networks and calendars, and troubles of the monitor itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from tests.oracle.world import Trouble, World

_KINDS = {
    "reset": 3,
    "timeout": 2,
    "dns": 1,
    "429": 2,
    "503": 4,
    "truncated": 2,
    "slow": 1,
    "garbage": 1,
    "redirect_loop": 1,
    "challenge": 2,
    "mirror": 3,
    "stale": 3,
}
_CALENDAR = "calendar.rehearsal.example"
_WWW = "www.gov.uk"


def draw_faults(rng: Random, world: World, slot: datetime) -> tuple[Trouble, ...]:
    """Return the faults of a world: none in two of three worlds, and at most one for each host or
    address.
    """
    count = rng.choices((0, 1, 2, 3), (65, 20, 10, 5))[0]
    found: list[Trouble] = []
    for _ in range(count):
        one = _draw_fault(rng, world, slot)
        if one is not None and not any(
            (one.host, one.url) == (other.host, other.url) for other in found
        ):
            found.append(one)
    return tuple(found)


def _draw_fault(rng: Random, world: World, slot: datetime) -> Trouble | None:
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    begins = slot + timedelta(seconds=round(rng.uniform(-300, 100), 1))
    ends = begins + timedelta(seconds=rng.choice((4, 20, 60, 130, 400)))
    begins = max(begins, world.begins - timedelta(seconds=5))
    host, url = _draw_place(rng, world)
    if kind == "dns" and host is None:
        host, url = urlsplit(str(url)).hostname, None
    age = float(rng.choice((40, 300, 3600, 61200))) if kind in {"mirror", "stale"} else None
    return Trouble(kind, begins, ends, host, url, age) if ends > begins else None


def _draw_place(rng: Random, world: World) -> tuple[str | None, str | None]:
    release = rng.choice(world.releases)
    place = rng.choice(release.places)
    host = urlsplit(place.url).hostname
    www = host == _WWW
    calendar: tuple[str | None, str | None]
    calendar = (None, f"https://{_WWW}/api/search.json") if www else (_CALENDAR, None)
    item = (
        (None, place.url.replace(f"{_WWW}/", f"{_WWW}/api/content/")) if www else (None, place.url)
    )
    return rng.choices(((host, None), (None, place.url), calendar, item), (5, 3, 3, 1))[0]


def draw_monitor_troubles(rng: Random, world: World, slot: datetime) -> tuple[Trouble, ...]:
    """Return the monitor's own troubles, downtime or a wrong clock. None in four of five worlds."""
    manner = rng.choices(("none", "down", "clock"), (80, 13, 7))[0]
    if manner == "down":
        return tuple(_draw_downtime(rng, world, slot))
    if manner == "clock":
        at = world.begins + timedelta(seconds=rng.choice((0.0, 5.0, rng.uniform(5, 300))))
        wrong = round(
            rng.choice((0.4, 3, 12, 45, 3600)) * rng.choice((-1, 1)) * rng.uniform(0.8, 1.2), 1
        )
        return (Trouble("clock", at, offset=wrong),) if at < world.ends else ()
    return ()


def _draw_downtime(rng: Random, world: World, slot: datetime) -> Iterator[Trouble]:
    at = slot + timedelta(seconds=round(rng.uniform(-200, 90), 1))
    at = max(at, world.begins + timedelta(seconds=1))
    up = at + timedelta(seconds=round(rng.choice((2, 10, 40, 100, 200)) * rng.uniform(0.5, 1.5), 1))
    if at < world.ends:
        yield Trouble(rng.choice(("stop", "kill")), at)
        if up < world.ends and rng.random() < 0.9:
            yield Trouble("start", up)
