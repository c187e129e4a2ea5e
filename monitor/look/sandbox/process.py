"""The daemon's side of one worker: its process and the pipes to it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, PollSelector
from typing import IO

from monitor.clock import SystemClock
from monitor.look.sandbox.tasks import Ending, Reply, unpack
from monitor.threads import waiting_for_child

_START_SECONDS = 60.0
_POLL_SECONDS = 1.0
_PIECE = 65_536
_LONGEST_REPLY = 32_000_000
UNREADABLE = "its reply cannot be read"
_ENDED = "stopped at its limit of time or memory"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).parents[3]


class ReadFault(Exception):
    """Raised if a worker could not read a body, with a few words why."""


class TooCostly(ReadFault):
    """The body could not be read within its limits of time and memory."""


class WorkerFault(ReadFault):
    """A reader raised an unexpected exception."""


class NoWorker(ReadFault):
    """Raised if no worker runs, the fault of this monitor or its machine."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this monitor has no worker to read it: {why}")
        self.why = why


@dataclass(slots=True)
class Patience:
    """How long a worker may still take.

    Time in which it uses the processor does not count as `idle_seconds`, because on a busy machine
    a second of work can take minutes. It may use the processor for `busy_seconds`: a worker that
    hostile bytes have taken over could lift the limit that the system sets (`worker.py`).
    """

    idle_seconds: float
    busy_seconds: float
    _last_ticks: int | None = None

    def is_over(self, ticks: int, elapsed: float) -> bool:
        """Return whether it has taken too long.

        `ticks` is its processor time until now, `elapsed` the seconds since the last call.
        """
        if self._last_ticks is None or ticks == self._last_ticks:
            self.idle_seconds -= elapsed
        else:
            self.busy_seconds -= (ticks - self._last_ticks) / _TICKS_PER_SECOND
        self._last_ticks = ticks
        return self.idle_seconds <= 0 or self.busy_seconds <= 0


@dataclass(slots=True, eq=False)
class Worker:
    """One process and our ends of its pipes.

    `priority_fault` says why its priority was not lowered, empty if it was.
    """

    process: subprocess.Popen[bytes]
    priority_fault: str = ""
    tasks: int = 0
    is_used: bool = True

    def processor_ticks(self) -> int:
        """Return the processor time that the worker has used, in clock ticks, 0 if unknown."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text(
                encoding="ascii", errors="replace"
            )
        except OSError:
            return 0
        # Its name, in brackets, may contain spaces. utime and stime are fields 14 and 15
        # (`proc(5)`).
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def exchange(self, message: bytes, patience: Patience) -> bytes:
        """Send a message, and return the line that the worker answers.

        Raises `TooCostly` if that takes too long, if the worker ends, and if its answer is longer
        than `_LONGEST_REPLY` or more than one line.
        """
        unsent, answer = memoryview(message), bytearray()
        sends, replies = self.process.stdin, self.process.stdout
        assert sends is not None  # noqa: S101  # `start_worker` has made both pipes
        assert replies is not None  # noqa: S101
        with waiting_for_child(), PollSelector() as pipes:
            pipes.register(replies, EVENT_READ)
            pipes.register(sends, EVENT_WRITE)
            while not answer.endswith(b"\n"):
                began = SystemClock.monotonic()
                ready = [
                    key.fileobj
                    for key, _ in pipes.select(min(_POLL_SECONDS, patience.idle_seconds))
                ]
                if sends in ready and unsent:
                    unsent = unsent[_write_some(sends, unsent) :]
                if sends in ready and not unsent:
                    pipes.unregister(sends)
                if replies in ready:
                    answer += _read_some(replies)
                if len(answer) > _LONGEST_REPLY:
                    raise TooCostly("its reply is too long")
                if patience.is_over(self.processor_ticks(), SystemClock.monotonic() - began):
                    raise TooCostly("no end within its time")
        if answer.count(b"\n") > 1:
            raise TooCostly(UNREADABLE)
        return bytes(answer)

    def has_ended(self) -> bool:
        """Return whether its process has ended."""
        return self.process.poll() is not None

    def end(self) -> None:
        """End its process at once. The thread that uses it then gets `TooCostly`."""
        self.process.kill()

    def kill(self) -> None:
        """End its process at once, wait for its exit status, and close its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _write_some(pipe: IO[bytes], message: memoryview) -> int:
    """Write as much as the pipe takes at once, and return how many bytes that was."""
    try:
        return os.write(pipe.fileno(), message[:_PIECE])
    except OSError as exc:
        raise TooCostly(_ENDED) from exc


def _read_some(pipe: IO[bytes]) -> bytes:
    try:
        piece = os.read(pipe.fileno(), _PIECE)
    except OSError as exc:
        raise TooCostly(_ENDED) from exc
    if not piece:
        raise TooCostly(_ENDED)
    return piece


def start_worker(megabytes: int) -> Worker:
    """Start a process and return it once it is ready.

    `megabytes` limits the memory of a task. Raises `NoWorker`.
    """
    try:
        worker = Worker(_start_process(megabytes))
    except OSError as exc:
        raise NoWorker(f"no process: {exc}") from exc
    try:
        worker.priority_fault = _wait_until_ready(worker)
    except NoWorker:
        worker.kill()
        raise
    return worker


def _start_process(megabytes: int) -> subprocess.Popen[bytes]:
    # Only the module paths are passed on: our environment may contain secrets.
    paths = os.pathsep.join(dict.fromkeys([str(_ROOT), *(path for path in sys.path if path)]))
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "monitor.look.sandbox.worker", str(megabytes)],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1"},
    )
    if process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)
    return process


def _wait_until_ready(worker: Worker) -> str:
    """Wait until a worker is ready. Return why its priority stayed, or "". Raises `NoWorker`."""
    try:
        line = worker.exchange(b"", Patience(_START_SECONDS, _START_SECONDS))
        reply = unpack(Reply[str], line)
    except TooCostly as exc:
        status = worker.process.poll()
        ended = ""
        if status is not None:
            ended = f" with status {status}"
        raise NoWorker(f"it was not ready: {exc}{ended}") from exc
    except ValueError as exc:
        raise NoWorker("its first message cannot be read") from exc
    if reply.ending is not Ending.DONE:
        raise NoWorker(reply.fault)
    return reply.result or ""
