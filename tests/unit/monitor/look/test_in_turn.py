from __future__ import annotations

import asyncio

from monitor.look.in_turn import InTurn


async def test_those_who_wait_go_on_one_at_a_time_each_after_what_was_ready() -> None:
    turns, done = InTurn(), list[str]()

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


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    turns = InTurn()
    first, second = asyncio.ensure_future(turns.wait()), asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(second, 1)
    await asyncio.wait_for(turns.wait(), 1)
