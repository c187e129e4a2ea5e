"""The chances of releases reach the shared budget: the daemon's requests in the publisher's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.plan.phases import window_at
from tests.unit.monitor.app.life import HEAD, HOST, PUBLISHED_AT_SLOT, URL, Life, live
from tests.unit.monitor.watch.release_table import release_table

VIEWS = ("page/edge", "page/origin", "page/content", "annex/edge")
ANNEX = 'part = [{ id = "annex", role = "html", url = "https://www.gov.uk/government/statistics/claims/annex" }]\n'
OTHERS = "".join(
    release_table(
        f"r{number}",
        f"Example {letter} returns: July to September 2026",
        f"https://www.gov.uk/government/statistics/r{number}",
        slot="09:34:00",
    )
    for number, letter in enumerate("abcdefghijkl")
)

ANNEX_LATER = """
[[answer]]
url = "https://www.gov.uk/government/statistics/claims/annex"
at = 2026-11-26T09:40:00
"""


def request_times(life: Life, url: str, since: datetime) -> list[datetime]:
    """Return when this address was requested since an instant, without those that pass the cache."""
    wanted = (HOST, url.removeprefix(f"https://{HOST}"), "")
    entries = life.publisher.log.entries
    return [entry.at for entry in entries if (entry.host, entry.path, entry.query) == wanted and entry.at >= since]


def chance_of_change(life: Life, target: str) -> float | None:
    """Return how likely a change of the target is taken to be now, by the window in which it is looked at."""
    windows = life.daemon.watch.releases[target.split("/", maxsplit=1)[0]].state_or_empty(target).windows
    window = window_at(windows, life.clock.now())
    return window.chance if window else None


@pytest.mark.slow
def test_a_missing_annex_gets_more_looks_than_its_published_page_within_a_full_budget(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:29:30")
        before = {view: chance_of_change(life, f"claims-q3/{view}") for view in VIEWS}
        # 1.0 is the chance that a required part changes at its slot. The content API only confirms what the page shows.
        assert before == {"page/edge": 1.0, "page/origin": 1.0, "page/content": 1.0 / 4, "annex/edge": 1.0}
        await life.until("09:33:40")
        # Chances are in steps of four. A published page may only be withdrawn, which is a step less likely. A part that
        # is still missing after its slot may come at any moment, which is a step more likely.
        published, missing = (chance_of_change(life, f"claims-q3/{view}") for view in ("page/edge", "annex/edge"))
        assert (published, missing) == (1.0 / 4, 1.0 * 4)
        # Twelve other releases, r0 to r11, have their slot at 09:34.
        assert chance_of_change(life, "r7/page/edge") == 1.0
        # From 09:32 on, each of the twelve wants a look every second, which fills the budget. The missing annex still
        # gets the look every 5 s or so that an overdue part wants.
        looks_at_annex = request_times(life, f"{URL}/annex", since=datetime(2026, 11, 26, 9, 32, 10, tzinfo=UTC))
        assert max(later - earlier for earlier, later in pairwise(looks_at_annex)) < timedelta(seconds=6)
        first_presence = life.runs()[-1].first_sent  # of the page, just after the slot, 09:30
        looks_at_page_since_it_came = request_times(life, URL, since=first_presence + timedelta(seconds=0.1))
        # From 09:30 to 09:33:40, there is only a look a minute at the page.
        assert len(looks_at_page_since_it_came) <= 4
        default_budget = 5  # requests a second
        assert life.publisher.log.peak_rate()[HOST] == default_budget

    live(tmp_path, OTHERS + PUBLISHED_AT_SLOT + ANNEX_LATER, act, head=HEAD + ANNEX)
