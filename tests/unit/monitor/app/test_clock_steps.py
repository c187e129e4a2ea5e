"""The daemon with a clock that is set repeatedly: each interval contains the truth, and no release
is called late.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from tests.unit.monitor.app.monitor_in_test import reopened
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.unit.monitor.app.test_truth import TOLERANCE, Timeline, _local_time, check_interval

pytestmark = pytest.mark.explored


@dataclass(frozen=True)
class Stepped(Timeline):
    """A timeline seen by a clock that is wrong from each of these seconds on by so many
    milliseconds.
    """

    steps: tuple[tuple[int, int], ...] = field(default=())

    def _monitor(self) -> list[str]:
        sets = (
            f'[[monitor]]\nat = {_local_time(at)}\nkind = "clock"\noffset = "{ms}ms"\n'
            for at, ms in self.steps
        )
        return [*super()._monitor(), *sets]


@st.composite
def clock_steps(draw: st.DrawFn) -> Stepped:
    wrong = st.integers(-5000, 5000) | st.sampled_from(
        [0, 1000, 2000, -2000, 20_000, -29_000, 45_000, -3_600_000]
    )
    steps = draw(st.lists(st.tuples(st.integers(-110, 200), wrong), min_size=1, max_size=6))
    return Stepped(
        page_published=draw(st.none() | st.integers(0, 5) | st.integers(0, 150)),
        page_early=None,
        page_cache=draw(st.sampled_from([0, 0, 5, 30])),
        faults=(),
        down=draw(st.none() | st.none() | st.tuples(st.integers(-90, 90), st.integers(2, 90))),
        offset=0,
        looks_a_second=draw(st.sampled_from([5, 1])),
        file_published=draw(st.none() | st.integers(0, 150)),
        steps=tuple(sorted(steps)),
    )


def check_timeline(timeline: Stepped, folder: Path) -> None:
    """Play a timeline. Every verdict, notice and interval must agree with it."""
    path = folder / "steps.toml"
    path.write_text(timeline.script())
    script = read_script(path)
    played = play(
        script,
        Settings.model_validate({"budget": {"default": f"{timeline.looks_a_second}/s"}}),
        folder,
    )
    rehearsed = rehearsal_settings(script, Settings(), folder)
    with closing(reopened(rehearsed)) as store:
        verdicts = {event.after for event in store.verdicts.events()}
        notice_kinds = {notice.kind for notice in store.outbox.notices()}
        assert not any(differences_in_replay(store, rehearsed).values())
    (release,) = played.results.releases
    published = {"page": timeline.page_published, "sheet": timeline.file_published}
    for part in release["parts"]:
        if part["id"] in published:
            check_interval(part["released"], published[part["id"]], None)
    assert "early" not in verdicts
    if all(seconds is not None and seconds <= TOLERANCE - 1 for seconds in published.values()):
        assert verdicts <= {"pending", "on_time", "unproven"}
        assert notice_kinds <= {"unproven", "final", "resolved"}
    if release["verdict"] == "on_time":
        assert all(
            seconds is not None and seconds <= TOLERANCE + 1 for seconds in published.values()
        )


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(timeline=clock_steps())
def test_measured_intervals_contain_the_truth_when_the_clock_is_reset(timeline: Stepped) -> None:
    """For example, our clock is set 20 s wrong, and then a page is published 3 s after its slot.
    `check_timeline` runs the daemon through such a timeline. The interval of first seen must still
    contain the true publication.
    """
    with tempfile.TemporaryDirectory() as folder:
        check_timeline(timeline, Path(folder))
