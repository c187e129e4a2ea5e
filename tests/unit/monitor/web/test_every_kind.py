"""Each kind of incident can be read on its pages, as JSON, in notices and in drafts of all
formats.
"""

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
from alerts.incident import Incident, IncidentKind, make_fact_notice
from alerts.message import build_message
from alerts.notice import Notice
from alerts.silence import Scope, create_silence
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import LEAD, Finding, FindingKind, Grade, VerdictKind
from tests.unit.monitor.web.board import RULES, Board
from tests.unit.monitor.web.people import signed_in_board
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT
from tests.worlds.verdicts import judged

VERDICTS = [*VerdictKind, LEAD]
FINDINGS = [*FindingKind, LEAD]
KINDS_ABOUT_A_HOST = {IncidentKind.TOO_COSTLY, IncidentKind.PLATFORM}
"""Incidents that are about no release: nothing was measured of one."""


def make_facts(
    word: VerdictKind | Literal["lead"], *kinds: FindingKind | Literal["lead"]
) -> ReleaseFacts:
    page = replace(
        facts_of_a_release().parts[0],
        verdict=VerdictKind.PENDING if word == LEAD else word,
        exposures=(),
    )
    findings = tuple(Finding(kind, "page", "as seen") for kind in kinds)
    return facts_of_a_release(verdict=word, parts=(page,), findings=findings)


def make_incident(kind: IncidentKind, facts: ReleaseFacts | None) -> Incident:
    return an_incident(f"an-{kind}", kind=kind, facts=facts, release="r" if facts else "")


def facts_of_each_verdict_and_finding() -> Iterator[ReleaseFacts]:
    yield from (make_facts(word) for word in VERDICTS)
    yield from (make_facts(VerdictKind.LATE, kind) for kind in FINDINGS)


def possible_facts(kind: IncidentKind) -> list[ReleaseFacts | None]:
    """Return the facts of a release that an incident of a kind can have.

    None: nothing was measured.
    """
    return [None] if kind in KINDS_ABOUT_A_HOST else [None, *facts_of_each_verdict_and_finding()]


async def test_no_page_shows_an_id_where_there_is_a_name(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.queries.producers = {"ofqual": "Ofqual"}
        now = board.clock.now()
        # Pages also show silences, which are of a release, an incident or a producer.
        with board.store.transaction() as tx:
            for scope, name in (
                (Scope.RELEASE, "early"),
                (Scope.INCIDENT, board.incident),
                (Scope.PRODUCER, "ofqual"),
            ):
                tx.save(
                    create_silence(scope, name, after_slot(7200), "duty statistician", "work", now)
                )
        paths = [
            "/",
            "/calendar",
            "/incidents",
            "/history",
            "/silences",
            "/releases/r",
            "/releases/early",
        ]
        for path in [*paths, board.incident_page]:
            page = await board.client.get(path)
            assert page.status_code == 200
            # A command for the terminal needs the id.
            text = re.sub(
                r"<code>.*?</code>|<[^>]*>", " ", page.text.partition("<main")[2], flags=re.DOTALL
            )
            assert [
                name for name in ("ofqual", board.incident, board.early_incident) if name in text
            ] == [], path


@pytest.mark.parametrize("kind", IncidentKind)
async def test_incident_of_any_kind_has_a_page_and_json(board: Board, kind: IncidentKind) -> None:
    """A case is a kind of incident, with all facts that it can have."""
    for facts in possible_facts(kind):
        incident = make_incident(kind, facts)
        board.save_incident(incident)
        assert await board.status_of(f"/incidents/{incident.id}") == 200, facts
        response = await board.client.get(f"/api/v1/incidents/{incident.id}")
        assert response.status_code == 200, facts
        assert response.json()["kind"] == kind
    # The lists, which have this incident too, can be read.
    assert await board.status_of("/incidents") == 200
    assert await board.status_of("/") == 200


@pytest.mark.parametrize("kind", IncidentKind)
async def test_incident_json_has_a_verdict_unless_facts_prove_nothing(
    board: Board, kind: IncidentKind
) -> None:
    """For example, an incident about a late release has the verdict `late`. It has none (None)
    without facts, or if they are only a LEAD: a title in a listing, which proves nothing. What a
    person logged is no measurement of the release.
    """
    for facts in possible_facts(kind):
        incident = make_incident(kind, facts)
        board.save_incident(incident)
        proves_nothing = facts is None or facts.verdict == LEAD or kind is IncidentKind.HAND
        verdict = None if proves_nothing or facts is None else facts.verdict
        assert (await board.read_json(f"/api/v1/incidents/{incident.id}"))["verdict"] == verdict


async def test_page_of_a_title_in_a_listing_claims_no_verdict(board: Board) -> None:
    """A listing shows the title of a release.

    That is only a LEAD: it proves nothing, but a person should look.
    """
    title_in_listing = Finding(
        LEAD,
        part=None,
        detail="a listing shows its title: https://www.gov.uk/x",
        url="https://www.gov.uk/x",
    )
    facts = replace(make_facts(LEAD), grade=Grade.NONE, findings=(title_in_listing,))
    incident = decide(facts, known=None, now=after_slot(500)).incident
    assert incident is not None
    board.save_incident(incident)
    page = await board.client.get(f"/incidents/{incident.id}")
    assert page.status_code == 200
    assert "a lead to be judged, grade none</dd>" in page.text
    assert "https://www.gov.uk/x" in page.text


@pytest.mark.parametrize(
    "kind_about_a_release", [kind for kind in IncidentKind if kind not in KINDS_ABOUT_A_HOST]
)
def test_every_notice_about_a_release_is_readable(kind_about_a_release: IncidentKind) -> None:
    """A case is a kind of incident. Its notices are checked for all facts that it can have, and for
    each change to others.
    """
    opened_at, ten_minutes_later = after_slot(500), after_slot(500 + 600)
    for facts in facts_of_each_verdict_and_finding():
        incident = make_incident(kind_about_a_release, facts)
        opening = make_fact_notice(
            "opened", occasion="thread", incident=incident, facts=facts, now=opened_at
        )
        assert_readable(opening, incident)
        # Any facts may follow. The change from the first ones can make several notices.
        for later_facts in facts_of_each_verdict_and_finding():
            for notice in decide(later_facts, incident, ten_minutes_later).notices:
                assert_readable(notice, incident)


def assert_readable(notice: Notice, incident: Incident | None) -> None:
    """Check that no form of the message of a notice is empty."""
    message = build_message(notice, incident)
    assert all(
        (message.subject, message.brief, message.text, message.html, message.data["event"])
    ), notice


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("kind", IncidentKind)
def test_incident_of_any_kind_is_drafted_in_every_format(kind: IncidentKind, ending: str) -> None:
    """The grade chooses the form of the draft: the short note, or the report that applies on that
    day.
    """
    for grade in (Grade.NOTE, Grade.REPORT):
        made = make_incident(
            kind, make_facts(VerdictKind.LATE) if kind not in KINDS_ABOUT_A_HOST else None
        )
        form = choose_form(made.occurred, grade)
        draft = fill_form(made, form, configured={}, previous=(), now=after_slot(500))
        assert WRITERS[ending](draft)


def make_verdict(word: VerdictKind, *kinds: FindingKind) -> Verdict:
    """Return a verdict on a release with findings of these kinds."""
    known = judged(400, [(-100, ABSENT), (300, PRESENT)])
    parts = tuple(replace(part, verdict=word) for part in known.parts)
    found = tuple(Finding(kind, "page", "as seen") for kind in kinds)
    return replace(
        known, verdict=word, grade=Grade.REPORT, final=False, parts=parts, findings=found
    )


CASES = [
    *((word, ()) for word in VerdictKind),
    *((VerdictKind.LATE, (kind,)) for kind in FindingKind),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verdict", "findings"), CASES, ids=[" ".join((word, *kinds)) for word, kinds in CASES]
)
async def test_release_with_any_verdict_or_finding_opens_everywhere(
    board: Board, verdict: VerdictKind, findings: tuple[FindingKind, ...]
) -> None:
    """A case is a verdict without findings, or the verdict `late` with one finding. The API gives
    this verdict and finding, each page about the release opens, and each notice can be read.
    """
    store = board.store
    with store.transaction() as tx:
        VerdictRecorder(RULES).record(
            tx, assess(make_verdict(verdict, *findings), Measurement()), after_slot(500)
        )
    release = await board.read_json("/api/v1/releases/r")
    assert release["verdict"] == verdict
    assert {one["kind"] for one in release["findings"]} == set(findings)
    assert [path for path in pages_about_r(board) if await board.status_of(path) != 200] == []
    for notice in store.outbox.notices():
        assert_readable(notice, store.verdicts.incident(notice.incident))


def pages_about_r(board: Board) -> Iterator[str]:
    yield from (
        "/",
        "/?wall=1",
        "/releases/r",
        "/atom.xml",
        "/calendar?month=2018-01",
        "/history",
        "/incidents",
    )
    yield from (f"/api/v1/{name}?format=csv" for name in ("releases", "incidents", "events"))
    for incident in board.store.verdicts.incidents_of("r"):
        yield from (f"/incidents/{incident.id}", f"/api/v1/incidents/{incident.id}")
        if board.store.verdicts.drafts(incident.id):
            yield from (f"/api/v1/incidents/{incident.id}/draft.{ending}" for ending in WRITERS)
