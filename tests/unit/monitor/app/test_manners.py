"""Requests to hosts, from the publisher's log: waits are kept to the second and budgets are never exceeded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.monitor.app.life import HOST, PUBLISHED_AT_SLOT, URL, Life, live

FIRST_REFUSAL = datetime(2026, 11, 26, 9, 29, tzinfo=UTC)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["20", "Thu, 26 Nov 2026 09:29:20 GMT"])
def test_a_host_that_sends_retry_after_gets_no_request_before_that_time(
    tmp_path: Path, status: int, retry_after: str
) -> None:
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

    async def act(life: Life) -> None:
        await life.until("09:29:40")
        log = life.publisher.log.entries
        # From 09:29:00 on the host refuses, so the first of these is the refused request.
        requests = [entry.at for entry in log if entry.host == HOST and entry.at >= FIRST_REFUSAL]
        # Looks are a second apart. So a pause of more than 10 s is the wait, and there is only one.
        pauses = [(one, next_one) for one, next_one in pairwise(requests) if next_one - one > timedelta(seconds=10)]
        ((last_before, first_after),) = pauses
        # Only looks that are under way when Retry-After is received may come after the first refusal.
        assert last_before < FIRST_REFUSAL + timedelta(seconds=1)
        # Retry-After is "20", in seconds after the refused request, or a date, 09:29:20: 20 s after FIRST_REFUSAL.
        wait_begins = requests[0] if retry_after == "20" else FIRST_REFUSAL
        wait_ends = wait_begins + timedelta(seconds=20)
        assert timedelta() <= first_after - wait_ends <= timedelta(seconds=1)
        budget_a_second = 5
        assert life.publisher.log.peak_rate()[HOST] <= budget_a_second

    live(tmp_path, tables, act)


@pytest.mark.slow
def test_no_second_has_more_looks_than_the_budget_in_a_slot_of_21_releases(tmp_path: Path) -> None:
    # 20 releases in addition to that of every script, all on one host and at 09:30.
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

    async def act(life: Life) -> None:
        await life.until("09:29:50")
        # Each release wants a look a second at its page, its origin and its announcement, and 0.2 at the content API.
        wanted_looks_a_second, budget_a_second = 21 * (1 + 1 + 1 + 0.2), 5
        stretch_factor = life.daemon.poller.stretch_factors()[HOST]
        assert stretch_factor == pytest.approx(wanted_looks_a_second / budget_a_second, rel=0.1)
        await life.until("09:32:00")
        assert life.publisher.log.peak_rate()[HOST] == budget_a_second
        verdicts = [one.verdict.verdict.value for one in life.daemon.watch.releases.values() if one.verdict]
        assert verdicts == ["on_time"] * 21
        # The budget was shared: no page had half as many looks as another, or fewer.
        looks_at_pages = [
            sum(run.looks for run in one.runs[f"{name}/page/edge"]) for name, one in life.daemon.watch.releases.items()
        ]
        assert min(looks_at_pages) > 0.5 * max(looks_at_pages)

    live(tmp_path, PUBLISHED_AT_SLOT + many, act)
