"""A publisher tells one of two monitors to wait, and that one is killed: nobody asks that host until it is over."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from monitor.plan.share import owner_of
from tests.chaos.publisher import HOSTS
from tests.chaos.world import NAMES, Asked, Truth, World, living

_WAIT = 20
_TAKEOVER, _BUSY = 4.0, 1.5
"""Word gets around within half a `takeover`, and so many seconds later where the machine is busy."""


def wait(place: Path, database: str, mode: str) -> list[str]:
    """Return what was wrong when a monitor that was told to wait was killed meanwhile, and started again."""
    # At each host is a page that is late, and asked for all the while.
    slot, ((told, host), (other, elsewhere)) = time.time() - 60.0, ((owner_of(one, NAMES), one) for one in HOSTS)
    truths = {f"r{number}": Truth(slot, slot + 3600.0, one) for number, one in enumerate(HOSTS)}
    with living(World(place, database, mode, truths, takeover=f"{_TAKEOVER:g}s")) as made:
        made.until_asked_by(told, host)
        made.until_asked_by(other, host if mode == "redundant" else elsewhere)
        refused = _refused(made, told, host)
        known, over = refused.at + _TAKEOVER / 2 + _BUSY, refused.at + _WAIT
        made.until(known, _WAIT)
        made.send(told, signal.SIGKILL)
        if mode == "redundant":
            # It learns from the others what it was told.
            made.start(told)
        # What fell to it falls to the other, and the wait with it.
        made.until_asked_by(other, host, over)
        made.start(told)
        made.until_asked_by(told, host, over)
        made.end()
        meanwhile = [one for one in made.asked if refused.at < one.at < over]
        return [*_wrong(meanwhile, refused, known), *_idle(meanwhile, other, elsewhere)]


def _refused(made: World, name: str, host: str) -> Asked:
    """Have a host tell a monitor to wait; return the request that it answered so."""
    httpx.get(f"http://{host}:{made.port}/wait/{_WAIT}/{name}", trust_env=False)
    refused = [made.until_asked_by(name, host)]
    while refused[-1].status != 429:
        refused.append(made.until_asked_by(name, host, refused[-1].at + 1e-6))
    return refused[-1]


def _wrong(meanwhile: list[Asked], refused: Asked, known: float) -> Iterator[str]:
    for one in meanwhile:
        # One page is there, and no request for it was under way when the other was answered.
        if one.host == refused.host and (one.by == refused.by or one.at > known):
            yield f"{one.by} asked {one.host} {one.at - refused.at:.2f} s after it had told {refused.by} to wait"


def _idle(meanwhile: list[Asked], name: str, host: str) -> Iterator[str]:
    if not any((one.by, one.host) == (name, host) for one in meanwhile):
        yield f"{name} asked {host} nothing, which told nobody to wait"
