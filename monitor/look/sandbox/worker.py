"""A process that only reads foreign bytes: `python -m monitor.look.sandbox.worker MEGABYTES`.

It first answers whether it can run tasks, which needs limits of memory and time. Then it runs the
tasks that arrive as lines on its input, confined (`confine.py`), answers each with a line of JSON,
and ends with its input. The system stops it beyond its limit of memory, or of a task's processor
time.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from monitor.look.sandbox.confine import confine
from monitor.look.sandbox.tasks import LONGEST_FAULT, PLACES, Ending, Reply, find_task

_START_SECONDS = 60
"""Limit of processor seconds for the imports."""
_SPARE_SECONDS = 1


def main() -> None:
    """Prepare this process, answer whether that worked, and run the tasks of the daemon."""
    # Ctrl-C stops the daemon, which then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # A library that prints must not damage a reply.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # A confined process cannot open this file, so it stays open.
    with Path("/proc/self/statm").open("rb", buffering=0) as statm:
        _run_tasks(replies, int(sys.argv[1]), statm)


def _run_tasks(replies: BinaryIO, megabytes: int, statm: FileIO) -> None:
    fault = _import_and_limit(megabytes, statm)
    # So that looks go first on a busy machine.
    priority_fault = ""
    try:
        os.nice(10)
    except OSError as exc:
        priority_fault = _describe_fault(exc)
    fault = fault or _confine_process()
    ending = Ending.FAULT if fault else Ending.DONE
    _send_reply(replies, Reply[str](ending=ending, fault=fault, result=priority_fault))
    if fault:
        return
    for line in sys.stdin.buffer:
        name, seconds, arguments = line.split(b" ", 2)
        _limit_seconds(int(seconds))
        reply = run_task(name.decode(), arguments)
        # The peak that the system reports would include the parent's memory.
        reply.resident = _memory_pages(statm)[1] * resource.getpagesize() // 1024
        _send_reply(replies, reply)


def _send_reply(replies: BinaryIO, reply: Reply[Any]) -> None:
    replies.write(reply.pack())
    replies.flush()


def _import_and_limit(megabytes: int, statm: FileIO) -> str:
    """Import the modules of all tasks, and limit memory and time. Return the fault, or ""."""
    try:
        _limit_seconds(_START_SECONDS)
        # Imports must not count against the time of a task.
        for name in PLACES:
            find_task(name)
        # The collector need not look at them again in each task.
        gc.freeze()
        # In addition to the interpreter and the libraries.
        most = _memory_pages(statm)[0] * resource.getpagesize() + megabytes * 1024 * 1024
        _set_limit(resource.RLIMIT_AS, most, is_final=True)
        _set_limit(resource.RLIMIT_CORE, 0, is_final=True)
    except Exception as exc:  # noqa: BLE001  # the daemon reports any fault
        return _describe_fault(exc)
    return ""


def _confine_process() -> str:
    try:
        confine()
    except OSError as exc:
        return f"it cannot be confined: {exc}"
    return ""


def _describe_fault(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:LONGEST_FAULT]


def run_task(name: str, arguments: bytes) -> Reply[Any]:
    """Return the reply of a task with packed arguments."""
    task = find_task(name)
    try:
        result = task.function(*task.arguments.validate_json(arguments))
        return task.reply(ending=Ending.DONE, result=result)
    except (MemoryError, RecursionError) as exc:
        return task.reply(ending=Ending.COSTLY, fault=type(exc).__name__)
    except Exception as exc:  # noqa: BLE001  # a fault in a reader must not end the worker
        return task.reply(ending=Ending.FAULT, fault=_describe_fault(exc))


def _limit_seconds(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + _SPARE_SECONDS)


def _set_limit(kind: int, most: int, *, is_final: bool = False) -> None:
    """Limit a resource such as `resource.RLIMIT_AS`, for good if `is_final`. Raises `OSError`."""
    try:
        # The hard limit, which may have been set before the start, cannot be raised.
        _, hard_limit = resource.getrlimit(kind)
        if hard_limit != resource.RLIM_INFINITY:
            most = min(most, hard_limit)
        resource.setrlimit(kind, (most, most if is_final else hard_limit))
    except (OSError, ValueError) as exc:
        raise OSError(f"its memory and time cannot be bounded: {exc}") from exc


def _memory_pages(statm: FileIO) -> tuple[int, int]:
    """Return how many memory pages this process has mapped, and how many are resident."""
    statm.seek(0)
    mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


if __name__ == "__main__":
    main()
