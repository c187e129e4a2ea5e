"""Work off the loop, and work that nobody waits for: blocking questions, tasks, and what a recurring job is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
SMALL = 2_000
"""Entries that are dealt with at once; more are in a thread, and written in portions, so that no look has to wait."""


class Ask(Protocol):
    """Puts a blocking question from a thread, so that no look has to wait for the answer."""

    def __call__(self, question: Callable[[], T], /) -> Awaitable[T]:
        """Return what the question returns; raises what it raises."""


class Threads:
    """A few threads that answer blocking questions."""

    def __init__(self, count: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(count, name)

    def ask(self, question: Callable[[], T], /) -> Awaitable[T]:
        """Return what the question returns; raises what it raises."""
        return asyncio.get_running_loop().run_in_executor(self._executor, question)

    def close(self) -> None:
        """Let the threads go; what is not begun is not done."""
        self._executor.shutdown(cancel_futures=True)


async def aside(count: int, work: Callable[[], T]) -> T:
    """Do work on this many entries, in a thread when they are many."""
    if count <= SMALL:
        return work()
    return await asyncio.get_running_loop().run_in_executor(None, work)


class Tasks:
    """Work that nobody waits for, held until it is done."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that must not hold up the work at hand."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


Job = Callable[[], Awaitable[None]]
