"""Drafts contain the measurable facts of the five published reports, and mark what only a person
knows.
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

# field id → what must stand in it. Only what the published report states and a monitor can measure.
MEASURABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ipcc-2015": {
        "A.1.output": (
            "Deaths during or following police contact: Statistics for England and Wales 2014/15",
            "http://www.ipcc.gov.uk/page/deaths-during-or-following-police-contact",
        ),
        "A.1.hop": ("Head of Profession for Statistics", "23 July 2015"),
        "A.2.clause": ("Protocol 2, practice 4", "edition 1.0"),
        "A.2.date": ("23 July 2015",),
        "A.2.nature": (
            (
                "The release was pre-announced on GOV.UK for 9.30am on Thursday 23 July 2015. It"
                " was not available until"
            ),
            " until 10.08am.",
        ),
        "A.3.impact": ("Access to the release was delayed by about 38 minutes.",),
    },
    "moj-2016": {
        "A.1.output": (
            "Safety in Custody Quarterly Statistics bulletin",
            "https://www.gov.uk/government/collections/safety-in-custody-statistics",
        ),
        "A.2.clause": ("Protocol 2, practice 8", "Principle 2"),
        "A.2.date": ("30 September 2016 and 1 October 2016",),
        "A.2.nature": (
            (
                "On Friday 30 September 2016, a journalist said that a Sunday newspaper would print"
                " figures. On Saturday 1 October 2016, the article was published."
            ),
            "28 July 2016, figures to March 2016",
            "9.30am on Thursday 27 October 2016",
        ),
    },
    "ofsted-2017": {
        "B.1.output": (
            "Maintained School & Academies Inspections and outcomes (as at 31 December 2016)",
        ),
        "B.1.date": ("20 March 2017",),
        "B.2.clause": ("Protocol 2, practice 8",),
        "B.2.date": ("20 March 2017",),
        "B.2.account": (
            "was pre-announced on GOV.UK for 9.30am on Wednesday 22 March 2017.",
            (
                "The landing page and the HTML version became available between 4.55pm and 5pm on"
                " 20 March, 40 hours 30 minutes to 40 hours 35 minutes early. They were removed"
                " between 5.25pm and 5.30pm."
            ),
            "No early publication of the data file was found.",
        ),
        "B.3.impact": (
            (
                "The landing page and the HTML version were available for 25 to 35 minutes before the"
                " announced time."
            ),
        ),
    },
    "ofqual-2018-01": {
        "B.1.output": ("Malpractice for GCSE and A level: summer 2017 exam series",),
        "B.2.clause": ("Protocol 2, practice 4",),
        "B.2.date": ("5 January 2018",),
        "B.2.account": (
            (
                "was pre-announced on GOV.UK for 9.30am on Friday 5 January 2018. It was"
                " not on its landing page until"
            ),
            (
                " until 12.19pm. The report was available at"
                " https://www.gov.uk/government/publications/"
            ),
            (
                " from about 10am. A news story on the release was available at"
                " https://www.gov.uk/government/news/"
            ),
            " from about 10.35am.",
        ),
        "B.3.impact": (
            "Access to the release on its landing page was delayed by about 2 hours 49 minutes.",
            "The report was at another address from about 10am.",
        ),
    },
    "ofqual-2018-03": {
        "C.1.output": ("Vocational and other qualifications quarterly: October to December 2017",),
        "C.2.clause": (
            (
                "Trustworthiness (T3.6): “Statistics should be released to all users at 9.30am on a"
                " weekday.”"
            ),
            "edition 2.0",
        ),
        "C.2.date": ("8 March 2018",),
        "C.2.account": (
            ("It was not on its landing page until 10.52am. The report was available at https://"),
            " from about 9.57am.",
            (
                "An earlier incident on 5 January 2018 on the same platform concerned “Malpractice"
                " for GCSE and A level: summer 2017 exam series”: late by about 2 hours 49 minutes."
            ),
        ),
    },
}
# What only a person knows, with the word that must stand in its mark.
PROMPTS: Mapping[str, Mapping[str, str]] = {
    "ipcc-2015": {
        "A.2.reasons": "why it happened",
        "A.3.impact": "impact",
        "A.4.corrective": "corrective",
        "A.5.statements": "published statement",
        "A.6.material": "supporting material",
    },
    "moj-2016": {
        "A.2.reasons": "why it happened",
        "A.3.impact": "impact",
        "A.4.corrective": "corrective",
        "A.5.statements": "published statement",
        "A.6.material": "supporting material",
    },
    "ofsted-2017": {
        "B.2.account": "why it happened",
        "B.3.impact": "impact",
        "B.4.corrective": "corrective",
    },
    "ofqual-2018-01": {
        "B.2.account": "why it happened",
        "B.3.impact": "impact",
        "B.4.corrective": "corrective",
    },
    "ofqual-2018-03": {
        "C.2.account": "why it happened",
        "C.3.impact": "impact",
        "C.4.corrective": "corrective",
    },
}
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


@pytest.mark.parametrize(
    ("name", "form", "edition", "practice"),
    [
        ("ipcc-2015", "A", "1.0", "Protocol 2, practice 4"),
        ("moj-2016", "A", "1.0", "Protocol 2, practice 8; Principle 2"),
        ("ofsted-2017", "B", "1.0", "Protocol 2, practice 8"),
        ("ofqual-2018-01", "B", "1.0", "Protocol 2, practice 4"),
        ("ofqual-2018-03", "C", "2.0", "T3.6"),
    ],
)
def test_form_edition_and_practice_are_those_of_the_published_report(
    drafts: Mapping[str, Report], name: str, form: str, edition: str, practice: str
) -> None:
    report = drafts[name]
    assert (report.form, report.edition, report.practice) == (form, edition, practice)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in MEASURABLE.items() for field in fields]
)
def test_draft_field_contains_measurable_statements_of_published_report(
    drafts: Mapping[str, Report], name: str, field: str
) -> None:
    """For example, the published report of 2015 on the IPCC says when its release came out. In the
    same field, our draft says so too: “It was not available until 10.08am.”
    """
    for statement in MEASURABLE[name][field]:
        assert statement in text_of_field(drafts[name], field)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in PROMPTS.items() for field in fields]
)
def test_field_for_a_person_has_prompt_and_guiding_questions(
    drafts: Mapping[str, Report], name: str, field: str
) -> None:
    """Some fields only a person can fill in, such as why a release was late. Each has a prompt like
    “[to be completed: … why it happened …”, and questions that help to answer.
    """
    box = get_field(drafts[name], field)
    assert box.placeholder.startswith("[to be completed: ")
    assert PROMPTS[name][field] in box.placeholder
    # The box for supporting material has no questions.
    assert box.guidance or "supporting" in box.placeholder


@pytest.mark.parametrize("name", MEASURABLE)
def test_a_draft_contains_no_word_that_no_monitor_can_know(
    drafts: Mapping[str, Report], name: str
) -> None:
    """Words of the published reports, such as “human error” or the number of subscribers,
    13,000.
    """
    form_text = "\n".join(text_of_field(drafts[name], field.id) for field in drafts[name].fields())
    assert [word for word in WORDS_NO_MONITOR_CAN_KNOW if word in form_text] == []


def test_the_account_describes_the_landing_page_before_other_addresses(
    drafts: Mapping[str, Report],
) -> None:
    """In these two incidents the report was available at another address, earlier than the landing
    page.
    """
    accounts = (
        text_of_field(drafts["ofqual-2018-01"], "B.2.account"),
        text_of_field(drafts["ofqual-2018-03"], "C.2.account"),
    )
    for account in accounts:
        assert account.index("landing page") < account.index("The report was available at")


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


@pytest.mark.parametrize("name", MEASURABLE)
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
