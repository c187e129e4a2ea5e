"""A process that reads foreign bytes and nothing else: `python -m monitor.look.apart.worker FD MEMORY`.

It takes one task after the other from its end of a pipe, within a bounded memory and a bounded time of the processor
for each; the system stops it when it goes beyond. It ends when its pipe does.

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

from monitor.look.apart.parcel import packed

TASKS = {
    "recognise": "monitor.look.reading:read_body",
    "strip": "schedules.sources.body:strip_personal",
    "more": "schedules.source:more",
    "read": "schedules.source:read",
}
"""What may be asked of a worker: a function that takes plain facts and returns plain facts."""

DONE, COSTLY, FAULT = "done", "costly", "fault"
_START_SECONDS = 60
"""What imports may take of the processor before the system ends the process."""
_SPARE_SECONDS = 1
_NICE = 10


def main() -> None:
    """Work until the pipe ends."""
    # Who presses Ctrl-C means the daemon, which closes the pipe when it stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe: Connection[Any, Any] = Connection(int(sys.argv[1]))
    fault = _prepare(int(sys.argv[2]))
    # From here on looks go first where there are not processors enough for both. Imports come before: on a busy machine
    # they would take minutes.
    unlowered = _lower_priority()
    pipe.send_bytes(packed((fault, unlowered)))
    if fault:
        return
    while True:
        try:
            task, seconds, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # the daemon's own words
        except (EOFError, ConnectionError):
            return
        _bound_seconds(seconds)
        pipe.send_bytes(packed((*_worked(task, arguments), _resident())))


def _prepare(megabytes: int) -> str:
    """Import what tasks need and limit memory and time; return why that failed, or an empty string."""
    try:
        _bound_seconds(_START_SECONDS)
        # What a task has to import is no part of its time.
        for task in TASKS.values():
            import_module(task.split(":")[0])
        _bound_memory(megabytes)
    except Exception as exc:  # noqa: BLE001  # the daemon tells people of it, whatever it is
        return _named(exc)
    return ""


def _lower_priority() -> str:
    """Lower the priority of this process; return why the system refused, or an empty string."""
    try:
        os.nice(_NICE)
    except OSError as exc:
        return _named(exc)
    return ""


def _named(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]


def _worked(task: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    module, name = TASKS[task].split(":")
    try:
        return DONE, getattr(import_module(module), name)(*arguments)
    except (MemoryError, RecursionError) as exc:
        return COSTLY, type(exc).__name__
    except Exception as exc:  # noqa: BLE001  # a fault in a reader of foreign text must not cost the worker its life
        return FAULT, _named(exc)


def _bound_memory(megabytes: int) -> None:
    # Beyond what the interpreter and the libraries have mapped already.
    _bound(resource.RLIMIT_AS, _pages()[0] * resource.getpagesize() + megabytes * 1024 * 1024, for_good=True)
    _bound(resource.RLIMIT_CORE, 0, for_good=True)


def _bound_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _bound(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + _SPARE_SECONDS)


def _bound(limit: int, most: int, *, for_good: bool = False) -> None:
    """Bound what this process may take; a lower bound that it was started with stays, for it cannot be raised."""
    try:
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most if for_good else hard))
    except (OSError, ValueError) as exc:
        raise OSError(f"its memory and time cannot be bounded: {exc}") from exc


def _resident() -> int:
    """Return the kilobytes that this process takes. What the system tells of its peak is its parent's."""
    return _pages()[1] * resource.getpagesize() // 1024


def _pages() -> tuple[int, int]:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # short of memory, nothing else is made
        mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


if __name__ == "__main__":
    main()
