"""A wait that a host asks for applies to every kind of request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.ledger.pages import CalendarPages
from monitor.ledger.reader import CalendarReader
from monitor.look.fetch import Found, Request
from monitor.look.host_queue import HostQueue
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.plan.budget import Budget
from monitor.rehearse.virtual_loop import run_virtually
from monitor.threads import Tasks
from monitor.watch.unannounced import Unannounced
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, run_calendar_monitor
from tests.unit.monitor.look.poller_run import (
    HOST,
    PollerRun,
    gaps_between,
    requested_page,
    run_poller,
    target,
    watch_pages,
)
from tests.worlds.calendars import calendar_settings
from tests.worlds.fetcher import Reply, ScriptedFetcher
from tests.worlds.workers import workers_here

WAIT_20_S = Reply(429, b"", {"Retry-After": "20"})


async def read_calendar(run: PollerRun) -> object:
    settings = calendar_settings("toml", f"https://{HOST}/releases.toml")
    pages = CalendarPages(run.poller.send_in_turn, workers_here())
    return await CalendarReader("own", settings, pages, run.clock).read()


SEND_BY_PAGE_NAME: dict[str, Callable[[PollerRun], Awaitable[object]]] = {
    "page": lambda run: run.clock.sleep(1),  # the poller looks at the page by its plan
    "once": lambda run: run.poller.look_once(target("once")),
    "listed": lambda run: run.poller.look_without_memory(target("listed")),
    "releases.toml": read_calendar,
}


@pytest.mark.parametrize("refused_page", SEND_BY_PAGE_NAME)
def test_refusal_of_any_request_delays_all_requests_to_host(refused_page: str) -> None:
    """A monitor sends four kinds of requests to a host: planned looks, two kinds of single looks,
    and calendar reads. Each kind is for a page of its own, so the page shows the kind. From second
    2.5 on, one kind is sent first. The host answers it with 429 and `Retry-After: 20`. Then all
    four kinds are sent. All must wait until 20 s are over.
    """
    refused_at: list[float] = []
    sent_after_refusal: list[tuple[float, str]] = []

    def refuse_once_from_2_5_s_on(request: Request) -> Reply:
        name, now = requested_page(request), asyncio.get_running_loop().time()
        if refused_at:
            sent_after_refusal.append((now, name))
        elif name == refused_page and now >= 2.5:
            refused_at.append(now)
            return WAIT_20_S
        return Reply(200, b"x")

    async def send_requests(run: PollerRun) -> None:
        # The table has a function for each page, which sends its kind of request. First the one
        # that is refused.
        await SEND_BY_PAGE_NAME[refused_page](run)
        assert HOST in run.poller.host_waits()
        assert run.poller.next_due() is None  # no look is due while its only host waits
        # Now all four kinds.
        await asyncio.gather(*(send(run) for send in SEND_BY_PAGE_NAME.values()))

    run_poller(
        watch_pages("page"),
        publisher=refuse_once_from_2_5_s_on,
        seconds=60,
        do_at={2.5: send_requests},
    )
    assert {name for _, name in sent_after_refusal} == set(SEND_BY_PAGE_NAME)
    assert min(at for at, _ in sent_after_refusal) >= refused_at[0] + 20


def test_refused_check_of_unannounced_release_adds_no_release(tmp_path: Path) -> None:
    """A calendar announces release a. A listing shows a page that no calendar announced. A request
    checks that page before a release is added for it. It is answered with 429 and `Retry-After:
    20`. So the host gets no requests for 20 s, and no release is added.
    """
    page = "https://www.gov.uk/government/statistics/example-surprise"

    async def act(monitor: CalendarMonitor) -> None:
        monitor.pages["https://www.gov.uk/api/content/government/statistics/example-surprise"] = (
            WAIT_20_S
        )
        await monitor.read_calendar(csv(row("a")))  # release a
        daemon = monitor.daemon
        unannounced = Unannounced(
            store=daemon.core.store.ledger,
            writer=daemon.core.writer,
            ledger=daemon.core.ledger,
            watch=daemon.parts.watch,
            poller=daemon.parts.poller,
            clock=monitor.clock,
            tally=daemon.parts.intake.tally,
            tasks=Tasks(),
        )
        await unannounced.consider(
            "example-office", Found(page, "Example surprise: October 2026", "listed")
        )
        assert "www.gov.uk" in daemon.parts.poller.host_waits()
        assert set(daemon.parts.watch.releases) == {"a"}

    run_calendar_monitor(tmp_path, act)


class SlowPublisher:
    """A publisher of one host that takes ten seconds to answer, and keeps when each request
    began.
    """

    def __init__(self) -> None:
        self.begun: list[float] = []

    def __call__(self, _request: Request) -> Reply:
        self.begun.append(asyncio.get_running_loop().time())
        return Reply(200, b"x", seconds=10.0)

    def most_at_once(self) -> int:
        return max(sum(at <= other < at + 10 for other in self.begun) for at in self.begun)


def test_looks_and_requests_together_use_three_places_at_most() -> None:
    """At most three requests to this host may be under way at once (`at_once`). Each answer takes
    ten seconds. Looks at two pages are due every second, and at second 0.5 six other requests are
    sent. So there is always one that waits.
    """
    slow = SlowPublisher()

    async def send_six_requests(run: PollerRun) -> None:
        await asyncio.gather(
            *(run.poller.send_in_turn(Request(f"https://{HOST}/{n}")) for n in range(6))
        )

    run_poller(
        watch_pages("page", "news"),
        publisher=slow,
        seconds=60,
        do_at={0.5: send_six_requests},
        at_once=3,
    )
    assert slow.most_at_once() == 3
    # All six requests began, and more than the first look at each of the two pages. So looks
    # continued beside them.
    assert len(slow.begun) > 6 + 2


def test_budget_limits_requests_even_if_poller_does_not_run() -> None:
    """A command sends nine requests through the poller, whose looks do not run. The host allows two
    requests a second, and three under way at once. Each answer takes ten seconds, so most requests
    wait. One is cancelled while it waits. The other eight are sent within the budget.
    """
    slow, requests_per_second = SlowPublisher(), 2.0

    async def send_nine_requests(clock: VirtualClock) -> None:
        poller = Poller(
            clock,
            ScriptedFetcher(clock, slow),
            Budget(requests_per_second),
            Interpreter(),
            at_once=3,
        )
        *others, last = [
            asyncio.ensure_future(poller.send_in_turn(Request(f"https://{HOST}/{n}")))
            for n in range(9)
        ]
        await clock.sleep(1.5)
        last.cancel()  # while it waits for its turn
        await asyncio.gather(*others)

    run_virtually(send_nine_requests)
    assert len(slow.begun) == 8
    assert slow.most_at_once() == 3
    assert min(gaps_between(slow.begun)) >= 1 / requests_per_second


def test_cancelled_request_passes_its_turn_to_the_next() -> None:
    """A host has one place: one request may be under way at a time. The first request has it, the
    other two wait. When the first ends, the second gets the place. But it is cancelled before it
    can use it. So the third is sent.
    """

    async def cancel_second_request(clock: VirtualClock) -> None:
        # No looks start here, only requests.
        queue = HostQueue(
            HOST, rate=2.0, clock=clock, start=lambda _watched, _due, _now: None, most_under_way=1
        )
        sent: list[str] = []

        async def send(name: str) -> None:
            async with queue.reserve_place():
                sent.append(name)

        first = queue.reserve_place()
        await first.__aenter__()  # takes the place
        second, third = asyncio.ensure_future(send("second")), asyncio.ensure_future(send("third"))
        await clock.sleep(1)
        await first.__aexit__(None, None, None)  # gives the place to the second
        second.cancel()
        await third
        assert sent == ["third"]
        assert queue.under_way == 0

    run_virtually(cancel_second_request)
