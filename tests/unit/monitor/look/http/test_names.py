"""Lookups of names: a silent name server delays only requests to its own hosts."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from monitor.clock import VirtualClock
from monitor.look.guard import Guard, Origin, RefusedAddress
from monitor.look.http.resolve import (
    FRESH_SECONDS,
    STALE_SECONDS,
    NameCache,
    NoAddress,
    Resolver,
    Route,
)
from monitor.rehearse.virtual_loop import get_jumping_loop, run_virtually

SILENT, PORT = "silent.example", 443


class NameServer:
    """Answers at once, except for the name `SILENT`. It answers that one once `may_answer` is set.

    `fails` has the faults of names that it cannot look up.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.may_answer = threading.Event()
        self.fails: dict[str, Exception] = {}

    def look_up(self, host: str, _port: int) -> list[str]:
        self.asked[host] += 1
        if host == SILENT:
            self.may_answer.wait(30)
        if host in self.fails:
            raise self.fails[host]
        return ["203.0.113.7"]


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer()
    yield made
    made.may_answer.set()


async def test_name_is_looked_up_once_and_kept(server: NameServer) -> None:
    names = NameCache(server.look_up)
    for _request in range(3):
        assert await names.look_up("a.example", PORT, seconds=5) == ["203.0.113.7"]
    # The name server was asked only for the first request.
    assert server.asked["a.example"] == 1


async def test_silent_name_server_ends_with_the_deadline_of_the_request(server: NameServer) -> None:
    with pytest.raises(NoAddress, match="no answer"):
        await NameCache(server.look_up).look_up(SILENT, PORT, seconds=0.01)


async def test_silent_name_server_takes_one_thread_for_many_requests(server: NameServer) -> None:
    """Each lookup of a name takes a thread, and there are two. Fifty requests need the same name,
    whose name server never answers. They all wait for one lookup. So the other thread is left for
    other names.
    """
    names = NameCache(server.look_up, most=2)
    requests = [names.look_up(SILENT, PORT, seconds=0.05) for _ in range(50)]
    faults = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(fault, NoAddress) for fault in faults)
    assert server.asked[SILENT] == 1
    assert await names.look_up("healthy.example", PORT, seconds=5) == ["203.0.113.7"]


async def test_late_answer_of_name_server_serves_the_next_request(server: NameServer) -> None:
    """The first request waits for 0.01 s, and the name server does not answer in time. Its lookup
    goes on. Then the name server answers. The next request gets that answer, without a second
    lookup.
    """
    names = NameCache(server.look_up)
    with pytest.raises(NoAddress):
        await names.look_up(SILENT, PORT, seconds=0.01)
    server.may_answer.set()
    assert await names.look_up(SILENT, PORT, seconds=5) == ["203.0.113.7"]
    assert server.asked[SILENT] == 1


@pytest.mark.parametrize("fault", [OSError("no such name"), UnicodeError("label too long")])
async def test_name_without_address_is_reported_and_looked_up_again(
    server: NameServer, fault: Exception
) -> None:
    """At first the name cannot be looked up.

    That is not kept: the next request looks it up again, which succeeds.
    """
    names = NameCache(server.look_up)
    server.fails["a.example"] = fault
    with pytest.raises(NoAddress, match=r"a\.example"):
        await names.look_up("a.example", PORT, seconds=5)
    del server.fails["a.example"]
    assert await names.look_up("a.example", PORT, seconds=5) == ["203.0.113.7"]


def test_old_addresses_serve_15_minutes_if_name_server_is_silent(server: NameServer) -> None:
    """The addresses of a name are fresh for a minute. After that, they are looked up again. If the
    name server does not answer, the old addresses are used until they are 15 minutes old.
    """

    async def make_three_requests(clock: VirtualClock) -> None:
        names = NameCache(server.look_up)
        # Second 0: the first request looks the name up. The name server answers at once, and is
        # silent from then on.
        server.may_answer.set()
        # The thread of the lookup must cost no virtual time.
        with get_jumping_loop().time_stopped(reason="lookup"):
            await names.look_up(SILENT, PORT, seconds=5)
        server.may_answer.clear()
        # Second 60: the second request begins a lookup that never ends. After 5 s it gets the old
        # addresses.
        await clock.sleep(FRESH_SECONDS)
        assert await names.look_up(SILENT, PORT, seconds=5) == ["203.0.113.7"]
        # Second 905: the addresses are too old. The third request waits for the lookup that the
        # second one began.
        await clock.sleep(STALE_SECONDS - FRESH_SECONDS)
        with pytest.raises(NoAddress):
            await names.look_up(SILENT, PORT, seconds=5)
        lookups_begun = server.asked[SILENT]
        assert lookups_begun == 2

    run_virtually(make_three_requests)


async def test_name_with_private_address_is_looked_up_again_at_once() -> None:
    """The first answer of the name server is a private address. It is refused, and not kept. So the
    second request looks the name up again, and gets a public address. That is kept for a minute, so
    the third answer is not used.
    """
    answers = [["10.0.0.1"], ["8.8.8.8"], ["10.0.0.1"]]
    resolver = Resolver(Guard(), names=NameCache(lambda *_: answers.pop(0)))
    origin = Origin("https", "www.example", PORT)
    with pytest.raises(RefusedAddress):
        await resolver.find_routes(origin, seconds=5)
    for _request in ("second", "third"):
        assert await resolver.find_routes(origin, seconds=5) == [Route("8.8.8.8", PORT, tls=True)]
