"""Pages and a draft in a real browser: axe finds no fault, and they fit the width of desktop and
phone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from alerts.signed_link import sign_token
from tests.browser.pages import browsing, overflowing, serving
from tests.unit.monitor.web.board import KEYS, Board, a_board
from tests.worlds.instants import after_slot

DESK, PHONE = 1280, 390
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE], ids=["at a desk", "on a phone"])
pytestmark = pytest.mark.needs("chromium")


def addresses(board: Board) -> list[str]:
    token = quote(sign_token(board.incident, after_slot(3600), KEYS.link))
    return [
        "/?date=2018-01-05",
        "/?date=2018-01-06",
        "/calendar?month=2018-01",
        "/releases/r",
        "/releases/early",
        "/releases/none",
        "/incidents",
        f"/incidents/{board.incident}",
        f"/incidents/{board.early_incident}",
        "/incidents/closed",
        f"/acknowledge?token={token}",
        "/history",
        "/history?producer=ofqual",
        "/search?q=prices",
        "/reports?from=2018-01-01&to=2018-01-31",
        "/api",
        "/status",
        "/runbook",
        f"/api/v1/incidents/{board.incident}/draft.html",
        f"/api/v1/incidents/{board.early_incident}/draft.html",
    ]


def _close_a_copy(board: Board) -> None:
    incident, draft = (
        board.store.verdicts.incident(board.incident),
        board.store.verdicts.drafts(board.incident)[-1],
    )
    assert incident is not None
    with board.store.transaction() as tx:
        tx.save(replace(incident, id="closed", closed=after_slot(1500)))
        tx.add_draft(replace(draft, incident="closed"))


@asynccontextmanager
async def opened(
    width: int,
    *,
    scripts: bool = True,
    **kind: Any,  # noqa: ANN401 # as `a_board` takes them
) -> AsyncIterator[tuple[Page, Board, str]]:
    """Serve a kind of board and open a browser of that width; yields its page, the board and the
    address of both.
    """
    async with a_board(reasons=["calendar govuk: not read yet"], **kind) as board:
        _close_a_copy(board)
        async with serving(board.app) as base, browsing(width, scripts=scripts) as page:
            yield page, board, base


@WIDTHS
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_to_object_to_on_any_page(
    width: int, scheme: Literal["light", "dark"]
) -> None:
    faults = []
    async with opened(width) as (page, board, base):
        await page.emulate_media(color_scheme=scheme)
        for address in addresses(board):
            await page.goto(base + address)
            found = await Axe().run(page)
            faults += [f"{address}: {line}" for line in found.generate_snapshot().splitlines()]
    assert faults == []


@WIDTHS
async def test_no_page_runs_off_the_side_whatever_the_font(width: int) -> None:
    wide = []
    async with opened(width) as (page, board, base):
        for address in addresses(board):
            await page.goto(base + address)
            wide += [f"{address} {told}" for told in await overflowing(page, width)]
    assert wide == []


async def test_an_incident_is_acknowledged_with_the_keyboard_alone() -> None:
    async with opened(DESK) as (page, board, base):
        await page.goto(
            f"{base}/acknowledge?token={quote(sign_token(board.incident, after_slot(3600), KEYS.link))}"
        )
        await page.get_by_role("button", name="I'm on it").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert "on call has it" in (await page.get_by_role("status").inner_text())
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.acknowledged is not None


async def test_what_to_do_and_the_timeline_are_printed_and_the_menu_is_not() -> None:
    async with opened(DESK) as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        await page.emulate_media(media="print")
        assert await page.get_by_role("heading", name="What to do now").is_visible()
        assert await page.get_by_role("heading", name="Timeline").is_visible()
        assert not await page.locator("nav").is_visible()
        assert await page.locator("details > ul").first.is_visible()


@WIDTHS
async def test_a_month_in_which_every_day_went_wrong_is_no_taller_than_two_screens(
    width: int,
) -> None:
    """Each working day of December 2017 has 25 releases, and all sorts of outcomes."""
    outcomes = ("on_time", "late", "early", "unproven", "overdue", "not_published", "moved")
    async with opened(width) as (page, board, base):
        for ago in range(7, 36):
            if after_slot(-86400 * ago).weekday() < 5:
                for number in range(25):
                    outcome = outcomes[number % len(outcomes)]
                    board.add_past_release(f"p{number % 9}", outcome, days_ago=ago)
        await page.goto(f"{base}/calendar?month=2017-12")
        assert await page.evaluate("document.documentElement.scrollHeight") <= 1500
        assert (await Axe().run(page)).generate_snapshot().splitlines() == []
