"""Work in turns on the loop, and questions in threads."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.threads import Threads, with_pauses
from tests.worlds.instants import after_slot


@dataclass
class Passing(VirtualClock):
    """A clock by which so many seconds go by each time it is asked."""

    seconds: float = 0.0
    shown: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(after_slot(0))

    def monotonic(self) -> float:
        self.shown += self.seconds
        return self.shown


@pytest.mark.parametrize(("seconds", "order"), [(0.002, "0a1b2c"), (0.0, "012abc")])
async def test_other_tasks_run_in_between_when_the_steps_of_a_loop_take_long(seconds: float, order: str) -> None:
    done: list[str] = []
    deal_with = done.append

    async def others() -> None:
        for letter in "abc":
            deal_with(letter)
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    async for number in with_pauses(range(3), Passing(seconds)):
        deal_with(str(number))
    await waiting
    assert "".join(done) == order


async def test_no_question_waits_in_line_behind_a_store_that_does_not_answer() -> None:
    threads, answers = Threads(2, "test", within=0.5), threading.Event()
    began = threading.Event()

    def asked() -> bool:
        began.set()
        return answers.wait()

    with pytest.raises(StoreFault):
        await threads.ask(asked)
    assert await threads.ask(lambda: "another thread is free") == "another thread is free"
    began.clear()
    last = asyncio.ensure_future(threads.ask(asked))
    while not began.is_set():  # noqa: ASYNC110  # it is set in a thread
        await asyncio.sleep(0)
    refused: list[str] = []
    with pytest.raises(StoreFault):
        await threads.ask(lambda: refused.append("it began"))
    answers.set()
    with suppress(StoreFault):  # on a busy machine its answer may be overdue by now
        await last
    assert refused == []
    threads.close()
