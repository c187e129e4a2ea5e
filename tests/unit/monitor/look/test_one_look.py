"""Whoever makes a request: a host that asks for patience is left alone by all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from monitor.ledger.pages import CalendarPages
from monitor.ledger.reader import CalendarReader
from monitor.look.fake import Reply
from monitor.look.fetch import Found, Request
from monitor.threads import Tasks
from monitor.watch.unannounced import Unannounced
from schedules.sources.options import SourceOptions
from schedules.sources.registry import KINDS
from tests.unit.monitor.app.office import Office, at_work, csv, row
from tests.unit.monitor.look.story import HOST, Watch, target, watch, watching

BUSY = Reply(429, b"", {"Retry-After": "20"})


async def a_scheduled_look(seen: Watch) -> object:
    return await seen.clock.sleep(1)


async def a_look_once(seen: Watch) -> object:
    return await seen.poller.look_once(target("once"))


async def a_glance(seen: Watch) -> object:
    return await seen.poller.glance(target("listed"))


async def a_calendar_read(seen: Watch) -> object:
    source = KINDS["toml"](SourceOptions(name="own", url=f"https://{HOST}/releases.toml", timezone="Europe/London"))
    return await CalendarReader("own", source, CalendarPages(seen.poller.ask), seen.clock).read()


EVERYBODY: dict[str, Callable[[Watch], Awaitable[object]]] = {
    "page": a_scheduled_look,
    "once": a_look_once,
    "listed": a_glance,
    "releases.toml": a_calendar_read,
}


@pytest.mark.parametrize("first", EVERYBODY)
def test_whoever_is_told_to_wait_everybody_waits(first: str) -> None:
    begun: list[tuple[float, str]] = []

    def publisher(request: Request) -> Reply:
        name, now = request.url.rpartition("/")[2], asyncio.get_running_loop().time()
        is_told = name == first and now >= 2.5 and not any(at >= 2.5 and one == first for at, one in begun)
        begun.append((now, name))
        return BUSY if is_told else Reply(200, b"x")

    async def act(seen: Watch) -> None:
        await EVERYBODY[first](seen)
        assert seen.poller.is_quiet(HOST)
        await asyncio.gather(*(ask(seen) for ask in EVERYBODY.values()))

    watch(watching("page"), script=publisher, seconds=60, later=[(2.5, act)])
    told = next(at for at, name in begun if name == first and at >= 2.5)
    after = {name: at for at, name in reversed(begun) if at > told}
    assert set(after) == set(EVERYBODY)
    assert min(after.values()) >= told + 20


def test_an_unannounced_release_is_looked_up_in_its_hosts_turn_and_heeds_patience(tmp_path: Path) -> None:
    page = "https://www.gov.uk/government/statistics/example-surprise"

    async def act(office: Office) -> None:
        office.pages["https://www.gov.uk/api/content/government/statistics/example-surprise"] = BUSY
        await office.read(csv(row("a")))
        daemon = office.daemon
        newcomers = Unannounced(
            daemon.store.ledger,
            daemon.writer,
            daemon.ledger,
            daemon.watch,
            daemon.poller,
            office.clock,
            daemon.intake.tally,
            Tasks(),
        )
        await newcomers.consider("example-office", Found(page, "Example surprise: October 2026", "listed"))
        assert daemon.poller.is_quiet("www.gov.uk")
        assert set(daemon.watch.releases) == {"a"}

    at_work(tmp_path, act)
