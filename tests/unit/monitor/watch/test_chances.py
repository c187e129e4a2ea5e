"""What is known of a release reaches the shared budget: through the whole daemon, held against the publisher's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.plan.phases import Window, window_at
from tests.unit.monitor.app.life import HEAD, HOST, OUT_IN_TIME, URL, Life, live

ANNEX = 'part = [{ id = "annex", role = "html", url = "https://www.gov.uk/government/statistics/claims/annex" }]\n'
OTHERS = "".join(
    f"""
[[release]]
id = "r{number}"
title = "Example {"abcdefghijkl"[number]} returns: July to September 2026"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/r{number}"
slot = 2026-11-26T09:34:00
known_from = 2026-10-29T09:30:00
"""
    for number in range(12)
)

ANNEX_LATER = """
[[answer]]
url = "https://www.gov.uk/government/statistics/claims/annex"
at = 2026-11-26T09:40:00
"""


def planned(life: Life, release: str, target: str) -> Window | None:
    windows = life.daemon.watch.releases[release].state_or_empty(f"{release}/{target}").windows
    return window_at(windows, life.clock.now())


def asked(life: Life, path: str, since: datetime) -> list[datetime]:
    entries = life.publisher.log.entries
    return [
        entry.at for entry in entries if (entry.host, entry.path, entry.query) == (HOST, path, "") and entry.at >= since
    ]


def chance(life: Life, release: str, target: str) -> float | None:
    window = planned(life, release, target)
    return window.chance if window else None


@pytest.mark.slow
def test_missing_releases_are_looked_at_more_often_than_published_ones(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:30")
        views = ("page/edge", "page/origin", "page/content", "annex/edge")
        assert [chance(life, "claims-q3", view) for view in views] == [1.0, 1.0, 0.25, 1.0]
        await life.until("09:33:40")
        assert [chance(life, "claims-q3", view) for view in ("page/edge", "annex/edge")] == [0.25, 4.0]
        assert chance(life, "r7", "page/edge") == 1.0
        # Twelve pages wanted every second press: they leave a floor, of which it gets more than others.
        looks = asked(life, f"{URL[18:]}/annex", datetime(2026, 11, 26, 9, 32, 10, tzinfo=UTC))
        assert max(other - one for one, other in pairwise(looks)) < timedelta(seconds=16)
        # A change of standing keeps the last look: nothing is looked at anew for it.
        seen = asked(life, URL[18:], life.runs()[-1].first_sent + timedelta(seconds=0.1))
        assert len(seen) <= 4
        assert life.publisher.log.peak_rate()[HOST] == 5

    live(tmp_path, OTHERS + OUT_IN_TIME + ANNEX_LATER, act, head=HEAD + ANNEX)
