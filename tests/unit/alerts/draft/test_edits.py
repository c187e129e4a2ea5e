from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.draft.edits import (
    INSTEAD_PREFIX,
    TWO_WORDINGS,
    Conflict,
    Obstacle,
    combine_changes,
    find_wrong_numbers,
    list_obstacles,
    merge_words,
)
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form
from alerts.draft.report import Report, Table, report_from_json, report_json
from alerts.draft.versions import (
    Versions,
    append_edit,
    append_measurement,
    append_signature,
    compute_digest,
)
from alerts.draft.write.outline import (
    Box,
    Document,
    Grid,
    Piece,
    Tone,
    Words,
    build_outline,
    build_pieces,
)
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, facts_of, get_field
from tests.unit.alerts.draft.plain import plain
from tests.worlds.published import DIGEST

ON_5_JANUARY = datetime(2018, 1, 5, 9, 31, tzinfo=UTC)
FIELDS = (
    "B.1.date",
    "B.1.producer",
    "B.2.account",
    "B.2.clause",
    "B.3.impact",
    "B.4.corrective",
    "N.why",
    "N.measure",
)
TEXTS = st.text(min_size=1, max_size=40)


class Edit(NamedTuple):
    """A person types a text into a field."""

    field: str
    text: str


class Measure(NamedTuple):
    """The monitor fills a form again, so many minutes after the slot."""

    form: str
    minutes_overdue: int


class Sign(NamedTuple):
    """A person signs the report."""


EDITS = st.builds(Edit, st.sampled_from(FIELDS), TEXTS)
MEASURES = st.builds(Measure, st.sampled_from(["note", "B", "C"]), st.integers(1, 90))
SIGNS = st.builds(Sign)


def draft_when_overdue_by(incident: Incident, minutes: int, form: str = "B") -> Report:
    """Return a draft made when the page was overdue by this many minutes."""
    now = ON_5_JANUARY + timedelta(minutes=minutes)
    delay = Bounds(60 * minutes, None)
    page = replace(
        facts_of(incident).parts[0], verdict=VerdictKind.OVERDUE, first_seen=Interval(), delay=delay
    )
    facts = replace(facts_of(incident), parts=(page,), at=now, final=False)
    return draft_of(replace(incident, facts=facts), form, now=now)


def first_version(incident: Incident, form: str = "B") -> Versions:
    return append_measurement((), draft_when_overdue_by(incident, minutes=1, form=form))


def sign(versions: Versions, at: datetime = ON_5_JANUARY) -> Versions:
    return append_signature(versions, "the Head of Profession", at)


def signed_report(incident: Incident, form: str = "B", at: datetime = ON_5_JANUARY) -> Report:
    return sign(first_version(incident, form), at)[-1].report


def list_shown_typed_texts(report: Report) -> list[str]:
    found: list[Piece] = []
    for block in build_outline(report):
        match block:
            case Box(pieces) | Words(pieces):
                found += pieces
            case Grid(_, rows):
                found += [piece for _, pieces in rows for piece in pieces]
    return [piece.text for piece in found if piece.tone is Tone.TYPED]


def versions_after(incident: Incident, steps: Sequence[Edit | Measure | Sign]) -> Versions:
    """Return all versions of a draft about which these steps are taken, one a minute."""
    versions: Versions = first_version(incident)
    for minutes, step in enumerate(steps):
        at = ON_5_JANUARY + timedelta(minutes=minutes)
        match step:
            case Edit(field, text):
                versions = append_edit(versions, {field: text}, "press officer", at)
            case Measure(form, minutes_overdue):
                versions = append_measurement(
                    versions, draft_when_overdue_by(incident, minutes_overdue, form)
                )
            case Sign():
                versions = sign(versions, at)
    return versions


@given(steps=st.lists(EDITS | MEASURES | SIGNS, max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_last_typed_text_survives_any_measurement_or_signature(
    ofqual_late: Incident, steps: list[Edit | Measure | Sign]
) -> None:
    """A step is a text typed into a field, a new measurement, or a signature, in any order."""
    last_typed = {step.field: step.text for step in steps if isinstance(step, Edit)}
    last_version = versions_after(ofqual_late, steps)[-1]
    words_of_people = {**last_version.words}
    words_of_people.pop("N.signoff", None)  # the signature
    assert words_of_people == last_typed
    shown_texts = list_shown_typed_texts(last_version.report)
    assert all(text in shown_texts for text in last_typed.values() if text.strip())


@given(steps=st.lists(EDITS | MEASURES | SIGNS, max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_version_is_read_back_unchanged_from_json(
    ofqual_late: Incident, steps: list[Edit | Measure | Sign]
) -> None:
    for version in versions_after(ofqual_late, steps):
        assert report_from_json(report_json(version.report)) == version.report


@given(text=TEXTS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_typed_text_can_be_written_in_every_format(ofqual_late: Incident, text: str) -> None:
    """A text for a box that the form does not have is kept too."""
    words = {"B.2.account": text, "B.1.producer": text, "no such box": text}
    report = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=5))
    for write in WRITERS.values():
        assert write(report)


def test_typed_text_is_kept_beside_a_new_measured_account(ofqual_late: Incident) -> None:
    """A person types into the account when the release is 5 minutes overdue. At 30 minutes the
    monitor measures again. Then the account has both the new sentence and the typed text.
    """
    words = {"B.2.account": "The platform failed."}
    before = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=5), by="web manager")
    after = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=30), before)
    account = get_field(after, "B.2.account")
    assert account.answer is not None
    assert (account.answer.text, account.answer.by) == ("The platform failed.", "web manager")
    # Due at 9.30am, so overdue by 30 minutes at 10am.
    assert "It was still not available at 10am." in " ".join(account.paragraphs)
    # The typed text is added after the measured account. In a box for one answer it would replace
    # the text.
    assert not account.is_replaced


def test_a_replaced_measured_answer_is_shown_beside_a_newer_measurement(
    ofqual_late: Incident,
) -> None:
    """5 minutes after the slot a person replaces the measured delay by “About five minutes.” A new
    measurement after 30 minutes contests that. So the box shows the typed text, a remark, and the
    new measurement.
    """
    words = {"N.measure": "About five minutes."}
    measured_after_5_minutes = draft_when_overdue_by(ofqual_late, minutes=5, form="note")
    # `seen` is the report that the person saw when typing: no newer measurement contests the text.
    before = merge_words(words, measured_after_5_minutes, seen=measured_after_5_minutes)
    assert not get_field(before, "N.measure").is_contested
    # The new measurement does.
    after = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=30, form="note"), before)
    assert get_field(after, "N.measure").is_contested
    typed, remark, measured = build_pieces(get_field(after, "N.measure"))
    assert (typed.tone, typed.text) == (Tone.TYPED, "About five minutes.")
    assert remark.tone is Tone.REMARK
    assert measured.tone is Tone.PLAIN
    assert "at least 30 minutes" in measured.text


def typed_answer(report: Report, name: str) -> str:
    answer = get_field(report, name).answer
    return answer.text if answer else ""


def test_the_original_of_a_reworded_answer_is_in_the_evidence(ofqual_late: Incident) -> None:
    """The monitor filled in the producer as “ofqual”. A person changed that to “Ofqual”."""
    report = merge_words({"B.1.producer": "Ofqual"}, draft_when_overdue_by(ofqual_late, minutes=5))
    caption = "Measured or configured answers that a person has reworded"
    tables = [
        block for block in build_outline(report, Document.EVIDENCE) if isinstance(block, Table)
    ]
    (originals,) = (table for table in tables if table.caption == caption)
    assert ("Name of statistical producer", "ofqual") in originals.rows


def test_typed_text_follows_its_question_to_another_form(ofqual_late: Incident) -> None:
    words = {"N.why": "A scheduling fault.", "N.measure": "About five minutes."}
    # Form B asks for the reason in its account, and has no box for the measured delay.
    report = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=9, form="B"))
    assert typed_answer(report, "B.2.account") == "A scheduling fault."
    assert report.kept == {"Measured delay or exposure (N.measure)": "About five minutes."}
    back = merge_words(words, draft_when_overdue_by(ofqual_late, minutes=9, form="note"), report)
    assert typed_answer(back, "N.why") == "A scheduling fault."
    assert back.kept == {}


def test_box_with_blank_answer_is_still_to_be_completed(ofqual_late: Incident) -> None:
    report = merge_words({"B.4.corrective": "  "}, draft_when_overdue_by(ofqual_late, minutes=5))
    assert get_field(report, "B.4.corrective").answer is None
    assert get_field(report, "B.4.corrective").placeholder.startswith("[to be completed")


def test_step_with_typed_time_is_done_and_ticked(ofqual_late: Incident) -> None:
    report = merge_words(
        {"step.ask-platform": "09:43, web manager"}, draft_when_overdue_by(ofqual_late, minutes=5)
    )
    assert {step.id: step.done for step in report.steps}["ask-platform"] == "09:43, web manager"
    assert "☑ Call the people who publish it" in WRITERS["md"](report, Document.STEPS).decode()


def test_every_version_is_kept_with_author_and_changes(ofqual_late: Incident) -> None:
    """The monitor writes version 1, a press officer types the impact (2), and the monitor measures
    again (3).
    """
    versions = first_version(ofqual_late)
    edited_at = ON_5_JANUARY + timedelta(minutes=2)
    versions = append_edit(
        versions, {"B.3.impact": "Calls from users."}, "press officer", edited_at
    )
    versions = append_measurement(versions, draft_when_overdue_by(ofqual_late, minutes=3))
    assert [version.number for version in versions] == [1, 2, 3]
    assert [version.by for version in versions] == ["the monitor", "press officer", "the monitor"]
    _, edit, second_measurement = versions
    assert "B.3.impact" in edit.changed
    assert "B.2.account" in second_measurement.changed
    # A digest is a hash of a version's report and typed texts.
    assert len({version.digest for version in versions}) == 3


def test_measuring_the_same_again_makes_no_version(ofqual_late: Incident) -> None:
    versions = first_version(ofqual_late)
    assert append_measurement(versions, draft_when_overdue_by(ofqual_late, minutes=1)) == versions


def test_an_unchanged_measurement_on_a_later_day_is_no_amendment(ofqual_late: Incident) -> None:
    form, opened = get_form("B"), ofqual_late.opened
    signed = sign(
        append_measurement((), fill_form(ofqual_late, form, configured={}, previous=[], now=opened))
    )
    same_six_days_later = fill_form(
        ofqual_late, form, configured={}, previous=[], now=opened + timedelta(days=6)
    )
    assert append_measurement(signed, same_six_days_later) == signed


@pytest.mark.parametrize("ending", list(WRITERS))
@pytest.mark.parametrize("form", ["A", "B", "C", "D", "note"])
def test_a_signed_report_contains_only_the_filled_form(
    ofqual_late: Incident, form: str, ending: str
) -> None:
    report = signed_report(ofqual_late, form)
    text = plain(ending, WRITERS[ending](report))
    for part_of_the_draft in (
        "to be completed",
        "Check the citation",
        "Annex",
        "Version of",
        DIGEST,  # of the record of evidence `ev-1`
        "ev-1",
        "Incident",
        "☐",
        "Draft",
        "is not confirmed",
    ):
        assert part_of_the_draft not in text
    assert DIGEST in plain(ending, WRITERS[ending](report, Document.EVIDENCE))
    assert "☐" in plain(ending, WRITERS[ending](report, Document.STEPS))


@pytest.mark.parametrize("form", ["A", "B", "C", "D", "note"])
def test_signed_report_leaves_out_optional_questions_without_an_answer(
    ofqual_late: Incident, form: str
) -> None:
    """No one answered anything. A row of a required question stays, with an empty cell."""
    report = signed_report(ofqual_late, form)
    grids = [block for block in build_outline(report) if isinstance(block, Grid)]
    shown = {label for grid in grids for label, _ in grid.rows}
    for field in report.fields():
        if field.label is not None:
            assert (field.label in shown) == (field.required or bool(field.paragraphs))
    assert "None" not in plain("html", WRITERS["html"](report))


def test_the_date_of_report_is_the_day_of_signing(ofqual_late: Incident) -> None:
    report = signed_report(ofqual_late, at=datetime(2018, 1, 8, 9, 31, tzinfo=UTC))
    assert get_field(report, "B.1.date").paragraphs == ("8 January 2018",)


def test_typed_date_of_report_is_kept_at_signing(ofqual_late: Incident) -> None:
    dated = append_edit(
        first_version(ofqual_late), {"B.1.date": "6 January 2018"}, "press", ON_5_JANUARY
    )
    report = sign(dated, at=datetime(2018, 1, 8, 9, 31, tzinfo=UTC))[-1].report
    pieces = build_pieces(get_field(report, "B.1.date"), signed=True)
    assert [piece.text for piece in pieces] == ["6 January 2018"]


def test_signing_a_note_fills_the_box_for_its_sign_off(ofqual_late: Incident) -> None:
    report = signed_report(ofqual_late, "note")
    assert typed_answer(report, "N.signoff") == "The Head of Profession, 5 January 2018"


def test_empty_box_prevents_signing_unless_it_is_optional(ofqual_late: Incident) -> None:
    obstacles = list_obstacles(draft_when_overdue_by(ofqual_late, minutes=1), ofqual_late.facts)
    assert any("[B.2.account]: is to be completed" in line for line in map(str, obstacles))
    optional_box = "[B.1.statement]"
    assert not any(optional_box in line for line in map(str, obstacles))


def test_box_with_two_wordings_or_a_prompt_prevents_signing(ofqual_late: Incident) -> None:
    """With an answer in every box, a draft can be signed. It cannot if a box has two wordings,
    because two people changed it, or if it still has a prompt in brackets.
    """
    report = draft_when_overdue_by(ofqual_late, minutes=1)
    assert list_obstacles(answer_every_box(report), ofqual_late.facts) == []
    words = {field.id: "Answered." for field in report.fields() if field.placeholder}
    # A box with two wordings begins with TWO_WORDINGS, until someone makes them one.
    words |= {"B.3.impact": f"{TWO_WORDINGS}: one", "B.4.corrective": "So [to be completed: more]"}
    impact, corrective = map(str, list_obstacles(merge_words(words, report), ofqual_late.facts))
    assert "[B.3.impact]: holds two wordings" in impact
    assert "[B.4.corrective]: still holds [to be completed" in corrective


def answer_every_box(report: Report) -> Report:
    return merge_words(
        {field.id: "Answered." for field in report.fields() if field.placeholder}, report
    )


def test_a_release_still_overdue_is_an_obstacle_to_signing(ofqual_late: Incident) -> None:
    answered = answer_every_box(draft_when_overdue_by(ofqual_late, minutes=1))
    overdue = replace(facts_of(ofqual_late), verdict=VerdictKind.OVERDUE, final=False)
    assert list_obstacles(answered, overdue) == [Obstacle("the release is still overdue")]


def test_a_release_still_exposed_is_an_obstacle_to_signing(ofsted_early: Incident) -> None:
    facts = facts_of(ofsted_early)
    answered = answer_every_box(draft_of(ofsted_early, now=facts.at))
    page = facts.parts[0]
    still_public = replace(
        page, exposures=tuple(replace(each, open=True) for each in page.exposures)
    )
    exposed = replace(facts, parts=(still_public,))
    assert list_obstacles(answered, exposed) == [Obstacle("the release is still exposed")]


def test_a_signed_version_is_frozen_with_its_digest(ofqual_late: Incident) -> None:
    """A digest is a hash of a version's report and typed texts.

    A later measurement only adds a version.
    """
    signed_at = datetime(2018, 1, 5, 9, 31, tzinfo=UTC)
    first, signed = sign(first_version(ofqual_late), signed_at)
    assert signed.signed == signed_at
    assert signed.digest == compute_digest(signed.report, signed.words)
    assert (
        str(signed.report.signed)
        == "Signed off by the Head of Profession at 09:31 GMT on 5 January 2018 as version 2"
    )
    *before_measurement, _ = append_measurement(
        (first, signed), draft_when_overdue_by(ofqual_late, minutes=60)
    )
    assert before_measurement == [first, signed]


def test_a_change_after_sign_off_is_marked_as_an_amendment(ofqual_late: Incident) -> None:
    versions = sign(first_version(ofqual_late))
    later = ON_5_JANUARY + timedelta(days=6)
    versions = append_edit(
        versions, {"B.4.corrective": "Extra monitoring."}, "press officer", later
    )
    report = versions[-1].report
    # The amendment also changes the date of the report.
    assert report.amendments == (
        (
            "Amended after sign-off on 11 January 2018 by press officer: "
            "Date of report and 4. Corrective actions (taken or planned) to prevent re-occurrence."
        ),
    )
    assert get_field(report, "B.1.date").paragraphs == (
        "5 January 2018, last amended 11 January 2018",
    )
    assert "Amended after sign-off" in WRITERS["html"](report).decode()


@pytest.mark.parametrize("form", ["A", "B", "C", "D", "note"])
def test_an_answered_draft_shows_no_guidance(ofqual_late: Incident, form: str) -> None:
    draft = draft_when_overdue_by(ofqual_late, minutes=5, form=form)
    questions = [text for field in draft.fields() for text in field.guidance if text.endswith("?")]
    unanswered, answered = (
        WRITERS["md"](draft).decode(),
        WRITERS["md"](answer_every_box(draft)).decode(),
    )
    assert "to be completed" not in answered
    assert questions
    for question in questions:
        assert question in unanswered
        assert question not in answered


def replace_account(incident: Incident, text: str) -> Report:
    """Return the draft of an incident in which a person wrote another account in place of ours."""
    draft = draft_of(incident, now=facts_of(incident).at)
    return merge_words({"B.2.account": text, f"{INSTEAD_PREFIX}B.2.account": "yes"}, draft)


@pytest.mark.parametrize(
    ("text", "wrong_figures"),
    [
        ("It could be seen at 17:00 on 20 March, ahead of 9:30.", []),
        ("It was due at 9.30am and public from about 4.58pm.", []),
        ("Public from 16.55, gone by 5:30pm: 25 to 35 minutes.", []),
        ("We reported it on 21 March 2017 and replied on 3rd Apr, 12/04/2017.", []),
        ("It was removed at 5.40pm.", ["5.40pm"]),
        ("It was public from 17:31:10, for 54 readers.", ["17:31:10", "54"]),
        ("It was out by noon.", ["12pm"]),
    ],
)
def test_typed_times_and_numbers_outside_the_measured_bounds_are_found(
    ofsted_early: Incident, text: str, wrong_figures: list[str]
) -> None:
    """The page was due at 9.30am on 22 March. It was public from 4.55pm or 5pm until 5.25pm or
    5.30pm on 20 March. For example, in “It was removed at 5.40pm.” the time is wrong.
    """
    assert find_wrong_numbers(replace_account(ofsted_early, text), "B.2.account") == wrong_figures


def test_typed_minutes_in_which_a_measured_interval_begins_are_accepted(
    ofqual_late: Incident,
) -> None:
    """The page came between 12:18:45 and 12:19, the report elsewhere between 09:59:45 and 10:00."""
    text = "The page came at 12:18, 168 minutes late; the report could be read from 09:59."
    assert find_wrong_numbers(replace_account(ofqual_late, text), "B.2.account") == []


def test_a_box_that_two_people_changed_gets_both_wordings() -> None:
    """The box `same` was changed alike, `mine` only by this person, `both` differently."""
    before = {"both": "old", "same": "old", "mine": "old", "emptied": "old"}
    now = {"both": "theirs", "same": "new", "mine": "old", "emptied": "theirs"}
    typed = {"both": "mine", "same": "new", "mine": "new", "emptied": ""}
    merged, conflicts = combine_changes(typed, before, now, "desk")
    both = f"{TWO_WORDINGS}\ntheirs\n[as desk wrote it meanwhile]\nmine"
    assert merged == {"both": both, "same": "new", "mine": "new"}
    assert conflicts == (Conflict("both", "theirs", "mine"),)
