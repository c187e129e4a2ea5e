"""The chances of releases reach the shared budget: the daemon's requests in the publisher's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from monitor.plan.phases import window_at
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    HOST,
    PUBLISHED_AT_SLOT,
    URL,
    MonitorInTest,
    with_daemon,
)
from tests.unit.monitor.watch.release_table import release_table

VIEWS = ("page/edge", "page/origin", "page/content", "annex/edge")
ANNEX = (
    'part = [{ id = "annex", role = "html", url ='
    ' "https://www.gov.uk/government/statistics/claims/annex" }]\n'
)
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


def request_times(monitor: MonitorInTest, url: str, since: datetime) -> list[datetime]:
    """Return when this address was requested since an instant, without those that pass the
    cache.
    """
    wanted = (HOST, url.removeprefix(f"https://{HOST}"), "")
    entries = monitor.publisher.log.entries
    return [
        entry.at
        for entry in entries
        if (entry.host, entry.path, entry.query) == wanted and entry.at >= since
    ]


def chance_of_change(monitor: MonitorInTest, target: str) -> float | None:
    """Return how likely a change of the target is taken to be now, by the window in which it is
    looked at.
    """
    windows = (
        monitor.daemon.parts.watch.releases[target.split("/", maxsplit=1)[0]]
        .state_or_empty(target)
        .windows
    )
    window = window_at(windows, monitor.clock.now())
    return window.chance if window else None


@pytest.mark.slow
@with_daemon(PUBLISHED_AT_SLOT + ANNEX_LATER, head=HEAD + ANNEX)
async def test_missing_annex_has_higher_chance_than_published_page(monitor: MonitorInTest) -> None:
    """The chance says how likely a target is to change. The likeliest get the looks of a full
    budget. A release has a page, which comes at its slot, 09:30, and an annex, which does not.
    """
    # Around the slot, each required part has the chance 1.0 in each view. Only the content API has
    # less, because it only confirms what the page shows. One step of likelihood is a factor of
    # four.
    await monitor.until("09:29:30")
    at_slot = {view: chance_of_change(monitor, f"claims-q3/{view}") for view in VIEWS}
    one_step_less, one_step_more = 1.0 / 4, 1.0 * 4
    assert at_slot == {
        "page/edge": 1.0,
        "page/origin": 1.0,
        "page/content": one_step_less,
        "annex/edge": 1.0,
    }
    # At 09:33:40, the page is published, so it can only be withdrawn. The missing annex may come
    # any time.
    await monitor.until("09:33:40")
    assert chance_of_change(monitor, "claims-q3/page/edge") == one_step_less
    assert chance_of_change(monitor, "claims-q3/annex/edge") == one_step_more


@pytest.mark.slow
@with_daemon(OTHERS + PUBLISHED_AT_SLOT + ANNEX_LATER, head=HEAD + ANNEX)
async def test_full_budget_goes_to_missing_annex_before_published_page(
    monitor: MonitorInTest,
) -> None:
    """A page comes at its slot, 09:30, but its annex does not. From 09:32 on, each of twelve other
    releases, due at 09:34, wants a look every second. That is more than the budget of 5 requests a
    second. The annex, which may come any time, still gets its looks. The page, which is there, gets
    few.
    """
    await monitor.until("09:33:40")
    budget = 5
    assert monitor.publisher.log.peak_rate()[HOST] == budget
    # From 09:32:10 on, when the others get looks, the missing annex still gets one every 5 s or so.
    looks_at_annex = request_times(
        monitor, f"{URL}/annex", since=datetime(2026, 11, 26, 9, 32, 10, tzinfo=UTC)
    )
    gaps = [later - earlier for earlier, later in pairwise(looks_at_annex)]
    assert max(gaps) < timedelta(seconds=6)
    # From its publication, at about 09:30, to 09:33:40, the page gets one look a minute.
    first_presence = monitor.runs()[-1].first_sent
    looks_since_publication = request_times(
        monitor, URL, since=first_presence + timedelta(seconds=0.1)
    )
    assert len(looks_since_publication) <= 4
