"""The contract of every clock: the machine's and the virtual one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import Clock, SystemClock, VirtualClock
from monitor.rehearse.virtual_loop import run_virtually

Story = Callable[[Clock], Awaitable[None]]


def really(story: Story) -> None:
    asyncio.run(_awaited(story, SystemClock()))


def virtually(story: Story) -> None:
    run_virtually(lambda clock: _awaited(story, clock))


async def _awaited(story: Story, clock: Clock) -> None:
    await story(clock)


@pytest.fixture(params=[really, virtually])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    run: Callable[[Story], None] = request.param
    return run


def test_now_is_aware_utc(tell: Callable[[Story], None]) -> None:
    async def story(clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta()
        assert clock.now().tzinfo is UTC

    tell(story)


def test_sleep_takes_as_long_as_it_says_by_both_times(tell: Callable[[Story], None]) -> None:
    async def story(clock: Clock) -> None:
        began, mono = clock.now(), clock.monotonic()
        await clock.sleep(0.02)
        assert 0.019 <= clock.monotonic() - mono < 2
        assert timedelta(seconds=0.019) <= clock.now() - began < timedelta(seconds=2)

    tell(story)


@pytest.mark.parametrize("seconds", [0, -5])
def test_no_sleep_lets_others_run_and_takes_no_time(
    tell: Callable[[Story], None], seconds: float
) -> None:
    async def story(clock: Clock) -> None:
        ran = []
        other = asyncio.get_running_loop().create_task(_append(ran))
        await clock.sleep(seconds)
        assert ran == ["other"]
        await other

    tell(story)


async def _append(ran: list[str]) -> None:
    ran.append("other")


def test_monotonic_never_goes_back(tell: Callable[[Story], None]) -> None:
    async def story(clock: Clock) -> None:
        seen = []
        for _ in range(50):
            seen.append(clock.monotonic())
            await clock.sleep(0)
        assert seen == sorted(seen)

    tell(story)


def test_a_virtual_clock_that_is_set_shows_another_time_and_sleeps_as_long() -> None:
    async def story(clock: VirtualClock) -> None:
        before, mono = clock.now(), clock.monotonic()
        clock.offset = timedelta(seconds=-45)
        assert clock.now() - before == timedelta(seconds=-45)
        await clock.sleep(10)
        assert clock.monotonic() - mono == 10
        assert clock.now() - before == timedelta(seconds=-35)

    run_virtually(story, datetime(2018, 1, 5, 9, tzinfo=UTC))
