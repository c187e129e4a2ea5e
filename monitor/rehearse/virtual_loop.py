"""An event loop whose time is virtual: it jumps to the next timer when nothing real is under way."""

from __future__ import annotations

import asyncio
import resource
import selectors
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, TypeVarTuple, Unpack
from urllib.parse import urlsplit

from monitor.clock import SystemClock, VirtualClock
from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.threads import is_any_waiting_for_child

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_REAL = SystemClock()
_ROOT = str(Path(__file__).parents[2])
_PATIENCE = 30.0
_SLICE = 1.0
"""Real seconds after which a loop that waits looks whether anything has moved."""
_COMPUTED = 0.002
"""Seconds of the processor in one slice that show a thread at work: the loop alone takes a tenth of that."""
_TICKS_TO_NOTICE_A_CLOSED_SOCKET = 4
_NINE_ON_A_WORKING_DAY = datetime(2018, 1, 5, 9, tzinfo=UTC)


class Deadlock(RuntimeError):
    """Virtual time waits for something real that will never come. `str(fault)` names it in one line."""


class PastTheEnd(RuntimeError):
    """Virtual time would have to pass the limit that was set for it."""


class _Selector(selectors.DefaultSelector):
    """Waits for real I/O; where it would wait for a timer, it moves the loop's time instead."""

    pass_time: Callable[[float], float]
    """Called with how long the loop would sleep; moves time, and returns the real seconds to wait for I/O."""
    waited: Callable[[float, bool], None]
    """Called with the real seconds that were waited, and whether something came."""
    still: float = 0.0
    """For how many real seconds nothing has moved."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, without waiting where something already is."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self.still = 0.0
            return ready
        wait = self.pass_time(float("inf") if timeout is None else timeout)
        if wait <= 0:
            self.still = 0.0
            return ready
        began = _REAL.monotonic()
        ready = super().select(wait)
        self.waited(_REAL.monotonic() - began, bool(ready))
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with virtual time, in seconds from 0.0.

    When no callback and no I/O is ready and nothing is held, time jumps to the next timer. While
    anything is held time stands still and the loop waits for real I/O. With `speed` time runs that many
    times as fast as real time instead of jumping. Time never passes `limit`: the loop raises
    `PastTheEnd`.

    The loop raises `Deadlock` when it waits and nothing moves for `patience` real seconds: no I/O comes, no thread
    computes, and none waits for a child process. A busy machine slows all of them down, but stops none of them.
    """

    def __init__(self, *, speed: float | None = None, limit: float | None = None, patience: float = _PATIENCE) -> None:
        self._waiter = selector = _Selector()
        selector.pass_time = self._pass_time
        selector.waited = self._waited
        self._virtual = 0.0
        self._speed = speed
        self._limit = float("inf") if limit is None else limit
        self._patience = patience
        self._holders: Counter[str] = Counter()
        self._threads: dict[int, str] = {}
        self._running_free = self._is_deadlocked = False
        self._computed = 0.0
        super().__init__(selector)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._virtual

    def hold(self, name: str) -> None:
        """Keep time still until `release` is called with the same name as often as `hold` was."""
        self._count(name, 1)

    def release(self, name: str) -> None:
        """Take back one `hold` of this name."""
        self._count(name, -1)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Keep time still inside: something real is under way."""
        self.hold(name)
        try:
            yield
        finally:
            self.release(name)

    @contextmanager
    def resting(self, name: str) -> Iterator[None]:
        """Take one hold of this name away inside: what it waits for is itself waiting in virtual time.

        Names keep the two together, so that a rest whose hold has ended frees nobody else's.
        """
        self.release(name)
        try:
            yield
        finally:
            self.hold(name)

    def holders(self) -> tuple[str, ...]:
        """Return the names that keep time still."""
        return tuple(sorted(name for name, count in self._holders.items() if count > 0))

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run in a thread; time stands still until it is done."""
        name = f"thread {getattr(func, '__qualname__', 'call')}"

        def named() -> T:
            self._threads[threading.get_ident()] = name
            try:
                return func(*args)
            finally:
                del self._threads[threading.get_ident()]

        future = super().run_in_executor(executor, named)
        self.hold(name)
        future.add_done_callback(lambda _: self.release(name))
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # asyncio's
        """Let the threads end, in real time: the seconds that asyncio gives them since Python 3.12 would be virtual."""
        if not self._is_deadlocked:
            await super().shutdown_default_executor()

    @contextmanager
    def thread_resting(self) -> Iterator[None]:
        """Let time pass inside, in a thread of `run_in_executor`: what it waits for may never come."""
        name = self._threads[threading.get_ident()]
        self.call_soon_threadsafe(self.release, name)
        try:
            yield
        finally:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self.call_soon_threadsafe(self.hold, name)

    def thread_sleep(self, seconds: float) -> None:
        """Let so many seconds of virtual time pass, in a thread of `run_in_executor`."""
        name = self._threads[threading.get_ident()]

        async def sleep() -> None:
            with self.resting(name):
                await asyncio.sleep(seconds)

        asyncio.run_coroutine_threadsafe(sleep(), self).result()

    def _count(self, name: str, more: int) -> None:
        self._holders[name] += more
        if self._holders[name] == 0:
            del self._holders[name]

    def _pass_time(self, seconds: float) -> float:
        held = bool(self.holders())
        self._running_free = not held and self._speed is not None and seconds != float("inf")
        if held or seconds == float("inf"):
            return min(_SLICE, self._patience)
        if self._virtual + seconds > self._limit:
            self._virtual = max(self._virtual, self._limit)
            raise PastTheEnd(f"virtual time reached its limit of {self._limit:g} s")
        if self._speed is not None:
            return seconds / self._speed
        self._virtual += seconds
        return 0.0

    def _waited(self, seconds: float, came: bool) -> None:  # noqa: FBT001  # called by the selector only
        if self._running_free and self._speed is not None:
            self._virtual += seconds * self._speed
            return
        before, self._computed = self._computed, _computed()
        if came or self._computed - before > _COMPUTED or is_any_waiting_for_child():
            self._waiter.still = 0.0
            return
        # A machine that was suspended, or did not let us run, makes one slice long: it counts as one.
        self._waiter.still += min(seconds, _SLICE)
        if self._waiter.still >= self._patience:
            self._is_deadlocked, self._patience = True, min(_SLICE, self._patience)
            raise Deadlock(f"deadlock: nothing has moved for {self._waiter.still:.0f} s, waiting for {self._awaited()}")

    def _awaited(self) -> str:
        """Return what time waits for, and where each thread is in our own code."""
        frames = sys._current_frames()  # noqa: SLF001  # the documented way to see what other threads do
        found = ((name, frames.get(thread)) for thread, name in self._threads.items())
        places = {name: f"{name} in {_place(frame)}" for name, frame in found if frame is not None}
        return ", ".join(places.get(name, name) for name in self.holders()) or "an event, with no timer set"


def _place(frame: FrameType) -> str:
    """Return function, file and line of the innermost call of our own code, or of the innermost at all."""
    ours: FrameType | None = frame
    while ours is not None and not ours.f_code.co_filename.startswith(_ROOT):
        ours = ours.f_back
    found = ours or frame
    return f"{found.f_code.co_name} ({Path(found.f_code.co_filename).name}:{found.f_lineno})"


def _computed() -> float:
    """Return the seconds of the processor that all threads of this process have taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def request_name(url: str) -> str:
    """Return the name under which one request is held by its client and rested by its publisher."""
    return _request_name(url.partition("?")[0])


@lru_cache(maxsize=1024)
def _request_name(url: str) -> str:
    parts = urlsplit(url)
    return f"request {parts.hostname or ''}{parts.path or '/'}"


class HeldFetcher:
    """A fetcher whose requests keep virtual time still, unless the publisher rests for them."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def fetch(self, request: Request) -> Answer | Failure:
        """Make one request; time passes only while the publisher rests in it."""
        with jumping_loop().held(request_name(request.url)):
            outcome = await self._fetcher.fetch(request)
            if isinstance(outcome, Failure) or not outcome.whole:
                # We hung up: the publisher must stop resting before time may move for others.
                for _ in range(_TICKS_TO_NOTICE_A_CLOSED_SOCKET):
                    await asyncio.sleep(0)
            return outcome

    async def close(self) -> None:
        """Let go of all connections."""
        await self._fetcher.close()


def jumping_loop() -> JumpingLoop:
    """Return the running loop; raises RuntimeError when its time is not virtual."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, JumpingLoop):
        raise TypeError("this runs in virtual time only: the running loop is no JumpingLoop")
    return loop


def run_virtually(
    story: Callable[[VirtualClock], Coroutine[Any, Any, T]],
    start: datetime = _NINE_ON_A_WORKING_DAY,
    *,
    speed: float | None = None,
    limit: float | None = None,
    patience: float = _PATIENCE,
) -> T:
    """Run `story` on a loop of its own and return its result; the clock it is given shows `start` at first."""
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(speed=speed, limit=limit, patience=patience)) as runner:
        return runner.run(story(VirtualClock(start)))
