"""A service alerts people if it gets no request from the switch for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
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
    *, server_status: int = 200, reasons_to_alarm: Sequence[str] = ()
) -> AsyncIterator[tuple[DeadManSwitch, Server, Counter[str]]]:
    """Give a switch, the server that it pings, which answers with this status, and the count of its
    outcomes.
    """
    outcomes = Counter[str]()
    async with http_server(lambda _: (server_status, "OK", {})) as server:
        fetcher = HttpFetcher(SystemClock(), make_guard(["127.0.0.1/32"], [server.port]))
        address = f"{server.url}/{TOKEN}"
        try:
            yield (
                DeadManSwitch(
                    fetcher,
                    address,
                    lambda: reasons_to_alarm,
                    lambda outcome: outcomes.update([outcome]),
                ),
                server,
                outcomes,
            )
        finally:
            await fetcher.close()


async def test_switch_sends_one_request_each_time_without_a_fault() -> None:
    async with dead_man_switch(reasons_to_alarm=[]) as (switch, server, outcomes):
        await switch.ping()
        await switch.ping()
    assert [(request.method, request.target) for request in server.asked] == [
        ("GET", f"/{TOKEN}")
    ] * 2
    assert outcomes == {"accepted": 2}


async def test_switch_sends_nothing_during_a_fault_and_logs_it() -> None:
    fault = "calendar govuk: not read yet"
    async with dead_man_switch(reasons_to_alarm=[fault]) as (switch, server, outcomes):
        with capture_logs() as lines:
            await switch.ping()
    assert server.asked == []
    assert outcomes == {"withheld": 1}
    assert [(line["event"], line["reasons"]) for line in lines] == [("deadman_withheld", [fault])]


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_refused_ping_is_logged_without_its_address(status: int) -> None:
    """For example, the server answers 404. The address contains a secret token."""
    async with dead_man_switch(server_status=status) as (switch, _, outcomes):
        with capture_logs() as lines:
            await switch.ping()
    assert outcomes == {"refused": 1}
    assert [(line["event"], line["why"]) for line in lines] == [("deadman_refused", status)]
    assert TOKEN not in str(lines)


async def test_ping_without_connection_counts_as_refused() -> None:
    outcomes = Counter[str]()
    fetcher = HttpFetcher(SystemClock(), make_guard(["127.0.0.1/32"], ports=[1]))
    nothing_listens_here = "http://127.0.0.1:1/"
    switch = DeadManSwitch(
        fetcher,
        nothing_listens_here,
        reasons_to_alarm=list,
        count_ping=lambda outcome: outcomes.update([outcome]),
    )
    with capture_logs() as lines:
        await switch.ping()
    await fetcher.close()
    assert outcomes == {"refused": 1}
    assert lines[0]["why"] == "connect"
