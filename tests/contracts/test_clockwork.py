"""How recurring jobs run, in real and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from monitor.app.jobs import Jobs
from monitor.clock import Clock, SystemClock
from monitor.rehearse.virtual_loop import run_virtually

SPACING = timedelta(seconds=0.05)


@dataclass
class Bench:
    """A clockwork on its clock, and the names of jobs that failed."""

    clock: Clock
    failed: list[str] = field(default_factory=list)

    def clockwork(self) -> Jobs:
        return Jobs(self.clock, lambda name, _fault: self.failed.append(name))


Story = Callable[[Bench], Awaitable[None]]


def really(story: Story) -> None:
    async def run_story() -> None:
        async with asyncio.timeout(10):
            await story(Bench(SystemClock()))

    asyncio.run(run_story())


def virtually(story: Story) -> None:
    async def run_story(clock: Clock) -> None:
        await story(Bench(clock))

    run_virtually(run_story)


@pytest.fixture(params=[really, virtually])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    run: Callable[[Story], None] = request.param
    return run


def counting(most: int) -> tuple[Callable[[], Awaitable[None]], list[int], asyncio.Event]:
    """Return a job that counts its runs, the list of runs, and an event that the last run sets."""
    runs: list[int] = []
    enough = asyncio.Event()

    async def job() -> None:
        runs.append(len(runs))
        if len(runs) >= most:
            enough.set()

    return job, runs, enough


def test_a_job_runs_when_the_clockwork_starts_and_then_every_so_often(
    tell: Callable[[Story], None],
) -> None:
    async def story(bench: Bench) -> None:
        job, runs, enough = counting(4)
        clockwork = bench.clockwork()
        clockwork.add_job(SPACING, "job", job)
        assert runs == []
        began = bench.clock.monotonic()
        clockwork.start()
        await enough.wait()
        assert bench.clock.monotonic() - began >= 0.14
        await clockwork.stop()

    tell(story)


def test_a_rare_job_runs_at_once_and_only_once(tell: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        rare, runs, first = counting(1)
        often, _, enough = counting(3)
        clockwork = bench.clockwork()
        clockwork.add_job(timedelta(seconds=5), "rare", rare)
        clockwork.add_job(SPACING, "often", often)
        began = bench.clock.monotonic()
        clockwork.start()
        # A first run in the far past would be looked for among all the runs missed since then.
        await asyncio.wait_for(first.wait(), 2)
        assert bench.clock.monotonic() - began < 2
        await enough.wait()
        assert runs == [0]
        await clockwork.stop()

    tell(story)


def test_a_job_that_fails_is_told_of_and_runs_again(tell: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        count, _, enough = counting(3)

        async def job() -> None:
            await count()
            raise KeyError("no such thing")

        clockwork = bench.clockwork()
        clockwork.add_job(SPACING, "faulty", job)
        clockwork.start()
        await enough.wait()
        await bench.clock.sleep(0.01)
        await clockwork.stop()
        assert bench.failed == ["faulty"] * 3

    tell(story)


def test_a_job_that_is_still_running_is_not_started_again_and_holds_up_no_other(
    tell: Callable[[Story], None],
) -> None:
    async def story(bench: Bench) -> None:
        count, runs, _ = counting(99)
        other, _, enough = counting(4)

        async def slow() -> None:
            await count()
            await asyncio.Event().wait()

        clockwork = bench.clockwork()
        clockwork.add_job(SPACING, "slow", slow)
        clockwork.add_job(SPACING, "other", other)
        clockwork.start()
        await enough.wait()
        assert runs == [0]
        await clockwork.stop()

    tell(story)


def test_a_job_that_takes_the_place_of_another_waits_for_its_run_and_one_that_is_dropped_runs_no_more(
    tell: Callable[[Story], None],
) -> None:
    async def story(bench: Bench) -> None:
        old, new, dropped, late = (counting(2) for _ in range(4))
        may_end = asyncio.Event()

        async def slow() -> None:
            await old[0]()
            await may_end.wait()
            assert new[1] == []

        clockwork = bench.clockwork()
        clockwork.add_job(SPACING, "job", slow)
        clockwork.add_job(SPACING, "dropped", dropped[0])
        clockwork.start()
        await dropped[2].wait()
        clockwork.add_job(SPACING, "job", new[0])
        clockwork.drop("dropped")
        clockwork.add_job(SPACING, "late", late[0])
        await late[2].wait()
        may_end.set()
        await new[2].wait()
        assert (old[1], len(dropped[1]), bench.failed) == ([0], 2, [])
        await clockwork.stop()

    tell(story)


def test_a_shorter_spacing_counts_from_the_last_run(tell: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        rare, _, first = counting(1)
        often, _, enough = counting(2)
        clockwork = bench.clockwork()
        clockwork.add_job(timedelta(hours=1), "job", rare)
        clockwork.start()
        await first.wait()
        clockwork.add_job(SPACING, "job", often)
        await enough.wait()
        await clockwork.stop()

    tell(story)


def test_nothing_runs_after_the_stop(tell: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        job, runs, enough = counting(2)
        clockwork = bench.clockwork()
        clockwork.add_job(SPACING, "job", job)
        clockwork.start()
        await enough.wait()
        await clockwork.stop()
        before = len(runs)
        await bench.clock.sleep(0.12)
        assert len(runs) == before

    tell(story)
