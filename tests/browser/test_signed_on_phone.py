"""The measure of reports that people touched, on a telephone: ticked, noted, signed by taps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page

from alerts.draft.report import report_from_json
from alerts.incident import Decision, Incident
from monitor.deliver.rules import Links
from tests.browser.test_accessible import PHONE, opened
from tests.unit.monitor.web.board import KEYS, Board
from tests.unit.monitor.web.people import SECRET, users_file
from tests.worlds.signed import (
    NOTE,
    check_logged_text,
    check_signed_text,
    list_cases,
)

pytestmark = pytest.mark.needs("chromium")
AFTER_ALL = datetime(2024, 1, 5, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return users_file(tmp_path_factory.mktemp("people"))


@asynccontextmanager
async def head_on_phone(
    users: Path, now: datetime | None = None
) -> AsyncIterator[tuple[Page, Board, str]]:
    """Open a telephone's browser with a head of profession who is signed in, perhaps years later."""
    async with opened(PHONE, public=False, users=users) as (page, board, base):
        if now is not None:
            board.clock.at = now
        await page.goto(f"{base}/sign-in")
        await page.get_by_label("Name").fill("hope")
        await page.get_by_label("Password").fill(SECRET)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Sign out").wait_for()
        yield page, board, base


async def sign(page: Page, board: Board, base: str, incident: str) -> str:
    """Tick every step, note something and sign by taps, and return what was signed."""
    await page.goto(f"{base}/incidents/{incident}")
    for closed in await page.locator("#steps > summary, #note-it > summary").all():
        await closed.click()
    for tick in await page.locator('input[name^="tick.step."]').all():
        await tick.check()
    await page.get_by_label("Note", exact=True).fill(NOTE)
    await page.get_by_role("button", name="Sign or waive").click()
    await page.get_by_role("heading", name="Sign the report").wait_for()
    reason = page.locator("#anyway")
    if await reason.count():
        await reason.fill("boxes are empty")
    await page.get_by_role("button", name="Sign it off").click()
    await page.get_by_role("heading", name="The letter").wait_for()
    assert await page.locator('[name^="box."]').count() == 0
    return check_signed_text(report_from_json(board.store.verdicts.drafts(incident)[-1].facts))


async def test_published_incidents_are_signed_with_true_sentences_only(
    users: Path,
    incidents: Mapping[str, Incident],
) -> None:
    async with head_on_phone(users, AFTER_ALL) as (page, board, base):
        assert board.queries.desk is not None
        for incident in incidents.values():
            with board.store.transaction() as tx:
                board.queries.desk.current.record.save_decision(
                    tx, Decision(incident, (), draft=True), incident.opened
                )
            assert f"{NOTE} (head of profession)" in await sign(page, board, base, incident.id)


async def test_logged_incidents_are_signed_with_true_sentences_only(users: Path) -> None:
    async with head_on_phone(users, AFTER_ALL) as (page, board, base):
        for case in list_cases():
            await page.goto(f"{base}/incidents/new")
            await fill_log_form(page, case)
            await page.get_by_role("button", name="Log it").click()
            await page.get_by_role("heading", name="What to do now").wait_for()
            name = page.url.rpartition("/")[2]
            check_logged_text(case, await sign(page, board, base, name))


async def fill_log_form(page: Page, case: Mapping[str, str]) -> None:
    day, _, time = case["occurred"].partition("T")
    due_day, _, due_time = case.get("due", "").partition("T")
    typed = {"what": case["what"], "day": day, "time": time, "until": case.get("until", "")}
    typed |= {"due": due_day, "due-time": due_time, "title": case.get("title") or "Prices"}
    typed["producer"] = case.get("producer") or "Example Office"
    await page.locator('[name="sort"]').select_option(case["sort"])
    for closed in await page.locator("main details > summary").all():
        await closed.click()
    for name, text in typed.items():
        if text:
            await page.locator(f'[name="{name}"]').fill(text)


async def test_four_taps_lead_from_the_mail_to_the_signature(users: Path) -> None:
    """The mail's button acknowledges, one tap opens the report, one goes to sign it, one signs."""
    async with head_on_phone(users) as (page, board, base):
        board.edit_draft("B.2.account", "A certificate had expired.")
        notice = board.store.outbox.notices(board.incident)[0]
        await page.goto(Links(base, KEYS.link).acknowledge_link(notice, "mail"))  # the first tap
        await page.get_by_text("head of profession has it").wait_for()
        await page.get_by_role("link", name="Open its report").click()
        assert await page.locator("#draft").evaluate(
            "one => one.getBoundingClientRect().top < innerHeight"
        )
        await page.get_by_role("button", name="Sign or waive").click()
        sign_button = page.get_by_role("button", name="Sign it off")
        await page.wait_for_load_state()
        assert await sign_button.evaluate(
            "one => one.getBoundingClientRect().bottom <= innerHeight"
        )
        await page.locator("#anyway").fill("it is still overdue")  # as the release is not out
        await sign_button.click()
        await page.get_by_role("link", name="Send").wait_for()


async def test_statement_beside_its_step_is_copied_by_one_tap(users: Path) -> None:
    async with head_on_phone(users) as (page, board, base):
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto(f"{base}/incidents/{board.incident}")
        await page.get_by_role("button", name="Copy").click()
        await page.get_by_role("button", name="Copied").wait_for()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert "We will publish it as soon as we can and update this page at" in copied
