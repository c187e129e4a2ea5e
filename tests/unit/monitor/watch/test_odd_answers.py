"""Successful answers that prove nothing become one lead for each address if they last.

A hint (`lead`) is a notice about something that only a person can judge.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.incident import Incident, IncidentKind
from alerts.notice import Notice
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from tests.unit.monitor.app.monitor_in_test import HEAD as ON_GOVUK
from tests.unit.monitor.app.monitor_in_test import URL as ON_GOVUK_URL
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, run_monitor
from tests.worlds.scripts import a_web_page, an_answer

TITLE = "Example claims: July to September 2026"
HINT_FOR_PEOPLE = "lead"
URL = "https://stats.example/claims"
HEAD = ON_GOVUK.replace(ON_GOVUK_URL, URL)
SHEET = "https://files.example/claims.xlsx"
WITH_SHEET = HEAD + f'part = [{{ id = "sheet", role = "data", url = "{SHEET}" }}]\n'


def hints(monitor: MonitorInTest) -> list[Notice]:
    return [
        notice
        for notice in monitor.daemon.core.store.outbox.notices()
        if notice.kind == HINT_FOR_PEOPLE
    ]


def incidents_of_hints(monitor: MonitorInTest) -> list[Incident]:
    incidents = monitor.daemon.core.store.verdicts.incidents_of("claims-q3")
    return [one for one in incidents if one.kind is IncidentKind.LEAD]


PAGE_WITHOUT_TITLE = "<script>location.reload()</script>"
PLACEHOLDER = a_web_page(TITLE, "Release date: 26 November 2026 9:30am. Status: Confirmed")
ODD_ANSWERS = {
    "a page without title and heading is at": (URL, PAGE_WITHOUT_TITLE),
    "a page of another title is at": (URL, a_web_page("Prison population")),
    "a page under its title, but without its period, is at": (URL, a_web_page("Example claims")),
    "a page under its title without content": (URL, PLACEHOLDER),
    "a page under another heading, with the title of the release only in its <title>, is at": (
        URL,
        f"<title>{TITLE}</title><h1>Sign in to continue</h1><input type=password>",
    ),
    "a page under its title that only says that it is not out or not available is at": (
        URL,
        a_web_page(TITLE, "This page is temporarily unavailable."),
    ),
    "a web page instead of the file is at": (
        SHEET,
        a_web_page("Sorry", "This file is not available."),
    ),
    "an error message instead of its content is at": (SHEET, '{"error": "not found"}'),
    "content that is not of the kind that its address or type names is at": (SHEET, "Not found"),
}


@pytest.mark.slow
@pytest.mark.parametrize("description_in_notice", sorted(ODD_ANSWERS))
def test_lasting_odd_answer_gives_one_hint_despite_restart(
    tmp_path: Path, description_in_notice: str
) -> None:
    """An odd answer has the status 200 at an address of the release, but does not prove that the
    release is out: for example, a page of another title. One comes at 09:28:40, before the slot,
    and stays. So people get one hint. A restart gives no second one.
    """
    url, body = ODD_ANSWERS[description_in_notice]

    async def restart_before_slot(monitor: MonitorInTest) -> None:
        # At 09:28:50, the odd answer has lasted for 10 s, which is too short for a hint.
        await monitor.until("09:28:50")
        assert hints(monitor) == []
        await monitor.until("09:29:55")
        assert monitor.stored_verdict() == "pending"
        (notice,) = monitor.daemon.core.store.outbox.notices()
        assert notice.kind == HINT_FOR_PEOPLE
        text = notice.text.replace("\n", " ")
        assert url in text
        assert description_in_notice in text
        assert "does not prove that the release is out" in text
        # The last look without the odd answer was less than ten seconds before it came.
        assert "first seen between 26 Nov 2026 09:28:3" in text
        # A hint is stored as an incident, too, but without a draft of a report.
        (incident,) = monitor.daemon.core.store.verdicts.incidents()
        assert not monitor.daemon.core.store.verdicts.drafts(incident.id)
        await monitor.kill()
        await monitor.start()
        await monitor.until("09:29:58")
        assert len(hints(monitor)) == 1

    run_monitor(
        tmp_path,
        an_answer(url, "09:28:40", body),
        restart_before_slot,
        head=WITH_SHEET,
        delay=REAL_COMMIT_DELAY,
    )


@pytest.mark.parametrize(
    ("published", "verdict", "is_open"),
    [
        (an_answer(URL, "09:30:10"), "on_time", False),
        (an_answer(URL, "09:32:00"), "late", False),
        ("", "overdue", True),
    ],
    ids=["on time", "late", "not at all"],
)
def test_hint_is_open_until_a_verdict_is_proved_at_its_address(
    tmp_path: Path, published: str, verdict: str, *, is_open: bool
) -> None:
    """A page of another title at the address of the release gives a hint before the slot, 09:30.
    Two seconds before the slot it is away again. Once the release is published there, no one needs
    to open the address any more, and no notice says so.
    """
    other_page = an_answer(URL, "09:28:40", a_web_page("Prison population"))
    away = an_answer(URL, "09:29:58", status=404)

    async def judge_after_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:55")
        assert [one.is_open for one in incidents_of_hints(monitor)] == [True]
        await monitor.until("09:34:00")
        assert monitor.stored_verdict() == verdict
        (incident,) = incidents_of_hints(monitor)
        assert incident.is_open == is_open
        assert ("settled" in incident.timeline[-1].text) == (not is_open)
        assert len(hints(monitor)) == 1

    run_monitor(tmp_path, other_page + away + published, judge_after_slot, head=HEAD)


@pytest.mark.parametrize(
    ("answers", "until", "verdict"),
    [
        (
            an_answer(URL, "09:30:00", PAGE_WITHOUT_TITLE) + an_answer(URL, "09:30:10"),
            "09:31:00",
            "on_time",
        ),
        (
            an_answer(URL, "09:30:00") + an_answer(URL, "09:31:00", PAGE_WITHOUT_TITLE),
            "09:32:30",
            "on_time",
        ),
        (an_answer(URL, "08:00:00", a_web_page("Prison population")), "09:29:58", "pending"),
    ],
    ids=[
        "replaced by the release within seconds",
        "after the release was on time",
        "there before the first look",
    ],
)
def test_short_later_or_old_odd_answer_gives_no_hint(
    tmp_path: Path, answers: str, until: str, verdict: str
) -> None:
    """An odd answer is a page of another title or none, so it does not prove its release. A hint is
    a notice about something that only a person can judge. There is none in three cases. A page has
    no title from 09:30:00, the slot, to 09:30:10, and then the right one. Or it loses its title a
    minute after the release. Or it has had another title since before the first look.
    """

    async def count_hints(monitor: MonitorInTest) -> None:
        await monitor.until(until)
        assert monitor.stored_verdict() == verdict
        assert hints(monitor) == []

    run_monitor(tmp_path, answers, count_hints, head=HEAD)


@pytest.mark.parametrize("title", [f"DRAFT - {TITLE}", f"{TITLE} [Preview]"])
def test_a_marked_page_gives_a_hint_although_it_was_there_before_the_first_look(
    tmp_path: Path, title: str
) -> None:
    """The figures of a draft may be out before the slot."""

    async def count_hints(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:58")
        assert monitor.stored_verdict() == "pending"
        assert len(hints(monitor)) == 1

    run_monitor(tmp_path, an_answer(URL, "08:00:00", a_web_page(title)), count_hints, head=HEAD)


@pytest.mark.parametrize(
    ("changes_at", "hint_count"), [("09:28:40", 1), ("09:30:01", 0)], ids=["before", "at the slot"]
)
def test_change_in_place_before_slot_gives_one_hint(
    tmp_path: Path, changes_at: str, hint_count: int
) -> None:
    """All editions have one file name. What was there before changes, and changes back."""
    old, new = "area,year,number\nNorth,2025,1\n", "area,year,number\nNorth,2026,2\n"
    sheet = SHEET.replace("xlsx", "csv")
    answers = an_answer(sheet, "08:00:00", old) + an_answer(sheet, changes_at, new)
    answers += an_answer(sheet, "09:30:10", old) + an_answer(URL, "09:30:00")

    async def count_hints(monitor: MonitorInTest) -> None:
        await monitor.until("09:30:30")
        found = hints(monitor)
        assert len(found) == hint_count
        assert all("changed between 26 Nov 2026 09:28:" in hint.text for hint in found)

    run_monitor(tmp_path, answers, count_hints, head=WITH_SHEET.replace(SHEET, sheet))


@pytest.mark.parametrize(("title_of_page", "hint_count"), [(TITLE, 1), ("Prison population", 0)])
def test_guessed_address_gives_hint_only_for_page_that_announces_release(
    tmp_path: Path, title_of_page: str, hint_count: int
) -> None:
    """The address of the release is only guessed. Before its slot, a page there says "Release date:
    26 November 2026 9:30am". Under the title of the release it gives one hint. Under another title
    it gives none.
    """
    page = a_web_page(title_of_page, "Release date: 26 November 2026 9:30am. Status: Confirmed")

    async def count_hints(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:58")
        assert monitor.stored_verdict() == "pending"
        assert len(hints(monitor)) == hint_count

    # On GOV.UK, the address of a release is guessed from that of its announcement.
    run_monitor(tmp_path, an_answer(ON_GOVUK_URL, "09:28:40", page), count_hints, head=ON_GOVUK)
