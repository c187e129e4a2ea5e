"""Witnesses that are behind on one release delay claims about others. Replay gives the same result."""

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
    assert {name: lines for name, lines in replay(store, make_policies(settings), begin=None, end=None) if lines} == {}
    store.close()
    return bodies


def test_a_release_found_minutes_after_its_slot_is_unproven_if_redirects_of_another_were_late_too(
    tmp_path: Path,
) -> None:
    # Listings and redirects are six minutes behind, so they do not show these two pages before 09:36:01. The release
    # births shows that a page may be out for so long unseen, so claims may have been on time too. If a release has no
    # verdict after its slot, `due` in its JSON names the part that was not seen.
    before_redirect, after_redirect = claims_json_at(
        tmp_path, both_published(births_at="09:30:01", claims_at="09:30:01"), times=("09:35:50", "09:38:00")
    )
    assert (before_redirect["verdict"], before_redirect["due"]["part"]) == ("pending", "page")
    found_by_redirect = "led_to"
    assert (after_redirect["verdict"], after_redirect["address"]) == ("unproven", found_by_redirect)


@pytest.mark.slow
def test_a_release_that_is_missing_for_longer_than_redirects_are_behind_for_another_is_overdue(tmp_path: Path) -> None:
    # The redirect to births comes at 09:36:01, six minutes after its page.
    at_09_36_50, at_09_38 = claims_json_at(
        tmp_path, both_published(births_at="09:30:01", claims_at="10:20:00"), times=("09:36:50", "09:38:00")
    )
    assert [body["verdict"] for body in (at_09_36_50, at_09_38)] == ["pending", "overdue"]
    # At 09:38 the absence of claims is proved until six minutes earlier, about 09:32. That is 120 s after its slot.
    assert 60 < at_09_38["delay"]["min"] < 120
