"""What a word processor can hold besides paragraphs: taken in where it stands, or named and refused; never lost."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from docx.document import Document
from docx.oxml import parse_xml
from docx.text.paragraph import Paragraph

from alerts.draft.read.places import Unreadable
from alerts.draft.take_back import find_file_changes
from alerts.draft.write.png import bar_png
from alerts.incident import Incident
from tests.unit.alerts.draft.saved import edit_docx, find_paragraph
from tests.unit.alerts.draft.test_take_back import ROLE, draft, file_of

SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
SAID = "<w:r><w:t>Extra checks.</w:t></w:r>"
BOXED = f"<w:txbxContent><w:p>{SAID}</w:p></w:txbxContent>"
TEXT_BOX = (
    f"<w:r {SPACES}><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{BOXED}</w:drawing></mc:Choice>"
    f"<mc:Fallback><w:pict>{BOXED}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)
CHECKS = {"B.4.corrective": "Extra checks."}


def prompt(document: Document) -> Paragraph:
    return find_paragraph(document, "corrective actions taken")


def heading(document: Document) -> Paragraph:
    return find_paragraph(document, "^4. Corrective")


def in_a_control(document: Document) -> None:
    place = prompt(document)
    control = f"<w:sdt {SPACES}><w:sdtPr/><w:sdtContent><w:p>{SAID}</w:p></w:sdtContent></w:sdt>"
    place._p.addprevious(parse_xml(control))
    place._p.getparent().remove(place._p)


def in_a_control_of_a_line(document: Document) -> None:
    place = prompt(document)
    place.text = ""
    place._p.append(parse_xml(f"<w:sdt {SPACES}><w:sdtContent>{SAID}</w:sdtContent></w:sdt>"))


def in_a_text_box(document: Document) -> None:
    prompt(document)._p.append(parse_xml(TEXT_BOX))


def moved_here(document: Document) -> None:
    place = prompt(document)
    place.text = ""
    document.add_paragraph("Extra checks.")
    gone, here = document.paragraphs[-1], place
    here._p.append(parse_xml(f'<w:moveTo {SPACES} w:id="1" w:author="x">{SAID}</w:moveTo>'))
    away = parse_xml(f'<w:moveFrom {SPACES} w:id="2" w:author="x"/>')
    for run in gone.runs:
        away.append(run._r)
    gone._p.append(away)


def in_a_table_in_a_cell(document: Document) -> None:
    cell = document.tables[0].rows[2].cells[1]
    cell.paragraphs[0].text = ""
    cell.add_table(1, 1).rows[0].cells[0].text = "Ofqual"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (in_a_control, CHECKS),
        (in_a_control_of_a_line, CHECKS),
        (in_a_text_box, CHECKS),
        (moved_here, CHECKS),
        (in_a_table_in_a_cell, {"B.1.producer": "Ofqual"}),
    ],
)
def test_words_are_taken_in_wherever_they_stand_in_a_box(
    ofqual_january: Incident, edit: Callable[[Document], None], words: dict[str, str]
) -> None:
    read = find_file_changes(draft(ofqual_january), edited(ofqual_january, edit), ROLE).words
    assert {name: text.strip() for name, text in read.items()} == words


def edited(incident: Incident, edit: Callable[[Document], None]) -> bytes:
    return edit_docx(file_of(draft(incident)[-1].report), edit)


def without_a_heading(document: Document) -> None:
    heading(document)._p.getparent().remove(heading(document)._p)


def in_a_header(document: Document) -> None:
    document.sections[0].header.paragraphs[0].text = "Not final."


def in_a_footer(document: Document) -> None:
    document.sections[0].footer.paragraphs[0].add_run("Not final.")


def in_a_comment(document: Document) -> None:
    document.add_comment(prompt(document).runs, text="Is that all?", author="x", initials="x")


def a_table(document: Document) -> None:
    table = document.add_table(1, 1)
    table.rows[0].cells[0].text = "Extra checks."
    prompt(document)._p.addnext(table._tbl)


def a_picture(document: Document) -> None:
    prompt(document).add_run().add_picture(io.BytesIO(bar_png(0.5)))


def cells_made_one(document: Document) -> None:
    document.tables[0].rows[1].cells[1].merge(document.tables[0].rows[2].cells[1])


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (without_a_heading, "the heading “4. Corrective .*” is missing; what it bore stands under “3. Impact"),
        (in_a_header, "under “the header of the file” .*Not final"),
        (in_a_footer, "under “the footer of the file” .*Not final"),
        (in_a_comment, "under “the comments of the file” .*Is that all"),
        (a_table, "under “4. Corrective .*Extra checks"),
        (a_picture, "under “4. Corrective .* it holds a picture, which no box keeps"),
        (cells_made_one, "cells of the table “Information needed | Response” were merged"),
    ],
)
def test_what_no_box_can_hold_is_named_with_its_place(
    ofqual_january: Incident, edit: Callable[[Document], None], told: str
) -> None:
    with pytest.raises(Unreadable, match=told):
        find_file_changes(draft(ofqual_january), edited(ofqual_january, edit), ROLE)


def test_an_added_column_is_read_as_an_answer_and_our_prompts_are_not(ofqual_january: Incident) -> None:
    def add_filled_column(document: Document) -> None:
        for cell in document.tables[0].add_column(1000000).cells[2:3]:
            cell.text = "Ofqual, of course"

    read = find_file_changes(draft(ofqual_january), edited(ofqual_january, add_filled_column), ROLE).words
    assert read == {"B.1.producer": "ofqual\nOfqual, of course"}


def test_a_section_whose_table_was_taken_out_is_left_as_it_stands(ofqual_january: Incident) -> None:
    def remove_first_table(document: Document) -> None:
        table = document.tables[0]._tbl
        table.getparent().remove(table)

    assert find_file_changes(draft(ofqual_january), edited(ofqual_january, remove_first_table), ROLE).words == {}
