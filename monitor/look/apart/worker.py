"""A process that reads foreign bytes and nothing else: `python -m monitor.look.apart.worker FD MEMORY`.

It takes one task after the other from its end of a pipe, within a bounded memory and a bounded time of the processor
for each; the system stops it when it goes beyond. It ends when its pipe does.
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
    "more": "schedules.sources.apart:more",
    "read": "schedules.sources.apart:read",
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
    # What a task has to import is no part of its time.
    _bound_seconds(_START_SECONDS)
    for task in TASKS.values():
        import_module(task.split(":")[0])
    # From here on the watch goes first where there are not processors enough for both. Imports come before: on a busy
    # machine they would take minutes.
    os.nice(_NICE)
    _bound_memory(int(sys.argv[2]))
    pipe: Connection[Any, Any] = Connection(int(sys.argv[1]))
    pipe.send_bytes(b"ready")
    while True:
        try:
            task, seconds, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # the daemon's own words
        except (EOFError, ConnectionError):
            return
        _bound_seconds(seconds)
        pipe.send_bytes(packed((*_worked(task, arguments), _resident())))


def _worked(task: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    module, name = TASKS[task].split(":")
    try:
        return DONE, getattr(import_module(module), name)(*arguments)
    except (MemoryError, RecursionError) as exc:
        return COSTLY, type(exc).__name__
    except Exception as exc:  # noqa: BLE001  # a fault in a reader of foreign text must not cost the worker its life
        return FAULT, f"{type(exc).__name__}: {exc}"[:500]


def _bound_memory(megabytes: int) -> None:
    # Beyond what the interpreter and the libraries have mapped already.
    most = _pages()[0] * resource.getpagesize() + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _bound_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + _SPARE_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _resident() -> int:
    """Return the kilobytes that this process takes. What the system tells of its peak is its parent's."""
    return _pages()[1] * resource.getpagesize() // 1024


def _pages() -> tuple[int, int]:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # short of memory, nothing else is made
        mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


if __name__ == "__main__":
    main()
