"""A release and an address added by hand in a real browser: a mistake first, and removed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.test_accessible import WIDTHS
from tests.browser.test_incident_form import faults, signed_in_board
from tests.unit.monitor.web.people import users_file
from tests.unit.monitor.web.test_by_hand import ADDED, add_hand_calendar, read_entries

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


@WIDTHS
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_release_and_address_are_added_after_a_mistake_and_removed(
    width: int, users: Path, tmp_path: Path, *, scripts: bool
) -> None:
    async with signed_in_board(width, users, "anne", scripts=scripts) as (page, board, base):

        async def check(where: str) -> list[str]:
            # What looks at a page is a script itself.
            return await faults(page, width, where) if scripts else []

        add_hand_calendar(board, tmp_path)
        board.clock.seconds += 2  # for a second, all who see the same share one board
        await page.goto(base)
        await page.get_by_role("link", name="Add a release").click()
        wrong = await check("the form")
        labels = {
            "title": "Title",
            "producer": "Producer",
            "url": "Web address",
            "day": "Day",
            "time": "Time",
        }
        for name, text in (ADDED | {"url": "https://inside.example/x", "day": "4/1/18"}).items():
            await page.get_by_label(labels[name], exact=True).fill(text)
        await page.get_by_role("button", name="Add this release").click()
        await page.get_by_role("alert").wait_for()
        wrong += await check("the mistake")
        for name in ("url", "day"):
            assert await page.locator(f"#{name}").get_attribute("aria-invalid") == "true"
            await page.get_by_label(labels[name], exact=True).fill(ADDED[name])
        assert await page.get_by_label("Title", exact=True).input_value() == ADDED["title"]
        await page.get_by_role("button", name="Add this release").click()
        assert len(read_entries(tmp_path)) == 1
        await page.goto(f"{base}/releases/coming")
        await page.get_by_role("link", name="Also watch another address").click()
        await page.get_by_label("Web address").fill("https://stats.example/tables.ods")
        await page.get_by_label("It must be out at the slot too").check()
        await page.get_by_role("button", name="Watch this address").click()
        await page.goto(f"{base}/by-hand")
        wrong += await check("the additions")
        for _ in range(2):
            await page.get_by_role("button", name="Remove this").first.click()
        await page.get_by_role("heading", name="Added by hand").wait_for(state="detached")
        release, addresses = read_entries(tmp_path)
        assert (release["state"], addresses["part"]) == ("cancelled", [])
        assert wrong == []
