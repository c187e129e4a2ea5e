from __future__ import annotations

import io

import docx
import pytest

from alerts.draft.edits import merge
from alerts.draft.fill import fill
from alerts.draft.form import form_named, forms
from alerts.draft.report import Report
from alerts.draft.write.template import BOXES, FIELDS, BadTemplate, fields_of, unknown_fields, write_template
from alerts.incident import Incident


def template(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def read(body: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(body)).paragraphs)


@pytest.fixture
def note(ofqual_january: Incident) -> Report:
    assert ofqual_january.facts is not None
    return fill(ofqual_january, form_named("note"), {}, [], ofqual_january.facts.at)


def test_an_organisations_own_template_is_filled(note: Report) -> None:
    told = read(write_template(template("Ref {{ incident }}", "{{ what_happened }}", "{{ reasons }}"), note))
    assert "Ref ofqual-2018-01" in told
    assert "The landing page was not available until 12.19pm." in told
    assert "[to be completed: how and why it happened" in told


def test_parts_can_be_looped_over(note: Report) -> None:
    loop = template("{% for part in parts %}{{ part.name }} | {{ part.delay }}; {% endfor %}")
    told = read(write_template(loop, note))
    assert told.count(";") == 3
    assert "29 to 30 minutes after it" in told


def test_text_a_person_typed_is_never_read_as_markup(note: Report) -> None:
    typed = "A <b> & “£5” {{ incident }} {% x %}"
    told = read(write_template(template("{{ reasons }}"), merge({"N.why": typed}, note)))
    assert told == typed


def test_names_there_are_not_are_listed(note: Report) -> None:
    wrong = template("{{ reason }} {{ impact }} {{ cause }}")
    assert unknown_fields(wrong) == ["cause", "reason"]
    with pytest.raises(BadTemplate, match=r"cause|reason"):
        write_template(wrong, note)


@pytest.mark.parametrize("body", [b"", b"not a zip", template("{% for x in %}"), template("{{ ''.__class__.mro() }}")])
def test_a_template_that_is_none_is_refused(body: bytes, note: Report) -> None:
    with pytest.raises(BadTemplate):
        write_template(body, note)


def test_every_name_stands_for_something_on_every_form(ofqual_january: Incident) -> None:
    for form in forms():
        if form != "period":
            held = fields_of(fill(ofqual_january, form_named(form), {}, [], ofqual_january.opened))
            assert set(held) == set(FIELDS)
            assert all(held[name] for name in BOXES)
