"""An organisation's own template, edited and read back: each answer is found by the text around
it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.document import Document

from alerts.draft.read.places import Unreadable
from alerts.draft.take_back import find_file_changes
from alerts.draft.write.template import fill_template
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import (
    edit_docx,
    find_paragraph,
    read_answers,
    save_with_libreoffice,
)
from tests.unit.alerts.draft.test_odd_files import (
    add_a_comment,
    put_prompt_in_a_control,
    type_in_the_footer,
)
from tests.unit.alerts.draft.test_take_back import ROLE, draft_versions, write_docx


def make_template() -> bytes:
    document = docx.Document()
    document.add_heading("Department for Example: {{ subject }}", 1)
    document.add_paragraph("What happened: {{ what_happened }}")
    document.add_paragraph("{{ impact }}")
    document.add_heading("4. Corrective actions", 2)
    document.add_paragraph("{{ corrective_actions }}")
    document.add_paragraph(
        "{% if agreed_by %}Agreed by {{ agreed_by }}, for {{ producer_name }}.{% endif %}"
    )
    table = document.add_table(2, 2)
    for cell, text in zip(
        table._cells, ["Who", "Where", "{{ contact }}", "{{ output }}"], strict=True
    ):
        cell.text = text
    document.sections[0].footer.paragraphs[0].text = "Reference {{ incident }}"
    body = io.BytesIO()
    document.save(body)
    return body.getvalue()


def answers_read_back(incident: Incident, edit: Callable[[Document], object]) -> dict[str, str]:
    """Fill our template, edit the file, and return the answers that are read from it."""
    versions = draft_versions(incident)
    file = edit_docx(fill_template(make_template(), versions[-1].report), edit)
    return {
        name: text.strip() for name, text in read_answers(versions, file, make_template()).items()
    }


def change_nothing(document: Document) -> None:
    assert document.paragraphs


def replace_prompt(document: Document) -> None:
    find_paragraph(document, "corrective actions taken").text = "Extra checks."


def append_to_prompt(document: Document) -> None:
    find_paragraph(document, "corrective actions taken").add_run(" Extra checks.")


def type_two_paragraphs(document: Document) -> None:
    place = find_paragraph(document, "corrective actions taken")
    place.insert_paragraph_before("Extra checks,")
    place.text = "each day."


def reword_the_producer(document: Document) -> None:
    place = find_paragraph(document, "^Agreed by")
    place.text = place.text.replace("for ofqual.", "for the exams watchdog.")


def type_in_a_cell(document: Document) -> None:
    document.tables[0].rows[1].cells[0].text = "Press desk"


def insert_below_prompt(document: Document) -> None:
    find_paragraph(document, "^4. Corrective").insert_paragraph_before("One call.")


def edit_cell_and_prompt(document: Document) -> None:
    type_in_a_cell(document)
    replace_prompt(document)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type_text", "expected_answers"),
    [
        (change_nothing, {}),
        (replace_prompt, {"B.4.corrective": "Extra checks."}),
        (append_to_prompt, {"B.4.corrective": "Extra checks."}),
        (type_two_paragraphs, {"B.4.corrective": "Extra checks,\neach day."}),
        (put_prompt_in_a_control, {"B.4.corrective": "Extra checks."}),
        (reword_the_producer, {"B.1.producer": "the exams watchdog"}),
        (type_in_a_cell, {"B.1.dealing": "Press desk"}),
        (insert_below_prompt, {"B.3.impact": "One call."}),
        (edit_cell_and_prompt, {"B.1.dealing": "Press desk", "B.4.corrective": "Extra checks."}),
    ],
)
def test_text_typed_into_filled_template_answers_its_box(
    ofqual_late: Incident, type_text: Callable[[Document], object], expected_answers: dict[str, str]
) -> None:
    """For example, a person types under the template's heading “4.

    Corrective actions”: that answers B.4.corrective.
    """
    versions = draft_versions(ofqual_late)
    template = make_template()
    filled = fill_template(template, versions[-1].report)
    edited = edit_docx(filled, type_text)
    answers = read_answers(versions, edited, template)
    assert {name: text.strip() for name, text in answers.items()} == expected_answers


def reword_the_title(document: Document) -> None:
    find_paragraph(document, "^Department").text = "Ministry for Example"


def add_a_row(document: Document) -> None:
    document.tables[0].add_row().cells[0].text = "Extra checks."


def add_a_table(document: Document) -> None:
    document.add_table(1, 1).rows[0].cells[0].text = "Extra checks."


def type_between_two_boxes(document: Document) -> None:
    find_paragraph(document, "^What happened").text = "What happened: nothing."
    find_paragraph(document, "impact").text = "One call."
    find_paragraph(document, "^One call").insert_paragraph_before("Two calls.")


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (
            reword_the_title,
            "before any table it holds words outside every box.*Ministry for Example",
        ),
        (add_a_row, "in table 1, row 3, cell 1 it holds words outside every box.*Extra checks"),
        (add_a_table, "in table 2, row 1, cell 1 it holds words outside every box.*Extra checks"),
        (add_a_comment, "under “the comments of the file” .*Is that all"),
        (type_in_the_footer, "under “the footer of the file” .*Not final"),
        (
            type_between_two_boxes,
            "before any table answers stand side by side; whose this is cannot be known.*Two calls",
        ),
    ],
)
def test_changes_outside_the_boxes_of_a_filled_in_template_are_refused(
    ofqual_late: Incident, edit: Callable[[Document], None], fault: str
) -> None:
    """A draft was written in the organisation's own Word template. A person edits the file, and it
    is read back. The draft can keep only text in boxes. For example, another title, a new row of a
    table or text in the footer is lost. So reading it back fails.
    """
    with pytest.raises(Unreadable, match=fault):
        answers_read_back(ofqual_late, edit)


def test_box_with_two_texts_in_two_places_is_refused(ofqual_late: Incident) -> None:
    def change_both_places(document: Document) -> None:
        cell_of_output = document.tables[0].rows[1].cells[1]
        cell_of_output.text = "Malpractice"
        find_paragraph(document, "^Output").text = "Output: malpractice tables"

    with_output_twice = edit_docx(
        make_template(), lambda document: document.add_paragraph("Output: {{ output }}")
    )
    versions = draft_versions(ofqual_late)
    file = edit_docx(fill_template(with_output_twice, versions[-1].report), change_both_places)
    with pytest.raises(Unreadable, match="stands in two places, and reads two ways"):
        find_file_changes(versions, file, ROLE, with_output_twice)


def test_changed_text_of_two_adjacent_boxes_is_refused(ofqual_late: Incident) -> None:
    side_by_side = edit_docx(
        make_template(), lambda document: document.add_paragraph("{{ contact }}{{ output }}")
    )
    versions = draft_versions(ofqual_late)
    filled = fill_template(side_by_side, versions[-1].report)
    file = edit_docx(
        filled, lambda document: setattr(document.paragraphs[-1], "text", "Press desk")
    )
    with pytest.raises(
        Unreadable, match="answers stand side by side; whose this is cannot be known: “Press desk”"
    ):
        find_file_changes(versions, file, ROLE, side_by_side)


def test_our_own_form_is_read_despite_a_template(ofqual_late: Incident) -> None:
    """An organisation may have a template of its own.

    Here a person types “Extra checks.” into our form instead.
    """
    versions = draft_versions(ofqual_late)
    file = edit_docx(write_docx(versions[-1].report), replace_prompt)
    # The template is not needed for our own form, so a broken one does no harm.
    for template in (make_template(), b"no template"):
        assert read_answers(versions, file, template) == {"B.4.corrective": "Extra checks."}


@pytest.mark.needs("libreoffice")
def test_a_template_saved_by_a_word_processor_is_read_back(
    soffice: str, tmp_path: Path, ofqual_late: Incident
) -> None:
    """A person types into the filled template of an organisation, in a table cell and over a
    prompt. LibreOffice saves the file.
    """
    versions = draft_versions(ofqual_late)
    filled = fill_template(make_template(), versions[-1].report)
    edited = tmp_path / "own.docx"
    edited.write_bytes(edit_docx(filled, edit_cell_and_prompt))
    [saved] = save_with_libreoffice(soffice, tmp_path, [edited], ending="docx", into="again")
    words = read_answers(versions, saved.read_bytes(), make_template())
    assert words == {"B.1.dealing": "Press desk", "B.4.corrective": "Extra checks."}
