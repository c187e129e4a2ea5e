"""The incident's form in a real browser: filled by keyboard, two editors in one box, signed, and a
leak logged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from alerts.draft.report import report_from_json
from monitor.deliver.rules import Links
from monitor.store.rows import Draft
from tests.browser.pages import overflowing
from tests.browser.test_accessible import DESK, PHONE, WIDTHS, opened
from tests.unit.monitor.web.board import KEYS, Board
from tests.unit.monitor.web.people import SECRET, users_file
from tests.unit.monitor.web.test_incident_form import ALERT

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


@asynccontextmanager
async def signed_in_board(
    width: int, users: Path, name: str, *, scripts: bool = True
) -> AsyncIterator[tuple[Page, Board, str]]:
    """Open a browser with a signed-in person.

    A violation of the content security policy fails the test.
    """
    async with opened(width, scripts=scripts, public=False, users=users) as (page, board, base):
        refused: list[str] = []
        page.on("console", lambda told: refused.append(told.text) if told.type == "error" else None)
        await page.goto(f"{base}/sign-in")
        await page.get_by_label("Name").fill(name)
        await page.get_by_label("Password").fill(SECRET)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Sign out").wait_for()
        yield page, board, base
        assert [told for told in refused if "409" not in told and "400" not in told] == []


def last(board: Board) -> Draft:
    return board.store.verdicts.drafts(board.incident)[-1]


async def faults(page: Page, width: int, where: str) -> list[str]:
    found = await Axe().run(page)
    told = [f"{where}: {line}" for line in found.generate_snapshot().splitlines()]
    return told + [f"{where} {line}" for line in await overflowing(page, width)]


async def press_until(page: Page, selector: str) -> None:
    """Go on with the tab key until this has the focus, as somebody without a mouse does."""
    for _ in range(120):
        if await page.evaluate("css => document.activeElement.matches(css)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_the_form_is_filled_and_signed_with_the_keyboard_alone(
    users: Path, *, scripts: bool
) -> None:
    async with signed_in_board(DESK, users, "hope", scripts=scripts) as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        first = report_from_json(last(board).facts).steps[0].id
        await press_until(page, f'[name="tick.step.{first}"]')
        await page.keyboard.press("Space")
        for name in ("B.2.account", "B.3.impact", "B.4.corrective"):
            await press_until(page, f'[name="box.{name}"]')
            await page.keyboard.type(f"Said of {name}")
            await page.keyboard.press("Enter")
            await page.keyboard.type("in two lines.")
        await press_until(page, '.bar [value="sign"]')
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Sign the report").wait_for()
        assert last(board).words["B.3.impact"] == "Said of B.3.impact\nin two lines."
        assert last(board).words[f"step.{first}"] == "5 Jan 2018 09:40 GMT"
        # The release is still overdue, so signing needs a reason.
        await press_until(page, "#anyway")
        await page.keyboard.type("the minister waits")
        await press_until(page, '[value="sign"]')
        await page.keyboard.press("Enter")
        await page.get_by_text("Signed off by head of profession").first.wait_for()
        assert last(board).signed is not None


async def test_the_form_shows_what_is_open_and_is_short_on_a_phone(users: Path) -> None:
    async with signed_in_board(PHONE, users, "hope") as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        assert await page.locator("form.work textarea:visible").count() == 4
        assert await page.locator("form.work").evaluate("form => form.scrollHeight") <= 3200
        for button in ("Save", "Sign or waive"):
            await page.evaluate("scrollTo(0, 900)")
            assert await page.get_by_role("button", name=button).evaluate(
                "one => one.getBoundingClientRect().bottom <= innerHeight"
            )


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_from_the_mail_an_incident_is_acknowledged_by_one_tap(
    users: Path, *, scripts: bool
) -> None:
    async with opened(PHONE, scripts=scripts, public=False, users=users) as (page, board, base):
        notice = board.store.outbox.notices(board.incident)[0]
        await page.goto(Links(base, KEYS.link).acknowledge_link(notice, "mail"))
        await page.get_by_role("heading", name="What to do now").wait_for()
        await page.get_by_role("button", name="I'm on it").click()
        await page.get_by_text("on call has it").wait_for()
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.acknowledged is not None
        await page.get_by_role("link", name="Open its report").click()
        await page.get_by_role("heading", name="Sign in").wait_for()


async def test_a_signed_report_is_read_and_amended_with_a_reason(users: Path) -> None:
    async with signed_in_board(PHONE, users, "hope", scripts=False) as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}/sign")
        await page.locator("#anyway").fill("the minister waits")
        await page.get_by_role("button", name="Sign it off").click()
        await page.get_by_text("Signed off by head of profession").first.wait_for()
        assert await page.locator('[name^="box.B"]').count() == 0
        # What is still open is not in the report, but in what a person may send with it.
        assert await page.get_by_text("[to be completed").all_inner_texts() == [
            (
                "We will publish it as soon as we can and update this page at"
                " [to be completed: a time within the next half hour]."
            ),
            "To: [to be completed: who receives this]",
        ]
        await page.get_by_role("link", name="Amend").click()
        await page.locator('[id="B.2.account"]').fill("A certificate had expired.")
        await page.locator('.bar [value="save"]').click()
        await page.locator("#reason-fault").wait_for()
        assert (
            await page.locator('[id="B.2.account"]').input_value() == "A certificate had expired."
        )
        await page.locator("#reason").fill("The cause is known now")
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("status").wait_for()
        assert last(board).words["B.2.account"] == "A certificate had expired."
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.timeline[-1].text == "report amended: The cause is known now"


@WIDTHS
async def test_two_editors_of_one_box_see_both_wordings_and_make_them_one(
    width: int, users: Path
) -> None:
    async with signed_in_board(width, users, "anne") as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        box = page.locator('[id="B.2.account"]')
        await box.fill("A certificate had expired.")
        board.edit_draft("B.2.account", "The platform was down.")
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("alert").wait_for()
        assert await page.get_by_text("As it was", exact=True).is_visible()
        found = await faults(page, width, "two wordings")
        await page.get_by_role("alert").get_by_role("link").click()
        await page.locator('[id="B.2.account"]:focus').wait_for()
        await box.fill("The platform was down, since a certificate had expired.")
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("status").wait_for()
        assert (
            last(board).words["B.2.account"]
            == "The platform was down, since a certificate had expired."
        )
        assert found == []


@WIDTHS
async def test_a_leak_is_logged_after_one_fault_is_mended(width: int, users: Path) -> None:
    async with signed_in_board(width, users, "anne") as (page, board, base):
        await page.goto(f"{base}/incidents")
        await page.get_by_role("link", name="Log an incident").click()
        await page.get_by_label("What happened").fill("Figures were read out at a conference")
        found = await faults(page, width, "log")
        await page.get_by_role("button", name="Log it").click()
        await page.get_by_role("alert").wait_for()
        found += await faults(page, width, "log refused")
        await page.get_by_role("alert").get_by_role("link").first.click()
        await page.locator("#title:focus").wait_for()
        await page.keyboard.type("Example prices")
        await (
            page.get_by_label("And its producer").or_(page.get_by_label("Producer")).fill("ofqual")
        )
        await page.get_by_role("button", name="Log it").click()
        await page.get_by_role("heading", name="Example prices").wait_for()
        assert len([one for one in board.store.verdicts.incidents() if one.kind == "hand"]) == 1
        assert found == []


@WIDTHS
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_a_release_is_muted_from_its_page_and_ended(
    width: int, users: Path, *, scripts: bool
) -> None:
    async with signed_in_board(width, users, "anne", scripts=scripts) as (page, board, base):
        await page.goto(f"{base}/releases/r")
        await page.get_by_role("link", name="Mute messages").click()
        await page.get_by_label("Why").fill("their site moves")
        await page.get_by_label("Until").fill("2018-01-04T09:30")
        await page.get_by_role("button", name="Mute", exact=True).click()
        await page.get_by_role("alert").wait_for()
        found = await faults(page, width, "mute refused") if scripts else []
        assert await page.get_by_label("Why").input_value() == "their site moves"
        await page.get_by_label("Until").fill("2018-01-05T12:00")
        await page.get_by_role("button", name="Mute", exact=True).click()
        await page.get_by_role("button", name="End now").wait_for()
        found += await faults(page, width, "muted") if scripts else []
        (made,) = board.store.outbox.silences(board.clock.now())
        assert (made.scope, made.name, made.reason) == ("release", "r", "their site moves")
        await page.get_by_role("button", name="End now").click()
        await page.get_by_role("heading", name="Muted now").wait_for(state="detached")
        assert found == []


@WIDTHS
async def test_the_pages_of_those_who_act_have_no_fault_and_stay_in_their_width(
    width: int, users: Path
) -> None:
    found: list[str] = []
    async with signed_in_board(width, users, "hope") as (page, board, base):
        for path in (board.incident, board.early_incident, "closed", f"{board.incident}/sign"):
            await page.goto(f"{base}/incidents/{path}")
            found += await faults(page, width, path)
        await page.goto(f"{base}/incidents/{board.incident}")
        await page.get_by_text("Note a call").click()
        await page.locator("#call").fill("web team")
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("alert").wait_for()
        found += await faults(page, width, "refused")
        assert await page.locator("#call").input_value() == "web team"
    assert found == []


@WIDTHS
async def test_a_mail_that_users_got_is_chosen_with_other_texts_without_scripts(
    width: int, users: Path
) -> None:
    async with signed_in_board(width, users, "anne", scripts=False) as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        await page.get_by_text("Note a call").click()
        mail = {"name": "alert.eml", "mimeType": "message/rfc822", "buffer": ALERT}
        await page.get_by_label("What this e-mail was").fill("an alert was sent")
        await page.get_by_label("Note", exact=True).fill("the page is back")
        await page.locator('.bar [value="save"]').click()
        await page.locator("#mail-fault").wait_for()
        await page.get_by_label("E-mail that users got").set_input_files(mail)  # type: ignore[arg-type]
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("status").wait_for()
        timeline = await page.locator("ol.timeline").inner_text()
        assert "an alert was sent, from notifications.example" in timeline
        assert "the page is back" in timeline


@WIDTHS
async def test_an_action_is_added_and_ticked_without_scripts(width: int, users: Path) -> None:
    async with signed_in_board(width, users, "anne", scripts=False) as (page, board, base):
        await page.goto(f"{base}/incidents/{board.incident}")
        await page.get_by_text("Add an action").click()
        await page.get_by_label("What", exact=True).fill(
            "Renew the certificate a month before it ends"
        )
        await page.get_by_label("By which day").fill("2018-02-01")
        await page.locator('.bar [value="save"]').click()
        await page.locator("#owner-fault").wait_for()
        assert await page.get_by_label("By which day").input_value() == "2018-02-01"
        await page.get_by_label("Who does it").fill("web team")
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("status").wait_for()
        await page.get_by_label("Done: Renew the certificate").check()
        await page.locator('.bar [value="save"]').click()
        await page.get_by_role("status").wait_for()
        assert await page.get_by_label("Done: Renew the certificate").count() == 0
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.actions[0].done_by == "duty statistician"
