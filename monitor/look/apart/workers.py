"""A few processes that read foreign bytes for the daemon, started when they are needed and killed when they overrun."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.look.apart.parcel import unpacked
from monitor.look.apart.worker import COSTLY, DONE
from monitor.threads import waiting_for_child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MOST = 2
MEGABYTES = 256
"""What a worker may take for what it reads, beyond its own libraries."""
_START_SECONDS = 60.0
_SLACK_SECONDS = 2.0
_CLOCK_TIMES = 10
_SLICE = 1.0
_LARGEST_REPLY = 64_000_000
_RESTARTED_ABOVE_KB = 120_000
_MOST_TASKS = 5000
_MOST_WAITING, _SHARE = 16_000_000, 1_000_000
"""Bytes that may wait to be read, and those of a host that always may. What comes beyond is dropped, not kept."""
_ROOT = Path(__file__).parents[3]


class TooCostly(Exception):
    """Something could not be read within its time and memory. `str(fault)` says which, in a few words."""


class WorkerFault(Exception):
    """A reader broke over what it was given. `str(fault)` is its fault, in one line."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One process and our end of its pipe."""

    process: subprocess.Popen[bytes]
    pipe: Connection[Any, Any]
    tasks: int = 0
    is_used: bool = True

    def computed(self) -> int:
        """Return how long it has computed so far, in ticks of the system's clock (a hundred a second)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii", errors="replace")
        # Its name, in brackets, may hold spaces; `proc(5)` counts utime and stime as fields 14 and 15.
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def bury(self) -> None:
        """Kill it, close its pipe, and have the system forget it."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Workers:
    """At most `most` processes, none before the first task; at most one reads for the same host at a time.

    A host whose text takes long holds up itself: others have the rest of the processes. `told(host)` is called for
    each task that overran or broke.
    """

    def __init__(
        self, most: int = MOST, *, megabytes: int = MEGABYTES, told: Callable[[str], None] = lambda _host: None
    ) -> None:
        self._most = most
        self._megabytes = megabytes
        self.told = told
        self._threads = ThreadPoolExecutor(most, "apart")
        self._free = asyncio.Semaphore(most)
        self._hosts: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._is_closed = False

    async def ask(self, task: str, host: str, *arguments: object, seconds: int, size: int = 0) -> Any:  # noqa: ANN401  # per task
        """Have a task of `worker.TASKS` done in so many seconds of the processor at most.

        A worker that stands still for ten times that long is ended too. `size` is how many bytes wait with the task.
        Raises `TooCostly`, and `WorkerFault` when the task broke.
        """
        async with self._turn(host, size):
            if self._is_closed:
                raise TooCostly("the workers are closed")
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(self._threads, self._asked, task, arguments, seconds)
            except (TooCostly, WorkerFault):
                if not self._is_closed:
                    self.told(host)
                raise

    def rest(self) -> None:
        """Stop the workers that nothing was asked of since the last call."""
        for worker in [worker for worker in self._idle if not worker.is_used]:
            self._idle.remove(worker)
            worker.bury()
        for worker in self._idle:
            worker.is_used = False

    def close(self) -> None:
        """Kill all of them; whoever waits for one is told that it was too costly."""
        self._is_closed = True
        for worker in list(self._busy):
            worker.process.kill()
        while self._idle:
            self._idle.pop().bury()
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

    def _asked(self, task: str, arguments: tuple[object, ...], seconds: int) -> Any:  # noqa: ANN401  # as `ask`
        worker = self._idle.pop() if self._idle else _started(self._megabytes)
        self._busy.add(worker)
        is_well = False
        try:
            if self._is_closed:
                raise TooCostly("the workers are closed")
            parcel = pickle.dumps((task, seconds, arguments), protocol=5)
            word, told, resident = _answered(worker, parcel, _CLOCK_TIMES * seconds + _SLACK_SECONDS)
            worker.tasks += 1
            is_well = word == DONE and resident < _RESTARTED_ABOVE_KB and worker.tasks < _MOST_TASKS
        finally:
            self._busy.discard(worker)
            if is_well and not self._is_closed:
                worker.is_used = True
                self._idle.append(worker)
            else:
                worker.bury()
        if word == COSTLY:
            raise TooCostly(f"stopped for {told}")
        if word != DONE:
            raise WorkerFault(str(told))
        return told


def _answered(worker: _Worker, parcel: bytes, seconds: float) -> tuple[str, Any, int]:
    try:
        worker.pipe.send_bytes(parcel)
        if not _is_heard(worker, seconds):
            raise TooCostly(f"no end within {seconds:g} seconds")
        word, told, resident = unpacked(worker.pipe.recv_bytes(_LARGEST_REPLY))
    except (EOFError, OSError) as exc:
        raise TooCostly("stopped at the bound of its time or memory") from exc
    except (pickle.UnpicklingError, ValueError, TypeError, AttributeError, ImportError, IndexError, KeyError) as exc:
        raise TooCostly("an answer that cannot be taken") from exc
    return word, told, resident


def _is_heard(worker: _Worker, seconds: float) -> bool:
    """Wait until something comes from a worker, or its pipe ends; return False after so many seconds of standing still.

    Seconds in which it computes do not count: on a busy machine it may take minutes for what is a second's work. How
    long it may compute is bounded by the system (`worker.py`).
    """
    left, computed = seconds, -1
    with waiting_for_child():
        while not worker.pipe.poll(min(left, _SLICE)):
            before, computed = computed, worker.computed()
            if computed == before:
                left -= _SLICE
            if left <= 0:
                return False
    return True


def _started(megabytes: int) -> _Worker:
    # Not at the top: a daemon that needs no worker does without.
    from multiprocessing import Pipe  # noqa: PLC0415  # as said above

    ours, theirs = Pipe()
    with theirs:
        command = [sys.executable, "-m", "monitor.look.apart.worker", str(theirs.fileno()), str(megabytes)]
        # No secret of ours: of the surroundings it gets where modules are, and nothing else.
        paths = os.pathsep.join(dict.fromkeys([str(_ROOT), *(path for path in sys.path if path)]))
        process = subprocess.Popen(  # noqa: S603  # our own module
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1"},
        )
    worker = _Worker(process, ours)
    try:
        is_ready = _is_heard(worker, _START_SECONDS) and ours.recv_bytes(16) == b"ready"
    except (EOFError, OSError):
        is_ready = False
    if not is_ready:
        worker.bury()
        raise TooCostly("a worker did not start")
    return worker
