"""On a terminal, long output is paged and long work shows progress. Other programs get neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.client import OFFLINE
from tests.unit.monitor.cli.conftest import INCIDENT, RunCli
from tests.unit.monitor.cli.terminal import ROOT, run_at_terminal

CLEARED = "\r\x1b[K"
PAGER_THAT_MARKS_LINES = {"PAGER": "sed s/^/PAGED:/", "TERM": "xterm"}


@pytest.mark.slow
@pytest.mark.parametrize("verb", [("incident", "show", INCIDENT), ("explain", "births-2016")])
def test_output_longer_than_the_terminal_is_paged_whole(
    folder: Path, run_cli: RunCli, verb: tuple[str, ...]
) -> None:
    """A case is a command that prints more than the 20 lines of the terminal.

    The pager marks its lines.
    """
    terminal = {**PAGER_THAT_MARKS_LINES, "LINES": "20"}
    first, *screen = run_at_terminal(folder / "config.toml", *verb, env=terminal).splitlines()
    assert first == OFFLINE
    assert len(screen) > 20
    assert all(line.startswith("PAGED:") for line in screen)
    # Lines are folded at the width of the terminal, so only the words are compared.
    words = " ".join(screen).replace("PAGED:", "").split()
    assert words == run_cli(*verb).out.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb", [("incident", "list"), ("today", "--date", "2018-01-05"), ("plan",)]
)
def test_short_output_does_not_go_to_the_pager(folder: Path, verb: tuple[str, ...]) -> None:
    """A case is a command that prints few lines, such as `plan`."""
    screen = run_at_terminal(folder / "config.toml", *verb, env=PAGER_THAT_MARKS_LINES)
    # The pager would write PAGED: before each line.
    assert screen
    assert "PAGED:" not in screen


@pytest.mark.slow
def test_an_error_does_not_go_to_the_pager(folder: Path) -> None:
    screen = run_at_terminal(
        folder / "config.toml", "explain", "births", env=PAGER_THAT_MARKS_LINES
    )
    assert screen == f'{OFFLINE}\nno release "births", did you mean "births-2016"?\n'


@pytest.mark.slow
def test_progress_is_shown_during_work_and_cleared(folder: Path, run_cli: RunCli) -> None:
    """`replay` judges the only release of the store again. At a terminal it shows the progress,
    erases that line, and prints the result. In a pipe it prints only the result.
    """
    screen = run_at_terminal(folder / "config.toml", "replay")
    # CLEARED are the characters that erase the line.
    assert "\r1 of 1 judged again\x1b[K" + CLEARED in screen
    piped = run_cli("replay")
    assert piped.err == ""
    assert screen.endswith(piped.out)


@pytest.mark.slow
def test_a_rehearsal_shows_its_progress(folder: Path) -> None:
    screen = run_at_terminal(
        folder / "config.toml", "rehearse", str(ROOT / "rehearsals/fm15-split-view.toml")
    )
    # The line of progress is overwritten again and again, and erased at the end (CLEARED).
    assert "\r0 of 1 played, fm15-split-view 50 %\x1b[K" in screen
    assert "still absent at 09:31:00 GMT" in screen
    assert screen.index("\r1 of 1 played\x1b[K") < screen.index("still absent")
    assert CLEARED in screen
