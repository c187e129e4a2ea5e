"""Requests to hosts, from the publisher's log: waits are kept to the second and budgets are never
exceeded.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.monitor.app.monitor_in_test import (
    HOST,
    PUBLISHED_AT_SLOT,
    URL,
    MonitorInTest,
    run_monitor,
)

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after", ["20", "Thu, 26 Nov 2026 09:29:20 GMT"], ids=["seconds", "date"]
)
def test_host_that_sends_retry_after_gets_no_request_until_then(
    tmp_path: Path, status: int, retry_after: str
) -> None:
    """The host refuses requests at 09:29:00. It would answer from 09:29:10 on, so only the wait
    holds back requests. The next request comes within a second after the wait.
    """
    tables = f"""
[[answer]]
url = "{URL}"
at = 2026-11-26T09:29:00
status = {status}
headers = {{ Retry-After = "{retry_after}" }}

[[answer]]
url = "{URL}"
at = 2026-11-26T09:29:10
status = 404
"""

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:40")
        refuses_from = datetime(2026, 11, 26, 9, 29, tzinfo=UTC)
        log = monitor.publisher.log
        requests = [
            entry.at for entry in log.entries if entry.host == HOST and entry.at >= refuses_from
        ]
        # "20" means 20 s after the first refused request. The other case is a date, 09:29:20.
        first_refused = requests[0]
        wait_ends = (
            first_refused + 20 * SECOND if retry_after == "20" else refuses_from + 20 * SECOND
        )
        # During the wait, only requests that were under way when Retry-After arrived are made.
        requests_during_wait = [at for at in requests if at < wait_ends]
        assert max(requests_during_wait) < refuses_from + SECOND
        # Afterwards requests follow each other again, as before.
        requests_after_wait = [at for at in requests if at >= wait_ends]
        assert requests_after_wait[0] <= wait_ends + SECOND
        assert all(
            later - earlier <= 10 * SECOND for earlier, later in pairwise(requests_after_wait)
        )
        budget_a_second = 5
        assert log.peak_rate()[HOST] <= budget_a_second

    run_monitor(tmp_path, tables, act)


@pytest.mark.slow
def test_looks_for_21_releases_of_one_slot_keep_the_budget(tmp_path: Path) -> None:
    """20 releases in addition to that of every script, all on one host and at 09:30."""
    many = "".join(
        f"""
[[release]]
id = "r{number}"
title = "Example returns {number}: July to September 2026"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/r{number}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00

[[answer]]
url = "https://www.gov.uk/government/statistics/r{number}"
at = 2026-11-26T09:30:00
"""
        for number in range(20)
    )

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:50")
        # Each release wants a look a second at its page, its origin and its announcement, and 0.2
        # at the content API.
        wanted_looks_a_second, budget_a_second = 21 * (1 + 1 + 1 + 0.2), 5
        # Looks are further apart than wanted by this factor.
        stretch_factor = monitor.daemon.parts.poller.stretch_factors()[HOST]
        assert stretch_factor == pytest.approx(wanted_looks_a_second / budget_a_second, rel=0.1)
        await monitor.until("09:32:00")
        assert monitor.publisher.log.peak_rate()[HOST] == budget_a_second
        verdicts = [
            one.verdict.verdict.value
            for one in monitor.daemon.parts.watch.releases.values()
            if one.verdict
        ]
        assert verdicts == ["on_time"] * 21
        # The budget was shared: no page had half as many looks as another, or fewer.
        looks_at_pages = [
            sum(run.looks for run in one.runs[f"{name}/page/edge"])
            for name, one in monitor.daemon.parts.watch.releases.items()
        ]
        assert min(looks_at_pages) > 0.5 * max(looks_at_pages)

    run_monitor(tmp_path, PUBLISHED_AT_SLOT + many, act)
