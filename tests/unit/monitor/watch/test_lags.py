"""Witnesses that are behind on one release delay claims about others. Replay gives the same
result.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.app.options import make_policies
from monitor.watch.rejudge import replay
from monitor.watch.watch import Watch
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, reopened, run_monitor
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.scripts import an_answer

SITE = "https://www.gov.uk/government/statistics"
BEHIND = 'announcement = "{}"\nredirect_after = "6m"\nlisted_after = "6m"'
BIRTHS = release_table(
    "births", "Example births: October 2026", f"{SITE}/births", more=BEHIND.format("births")
)
CLAIMS = release_table(
    "claims",
    "Example claims: October 2026",
    f"{SITE}/claims--2",
    "example-office",
    more=BEHIND.format("claims"),
)
HEAD = f"""
title = "Two releases of one slot, and what leads to them is behind"
from = 2026-11-26T09:20:00
until = 2026-11-26T10:30:00
{BIRTHS}{CLAIMS}
"""


def both_published(births_at: str, claims_at: str) -> str:
    return an_answer(f"{SITE}/births", births_at) + an_answer(f"{SITE}/claims--2", claims_at)


def claims_json(watch: Watch) -> dict[str, Any]:
    (body,) = (
        body
        for name in watch.releases
        if (body := watch.judging.verdict_now(name)) and "claims" in body["title"]
    )
    return body


def claims_json_at(folder: Path, tables: str, times: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the JSON of the release `claims` at these times.

    At the end, replay must find no difference.
    """
    bodies: list[dict[str, Any]] = []

    async def note_verdicts(monitor: MonitorInTest) -> None:
        for when in times:
            await monitor.until(when)
            bodies.append(claims_json(monitor.daemon.parts.watch))

    settings = run_monitor(folder, tables, note_verdicts, head=HEAD)
    store = reopened(settings)
    for _release, differences in replay(store, make_policies(settings), begin=None, end=None):
        assert differences == []
    store.close()
    return bodies


def test_release_found_late_is_unproven_if_redirects_are_late(tmp_path: Path) -> None:
    """Two releases have the slot 09:30, and both pages come a second later. The page of births has
    a known address, so it is seen at once. Its announcement redirects to it only six minutes later.
    So redirects can be six minutes late. The address of claims is not known until a redirect leads
    to it, at 09:36:01. So it may have come in time: unproven.
    """
    before_redirect, after_redirect = claims_json_at(
        tmp_path,
        both_published(births_at="09:30:01", claims_at="09:30:01"),
        times=("09:35:50", "09:38:00"),
    )
    # Until the redirect, claims is pending, and its page is the part that is missing.
    assert (before_redirect["verdict"], before_redirect["due"]["part"]) == ("pending", "page")
    found_by_redirect = "led_to"
    assert (after_redirect["verdict"], after_redirect["address"]) == ("unproven", found_by_redirect)


@pytest.mark.slow
def test_release_missing_beyond_longest_redirect_delay_is_overdue(tmp_path: Path) -> None:
    """GOV.UK's announcement page redirects to the release some time after it is out. Births and
    claims have the slot 09:30, with a tolerance of 60 s. Births comes at 09:30:01, and its
    announcement redirects only at 09:36:01.

    So on this day, redirects can be six minutes late. The announcement of claims does not redirect
    yet. That proves only that claims was absent six minutes ago.
    """
    at_09_36_50, at_09_38 = claims_json_at(
        tmp_path,
        both_published(births_at="09:30:01", claims_at="10:20:00"),
        times=("09:36:50", "09:38:00"),
    )
    # At 09:36:50, it is proved absent until 09:30:50, which is within the tolerance.
    assert at_09_36_50["verdict"] == "pending"
    # At 09:38, it is proved absent until about 09:32. So it is late by at least 120 s, or a little
    # less.
    assert at_09_38["verdict"] == "overdue"
    tolerance = 60
    assert tolerance < at_09_38["delay"]["min"] < 120
