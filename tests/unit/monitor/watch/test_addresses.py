"""A publication with another slug than its announcement is found, and judged only by its own
address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schedules.announcement import Address
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, run_monitor
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.scripts import an_answer

GUESSED_URL = "https://www.gov.uk/government/statistics/claims-q3-2026"
TRUE_URL = "https://www.gov.uk/government/statistics/claims-july-to-september-2026"
BY_LISTING, BY_REDIRECT = Address.FOUND.value, Address.LED_TO.value


def script_head(**more: object) -> str:
    options = "\n".join(f"{key} = {value!r}".replace("'", '"') for key, value in more.items())
    keys = f'announcement = "claims-q3-2026"\n{options}'
    table = release_table(
        "claims-q3", "Example claims: July to September 2026", TRUE_URL, more=keys
    )
    return f"""
title = "A story"
from = 2026-11-26T09:20:00
until = 2026-11-26T10:30:00
{table}
"""


def play(folder: Path, head: str, answers: str, *, now: str) -> dict[str, Any]:
    """Return the JSON of the release at a time of its day, in front of a publisher that gives these
    answers.
    """
    bodies: list[dict[str, Any]] = []

    async def read_verdict(monitor: MonitorInTest) -> None:
        await monitor.until(now)
        (name,) = monitor.daemon.parts.watch.releases
        bodies.append(monitor.daemon.parts.watch.judging.verdict_now(name))

    run_monitor(folder, answers, read_verdict, head=head)
    return bodies[0]


def json_of_page_at_true_url(
    folder: Path, *, published_at: str, now: str, **more: object
) -> dict[str, Any]:
    """Return the JSON of a release whose page comes at another address than its announcement
    suggests.

    Its field `address` says how its address is known.
    """
    return play(folder, script_head(**more), an_answer(TRUE_URL, published_at), now=now)


def test_page_found_by_a_prompt_redirect_is_on_time(tmp_path: Path) -> None:
    """The slot is at 09:30. The page comes 3 s later, but not at the address that its announcement
    suggests. From about 09:30:05 on, the announcement redirects to it. The monitor follows the
    redirect and sees the page at once, so it is on time.
    """
    body = json_of_page_at_true_url(tmp_path, published_at="09:30:03", now="09:34:00")
    assert (body["verdict"], body["url"], body["address"]) == ("on_time", TRUE_URL, BY_REDIRECT)
    # The next look at the announcement finds the redirect, and the first look at the page follows
    # it.
    assert body["first_seen"]["by"] <= "2026-11-26T09:30:08"
    # At the last look before the redirect, 4 to 5 s after the slot, the page was perhaps there
    # already. A redirect may appear up to 30 s after its page. So that look proves only that the
    # page was absent 30 s earlier. `early_bound` is that time, in seconds before the slot.
    longest_delay_of_redirect = 30
    assert longest_delay_of_redirect - 5 <= body["early_bound"] <= longest_delay_of_redirect - 4


@pytest.mark.slow
def test_release_not_found_elsewhere_is_overdue_at_guessed_address(tmp_path: Path) -> None:
    """The slot is at 09:30. The announcement suggests an address for the page, which is a guess.
    The page comes only at 09:40, and at another address. At 09:36 there is none, so the release is
    overdue at the guessed address.
    """
    body = json_of_page_at_true_url(tmp_path, published_at="09:40:00", now="09:36:00")
    assert (body["verdict"], body["url"], body["address"]) == ("overdue", GUESSED_URL, "guessed")


@pytest.mark.slow
def test_page_that_comes_late_at_another_address_is_late(tmp_path: Path) -> None:
    """The slot is at 09:30. The page comes at 09:40, and not at the address that its announcement
    suggests. The announcement then redirects to it.
    """
    body = json_of_page_at_true_url(tmp_path, published_at="09:40:00", now="09:45:00")
    assert (body["verdict"], body["url"], body["address"]) == ("late", TRUE_URL, BY_REDIRECT)
    assert body["first_seen"]["after"] < "2026-11-26T09:40:00" <= body["first_seen"]["by"]


@pytest.mark.parametrize(
    ("redirect_after", "further_delay", "now", "how_address_is_known"),
    [
        ("never", {}, "09:36:00", BY_LISTING),
        ("5m", {"listed_after": "1m"}, "09:45:00", BY_REDIRECT),
    ],
    ids=["no redirect", "a redirect long after the listing"],
)
def test_page_first_found_in_a_listing_is_unproven(
    tmp_path: Path,
    redirect_after: str,
    further_delay: dict[str, str],
    now: str,
    how_address_is_known: str,
) -> None:
    """The slot is at 09:30. The page comes at 09:30:03, at another address than its announcement
    suggests. The announcement redirects to it after five minutes, or never. So a listing shows it
    first, half a minute or more after it came. That is too late to prove it on time. But no look
    proves that it was absent after the slot, so it is not late.
    """
    body = json_of_page_at_true_url(
        tmp_path, published_at="09:30:03", now=now, redirect_after=redirect_after, **further_delay
    )
    assert (body["verdict"], body["url"], body["address"]) == (
        "unproven",
        TRUE_URL,
        how_address_is_known,
    )
    published = "2026-11-26T09:30:03"
    assert body["first_seen"]["after"] <= published <= body["first_seen"]["by"]


def test_page_late_at_its_guessed_address_is_late(tmp_path: Path) -> None:
    """The slot is at 09:30. The page comes at 09:32, at the guessed address itself. No announcement
    could redirect to another one.
    """
    head = (
        script_head().replace('announcement = "claims-q3-2026"', "").replace(TRUE_URL, GUESSED_URL)
    )
    body = play(tmp_path, head, an_answer(GUESSED_URL, "09:32:00"), now="09:40:00")
    assert body["verdict"] == "late"
    # The guessed address is looked at each second, so the page was last seen absent just before it
    # came.
    assert body["first_seen"]["after"] >= "2026-11-26T09:31:58"
