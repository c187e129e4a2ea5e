"""rehearse and demo: scripts side by side, one that fails, Ctrl-C, and a kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from monitor.cli.rehearse import longest_first
from monitor.rehearse.parallel import PlayResult, Progress, play_in_parallel
from monitor.rehearse.script.script import read_script

ROOT = Path(__file__).parents[4]


def _plays(path: Path, report: Callable[[int], None]) -> PlayResult:
    report(50)
    if path.name == "endless":
        sys.stdout.write("playing\n")
        sys.stdout.flush()
        threading.Event().wait()
    if path.name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name == "hanging":
        threading.Thread(target=threading.Event().wait).start()
    return PlayResult(ok=True, text=path.name)


def _lost(path: Path, reason: str) -> PlayResult:
    return PlayResult(ok=False, text=f"{path.name}: {reason}")


class Seen(Progress):
    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def on_start(self, path: Path) -> None:
        self.seen.append((path.name, 0))

    def on_percent(self, path: Path, percent: int) -> None:
        self.seen.append((path.name, percent))


def play(*names: str, progress: Progress | None = None) -> list[PlayResult]:
    return list(play_in_parallel([Path(name) for name in names], _plays, _lost, progress or Progress()))


def test_stopping_a_rehearsal_does_not_wait_for_its_players() -> None:
    playing = play_in_parallel([Path("quick"), Path("endless"), Path("endless")], _plays, _lost, Progress())
    assert next(playing) == PlayResult(ok=True, text="quick")
    playing.close()
    assert multiprocessing.active_children() == []


def test_a_player_that_is_killed_loses_its_own_script_only() -> None:
    ended = play("killed", "quick", "quick")
    assert sorted(one.text for one in ended) == [
        "killed: the process that played it ended with status -9",
        "quick",
        "quick",
    ]
    assert [one.ok for one in ended].count(False) == 1


def test_a_thread_that_never_ends_does_not_keep_its_player_from_ending() -> None:
    assert play("hanging") == [PlayResult(ok=True, text="hanging")]
    assert multiprocessing.active_children() == []


def test_the_progress_of_each_script_is_reported() -> None:
    seen = Seen()
    play("quick", "killed", progress=seen)
    assert [percent for name, percent in seen.seen if name == "quick"] == [0, 50, 100]
    assert [percent for name, percent in seen.seen if name == "killed"] == [0, 50, 100]


def test_the_longest_script_is_played_first() -> None:
    paths = [ROOT / "rehearsals" / f"{name}.toml" for name in ("ipcc-2015", "moj-2016", "ofsted-2017")]
    longest = longest_first({path: read_script(path) for path in paths})
    assert [path.stem for path in longest] == ["moj-2016", "ofsted-2017", "ipcc-2015"]


_STARTER = """
from tests.unit.monitor.cli.test_players import play
if __name__ == "__main__":
    play("endless", "endless")
"""


def test_processes_that_play_rehearsals_end_with_their_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"playing\n"
        starter.kill()
        # Its end is read when nobody is left who could write.
        starter.communicate(timeout=60)


_HANGING = """
import threading
from monitor.cli.rehearse import exit_by_results
from monitor.rehearse.parallel import PlayResult
threading.Thread(target=threading.Event().wait).start()
print("a deadlock")
exit_by_results([PlayResult(ok=False, text="a deadlock", hangs=True)])
"""


def test_a_thread_that_never_ends_does_not_keep_the_program_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", _HANGING], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, b"a deadlock\n", b"")
