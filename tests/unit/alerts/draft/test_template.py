from __future__ import annotations

import io
from zipfile import ZipFile

import docx
import pytest

from alerts.draft.edits import merge_words
from alerts.draft.form import load_forms
from alerts.draft.report import Report
from alerts.draft.write.template import (
    BOX_FACTS,
    TEMPLATE_NAMES,
    BadTemplate,
    collect_values,
    fill_template,
    find_unknown_names,
)
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of, facts_of


def docx_of(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    body = io.BytesIO()
    document.save(body)
    return body.getvalue()


def text_of_docx(body: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(body)).paragraphs)


@pytest.fixture
def note(ofqual_late: Incident) -> Report:
    return draft_of(ofqual_late, "note", now=facts_of(ofqual_late).at)


def test_an_organisations_own_template_is_filled(note: Report) -> None:
    text = text_of_docx(
        fill_template(docx_of("Ref {{ incident }}", "{{ what_happened }}", "{{ reasons }}"), note)
    )
    assert "Ref ofqual-2018-01" in text
    assert "The release was not on its landing page until 12.19pm." in text
    assert "[to be completed: how and why it happened" in text


def test_a_template_can_loop_over_the_parts_of_a_release(note: Report) -> None:
    loop = docx_of("{% for part in parts %}{{ part.name }} | {{ part.delay }}; {% endfor %}")
    text = text_of_docx(fill_template(loop, note))
    # The release has three parts: its page, the report and the news.
    assert text.count(";") == 3
    assert "29 to 30 minutes after it" in text


def test_text_a_person_typed_is_never_read_as_markup(note: Report) -> None:
    typed = "A <b> & “£5” {{ incident }} {% x %}"
    text = text_of_docx(
        fill_template(docx_of("{{ reasons }}"), merge_words({"N.why": typed}, note))
    )
    assert text == typed


def test_unknown_template_names_are_listed_and_cannot_be_filled(note: Report) -> None:
    """The known names include `impact` and `reasons`, but neither `reason` nor `cause`."""
    wrong = docx_of("{{ reason }} {{ impact }} {{ cause }}")
    assert find_unknown_names(wrong) == ["cause", "reason"]
    with pytest.raises(BadTemplate, match="'reason' is undefined"):
        fill_template(wrong, note)


def damage(file: bytes) -> bytes:
    """Damage a .docx file as a bad disk would: the compressed bytes of each part begin with an
    invalid one.
    """
    damaged = bytearray(file)
    for part in ZipFile(io.BytesIO(file)).infolist():
        # They follow a header of 30 bytes and the name of the part.
        damaged[part.header_offset + 30 + len(part.filename)] = 7
    return bytes(damaged)


def test_a_damaged_file_is_refused() -> None:
    damaged = damage(docx_of("{{ what_happened }}"))
    with pytest.raises(BadTemplate):
        find_unknown_names(damaged)


@pytest.mark.parametrize(
    "body", [b"", b"not a zip", docx_of("{% for x in %}"), docx_of("{{ ''.__class__.mro() }}")]
)
def test_an_invalid_or_unsafe_template_is_refused(body: bytes, note: Report) -> None:
    with pytest.raises(BadTemplate):
        fill_template(body, note)


FORMS_OF_INCIDENTS = sorted({*load_forms()} - {"period"})


@pytest.mark.parametrize("form", FORMS_OF_INCIDENTS)
def test_every_form_has_a_value_for_exactly_the_template_names(
    ofqual_late: Incident, form: str
) -> None:
    report = draft_of(ofqual_late, form)
    value_by_name = collect_values(report)
    assert set(value_by_name) == set(TEMPLATE_NAMES)


@pytest.mark.parametrize("form", FORMS_OF_INCIDENTS)
def test_every_answer_a_template_may_name_has_text(ofqual_late: Incident, form: str) -> None:
    report = draft_of(ofqual_late, form)
    value_by_name = collect_values(report)
    # A form that does not have the answer gives the value “not asked for”.
    names_of_answers = list(BOX_FACTS)
    assert [name for name in names_of_answers if not value_by_name[name]] == []
