"""Each kind of incident can be read on its pages, as JSON, in notices and in drafts of all formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from alerts.decide import decide
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.write.registry import WRITERS
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, Kind, make_fact_notice
from alerts.message import build_message
from alerts.notice import Notice
from alerts.silence import Scope, create_silence
from monitor.deliver.facts import Measurement
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import LEAD, Finding, Grade, VerdictKind
from schedules.contract.verdict import Kind as FindingKind
from tests.unit.monitor.web.board import RULES, Board
from tests.unit.monitor.web.people import signed_in_board
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT
from tests.worlds.verdicts import judged

VERDICTS = [*VerdictKind, LEAD]
FINDINGS = [*FindingKind, LEAD]
OF_A_HOST = {Kind.TOO_COSTLY, Kind.PLATFORM}
"""Incidents that are about no release: nothing was measured of one."""


def make_facts(word: VerdictKind | Literal["lead"], *kinds: FindingKind | Literal["lead"]) -> ReleaseFacts:
    """Return the facts of a release with this verdict and findings of these kinds."""
    page = replace(facts_of_a_release().parts[0], verdict=VerdictKind.PENDING if word == LEAD else word, exposures=())
    findings = tuple(Finding(kind, "page", "as seen") for kind in kinds)
    return facts_of_a_release(verdict=word, parts=(page,), findings=findings)


def make_incident(kind: Kind, facts: ReleaseFacts | None) -> Incident:
    return an_incident(f"an-{kind}", kind=kind, facts=facts, release="r" if facts else "")


def every_facts() -> Iterator[ReleaseFacts]:
    """Yield facts with each verdict and no finding, and with each finding of a late release."""
    yield from (make_facts(word) for word in VERDICTS)
    yield from (make_facts(VerdictKind.LATE, kind) for kind in FINDINGS)


async def test_no_page_shows_an_id_where_there_is_a_name(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.queries.producers = {"ofqual": "Ofqual"}
        now = board.clock.now()
        # Pages also show silences, which are of a release, an incident or a producer.
        with board.store.transaction() as tx:
            for scope, name in ((Scope.RELEASE, "early"), (Scope.INCIDENT, board.incident), (Scope.PRODUCER, "ofqual")):
                tx.save(create_silence(scope, name, after_slot(7200), "duty statistician", "work", now))
        paths = ["/", "/calendar", "/incidents", "/history", "/silences", "/releases/r", "/releases/early"]
        for path in [*paths, f"/incidents/{board.incident}"]:
            page = await board.client.get(path)
            assert page.status_code == 200
            # A command for the terminal needs the id.
            text = re.sub(r"<code>.*?</code>|<[^>]*>", " ", page.text.partition("<main")[2], flags=re.DOTALL)
            assert [name for name in ("ofqual", board.incident, board.early_incident) if name in text] == [], path


@pytest.mark.parametrize("kind", Kind)
async def test_an_incident_of_every_kind_has_a_page_and_json(board: Board, kind: Kind) -> None:
    # An incident of a host has no facts of a release.
    for facts in [None, *(every_facts() if kind not in OF_A_HOST else ())]:
        made = make_incident(kind, facts)
        with board.store.transaction() as tx:
            tx.save(made)
        page = await board.client.get(f"/incidents/{made.id}")
        result = await board.client.get(f"/api/v1/incidents/{made.id}")
        assert (page.status_code, result.status_code) == (200, 200), facts
        assert result.json()["kind"] == kind
        # A lead is no verdict: a person must judge it.
        assert result.json()["verdict"] == (facts.verdict if facts and facts.verdict != LEAD else None)
    assert await board.status_of("/incidents") == 200
    assert await board.status_of("/") == 200


async def test_a_lead_has_a_page_that_claims_no_verdict(board: Board) -> None:
    # A lead proves nothing, but a person should look at it. Here, a listing shows the title of a release.
    found = Finding(LEAD, None, "a listing shows its title: https://www.gov.uk/x", url="https://www.gov.uk/x")
    facts = replace(make_facts(LEAD), grade=Grade.NONE, findings=(found,))
    lead = decide(facts, known=None, now=after_slot(500)).incident
    assert lead is not None
    with board.store.transaction() as tx:
        tx.save(lead)
    page = await board.client.get(f"/incidents/{lead.id}")
    assert page.status_code == 200
    assert "a lead to be judged, grade none</dd>" in page.text
    assert "https://www.gov.uk/x" in page.text


@pytest.mark.parametrize("kind_about_a_release", [kind for kind in Kind if kind not in OF_A_HOST])
def test_every_notice_of_an_incident_of_every_kind_about_a_release_is_readable(kind_about_a_release: Kind) -> None:
    for facts in every_facts():
        made = make_incident(kind_about_a_release, facts)
        assert_readable(make_fact_notice("opened", "thread", made, facts, after_slot(500)), made)
        # Any other facts may follow these, and each change can make notices.
        for facts_ten_minutes_later in every_facts():
            for notice in decide(facts_ten_minutes_later, made, after_slot(1100)).notices:
                assert_readable(notice, made)


def assert_readable(notice: Notice, incident: Incident | None) -> None:
    """Check that no form of the message of a notice is empty."""
    message = build_message(notice, incident)
    assert all((message.subject, message.brief, message.text, message.html, message.data["event"])), notice


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("kind", Kind)
def test_an_incident_of_every_kind_can_be_drafted_in_every_format(kind: Kind, ending: str) -> None:
    # The grade chooses the form of the draft: the short note, or the report that applies on that day.
    for grade in (Grade.NOTE, Grade.REPORT):
        made = make_incident(kind, make_facts(VerdictKind.LATE) if kind not in OF_A_HOST else None)
        form = choose_form(made.occurred, grade)
        draft = fill_form(made, form, configured={}, previous=(), now=after_slot(500))
        assert WRITERS[ending](draft)


def make_verdict(word: VerdictKind, *kinds: FindingKind) -> Verdict:
    """Return a verdict on a release with findings of these kinds."""
    known = judged(400, [(-100, ABSENT), (300, PRESENT)])
    parts = tuple(replace(part, verdict=word) for part in known.parts)
    found = tuple(Finding(kind, "page", "as seen") for kind in kinds)
    return replace(known, verdict=word, grade=Grade.REPORT, final=False, parts=parts, findings=found)


CASES = [*((word, ()) for word in VerdictKind), *((VerdictKind.LATE, (kind,)) for kind in FindingKind)]


@pytest.mark.slow
@pytest.mark.parametrize(("verdict", "findings"), CASES, ids=[" ".join((word, *kinds)) for word, kinds in CASES])
async def test_a_release_with_every_verdict_and_finding_can_be_read_everywhere(
    board: Board, verdict: VerdictKind, findings: tuple[FindingKind, ...]
) -> None:
    # Each case is a verdict without findings, or the verdict `late` with one finding.
    store = board.store
    with store.transaction() as tx:
        VerdictRecorder(store, RULES).record(tx, make_verdict(verdict, *findings), Measurement(), after_slot(500))
    release = (await board.client.get("/api/v1/releases/r")).json()
    assert release["verdict"] == verdict
    assert {one["kind"] for one in release["findings"]} == set(findings)
    assert [path for path in pages_about_r(board) if await board.status_of(path) != 200] == []
    for notice in store.outbox.notices():
        assert_readable(notice, store.verdicts.incident(notice.incident))


def pages_about_r(board: Board) -> Iterator[str]:
    """Yield the addresses of all pages about the release or its incidents."""
    yield from ("/", "/?wall=1", "/releases/r", "/atom.xml", "/calendar?month=2018-01", "/history", "/incidents")
    yield from (f"/api/v1/{name}?format=csv" for name in ("releases", "incidents", "events"))
    for incident in board.store.verdicts.incidents_of("r"):
        yield from (f"/incidents/{incident.id}", f"/api/v1/incidents/{incident.id}")
        if board.store.verdicts.drafts(incident.id):
            yield from (f"/api/v1/incidents/{incident.id}/draft.{ending}" for ending in WRITERS)
