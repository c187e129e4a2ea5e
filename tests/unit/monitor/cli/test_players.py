"""rehearse and demo: scripts side by side, one that fails, Ctrl-C, and a kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from monitor.cli.rehearse import longest_first
from monitor.rehearse.drive import RehearsalOutcome
from monitor.rehearse.parallel import ShowProgress, play_in_parallel
from monitor.rehearse.script.script import Script, read_script
from tests.worlds.instants import SLOT


def _end_with(title: str, reason: str) -> RehearsalOutcome:
    script = Script.model_validate({"title": title, "from": SLOT, "until": SLOT})
    return RehearsalOutcome.of_failure(script, reason)


def _act_as_named(path: Path, report: Callable[[int], None]) -> RehearsalOutcome:
    """Report 50 per cent, then do what the name of the script says: end (`quick`), never end, be
    killed or hang.
    """
    report(50)
    if path.name == "endless":
        sys.stdout.write("playing\n")
        sys.stdout.flush()
        threading.Event().wait()
    if path.name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name == "hanging":
        threading.Thread(target=threading.Event().wait).start()
    return _end_with(path.name, "ended")


def _describe_loss(path: Path, reason: str) -> RehearsalOutcome:
    return _end_with(path.name, reason)


def start_playing(
    *names: str, show_progress: ShowProgress = lambda _path, _percent: None
) -> Iterator[RehearsalOutcome]:
    return play_in_parallel(
        [Path(name) for name in names], _act_as_named, _describe_loss, show_progress
    )


def play(*names: str) -> list[tuple[str, str | None]]:
    """Play scripts, and return the title of each and why it ended."""
    return [(outcome.script.title, outcome.reason) for outcome in start_playing(*names)]


def test_stopping_a_rehearsal_ends_the_processes_that_play_its_scripts() -> None:
    # A script here does what its name says. Each is played in a process of its own.
    playing = start_playing("quick", "endless", "endless")
    assert next(playing).script.title == "quick"
    playing.close()
    assert multiprocessing.active_children() == []


def test_other_scripts_are_played_if_one_process_is_killed() -> None:
    """A script here does what its name says: one kills its own process, two end at once."""
    assert sorted(play("killed", "quick", "quick")) == [
        ("killed", "the process that played it ended with status -9"),
        ("quick", "ended"),
        ("quick", "ended"),
    ]


def test_process_of_a_script_ends_although_its_thread_hangs() -> None:
    assert play("hanging") == [("hanging", "ended")]
    assert multiprocessing.active_children() == []


def test_progress_is_reported_even_of_a_killed_process() -> None:
    """Each script reports 50 per cent, then ends or is killed.

    Its start counts as 0 and any end as 100.
    """
    percents = defaultdict[str, list[int]](list)

    def record_percent(path: Path, percent: int) -> None:
        percents[path.name].append(percent)

    list(start_playing("quick", "killed", show_progress=record_percent))
    assert percents == {"quick": [0, 50, 100], "killed": [0, 50, 100]}


def test_the_longest_script_is_played_first(tmp_path: Path) -> None:
    scripts = {}
    for minutes in (15, 45, 30):
        path = tmp_path / f"{minutes}-minutes.toml"
        path.write_text(
            f'title = "T"\nfrom = 2018-01-05T09:00:00\nuntil = 2018-01-05T09:{minutes}:00\n'
        )
        scripts[path] = read_script(path)
    assert [path.stem for path in longest_first(scripts)] == [
        "45-minutes",
        "30-minutes",
        "15-minutes",
    ]


_PLAY_ENDLESS_SCRIPTS = """
from tests.unit.monitor.cli.test_players import play
if __name__ == "__main__":
    play("endless", "endless")
"""


def test_processes_that_play_rehearsals_end_with_their_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PLAY_ENDLESS_SCRIPTS], stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"playing\n"
        starter.kill()
        # The output ends only when no process is left that could write to it. Until then this
        # raises TimeoutExpired.
        starter.communicate(timeout=60)
