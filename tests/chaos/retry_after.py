"""A host answers the leader of two monitors with 429, and the leader is killed.

No monitor may use the host before its Retry-After ends.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.chaos.database import Database
from tests.chaos.publisher import HOSTS
from tests.chaos.world import NAMES, PATIENCE, ReceivedRequest, Truth, World, running_world

_WAIT = 20
_RENEWED_WITHIN = 3.0
"""The leader has stored the wait after so many seconds, even on a busy machine."""


def check_retry_after(folder: Path, database: Database) -> list[str]:
    """Kill the leader after it received a 429, and start it again.

    Return everything that was wrong, one line each.
    """
    # Each host has a page that is late, so that it is requested all the time.
    slot = time.time() - 60.0
    host, other_host = HOSTS
    truths = {f"r{number}": Truth(slot, slot + 3600.0, one) for number, one in enumerate(HOSTS)}
    with running_world(World(folder, database, truths)) as world:
        world.wait_until(lambda: bool(world.requests), PATIENCE)
        leader = world.requests[0].by
        (other,) = set(NAMES) - {leader}
        refused = _receive_429(world, leader, host)
        known, over = refused.at + _RENEWED_WITHIN, refused.at + _WAIT
        world.wait_for_time(known, _WAIT)
        world.send_signal(leader, signal.SIGKILL)
        # The other monitor takes over, and must wait as well.
        world.wait_for_request_from(other, other_host)
        world.start(leader)
        world.wait_for_request_from(other, host, over)
        world.stop_all()
        during_wait = [one for one in world.requests if refused.at < one.at < over]
        return [
            *_find_early_requests(during_wait, refused),
            *_find_idle_host(during_wait, other, other_host),
        ]


def _receive_429(world: World, name: str, host: str) -> ReceivedRequest:
    """Make a host answer a monitor's next request with 429, and return that request."""
    httpx.get(f"http://{host}:{world.port}/wait/{_WAIT}/{name}", trust_env=False)
    refused = [world.wait_for_request_from(name, host)]
    while refused[-1].status != 429:
        refused.append(world.wait_for_request_from(name, host, refused[-1].at + 1e-6))
    return refused[-1]


def _find_early_requests(
    requests: list[ReceivedRequest], refused: ReceivedRequest
) -> Iterator[str]:
    for one in requests:
        # The host has one page, so no other request was under way.
        if one.host == refused.host:
            yield (
                f"{one.by} asked {one.host} {one.at - refused.at:.2f} s after it had told"
                f" {refused.by} to wait"
            )


def _find_idle_host(requests: list[ReceivedRequest], name: str, host: str) -> Iterator[str]:
    if not any((one.by, one.host) == (name, host) for one in requests):
        yield f"{name} sent {host} no request, although that host asked no one to wait"
