"""Successful answers that prove nothing become one lead for each address if they last."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.notice import Notice
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from tests.unit.monitor.app.life import HEAD as ON_GOVUK
from tests.unit.monitor.app.life import URL as ON_GOVUK_URL
from tests.unit.monitor.app.life import Life, live
from tests.worlds.scripts import a_web_page, an_answer

TITLE = "Example claims: July to September 2026"
URL = "https://stats.example/claims"
HEAD = ON_GOVUK.replace(ON_GOVUK_URL, URL)
SHEET = "https://files.example/claims.xlsx"
WITH_SHEET = HEAD + f'part = [{{ id = "sheet", role = "data", url = "{SHEET}" }}]\n'


def lead_notices(life: Life) -> list[Notice]:
    return [notice for notice in life.daemon.core.store.outbox.notices() if notice.kind == "lead"]


PAGE_WITHOUT_TITLE = "<script>location.reload()</script>"
PLACEHOLDER = a_web_page(TITLE, "Release date: 26 November 2026 9:30am. Status: Confirmed")
ODD_ANSWERS = {
    "a page without title and heading is at": (URL, PAGE_WITHOUT_TITLE),
    "a page of another title is at": (URL, a_web_page("Prison population")),
    "a page under its title, but without its period, is at": (URL, a_web_page("Example claims")),
    "a page under its title that names the day of its slot": (URL, PLACEHOLDER),
    "a page under another heading, with the title of the release only in its <title>, is at": (
        URL,
        f"<title>{TITLE}</title><h1>Sign in to continue</h1><input type=password>",
    ),
    "a page under its title that only says that it is not out or not available is at": (
        URL,
        a_web_page(TITLE, "This page is temporarily unavailable."),
    ),
    "a web page instead of the file is at": (SHEET, a_web_page("Sorry", "This file is not available.")),
    "an error message instead of its content is at": (SHEET, '{"error": "not found"}'),
    "content that is not of the kind that its address or type names is at": (SHEET, "Not found"),
}


@pytest.mark.slow
@pytest.mark.parametrize("description_in_notice", sorted(ODD_ANSWERS))
def test_an_odd_answer_that_lasts_before_the_slot_makes_one_lead_even_with_a_restart(
    tmp_path: Path, description_in_notice: str
) -> None:
    url, body = ODD_ANSWERS[description_in_notice]

    async def act(life: Life) -> None:
        # A lead needs the same odd answer again after 15 s. By now it has lasted for 10 s.
        await life.until("09:28:50")
        assert lead_notices(life) == []
        await life.until("09:29:55")
        assert life.stored_verdict() == "pending"
        (notice,) = life.daemon.core.store.outbox.notices()
        assert notice.kind == "lead"
        assert url in notice.text
        text = notice.text.replace("\n", " ")
        assert description_in_notice in text
        assert "its address before its slot: it does not prove that the release is out" in text
        # The last look without it was less than ten seconds before it came.
        assert "first seen between 26 Nov 2026 09:28:3" in text
        # A lead is stored as an incident too, but it has no drafts of reports.
        assert not life.daemon.core.store.verdicts.drafts(life.daemon.core.store.verdicts.incidents()[0].id)
        await life.kill()
        await life.start()
        await life.until("09:29:58")
        assert len(lead_notices(life)) == 1

    live(tmp_path, an_answer(url, "09:28:40", body), act, head=WITH_SHEET, delay=REAL_COMMIT_DELAY)


@pytest.mark.parametrize(
    ("answers", "until", "verdict"),
    [
        (an_answer(URL, "09:30:00", PAGE_WITHOUT_TITLE) + an_answer(URL, "09:30:10"), "09:31:00", "on_time"),
        (an_answer(URL, "09:30:00") + an_answer(URL, "09:31:00", PAGE_WITHOUT_TITLE), "09:32:30", "on_time"),
        (an_answer(URL, "08:00:00", a_web_page("Prison population")), "09:29:58", "pending"),
    ],
    ids=["it is replaced within seconds", "the page was seen on time", "it was always there"],
)
def test_an_odd_answer_that_is_short_too_late_or_old_is_no_lead(
    tmp_path: Path, answers: str, until: str, verdict: str
) -> None:
    async def act(life: Life) -> None:
        await life.until(until)
        assert (life.stored_verdict(), lead_notices(life)) == (verdict, [])

    live(tmp_path, answers, act, head=HEAD)


@pytest.mark.parametrize(("page", "lead_count"), [(PLACEHOLDER, 1), (a_web_page("Prison population"), 0)])
def test_at_a_guessed_address_only_a_page_with_the_release_title_is_a_lead(
    tmp_path: Path, page: str, lead_count: int
) -> None:
    # PLACEHOLDER has the title of the release and the day of its slot. The other page has another title.
    async def act(life: Life) -> None:
        await life.until("09:29:58")
        assert (life.stored_verdict(), len(lead_notices(life))) == ("pending", lead_count)

    # On GOV.UK, the address of a release is guessed from that of its announcement.
    live(tmp_path, an_answer(ON_GOVUK_URL, "09:28:40", page), act, head=ON_GOVUK)
