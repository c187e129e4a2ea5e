"""Signing in, acting and signing out in a real browser, by keyboard, with cookies as a browser
keeps them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from monitor.app.options import make_openid
from monitor.config.settings import Settings
from monitor.web.users import make_line
from tests.browser.pages import browsing, overflowing, serving
from tests.browser.test_accessible import DESK, WIDTHS, opened
from tests.unit.monitor.web.openid_provider import board_with_provider, web_settings

SECRET = "correct horse battery"
pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users"
    file.touch(0o600)
    file.write_text(make_line("anne", SECRET, "duty statistician"))
    return file


async def test_somebody_signs_in_acknowledges_and_signs_out_with_the_keyboard_alone(
    users: Path,
) -> None:
    async with opened(DESK, public=False, users=users) as (page, board, base):
        refused = []
        page.on(
            "console",
            lambda told: refused.append(told.text) if "Content Security" in told.text else None,
        )
        await page.goto(f"{base}/incidents/{board.incident}")
        assert page.url == f"{base}/sign-in?next=/incidents/{board.incident}"
        await page.locator("#name:focus").wait_for()
        await page.keyboard.type("anne")
        await page.keyboard.press("Tab")
        await page.keyboard.type("not the password")
        await page.keyboard.press("Enter")
        await page.get_by_role("alert").wait_for()
        await page.locator("#password:focus").wait_for()
        await page.keyboard.type(SECRET)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="I'm on it").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("by duty statistician").first.wait_for()
        assert page.url == f"{base}/incidents/{board.incident}"
        assert board.acknowledged_by() == ["duty statistician"]
        assert await page.evaluate("document.cookie") == ""
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("heading", name="Sign in").wait_for()
        await page.goto(f"{base}/incidents")
        assert page.url == f"{base}/sign-in?next=/incidents"
        assert refused == []


@WIDTHS
async def test_pages_for_people_who_sign_in_have_no_fault_and_stay_in_their_width(
    width: int, users: Path
) -> None:
    faults = []
    async with opened(width, public=False, users=users) as (page, board, base):
        for step in ("asked", "refused", "in"):
            if step == "asked":
                await page.goto(f"{base}/incidents/{board.incident}")
            else:
                await page.get_by_label("Name").fill("anne")
                await page.get_by_label("Password").fill(SECRET if step == "in" else "wrong")
                await page.get_by_role("button", name="Sign in").click()
                await page.get_by_role("alert" if step == "refused" else "navigation").wait_for()
            found = await Axe().run(page)
            faults += [f"{step}: {told}" for told in found.generate_snapshot().splitlines()]
            faults += [f"{step} {told}" for told in await overflowing(page, width)]
    assert faults == []


@WIDTHS
async def test_somebody_signs_in_at_a_provider_of_another_site_comes_back_and_signs_out_at_both(
    width: int, tmp_path: Path
) -> None:
    async with (
        board_with_provider(tmp_path) as visitor,
        serving(visitor.board.remake_app()) as here,
        browsing(width) as page,
    ):
        base, door = here.replace("127.0.0.1", "localhost"), visitor.board.queries.sessions
        assert door is not None
        door.public_url = base
        visitor.idp.configuration = {"end_session_endpoint": f"{visitor.idp.url}/out"}
        goodbye = "<title>Out</title><h1>Nobody is in</h1>"
        visitor.idp.fixed_answers["/out"] = (200, goodbye, {"Content-Type": "text/html"})
        door.provider = make_openid(
            Settings(web=web_settings(tmp_path, visitor.idp.url, base)), visitor.board.clock
        )
        refused = []
        page.on(
            "console",
            lambda told: refused.append(told.text) if "Content Security" in told.text else None,
        )
        await page.goto(f"{base}/incidents/{visitor.board.incident}")
        assert (await Axe().run(page)).response["violations"] == []
        assert await overflowing(page, width) == []
        await page.get_by_role("link", name="Sign in at 127.0.0.1").click()
        await page.get_by_role("link", name="I am Anne").click()
        await page.get_by_text("anne", exact=True).wait_for()
        assert page.url == f"{base}/incidents/{visitor.board.incident}"
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("heading", name="Nobody is in").wait_for()
        assert page.url.startswith(f"{visitor.idp.url}/out?client_id=ninethirty&id_token_hint=")
        await page.goto(f"{base}/incidents")
        await page.get_by_role("heading", name="Sign in").wait_for()
        visitor.idp.fixed_answers["/.well-known/openid-configuration"] = (503, "", {})
        visitor.board.clock.seconds += 601
        await page.get_by_role("link", name="Sign in at 127.0.0.1").click()
        await page.get_by_role("alert").get_by_text("it answered 503").wait_for()
        assert (await Axe().run(page)).response["violations"] == []
        assert await overflowing(page, width) == []
        assert refused == []
