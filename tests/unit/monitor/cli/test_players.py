"""rehearse and demo: scripts side by side, Ctrl-C, and a kill."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path

from monitor.cli.rehearse import _played, longest_first

ROOT = Path(__file__).parents[4]


def _plays(path: Path) -> tuple[bool, str]:
    if path.name == "endless":
        sys.stdout.write("playing\n")
        sys.stdout.flush()
        threading.Event().wait()
    return True, path.name


def test_whoever_stops_a_rehearsal_waits_for_none_of_its_players() -> None:
    playing = _played([Path("quick"), Path("endless"), Path("endless")], _plays)
    assert next(playing) == (True, "quick")
    playing.close()
    assert multiprocessing.active_children() == []


def test_what_lasts_longest_is_played_first() -> None:
    scripts = [ROOT / "rehearsals" / f"{name}.toml" for name in ("ipcc-2015", "moj-2016", "ofsted-2017")]
    assert [path.stem for path in longest_first(scripts)] == ["moj-2016", "ofsted-2017", "ipcc-2015"]


_STARTER = """
from pathlib import Path
from tests.unit.monitor.cli.test_players import _played, _plays
if __name__ == "__main__":
    list(_played([Path("endless"), Path("endless")], _plays))
"""


def test_no_player_outlives_who_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"playing\n"
        starter.kill()
        # Its end is read when nobody is left who could write.
        starter.communicate(timeout=60)
