"""A process that only reads foreign bytes: `python -m monitor.look.apart.worker FD MEMORY`.

It runs one task after the other from its end of a pipe, with a limit of memory and, for each task, of processor time.
The system stops it if it exceeds them. It ends when its pipe ends.

Its first message has two texts: why it cannot start, and why its priority was not lowered. Each is empty if there is no
fault. It does not start if its memory and time cannot be limited.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from monitor.look.apart.parcel import pack

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
_NICE = 10


def main() -> None:
    """Work until the pipe ends."""
    # Ctrl-C stops the daemon, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe: Connection[Any, Any] = Connection(int(sys.argv[1]))
    fault = _prepare(int(sys.argv[2]))
    # From here on, looks have priority on a busy machine. With low priority, the imports would take minutes there.
    priority_fault = _lower_priority()
    pipe.send_bytes(pack((fault, priority_fault)))
    if fault:
        return
    while True:
        try:
            task, seconds, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # sent by the daemon
        except (EOFError, ConnectionError):
            return
        _limit_seconds(seconds)
        pipe.send_bytes(pack((*_run_task(task, arguments), _resident_kilobytes())))


def _prepare(megabytes: int) -> str:
    """Import what tasks need, and limit memory and time. Return why that failed, or an empty string."""
    try:
        _limit_seconds(_START_SECONDS)
        # Imports must not count against the time of a task.
        for task in TASKS.values():
            import_module(task.split(":")[0])
        _limit_memory(megabytes)
    except Exception as exc:  # noqa: BLE001  # the daemon reports any fault
        return _describe(exc)
    return ""


def _lower_priority() -> str:
    """Lower the priority of this process. Return why the system refused, or an empty string."""
    try:
        os.nice(_NICE)
    except OSError as exc:
        return _describe(exc)
    return ""


def _describe(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]


def _run_task(task: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    module, name = TASKS[task].split(":")
    try:
        return DONE, getattr(import_module(module), name)(*arguments)
    except (MemoryError, RecursionError) as exc:
        return COSTLY, type(exc).__name__
    except Exception as exc:  # noqa: BLE001  # a fault in a reader must not end the worker
        return FAULT, _describe(exc)


def _limit_memory(megabytes: int) -> None:
    # In addition to what the interpreter and the libraries use.
    _set_limit(resource.RLIMIT_AS, _memory_pages()[0] * resource.getpagesize() + megabytes * 1024 * 1024, is_final=True)
    _set_limit(resource.RLIMIT_CORE, 0, is_final=True)


def _limit_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + _SPARE_SECONDS)


def _set_limit(limit: int, most: int, *, is_final: bool = False) -> None:
    """Limit a resource of this process. A lower limit that it was started with stays, because it cannot be raised."""
    try:
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most if is_final else hard))
    except (OSError, ValueError) as exc:
        raise OSError(f"its memory and time cannot be bounded: {exc}") from exc


def _resident_kilobytes() -> int:
    """Return the kilobytes that this process uses now. The peak that the system reports is that of its parent."""
    return _memory_pages()[1] * resource.getpagesize() // 1024


def _memory_pages() -> tuple[int, int]:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # as few objects as possible, because memory may be exhausted
        mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


if __name__ == "__main__":
    main()
