"""rehearse and demo: scripts side by side, and Ctrl-C."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

from monitor.cli.rehearse import _played


def _plays(path: Path) -> tuple[bool, str]:
    if path.name == "endless":
        threading.Event().wait()
    return True, path.name


def test_whoever_stops_a_rehearsal_waits_for_none_of_its_players() -> None:
    playing = _played([Path("quick"), Path("endless"), Path("endless")], _plays)
    assert next(playing) == (True, "quick")
    playing.close()
    assert multiprocessing.active_children() == []
