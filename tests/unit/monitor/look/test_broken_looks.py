"""Looks that break inside our own code: unknown, planned again, counted, and logged once a minute.

The poller calls a function, the hook, with the sighting of each look.
"""

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


def break_looks_at_bad_host(
    fault: type[Exception], until: float = 1e9
) -> Callable[[Request], Reply]:
    """Return a publisher.

    Until this second, a look at its bad host raises the fault in our own code.
    """

    def answer(request: Request) -> Reply:
        if BAD in request.url and asyncio.get_running_loop().time() < until:
            raise fault("date value out of range")
        return Reply(200, b"<h1>Figures</h1>")

    return answer


def watch_bad_and_good_host(run: PollerRun) -> None:
    for host in (BAD, GOOD):
        run.poller.watch(target(host, host=host), [window(every=1)])


def test_broken_look_is_unknown_and_next_one_is_punctual() -> None:
    """Two hosts get a look every second. At the bad host, the looks at seconds 0 to 3 raise an
    OverflowError in our own code. Those at seconds 4 to 6 succeed. No look at either host is late.
    """
    run = run_poller(
        watch_bad_and_good_host,
        seconds=6.5,
        publisher=break_looks_at_bad_host(OverflowError, until=3.5),
        may_break=True,
    )
    assert run.look_times(BAD) == run.look_times(GOOD) == [0, 1, 2, 3, 4, 5, 6]
    broken, succeeded = [(State.UNKNOWN, "monitor_fault")] * 4, [(State.PRESENT, "")] * 3
    assert [(sighting.state, sighting.why) for sighting in run.sightings_at(BAD)] == [
        *broken,
        *succeeded,
    ]
    assert {sighting.state for sighting in run.sightings_at(GOOD)} == {State.PRESENT}


def test_look_is_broken_and_unknown_if_its_hook_fails() -> None:
    """Here the page is present at each of three looks. The hook raises an error for that, but not
    for an unknown sighting.
    """

    def refuse_presence(_target: Target, sighting: Sighting) -> None:
        if sighting.state is State.PRESENT:
            raise OverflowError

    def act(run: PollerRun) -> None:
        run.on_sighting = refuse_presence
        run.poller.watch(target(), [window(every=1)])

    run = run_poller(
        act, seconds=2.5, publisher=lambda _: Reply(200, b"<h1>Figures</h1>"), may_break=True
    )
    # The hook gets two sightings of each look: the presence, which it refuses, and then an unknown
    # one in its place.
    assert [sighting.why for sighting in run.sightings] == ["", "monitor_fault"] * 3
    hosts_of_broken_looks = list(run.poller.broken.describe_by_host())
    assert hosts_of_broken_looks == [HOST]


def test_looks_continue_if_every_call_of_the_hook_fails() -> None:
    """The hook always raises an error."""

    def refuse(_target: Target, _sighting: Sighting) -> None:
        raise OverflowError

    def act(run: PollerRun) -> None:
        run.on_sighting = refuse
        run.poller.watch(target(), [window(every=1)])

    run = run_poller(act, seconds=3.5, may_break=True)
    looks = run.look_times("page")
    assert looks == [0, 1, 2, 3]
    # The hook fails twice for each look: for its sighting, and for the unknown one that replaces
    # it.
    assert run.poller.broken.describe_by_host()[HOST].startswith(
        f"{2 * len(looks)} with OverflowError"
    )


def test_broken_single_look_is_unknown() -> None:
    """Nothing is watched. At second 1, there is a single look at the bad host. It raises a
    ZeroDivisionError in our own code.
    """
    results: list[tuple[Sighting, object]] = []

    async def look_once(run: PollerRun) -> None:
        results.append(await run.poller.look_once(target("once", host=BAD)))

    run_poller(
        lambda _: None,
        publisher=break_looks_at_bad_host(ZeroDivisionError),
        do_at={1.0: look_once},
        may_break=True,
    )
    ((sighting, outcome),) = results
    assert (sighting.state, sighting.why) == (State.UNKNOWN, "monitor_fault")
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.detail) == (Reason.MONITOR_FAULT, "ZeroDivisionError")


def test_one_line_a_minute_is_logged_for_each_class_of_error() -> None:
    """Looks at the bad host, one a second, raise an error in our own code: every third a KeyError,
    the others an OverflowError. For each class, one line a minute is logged. It says how many lines
    were suppressed before it.
    """

    def answer(request: Request) -> Reply:
        if BAD in request.url:
            is_third_second = int(asyncio.get_running_loop().time()) % 3 == 2
            raise KeyError if is_third_second else OverflowError
        return Reply(200, b"<h1>Figures</h1>")

    with capture_logs() as lines:
        run = run_poller(watch_bad_and_good_host, seconds=134.5, publisher=answer, may_break=True)
    logged = [line for line in lines if line["event"] == "look_broke"]
    assert {line["host"] for line in logged} == {BAD}
    # In a minute, 40 looks raise OverflowError and 20 raise KeyError. Of each, all but one are
    # suppressed.
    assert [line["suppressed"] for line in logged if line["fault"] == "OverflowError"] == [
        0,
        39,
        39,
    ]
    assert [line["suppressed"] for line in logged if line["fault"] == "KeyError"] == [0, 19, 19]
    # There are 135 looks, from 12:00:00 to 12:02:14.
    assert run.poller.broken.describe_by_host()[BAD] == (
        "90 with OverflowError, the last at 26 November 12:02:13 UTC; "
        "45 with KeyError, the last at 26 November 12:02:14 UTC"
    )


def test_broken_look_does_not_interrupt_a_row_of_failed_connections() -> None:
    """Three failed connections in a row, at two hosts or more, are an outage of our network. Here
    connections fail at hosts a and b. Then a look breaks in our own code (MONITOR_FAULT), which
    does not show that a connection succeeded. So the next failed connection is the third in a row.
    """
    blind_spans: list[Blind] = []
    connectivity = Connectivity(blind_spans.append)
    outcomes = [
        ("a", Reason.CONNECT),
        ("b", Reason.CONNECT),
        ("a", Reason.MONITOR_FAULT),
        ("a", Reason.DNS),
    ]
    for second, (host, reason) in enumerate(outcomes):
        at = NOON.replace(second=second)
        connectivity.note(
            host, Failure(f"https://{host}.example/", reason, detail="", sent=at, received=at)
        )
    # An outage of our network is recorded: a span of time in which we were blind.
    assert [span.cause for span in blind_spans] == ["network"]
