"""A bug in our own code while a slot passes claims nothing, does not stop other looks, and is visible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from structlog.testing import capture_logs

from monitor.app.options import make_policies
from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.look.sighting import State
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.life import HOST, PUBLISHED_AT_SLOT, Life, live, reopened


class UnreadableHeaders(dict[str, str]):
    """Headers that raise when all of them are read, as evidence does."""

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override] # it never returns
        raise OverflowError("date value out of range")


@dataclass
class LookFaults:
    """Faults that a test switches on and off in the looks at the publisher's host."""

    fetcher_raises: bool = False
    evidence_raises: bool = False

    def wrap(self, fetcher: Fetcher) -> Fetcher:
        """Return a fetcher with these faults around another."""
        return FaultyFetcher(fetcher, self)


@dataclass
class FaultyFetcher:
    """A fetcher around another, whose looks raise while its faults are switched on."""

    fetcher: Fetcher
    faults: LookFaults

    async def fetch(self, request: Request) -> Answer | Failure:
        outcome = await self.fetcher.fetch(request)
        if HOST in request.url and self.faults.fetcher_raises:
            raise OverflowError("date value out of range")
        if HOST in request.url and self.faults.evidence_raises and isinstance(outcome, Answer):
            return replace(outcome, headers=UnreadableHeaders(outcome.headers))
        return outcome

    async def close(self) -> None:
        await self.fetcher.close()


def test_looks_that_raise_before_a_slot_leave_the_verdict_on_time_and_are_shown(tmp_path: Path) -> None:
    faults = LookFaults()

    async def act(life: Life) -> None:
        await life.until("09:28:40")
        faults.fetcher_raises = True
        await life.until("09:29:20")
        faults.fetcher_raises = False
        assert life.runs()[-1].why == "monitor_fault"
        # 40 s with at least one look a second, because the slot is less than two minutes away.
        assert life.count_looks("monitor_fault") >= 40
        assert HOST in life.app.status.as_json()["status"]["Needs attention"]["Looks"]
        # From 09:29:20 on, looks succeed again. They see the page published at the slot, 09:30.
        await life.until("09:32:00")
        assert (life.stored_verdict(), life.notice_kinds()) == ("on_time", [])

    with capture_logs() as lines:
        live(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.wrap)
    # Only the first fault within a minute is logged.
    assert [line["event"] for line in lines].count("look_broke") == 1


def test_looks_that_raise_for_four_minutes_around_the_slot_leave_the_release_unproven(tmp_path: Path) -> None:
    faults = LookFaults()

    async def act(life: Life) -> None:
        await life.until("09:28:50")
        faults.fetcher_raises = True
        await life.until("09:33:00")
        faults.fetcher_raises = False
        await life.until("09:45:00")
        # The page is published at the slot, 09:30. It is first seen at 09:33, so it may have come on time or late.
        assert life.stored_verdict() == "unproven"
        assert life.notice_kinds() == ["unproven"]

    with capture_logs() as lines:
        live(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.wrap)
    # At 09:28:50 and then once a minute until 09:32:50.
    assert [line["event"] for line in lines].count("look_broke") == 5


def test_looks_whose_evidence_raises_are_unknown_and_a_replay_of_the_store_finds_no_difference(tmp_path: Path) -> None:
    faults = LookFaults()

    async def act(life: Life) -> None:
        await life.until("09:29:55")
        faults.evidence_raises = True
        await life.until("09:30:20")
        faults.evidence_raises = False
        assert (life.runs()[-1].state, life.runs()[-1].why) == (State.UNKNOWN, "monitor_fault")
        assert State.PRESENT not in {run.state for run in life.runs()}
        await life.until("09:32:00")
        # The page was seen after 09:30:20, which is within the tolerance of a minute.
        assert life.stored_verdict() == "on_time"

    with capture_logs():
        settings = live(tmp_path, PUBLISHED_AT_SLOT, act, around=faults.wrap)
    store = reopened(settings)
    every_verdict = replay(store, make_policies(settings), begin=None, end=None)
    assert [name for name, differences in every_verdict if differences] == []
    store.close()
