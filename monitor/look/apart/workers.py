"""A few processes that read foreign bytes for the daemon, started when they are needed and killed when they overrun."""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from monitor.clock import Clock, SystemClock
from monitor.look.apart.process import NoWorker, TooCostly, Worker, WorkerFault, start_worker
from monitor.look.apart.worker import COSTLY, DONE

_log = structlog.get_logger(__name__)
MOST = 2
MEGABYTES = 256
"""What a worker may take for what it reads, beyond its own libraries."""
_SLACK_SECONDS = 2.0
_CLOCK_TIMES = 10
_RESTARTED_ABOVE_KB = 120_000
_MOST_TASKS = 5000
_MOST_WAITING, _SHARE = 16_000_000, 1_000_000
"""Bytes that may wait to be read, and those of a host that always may. What comes beyond is dropped, not kept."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
"""Seconds without another attempt after a worker did not start. An attempt takes half a second of a processor."""


@dataclass(frozen=True, slots=True)
class Starts:
    """Who hears of attempts to start a worker.

    `attempted(began, fault)` is called for each attempt, with an empty fault when it succeeded, and
    `unread(host, began)` for each task of a host that found no worker.
    """

    attempted: Callable[[datetime, str], None] = lambda _began, _fault: None
    unread: Callable[[str, datetime], None] = lambda _host, _began: None


NOBODY = Starts()


class Workers:
    """At most `most` processes, none before the first task; at most one reads for the same host at a time.

    A host whose text takes long holds up itself: others have the rest of the processes. `told(host)` is called for
    each task that overran or broke. A worker that does not start is our fault, not the host's: `starts` hears of it.
    `start` starts a worker with so many megabytes for what it reads.
    """

    def __init__(
        self,
        most: int = MOST,
        *,
        megabytes: int = MEGABYTES,
        clock: Clock | None = None,
        told: Callable[[str], None] = lambda _host: None,
        starts: Starts = NOBODY,
        start: Callable[[int], Worker] = start_worker,
    ) -> None:
        self._most = most
        self._megabytes = megabytes
        self._clock = clock or SystemClock()
        self.told = told
        self._starts = starts
        self._start = start
        self._threads = ThreadPoolExecutor(most, "apart")
        self._free = asyncio.Semaphore(most)
        self._hosts: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._is_closed = False
        self._attempts: deque[str] = deque()
        # Why the last attempt to start one failed, empty when it succeeded, None before the first.
        self._fault: str | None = None
        self._pause, self._paused_until = _FIRST_PAUSE, 0.0
        self._is_unlowered = False

    async def ask(self, task: str, host: str, *arguments: object, seconds: int, size: int = 0) -> Any:  # noqa: ANN401  # per task
        """Have a task of `worker.TASKS` done in so many seconds of the processor at most.

        A worker that stands still for ten times that long is ended too. `size` is how many bytes wait with the task.
        Raises `TooCostly`, `NoWorker`, and `WorkerFault` when the task broke.
        """
        async with self._turn(host, size):
            began = self._clock.now()
            try:
                self._check()
                return await self._in_thread(self._asked, task, arguments, seconds)
            except NoWorker:
                if not self._is_closed:
                    self._starts.unread(host, began)
                raise
            except (TooCostly, WorkerFault):
                if not self._is_closed:
                    self.told(host)
                raise

    async def try_start(self, *, eager: bool = False) -> None:
        """Find out whether a worker starts, if the last did not; with `eager`, if none was started yet as well."""
        is_unknown = bool(self._fault) or (self._fault is None and eager)
        if self._is_closed or not is_unknown:
            return
        async with self._free:
            with suppress(NoWorker):
                await self._in_thread(self._tried)

    def rest(self) -> None:
        """Stop the workers that nothing was asked of since the last call."""
        for worker in [worker for worker in self._idle if not worker.is_used]:
            self._idle.remove(worker)
            worker.kill()
        for worker in self._idle:
            worker.is_used = False

    def close(self) -> None:
        """Kill all of them; whoever waits for one gets `NoWorker`."""
        self._is_closed = True
        for worker in list(self._busy):
            worker.process.kill()
        while self._idle:
            self._idle.pop().kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def pids(self) -> list[int]:
        """Return the processes that live."""
        return [worker.process.pid for worker in (*self._idle, *self._busy)]

    @asynccontextmanager
    async def _turn(self, host: str, size: int) -> AsyncIterator[None]:
        lock = self._hosts.setdefault(host, asyncio.Lock())
        waiting = self._waiting[host]
        if waiting and waiting + size > _SHARE and self._waiting.total() + size > _MOST_WAITING:
            self.told(host)
            raise TooCostly("too much of its host waits to be read")
        self._waiting[host] += size + 1
        try:
            async with lock, self._free:
                yield
        finally:
            self._waiting[host] -= size + 1
            if not self._waiting[host]:
                del self._waiting[host], self._hosts[host]

    def _check(self) -> None:
        """Raise `NoWorker` when none can be had for now."""
        if self._is_closed:
            raise NoWorker("the workers are closed")
        if self._fault and not self._idle and self._clock.monotonic() < self._paused_until:
            raise NoWorker(self._fault)

    async def _in_thread(self, work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  # as the work returns
        """Return what work in a thread returns, and report the attempts to start a worker that were made meanwhile."""
        began = self._clock.now()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))
        finally:
            while self._attempts:
                self._report(began, self._attempts.popleft())

    def _report(self, began: datetime, fault: str) -> None:
        if fault:
            _log.error("worker_not_started", fault=fault)
            self._paused_until = self._clock.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        else:
            if self._fault:
                _log.info("worker_started")
            self._pause = _FIRST_PAUSE
        self._fault = fault
        self._starts.attempted(began, fault)

    # What follows is done in threads.

    def _asked(self, task: str, arguments: tuple[object, ...], seconds: int) -> Any:  # noqa: ANN401  # as `ask`
        worker = self._take_idle_or_start()
        is_well = False
        try:
            if self._is_closed:
                raise NoWorker("the workers are closed")
            parcel = pickle.dumps((task, seconds, arguments), protocol=5)
            word, told, resident = worker.answer(parcel, _CLOCK_TIMES * seconds + _SLACK_SECONDS)
            worker.tasks += 1
            is_well = word == DONE and resident < _RESTARTED_ABOVE_KB and worker.tasks < _MOST_TASKS
        except TooCostly as exc:
            # Whoever closes the workers kills them at their task.
            raise NoWorker("the workers are closed") if self._is_closed else exc from None
        finally:
            self._give_back(worker, is_well=is_well)
        if word == COSTLY:
            raise TooCostly(f"stopped for {told}")
        if word != DONE:
            raise WorkerFault(str(told))
        return told

    def _tried(self) -> None:
        self._give_back(self._take_idle_or_start(), is_well=True)

    def _take_idle_or_start(self) -> Worker:
        """Return an idle worker, or a new one if none is idle. Raises `NoWorker`."""
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                if self._fault:
                    # The last start failed, but an older worker still runs: workers are available again.
                    self._attempts.append("")
                self._busy.add(worker)
                return worker
            worker.kill()
        try:
            worker = self._start(self._megabytes)
        except NoWorker as exc:
            self._attempts.append(exc.why)
            raise
        self._attempts.append("")
        self._busy.add(worker)
        if worker.unlowered and not self._is_unlowered:
            self._is_unlowered = True
            _log.warning("worker_priority_not_lowered", fault=worker.unlowered)
        return worker

    def _give_back(self, worker: Worker, *, is_well: bool) -> None:
        self._busy.discard(worker)
        if is_well and not self._is_closed:
            worker.is_used = True
            self._idle.append(worker)
        else:
            worker.kill()
