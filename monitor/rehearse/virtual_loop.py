"""An event loop with virtual time, which jumps to the next timer unless something real runs."""

from __future__ import annotations

import asyncio
import resource
import selectors
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
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

_REAL_CLOCK = SystemClock()
_PROJECT_FOLDER = str(Path(__file__).parents[2])
_DEFAULT_PATIENCE = 30.0
_LONGEST_WAIT = 1.0
"""Real seconds after which a waiting loop checks whether anything has made progress."""
_BUSY_SECONDS = 0.002
"""CPU seconds during one wait that show a busy thread. The loop itself uses a tenth of that."""
_TICKS_TO_NOTICE_A_CLOSED_SOCKET = 4
_NINE_ON_A_WORKING_DAY = datetime(2018, 1, 5, 9, tzinfo=UTC)


class Deadlock(RuntimeError):
    """Virtual time waits for a real operation that makes no progress.

    `str(fault)` names it in one line.
    """


class _Selector(selectors.DefaultSelector):
    """A selector that waits for real I/O only, and advances the loop's time for timers."""

    before_wait: Callable[[float], float]
    """Gets the seconds that the loop would sleep. Advances time, and returns the real seconds to
    wait for I/O.
    """
    after_wait: Callable[[float, bool], None]
    """Gets the real seconds of a wait, and whether any I/O became ready."""
    idle_seconds: float = 0.0
    """Real seconds since the last progress."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the ready I/O. If none is, advance virtual time, or wait."""
        ready = super().select(0)
        must_not_wait = timeout is not None and timeout <= 0
        if ready or must_not_wait:
            self.idle_seconds = 0.0  # real seconds without progress
            return ready
        # 0 if it advanced virtual time.
        real_seconds = self.before_wait(float("inf") if timeout is None else timeout)
        if real_seconds <= 0:
            self.idle_seconds = 0.0
            return []
        began = _REAL_CLOCK.monotonic()
        ready = super().select(real_seconds)
        self.after_wait(_REAL_CLOCK.monotonic() - began, bool(ready))
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with virtual time, in seconds from 0.0.

    If no callback and no I/O is ready, time jumps to the next timer, or runs at `speed` times real
    time. While it is stopped (`stop_time`), the loop waits for real I/O instead.

    It raises `Deadlock` after `patience` real seconds without I/O, a thread that uses the CPU, or
    one that waits for a child process.
    """

    def __init__(self, *, speed: float | None = None, patience: float = _DEFAULT_PATIENCE) -> None:
        """Make a loop at virtual time 0. With `speed` None, time jumps."""
        # A loop waits in the selector.
        self._selector_with_time = _Selector()
        self._selector_with_time.before_wait = self._advance_time
        self._selector_with_time.after_wait = self._account_for_wait
        self._time = 0.0
        self._speed = speed
        self._patience = patience
        # By reason, how many calls of `stop_time` are in force.
        self._stops_in_force: Counter[str] = Counter()
        # By thread id, while the thread works (`run_in_executor`).
        self.stop_reasons_of_threads: dict[int, str] = {}
        # whether virtual time runs during the current wait, which needs a `speed`
        self._advances_in_wait = False
        self._is_deadlocked = False
        self._cpu_seconds_used = 0.0  # at the end of the last wait, to notice threads that are busy
        super().__init__(self._selector_with_time)

    def time(self) -> float:
        """Return the virtual seconds since the loop was created."""
        return self._time

    def stop_time(self, reason: str) -> None:
        """Stop time for this reason, until `resume_time` has been called with it as often as
        `stop_time`.
        """
        self._change_count(reason, 1)

    def resume_time(self, reason: str) -> None:
        """Undo one `stop_time` with this reason."""
        self._change_count(reason, -1)

    @contextmanager
    def time_stopped(self, reason: str) -> Iterator[None]:
        """Stop time inside the context, because a real operation is in progress."""
        self.stop_time(reason)
        try:
            yield
        finally:
            self.resume_time(reason)

    @contextmanager
    def time_resumed(self, reason: str) -> Iterator[None]:
        """Undo one `stop_time` with this reason inside the context.

        Time stays stopped while others are in force.
        """
        self.resume_time(reason)
        try:
            yield
        finally:
            self.stop_time(reason)

    def stop_reasons(self) -> tuple[str, ...]:
        """Return the reasons for which time is stopped, in alphabetical order."""
        return tuple(sorted(reason for reason, count in self._stops_in_force.items() if count > 0))

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func` in a thread. Time is stopped until it returns."""
        name = f"thread {getattr(func, '__qualname__', 'call')}"

        def run() -> T:
            self.stop_reasons_of_threads[threading.get_ident()] = name
            try:
                return func(*args)
            finally:
                del self.stop_reasons_of_threads[threading.get_ident()]

        future = super().run_in_executor(executor, run)
        self.stop_time(name)
        future.add_done_callback(lambda _: self.resume_time(name))
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # asyncio's
        """Wait for the threads to end, without the timeout, because its seconds would be
        virtual.
        """
        if not self._is_deadlocked:
            await super().shutdown_default_executor()

    def _change_count(self, reason: str, change: int) -> None:
        self._stops_in_force[reason] += change
        if self._stops_in_force[reason] == 0:
            del self._stops_in_force[reason]

    def _advance_time(self, seconds: float) -> float:
        """Return how many real seconds to wait for I/O if the next timer is due in `seconds`
        (infinite: no timer).

        Without `speed`, virtual time jumps to that timer and the wait is 0. With `speed`, the wait
        is scaled, and `_account_for_wait` advances virtual time after it. If time is stopped, or
        without a timer, it does not advance.
        """
        can_advance = not self.stop_reasons() and seconds != float("inf")
        self._advances_in_wait = can_advance and self._speed is not None
        if not can_advance:
            # Wait for I/O only, but not for long, so that `_account_for_wait` can notice a
            # deadlock.
            return min(_LONGEST_WAIT, self._patience)
        if self._speed is not None:
            return seconds / self._speed
        self._time += seconds
        return 0.0

    def _account_for_wait(self, seconds: float, had_io: bool) -> None:  # noqa: FBT001  # called by the selector only
        """Add a wait of `seconds` real seconds to virtual time, unless that stood still.

        Raises `Deadlock` if it stood still for too long, in waits in which nothing else happened.
        """
        if self._advances_in_wait and self._speed is not None:
            self._time += seconds * self._speed
            return
        usage = resource.getrusage(resource.RUSAGE_SELF)  # the CPU time of all threads
        cpu_seconds = usage.ru_utime + usage.ru_stime
        is_thread_busy = cpu_seconds - self._cpu_seconds_used > _BUSY_SECONDS
        self._cpu_seconds_used = cpu_seconds
        # a busy thread or a child will wake the loop
        if had_io or is_thread_busy or is_any_waiting_for_child():
            self._selector_with_time.idle_seconds = 0.0
            return
        # If the machine was suspended or gave us no CPU, a wait is long. It counts as one wait of
        # usual length.
        self._selector_with_time.idle_seconds += min(seconds, _LONGEST_WAIT)
        if self._selector_with_time.idle_seconds >= self._patience:
            self._is_deadlocked = True
            # From now on the loop only ends, so a further deadlock must not take long to notice.
            self._patience = min(_LONGEST_WAIT, self._patience)
            idle = f"no progress for {self._selector_with_time.idle_seconds:.0f} s"
            raise Deadlock(f"deadlock: {idle}, waiting for {self._describe_waiting()}")

    def _describe_waiting(self) -> str:
        """Return the reasons for which time is stopped, with the current line of each thread in our
        own code.
        """
        frames = sys._current_frames()  # noqa: SLF001  # the documented way to see what other threads do
        threads = (
            (name, frames.get(thread)) for thread, name in self.stop_reasons_of_threads.items()
        )
        places = {
            name: f"{name} in {_describe_frame(frame)}"
            for name, frame in threads
            if frame is not None
        }
        return (
            ", ".join(places.get(name, name) for name in self.stop_reasons())
            or "an event, with no timer set"
        )


def _describe_frame(frame: FrameType) -> str:
    """Return function, file and line of the innermost call in our own code, else of the innermost
    call.
    """
    ours: FrameType | None = frame
    while ours is not None and not ours.f_code.co_filename.startswith(_PROJECT_FOLDER):
        ours = ours.f_back
    shown = ours or frame
    return f"{shown.f_code.co_name} ({Path(shown.f_code.co_filename).name}:{shown.f_lineno})"


def request_name(url: str) -> str:
    """Return the reason for which client and publisher stop time and let it run."""
    return _request_name_without_query(url.partition("?")[0])


@lru_cache(maxsize=1024)
def _request_name_without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"request {parts.hostname or ''}{parts.path or '/'}"


class TimeStoppingFetcher:
    """A fetcher that stops virtual time during each request, except while the publisher lets time
    run.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def fetch(self, request: Request) -> Answer | Failure:
        """Make one request.

        Time is stopped, except while the publisher itself waits in virtual time.
        """
        with get_jumping_loop().time_stopped(request_name(request.url)):
            outcome = await self._fetcher.fetch(request)
            if isinstance(outcome, Failure) or not outcome.whole:
                # We closed the connection. The publisher must notice it and stop waiting before
                # time runs again.
                for _ in range(_TICKS_TO_NOTICE_A_CLOSED_SOCKET):
                    await asyncio.sleep(0)
            return outcome

    async def close(self) -> None:
        """Close all connections."""
        await self._fetcher.close()


def get_jumping_loop() -> JumpingLoop:
    """Return the running loop. Raises TypeError for any other kind of loop."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, JumpingLoop):
        raise TypeError("this runs only in virtual time, on a JumpingLoop")
    return loop


def run_virtually(
    main: Callable[[VirtualClock], Coroutine[Any, Any, T]],
    start: datetime = _NINE_ON_A_WORKING_DAY,
    *,
    speed: float | None = None,
    patience: float = _DEFAULT_PATIENCE,
) -> T:
    """Run `main` on a new `JumpingLoop` and return its result.

    `main` gets a clock that shows `start` at first.

    `speed` is virtual seconds per real one (default: time jumps). Raises `Deadlock` after
    `patience` idle real seconds.
    """
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(speed=speed, patience=patience)) as runner:
        return runner.run(main(VirtualClock(start)))
