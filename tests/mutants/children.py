"""Runs work in forked children, a few at a time, each with temporary files of its own."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

MEMORY = 4 * 2**30
"""Bytes that a child may take: a mutant can make a list without end."""


@dataclass(frozen=True)
class Work:
    """What a child runs, and what its parent runs once the child has ended, however it did."""

    run: Callable[[], None]
    after: Callable[[], None] = lambda: None


def run_in_children(works: Iterable[Work], jobs: int) -> None:
    """Run each work in a child of this process, at most `jobs` at a time."""
    running: dict[int, tuple[Work, Path]] = {}
    for work in works:
        if len(running) == jobs:
            _wait_for_one(running)
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        child = os.fork()
        if child == 0:
            _become_child(work, folder)
        running[child] = (work, folder)
    while running:
        _wait_for_one(running)


def limit_cpu(seconds: float) -> None:
    """End this process once it has used that many more CPU seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _wait_for_one(running: dict[int, tuple[Work, Path]]) -> None:
    child, _ = os.wait()
    work, folder = running.pop(child)
    shutil.rmtree(folder, ignore_errors=True)
    work.after()


def _become_child(work: Work, folder: Path) -> NoReturn:
    status = 1
    try:
        os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
        tempfile.tempdir = None
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        work.run()
        status = 0
    finally:
        os._exit(status)
