"""Runs as a process that only reads foreign bytes: `python -m monitor.look.sandbox.worker FD
MEGABYTES`.

It runs the tasks that arrive on the pipe `FD`, one after the other, and ends when the pipe ends.
The system stops it if it exceeds its limit of memory, or the limit of processor time of a task. It
is confined (`confine.py`) before its first task.

Its first message has two texts: why it cannot start, and why its priority was not lowered. Each is
empty without such a fault. It does not start if its memory and time cannot be limited.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from importlib import import_module
from io import FileIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from monitor.look.sandbox.confine import confine

TASKS = {
    "recognise": "monitor.look.reading:read_body",
    "strip": "schedules.sources.body:strip_personal",
    "more": "schedules.source:more",
    "read": "schedules.source:read",
}
"""The tasks of a worker: functions that take and return plain values."""

DONE, COSTLY, FAULT = "done", "costly", "fault"
_START_SECONDS = 60
"""Limit of processor seconds for the imports."""
_SPARE_SECONDS = 1


def main() -> None:
    """Prepare this process, send the daemon any fault, and then run the tasks that it sends until
    the pipe ends.
    """
    # Ctrl-C stops the daemon, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe: Connection[Any, Any] = Connection(int(sys.argv[1]))
    # A confined process cannot open this file, so it stays open.
    with Path("/proc/self/statm").open("rb", buffering=0) as statm:
        _run_tasks(pipe, int(sys.argv[2]), statm)


def _run_tasks(pipe: Connection[Any, Any], megabytes: int, statm: FileIO) -> None:
    fault = _import_and_limit(megabytes, statm)
    # Lower our priority, so that looks go first on a busy machine. Done earlier, the imports would
    # take minutes there.
    priority_fault = ""
    try:
        os.nice(10)
    except OSError as exc:
        priority_fault = _describe_fault(exc)
    fault = fault or _confine_process()
    pipe.send_bytes(pickle.dumps((fault, priority_fault), protocol=5))
    if fault:
        return
    while True:
        try:
            task, seconds, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # sent by the daemon
        except (EOFError, ConnectionError):
            return
        _limit_seconds(seconds)
        outcome, result = _run_task(task, arguments)
        # The peak that the system reports would include the parent's memory.
        resident = _memory_pages(statm)[1] * resource.getpagesize() // 1024
        pipe.send_bytes(pickle.dumps((outcome, result, resident), protocol=5))


def _import_and_limit(megabytes: int, statm: FileIO) -> str:
    """Import the modules of all tasks, and limit memory and time.

    Return the fault, or an empty string.
    """
    try:
        _limit_seconds(_START_SECONDS)
        # Imports must not count against the time of a task.
        for task in TASKS.values():
            import_module(task.split(":")[0])
        # Tasks may use `megabytes` in addition to the memory of the interpreter and the libraries.
        most = _memory_pages(statm)[0] * resource.getpagesize() + megabytes * 1024 * 1024
        _set_limit(resource.RLIMIT_AS, most, is_final=True)
        _set_limit(resource.RLIMIT_CORE, 0, is_final=True)
    except Exception as exc:  # noqa: BLE001  # the daemon reports any fault
        return _describe_fault(exc)
    return ""


def _confine_process() -> str:
    """Confine this process. Return why that failed, or an empty string."""
    try:
        confine()
    except OSError as exc:
        return f"it cannot be confined: {exc}"
    return ""


def _describe_fault(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]


def _run_task(task: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """Return how a task ended, and its result or the reason of its failure."""
    module, name = TASKS[task].split(":")
    try:
        return DONE, getattr(import_module(module), name)(*arguments)
    except (MemoryError, RecursionError) as exc:
        return COSTLY, type(exc).__name__
    except Exception as exc:  # noqa: BLE001  # a fault in a reader must not end the worker
        return FAULT, _describe_fault(exc)


def _limit_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + _SPARE_SECONDS)


def _set_limit(kind: int, most: int, *, is_final: bool = False) -> None:
    """Limit a resource of this process, such as `resource.RLIMIT_AS`, for good if `is_final`.

    Raises `OSError`.
    """
    try:
        # A process can raise a limit again, but not above its hard limit, which may have been set
        # before the start.
        _, hard_limit = resource.getrlimit(kind)
        most = most if hard_limit == resource.RLIM_INFINITY else min(most, hard_limit)
        resource.setrlimit(kind, (most, most if is_final else hard_limit))
    except (OSError, ValueError) as exc:
        raise OSError(f"its memory and time cannot be bounded: {exc}") from exc


def _memory_pages(statm: FileIO) -> tuple[int, int]:
    """Return the number of memory pages that this process has mapped, and of those that are
    resident.
    """
    statm.seek(0)
    mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


if __name__ == "__main__":
    main()
