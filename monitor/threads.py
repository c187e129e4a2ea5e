"""Work off the loop or in turns on it, and work that nobody waits for: blocking questions, tasks, recurring jobs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from monitor.clock import Clock
from monitor.errors import StoreFault

T = TypeVar("T")
_AGAIN = 5.0
_TURN = 0.001
_STEPS = 10
SMALL = 2_000
"""Entries that are dealt with at once; more are in a thread, and written in portions, so that no look has to wait."""
_waiting_for_children: set[int] = set()


class Ask(Protocol):
    """Puts a blocking question from a thread, so that no look has to wait for the answer."""

    def __call__(self, question: Callable[[], T], /) -> Awaitable[T]:
        """Return what the question returns; raises what it raises."""


class Threads:
    """A few threads that put blocking questions to the store: `within` seconds, or it has failed."""

    def __init__(self, count: int, name: str, within: float = 10.0) -> None:
        self._executor = ThreadPoolExecutor(count, name)
        self._count = count
        self._within = within
        self._running: set[object] = set()
        self._overdue: set[object] = set()

    async def ask(self, question: Callable[[], T], /) -> T:
        """Return what the question returns; raises what it raises, `StoreFault` when that takes too long.

        It raises `StoreFault` at once if no thread is free and at least one waits for an answer that is overdue.
        """
        if len(self._running) >= self._count and self._is_hung():
            raise StoreFault(f"the store has not answered for {self._within:g} s")
        token = object()

        def run() -> T:
            self._running.add(token)
            try:
                return question()
            finally:
                self._running.discard(token)

        # Names the thread in virtual time, and in the message of a rehearsal that cannot go on.
        run.__qualname__ = getattr(question, "__qualname__", "question")
        try:
            async with asyncio.timeout(self._within):
                return await asyncio.get_running_loop().run_in_executor(self._executor, run)
        except TimeoutError as exc:
            self._overdue.add(token)
            raise StoreFault(f"the store has not answered for {self._within:g} s") from exc

    def close(self) -> None:
        """Let the threads go; what is not begun is not done. One whose question is never answered is not waited for."""
        self._executor.shutdown(wait=not self._is_hung(), cancel_futures=True)

    def _is_hung(self) -> bool:
        """Return whether a thread still waits for an answer that is overdue."""
        self._overdue &= self._running
        return bool(self._overdue)


def portions(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return things in portions, so that what is read of them need not be in memory all at once."""
    return (things[start : start + SMALL] for start in range(0, len(things), SMALL))


async def in_turns(things: Iterable[T], clock: Clock) -> AsyncIterator[T]:
    """Yield things, and let the loop go on wherever dealing with them has taken a while: looks come between."""
    began = clock.monotonic()
    for thing in things:
        yield thing
        if clock.monotonic() - began > _TURN:
            await asyncio.sleep(0)
            began = clock.monotonic()


@contextmanager
def waiting_for_child() -> Iterator[None]:
    """Mark this thread inside as one that waits for a child process, and that itself ends a wait that is too long."""
    thread = threading.get_ident()
    _waiting_for_children.add(thread)
    try:
        yield
    finally:
        _waiting_for_children.discard(thread)


def is_any_waiting_for_child() -> bool:
    """Return whether any thread waits for a child process that is within its limits: such a thread is not stuck."""
    return bool(_waiting_for_children)


async def is_done(work: asyncio.Future[Any], within: float) -> bool:
    """Wait for work that a thread does; return whether it is done within so many seconds.

    They are counted in steps. A process that stands still for long has counted one step by then: the work stood still
    as well.
    """
    for _ in range(_STEPS):
        done, _ = await asyncio.wait({work}, timeout=within / _STEPS)
        if done:
            return True
    return False


async def off_the_loop(question: Callable[[], T], /) -> T:
    """Answer a blocking question in a thread, however long that takes."""
    return await asyncio.get_running_loop().run_in_executor(None, question)


async def until_answered(work: Callable[[], Awaitable[T]], clock: Clock, every: float = _AGAIN) -> T:
    """Do again and again what asks the store, until that answers: for what nobody else would ask anew."""
    while True:
        try:
            return await work()
        except StoreFault:
            await clock.sleep(every)


async def aside(count: int, work: Callable[[], T]) -> T:
    """Do work on this many entries, in a thread when they are many."""
    return work() if count <= SMALL else await off_the_loop(work)


class Tasks:
    """Work that nobody waits for, held until it is done."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done that must not hold up the work at hand."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def within(self, seconds: float, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done, and wait for it no longer than so many seconds; raises what it raises in that time."""
        task = self.start(work)
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            task.result()
        return task


Job = Callable[[], Awaitable[None]]


async def either(bell: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait for a bell, but no longer than so many seconds."""
    waiters = [asyncio.ensure_future(bell.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
