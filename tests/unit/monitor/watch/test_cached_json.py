"""What people are shown of a release is never older than a second, however little of it is judged anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitor.app.life import URL, Life, live


def page(*turns: tuple[str, int]) -> str:
    return "".join(f'[[answer]]\nurl = "{URL}"\nat = 2026-11-26T{at}\nstatus = {code}\n' for at, code in turns)


STORIES = {
    "in time": page(("09:00:00", 404), ("09:30:00", 200)),
    "late": page(("09:00:00", 404), ("09:33:00", 200)),
    "never": page(("09:00:00", 404)),
    "early, gone and back": page(("09:00:00", 404), ("09:28:30", 200), ("09:29:10", 404), ("09:30:00", 200)),
    "failing": page(("09:00:00", 404), ("09:29:00", 503), ("09:32:00", 200)),
}


def both(life: Life) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return what is shown of the release, and the same judged anew."""
    watch = life.daemon.watch
    shown = watch.verdict_now("claims-q3")
    watch.releases["claims-q3"].cached_json = None
    anew = watch.verdict_now("claims-q3")
    return None if shown is None or anew is None else (shown, anew)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_what_is_shown_is_what_would_be_judged_anew(tmp_path: Path, story: str) -> None:
    async def act(life: Life) -> None:
        told = 0
        await life.until("09:28:10")
        for number in range(600):
            # Every other time nothing was kept, so that what is compared is as old as it may be.
            await life.clock.sleep(1.3)
            if number % 2 == 0:
                life.daemon.watch.verdict_now("claims-q3")
            elif (pair := both(life)) is not None:
                assert pair[0] == pair[1]
                told += 1
        assert told > 200

    live(tmp_path, STORIES[story], act)


def test_what_looks_see_and_no_verdict_tells_is_shown_within_a_second(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:40:00")
        watched = life.daemon.watch.releases["claims-q3"]
        first = life.daemon.watch.verdict_now("claims-q3")
        for state in watched.states.values():
            state.runs = tuple(replace(run) for run in state.runs)
        assert life.daemon.watch.verdict_now("claims-q3") == first
        await life.clock.sleep(1)
        assert life.daemon.watch.verdict_now("claims-q3") != first

    live(tmp_path, STORIES["in time"], act)
