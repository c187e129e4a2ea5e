"""Starts worker processes that read foreign bytes, and kills those that exceed their limits."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from monitor.clock import Clock, SystemClock
from monitor.look.sandbox.process import (
    UNREADABLE,
    NoWorker,
    Patience,
    TooCostly,
    Worker,
    WorkerFault,
    start_worker,
)
from monitor.look.sandbox.tasks import Ending, Reply, find_task, unpack
from monitor.threads import without_collections

_log = structlog.get_logger(__name__)
MOST_WORKERS = 2
MEGABYTES = 256
"""Of a task, in addition to the memory of the libraries."""
_SLACK_SECONDS = 2.0
_WALL_FACTOR = 10
_RESTARTED_ABOVE_KB = 120_000
_MOST_TASKS = 5000
_MOST_WAITING, _HOST_SHARE = 16_000_000, 1_000_000
"""Bytes that wait to be read in all, and those that a host may always have."""
_NO_FAULT = ""
"""Of a successful attempt to start a worker."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
"""Seconds before another attempt to start a worker, which takes half a second of a processor."""


@dataclass(slots=True, eq=False)
class Workers:
    """Runs tasks in at most `most` worker processes, started when needed.

    A host has one task at a time, so that it delays only itself. Hooks: `on_costly(host)` for each
    task that exceeded its limits or failed, `on_attempt(began, fault)` after each attempt to start
    a worker, `on_unread(host, began)` for each task that no worker could run.
    """

    most: int = MOST_WORKERS
    _: KW_ONLY
    megabytes: int = MEGABYTES
    clock: Clock = field(default_factory=SystemClock)
    start: Callable[[int], Worker] = start_worker
    on_costly: Callable[[str], None] = lambda _host: None
    on_attempt: Callable[[datetime, str], None] = lambda _began, _fault: None
    on_unread: Callable[[str, datetime], None] = lambda _host, _began: None
    _threads: ThreadPoolExecutor = field(init=False)
    _places: asyncio.Semaphore = field(init=False)
    _lock_of_host: dict[str, asyncio.Lock] = field(default_factory=dict)
    # Of tasks that wait or run, plus one for each.
    _bytes_of_host: Counter[str] = field(default_factory=Counter)
    _idle: list[Worker] = field(default_factory=list)
    _busy: set[Worker] = field(default_factory=set)
    _is_closed: bool = False
    # Faults that threads record and the loop reports.
    _attempts: deque[str] = field(default_factory=deque)
    # Of the last attempt, None before the first.
    _fault: str | None = None
    _pause: float = _FIRST_PAUSE
    _paused_until: float = 0.0
    _has_logged_priority: bool = False

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.most, "sandbox")
        self._places = asyncio.Semaphore(self.most)

    async def run(
        self,
        task: str,
        host: str,
        *arguments: object,
        seconds: int,
        size: int = 0,
        is_look: bool = True,
    ) -> Any:  # noqa: ANN401  # per task
        """Run a task of `tasks.PLACES` to read `size` bytes within `seconds` of processor time.

        A worker that uses more, or is idle for ten times as long, is killed. Raises `TooCostly`,
        `NoWorker`, and `WorkerFault` if the task failed.
        """
        async with self._wait_for_turn(host, size):
            began = self.clock.now()
            try:
                self._refuse_if_closed_or_paused()
                return await self._call_in_thread(self._run_on_worker, task, arguments, seconds)
            except NoWorker:
                # A calendar that was not read leaves no look unread.
                if is_look and not self._is_closed:
                    # The response was received at about `began`.
                    self.on_unread(host, began)
                raise
            except (TooCostly, WorkerFault):
                if host and not self._is_closed:  # a local file has no host
                    self.on_costly(host)
                raise

    async def try_start(self, *, eager: bool = False) -> None:
        """Try to start a worker if the last start failed or, if `eager`, none was started yet."""
        if self._is_closed or not (self._fault or (self._fault is None and eager)):
            return
        async with self._places:
            with suppress(NoWorker):
                await self._call_in_thread(
                    lambda: self._give_back(self._take_idle_or_start(), is_usable=True)
                )

    def stop_unused(self) -> None:
        """Stop the workers that had no task since the last call."""
        for worker in [worker for worker in self._idle if not worker.is_used]:
            self._idle.remove(worker)
            worker.kill()
        for worker in self._idle:
            worker.is_used = False

    def close(self) -> None:
        """Kill all workers. Tasks that wait raise `NoWorker`."""
        self._is_closed = True
        for worker in list(self._busy):
            worker.end()  # the thread of its task then closes its pipes
        while self._idle:
            self._idle.pop().kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _wait_for_turn(self, host: str, size: int) -> AsyncIterator[None]:
        """Wait until a worker is free and no other task of the host runs, for the block.

        Raises `TooCostly` if too many bytes wait, and this host has used up its share.
        """
        lock = self._lock_of_host.setdefault(host, asyncio.Lock())
        waiting = self._bytes_of_host[host]
        exceeds_share = waiting > 0 and waiting + size > _HOST_SHARE
        if exceeds_share and self._bytes_of_host.total() + size > _MOST_WAITING:
            self.on_costly(host)
            raise TooCostly("too many bytes of its host wait to be read")
        # One more, so that the host has an entry even for empty bodies.
        self._bytes_of_host[host] += size + 1
        try:
            async with lock, self._places:
                yield
        finally:
            self._bytes_of_host[host] -= size + 1
            if not self._bytes_of_host[host]:
                del self._bytes_of_host[host], self._lock_of_host[host]

    def _refuse_if_closed_or_paused(self) -> None:
        """Raise `NoWorker` if closed, or none is idle in the pause after a failed start."""
        if self._is_closed:
            raise NoWorker("the workers are closed")
        if self._fault and not self._idle and self.clock.monotonic() < self._paused_until:
            raise NoWorker(self._fault)

    async def _call_in_thread(self, work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  # as the work returns
        """Call `work` in a thread, and report the attempts that it recorded."""
        began = self.clock.now()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, partial(work, *arguments)
            )
        finally:
            while self._attempts:
                self._report_attempt(began, self._attempts.popleft())

    def _report_attempt(self, began: datetime, fault: str) -> None:
        """Log an attempt to start a worker and call the hook."""
        if fault != _NO_FAULT:
            _log.error("worker_not_started", fault=fault)
            self._paused_until = self.clock.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        else:
            if self._fault:
                _log.info("worker_started")
            self._pause = _FIRST_PAUSE
        self._fault = fault
        self.on_attempt(began, fault)

    def _run_on_worker(self, task: str, arguments: tuple[object, ...], seconds: int) -> Any:  # noqa: ANN401  # as `run`
        """Run a task on an idle or new worker, which is kept if it can run another."""
        worker = self._take_idle_or_start()
        is_usable = False
        try:
            if self._is_closed:
                raise NoWorker("the workers are closed")
            reply = _run_on(worker, task, arguments, seconds)
            worker.tasks += 1
            # One that failed, uses much memory or has had many tasks is replaced.
            is_usable = (
                reply.ending is Ending.DONE
                and reply.resident < _RESTARTED_ABOVE_KB
                and worker.tasks < _MOST_TASKS
            )
        except TooCostly as exc:
            # `close` kills busy workers.
            raise NoWorker("the workers are closed") if self._is_closed else exc from None
        finally:
            self._give_back(worker, is_usable=is_usable)
        if reply.ending is Ending.COSTLY:
            raise TooCostly(f"stopped for {reply.fault}")
        if reply.ending is not Ending.DONE:
            raise WorkerFault(reply.fault)
        return reply.result

    def _take_idle_or_start(self) -> Worker:
        """Return an idle worker that runs, else a new one. Raises `NoWorker`."""
        while self._idle:
            worker = self._idle.pop()
            if not worker.has_ended():
                if self._fault:
                    # An older worker is free, which ends the pause.
                    self._attempts.append(_NO_FAULT)
                self._busy.add(worker)
                return worker
            worker.kill()
        try:
            worker = self.start(self.megabytes)
        except NoWorker as exc:
            self._attempts.append(exc.why)
            raise
        self._attempts.append(_NO_FAULT)
        self._busy.add(worker)
        if worker.priority_fault and not self._has_logged_priority:
            self._has_logged_priority = True
            _log.warning("worker_priority_not_lowered", fault=worker.priority_fault)
        return worker

    def _give_back(self, worker: Worker, *, is_usable: bool) -> None:
        self._busy.discard(worker)
        if is_usable and not self._is_closed:
            worker.is_used = True
            self._idle.append(worker)
        else:
            worker.kill()


def _run_on(worker: Worker, name: str, arguments: tuple[object, ...], seconds: int) -> Reply[Any]:
    """Return the reply of a worker to a task. Raises `TooCostly`, also if it cannot be read."""
    task = find_task(name)
    patience = Patience(_WALL_FACTOR * seconds + _SLACK_SECONDS, seconds + _SLACK_SECONDS)
    line = worker.exchange(task.pack(seconds, arguments), patience)
    try:
        return without_collections(partial(unpack, task.reply, line))
    except ValueError as exc:
        raise TooCostly(UNREADABLE) from exc
