from __future__ import annotations

import asyncio

import pytest

from monitor.clock import VirtualClock
from monitor.look.host_queue import Wakeup
from monitor.look.interpret import TurnQueue
from monitor.rehearse.virtual_loop import run_virtually


async def test_waiting_tasks_continue_one_at_a_time_after_everything_that_was_ready() -> None:
    turns, done = TurnQueue(), list[str]()

    async def read(name: str) -> None:
        await turns.wait()
        done.append(name)

    async def begin(name: str) -> None:
        done.append(name)

    waiting = [asyncio.create_task(read(name)) for name in ("read 1", "read 2", "read 3")]
    # They are in the queue before what begins now, and go after it all the same.
    await asyncio.sleep(0)
    beginning = [asyncio.create_task(begin(name)) for name in ("begin 1", "begin 2")]
    await asyncio.gather(*waiting, *beginning)
    assert done == ["begin 1", "begin 2", "read 1", "read 2", "read 3"]


async def test_cancelled_wait_does_not_delay_the_others() -> None:
    turns = TurnQueue()
    first, second = asyncio.ensure_future(turns.wait()), asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(second, 1)
    await asyncio.wait_for(turns.wait(), 1)


@pytest.mark.parametrize(
    ("waits", "rings", "ends"),
    [
        ([5.0], [], [5.0]),
        # A ring ends one wait; the timer that was set for it ends no later one before its time.
        ([5.0, 60.0], [1.0], [1.0, 61.0]),
        ([60.0, 5.0], [1.0], [1.0, 6.0]),
        ([5.0, 60.0, 2.0], [1.0, 10.0], [1.0, 10.0, 12.0]),
        ([0.0, 3.0], [], [0.0, 3.0]),
    ],
)
def test_wait_ends_at_its_time_or_when_it_is_set(waits: list[float], rings: list[float], ends: list[float]) -> None:
    async def story(clock: VirtualClock) -> list[float]:
        alarm, ended = Wakeup(), list[float]()
        for at in rings:
            asyncio.get_running_loop().call_at(at, alarm.set)
        for seconds in waits:
            await alarm.wait(seconds)
            ended.append(clock.monotonic())
        return ended

    assert run_virtually(story) == ends
