from __future__ import annotations

import asyncio

import pytest

from monitor.clock import VirtualClock
from monitor.look.host_queue import Wakeup
from monitor.look.interpret import TurnQueue
from monitor.rehearse.virtual_loop import run_virtually


async def test_queued_readers_continue_in_turn_after_all_ready_tasks() -> None:
    turns, done = TurnQueue(), list[str]()

    async def read(name: str) -> None:
        await turns.wait()
        done.append(name)

    async def begin(name: str) -> None:
        done.append(name)

    waiting = [asyncio.create_task(read(name)) for name in ("read 1", "read 2", "read 3")]
    # The readers wait in the queue before the others begin, and still continue after them.
    await asyncio.sleep(0)
    beginning = [asyncio.create_task(begin(name)) for name in ("begin 1", "begin 2")]
    await asyncio.gather(*waiting, *beginning)
    assert done == ["begin 1", "begin 2", "read 1", "read 2", "read 3"]


async def test_cancelled_wait_does_not_delay_the_others() -> None:
    turns = TurnQueue()
    first, second = asyncio.ensure_future(turns.wait()), asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    first.cancel()
    # If the cancelled wait kept its turn, these would not end.
    await asyncio.wait_for(second, 1)
    await asyncio.wait_for(turns.wait(), 1)


@pytest.mark.parametrize(
    ("waits", "set_at", "ends"),
    [
        ([5.0], [], [5.0]),
        # Setting it ends one wait. The timer of that wait does not end the next one early.
        ([5.0, 60.0], [1.0], [1.0, 61.0]),
        ([60.0, 5.0], [1.0], [1.0, 6.0]),
        ([5.0, 60.0, 2.0], [1.0, 10.0], [1.0, 10.0, 12.0]),
        ([0.0, 3.0], [], [0.0, 3.0]),
    ],
)
def test_wait_ends_after_its_seconds_or_at_wakeup(waits: list[float], set_at: list[float], ends: list[float]) -> None:
    """The waits follow each other. `waits` has their longest seconds, `set_at` the seconds of the wakeups.

    For example, of waits of 60 and 5 s with a wakeup at second 1, the first ends at second 1 and the next at 6.
    """

    async def wait_in_turn(clock: VirtualClock) -> list[float]:
        wakeup, ended = Wakeup(), list[float]()
        for second in set_at:
            asyncio.get_running_loop().call_at(second, wakeup.set)
        for longest_seconds in waits:
            await wakeup.wait(longest_seconds)
            ended.append(clock.monotonic())
        return ended

    assert run_virtually(wait_in_turn) == ends
