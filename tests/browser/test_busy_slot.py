"""A slot of sixty releases in a real browser, as the whole monitor saw it: what went wrong at it is
seen at a glance, at a desk, on a phone and on a wall.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.pages import browsing
from tests.browser.pictures import show_board
from tests.browser.sixty import EARLY, MISSING, SERIES, SLOT, play_sixty

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]
DESK, PHONE, WALL = (1280, 900, "/"), (390, 844, "/"), (1920, 1080, "/?wall=1")
SECONDS_AFTER = {"while all are awaited": 1, "at 14 s": 14}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sixty")
    play_sixty(folder)
    return folder


@asynccontextmanager
async def opened(
    kept: Path, seconds_after: int, screen: tuple[int, int, str]
) -> AsyncIterator[Page]:
    width, height, path = screen
    shown_at = SLOT + timedelta(seconds=seconds_after)
    async with show_board(kept, shown_at) as base, browsing(width) as page:
        await page.set_viewport_size({"width": width, "height": height})
        await page.goto(base + path)
        # A real board has no such band above it.
        await page.locator(".demonstration").evaluate_all("bands => bands.map(b => b.remove())")
        yield page


async def bottom_of(page: Page, selector: str) -> float:
    box = await page.locator(selector).bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize("when", SECONDS_AFTER)
async def test_strip_of_sixty_releases_fits(kept: Path, when: str) -> None:
    """500 pixels at a desk, two screens on a phone, and one screen on a wall."""
    seconds = SECONDS_AFTER[when]
    async with opened(kept, seconds, DESK) as page:
        box = await page.locator("table.strip").bounding_box()
        assert box is not None
        assert box["height"] <= 500
        assert await page.evaluate("document.documentElement.scrollHeight") <= 1800
    async with opened(kept, seconds, PHONE) as page:
        assert await bottom_of(page, "table.strip") <= 2 * PHONE[1]
    async with opened(kept, seconds, WALL) as page:
        assert await page.evaluate("document.documentElement.scrollHeight") <= WALL[1]
        assert await page.evaluate("document.documentElement.scrollWidth") <= WALL[0]


async def test_each_problem_is_named_and_each_producer_has_a_line(kept: Path) -> None:
    async with opened(kept, 14, WALL) as page:
        strip = await page.locator("table.strip tbody").inner_text()
        assert await page.locator(".strip tr.all").count() == len(SERIES)
        for n in (*EARLY, *MISSING):
            assert f"{SERIES[n % 8]} {chr(65 + n // 8)}: July to September 2026" in strip
        assert strip.count("not seen, 14 s") == len({n % len(SERIES) for n in MISSING})
        assert strip.count("early, at least") == len(EARLY)
        assert "7 of 8 not seen, 1 on time" in strip
        caption = await page.locator(".strip caption").inner_text()
        assert (
            "Mostly department-3 (7 of 8), also department-6 (2 of 7), department-0 (1 of 8)"
            in caption
        )
        assert "In time if out by 09:31:00 GMT: check the publishing tool now." in caption
        assert (
            "46 on time, 4 early, 10 not seen yet" in await page.locator(".headline").inner_text()
        )
        cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).length"
        assert await page.locator(".strip th, .strip td").evaluate_all(cut) == 0


@pytest.mark.parametrize("screen", [DESK, PHONE, WALL], ids=["desk", "phone", "wall"])
async def test_text_of_the_strip_is_legible_and_axe_finds_nothing(
    kept: Path, screen: tuple[int, int, str]
) -> None:
    async with opened(kept, 14, screen) as page:
        sizes = await page.locator(".strip svg text").evaluate_all(
            "texts => texts.map(text => parseFloat(getComputedStyle(text).fontSize))"
        )
        assert min(sizes) >= 12
        assert (await Axe().run(page)).generate_snapshot().splitlines() == []


async def test_next_steps_open_the_list_that_is_folded_below_the_strip(kept: Path) -> None:
    async with opened(kept, 14, DESK) as page:
        first = page.locator("#needing tbody tr").first
        assert not await first.is_visible()
        await page.get_by_role("link", name="Next steps", exact=True).click()
        await first.wait_for(state="visible")
