"""Drafts that are edited at random and read back keep all typed text, and none of our text becomes
an edit.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import docx
import pytest
from docx.text.paragraph import Paragraph
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from alerts.draft.fill import fill_form
from alerts.draft.form import get_form, load_forms
from alerts.draft.report import Field, Report
from alerts.draft.take_back import find_file_changes
from alerts.draft.versions import Versions, append_edit, append_measurement
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import all_paragraphs, save_with_libreoffice

PROMPT_EDITS = ("instead", "behind", "before", "below", "out")
MEASURED_EDITS = ("instead", "out")
WORDS = (
    *(
        "A certificate had expired",
        "at 09:41",
        "https://example.org/a_b?x=1.",
        "(https://example.org/z)",
        "<b>",
        "~",
    ),
    *(
        "*twice*",
        "| bar",
        "• bullet",
        "- item",
        "# one",
        "1. first",
        "[to do]",
        "\\slash",
        "`x`",
        "None",
        "&amp;",
        "“ŵy”",
    ),
)
TYPED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


def edit_paragraph(body: bytes, ours: str, kind_of_edit: str, typed: str) -> bytes | None:
    """Edit a paragraph of ours in a word processor's file. None where it is not found."""
    document = docx.Document(io.BytesIO(body))
    paragraph = next((each for each in all_paragraphs(document) if each.text == ours), None)
    if paragraph is None:
        return None
    match kind_of_edit:
        case "instead":
            paragraph.text = typed
        case "behind":
            paragraph.add_run(f" {typed}")
        case "before":
            paragraph.text = f"{typed} {ours}"
        case "below":
            below = copy.deepcopy(paragraph._p)
            paragraph._p.addnext(below)
            Paragraph(below, paragraph._parent).text = typed
        case _:
            paragraph.text = ""
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def list_possible_edits(report: Report) -> list[tuple[Field, str, str]]:
    """Return what can be edited: a box, a text of ours that stands once in the draft, and how."""
    every = [
        text
        for field in report.fields()
        for text in (*field.paragraphs, *field.guidance, field.placeholder)
    ]
    every += [
        *report.certainty,
        *(cell for table in report.annex for row in table.rows for cell in row),
    ]
    every += [
        line
        for table in report.measured
        for row in table.rows
        for cell in row
        for line in cell.split("\n")
    ]
    found = []
    for field in report.fields():
        prompts = (*field.guidance, field.placeholder) if field.answer is None else ()
        measured = field.paragraphs if not field.is_replaced else ()
        found += [(field, text, kind_of_edit) for text in prompts for kind_of_edit in PROMPT_EDITS]
        found += [
            (field, text, kind_of_edit) for text in measured for kind_of_edit in MEASURED_EDITS
        ]
    return [each for each in found if each[1] and "\n" not in each[1] and every.count(each[1]) == 1]


def draw_draft(
    data: st.DataObject, incidents: Mapping[str, Incident], own: Mapping[str, str]
) -> tuple[Versions, Versions]:
    """Return a draft as it was when its file was saved, and as it is when the file is read."""
    incident = data.draw(st.sampled_from(sorted(incidents.values(), key=lambda each: each.id)))
    form = get_form(data.draw(st.sampled_from([name for name in load_forms() if name != "period"])))
    known = data.draw(st.sampled_from([{}, dict(own)]))
    now = max(incident.opened, incident.facts.at if incident.facts else incident.opened)
    saved = append_measurement((), fill_form(incident, form, known, previous=[], now=now))
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from([field.id for field in saved[-1].report.fields()]))
        saved = append_edit(saved, {name: data.draw(TYPED)}, "web editor", now)
    if data.draw(st.booleans()):
        return saved, saved
    later = replace(incident, title=f"{incident.title}, revised")
    again = fill_form(
        later, form, {**known, "contact": "new desk"}, previous=[], now=now + timedelta(minutes=5)
    )
    return saved, append_measurement(saved, again)


@dataclass(frozen=True)
class Edited:
    """A file as a person saved it, and what they did to it."""

    now: Versions
    field: Field
    kind_of_edit: str
    typed: str
    body: bytes

    def check_words_read_from(self, body: bytes) -> None:
        """Check what is read from the file, which may have been saved again, against the edit."""
        words = find_file_changes(self.now, body, "statistician").words
        field, answer = self.field, words.get(self.field.id, "")
        assert set(words) <= {field.id, f"instead.{field.id}"}
        assert self.kind_of_edit == "out" or self.typed.strip() in answer
        assert not [
            text for text in (*field.guidance, field.placeholder) if text and text in answer
        ]
        # Where what a person says takes the place of what was measured, all that the box holds is
        # theirs.
        is_all_theirs = field.has_one_answer or f"instead.{field.id}" in words
        assert is_all_theirs or not [
            text for text in field.paragraphs if text in answer and text not in self.typed
        ]


def draw_edited_file(
    data: st.DataObject, incidents: Mapping[str, Incident], own: Mapping[str, str]
) -> Edited | None:
    """Return a draft edited at random, or None if the text to be edited is not one paragraph of the
    file.
    """
    saved, now = draw_draft(data, incidents, own)
    report = saved[-1].report
    field, ours, kind_of_edit = data.draw(st.sampled_from(list_possible_edits(report)))
    typed = data.draw(TYPED)
    body = edit_paragraph(WRITERS["docx"](report), ours, kind_of_edit, typed)
    return None if body is None else Edited(now, field, kind_of_edit, typed, body)


@pytest.mark.slow
@pytest.mark.explored
@given(data=st.data())
@limits(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_edit_keeps_typed_words_and_takes_no_form_text(
    incidents: dict[str, Incident], settings: Mapping[str, str], data: st.DataObject
) -> None:
    """A person edits one paragraph of a draft in its .docx file. Draft and edit are random."""
    edited = draw_edited_file(data, incidents, settings)
    assume(edited is not None)
    assert edited is not None  # tells the type checker what `assume` ensures
    # The typed words must be in the answer of the edited box. No other box may change, and no
    # prompt may be read.
    edited.check_words_read_from(edited.body)


@pytest.mark.explored
@pytest.mark.needs("libreoffice")
@given(data=st.data())
@limits(
    max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_no_word_is_lost_when_libreoffice_saves_odt_and_back(
    incidents: dict[str, Incident],
    settings: Mapping[str, str],
    soffice: str,
    tmp_path: Path,
    data: st.DataObject,
) -> None:
    """Twelve drafts are edited at random. LibreOffice saves each as .odt and that again as
    .docx.
    """
    edited_files = [
        edited for _ in range(12) if (edited := draw_edited_file(data, incidents, settings))
    ]
    assume(edited_files)
    files = [tmp_path / f"{number}.docx" for number in range(len(edited_files))]
    for file, edited in zip(files, edited_files, strict=True):
        file.write_bytes(edited.body)
    odt_files = save_with_libreoffice(soffice, tmp_path, files, ending="odt", into="odt")
    files = save_with_libreoffice(soffice, tmp_path, odt_files, ending="docx", into="docx")
    for file, edited in zip(files, edited_files, strict=True):
        edited.check_words_read_from(file.read_bytes())
