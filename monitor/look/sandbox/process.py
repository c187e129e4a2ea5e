"""The daemon's side of one worker process."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.threads import waiting_for_child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_START_SECONDS = 60.0
_POLL_SECONDS = 1.0
_LARGEST_REPLY = 64_000_000
_ROOT = Path(__file__).parents[3]
_DAMAGED = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
)


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


@dataclass(slots=True, eq=False)
class Worker:
    """One process and our end of its pipe. `priority_fault` says why its priority stayed, if so."""

    process: subprocess.Popen[bytes]
    pipe: Connection[Any, Any]
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

    def run_task(self, parcel: bytes, seconds: float) -> tuple[str, Any, int]:
        """Run a packed task. Return how it ended, its result, and the kilobytes in use.

        Raises `TooCostly` without a usable reply, or if the worker is idle for `seconds`.
        """
        try:
            self.pipe.send_bytes(parcel)
            if not wait_for_message(self, seconds):
                raise TooCostly(f"no end within {seconds:g} seconds")
            outcome, result, resident = unpack(self.pipe.recv_bytes(_LARGEST_REPLY))
        except (EOFError, OSError) as exc:
            raise TooCostly("stopped at its limit of time or memory") from exc
        except _DAMAGED as exc:
            raise TooCostly("its reply cannot be read") from exc
        return outcome, result, resident

    def kill(self) -> None:
        """End its process at once, and close its pipe."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


def wait_for_message(worker: Worker, seconds: float) -> bool:
    """Wait for a message, or the pipe's end. Return False after so many idle seconds.

    A second of work can take minutes on a busy machine, so only idle time counts: the system limits
    processor time.
    """
    idle_seconds_left, last_ticks = seconds, None
    with waiting_for_child():
        while not worker.pipe.poll(min(idle_seconds_left, _POLL_SECONDS)):
            ticks = worker.processor_ticks()
            if ticks == last_ticks:
                idle_seconds_left -= _POLL_SECONDS
            last_ticks = ticks
            if idle_seconds_left <= 0:
                return False
    return True


def start_worker(megabytes: int) -> Worker:
    """Start a process and return it once it is ready. Raises `NoWorker`."""
    from multiprocessing import Pipe  # noqa: PLC0415  # slow to import, and many daemons never need a worker

    try:
        our_end, worker_end = Pipe()
    except OSError as exc:
        raise NoWorker(f"no pipe to a worker: {exc}") from exc
    try:
        with worker_end:
            process = _start_process(worker_end.fileno(), megabytes)
    except OSError as exc:
        our_end.close()
        raise NoWorker(f"no process: {exc}") from exc
    worker = Worker(process, our_end)
    try:
        worker.priority_fault = _wait_until_ready(worker)
    except NoWorker:
        worker.kill()
        raise
    return worker


def _start_process(pipe: int, megabytes: int) -> subprocess.Popen[bytes]:
    """Start a worker process with its end of the pipe and its limit of memory."""
    # Our environment may contain secrets, so only module paths are passed on.
    paths = os.pathsep.join(dict.fromkeys([str(_ROOT), *(path for path in sys.path if path)]))
    return subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "monitor.look.sandbox.worker", str(pipe), str(megabytes)],
        pass_fds=[pipe],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1"},
    )


def _wait_until_ready(worker: Worker) -> str:
    """Wait until a worker is ready. Return why its priority stayed, or "". Raises `NoWorker`."""
    try:
        if not wait_for_message(worker, _START_SECONDS):
            raise NoWorker(f"it was not ready within {_START_SECONDS:g} seconds")
        fault, priority_fault = unpack(worker.pipe.recv_bytes(_LARGEST_REPLY))
    except (EOFError, OSError) as exc:
        raise NoWorker(
            f"it ended before it was ready, with status {worker.process.poll()}"
        ) from exc
    except _DAMAGED as exc:
        raise NoWorker("its first message cannot be read") from exc
    if fault:
        raise NoWorker(str(fault))
    return str(priority_fault)


def _enum_member(kind: object, name: str) -> Enum:
    """Return a member of an enumeration, which Python before 3.11.4 pickles as a `getattr`."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[name]
    raise RefusedReply(f"a reply must not request {name}")


_TIMES = (date, datetime, time, timedelta, timezone)
_PLAIN: dict[tuple[str, str], Any] = {("datetime", kind.__name__): kind for kind in _TIMES} | {
    ("builtins", "frozenset"): frozenset,
    ("builtins", "set"): set,
    ("builtins", "getattr"): _enum_member,
}
_OURS = ("schedules.", "monitor.look.")


class RefusedReply(pickle.UnpicklingError):
    """A reply with something besides plain values."""


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles only plain types, because hostile bytes may control a worker."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  # of the base class
        """Return a class that a reply may contain. Raises `RefusedReply` for any other."""
        plain = _PLAIN.get((module, name))
        if plain is not None:
            return plain
        if module.startswith(_OURS) and name.isidentifier():
            kind = getattr(import_module(module), name, None)
            if (
                isinstance(kind, type)
                and kind.__module__ == module
                and (is_dataclass(kind) or issubclass(kind, Enum))
            ):
                return kind
        raise RefusedReply(f"a reply must not contain {module}.{name}")


def unpack(parcel: bytes) -> Any:  # noqa: ANN401  # whatever was packed
    """Return a packed value. Raises `RefusedReply`, or any of `_DAMAGED`."""
    return _PlainUnpickler(io.BytesIO(parcel)).load()
