"""A publication with another slug than its announcement is found, and judged only by its own address."""

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
from tests.unit.monitor.watch.fake_poller import FakePoller, StandingClock
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.instants import after_slot
from tests.worlds.looks import PRESENT, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.scripts import an_answer

GUESSED_URL = "https://www.gov.uk/government/statistics/claims-q3-2026"
TRUE_URL = "https://www.gov.uk/government/statistics/claims-july-to-september-2026"
BY_LISTING, BY_REDIRECT = Address.FOUND.value, Address.LED_TO.value


def script_head(**more: object) -> str:
    options = "\n".join(f"{key} = {value!r}".replace("'", '"') for key, value in more.items())
    keys = f'announcement = "claims-q3-2026"\n{options}'
    table = release_table("claims-q3", "Example claims: July to September 2026", TRUE_URL, more=keys)
    return f"""
title = "A story"
from = 2026-11-26T09:20:00
until = 2026-11-26T10:30:00
{table}
"""


def play(folder: Path, head: str, answers: str, *, now: str) -> dict[str, Any]:
    """Return the JSON of the release at a time of its day, in front of a publisher that gives these answers."""
    bodies: list[dict[str, Any]] = []

    async def act(life: Life) -> None:
        await life.until(now)
        (name,) = life.daemon.watch.releases
        bodies.append(life.daemon.watch.verdict_now(name))

    live(folder, answers, act, head=head)
    return bodies[0]


def json_of_page_at_true_url(folder: Path, *, published_at: str, now: str, **more: object) -> dict[str, Any]:
    """Return the JSON of a release whose page comes at another address than its announcement suggests.

    Its field `address` says how its address is known.
    """
    return play(folder, script_head(**more), an_answer(TRUE_URL, published_at), now=now)


def test_page_at_another_slug_than_guessed_is_on_time_if_its_announcement_redirects_to_it(tmp_path: Path) -> None:
    body = json_of_page_at_true_url(tmp_path, published_at="09:30:03", now="09:34:00")
    assert (body["verdict"], body["url"], body["address"]) == ("on_time", TRUE_URL, BY_REDIRECT)
    # The announcement redirects from 09:30:05 on, 2 s after the page came. It is looked at each second, so the last
    # look without a redirect is after 09:30:04. A redirect may be 30 s behind its page (`REDIRECT_LAG`), so that look
    # proves the page absent until 09:29:34 at least. So the page came at most 25 to 26 s before the slot.
    assert 25 <= body["early_bound"] <= 26
    # The next look at the announcement finds the redirect, and the first look at the page follows it.
    assert body["first_seen"]["by"] <= "2026-11-26T09:30:08"


@pytest.mark.slow
def test_a_release_not_found_at_another_slug_yet_is_overdue_at_its_guessed_address(tmp_path: Path) -> None:
    body = json_of_page_at_true_url(tmp_path, published_at="09:40:00", now="09:36:00")
    assert (body["verdict"], body["url"], body["address"]) == ("overdue", GUESSED_URL, "guessed")


@pytest.mark.slow
def test_a_page_of_another_slug_that_comes_late_is_late(tmp_path: Path) -> None:
    body = json_of_page_at_true_url(tmp_path, published_at="09:40:00", now="09:45:00")
    assert (body["verdict"], body["url"], body["address"]) == ("late", TRUE_URL, BY_REDIRECT)
    assert body["first_seen"]["after"] < "2026-11-26T09:40:00" <= body["first_seen"]["by"]


@pytest.mark.parametrize(
    ("now", "redirect_and_listing_delays", "address_known"),
    [
        ("09:36:00", {"redirect_after": "never"}, BY_LISTING),
        ("09:45:00", {"redirect_after": "5m", "listed_after": "1m"}, BY_REDIRECT),
    ],
    ids=["no redirect", "a redirect long after the listing"],
)
def test_a_listed_page_whose_announcement_redirects_late_or_never_is_unproven_and_not_late(
    tmp_path: Path, now: str, redirect_and_listing_delays: dict[str, str], address_known: str
) -> None:
    body = json_of_page_at_true_url(tmp_path, published_at="09:30:03", now=now, **redirect_and_listing_delays)
    # The page is first seen when the listing shows its address, a minute or so after it came. That is too late to prove
    # it on time. But nothing proves that it was absent after the slot, so it may have come in time.
    assert (body["verdict"], body["url"], body["address"]) == ("unproven", TRUE_URL, address_known)
    assert body["first_seen"]["after"] <= "2026-11-26T09:30:03" <= body["first_seen"]["by"]


def test_a_page_that_comes_late_at_its_guessed_address_is_late_and_dated_by_looks_at_it(tmp_path: Path) -> None:
    without_announcement = script_head().replace('announcement = "claims-q3-2026"', "").replace(TRUE_URL, GUESSED_URL)
    body = play(tmp_path, without_announcement, an_answer(GUESSED_URL, "09:32:00"), now="09:40:00")
    assert body["verdict"] == "late"
    # The page is looked at each second, so it was last seen absent just before it came.
    assert body["first_seen"]["after"] >= "2026-11-26T09:31:58"


def test_a_listed_page_with_exactly_the_title_of_another_release_is_not_the_page_of_this_one() -> None:
    link = "https://www.gov.uk/government/statistics/announcements/claims-q3-2026"
    guessed = replace(
        a_release(url=GUESSED_URL, address=Address.GUESSED, link=link), title="Example claims: quarter 3 2026"
    )
    claims = WatchedRelease(guessed, [a_promise()])
    wales = WatchedRelease(replace(guessed, id="wales", title="Example claims in Wales: quarter 3 2026"), [a_promise()])
    planner = Planner(StandingClock(after_slot(60)), FakePoller(), WatchRules())
    planner.update_release(claims, guessed)
    # The first entry has nearly the title of `claims`, the second exactly that of `wales`.
    listed = (
        Found(TRUE_URL, "Example claims: Q3 2026", "listed"),
        Found(f"{TRUE_URL}-wales", wales.release.title, "listed"),
    )
    planner.add_found_parts(claims, a_sighting(PRESENT, 60, "index/origin", found=listed), [claims, wales])
    assert [part.url for part in claims.release.parts] == [GUESSED_URL, TRUE_URL]
