from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerts.draft.form import FilledBy, Question, UnknownForm, choose_form, get_form, load_forms
from tests.worlds.published import at


@pytest.mark.parametrize(
    ("occurred", "form"),
    [
        ("2008-12-01T09:30+00:00", "A0"),
        ("2012-09-26T09:30+01:00", "A0"),
        ("2012-09-27T09:30+01:00", "A"),
        ("2015-07-23T09:30+01:00", "A"),
        ("2016-10-01T00:00+01:00", "A"),
        ("2016-12-31T23:59+00:00", "A"),
        ("2017-01-01T00:00+00:00", "B"),
        ("2017-03-20T17:00+00:00", "B"),
        ("2018-02-21T23:30+00:00", "B"),
        ("2018-02-22T00:00+00:00", "C"),
        ("2018-03-08T09:30+00:00", "C"),
        ("2019-12-31T09:30+00:00", "C"),
        ("2020-01-01T09:30+00:00", "D"),
        ("2022-04-30T22:30+00:00", "D"),
        ("2022-04-30T23:30+00:00", "note"),
        ("2026-11-20T09:30+00:00", "note"),
    ],
)
def test_the_form_follows_the_london_date_of_occurrence(occurred: str, form: str) -> None:
    """A applies from 27 September 2012, B from 2017, C from 22 February 2018, D from 2020, the note
    from 1 May 2022.
    """
    assert choose_form(at(occurred), "report").id == form


def test_a_configured_form_has_priority_over_date_and_grade() -> None:
    assert choose_form(at("2026-11-20T09:30+00:00"), "note", "D").id == "D"


def test_incident_of_grade_note_uses_note_form_at_any_date() -> None:
    assert choose_form(at("2015-07-23T09:30+01:00"), "note").id == "note"


def test_unknown_form_is_refused_with_list_of_known_ones() -> None:
    with pytest.raises(UnknownForm, match="A0, A, B, C, D, note, period"):
        get_form("E")


def test_labels_of_form_b_are_those_of_the_published_form() -> None:
    labels = [
        question.label for chapter in get_form("B").chapters for question in chapter.questions
    ]
    assert labels == [
        "Title and link to statistical output",
        "Name of statistical producer",
        "Name and contact details of person dealing with report",
        "Link to published statement about the breach (if relevant)",
        "Date of report",
        "Relevant principle/protocol and practice",
        "Date of occurrence of breach",
        # Account, impact and corrective actions have only the heading of their chapter.
        None,
        None,
        None,
    ]


def list_questions() -> list[Question]:
    return [
        each
        for form in load_forms().values()
        for chapter in form.chapters
        for each in chapter.questions
    ]


def test_every_question_has_an_id_of_its_own() -> None:
    ids = [question.id for question in list_questions()]
    assert len(ids) == len(set(ids))


def test_question_about_only_human_facts_is_filled_by_human() -> None:
    """A fact with this prefix is one that only a person knows, such as `human.corrective`."""
    for question in list_questions():
        if all(fact.startswith("human.") for fact in question.facts):
            assert question.filled_by == FilledBy.HUMAN


def test_titles_and_labels_of_every_form_are_those_on_record(root: Path) -> None:
    record = root.parent / "shared/facts/forms.json"
    if not record.is_file():
        pytest.skip("this machine has no record of the published forms")
    for known in json.loads(record.read_text(encoding="utf-8"))["forms"]:
        form = get_form(known["form"])
        labels = {
            question.id: question.label
            for chapter in form.chapters
            for question in chapter.questions
        }
        labels_on_record = {
            field["id"]: field["label"] for each in known["sections"] for field in each["fields"]
        }
        # The note is our own design. Its rows for machines are in the evidence document now.
        rows_for_machines = {"N.amended", "N.certainty", "N.grade"}
        published = {
            name: label for name, label in labels_on_record.items() if name not in rows_for_machines
        }
        assert labels.items() >= published.items()
        assert form.title == known["title"]


@pytest.mark.parametrize("form", ["A0", "A", "B", "C", "D", "note"])
def test_every_form_has_a_place_for_earlier_incidents_and_what_was_done(form: str) -> None:
    questions = list(get_form(form).questions)
    asked = {fact for question in questions for fact in question.facts}
    assert {"incident.previous", "human.reasons", "human.impact", "human.corrective"} <= asked


def test_note_has_no_rows_for_machines() -> None:
    """They are in the evidence document."""
    questions = list(get_form("note").questions)
    for_machines = {"incident.grade", "incident.certainty", "report.last_amended"}
    assert not for_machines & {fact for question in questions for fact in question.facts}
