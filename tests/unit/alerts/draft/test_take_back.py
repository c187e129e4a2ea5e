from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from docx.document import Document
from docx.oxml.ns import qn
from hypothesis import HealthCheck, example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from lxml import etree

from alerts.draft.edits import merge_words
from alerts.draft.form import load_forms
from alerts.draft.read.places import DONE_WITHOUT_TIME, Unreadable
from alerts.draft.report import Report
from alerts.draft.take_back import find_file_changes
from alerts.draft.versions import Versions, append_edit, append_measurement, append_signature
from alerts.draft.write.outline import BLANK_NOTE, make_printable
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of
from tests.unit.alerts.draft.saved import (
    edit_docx,
    find_paragraph,
    read_answers,
    replace_paragraph,
    save_with_libreoffice,
)

NOW = datetime(2018, 1, 5, 12, 30, tzinfo=UTC)
FORMS = [name for name in load_forms() if name != "period"]
ROLE = "press officer"
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=60
)
MARKUP = st.text(st.sampled_from("\\|<br>*_`>#-+=.) \n1a•☑[]"), min_size=1, max_size=24)
TOKENS = (
    "https://example.org/",
    "http://",
    "a_b",
    "<",
    ">",
    "|",
    "\\",
    ".",
    ")",
    " ",
    "\n",
    "?x=1&y",
    "“",
)
LINKS = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=12).map("".join)


def draft_versions(incident: Incident, form: str = "B") -> Versions:
    """Return the first version of a draft."""
    return append_measurement((), draft_of(incident, form, now=NOW))


def write_docx(report: Report) -> bytes:
    return WRITERS["docx"](report)


def docx_with_answers(versions: Versions, words: Mapping[str, str]) -> bytes:
    """Return the file of a person who typed these words into their boxes."""
    return write_docx(merge_words({**versions[-1].words, **words}, versions[-1].report))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_unedited_file_is_read_back_without_changes(
    incidents: dict[str, Incident], form: str
) -> None:
    for incident in incidents.values():
        versions = draft_versions(incident, form)
        assert read_answers(versions, write_docx(versions[-1].report)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_every_box_and_step_of_every_form_is_read_back(ofqual_late: Incident, form: str) -> None:
    versions = draft_versions(ofqual_late, form)
    report = versions[-1].report
    names = [field.id for field in report.fields()] + [f"step.{step.id}" for step in report.steps]
    words = {name: f"Typed into {name},\nat 09:40." for name in names}
    assert read_answers(versions, docx_with_answers(versions, words)) == words


@pytest.mark.slow
@given(
    text=TEXTS | MARKUP | LINKS,
    name=st.sampled_from(["B.1.producer", "B.2.clause", "B.2.account", "B.4.corrective"]),
)
@limits(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_character_typed_in_the_file_is_lost(
    ofqual_late: Incident, text: str, name: str
) -> None:
    versions = draft_versions(ofqual_late)
    read = read_answers(versions, docx_with_answers(versions, {name: text}))
    # A text of spaces is no answer, and is not written.
    assert dict(read) == ({name: make_printable(text)} if text.strip() else {})


@pytest.mark.slow
@example(steps=[("type in a file", "\x1f")])
@example(steps=[("type on the web", "\x1b"), ("type in a file", "\x1b")])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["type on the web", "type in a file", "measure again"]), TEXTS | MARKUP
        ),
        max_size=5,
    )
)
@limits(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_typed_text_is_lost_between_web_files_and_measurements(
    ofqual_late: Incident, steps: list[tuple[str, str]]
) -> None:
    """A step is a text typed on the web, a text typed in a file, or a new measurement. Hypothesis
    chooses the steps. After each one, every text typed so far is in some version of the draft.
    """
    versions = draft_versions(ofqual_late)
    versions_when_downloaded = versions
    typed_texts: list[str] = []
    for minutes, (action, text) in enumerate(steps):
        now, answer = NOW + timedelta(minutes=minutes), {"B.3.impact": text}
        match action:
            case "type on the web":
                versions = append_edit(versions, answer, "web editor", now)
            case "type in a file":
                file = docx_with_answers(versions_when_downloaded, answer)
                words = read_answers(versions, file)
                versions = append_edit(versions, words, ROLE, now) if words else versions
            case "measure again":
                # Before each measurement someone downloads the file. So it lacks the measurement
                # and later edits.
                versions_when_downloaded = versions
                incident_now = replace(ofqual_late, title=f"measured {minutes}")
                report = draft_of(incident_now, now=now, configured={"contact": str(minutes)})
                versions = append_measurement(versions, report)
        is_blank = not text.strip()  # and so no answer
        if action != "measure again" and not is_blank:
            typed_texts.append(text)
        answers_of_versions = [
            make_printable(version.words.get("B.3.impact", "")) for version in versions
        ]
        for typed in typed_texts:
            # `make_printable` because a file shows a control character as its picture.
            assert any(make_printable(typed) in answer_kept for answer_kept in answers_of_versions)


@pytest.mark.parametrize(
    "edited_paragraph",
    [
        "{prompt} A link was mistyped.",
        "A link was mistyped. {prompt}",
        "A link {prompt} was mistyped.",
    ],
)
def test_text_typed_into_a_prompt_is_read_without_the_prompt(
    ofqual_late: Incident, edited_paragraph: str
) -> None:
    """A person types the sentence before, after or inside the prompt, and leaves the prompt in the
    file.
    """
    versions = draft_versions(ofqual_late)

    def type_into_prompt(document: Document) -> None:
        prompt = find_paragraph(document, "completed: how and why")
        prompt.text = edited_paragraph.format(prompt=prompt.text)

    file = edit_docx(write_docx(versions[-1].report), type_into_prompt)
    assert read_answers(versions, file) == {"B.2.account": "A link was mistyped."}


def test_reworded_answer_of_the_monitor_is_read_as_typed(ofqual_late: Incident) -> None:
    """The monitor filled in the producer as “ofqual”. A person changed that to “Ofqual”."""
    versions = draft_versions(ofqual_late)
    file = replace_paragraph(write_docx(versions[-1].report), "^ofqual$", "Ofqual")
    assert read_answers(versions, file) == {"B.1.producer": "Ofqual"}


def test_answer_deleted_in_file_is_read_as_blank(ofqual_late: Incident) -> None:
    versions = append_edit(draft_versions(ofqual_late), {"B.4.corrective": "Nothing."}, ROLE, NOW)
    file = replace_paragraph(write_docx(versions[-1].report), r"^Nothing\.$", "")
    assert read_answers(versions, file) == {"B.4.corrective": ""}


def test_a_step_timed_or_ticked_in_the_file_is_done(ofqual_late: Incident) -> None:
    """A draft lists steps to do.

    In its file, a person writes a time below the first one and ticks the second.
    """
    versions = draft_versions(ofqual_late)
    first, second, *_ = versions[-1].report.steps

    def time_first_and_tick_second(document: Document) -> None:
        # BLANK_NOTE is the line below a step in which a person writes time and role.
        find_paragraph(document, f"^{BLANK_NOTE}$").text = "Time: 09:34 By: duty statistician"
        find_paragraph(document, f"^☐ {re.escape(second.text)}").text = f"☑ {second.text}"

    file = edit_docx(write_docx(versions[-1].report), time_first_and_tick_second)
    assert read_answers(versions, file) == {
        f"step.{first.id}": "Time: 09:34 By: duty statistician",
        f"step.{second.id}": DONE_WITHOUT_TIME,
    }


def test_two_answers_to_one_box_are_kept_as_conflict(ofqual_late: Incident) -> None:
    """A person answers two boxes in a file. Meanwhile someone answers the first of them on the web.
    When the file is read back, that box keeps both answers, and the second box has the answer of
    the file.
    """
    first = draft_versions(ofqual_late)
    file = docx_with_answers(first, {"B.3.impact": "None known.", "B.4.corrective": "Checks."})
    versions = append_edit(
        first, {"B.3.impact": "Two calls."}, "web editor", NOW + timedelta(minutes=1)
    )
    changes = find_file_changes(versions, file, ROLE)
    [conflict] = changes.conflicts
    assert (conflict.field, conflict.stored, conflict.typed) == (
        "B.3.impact",
        "Two calls.",
        "None known.",
    )
    assert "Two calls." in changes.words["B.3.impact"]
    assert f"{ROLE} wrote it meanwhile]\nNone known." in changes.words["B.3.impact"]
    assert changes.words["B.4.corrective"] == "Checks."
    # To read the same file again changes nothing.
    read_once = append_edit(versions, changes.words, ROLE, NOW + timedelta(minutes=2))
    assert read_answers(read_once, file) == {}


def test_deleting_an_old_answer_does_not_delete_a_newer_one(ofqual_late: Incident) -> None:
    """A person saves a draft as a file and deletes the answer “One call.” in it. Meanwhile someone
    changes that answer on the web to “Two calls.” When the file is read back, the newer answer is
    kept.
    """
    when_saved = append_edit(
        draft_versions(ofqual_late), {"B.3.impact": "One call."}, ROLE, NOW + timedelta(minutes=1)
    )
    file = replace_paragraph(write_docx(when_saved[-1].report), r"^One call\.$", "")
    # Without the change on the web, the deletion counts.
    assert read_answers(when_saved, file) == {"B.3.impact": ""}
    edited_since = append_edit(
        when_saved, {"B.3.impact": "Two calls."}, "web editor", NOW + timedelta(minutes=2)
    )
    assert read_answers(edited_since, file) == {}


def test_file_is_compared_with_version_it_was_written_from(ofqual_late: Incident) -> None:
    """The file was written from the first version. Later the draft got a contact and was signed."""
    first = draft_versions(ofqual_late)
    file = docx_with_answers(first, {"B.4.corrective": "Checks."})
    with_contact = draft_of(
        ofqual_late, now=NOW + timedelta(minutes=5), configured={"contact": "Press desk"}
    )
    signed_at = NOW + timedelta(minutes=6)
    versions = append_signature(
        append_measurement(first, with_contact), "head of profession", signed_at
    )
    changes = find_file_changes(versions, file, ROLE)
    assert changes.base == first[-1].number
    # The contact that a later version has, and the file lacks, does not count as deleted.
    assert changes.words == {"B.4.corrective": "Checks."}


@pytest.mark.parametrize(
    ("next_paragraph", "text", "style"),
    [
        ("^Tick and time", "And one more thing.", "Said"),
        ("^REPORTING", "My own title", "Heading 1"),
        ("^Annex A", "A heading of mine", "Heading 2"),
        ("^Within$", "Soon", "Said"),
    ],
)
def test_text_typed_outside_every_box_is_refused(
    ofqual_late: Incident, next_paragraph: str, text: str, style: str
) -> None:
    """The text is typed before the paragraph that matches `next_paragraph`, such as the heading of
    annex A.
    """
    versions = draft_versions(ofqual_late)
    file = edit_docx(
        write_docx(versions[-1].report),
        lambda document: find_paragraph(document, next_paragraph).insert_paragraph_before(
            text, style
        ),
    )
    with pytest.raises(Unreadable, match="words outside every box"):
        find_file_changes(versions, file, ROLE)


def test_a_file_that_is_no_docx_is_refused(ofqual_late: Incident) -> None:
    with pytest.raises(Unreadable):
        find_file_changes(draft_versions(ofqual_late), b"\xff\x00 hello", ROLE)


def test_a_draft_of_another_form_is_refused(ofqual_late: Incident) -> None:
    file_of_form_d = write_docx(draft_versions(ofqual_late, "D")[-1].report)
    with pytest.raises(Unreadable, match="no box of this draft's form"):
        find_file_changes(draft_versions(ofqual_late, "A0"), file_of_form_d, ROLE)


def test_text_typed_with_tracked_changes_is_read(ofqual_late: Incident) -> None:
    versions = draft_versions(ofqual_late)

    def delete_prompt_and_insert_text(document: Document) -> None:
        place = find_paragraph(document, "corrective actions taken")
        [prompt] = place.runs
        # python-docx has no functions for tracked changes.
        deleted, inserted = (etree.SubElement(place._p, qn(tag)) for tag in ("w:del", "w:ins"))
        deleted.append(prompt._r)
        for text in prompt._r.iter(qn("w:t")):
            text.tag = qn("w:delText")
        etree.SubElement(etree.SubElement(inserted, qn("w:r")), qn("w:t")).text = "Extra checks."

    file = edit_docx(write_docx(versions[-1].report), delete_prompt_and_insert_text)
    assert read_answers(versions, file) == {"B.4.corrective": "Extra checks."}


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("source", ["docx", "odt"])
def test_a_docx_file_saved_by_libreoffice_is_read_back(
    soffice: str, tmp_path: Path, ofqual_late: Incident, source: str
) -> None:
    """Our file (`source`: docx or odt) has three typed answers. LibreOffice saves it as .docx, that
    as .odt, and that as .docx again. Both .docx files are read back with the same answers.
    """
    versions = draft_versions(ofqual_late)
    words = {
        "B.1.producer": "Ofqual",
        "B.4.corrective": "Extra checks,\n  twice.",
        "step.tell-head": "09:34",
    }
    ours = tmp_path / f"draft.{source}"
    ours.write_bytes(WRITERS[source](merge_words(words, versions[-1].report)))
    [as_docx] = save_with_libreoffice(soffice, tmp_path, [ours], ending="docx", into="1")
    [as_odt] = save_with_libreoffice(soffice, tmp_path, [as_docx], ending="odt", into="2")
    [as_docx_again] = save_with_libreoffice(soffice, tmp_path, [as_odt], ending="docx", into="3")
    for file in (as_docx, as_docx_again):
        assert read_answers(versions, file.read_bytes()) == words
