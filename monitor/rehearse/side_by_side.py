"""Play scripts in parallel, each in its own process, so that a script that fails does not stop the others."""

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

_PRELOADED_MODULES = ["monitor.rehearse.drive", "monitor.rehearse.summary", "monitor.cli.rehearse"]
"""Imported once, in the process from which all players are forked, because imports can take longer than a script."""
ALL = 100
"""The percentage of a script that has ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of a script: whether it met its expectations, the text to print, and whether a thread still hangs."""

    ok: bool
    text: str
    hangs: bool = False


class Play(Protocol):
    """A function that plays one script and calls `report` with the percentage played."""

    def __call__(self, path: Path, report: Callable[[int], None], /) -> Ended:
        """Return the outcome of the script."""


class Progress:
    """Receives the progress of scripts. This base class ignores it."""

    def started(self, path: Path) -> None:
        """Record that a script starts."""

    def report(self, path: Path, percent: int) -> None:
        """Record the percentage of a script that has been played, 100 when it has ended."""


def alone(path: Path, play: Play, progress: Progress) -> Iterator[Ended]:
    """Play one script in this process, without the imports of a new one, and yield its outcome."""
    progress.started(path)
    ended = play(path, partial(progress.report, path))
    progress.report(path, ALL)
    yield ended


def side_by_side(
    paths: Sequence[Path], play: Play, lost: Callable[[Path, str], Ended], progress: Progress
) -> Iterator[Ended]:
    """Play scripts in this order, one process for each processor, and yield each outcome when the script ends.

    `lost` returns the outcome of a script whose process ended without one, from its path and the reason.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED_MODULES)
    waiting, players = deque(paths), dict[Any, tuple[Path, ForkServerProcess]]()
    try:
        while waiting or players:
            while waiting and len(players) < (os.cpu_count() or 1):
                path = waiting.popleft()
                ours, theirs = context.Pipe(duplex=False)
                with theirs:
                    process = context.Process(target=_play_in_child, args=(play, path, theirs), daemon=True)
                    process.start()
                players[ours] = path, process
                progress.started(path)
            for pipe in wait(list(players)):
                path, process = players[pipe]
                message = _receive(pipe, process)
                if isinstance(message, int):
                    progress.report(path, message)
                    continue
                del players[pipe]
                _kill_player(process)
                progress.report(path, ALL)
                yield message if isinstance(message, Ended) else lost(path, message)
    finally:
        # After Ctrl-C the other scripts must not go on.
        for _, process in players.values():
            _kill_player(process)


def _receive(pipe: Any, process: BaseProcess) -> int | Ended | str:  # noqa: ANN401  # as `multiprocessing` types it
    """Return a player's percentage or outcome, or the reason why its process ended without an outcome."""
    try:
        message: int | Ended = pipe.recv()
    except EOFError:
        process.join()
        return f"the process that played it ended with status {process.exitcode}"
    return message


def _kill_player(process: BaseProcess) -> None:
    # The outcome has been received. A thread that hangs would keep the process alive.
    process.kill()
    process.join()


def _play_in_child(play: Play, path: Path, pipe: Connection[Any, Any]) -> None:
    """Play a script in a child process. Percentages and then the outcome are sent through `pipe`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_exit_after_parent, args=[multiprocessing.parent_process()], daemon=True).start()
    pipe.send(play(path, pipe.send))


def _exit_after_parent(parent: BaseProcess) -> None:
    """Wait until the parent process has ended, then end this one, so that no player is left."""
    parent.join()
    os._exit(1)
