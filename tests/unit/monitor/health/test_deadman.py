from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from monitor.clock import SystemClock
from monitor.health.self_check import DeadManSwitch
from monitor.look.guard import make_guard
from monitor.look.http.fetcher import HttpFetcher
from tests.loopback import Server, http_server

TOKEN = "5c9a0f3e-1b4d-secret"


@asynccontextmanager
async def dead_man_switch(
    status: int, troubles: list[str], outcomes: Counter[str]
) -> AsyncIterator[tuple[DeadManSwitch, Server]]:
    async with http_server(lambda _: (status, "OK", {})) as server:
        fetcher = HttpFetcher(SystemClock(), make_guard(["127.0.0.1/32"], [server.port]))
        try:
            yield (
                DeadManSwitch(fetcher, f"{server.url}/{TOKEN}", lambda: troubles, lambda word: outcomes.update([word])),
                server,
            )
        finally:
            await fetcher.close()


async def test_the_switch_sends_one_request_each_time_while_all_is_well() -> None:
    outcomes: Counter[str] = Counter()
    async with dead_man_switch(200, [], outcomes) as (deadman, server):
        await deadman.ping()
        await deadman.ping()
    assert [(asked.method, asked.target) for asked in server.asked] == [("GET", f"/{TOKEN}")] * 2
    assert outcomes == {"accepted": 2}


async def test_the_switch_sends_nothing_during_a_fault_and_logs_it() -> None:
    troubles, outcomes = ["calendar govuk: not read yet"], Counter[str]()
    async with dead_man_switch(200, troubles, outcomes) as (deadman, server):
        with capture_logs() as lines:
            await deadman.ping()
        troubles.clear()
        await deadman.ping()
    assert len(server.asked) == 1
    assert outcomes == {"withheld": 1, "accepted": 1}
    assert [(line["event"], line["reasons"]) for line in lines] == [
        ("deadman_withheld", ["calendar govuk: not read yet"])
    ]


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_refused_ping_is_logged_without_its_address(status: int) -> None:
    outcomes: Counter[str] = Counter()
    async with dead_man_switch(status, [], outcomes) as (deadman, _):
        with capture_logs() as lines:
            await deadman.ping()
    assert outcomes == {"refused": 1}
    assert [(line["event"], line["why"]) for line in lines] == [("deadman_refused", status)]
    assert TOKEN not in str(lines)


async def test_an_unreachable_switch_does_not_break_the_job() -> None:
    outcomes: Counter[str] = Counter()
    fetcher = HttpFetcher(SystemClock(), make_guard(["127.0.0.1/32"], [1]))
    with capture_logs() as lines:
        await DeadManSwitch(fetcher, f"http://127.0.0.1:1/{TOKEN}", list, lambda word: outcomes.update([word])).ping()
    await fetcher.close()
    assert (outcomes, lines[0]["why"]) == ({"refused": 1}, "connect")
