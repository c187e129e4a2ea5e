"""Work in turns on the loop, and questions in threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import suppress
from dataclasses import dataclass

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.threads import SMALL, Threads, offload_many, with_pauses
from tests.worlds.instants import after_slot


@dataclass
class TickingClock(VirtualClock):
    """A clock that advances by `step` seconds each time it is read."""

    step: float = 0.0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(after_slot(0))

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds


@pytest.mark.parametrize(("step", "order"), [(0.002, "0a1b2c"), (0.0, "012abc")])
async def test_other_task_runs_between_steps_only_if_they_take_long(
    step: float, order: str
) -> None:
    turns: list[str] = []
    record_turn = turns.append

    async def run_other_task() -> None:
        for letter in "abc":
            record_turn(letter)
            await asyncio.sleep(0)

    other_task = asyncio.create_task(run_other_task())
    async for number in with_pauses(range(3), TickingClock(step=step)):
        record_turn(str(number))
    await other_task
    assert "".join(turns) == order


async def test_query_is_refused_if_threads_are_busy_and_one_overdue() -> None:
    threads = Threads(2, "test", within=0.5)
    query_began, store_answers = threading.Event(), threading.Event()

    def wait_for_store() -> bool:
        query_began.set()
        return store_answers.wait()

    with pytest.raises(StoreFault):
        await threads.ask(wait_for_store)  # is overdue, and stays in the first thread
    assert await threads.ask(lambda: "the second thread is free") == "the second thread is free"
    query_began.clear()
    second_query = asyncio.ensure_future(threads.ask(wait_for_store))
    while not query_began.is_set():  # noqa: ASYNC110  # it is set in a thread
        await asyncio.sleep(0)
    calls: list[str] = []
    with pytest.raises(StoreFault):
        await threads.ask(lambda: calls.append("the refused query ran"))
    store_answers.set()
    with suppress(StoreFault):  # on a busy machine its answer may be overdue by now
        await second_query
    assert calls == []
    threads.close()


@pytest.mark.parametrize("was_enabled", [True, False])
async def test_large_work_pauses_the_cyclic_collector_and_leaves_it_as_it_was(
    *, was_enabled: bool
) -> None:
    """A start has stopped it before."""
    if not was_enabled:
        gc.disable()
    try:
        assert await offload_many(SMALL + 1, gc.isenabled) is False
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()
