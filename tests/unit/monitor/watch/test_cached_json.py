"""The cached JSON of a release is never more than a second old."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitor.app.life import URL, Life, live
from tests.worlds.scripts import an_answer


def page_answers(*turns: tuple[str, int]) -> str:
    return "".join(an_answer(URL, at, status=status) for at, status in turns)


STORIES = {
    "in time": page_answers(("09:00:00", 404), ("09:30:00", 200)),
    "late": page_answers(("09:00:00", 404), ("09:33:00", 200)),
    "never": page_answers(("09:00:00", 404)),
    "early, gone and back": page_answers(("09:00:00", 404), ("09:28:30", 200), ("09:29:10", 404), ("09:30:00", 200)),
    "failing": page_answers(("09:00:00", 404), ("09:29:00", 503), ("09:32:00", 200)),
}


def cached_and_fresh_json(life: Life) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the JSON of the release as it is shown, and as it is judged again. None if it is withheld."""
    watch = life.daemon.watch
    cached = watch.verdict_now("claims-q3")
    watch.releases["claims-q3"].cached_json = None
    fresh = watch.verdict_now("claims-q3")
    return None if cached is None or fresh is None else (cached, fresh)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_the_cached_json_equals_a_new_judgement(tmp_path: Path, story: str) -> None:
    # A story is when the page comes, such as `late`: at 09:33, three minutes after its slot.
    async def act(life: Life) -> None:
        compared = 0
        await life.until("09:28:10")
        for number in range(600):
            # Every other time the JSON is only cached, so that it is 1.3 s old at the comparison.
            await life.clock.sleep(1.3)
            if number % 2 == 0:
                life.daemon.watch.verdict_now("claims-q3")
            elif (cached_and_fresh := cached_and_fresh_json(life)) is not None:
                cached, fresh = cached_and_fresh
                assert cached == fresh
                compared += 1
        # The JSON is withheld for some of the time, so not all of the 300 times count.
        assert compared > 200

    live(tmp_path, STORIES[story], act)


def test_the_cached_json_is_renewed_a_second_after_looks_that_changed_no_verdict(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:40:00")
        watched = life.daemon.watch.releases["claims-q3"]
        watched.cached_json = None  # so that it is made now
        cached = life.daemon.watch.verdict_now("claims-q3")
        # A look that changes no verdict replaces the last run by a new object, which may be equal to it.
        for state in watched.states.values():
            state.runs = tuple(replace(run) for run in state.runs)
        await life.clock.sleep(0.9)
        assert life.daemon.watch.verdict_now("claims-q3") is cached
        await life.clock.sleep(0.1)
        renewed = life.daemon.watch.verdict_now("claims-q3")
        assert renewed["at"] > cached["at"]

    live(tmp_path, STORIES["in time"], act)
