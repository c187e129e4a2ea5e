"""Scripts played side by side, each in a process of its own, so that one that fails loses none of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

_PRELOADED = ["monitor.rehearse.drive", "monitor.rehearse.summary", "monitor.cli.rehearse"]
"""Imported once by the process from which the players are forked: imports take longer than many a script."""


ALL = 100
"""Per cent of a script, when it has ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a script came to: whether all was as expected, what to print of it, and whether a thread hangs since."""

    ok: bool
    text: str
    hangs: bool = False


class Play(Protocol):
    """Plays one script, and reports now and then how many per cent of it are played."""

    def __call__(self, path: Path, report: Callable[[int], None], /) -> Ended:
        """Return what the script came to."""


class Progress:
    """Learns how far scripts are played; this one keeps it to itself."""

    def started(self, path: Path) -> None:
        """Take note that a script starts."""

    def report(self, path: Path, percent: int) -> None:
        """Take note of how many per cent of a script are played: all of it, when it has ended."""


def alone(path: Path, play: Play, progress: Progress) -> Iterator[Ended]:
    """Play one script in this process, which spares the imports of another, and yield what it came to."""
    progress.started(path)
    ended = play(path, partial(progress.report, path))
    progress.report(path, ALL)
    yield ended


def side_by_side(
    paths: Sequence[Path], play: Play, lost: Callable[[Path, str], Ended], progress: Progress
) -> Iterator[Ended]:
    """Play scripts in this order, one for each processor at a time, and yield what each came to as it ends.

    `lost` makes the result of a script whose process ended without one, from the reason.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    waiting, players = deque(paths), dict[Any, tuple[Path, ForkServerProcess]]()
    try:
        while waiting or players:
            while waiting and len(players) < (os.cpu_count() or 1):
                path = waiting.popleft()
                ours, theirs = context.Pipe(duplex=False)
                with theirs:
                    process = context.Process(target=_play, args=(play, path, theirs), daemon=True)
                    process.start()
                players[ours] = path, process
                progress.started(path)
            for pipe in wait(list(players)):
                path, process = players[pipe]
                said = _received(pipe, process)
                if isinstance(said, int):
                    progress.report(path, said)
                    continue
                del players[pipe]
                _end(process)
                progress.report(path, ALL)
                yield said if isinstance(said, Ended) else lost(path, said)
    finally:
        # Whoever pressed Ctrl-C does not wait for the rest.
        for _, process in players.values():
            _end(process)


def _received(pipe: Any, process: BaseProcess) -> int | Ended | str:  # noqa: ANN401  # as `multiprocessing` types it
    """Return what a player says, or why it no longer says anything."""
    try:
        said: int | Ended = pipe.recv()
    except EOFError:
        process.join()
        return f"the process that played it ended with status {process.exitcode}"
    return said


def _end(process: BaseProcess) -> None:
    # It has nothing left to do, but a thread that is stuck would keep it from ending.
    process.kill()
    process.join()


def _play(play: Play, path: Path, pipe: Connection[Any, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=[multiprocessing.parent_process()], daemon=True).start()
    pipe.send(play(path, pipe.send))


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
