"""Witnesses that are behind: what one release shows of it delays what is claimed of another, and replays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.app.options import make_policies
from monitor.watch.rejudge import replay
from monitor.watch.watch import Watch
from tests.unit.monitor.app.life import Life, live, reopened
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.scripts import an_answer

SITE = "https://www.gov.uk/government/statistics"
BEHIND = 'announcement = "{}"\nredirect_after = "6m"\nlisted_after = "6m"'
BIRTHS = release_table("births", "Example births: October 2026", f"{SITE}/births", more=BEHIND.format("births"))
CLAIMS = release_table(
    "claims", "Example claims: October 2026", f"{SITE}/claims--2", "example-office", more=BEHIND.format("claims")
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
    (body,) = (body for name in watch.releases if (body := watch.verdict_now(name)) and "claims" in body["title"])
    return body


def claims_json_at(folder: Path, tables: str, times: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the JSON of the release `claims` at these times. At the end, replay must find no difference."""
    bodies: list[dict[str, Any]] = []

    async def act(life: Life) -> None:
        for when in times:
            await life.until(when)
            bodies.append(claims_json(life.daemon.watch))

    settings = live(folder, tables, act, head=HEAD)
    store = reopened(settings)
    assert {name: lines for name, lines in replay(store, make_policies(settings), None, None) if lines} == {}
    store.close()
    return bodies


def test_a_release_whose_listing_is_behind_is_pending_and_then_unproven_if_another_published_one_is_unlisted_too(
    tmp_path: Path,
) -> None:
    # Listings and redirects are six minutes behind, so they do not show these pages before 09:36:01.
    before, after = claims_json_at(
        tmp_path, both_published(births_at="09:30:01", claims_at="09:30:01"), times=("09:35:50", "09:38:00")
    )
    assert (before["verdict"], before["due"]["part"]) == ("pending", "page")
    assert (after["verdict"], after["address"]) == ("unproven", "led_to")


@pytest.mark.slow
def test_a_release_that_is_missing_for_longer_than_the_lag_of_the_day_is_overdue(tmp_path: Path) -> None:
    before, after = claims_json_at(
        tmp_path, both_published(births_at="09:30:01", claims_at="10:20:00"), times=("09:36:50", "09:38:00")
    )
    assert [body["verdict"] for body in (before, after)] == ["pending", "overdue"]
    # At 09:38 with a lag of six minutes, its absence is proved until about 09:32 only.
    assert 60 < after["delay"]["min"] < 120
