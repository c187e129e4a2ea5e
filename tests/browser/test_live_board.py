"""The front page in a real browser while things change: with the script, without it, and when the
monitor does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from monitor.clock import VirtualClock
from tests.browser.pages import browsing, overflowing, serving
from tests.browser.test_accessible import DESK, WIDTHS
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.test_live import MonitorWithoutStore
from tests.worlds.instants import after_slot

pytestmark = pytest.mark.needs("chromium")
QUICKLY = {"timeout": 15000}


@asynccontextmanager
async def watching(
    width: int = DESK, path: str = "/", many: int = 0
) -> AsyncIterator[tuple[Page, Board, str]]:
    """Open the board of today, with so many more releases that are on time."""
    async with a_board() as board:
        row = board.store.verdicts.judged_one("r")
        assert row is not None
        for number in range(many):
            name = f"n{number}"
            good = {
                "id": name,
                "title": f"Series {number}",
                "verdict": "on_time",
                "incident": None,
                "parts": [],
            }
            with board.store.transaction() as tx:
                tx.save(replace(row, release=name, body=row.body | good))
        board.running.watched["r"] = after_slot(598)
        # It continues at the instant that the board shows.
        board.queries.clock = VirtualClock(
            after_slot(600) - timedelta(seconds=asyncio.get_running_loop().time())
        )
        async with serving(board.app) as base, browsing(width) as page:
            refused: list[str] = []
            page.on(
                "console",
                lambda told: refused.append(told.text) if "Content Security" in told.text else None,
            )
            page.on("pageerror", lambda fault: refused.append(str(fault)))
            await page.goto(base + path)
            yield page, board, base
            assert refused == []


def change(board: Board, release: str, **values: Any) -> None:  # noqa: ANN401 # of the JSON
    row = board.store.verdicts.judged_one(release)
    assert row is not None
    board.running.bodies[release] = row.body | values
    board.running.watched[release] = after_slot(600)
    with board.store.transaction() as tx:
        tx.save(replace(row, body=row.body | values))


async def heard(page: Page) -> None:
    """Wait until the page has read the board again."""
    await page.locator("#clock:not(:has-text('09:40:00'))").wait_for(**QUICKLY)


async def test_a_verdict_that_changes_is_shown_without_a_reload() -> None:
    async with watching() as (page, board, _):
        await heard(page)
        await page.evaluate("window.same = true")
        await page.locator("#release-r th a").focus()
        change(board, "r", title="It came at last", verdict="late")
        await (
            page.locator("#release-r")
            .get_by_role("link", name="It came at last", exact=True)
            .wait_for(**QUICKLY)
        )
        assert await page.locator("#release-r .verdict").inner_text() == "late"
        assert (
            await page.evaluate("window.same && document.activeElement.textContent")
            == "It came at last"
        )
        # The next tick updates the time of the last look.
        await page.locator("#release-r .looked", has_text="last looked").wait_for(**QUICKLY)


async def test_a_long_reason_leaves_titles_their_width_and_day_links_stay_on_one_line() -> None:
    async with watching() as (page, board, _):
        await heard(page)
        change(
            board,
            "r",
            title="It came at last",
            verdict="unproven",
            unproven_because="no look proves anything " * 20,
        )
        await (
            page.locator("#release-r")
            .get_by_role("link", name="It came at last", exact=True)
            .wait_for(**QUICKLY)
        )
        widths = [await page.locator(f"#release-r{cell}").bounding_box() for cell in (" th", "")]
        days = await page.locator(".days a").evaluate_all(
            "links => links.map(link => link.offsetTop)"
        )
    assert widths[0] is not None
    assert widths[1] is not None
    assert widths[0]["width"] > widths[1]["width"] / 3
    assert len(set(days)) == 1


async def test_what_goes_wrong_leaves_the_fold_it_was_in() -> None:
    async with watching(many=25) as (page, board, _):
        await heard(page)
        assert not await page.locator("#release-n3").is_visible()
        change(board, "n3", verdict="overdue")
        await page.locator("#release-n3").wait_for(state="visible", **QUICKLY)
        assert (
            "24 with nothing wrong"
            in await page.locator("details summary", has_text="nothing wrong").inner_text()
        )


async def test_a_board_without_answers_is_told_and_what_is_shown_is_not_taken_for_new() -> None:
    async with watching() as (page, board, _):
        await heard(page)
        assert not await page.locator("#live").is_visible()
        board.queries.live = MonitorWithoutStore()
        await page.locator("#live").wait_for(state="visible", **QUICKLY)
        assert "Not live since 09:4" in await page.locator("#live").inner_text()
        board.queries.live = board.running
        await page.locator("#live").wait_for(state="hidden", timeout=30000)


@WIDTHS
async def test_boards_that_are_live_have_no_fault_and_stay_in_their_width(width: int) -> None:
    faults = []
    for path in ("/", "/?wall=1"):
        async with watching(width, path, many=25) as (page, _board, _):
            await heard(page)
            faults += (await Axe().run(page)).generate_snapshot().splitlines()
            faults += await overflowing(page, width)
    assert faults == []


async def test_without_a_script_the_page_says_as_of_when_it_is() -> None:
    async with a_board() as board, serving(board.app) as base, browsing(DESK) as page:
        board.running.watched["r"] = after_slot(598)
        context = await page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr] # it is open
        plain = await context.new_page()
        await plain.goto(base)
        assert "as of 09:40:00 GMT" in await plain.locator("main").inner_text()
        assert "last looked 2 s ago" in await plain.locator("#release-r").inner_text()
        assert "overdue, 10 min" in await plain.locator("table.strip").inner_text()
        assert not await plain.locator("#live").is_visible()


async def test_an_organisation_is_remembered_in_this_browser_until_it_is_forgotten() -> None:
    async with watching(many=25, path="/?producer=ofqual") as (page, _board, base):
        await page.get_by_role("button", name="Remember ofqual in this browser").click()
        await page.get_by_text("Your organisation in this browser: ofqual.").wait_for()
        assert page.url == f"{base}/"
        assert await page.locator("select[name=producer]").input_value() == "ofqual"
        await page.get_by_role("button", name="Forget it").click()
        await page.get_by_text("promised:").wait_for()
        assert await page.locator("select[name=producer]").input_value() == ""
