"""The days on which clocks change, through the whole daemon: the look at the promised instant, and
its verdict.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.monitor.app.monitor_in_test import HOST, PAGE, MonitorInTest, run_monitor
from tests.worlds.instants import MILLISECOND, SECOND

PATH = "/government/statistics/claims"
STORY = """
title = "Clocks change"
from = {begins}
until = {until}

[[release]]
id = "claims-q3"
title = "Example claims: July to September 2026"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/claims"
slot = {slot}
known_from = 2026-02-01T09:30:00

[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = {slot}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begins", "slot", "slot_in_utc"),
    [
        ("2026-03-29T00:40:00", "2026-03-29T09:30:00", "2026-03-29T08:30:00+00:00"),
        ("2026-10-25T00:40:00", "2026-10-25T09:30:00", "2026-10-25T09:30:00+00:00"),
    ],
)
def test_slot_on_a_clock_change_day_is_watched_exactly(
    tmp_path: Path, begins: str, slot: str, slot_in_utc: str
) -> None:
    """The clocks go forward on 29 March and back on 25 October 2026, at 01:00 UTC. Each script
    begins before that. For example, the slot 09:30 on 29 March is 08:30 UTC.
    """
    due = datetime.fromisoformat(slot_in_utc)
    until = (due + timedelta(minutes=30)).isoformat()

    async def act(monitor: MonitorInTest) -> None:
        await monitor.clock.sleep((due - monitor.clock.now()).total_seconds() + 120)
        requested_at = [
            entry.at
            for entry in monitor.publisher.log.entries
            if (entry.host, entry.path) == (HOST, PATH)
        ]
        # A look is sent at the slot itself, and looks around it are a second apart.
        assert any(due <= at <= due + 10 * MILLISECOND for at in requested_at)
        assert monitor.stored_verdict() == "on_time"
        # The last run has the rare looks after the release.
        *_, absent, present, _ = monitor.runs(PAGE)
        assert absent.last_received <= due <= present.begin <= due + 1.5 * SECOND
        # No look was left out where the local time leapt: hours before a slot, looks are a minute
        # apart.
        assert absent.largest_gap <= 61 * SECOND

    run_monitor(tmp_path, STORY.format(begins=begins, until=until, slot=slot), act, head="")


def test_slot_whose_local_time_occurs_twice_has_two_readings(tmp_path: Path) -> None:
    """The calendar says 1:30am, which comes twice that night.

    It was out at the second of them, so it was on time in one reading only.
    """
    second_half_past_one = "2026-10-25T01:30:00+00:00"

    async def act(monitor: MonitorInTest) -> None:
        # From 00:40 summer time, 23:40 UTC, until 01:40 UTC. The page is published at 01:30 UTC.
        await monitor.clock.sleep(2 * 3600)
        verdict = monitor.daemon.parts.watch.releases["claims-q3"].verdict
        assert verdict is not None
        assert (verdict.verdict.value, verdict.parts[0].delay) == ("unproven", None)

    story = STORY.format(
        begins="2026-10-25T00:40:00", until="2026-10-25T09:00:00", slot=second_half_past_one
    )
    run_monitor(tmp_path, story, act, head="")  # the story has a head of its own
