from __future__ import annotations

import io

import docx
import pytest

from alerts.draft.edits import merge_words
from alerts.draft.fill import fill_form
from alerts.draft.form import get_form, load_forms
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


def template(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def text_of_docx(body: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(body)).paragraphs)


@pytest.fixture
def note(ofqual_january: Incident) -> Report:
    assert ofqual_january.facts is not None
    return fill_form(ofqual_january, get_form("note"), {}, [], ofqual_january.facts.at)


def test_an_organisations_own_template_is_filled(note: Report) -> None:
    told = text_of_docx(fill_template(template("Ref {{ incident }}", "{{ what_happened }}", "{{ reasons }}"), note))
    assert "Ref ofqual-2018-01" in told
    assert "The landing page was not available until 12.19pm." in told
    assert "[to be completed: how and why it happened" in told


def test_parts_can_be_looped_over(note: Report) -> None:
    loop = template("{% for part in parts %}{{ part.name }} | {{ part.delay }}; {% endfor %}")
    told = text_of_docx(fill_template(loop, note))
    assert told.count(";") == 3
    assert "29 to 30 minutes after it" in told


def test_text_a_person_typed_is_never_read_as_markup(note: Report) -> None:
    typed = "A <b> & “£5” {{ incident }} {% x %}"
    told = text_of_docx(fill_template(template("{{ reasons }}"), merge_words({"N.why": typed}, note)))
    assert told == typed


def test_names_there_are_not_are_listed(note: Report) -> None:
    wrong = template("{{ reason }} {{ impact }} {{ cause }}")
    assert find_unknown_names(wrong) == ["cause", "reason"]
    with pytest.raises(BadTemplate, match=r"cause|reason"):
        fill_template(wrong, note)


@pytest.mark.parametrize("body", [b"", b"not a zip", template("{% for x in %}"), template("{{ ''.__class__.mro() }}")])
def test_a_template_that_is_none_is_refused(body: bytes, note: Report) -> None:
    with pytest.raises(BadTemplate):
        fill_template(body, note)


def test_every_placeholder_of_a_template_has_a_value_on_every_form(ofqual_january: Incident) -> None:
    for form in load_forms():
        if form != "period":
            held = collect_values(fill_form(ofqual_january, get_form(form), {}, [], ofqual_january.opened))
            assert set(held) == set(TEMPLATE_NAMES)
            assert all(held[name] for name in BOX_FACTS)
