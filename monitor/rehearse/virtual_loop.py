"""An event loop whose time is virtual: it jumps to the next timer when nothing real is under way."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar, TypeVarTuple, Unpack
from urllib.parse import urlsplit

from monitor.clock import SystemClock, VirtualClock
from monitor.look.fetch import Answer, Failure, Fetcher, Request

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_REAL = SystemClock()
_here = threading.local()
_PATIENCE = 30.0
_TICKS_TO_NOTICE_A_CLOSED_SOCKET = 4
_NINE_ON_A_WORKING_DAY = datetime(2018, 1, 5, 9, tzinfo=UTC)


class Stuck(RuntimeError):
    """Virtual time is held, or has no timer to go to, and nothing real has happened for a long while."""


class PastTheEnd(RuntimeError):
    """Virtual time would have to pass the limit that was set for it."""


class _Selector(selectors.DefaultSelector):
    """Waits for real I/O; where it would wait for a timer, it moves the loop's time instead."""

    pass_time: Callable[[float], float]
    """Told how long the loop would sleep; moves time, and returns the real seconds to wait for I/O."""
    waited: Callable[[float, bool], None]
    """Told the real seconds that were waited, and whether something came."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, without waiting where something already is."""
        if ready := super().select(0):
            return ready
        if timeout is not None and timeout <= 0:
            return ready
        wait = self.pass_time(float("inf") if timeout is None else timeout)
        if wait <= 0:
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
    `PastTheEnd`. When nothing real happens for `patience` real seconds the loop raises `Stuck`.
    """

    def __init__(self, *, speed: float | None = None, limit: float | None = None, patience: float = _PATIENCE) -> None:
        selector = _Selector()
        selector.pass_time = self._pass_time
        selector.waited = self._waited
        self._virtual = 0.0
        self._speed = speed
        self._limit = float("inf") if limit is None else limit
        self._patience = patience
        self._holders: Counter[str] = Counter()
        self._running_free = False
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
            _here.name = name
            return func(*args)

        future = super().run_in_executor(executor, named)
        self.hold(name)
        future.add_done_callback(lambda _: self.release(name))
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # asyncio's
        """Let the threads end, in real time: the seconds that asyncio gives them since Python 3.12 would be virtual."""
        await super().shutdown_default_executor()

    @contextmanager
    def thread_resting(self) -> Iterator[None]:
        """Let time pass inside, in a thread of `run_in_executor`: what it waits for may never come."""
        name: str = _here.name
        self.call_soon_threadsafe(self.release, name)
        try:
            yield
        finally:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self.call_soon_threadsafe(self.hold, name)

    def _count(self, name: str, more: int) -> None:
        self._holders[name] += more
        if self._holders[name] == 0:
            del self._holders[name]

    def _pass_time(self, seconds: float) -> float:
        held = bool(self.holders())
        self._running_free = not held and self._speed is not None and seconds != float("inf")
        if held or seconds == float("inf"):
            return self._patience
        if self._virtual + seconds > self._limit:
            self._virtual = max(self._virtual, self._limit)
            raise PastTheEnd(f"virtual time reached its limit of {self._limit:g} s")
        if self._speed is not None:
            return seconds / self._speed
        self._virtual += seconds
        return 0.0

    def _waited(self, seconds: float, came: bool) -> None:  # noqa: FBT001  # told by the selector alone
        if self._running_free and self._speed is not None:
            self._virtual += seconds * self._speed
        elif not came and seconds >= self._patience:
            names = ", ".join(self.holders()) or "nobody, and no timer is set"
            raise Stuck(f"virtual time stood still for {seconds:.0f} real seconds, held by: {names}")


def request_name(url: str) -> str:
    """Return the name under which one request is held by its client and rested by its publisher."""
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
