"""Looks that break inside our own code: unknown, planned again, counted, and logged once a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from structlog.testing import capture_logs

from monitor.health.hosts import Connectivity
from monitor.judge.runs import Blind
from monitor.look.fetch import Failure, Reason, Request
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from tests.unit.monitor.look.poller_run import HOST, NOON, PollerRun, run_poller, target, window
from tests.worlds.fetcher import Reply

BAD, GOOD = "bad.example", "good.example"


def break_looks_at_bad_host(fault: type[Exception], until: float = 1e9) -> Callable[[Request], Reply]:
    """Return a publisher. Until this second, a look at its bad host raises the fault in our own code."""

    def answer(request: Request) -> Reply:
        if BAD in request.url and asyncio.get_running_loop().time() < until:
            raise fault("date value out of range")
        return Reply(200, b"<h1>Figures</h1>")

    return answer


def watch_bad_and_good_host(run: PollerRun) -> None:
    for host in (BAD, GOOD):
        run.poller.watch(target(host, host=host), [window(every=1)])


def test_broken_look_is_unknown_and_next_one_is_punctual() -> None:
    """At the bad host, the looks at seconds 0 to 3 raise an OverflowError in our own code. Those at 4 to 6 succeed."""
    run = run_poller(
        watch_bad_and_good_host,
        seconds=6.5,
        publisher=break_looks_at_bad_host(OverflowError, until=3.5),
        may_break=True,
    )
    assert run.look_times(BAD) == run.look_times(GOOD) == [0, 1, 2, 3, 4, 5, 6]
    broken, whole = [(State.UNKNOWN, "monitor_fault")] * 4, [(State.PRESENT, "")] * 3
    assert [(sighting.state, sighting.why) for sighting in run.sightings_at(BAD)] == [*broken, *whole]
    assert {sighting.state for sighting in run.sightings_at(GOOD)} == {State.PRESENT}


def test_look_is_broken_and_unknown_if_its_hook_fails() -> None:
    """The hook is a function that the poller calls with each sighting. This one fails if the look saw the page."""

    def refuse(_target: Target, sighting: Sighting) -> None:
        if sighting.state is State.PRESENT:
            raise OverflowError

    def act(run: PollerRun) -> None:
        run.on_sighting = refuse
        run.poller.watch(target(), [window(every=1)])

    run = run_poller(act, seconds=2.5, publisher=lambda _: Reply(200, b"<h1>Figures</h1>"), may_break=True)
    # Each look is reported twice: as what it saw, which the hook refuses, and then as unknown.
    assert [sighting.why for sighting in run.sightings] == ["", "monitor_fault"] * 3
    assert list(run.poller.broken.describe_by_host()) == [HOST]


def test_looks_continue_if_every_hook_fails() -> None:
    """The hook is a function that the poller calls with each sighting. This one always fails."""

    def refuse(_target: Target, _sighting: Sighting) -> None:
        raise OverflowError

    def act(run: PollerRun) -> None:
        run.on_sighting = refuse
        run.poller.watch(target(), [window(every=1)])

    run = run_poller(act, seconds=3.5, may_break=True)
    looks = run.look_times("page")
    assert looks == [0, 1, 2, 3]
    # The hook fails for the sighting of each look, and again for the unknown one that replaces it.
    assert run.poller.broken.describe_by_host()[HOST].startswith(f"{2 * len(looks)} with OverflowError")


def test_broken_single_look_is_unknown() -> None:
    """Every look at the bad host raises a ZeroDivisionError in our own code."""
    found: list[tuple[Sighting, object]] = []

    async def once(run: PollerRun) -> None:
        found.append(await run.poller.look_once(target("once", host=BAD)))

    run_poller(lambda _: None, publisher=break_looks_at_bad_host(ZeroDivisionError), do_at={1.0: once}, may_break=True)
    ((sighting, outcome),) = found
    assert (sighting.state, sighting.why) == (State.UNKNOWN, "monitor_fault")
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.detail) == (Reason.MONITOR_FAULT, "ZeroDivisionError")


def test_one_line_a_minute_is_logged_for_each_fault_class() -> None:
    """Looks at the bad host, one a second, break in our own code: every third with KeyError, others with
    OverflowError."""

    def answer(request: Request) -> Reply:
        if BAD in request.url:
            is_third_second = int(asyncio.get_running_loop().time()) % 3 == 2
            raise KeyError if is_third_second else OverflowError
        return Reply(200, b"<h1>Figures</h1>")

    with capture_logs() as lines:
        run = run_poller(watch_bad_and_good_host, seconds=134.5, publisher=answer, may_break=True)
    logged = [line for line in lines if line["event"] == "look_broke"]
    assert {line["host"] for line in logged} == {BAD}
    # In a minute, 40 looks break with OverflowError and 20 with KeyError. Of each, all but one are suppressed.
    assert [line["suppressed"] for line in logged if line["fault"] == "OverflowError"] == [0, 39, 39]
    assert [line["suppressed"] for line in logged if line["fault"] == "KeyError"] == [0, 19, 19]
    # The last of the 135 looks is at 12:02:14.
    assert run.poller.broken.describe_by_host()[BAD] == (
        "90 with OverflowError, the last at 26 November 12:02:13 UTC; "
        "45 with KeyError, the last at 26 November 12:02:14 UTC"
    )


def test_broken_look_does_not_interrupt_a_row_of_failed_connections() -> None:
    """Three failed connections in a row, at two hosts or more, are an outage of our network."""
    blind_spans: list[Blind] = []
    connectivity = Connectivity(blind_spans.append)
    # MONITOR_FAULT: this look broke in our own code, which does not show that a connection succeeded.
    outcomes = [("a", Reason.CONNECT), ("b", Reason.CONNECT), ("a", Reason.MONITOR_FAULT), ("a", Reason.DNS)]
    for second, (host, reason) in enumerate(outcomes):
        at = NOON.replace(second=second)
        connectivity.note(host, Failure(f"https://{host}.example/", reason, "", at, at))
    assert [span.cause for span in blind_spans] == ["network"]
