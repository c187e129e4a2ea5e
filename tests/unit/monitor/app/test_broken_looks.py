"""A bug in our own code while a slot passes claims nothing, does not stop other looks, and is
visible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from structlog.testing import capture_logs

from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.look.sighting import State
from tests.unit.monitor.app.monitor_in_test import (
    HOST,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    reopened,
    run_monitor,
)
from tests.unit.monitor.app.replaying import differences_in_replay


class UnreadableHeaders(dict[str, str]):
    """Headers that raise when all of them are read, as evidence does."""

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override] # it never returns
        raise OverflowError("date value out of range")


@dataclass
class LookFaults:
    """Faults that a test switches on and off in the looks at the publisher's host."""

    fetching_raises: bool = False
    storing_evidence_raises: bool = False

    def add_to(self, fetcher: Fetcher) -> Fetcher:
        """Return a fetcher with these faults around another."""
        return FaultyFetcher(fetcher, self)


@dataclass
class FaultyFetcher:
    """A fetcher around another, whose looks raise while its faults are switched on."""

    fetcher: Fetcher
    faults: LookFaults

    async def fetch(self, request: Request) -> Answer | Failure:
        outcome = await self.fetcher.fetch(request)
        if HOST in request.url and self.faults.fetching_raises:
            raise OverflowError("date value out of range")
        if (
            HOST in request.url
            and self.faults.storing_evidence_raises
            and isinstance(outcome, Answer)
        ):
            return replace(outcome, headers=UnreadableHeaders(outcome.headers))
        return outcome

    async def close(self) -> None:
        await self.fetcher.close()


def test_looks_that_raise_before_slot_leave_the_release_on_time(tmp_path: Path) -> None:
    """A bug in our own code breaks the looks of 40 seconds.

    The status page and one log line report it.
    """
    faults = LookFaults()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:40")
        faults.fetching_raises = True
        await monitor.until("09:29:20")
        faults.fetching_raises = False
        assert monitor.runs()[-1].why == "monitor_fault"
        # 40 s with at least one look a second, because the slot is less than two minutes away.
        assert monitor.count_looks("monitor_fault") >= 40
        assert HOST in monitor.app.status.as_json()["status"]["Needs attention"]["Looks"]
        # From 09:29:20 on, looks succeed again. They see the page published at the slot, 09:30.
        await monitor.until("09:32:00")
        assert (monitor.stored_verdict(), monitor.notice_kinds()) == ("on_time", [])

    with capture_logs() as lines:
        run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.add_to)
    # Only the first fault within a minute is logged.
    assert [line["event"] for line in lines].count("look_broke") == 1


def test_looks_that_raise_around_slot_leave_the_release_unproven(tmp_path: Path) -> None:
    """The page is published at 09:30 and first seen at 09:33, so it may have come on time or
    late.
    """
    faults = LookFaults()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:50")
        faults.fetching_raises = True
        await monitor.until("09:33:00")
        faults.fetching_raises = False
        await monitor.until("09:45:00")
        assert monitor.stored_verdict() == "unproven"
        assert monitor.notice_kinds() == ["unproven"]

    with capture_logs() as lines:
        run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.add_to)
    # At 09:28:50 and then once a minute until 09:32:50.
    assert [line["event"] for line in lines].count("look_broke") == 5


def test_looks_prove_nothing_while_evidence_cannot_be_stored(tmp_path: Path) -> None:
    faults = LookFaults()

    async def act(monitor: MonitorInTest) -> None:
        # 09:29:55: from now on, our own code raises when it stores a response as evidence.
        await monitor.until("09:29:55")
        faults.storing_evidence_raises = True
        # 09:30:20: the page has been public since 09:30, but no look has proved it.
        await monitor.until("09:30:20")
        last_run = monitor.runs()[-1]
        assert (last_run.state, last_run.why) == (State.UNKNOWN, "monitor_fault")
        assert State.PRESENT not in {run.state for run in monitor.runs()}
        faults.storing_evidence_raises = False
        # 09:32: looks have succeeded again since 09:30:20. A page seen then is within the tolerance
        # of a minute.
        await monitor.until("09:32:00")
        assert monitor.stored_verdict() == "on_time"

    with capture_logs():
        settings = run_monitor(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.add_to)
    store = reopened(settings)
    # The stored looks, judged again, give the stored verdict.
    assert differences_in_replay(store, settings) == {"claims-q3": []}
    store.close()
