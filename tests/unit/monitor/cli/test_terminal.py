"""At a terminal long answers come by the page and long work tells how far it has got; to a program neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.cli.conftest import Run_
from tests.unit.monitor.cli.terminal import ROOT, at_a_terminal

INCIDENT = "births-2016-2018-01-05"
WIPED = "\r\x1b[K"
BY_A_PAGER = {"PAGER": "sed s/^/@/", "TERM": "xterm"}


@pytest.mark.slow
@pytest.mark.parametrize("verb", [("incident", "show", INCIDENT), ("explain", "births-2016")])
def test_output_longer_than_the_terminal_goes_to_the_pager_whole(
    folder: Path, ask: Run_, verb: tuple[str, ...]
) -> None:
    shown = at_a_terminal(folder / "config.toml", *verb, env={**BY_A_PAGER, "LINES": "20"}).splitlines()
    assert len(shown) > 20
    assert all(line.startswith("@") for line in shown)
    # It is folded where the terminal ends, which is elsewhere than without one.
    assert " ".join(line[1:] for line in shown).split() == ask(*verb).out.split()


@pytest.mark.slow
@pytest.mark.parametrize("verb", [("incident", "list"), ("today", "--date", "2018-01-05"), ("plan",)])
def test_short_output_does_not_go_to_the_pager(folder: Path, verb: tuple[str, ...]) -> None:
    shown = at_a_terminal(folder / "config.toml", *verb, env=BY_A_PAGER)
    assert shown
    assert "@" not in shown


@pytest.mark.slow
def test_an_error_is_shown_after_the_output(folder: Path) -> None:
    shown = at_a_terminal(folder / "config.toml", "explain", "births", env=BY_A_PAGER)
    assert shown == 'no release "births", did you mean "births-2016"?\n'


@pytest.mark.slow
def test_progress_is_shown_during_work_and_cleared(folder: Path, ask: Run_) -> None:
    shown = at_a_terminal(folder / "config.toml", "replay")
    assert "\r1 of 1 judged again\x1b[K" + WIPED in shown
    piped = ask("replay")
    assert piped.err == ""
    assert shown.endswith(piped.out)


@pytest.mark.slow
def test_a_rehearsal_shows_its_progress(folder: Path) -> None:
    shown = at_a_terminal(folder / "config.toml", "rehearse", str(ROOT / "rehearsals/fm15-split-view.toml"))
    assert "\r0 of 1 played, fm15-split-view 50 %\x1b[K" in shown
    assert "still absent at 09:31:00 GMT" in shown
    assert shown.index("\r1 of 1 played\x1b[K") < shown.index("still absent")
    assert WIPED in shown
