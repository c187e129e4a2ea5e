"""A slot of sixty releases in a real browser, as the whole monitor saw it: what went wrong at it is
seen at a glance, at a desk, on a phone and on a wall.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from monitor.config.settings import Settings
from monitor.rehearse.demo import DemoBoard, merge_kept_stores
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script
from tests.browser.pages import browsing, serving

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]
SLOT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
HEAD = 'title = "Sixty"\nfrom = 2026-11-26T09:20:00\nuntil = 2026-11-26T09:30:15\n'
RELEASE = """
[[release]]
id = "r{n}"
title = "{title} {letter}: July to September 2026"
producer = "department-{of}"
url = "https://www.gov.uk/government/statistics/r{n}"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
"""
PAGE = """
[[answer]]
url = "https://www.gov.uk/government/statistics/r{n}"
at = {at}
"""
SERIES = (
    "Apprenticeships and traineeships",
    "Hospital admissions for self-harm and assaults",
    "Criminal court statistics quarterly",
    "Immigration system statistics",
    "Reported road casualties in Great Britain, provisional estimates",
    "Cancer waiting times",
    "Consumer price inflation tables",
    "State-funded schools inspections and outcomes",
)
EARLY = (4, 13, 30, 47)
MISSING = (3, 11, 19, 27, 8, 22, 35, 43, 51, 6)
"""Six come after the end, four never. Most are of one producer."""
DESK, PHONE, WALL = (1280, 900, "/"), (390, 844, "/"), (1920, 1080, "/?wall=1")
SECONDS_AFTER = {"while all are awaited": 1, "at 14 s": 14}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play the slot until 15 s after it: 46 releases come within 5 s, 4 came minutes before."""
    tables = [HEAD]
    for n in range(60):
        producer = n % len(SERIES)
        letter = chr(65 + n // len(SERIES))
        tables.append(RELEASE.format(n=n, title=SERIES[producer], letter=letter, of=producer))
        seconds = -240 + n if n in EARLY else 1 + n * 7919 % 4000 / 1000
        at = (SLOT + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
        if n not in MISSING:
            tables.append(PAGE.format(n=n, at=at))
    folder = tmp_path_factory.mktemp("sixty")
    path = folder / "sixty.toml"
    path.write_text("\n".join(tables))
    settings = Settings.model_validate({"budget": {"www.gov.uk": "10/s"}})
    play(read_script(path), settings, folder)
    return folder


@asynccontextmanager
async def opened(
    kept: Path, seconds_after: int, screen: tuple[int, int, str]
) -> AsyncIterator[Page]:
    width, height, path = screen
    store = await asyncio.to_thread(merge_kept_stores, [kept])
    board = DemoBoard(store, SLOT + timedelta(seconds=seconds_after))
    try:
        async with serving(board) as base, browsing(width) as page:
            await page.set_viewport_size({"width": width, "height": height})
            await page.goto(base + path)
            yield page
    finally:
        board.close()
        store.close()


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
        assert await page.evaluate("document.documentElement.scrollHeight") <= 3600
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
        assert strip.count("not out, 14 s") == len(MISSING)
        assert strip.count("early, for") == len(EARLY)
        assert "46 out, 4 early, 10 not seen yet" in await page.locator(".headline").inner_text()
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
