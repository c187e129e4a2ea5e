"""A browser of the pages of a daemon that runs in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.queries import Queries
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor
from tests.unit.monitor.app.monitor_in_test import MonitorInTest


@asynccontextmanager
async def browse(
    runs: MonitorInTest | CalendarMonitor,
    *,
    local: bool = True,
    **more: Any,  # noqa: ANN401 # as Queries takes them
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of its pages without a socket: for a person at its machine, or a stranger if
    not `local`.
    """
    store, clock, throttle = runs.store, runs.clock, Throttle(runs.clock)
    queries = Queries(
        store, runs.app.status, clock, "Europe/London", throttle=throttle, local=local, **more
    )
    transport = httpx.ASGITransport(make_application(queries))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client
    finally:
        queries.close()
