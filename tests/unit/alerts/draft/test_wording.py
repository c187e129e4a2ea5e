"""The words of accounts: what was absent and where, for how long, and what only a person knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.draft import words
from alerts.draft.narrative import say_availability, say_delays
from alerts.draft.report import Report, Signature
from alerts.draft.write.outline import Document, Tone, build_outline, build_pieces
from alerts.draft.write.registry import WRITERS
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from schedules.contract.verdict import PartVerdict, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field, text_of_field
from tests.worlds.instants import after_slot
from tests.worlds.published import at, between


def without_placeholder(facts: ReleaseFacts) -> ReleaseFacts:
    parts = tuple(replace(part, had_other_content=False) for part in facts.parts)
    return replace(facts, parts=parts)


def test_page_that_answered_404_was_not_available(ofqual_late: Incident) -> None:
    facts = without_placeholder(facts_of(ofqual_late))
    assert say_availability(facts)[0] == "The landing page was not available until 12.19pm."
    assert say_delays(facts)[0].startswith("Access to the landing page was delayed by")


def test_release_was_not_on_a_page_with_other_content(ofqual_late: Incident) -> None:
    facts = facts_of(ofqual_late)
    assert (
        say_availability(facts, is_named=False)[0]
        == "The release was not on its landing page until 12.19pm."
    )
    assert say_delays(facts)[0].startswith("Access to the release on its landing page was delayed")
    awaited = replace(facts.parts[0], verdict=VerdictKind.OVERDUE, first_seen=Interval())
    overdue = replace(facts, parts=(awaited, *facts.parts[1:]))
    assert say_availability(overdue, is_named=False)[0].startswith(
        "The release was still not on its landing page at "
    )


def test_file_shares_no_sentence_with_a_page_that_had_other_content(
    ofqual_late: Incident,
) -> None:
    facts = facts_of(ofqual_late)
    page, *alternatives = facts.parts
    tables = replace(page, id="tables", role="data", url="https://x.example/a.ods")
    late_together = replace(facts, parts=(page, tables, *alternatives))
    assert say_availability(late_together, is_named=False)[:2] == [
        "The release was not on its landing page until 12.19pm.",
        "The data tables were not available until 12.19pm.",
    ]
    # Without content at another address, all of the release was absent.
    all_of_it = replace(late_together, parts=(page, tables))
    assert say_availability(all_of_it)[0] == "It was not available until 12.19pm."


def test_page_with_other_content_before_its_time_was_not_the_release(
    ofsted_early: Incident,
) -> None:
    """Only the file of this release was public early."""
    facts = facts_of(ofsted_early)
    _, html, *_ = facts.parts
    page = PartVerdict(
        id="page",
        role="page",
        url=facts.url,
        required=True,
        verdict=VerdictKind.ON_TIME,
        early_bound=1.0,
        had_other_content=True,
    )
    sentences = say_availability(replace(facts, parts=(page, html)))
    assert "The release was not on its landing page before the announced time." in sentences


@pytest.mark.parametrize(
    ("after", "by", "until"),
    [
        ("10:07:59", "10:08:01", "until 10.08am"),
        ("10:07:35", "10:08:25", "until 10.08am"),
        ("10:07:20", "10:08:10", "until about 10.08am"),
        ("10:07:10", "10:09:00", "until about 10.08am"),
        ("10:05:00", "10:08:00", "until some time between 10.05am and 10.08am"),
    ],
)
def test_end_is_about_a_minute_unless_no_other_minute_is_as_near(
    ipcc_late: Incident, after: str, by: str, until: str
) -> None:
    facts = facts_of(ipcc_late)
    seen = between(f"2015-07-23T{after}+01:00", f"2015-07-23T{by}+01:00")
    parts = tuple(replace(part, first_seen=seen, released=seen) for part in facts.parts)
    assert say_availability(replace(facts, parts=parts)) == [f"It was not available {until}."]


def test_an_open_interval_is_not_one_minute() -> None:
    assert not words.is_one_minute(Interval(None, after_slot(1)))


def test_announced_address_comes_first_and_other_addresses_have_a_sentence_each(
    ofqual_late: Incident,
) -> None:
    impact = text_of_field(draft_of(ofqual_late, now=facts_of(ofqual_late).at), "B.3.impact")
    assert impact.split("\n") == [
        "Access to the release on its landing page was delayed by about 2 hours 49 minutes.",
        "The report was at another address from about 10am.",
        "A news story on the release was at another address from about 10.35am.",
    ]


def test_person_is_asked_who_was_given_another_address(
    ofqual_late: Incident, ipcc_late: Incident
) -> None:
    """No look can tell whether users knew of it."""
    question = "[to be completed: when, and to whom, another address was given (from the person"
    assert question in get_field(draft_of(ofqual_late), "B.3.impact").placeholder
    assert question not in get_field(draft_of(ipcc_late), "B.3.impact").placeholder


def test_length_of_an_exposure_stands_once(ofsted_early: Incident) -> None:
    report = draft_of(ofsted_early)
    assert text_of_field(report, "B.2.account").count("25 to 35 minutes") == 0
    assert text_of_field(report, "B.3.impact").count("25 to 35 minutes") == 1
    note = draft_of(ofsted_early, "note")
    assert text_of_field(note, "N.measure").count("25 to 35 minutes") == 1
    assert text_of_field(note, "N.impact") == ""


def list_pieces(report: Report, name: str) -> list[tuple[Tone, str]]:
    return [(piece.tone, piece.text) for piece in build_pieces(get_field(report, name))]


def test_name_of_the_person_stands_before_the_date(ipcc_late: Incident) -> None:
    pieces = list_pieces(draft_of(ipcc_late, "A"), "A.1.hop")
    assert [tone for tone, _ in pieces] == [Tone.OPEN, Tone.PLAIN]
    assert pieces[0][1].startswith("[to be completed: name and contact details")
    assert pieces[1][1] == "23 July 2015"


@pytest.mark.parametrize("form", ["A0", "A"])
def test_supporting_material_is_for_a_person_beside_the_evidence(
    ipcc_late: Incident, form: str
) -> None:
    material = get_field(draft_of(ipcc_late, form), f"{form}.6.material")
    assert material.paragraphs
    assert material.placeholder.startswith("[to be completed: other supporting material")


def test_nothing_recorded_is_dated_and_asks_what_the_person_knows(ipcc_late: Incident) -> None:
    report = draft_of(ipcc_late, recorded_since=at("2014-03-01T09:30+00:00"))
    account = get_field(report, "B.2.account")
    assert account.notes == (
        (
            "The monitor has recorded no earlier incident of this release, producer or platform since"
            " 1 March 2014."
        ),
    )
    assert "Which earlier breaches in the same area do you know of?" in account.guidance


def test_only_a_delay_may_be_explained_in_brief(
    ipcc_late: Incident, ofsted_early: Incident, moj_leak: Incident
) -> None:
    def may_be_brief(incident: Incident) -> bool:
        return "Brief detail" in " ".join(get_field(draft_of(incident), "B.2.account").guidance)

    assert [may_be_brief(one) for one in (ipcc_late, ofsted_early, moj_leak)] == [
        True,
        False,
        False,
    ]


def test_quoted_practice_has_no_summary_beside_it(ipcc_late: Incident) -> None:
    clause = get_field(draft_of(ipcc_late), "B.2.clause")
    assert clause.paragraphs[0].startswith("Protocol 2, practice 4: “Issue statistical releases")
    assert not [hint for hint in clause.guidance if "In brief" in hint]


def test_steps_for_the_producer_are_in_no_document_that_is_signed(ofqual_late: Incident) -> None:
    report = draft_of(ofqual_late)
    assert report.steps
    signed = replace(report, signed=Signature("the head", "13:00 GMT", "5 January 2018", 2))
    for one, document in ((report, Document.DRAFT), (signed, Document.REPORT)):
        text = WRITERS["md"](one, document).decode()
        assert not [step.text for step in report.steps if step.text in text]
        assert "Annex" not in text
    assert report.steps[0].text in WRITERS["md"](report, Document.STEPS).decode()
    assert build_outline(report) == build_outline(report, Document.DRAFT)


def test_alternative_from_the_slot_on_was_at_another_address(ofqual_late: Incident) -> None:
    facts = facts_of(ofqual_late)
    page, report, _ = facts.parts
    at_slot = replace(report, delay=Bounds(0.0, 5.0))
    assert len(say_delays(replace(facts, parts=(page, at_slot)))) == 2
