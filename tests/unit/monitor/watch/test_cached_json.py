"""The cached JSON of a release is never more than a second old."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitor.app.monitor_in_test import URL, MonitorInTest, run_monitor, with_daemon
from tests.worlds.scripts import an_answer


def page_answers(*turns: tuple[str, int]) -> str:
    return "".join(an_answer(URL, at, status=status) for at, status in turns)


STORIES = {
    "in time": page_answers(("09:00:00", 404), ("09:30:00", 200)),
    "late": page_answers(("09:00:00", 404), ("09:33:00", 200)),
    "never": page_answers(("09:00:00", 404)),
    "early, gone and back": page_answers(
        ("09:00:00", 404), ("09:28:30", 200), ("09:29:10", 404), ("09:30:00", 200)
    ),
    "failing": page_answers(("09:00:00", 404), ("09:29:00", 503), ("09:32:00", 200)),
}


def cached_and_fresh_json(monitor: MonitorInTest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON of the release as it is shown, and as it is judged again."""
    watch = monitor.daemon.parts.watch
    cached = watch.judging.verdict_now("claims-q3")
    watch.releases["claims-q3"].judging.cached_json = None
    fresh = watch.judging.verdict_now("claims-q3")
    assert cached is not None
    assert fresh is not None
    return cached, fresh


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_cached_json_equals_freshly_judged_json(tmp_path: Path, story: str) -> None:
    """The JSON of a verdict is cached. After a second, it is used again only if neither a look nor
    the time has changed it. So after 1.3 s it must equal JSON that is judged now. That is tried 300
    times from 09:28:10 on. In each story the page comes at another time: in `late`, for example,
    three minutes after its slot.
    """

    async def compare_for_13_minutes(monitor: MonitorInTest) -> None:
        await monitor.until("09:28:10")
        for _ in range(300):
            await monitor.clock.sleep(1.3)
            monitor.daemon.parts.watch.judging.verdict_now("claims-q3")  # fills the cache
            await monitor.clock.sleep(1.3)
            cached, fresh = cached_and_fresh_json(monitor)
            assert cached == fresh

    run_monitor(tmp_path, STORIES[story], compare_for_13_minutes)


@with_daemon(STORIES["in time"])
async def test_cached_json_is_renewed_after_a_second(monitor: MonitorInTest) -> None:
    """The JSON of a verdict is cached. Most looks change no verdict, so it is used for a second in
    spite of new looks. Then it is made again. Its field `at` says when that was.
    """
    await monitor.until("09:40:00")
    watched = monitor.daemon.parts.watch.releases["claims-q3"]
    watched.judging.cached_json = None  # so that it is made now
    cached = monitor.daemon.parts.watch.judging.verdict_now("claims-q3")
    # A look that changes no verdict replaces the last run by a new object, which may be equal to
    # it.
    for state in watched.states.values():
        state.runs = tuple(replace(run) for run in state.runs)
    await monitor.clock.sleep(0.9)
    assert monitor.daemon.parts.watch.judging.verdict_now("claims-q3") is cached
    await monitor.clock.sleep(0.1)
    renewed = monitor.daemon.parts.watch.judging.verdict_now("claims-q3")
    assert renewed["at"] > cached["at"]
