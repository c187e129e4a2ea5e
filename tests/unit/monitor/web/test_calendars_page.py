"""Calendars in the API, and the joined calendar to subscribe to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
from icalendar import Calendar

from tests.unit.monitor.app.browsing import browse
from tests.unit.monitor.app.calendar_monitor import (
    RESET,
    CalendarMonitor,
    csv,
    row,
    run_calendar_monitor,
)

Get = Callable[[str], Awaitable[httpx.Response]]


def run_office(folder: Path, act: Callable[[CalendarMonitor, Get], Awaitable[None]]) -> None:
    async def story(monitor: CalendarMonitor) -> None:
        async with browse(monitor, calendars=["stats"]) as client:
            await act(monitor, client.get)

    run_calendar_monitor(folder, story)


def test_api_lists_calendars_with_last_usable_read_and_fault(tmp_path: Path) -> None:
    async def act(monitor: CalendarMonitor, get: Get) -> None:
        (result,) = (await get("/api/v1/calendars")).json()["calendars"]
        assert (result["last_usable_read"], result["fault"]) == (None, "not read yet")
        # The first read is at 12:00. The second fails ten minutes later.
        await monitor.read_calendar(csv(row("a"), row("b")))
        await monitor.read_calendar(RESET, minutes_later=10)
        answer = (await get("/api/v1/calendars")).json()
        assert answer["calendars"] == [
            {
                "name": "stats",
                "last_usable_read": "2026-11-16T12:00:00.000Z",
                "entries": 2,
                "last_read": "2026-11-16T12:10:00.000Z",
                "fault": "reset: scripted (https://stats.example/calendar.csv)",
            }
        ]
        # The newest read is the first.
        assert [read["usable"] for read in answer["reads"]] == [False, True]
        headings, row_of_stats = (await get("/api/v1/calendars?format=csv")).text.splitlines()
        assert headings == "name,last_usable_read,entries,last_read,fault"
        assert row_of_stats.startswith("stats,2026-11-16T12:00:00.000Z,2,")

    run_office(tmp_path, act)


def test_the_joined_calendar_can_be_subscribed_to(tmp_path: Path) -> None:
    """The joined calendar has the releases of all calendars that the monitor reads."""

    async def act(monitor: CalendarMonitor, get: Get) -> None:
        await monitor.read_calendar(csv(row("a"), row("b", "2026-12-03", state="provisional")))
        answer = await get("/calendar.ics")
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        events = Calendar.from_ical(answer.content).walk("VEVENT")
        assert [(str(event["UID"]), str(event["STATUS"])) for event in events] == [
            ("a@ninethirty", "CONFIRMED"),
            ("b@ninethirty", "TENTATIVE"),
        ]
        assert (
            (await get("/calendar.csv"))
            .text.splitlines()[1]
            .startswith("a,Example a,example-office,")
        )

    run_office(tmp_path, act)


def test_joined_csv_calendar_is_cached_for_a_minute(tmp_path: Path) -> None:
    """The joined calendar has the releases of all calendars. After it was read as CSV, the title of
    a release changes. The CSV shows that only a minute later.
    """

    async def act(monitor: CalendarMonitor, get: Get) -> None:
        await monitor.read_calendar(csv(row("a")))
        first = (await get("/calendar.csv")).text
        with monitor.daemon.core.store.transaction() as tx:
            known = monitor.daemon.core.store.ledger.release("a")
            assert known is not None
            tx.save(replace(known, title="Called otherwise"))
        assert (await get("/calendar.csv")).text == first
        # The JSON, which had not been read before, shows it at once.
        assert "Called otherwise" in (await get("/calendar.json")).text
        await monitor.clock.sleep(60)
        assert "Called otherwise" in (await get("/calendar.csv")).text

    run_office(tmp_path, act)
