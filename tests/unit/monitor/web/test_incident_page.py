"""What a person reads of an incident in the browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.draft.report import report_from_json
from alerts.draft.versions import append_edit, append_signature
from alerts.incident import Incident, Kind
from alerts.platform import platform_id, update_platform
from alerts.signed_link import sign_token
from monitor.deliver.drafts import draft_row, versions_from_rows
from monitor.web.pages import delay_from_slot, seen_text
from schedules.contract.verdict import Finding, VerdictKind
from schedules.contract.verdict import Kind as FindingKind
from tests.unit.monitor.web.board import KEYS, TITLE, Board, a_board
from tests.worlds.instants import SLOT, after_slot


def sign_off(board: Board) -> None:
    versions = versions_from_rows(board.store.verdicts.drafts(board.incident))
    after = append_edit(versions, {"B.2.account": "A certificate had expired."}, "statistician", after_slot(700))
    after = append_signature(after, "head of profession", after_slot(800))
    after = append_edit(after, {"B.2.account": "Two certificates had expired."}, "statistician", after_slot(900))
    with board.store.transaction() as tx:
        for version in after[len(versions) :]:
            tx.add_draft(draft_row(version, board.incident))


async def test_an_incident_shows_what_to_do_the_draft_its_guidance_and_its_timeline() -> None:
    async with a_board() as board:
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        asked = ("[to be completed:", "Questions that help")
        for words in (TITLE, "not acknowledged", "What to do now", *asked, "Timeline"):
            assert words in page
        for ending in ("docx", "odt", "html", "md"):
            assert f"/draft.{ending}" in page
        assert board.store.verdicts.drafts(board.incident)[-1].digest[:16] in page


async def close(board: Board, **changes: Any) -> str:  # noqa: ANN401 # any of its fields
    """Close the incident of the board and return its page, the incident otherwise `changes`."""
    incident = board.store.verdicts.incident(board.incident)
    assert incident is not None
    with board.store.transaction() as tx:
        tx.save_incident(replace(incident, closed=after_slot(1500), **changes))
    board.clock.seconds = 86400.0
    return (await board.client.get(f"/incidents/{board.incident}")).text


async def test_closed_incident_shows_what_happened_and_what_remains_without_steps() -> None:
    async with a_board() as board:
        page = await close(board, words={"cause": "certificate"})
        for words in ("What happened", "still absent at", "Cause: certificate.", "What remains", "not signed off"):
            assert words in page
        assert f"ninethirty incident export {board.incident} " in page
        assert "/draft.docx" in page
        steps = report_from_json(board.store.verdicts.drafts(board.incident)[-1].facts).steps
        for words in ("What to do now", "not acknowledged", "I'm on it", *(step.text for step in steps)):
            assert words not in page


async def test_open_incident_without_a_draft_shows_its_status_and_steps() -> None:
    async with a_board() as board:
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.facts is not None
        found = Finding(FindingKind.SHORT_NOTICE, detail="moved from 9 January on 4 January")
        facts = replace(incident.facts, findings=(found,), verdict=VerdictKind.MOVED)
        with board.store.transaction() as tx:
            tx.save_incident(replace(incident, id="moved", kind=Kind.CALENDAR, facts=facts))
        page = (await board.client.get("/incidents/moved")).text
        for words in ("So far", "at short notice", found.detail, "What to do now", "Ask the producer which"):
            assert words in page


async def test_list_of_incidents_leaves_out_the_drafts() -> None:
    async with a_board() as board:
        listed = (await board.client.get("/api/v1/incidents")).json()["incidents"]
        one = (await board.client.get(f"/api/v1/incidents/{board.incident}")).json()
        assert [len(one["drafts"]) > 0, *("drafts" in row for row in listed)] == [True, False, False]


async def test_a_closed_incident_shows_what_was_done_and_who_signed_its_report() -> None:
    async with a_board() as board:
        sign_off(board)
        versions = versions_from_rows(board.store.verdicts.drafts(board.incident))
        step = versions[-1].report.steps[0]
        after = append_edit(versions, {f"step.{step.id}": "rang the web team"}, "statistician", after_slot(950))
        with board.store.transaction() as tx:
            tx.add_draft(draft_row(after[-1], board.incident))
        page = await close(board)
        assert "<strong>Done:</strong> rang the web team" in page
        assert f"version {after[-1].number}: Signed off by head of profession" in page


async def test_incident_without_measurements_shows_what_a_person_logged() -> None:
    async with a_board() as board:
        page = await close(board, facts=None, kind=Kind.HAND, words={"what": "An e-mail went to the wrong list."})
        assert "<p>An e-mail went to the wrong list.</p>" in page


async def test_link_to_a_closed_incident_has_no_button() -> None:
    async with a_board() as board:
        await close(board)
        token = sign_token(board.incident, after_slot(90000), KEYS.link)
        page = (await board.client.get("/acknowledge", params={"token": token})).text
        assert "is closed" in page
        assert "<form" not in page


async def test_signed_version_and_later_amendments_are_marked() -> None:
    async with a_board() as board:
        sign_off(board)
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        assert "Signed off by head of profession" in page
        assert "Amended after sign-off" in page
        assert "(signed off)" in page
        assert '<td data-head="What changed">2. Circumstances of breach</td>' in page


async def test_incident_without_a_draft_has_a_page() -> None:
    async with a_board() as board:
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        with board.store.transaction() as tx:
            tx.save_incident(replace(incident, id="bare", facts=None))
        page = await board.client.get("/incidents/bare")
        assert page.status_code == 200
        assert "What to do now" not in page.text


async def test_incidents_of_one_platform_fault_link_to_each_other() -> None:
    async with a_board() as board:
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert incident.facts is not None
        held_up = (*incident.facts.findings, replace(incident.facts.findings[0], kind=FindingKind.PLATFORM))
        whole: Incident | None = None
        with board.store.transaction() as tx:
            for name in (incident.id, "other", "elsewhere"):
                url = "https://stats.example/page" if name == "elsewhere" else incident.facts.url
                facts = replace(incident.facts, findings=held_up, url=url)
                one = replace(incident, id=name, title=name.upper(), facts=facts)
                tx.save_incident(one)
                whole = update_platform(None if name == "elsewhere" else whole, one, after_slot(500)).incident
                assert whole is not None
                tx.save_incident(whole)
        page = (await board.client.get(f"/incidents/{incident.id}")).text
        assert "Held up together with it" in page
        assert "/incidents/other" in page
        # A hundred other incidents must not be listed before the steps.
        assert page.index("What to do now") < page.index("/incidents/other")
        assert "/incidents/elsewhere" not in page
        assert f"/incidents/{board.early}" not in page
        of_platform = (await board.client.get(f"/incidents/{platform_id('www.gov.uk', SLOT)}")).text
        assert "several releases, of one platform or period" in of_platform
        assert "Each release" in of_platform
        assert "/incidents/other" in of_platform
        assert of_platform.count("not out yet") >= 2


async def test_every_format_of_a_draft_can_be_downloaded() -> None:
    async with a_board() as board:
        for ending in ("docx", "odt", "html", "md"):
            answer = await board.client.get(f"/api/v1/incidents/{board.incident}/draft.{ending}")
            assert answer.status_code == 200
            assert len(answer.content) > 1000
        assert (await board.client.get(f"/api/v1/incidents/{board.incident}/draft.exe")).status_code == 404


async def test_typed_text_is_always_escaped() -> None:
    async with a_board() as board:
        versions = versions_from_rows(board.store.verdicts.drafts(board.incident))
        after = append_edit(versions, {"B.2.account": "<script>alert(1)</script>"}, "statistician", after_slot(700))
        with board.store.transaction() as tx:
            tx.add_draft(draft_row(after[-1], board.incident))
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        assert "<script" not in page


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (-3600.0, -3595.0, "59 min 55 s to 1 h before"),
        (120.0, 122.5, "2 min to 2 min 3 s after"),
        (400.0, None, "at least 6 min 40 s after"),
        (-2.0, 3.0, "between 2 s before and 3 s after"),
        (-0.9, 0.1, "between 1 s before and 1 s after"),
        (0.0, 1.0, "0 s to 1 s after"),
        (None, 5.0, "at most 5 s"),
    ],
)
def test_delay_is_described_as_before_or_after_the_slot(least: float | None, most: float | None, words: str) -> None:
    assert delay_from_slot({"min": least, "max": most}) == words


@pytest.mark.parametrize(
    ("after", "by", "words"),
    [
        ("2018-01-05T09:29:59.100Z", "2018-01-05T09:30:00.200Z", "between 5 Jan 2018 09:29:59 and 09:30:01 GMT"),
        (None, "2018-01-05T09:30:00.200Z", "by 5 Jan 2018 09:30:01 GMT"),
        ("2018-01-05T09:30:00.000Z", "2018-01-05T09:30:00.000Z", "at 5 Jan 2018 09:30:00 GMT"),
        ("2018-01-05T09:30:00.000Z", None, ""),
    ],
)
def test_first_seen_is_described_as_an_interval(after: str | None, by: str | None, words: str) -> None:
    assert seen_text({"after": after, "by": by}, "Europe/London") == words


async def test_page_of_an_early_release_shows_the_length_of_its_exposure() -> None:
    async with a_board() as board:
        page = (await board.client.get("/releases/early")).text
        assert "Out early</dt><dd>for " in page
        assert "(page): came between " in page
        assert ", removed between " in page


async def test_the_policy_of_the_html_draft_forbids_scripts_and_requests() -> None:
    async with a_board() as board:
        answer = await board.client.get(f"/api/v1/incidents/{board.incident}/draft.html")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "style-src 'unsafe-inline'" in policy
        assert "script-src" not in policy


async def test_each_document_of_a_report_is_downloaded_by_name() -> None:
    async with a_board() as board:
        address = f"/api/v1/incidents/{board.incident}/draft.md"
        statement = await board.client.get(f"{address}?document=statement")
        assert statement.text.startswith("# Statement for users")
        assert "Annex" not in (await board.client.get(f"{address}?document=report")).text
        page = (await board.client.get(f"/incidents/{board.incident}")).text
        for paper in ("correction", "lines", "email"):
            assert f"?document={paper}" in page
            assert (await board.client.get(f"{address}?document={paper}")).status_code == 200
        refused = await board.client.get(f"{address}?document=cover")
        assert (refused.status_code, "document: Input should be 'draft', 'report'" in refused.text) == (400, True)
