"""Word content besides paragraphs is read back where it is, or refused by name. It is never
lost.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from docx.document import Document
from docx.oxml import parse_xml
from docx.text.paragraph import Paragraph

from alerts.draft.read.places import Unreadable
from alerts.draft.take_back import find_file_changes
from alerts.draft.write.docx import bar_png
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import edit_docx, find_paragraph, read_answers
from tests.unit.alerts.draft.test_take_back import ROLE, draft_versions, write_docx

SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
TYPED_RUN = "<w:r><w:t>Extra checks.</w:t></w:r>"
BOXED_RUN = f"<w:txbxContent><w:p>{TYPED_RUN}</w:p></w:txbxContent>"
TEXT_BOX = (
    f"<w:r {SPACES}><mc:AlternateContent><mc:Choice"
    f" Requires='wps'><w:drawing>{BOXED_RUN}</w:drawing></mc:Choice>"
    f"<mc:Fallback><w:pict>{BOXED_RUN}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)
CORRECTIVE_ANSWER = {"B.4.corrective": "Extra checks."}


def find_prompt(document: Document) -> Paragraph:
    return find_paragraph(document, "corrective actions taken")


def find_heading(document: Document) -> Paragraph:
    return find_paragraph(document, "^4. Corrective")


def put_prompt_in_a_control(document: Document) -> None:
    place = find_prompt(document)
    control = (
        f"<w:sdt {SPACES}><w:sdtPr/><w:sdtContent><w:p>{TYPED_RUN}</w:p></w:sdtContent></w:sdt>"
    )
    place._p.addprevious(parse_xml(control))
    place._p.getparent().remove(place._p)


def type_in_a_control_of_a_line(document: Document) -> None:
    place = find_prompt(document)
    place.text = ""
    place._p.append(parse_xml(f"<w:sdt {SPACES}><w:sdtContent>{TYPED_RUN}</w:sdtContent></w:sdt>"))


def type_in_a_text_box(document: Document) -> None:
    find_prompt(document)._p.append(parse_xml(TEXT_BOX))


def move_text_to_the_prompt(document: Document) -> None:
    place = find_prompt(document)
    place.text = ""
    document.add_paragraph("Extra checks.")
    gone, here = document.paragraphs[-1], place
    here._p.append(parse_xml(f'<w:moveTo {SPACES} w:id="1" w:author="x">{TYPED_RUN}</w:moveTo>'))
    away = parse_xml(f'<w:moveFrom {SPACES} w:id="2" w:author="x"/>')
    for run in gone.runs:
        away.append(run._r)
    gone._p.append(away)


def type_in_a_table_in_a_cell(document: Document) -> None:
    cell = document.tables[0].rows[2].cells[1]
    cell.paragraphs[0].text = ""
    cell.add_table(1, 1).rows[0].cells[0].text = "Ofqual"


@pytest.mark.parametrize(
    ("type_into_box", "typed_answers"),
    [
        (put_prompt_in_a_control, CORRECTIVE_ANSWER),
        (type_in_a_control_of_a_line, CORRECTIVE_ANSWER),
        (type_in_a_text_box, CORRECTIVE_ANSWER),
        (move_text_to_the_prompt, CORRECTIVE_ANSWER),
        (type_in_a_table_in_a_cell, {"B.1.producer": "Ofqual"}),
    ],
)
def test_text_typed_anywhere_in_a_box_is_read_back(
    ofqual_late: Incident, type_into_box: Callable[[Document], None], typed_answers: dict[str, str]
) -> None:
    """For example, a person types the answer into a text box over the prompt, or into a table
    within its cell.
    """
    file = edit_draft(ofqual_late, type_into_box)
    words = read_answers(draft_versions(ofqual_late), file)
    assert {name: text.strip() for name, text in words.items()} == typed_answers


def test_line_break_is_read_back_with_or_without_type_attribute(ofqual_late: Incident) -> None:
    def type_three_lines(document: Document) -> None:
        place = find_prompt(document)
        place.text = ""
        breaks = ("<w:br/>", '<w:br w:type="textWrapping"/>')
        lines = "".join(f"{line_break}<w:t>more</w:t>" for line_break in breaks)
        place._p.append(parse_xml(f"<w:r {SPACES}><w:t>Extra checks.</w:t>{lines}</w:r>"))

    file = edit_draft(ofqual_late, type_three_lines)
    assert read_answers(draft_versions(ofqual_late), file) == {
        "B.4.corrective": "Extra checks.\nmore\nmore"
    }


def edit_draft(incident: Incident, edit: Callable[[Document], None]) -> bytes:
    return edit_docx(write_docx(draft_versions(incident)[-1].report), edit)


def delete_a_heading(document: Document) -> None:
    find_heading(document)._p.getparent().remove(find_heading(document)._p)


def type_in_the_header(document: Document) -> None:
    document.sections[0].header.paragraphs[0].text = "Not final."


def type_in_the_footer(document: Document) -> None:
    document.sections[0].footer.paragraphs[0].add_run("Not final.")


def add_a_comment(document: Document) -> None:
    document.add_comment(find_prompt(document).runs, text="Is that all?", author="x", initials="x")


def add_a_table(document: Document) -> None:
    table = document.add_table(1, 1)
    table.rows[0].cells[0].text = "Extra checks."
    find_prompt(document)._p.addnext(table._tbl)


def add_a_picture(document: Document) -> None:
    find_prompt(document).add_run().add_picture(io.BytesIO(bar_png(0.5)))


def merge_cells(document: Document) -> None:
    document.tables[0].rows[1].cells[1].merge(document.tables[0].rows[2].cells[1])


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (
            delete_a_heading,
            "the heading “4. Corrective .*” is missing; what it bore stands under “3. Impact",
        ),
        (type_in_the_header, "under “the header of the file” .*Not final"),
        (type_in_the_footer, "under “the footer of the file” .*Not final"),
        (add_a_comment, "under “the comments of the file” .*Is that all"),
        (add_a_table, "under “4. Corrective .*Extra checks"),
        (add_a_picture, "under “4. Corrective .* it holds a picture, which no box keeps"),
        (merge_cells, "cells of the table “Information needed | Response” were merged"),
    ],
)
def test_edit_that_no_box_can_keep_is_refused_with_place(
    ofqual_late: Incident, edit: Callable[[Document], None], fault: str
) -> None:
    """For example, a person deletes a heading, adds a picture, or types in the footer.

    The fault names the place.
    """
    with pytest.raises(Unreadable, match=fault):
        find_file_changes(draft_versions(ofqual_late), edit_draft(ofqual_late, edit), ROLE)


def test_text_of_added_column_joins_the_answer_of_its_row(ofqual_late: Incident) -> None:
    def add_filled_column(document: Document) -> None:
        width = 1_000_000
        _, _, cell_of_producer, *_ = document.tables[0].add_column(width).cells
        cell_of_producer.text = "Ofqual, of course"

    # The monitor has filled in the producer as “ofqual”.
    file = edit_draft(ofqual_late, add_filled_column)
    assert read_answers(draft_versions(ofqual_late), file) == {
        "B.1.producer": "ofqual\nOfqual, of course"
    }


def test_deleting_the_first_table_in_a_file_deletes_no_answer(ofqual_late: Incident) -> None:
    """A person deletes the first table of a draft.

    Only a box that is still there and was emptied loses its answer.
    """

    def remove_first_table(document: Document) -> None:
        table = document.tables[0]._tbl
        table.getparent().remove(table)

    file = edit_draft(ofqual_late, remove_first_table)
    assert read_answers(draft_versions(ofqual_late), file) == {}
