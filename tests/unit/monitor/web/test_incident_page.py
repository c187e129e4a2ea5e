"""The page of an incident in the browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.draft.report import report_from_json
from alerts.draft.versions import append_signature
from alerts.incident import Incident, IncidentKind
from alerts.platform import platform_id, update_platform
from alerts.signed_link import sign_token
from monitor.deliver.drafts import draft_row, versions_from_rows
from monitor.web.pages import delay_from_slot, seen_text
from schedules.contract.verdict import Finding, FindingKind, VerdictKind
from tests.unit.monitor.web.board import KEYS, TITLE, Board, a_board
from tests.unit.monitor.web.people import VIEWER, signed_in_board
from tests.worlds.instants import SLOT, after_slot

DOCUMENTS = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
    "html": "text/html",
    "md": "text/markdown",
}


def sign_draft(board: Board) -> None:
    signed = append_signature(
        versions_from_rows(board.drafts()), "head of profession", after_slot(800)
    )
    with board.store.transaction() as tx:
        tx.add_draft(draft_row(signed[-1], board.incident))


def sign_and_amend_draft(board: Board) -> None:
    board.edit_draft("B.2.account", "A certificate had expired.", seconds_after_slot=700)
    sign_draft(board)
    board.edit_draft("B.2.account", "Two certificates had expired.", seconds_after_slot=900)


async def test_incident_page_shows_steps_timeline_draft_and_guidance(board: Board) -> None:
    page = await board.read_page(board.incident_page)
    draft, guidance = "[to be completed:", "Questions that help"
    for words in (TITLE, "not acknowledged", "What to do now", draft, guidance, "Timeline"):
        assert words in page
    for ending in DOCUMENTS:
        assert f"/draft.{ending}" in page
    # The page shows the beginning of the digest, a checksum of the draft.
    assert board.drafts()[-1].digest[:16] in page


async def test_signed_report_shows_its_letter_and_a_way_to_send_it(users: Path) -> None:
    async with signed_in_board(users) as board:
        assert ">Send</a>" not in await board.read_page(board.incident_page)
        sign_draft(board)
        page = await board.read_page(board.incident_page)
    assert "Dear colleague," in page
    assert re.search(r'href="mailto:[^"]*\?subject=Breach%20report[^"]*&amp;body=', page)
    assert "<textarea" not in page


async def test_page_without_a_way_to_act_says_why(board: Board, users: Path) -> None:
    """`board` has no sign-in. The others have one, and a viewer may only read."""
    assert "No one can sign in here" in await board.read_page(board.incident_page)
    async with a_board(users=users) as with_sign_in:
        with_sign_in.view_as_stranger()
        page = await with_sign_in.read_page(with_sign_in.incident_page)
        assert "Sign in to acknowledge it" in page
    async with signed_in_board(users, VIEWER) as seen_by_viewer:
        page = await seen_by_viewer.read_page(seen_by_viewer.incident_page)
        assert "the right to read only" in page


async def close_and_read_page(board: Board, **changes: Any) -> str:  # noqa: ANN401 # any of its fields
    """Close the late incident, change other fields of it, and return its page of the next day."""
    board.save_incident(replace(board.late_incident(), closed=after_slot(1500), **changes))
    board.clock.seconds = 86400.0
    return await board.read_page(board.incident_page)


async def test_closed_incident_shows_what_happened_and_what_remains_without_steps(
    board: Board,
) -> None:
    page = await close_and_read_page(board, words={"cause": "certificate"})
    for words in (
        "What happened",
        "still absent at",
        "Cause: certificate.",
        "What remains",
        "not signed off",
    ):
        assert words in page
    assert f"ninethirty incident export {board.incident} " in page
    assert "/draft.docx" in page
    steps = report_from_json(board.drafts()[-1].facts).steps
    for words in (
        "What to do now",
        "not acknowledged",
        "I'm on it",
        *(step.text for step in steps),
    ):
        assert words not in page


async def test_open_incident_without_a_draft_shows_its_status_and_steps(board: Board) -> None:
    """A release was moved at short notice, and its incident has no draft. Still the page shows what
    is known so far, the finding, and what to do now.
    """
    incident = board.late_incident()
    assert incident.facts is not None
    moved = Finding(FindingKind.SHORT_NOTICE, detail="moved from 9 January on 4 January")
    facts = replace(incident.facts, findings=(moved,), verdict=VerdictKind.MOVED)
    # The incident gets an id of its own, for which no draft is stored.
    board.save_incident(replace(incident, id="moved", kind=IncidentKind.CALENDAR, facts=facts))
    page = await board.read_page("/incidents/moved")
    first_step = "Ask the producer which date is official"
    for words in ("So far", "at short notice", moved.detail, "What to do now", first_step):
        assert words in page


async def test_strangers_see_no_details_of_findings_of_an_incident(board: Board) -> None:
    """A finding says that the page has the title of the next edition.

    The staff can read that, strangers cannot.
    """
    incident = board.late_incident()
    assert incident.facts is not None
    next_edition = Finding(
        FindingKind.CORRECTED, "page", detail="title moved on to Example claims: February 2018"
    )
    facts = replace(incident.facts, findings=(*incident.facts.findings, next_edition))
    board.save_incident(replace(incident, id="moved-on", kind=IncidentKind.ALTERED, facts=facts))
    assert next_edition.detail in await board.read_page("/api/v1/incidents/moved-on")
    board.view_as_stranger()
    paths = ("/api/v1/incidents/moved-on", "/api/v1/incidents", "/incidents/moved-on")
    assert not any([next_edition.detail in await board.read_page(path) for path in paths])


async def test_api_returns_drafts_only_with_a_single_incident(board: Board) -> None:
    incident = await board.read_json(f"/api/v1/incidents/{board.incident}")
    listed = (await board.read_json("/api/v1/incidents"))["incidents"]
    assert incident["drafts"]
    assert len(listed) == 2
    assert all("drafts" not in row for row in listed)


async def test_closed_incident_shows_how_a_step_was_done(board: Board) -> None:
    report = report_from_json(board.drafts()[-1].facts)
    first_step = report.steps[0].id
    board.edit_draft(f"step.{first_step}", "rang the web team")
    page = await close_and_read_page(board)
    assert "<strong>Done:</strong> rang the web team" in page


async def test_closed_incident_shows_who_signed_even_after_an_amendment(board: Board) -> None:
    # A head signs the report. Then someone amends it, which makes a newer version.
    sign_and_amend_draft(board)
    newest = board.drafts()[-1]
    page = await close_and_read_page(board)
    # A version that amends a signed one keeps its signature.
    assert f"version {newest.version}: signed off by head of profession" in page


async def test_incident_without_measurements_shows_what_a_person_logged(board: Board) -> None:
    words = {"what": "An e-mail went to the wrong list."}
    page = await close_and_read_page(board, facts=None, kind=IncidentKind.HAND, words=words)
    assert "an e-mail went to the wrong list." in page


async def test_acknowledge_link_of_a_closed_incident_has_no_button(board: Board) -> None:
    await close_and_read_page(board)
    # The clock was at 600 s after the slot. `close_and_read_page` puts it a day (86,400 s) forward,
    # to 87,000 s. The link is valid until 90,000 s. But there is nothing left to acknowledge.
    token = sign_token(board.incident, after_slot(90_000), KEYS.link)
    page = (await board.client.get("/acknowledge", params={"token": token})).text
    assert "is closed" in page
    assert 'method="post"' not in page


async def test_signed_version_and_later_amendments_are_marked(board: Board) -> None:
    sign_and_amend_draft(board)
    page = await board.read_page(board.incident_page)
    assert "Signed off by head of profession" in page
    assert "Amended after sign-off" in page
    assert "(signed off)" in page
    # This is the label of the box that was amended, B.2.account.
    assert '<td data-head="What changed">2. Circumstances of breach</td>' in page


async def test_incident_without_measurements_and_draft_has_a_page_without_steps(
    board: Board,
) -> None:
    board.save_incident(replace(board.late_incident(), id="bare", facts=None))
    page = await board.client.get("/incidents/bare")
    assert page.status_code == 200
    assert "What to do now" not in page.text


def save_incidents_of_host_fault(board: Board, *, release_url: str, ids: Sequence[str]) -> None:
    """Save incidents with these ids, of releases that a fault of the host of an address delays, and
    that of the host.

    The title of each release is its id in capitals.
    """
    incident = board.late_incident()
    assert incident.facts is not None
    findings = (
        *incident.facts.findings,
        replace(incident.facts.findings[0], kind=FindingKind.PLATFORM),
    )
    facts = replace(incident.facts, findings=findings, url=release_url)
    of_host: Incident | None = None
    for name in ids:
        delayed = replace(incident, id=name, title=name.upper(), facts=facts)
        of_host = update_platform(of_host, delayed, after_slot(500)).incident
        assert of_host is not None
        board.save_incident(delayed)
        board.save_incident(of_host)


async def test_incident_page_lists_others_of_the_same_host_fault(board: Board) -> None:
    """A fault of www.gov.uk delays two releases, and one of stats.example delays one. The page of
    each incident links only to the other one of the same host.
    """
    two_incidents, incident_elsewhere = [board.incident, "same-host"], "other-host"
    save_incidents_of_host_fault(board, release_url="https://www.gov.uk/page", ids=two_incidents)
    save_incidents_of_host_fault(
        board, release_url="https://stats.example/page", ids=[incident_elsewhere]
    )
    page = await board.read_page(board.incident_page)
    assert "Held up together with it" in page
    assert "/incidents/same-host" in page
    assert f"/incidents/{incident_elsewhere}" not in page
    assert f"/incidents/{board.early_incident}" not in page
    # The list can have a hundred incidents, so it is below the steps.
    assert page.index("What to do now") < page.index("/incidents/same-host")
    # The other incident lists this one too.
    assert f'href="/incidents/{board.incident}"' in await board.read_page("/incidents/same-host")


async def test_incident_of_a_host_fault_lists_each_delayed_release(board: Board) -> None:
    save_incidents_of_host_fault(
        board, release_url="https://www.gov.uk/page", ids=[board.incident, "same-host"]
    )
    # Besides the two incidents of the releases, the fault has an incident of its own.
    incident_of_host = platform_id("www.gov.uk", SLOT)
    page = await board.read_page(f"/incidents/{incident_of_host}")
    assert "several releases, of one platform or period" in page
    _, _, table = page.partition("Each release")
    assert board.incident_page in table
    assert "/incidents/same-host" in table
    number_of_releases = 2
    assert page.count("not out yet") >= number_of_releases


async def test_every_format_of_a_draft_can_be_downloaded(board: Board) -> None:
    for ending, media in DOCUMENTS.items():
        answer = await board.client.get(f"/api/v1/incidents/{board.incident}/draft.{ending}")
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, media)
        assert len(answer.content) > 1000  # no draft is shorter
    assert await board.status_of(f"/api/v1/incidents/{board.incident}/draft.exe") == 404


async def test_typed_text_is_escaped_on_the_page(board: Board) -> None:
    board.edit_draft("B.2.account", "<script>alert(1)</script>")
    page = await board.read_page(board.incident_page)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (-3600.0, -3595.0, "59 min 55 s to 1 h before"),
        (120.0, 122.5, "2 min to 2 min 3 s after"),
        (400.0, None, "at least 6 min 40 s after"),
        (-2.0, 3.0, "between 2 s before and 3 s after"),
        (-0.9, 0.1, "between 1 s before and 1 s after"),
        (0.0, 1.0, "0 s to 1 s after"),
        (None, 5.0, "at most 5 s after"),
        (None, -5.0, "at least 5 s before"),
    ],
)
def test_delay_is_described_as_before_or_after_the_slot(
    least: float | None, most: float | None, words: str
) -> None:
    """Bounds are in seconds, negative before the slot, and are rounded outward to whole seconds."""
    assert delay_from_slot({"min": least, "max": most}) == words


@pytest.mark.parametrize(
    ("after", "by", "words"),
    [
        (
            "2018-01-05T09:29:59.100Z",
            "2018-01-05T09:30:00.200Z",
            "between 5 Jan 2018 09:29:59 and 09:30:01 GMT",
        ),
        (None, "2018-01-05T09:30:00.200Z", "by 5 Jan 2018 09:30:01 GMT"),
        ("2018-01-05T09:30:00.000Z", "2018-01-05T09:30:00.000Z", "at 5 Jan 2018 09:30:00 GMT"),
        ("2018-01-05T09:30:00.000Z", None, ""),
    ],
)
def test_first_seen_is_described_as_an_interval(
    after: str | None, by: str | None, words: str
) -> None:
    """It was last absent `after` and first present `by`.

    Both are rounded outward. Without `by`, it was not seen.
    """
    assert seen_text({"after": after, "by": by}, "Europe/London") == words


async def test_early_release_shows_when_and_how_long_it_was_out(board: Board) -> None:
    page = await board.read_page("/releases/early")
    assert "Out early</dt><dd>for " in page
    assert "(page): came between " in page
    assert ", removed between " in page


async def test_security_policy_of_an_html_draft_allows_only_styles(board: Board) -> None:
    answer = await board.client.get(f"/api/v1/incidents/{board.incident}/draft.html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'unsafe-inline'" in policy
    assert "script-src" not in policy


async def test_each_document_of_a_report_is_downloaded_by_name(board: Board) -> None:
    address = f"/api/v1/incidents/{board.incident}/draft.md"
    statement = await board.client.get(f"{address}?document=statement")
    assert statement.text.startswith("# Statement for users")
    # The steps are an annex of the draft, but not of the report.
    assert "Annex" not in await board.read_page(f"{address}?document=report")
    page = await board.read_page(board.incident_page)
    for paper in ("correction", "lines", "email"):
        assert f"?document={paper}" in page
        assert await board.status_of(f"{address}?document={paper}") == 200
    refused = await board.client.get(f"{address}?document=cover")
    assert refused.status_code == 400
    assert "document: Input should be 'draft', 'report'" in refused.text


async def test_the_page_begins_with_the_strip_and_its_timeline_does_not_repeat_the_title(
    board: Board,
) -> None:
    page = await board.read_page(board.incident_page)
    assert page.index('class="strip') < page.index("<h2")
    timeline = page.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    assert "monitor: LATE (Ofqual) due 09:30 GMT, still absent at 09:36:40 GMT" in timeline
