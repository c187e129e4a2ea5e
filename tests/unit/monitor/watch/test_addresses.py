"""Releases whose publication bears another slug than its announcement: found, and judged by that address alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.look.fetch import Found
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address
from tests.unit.monitor.app.life import Life, live
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.unit.monitor.watch.predicted import StandingClock
from tests.worlds.instants import after_slot
from tests.worlds.looks import PRESENT, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.scripts import an_answer

GUESSED_URL = "https://www.gov.uk/government/statistics/claims-q3-2026"
TRUE_URL = "https://www.gov.uk/government/statistics/claims-july-to-september-2026"


def script_head(**more: object) -> str:
    options = "\n".join(f"{key} = {value!r}".replace("'", '"') for key, value in more.items())
    return f"""
title = "A story"
from = 2026-11-26T09:20:00
until = 2026-11-26T10:30:00

[[release]]
id = "claims-q3"
title = "Example claims: July to September 2026"
producer = "department-for-example"
url = "{TRUE_URL}"
announcement = "claims-q3-2026"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
{options}
"""


def release_json_at(folder: Path, tables: str, at: str, **more: object) -> dict[str, Any]:
    """Return the JSON of the release at a time of its day."""
    bodies: list[dict[str, Any]] = []

    async def act(life: Life) -> None:
        await life.until(at)
        (name,) = life.daemon.watch.releases
        body = life.daemon.watch.verdict_now(name)
        assert body is not None
        bodies.append(body)

    live(folder, tables, act, head=script_head(**more))
    return bodies[0]


def test_a_page_of_another_slug_is_on_time_by_its_announcements_redirect(tmp_path: Path) -> None:
    body = release_json_at(tmp_path, an_answer(TRUE_URL, "09:30:03"), "09:34:00")
    assert (body["verdict"], body["url"], body["address"]) == ("on_time", TRUE_URL, "led_to")
    assert 20 <= body["early_bound"] <= 30
    assert body["first_seen"]["by"] <= "2026-11-26T09:30:08"


@pytest.mark.slow
def test_a_late_release_at_another_slug_is_not_judged_by_its_guessed_address(tmp_path: Path) -> None:
    body = release_json_at(tmp_path, an_answer(TRUE_URL, "09:40:00"), "09:36:00")
    assert (body["verdict"], body["url"], body["address"]) == ("overdue", GUESSED_URL, "guessed")


@pytest.mark.slow
def test_a_page_of_another_slug_that_comes_late_is_late(tmp_path: Path) -> None:
    body = release_json_at(tmp_path, an_answer(TRUE_URL, "09:40:00"), "09:45:00")
    assert (body["verdict"], body["url"], body["address"]) == ("late", TRUE_URL, "led_to")
    assert body["first_seen"]["after"] < "2026-11-26T09:40:00" <= body["first_seen"]["by"]


def test_without_a_redirect_a_listing_gives_the_address_of_the_page(tmp_path: Path) -> None:
    body = release_json_at(tmp_path, an_answer(TRUE_URL, "09:30:03"), "09:36:00", redirect_after="never")
    assert body["verdict"] in ("unproven", "on_time")
    assert (body["url"], body["address"]) == (TRUE_URL, "found")
    after, by = body["first_seen"]["after"], body["first_seen"]["by"]
    assert by >= "2026-11-26T09:30:03"
    assert after is None or after <= "2026-11-26T09:30:03"


def test_a_redirect_long_after_the_page_makes_no_release_late(tmp_path: Path) -> None:
    body = release_json_at(
        tmp_path, an_answer(TRUE_URL, "09:30:03"), "09:45:00", redirect_after="5m", listed_after="1m"
    )
    assert body["verdict"] in ("unproven", "on_time")
    seen = body["first_seen"]
    assert seen["by"] >= "2026-11-26T09:30:03"
    assert seen["after"] is None or seen["after"] <= "2026-11-26T09:30:03"


def test_a_page_at_its_guessed_address_is_judged_by_its_looks(tmp_path: Path) -> None:
    same = script_head().replace('announcement = "claims-q3-2026"', "").replace(TRUE_URL, GUESSED_URL)
    bodies: list[dict[str, Any]] = []

    async def act(life: Life) -> None:
        await life.until("09:40:00")
        (name,) = life.daemon.watch.releases
        body = life.daemon.watch.verdict_now(name)
        assert body is not None
        bodies.append(body)

    live(tmp_path, an_answer(GUESSED_URL, "09:32:00"), act, head=same)
    assert bodies[0]["verdict"] == "late"
    assert bodies[0]["first_seen"]["after"] >= "2026-11-26T09:31:58"


def test_a_listed_page_with_exactly_the_title_of_another_release_is_not_the_page_of_this_one() -> None:
    link = "https://www.gov.uk/government/statistics/announcements/claims-q3-2026"
    guessed = replace(
        a_release(url=GUESSED_URL, address=Address.GUESSED, link=link), title="Example claims: quarter 3 2026"
    )
    claims = WatchedRelease(guessed, [a_promise()])
    wales = WatchedRelease(replace(guessed, id="wales", title="Example claims in Wales: quarter 3 2026"), [a_promise()])
    planner = Planner(StandingClock(after_slot(60)), FakePoller(), WatchRules())
    planner.update_release(claims, guessed)
    listed = (
        Found(TRUE_URL, "Example claims: Q3 2026", "listed"),
        Found(f"{TRUE_URL}-wales", wales.release.title, "listed"),
    )
    planner.add_found_parts(claims, a_sighting(PRESENT, 60, "index/origin", found=listed), [claims, wales])
    assert [part.url for part in claims.release.parts] == [GUESSED_URL, TRUE_URL]
