"""Drafts of the five published incidents claim nothing that no monitor can know. What they say is in
`snapshots`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.draft.certainty import list_unproven
from alerts.draft.edits import merge_words
from alerts.draft.fill import fill_form
from alerts.draft.form import choose_form
from alerts.draft.report import Report, Signature
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import facts_of, get_field, text_of_field

PUBLISHED = ("ipcc-2015", "moj-2016", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03")
# Words of the published reports that no monitor can know: none may appear by itself.
WORDS_NO_MONITOR_CAN_KNOW = (
    "13,000",
    "54 ",
    "read-only",
    "human error",
    "journalists",
    "tweet",
    "None.",
    "market sensitiv",
    "subscribers",
    "internal IT",
    "contingency",
    "refresher",
)


@pytest.fixture
def drafts(incidents: Mapping[str, Incident], settings: Mapping[str, str]) -> Mapping[str, Report]:
    return {
        name: fill_draft(each, list(incidents.values()), settings)
        for name, each in incidents.items()
    }


def fill_draft(incident: Incident, every: list[Incident], settings: Mapping[str, str]) -> Report:
    earlier = [each for each in every if each.occurred < incident.occurred]
    now = max(facts_of(incident).at, incident.opened)
    return fill_form(
        incident, choose_form(incident.occurred, incident.grade), settings, earlier, now
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_draft_contains_no_word_that_no_monitor_can_know(
    drafts: Mapping[str, Report], name: str
) -> None:
    """Words of the published reports, such as “human error” or the number of subscribers,
    13,000.
    """
    form_text = "\n".join(text_of_field(drafts[name], field.id) for field in drafts[name].fields())
    assert [word for word in WORDS_NO_MONITOR_CAN_KNOW if word in form_text] == []


@pytest.mark.parametrize("name", ["ipcc-2015", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03"])
def test_draft_states_each_time_and_duration_once(drafts: Mapping[str, Report], name: str) -> None:
    """Only the times of other addresses are in two boxes: with the address in the account, and
    where a person adds who was given it.
    """
    texts: list[str] = []
    for field in drafts[name].fields():
        # The field that quotes the Code of Practice is left out: the Code itself says “9.30am”.
        if "clause.cite" not in field.facts:
            texts += [text for text in field.paragraphs if "was at another address" not in text]
    # Such as “9.30am”, “40 hours 30 minutes” and “38 minutes”.
    times_and_durations = re.findall(
        r"\d[\d.½]*(?: ?[ap]m\b| hours? \d+ minutes\b| hours?\b| minutes\b)", "\n".join(texts)
    )
    assert len(times_and_durations) == len(set(times_and_durations))


@pytest.mark.parametrize("name", PUBLISHED)
def test_signed_form_is_shorter_than_every_published_report(
    drafts: Mapping[str, Report], name: str
) -> None:
    """Each open box has an answer of one word."""
    answers = {field.id: "None." for field in drafts[name].fields() if field.placeholder}
    signed = replace(
        merge_words(answers, drafts[name]),
        signed=Signature("head", "13:00", "Friday", 2),
    )
    words_of_shortest_published_report = 327
    words = WRITERS["md"](signed, Document.REPORT).decode().split()
    assert len(words) < words_of_shortest_published_report


def test_table_has_a_row_with_its_delay_for_each_address(drafts: Mapping[str, Report]) -> None:
    rows = drafts["ofqual-2018-01"].measured[0].rows
    delay_of = {name_and_url.split("\n")[0]: delay for name_and_url, _, delay, _ in rows}
    assert delay_of == {
        "Announced page": "2 hours 48 minutes to 2 hours 49 minutes (168 to 169 minutes) late",
        "Alternative address (report)": "29 to 30 minutes after it",
        "Alternative address (news)": (
            "1 hour 4 minutes to 1 hour 5 minutes (64 to 65 minutes) after it"
        ),
    }


def test_a_weekend_date_of_the_leak_is_a_question(drafts: Mapping[str, Report]) -> None:
    date = get_field(drafts["moj-2016"], "A.2.date")
    assert date.guidance == ("1 October 2016 was a Saturday: check the date.",)
    assert date.notes == ()


def test_draft_about_leak_has_no_measurement_of_next_release(drafts: Mapping[str, Report]) -> None:
    """The leak of 2016 was logged by hand.

    Its facts are those of the next release, which was not due yet.
    """
    report = drafts["moj-2016"]
    assert report.measured == ()
    assert report.timeline is None
    assert "available" not in text_of_field(report, "A.2.nature")


def test_an_amended_report_shows_both_dates(
    ofqual_late: Incident, settings: Mapping[str, str]
) -> None:
    """The incident is of 5 January 2018. Its form is filled again six days later."""
    six_days_later = ofqual_late.opened + timedelta(days=6)
    report = fill_form(
        ofqual_late,
        choose_form(ofqual_late.occurred, "report"),
        settings,
        previous=[],
        now=six_days_later,
    )
    assert (report.date_of_report, report.last_amended) == ("5 January 2018", "11 January 2018")
    assert text_of_field(report, "B.1.date") == "5 January 2018, last amended 11 January 2018"


def test_a_gap_that_two_monitors_had_together_is_listed_once(ofqual_late_again: Incident) -> None:
    facts = facts_of(ofqual_late_again)
    (gap,) = facts.certainty.blind
    gap_of_other_monitor = replace(gap, begins=gap.begins + timedelta(milliseconds=40))
    both_gaps = replace(
        facts, certainty=replace(facts.certainty, blind=(gap, gap_of_other_monitor))
    )
    (sentence_on_gap,) = list_unproven(facts)
    # The gaps are the same to the second.
    assert list_unproven(both_gaps) == [sentence_on_gap]
