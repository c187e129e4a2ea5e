"""What the five published reports state and a machine can know is in the draft; what only a person knows is marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.draft.fill import fill
from alerts.draft.form import form_for
from alerts.draft.narrative import unproven
from alerts.draft.report import Field, Report
from alerts.incident import Incident

# field id → what must stand in it. Only what the published report states and a monitor can measure.
STATED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ipcc-2015": {
        "A.1.output": (
            "Deaths during or following police contact: Statistics for England and Wales 2014/15",
            "http://www.ipcc.gov.uk/page/deaths-during-or-following-police-contact",
        ),
        "A.1.hop": ("Head of Profession for Statistics", "23 July 2015"),
        "A.2.clause": ("Protocol 2, practice 4", "edition 1.0"),
        "A.2.date": ("23 July 2015",),
        "A.2.nature": (
            "pre-announced for 9.30am on Thursday 23 July 2015",
            (
                "The release was first seen by the monitor on the announced page between 10:07:45 and 10:08:00 BST, "
                "37 to 38 minutes after the announced 09:30."
            ),
        ),
        "A.3.impact": ("Access to the release at the announced address was delayed by 37 to 38 minutes.",),
    },
    "moj-2016": {
        "A.1.output": (
            "Safety in Custody Quarterly Statistics bulletin",
            "https://www.gov.uk/government/collections/safety-in-custody-statistics",
        ),
        "A.2.clause": ("Protocol 2, practice 8", "Protocol 2, practice 8"),
        "A.2.date": ("30 September 2016 and 1 October 2016",),
        "A.2.nature": ("28 July 2016, figures to March 2016", "9.30am on Thursday 27 October 2016"),
    },
    "ofsted-2017": {
        "B.1.output": ("Maintained School & Academies Inspections and outcomes (as at 31 December 2016)",),
        "B.1.date": ("20 March 2017",),
        "B.2.clause": ("Protocol 2, practice 8",),
        "B.2.date": ("20 March 2017",),
        "B.2.account": (
            "pre-announced for 9.30am on Wednesday 22 March 2017",
            (
                "became public between 16:55 and 17:00 GMT on 20 March 2017, "
                "40 hours 30 minutes to 40 hours 35 minutes before the announced time"
            ),
            "an exposure of 25 to 35 minutes",
            "The monitor saw no exposure of the data file (sheet)",
        ),
        "B.3.impact": ("The HTML version was public before the announced time for 25 to 35 minutes.",),
    },
    "ofqual-2018-01": {
        "B.1.output": ("Malpractice for GCSE and A level: summer 2017 exam series",),
        "B.2.clause": ("Protocol 2, practice 4",),
        "B.2.date": ("5 January 2018",),
        "B.2.account": (
            (
                "on the announced page between 12:18:45 and 12:19:00 GMT, "
                "2 hours 48 minutes to 2 hours 49 minutes (168 to 169 minutes) after the announced 09:30"
            ),
            "between 09:59:45 and 10:00:00 GMT, 29 to 30 minutes after the announced 09:30",
            "between 10:34:45 and 10:35:00 GMT, 1 hour 4 minutes to 1 hour 5 minutes (64 to 65 minutes)",
            "That was before it was seen on the announced page.",
        ),
        "B.3.impact": ("(168 to 169 minutes)", "29 to 30 minutes", "(64 to 65 minutes)"),
    },
    "ofqual-2018-03": {
        "C.1.output": ("Vocational and other qualifications quarterly: October to December 2017",),
        "C.2.clause": (
            "Trustworthiness (T3.6): “Statistics should be released to all users at 9.30am on a weekday.”",
            "edition 2.0",
        ),
        "C.2.date": ("8 March 2018",),
        "C.2.account": (
            "1 hour 21 minutes to 1 hour 22 minutes (81 to 82 minutes) after the announced 09:30",
            "26 to 27 minutes after the announced 09:30",
            (
                "Earlier incident, 5 January 2018: “Malpractice for GCSE and A level: summer 2017 exam series”, late "
                "by 2 hours 48 minutes to 2 hours 49 minutes (168 to 169 minutes); "
                "same producer and platform (www.gov.uk)."
            ),
            "The monitor itself could not see between 09:31 and 09:33 GMT on 8 March 2018 (restarted)",
        ),
    },
}
# What only a person knows, with the word that must stand in its mark.
HUMAN: Mapping[str, Mapping[str, str]] = {
    "ipcc-2015": {
        "A.2.reasons": "why it happened",
        "A.3.impact": "impact",
        "A.4.corrective": "corrective",
        "A.5.statements": "published statement",
    },
    "moj-2016": {
        "A.2.reasons": "why it happened",
        "A.3.impact": "impact",
        "A.4.corrective": "corrective",
        "A.5.statements": "published statement",
        "A.6.material": "supporting material",
    },
    "ofsted-2017": {"B.2.account": "why it happened", "B.3.impact": "impact", "B.4.corrective": "corrective"},
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
NEVER = (
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
def drafts(five: Mapping[str, Incident], settings: Mapping[str, str]) -> Mapping[str, Report]:
    return {name: draft(each, list(five.values()), settings) for name, each in five.items()}


def draft(incident: Incident, every: list[Incident], settings: Mapping[str, str]) -> Report:
    assert incident.facts is not None
    earlier = [each for each in every if each.occurred < incident.occurred]
    now = max(incident.facts.at, incident.opened)
    return fill(incident, form_for(incident.occurred, incident.grade), settings, earlier, now)


def text(field: Field | None) -> str:
    assert field is not None
    return "\n".join(field.paragraphs)


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


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in STATED.items() for field in fields])
def test_what_is_measurable_stands_in_its_field(drafts: Mapping[str, Report], name: str, field: str) -> None:
    for stated in STATED[name][field]:
        assert stated in text(drafts[name].field(field))


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in HUMAN.items() for field in fields])
def test_what_only_a_person_knows_is_marked_and_comes_with_questions(
    drafts: Mapping[str, Report], name: str, field: str
) -> None:
    found = drafts[name].field(field)
    assert found is not None
    assert found.placeholder.startswith("[to be completed: ")
    assert HUMAN[name][field] in found.placeholder
    assert found.guidance or "supporting" in found.placeholder


@pytest.mark.parametrize("name", STATED)
def test_nothing_is_invented(drafts: Mapping[str, Report], name: str) -> None:
    said = "\n".join(text(field) for field in drafts[name].fields())
    assert [word for word in NEVER if word in said] == []


@pytest.mark.parametrize("name", STATED)
def test_a_box_without_measured_words_says_who_must_fill_it(drafts: Mapping[str, Report], name: str) -> None:
    for field in drafts[name].fields():
        assert field.paragraphs or field.placeholder.startswith("[to be completed: "), field.id


def test_the_announced_page_is_told_before_any_other_address(drafts: Mapping[str, Report]) -> None:
    for name in ("ofqual-2018-01", "ofqual-2018-03"):
        told = " ".join(field for each in drafts[name].fields() for field in each.paragraphs if "first seen" in field)
        assert told.index("announced page") < told.index("another address")


def test_each_address_has_a_line_of_its_own_in_the_table(drafts: Mapping[str, Report]) -> None:
    rows = drafts["ofqual-2018-01"].measured[0].rows
    assert [row[0].split("\n")[0] for row in rows] == [
        "Announced page",
        "Alternative address (report)",
        "Alternative address (news)",
    ]
    assert rows[0][2].endswith("(168 to 169 minutes) late")
    assert rows[1][2] == "29 to 30 minutes after it"


def test_a_weekend_date_of_the_leak_is_flagged_for_checking(drafts: Mapping[str, Report]) -> None:
    dated = drafts["moj-2016"].field("A.2.date")
    assert dated is not None
    assert "Check the date: Saturday 1 October 2016 is not a working day." in dated.notes


def test_a_leak_is_not_mixed_with_the_verdict_on_the_next_release(drafts: Mapping[str, Report]) -> None:
    report = drafts["moj-2016"]
    assert report.measured == ()
    assert report.timeline is None
    assert "That release is judged on its own." in text(report.field("A.2.nature"))


def test_an_amended_report_shows_both_dates(ofqual_january: Incident, settings: Mapping[str, str]) -> None:
    now = ofqual_january.opened + timedelta(days=6)
    report = fill(ofqual_january, form_for(ofqual_january.occurred, "report"), settings, [], now)
    assert (report.date_of_report, report.last_amended) == ("5 January 2018", "11 January 2018")
    assert text(report.field("B.1.date")) == "5 January 2018, last amended 11 January 2018"


def test_a_gap_that_two_monitors_had_together_is_owned_up_to_once(ofqual_march: Incident) -> None:
    facts = ofqual_march.facts
    assert facts is not None
    (gap,) = facts.certainty.blind
    later = replace(gap, begins=gap.begins + timedelta(milliseconds=40))
    both = replace(facts, certainty=replace(facts.certainty, blind=(gap, later)))
    assert unproven(both) == unproven(facts)
