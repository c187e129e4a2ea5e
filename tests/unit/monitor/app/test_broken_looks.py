"""A fault of our own while a slot passes: nothing is claimed, other looks go on, and people can see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs

from monitor.judge.policy import Policies
from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.look.sighting import State
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.life import HOST, OUT_IN_TIME, Life, live, reopened


class UnreadableHeaders(dict[str, str]):
    """Headers that raise when all of them are read, as evidence does."""

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override] # it never returns
        raise OverflowError("date value out of range")


class BreakingFetcher:
    """A fetcher around another whose looks break for a while, in the fetcher or after it."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.raises = self.spoils = False

    async def fetch(self, request: Request) -> Answer | Failure:
        outcome = await self._fetcher.fetch(request)
        if HOST in request.url and self.raises:
            raise OverflowError("date value out of range")
        is_spoilt = HOST in request.url and self.spoils and isinstance(outcome, Answer)
        return replace(outcome, headers=UnreadableHeaders(outcome.headers)) if is_spoilt else outcome

    async def close(self) -> None:
        await self._fetcher.close()


def breaking_fetchers() -> tuple[Callable[[Fetcher], Fetcher], list[BreakingFetcher]]:
    """Return the function that puts a breaking fetcher around the real one, and the list of those that it made."""
    made: list[BreakingFetcher] = []

    def around(fetcher: Fetcher) -> Fetcher:
        made.append(BreakingFetcher(fetcher))
        return made[-1]

    return around, made


def test_looks_that_raise_before_a_slot_leave_the_verdict_on_time_and_are_shown(tmp_path: Path) -> None:
    around, made = breaking_fetchers()

    async def act(life: Life) -> None:
        await life.until("09:28:40")
        made[0].raises = True
        await life.until("09:29:20")
        made[0].raises = False
        assert life.runs()[-1].why == "monitor_fault"
        assert life.looks("monitor_fault") >= 20
        assert HOST in life.app.status.as_json()["status"]["Needs attention"]["Looks"]
        await life.until("09:32:00")
        assert (life.word(), life.daemon.store.outbox.notices()) == ("on_time", [])

    with capture_logs() as lines:
        live(tmp_path, OUT_IN_TIME, act, around=around)
    assert [line["suppressed"] for line in lines if line["event"] == "look_broke"] == [0]


def test_looks_that_raise_around_the_slot_leave_the_release_unproven(tmp_path: Path) -> None:
    around, made = breaking_fetchers()

    async def act(life: Life) -> None:
        await life.until("09:28:50")
        made[0].raises = True
        await life.until("09:33:00")
        made[0].raises = False
        await life.until("09:45:00")
        assert life.word() == "unproven"
        assert {notice.kind for notice in life.daemon.store.outbox.notices()} <= {"unproven", "final"}

    with capture_logs() as lines:
        live(tmp_path, OUT_IN_TIME, act, around=around)
    assert len([line for line in lines if line["event"] == "look_broke"]) == 5


def test_memory_and_store_agree_after_looks_that_raised(tmp_path: Path) -> None:
    around, made = breaking_fetchers()

    async def act(life: Life) -> None:
        await life.until("09:29:55")
        made[0].spoils = True
        await life.until("09:30:20")
        made[0].spoils = False
        assert (life.runs()[-1].state, life.runs()[-1].why) == (State.UNKNOWN, "monitor_fault")
        assert State.PRESENT not in {run.state for run in life.runs()}
        await life.until("09:32:00")
        assert life.word() == "on_time"

    with capture_logs():
        store = reopened(live(tmp_path, OUT_IN_TIME, act, around=around))
    assert [name for name, differences in replay(store, Policies(), None, None) if differences] == []
    store.close()
