from __future__ import annotations

import asyncio

import pytest

from monitor.clock import VirtualClock
from monitor.look.host_queue import Wakeup
from monitor.look.interpret import TurnQueue
from monitor.rehearse.virtual_loop import run_virtually


async def test_queued_readers_continue_in_turn_after_all_ready_tasks() -> None:
    """Tasks that read long pages wait in a queue. They continue one at a time, and let all other
    ready tasks run first. Three readers wait in the queue. Only then do two other tasks begin.
    Still, these run before the readers.
    """
    turns, done = TurnQueue(), list[str]()

    async def read(name: str) -> None:
        await turns.wait()
        done.append(name)

    async def begin(name: str) -> None:
        done.append(name)

    readers = [asyncio.create_task(read(name)) for name in ("read 1", "read 2", "read 3")]
    await asyncio.sleep(0)  # now the readers wait
    others = [asyncio.create_task(begin(name)) for name in ("begin 1", "begin 2")]
    await asyncio.gather(*readers, *others)
    assert done == ["begin 1", "begin 2", "read 1", "read 2", "read 3"]


async def test_cancelled_wait_does_not_delay_the_others() -> None:
    """Two tasks wait in a queue, in which one at a time may continue. The first is cancelled. If it
    kept its turn, the second would never continue, and neither would a third.
    """
    turns = TurnQueue()
    first, second = asyncio.ensure_future(turns.wait()), asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)  # now both wait
    first.cancel()
    await asyncio.wait_for(second, timeout=1)
    await asyncio.wait_for(turns.wait(), timeout=1)  # the third


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
def test_wait_ends_after_its_seconds_or_at_wakeup(
    waits: list[float], set_at: list[float], ends: list[float]
) -> None:
    """One wait follows the other. A wait ends after its seconds, or earlier if someone calls `set`.
    For example, the waits are 60 and 5 s long, and `set` is called at second 1. Then the first wait
    ends at second 1. The next one ends at second 6.
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
