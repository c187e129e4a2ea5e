"""Runs blocking work in threads, long work in steps on the event loop, and tasks in the
background.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from monitor.clock import Clock
from monitor.errors import StoreFault

T = TypeVar("T")
_RETRY_AFTER = 5.0
_LONGEST_TURN = 0.001
"""Seconds for which work may use the event loop before other tasks get a turn. Looks must not wait
longer.
"""
_STEPS = 10
SMALL = 2_000
"""Up to so many entries are handled on the event loop. More would delay looks, so they go to a
thread, in portions.
"""
_waiting_for_children: set[int] = set()
"""The ids of the threads that wait for a child process."""


class Ask(Protocol):
    """Runs a blocking query of the store in a thread, so that no look waits for it."""

    def __call__(self, query: Callable[[], T], /) -> Awaitable[T]:
        """Return what the query returns. Raises what it raises."""


class Threads:
    """A few threads that run blocking queries of the store.

    One that takes longer than `within` seconds has failed.
    """

    def __init__(self, count: int, name: str, within: float = 10.0) -> None:
        self._executor = ThreadPoolExecutor(count, name)
        self._count = count
        self._within = within
        # A token for each query that a thread runs, and for each that has taken longer than
        # `within`.
        self._running: set[object] = set()
        self._overdue: set[object] = set()

    async def ask(self, query: Callable[[], T], /) -> T:
        """Run a blocking query in a thread and return its result. Raises what it raises.

        Raises `StoreFault` after `within`, or at once if all threads are busy and one of them is
        overdue. A thread cannot be stopped, so an overdue query stays in its thread until the store
        answers.
        """
        if len(self._running) >= self._count and self._is_any_overdue():
            raise StoreFault(f"the store has not answered for {self._within:g} s")
        token = object()

        def run() -> T:
            self._running.add(token)
            try:
                return query()
            finally:
                self._running.discard(token)

        # The report of a stuck rehearsal names the query that each thread runs by this.
        run.__qualname__ = getattr(query, "__qualname__", "query")
        try:
            async with asyncio.timeout(self._within):
                return await asyncio.get_running_loop().run_in_executor(self._executor, run)
        except TimeoutError as exc:
            self._overdue.add(token)
            raise StoreFault(f"the store has not answered for {self._within:g} s") from exc

    def close(self) -> None:
        """End the threads, and drop queries that have not started.

        Does not wait for one that is overdue.
        """
        self._executor.shutdown(wait=not self._is_any_overdue(), cancel_futures=True)

    def _is_any_overdue(self) -> bool:
        """Return whether a thread still runs an overdue query, and forget overdue queries that have
        ended.
        """
        self._overdue &= self._running
        return bool(self._overdue)


def portions(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield things in portions, so that what is loaded for them need not be in memory all at
    once.
    """
    return (things[start : start + SMALL] for start in range(0, len(things), SMALL))


async def with_pauses(things: Iterable[T], clock: Clock) -> AsyncIterator[T]:
    """Yield things, and let other tasks run whenever the caller has used the event loop for
    `_LONGEST_TURN`.
    """
    began = clock.monotonic()
    for thing in things:
        yield thing
        if clock.monotonic() - began > _LONGEST_TURN:
            await asyncio.sleep(0)
            began = clock.monotonic()


@contextmanager
def waiting_for_child() -> Iterator[None]:
    """Mark this thread as waiting for a child process, so that a rehearsal does not report it as
    stuck.

    The thread itself must limit the time of the wait.
    """
    thread = threading.get_ident()
    _waiting_for_children.add(thread)
    try:
        yield
    finally:
        _waiting_for_children.discard(thread)


def is_any_waiting_for_child() -> bool:
    """Return whether any thread waits for a child process. Such a thread is not stuck."""
    return bool(_waiting_for_children)


async def ends_within(work: asyncio.Future[Any], within: float) -> bool:
    """Wait for the work of a thread. Return whether it is done within `within` seconds.

    If the machine is suspended, the work stands still while the clock goes on, so the current
    timeout ends too early. With `_STEPS` short timeouts instead of a long one, the work loses only
    the time of one step.
    """
    for _ in range(_STEPS):
        done, _ = await asyncio.wait({work}, timeout=within / _STEPS)
        if done:
            return True
    return False


async def run_in_thread(query: Callable[[], T], /) -> T:
    """Return what a blocking query returns, from a thread, without a time limit."""
    return await asyncio.get_running_loop().run_in_executor(None, query)


async def repeat_until_answered(
    work: Callable[[], Awaitable[T]], clock: Clock, every: float = _RETRY_AFTER
) -> T:
    """Repeat a query of the store every few seconds until the store answers, and return its
    answer.
    """
    while True:
        try:
            return await work()
        except StoreFault:
            await clock.sleep(every)


async def offload_many(count: int, work: Callable[[], T]) -> T:
    """Return the result of work on `count` entries. Above `SMALL` it runs in a thread."""
    return work() if count <= SMALL else await run_in_thread(partial(without_collections, work))


def without_collections(work: Callable[[], T]) -> T:
    """Return the result of work that keeps nearly all that it makes, so that the cyclic collector
    would look at a million objects again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if was_enabled:
            gc.enable()


class Tasks:
    """Background tasks. A reference to each is kept, because Python drops tasks without one."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work in the background, and return its task."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def finish(self) -> None:
        """Wait until all are done."""
        while self._running:
            await asyncio.wait(self._running)

    async def within(self, seconds: float, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work, and wait for it for at most so many seconds.

        Raises what it raises in that time.
        """
        task = self.start(work)
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            task.result()
        return task


Job = Callable[[], Awaitable[object]]
RecurringJob = tuple[timedelta, str, Job]
"""A job with its spacing and its name."""


async def wait_for_event(wakeup: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until the event `wakeup` is set, but at most `seconds`."""
    waiters = [asyncio.ensure_future(wakeup.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
