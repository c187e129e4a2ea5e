"""Plays scripts in parallel, each in its own process, so that a script that fails does not stop the
others.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # Importing it takes longer than a script, so that only the players do.
    from monitor.rehearse.drive import RehearsalOutcome

_PRELOADED_MODULES = ["monitor.rehearse.drive", "monitor.cli.rehearse"]
"""Imported once, in the process from which all players are forked, because imports can take longer
than a script.
"""
ALL_PLAYED = 100
"""The percentage of a script that has ended."""


Play: TypeAlias = "Callable[[Path, Callable[[int], None]], RehearsalOutcome]"
"""Plays one script and returns its outcome. While it plays, it reports the percentage played to its
second argument.
"""
ShowProgress = Callable[[Path, int], None]
"""Called with a script and the percentage of it that has been played: 0 when it starts, 100 when it
has ended.
"""


def play_in_parallel(
    paths: Sequence[Path],
    play: Play,
    make_lost: Callable[[Path, str], RehearsalOutcome],
    show_progress: ShowProgress,
) -> Iterator[RehearsalOutcome]:
    """Play scripts in this order, one process for each processor, and yield each outcome when the
    script ends.

    `make_lost` returns the outcome of a script whose process ended without one, from its path and
    the reason.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED_MODULES)
    waiting, players = deque(paths), dict[Any, tuple[Path, ForkServerProcess]]()
    try:
        while waiting or players:
            while waiting and len(players) < (os.cpu_count() or 1):
                path = waiting.popleft()
                receiving_end, sending_end = context.Pipe(duplex=False)
                with sending_end:
                    process = context.Process(
                        target=_play_in_child, args=(play, path, sending_end), daemon=True
                    )
                    process.start()
                players[receiving_end] = path, process
                show_progress(path, 0)
            for pipe in wait(list(players)):
                path, process = players[pipe]
                message = _receive_message(pipe, process)
                if isinstance(message, int):
                    show_progress(path, message)
                    continue
                del players[pipe]
                _kill_player(process)
                show_progress(path, ALL_PLAYED)
                yield make_lost(path, message) if isinstance(message, str) else message
    finally:
        for _, process in players.values():  # after Ctrl-C the other scripts must not go on
            _kill_player(process)


def _receive_message(pipe: Any, process: BaseProcess) -> int | RehearsalOutcome | str:  # noqa: ANN401  # as `multiprocessing` types it
    """Return a player's percentage or outcome, or the reason why its process ended without an
    outcome.
    """
    try:
        message: int | RehearsalOutcome = pipe.recv()
    except EOFError:
        process.join()
        return f"the process that played it ended with status {process.exitcode}"
    return message


def _kill_player(process: BaseProcess) -> None:
    # The outcome has been received. A thread that hangs would keep the process alive.
    process.kill()
    process.join()


def _play_in_child(play: Play, path: Path, pipe: Connection[Any, Any]) -> None:
    """Play a script in a child process. Send percentages and then the outcome through `pipe`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(
        target=_exit_after_parent, args=[multiprocessing.parent_process()], daemon=True
    ).start()
    pipe.send(play(path, pipe.send))


def _exit_after_parent(parent: BaseProcess) -> None:
    """Wait until the parent process has ended, then end this one, so that no player is left."""
    parent.join()
    os._exit(1)
