"""Reads the text of a draft from a .docx file that any word processor saved: the counterpart of
`write.docx`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError, _Element, fromstring, strip_elements, strip_tags

from alerts.draft.read.places import PICTURE, Key, Place, Places, Unreadable

TEXT = qn("w:t")
CHARACTER_OF_TAG = {
    TEXT: "",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:tab"): "\t",
    qn("w:noBreakHyphen"): "\u2011",
}
PICTURE_TAGS = (qn("w:drawing"), qn("w:pict"))
TEXT_BOX = qn("w:txbxContent")
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# The last three are of damaged bytes, and of files with a password.
FILE_ERRORS = (
    BadZipFile,
    PackageNotFoundError,
    LxmlError,
    KeyError,
    ValueError,
    zlib.error,
    EOFError,
    RuntimeError,
)


def read_docx(data: bytes) -> dict[Key, Place]:
    """Return the text of each place in a .docx file.

    Raises Unreadable for other files and text without a place.
    """
    blocks, outside = _open_file(data)
    places = Places()
    for block in blocks:
        if isinstance(block, Table):
            _add_table(places, block)
            continue
        text = _read_paragraph(block.paragraph_format.element)
        style = block.style.name if block.style is not None else None
        if (style or "").casefold().startswith("heading"):
            places.begin_heading(text)
        elif text:
            places.add_paragraph(text)
    places.add_outside_body(outside)
    return places.found


def read_paragraphs(data: bytes) -> dict[str, tuple[str, ...]]:
    """Return the paragraphs of a .docx file by their place in words, such as `in table 1, row 2,
    cell 1`.

    The paragraphs before, between and after the tables have places too. Raises Unreadable for other
    files.
    """
    blocks, outside_body = _open_file(data)
    place_outside_tables = "before any table"
    found: dict[str, tuple[str, ...]] = {place_outside_tables: ()}
    number = 0
    for block in blocks:
        if isinstance(block, Table):
            number += 1
            for row_number, row in enumerate(block.rows, 1):
                for column, cell in enumerate(row.cells, 1):
                    found[f"in table {number}, row {row_number}, cell {column}"] = _read_cell(cell)
            place_outside_tables = f"behind table {number}"
            found[place_outside_tables] = ()
        else:
            found[place_outside_tables] += (_read_paragraph(block.paragraph_format.element),)
    # Headers, footers, notes and comments each get a place with a heading such as `the footer of
    # the file`.
    places = Places()
    places.add_outside_body(outside_body)
    return found | {
        f"under “{key.heading}”": place.paragraphs for key, place in places.found.items()
    }


def _open_file(data: bytes) -> tuple[list[Paragraph | Table], list[tuple[str, str]]]:
    """Return the paragraphs and tables of a .docx file, and (kind, text) of each text outside its
    body.

    Such a text is a header, footer, note or comment, and its kind is, for example, `footer`.
    """
    try:
        document = docx.Document(BytesIO(data))
        # Moved text is also at its old place (`moveFrom`). A text box has a second copy for old
        # programs (`Fallback`).
        strip_elements(document.element, FALLBACK, qn("w:moveFrom"), with_tail=False)
        # Replace each content control (a form field of Word, `sdt`) by its content, without its
        # settings.
        strip_elements(document.element, qn("w:sdtPr"), qn("w:sdtEndPr"), with_tail=False)
        strip_tags(document.element, qn("w:sdt"), qn("w:sdtContent"))
        return list(document.iter_inner_content()), list(_read_outside_body(document))
    except FILE_ERRORS as exc:
        raise Unreadable("it is no .docx file that can be opened") from exc


def _read_outside_body(document: Document) -> Iterator[tuple[str, str]]:
    for relation in document.part.rels.values():
        name = relation.reltype.rsplit("/", 1)[-1]
        if (
            name in ("comments", "footnotes", "endnotes", "header", "footer")
            and not relation.is_external
        ):
            paragraphs = fromstring(relation.target_part.blob).iter(qn("w:p"))
            yield name, " ".join(map(_read_paragraph, paragraphs))


def _read_paragraph(paragraph: _Element) -> str:
    # The library omits text that was inserted as a tracked change. Deleted text has another tag, so
    # it is not read.
    return "".join(map(_read_element, paragraph.iter(*CHARACTER_OF_TAG, *PICTURE_TAGS)))


def _read_element(element: _Element) -> str:
    """Return the text of one XML element of a Word paragraph: its words, a tab or line break, or a
    mark `PICTURE`.
    """
    if element.tag == TEXT:
        return element.text or ""
    if element.tag in PICTURE_TAGS:
        # Word also draws a text box as a picture. The caller reads the elements with its text after
        # this element.
        is_text_box = next(element.iter(TEXT_BOX), None) is not None
        return "" if is_text_box else PICTURE
    # A tab stop in the settings of a paragraph has the same tag as a tab that a person typed in a
    # run of text.
    parent = element.getparent()
    is_in_run = parent is not None and parent.tag == qn("w:r")
    # A page break has the same tag as a line break, which has no type or `textWrapping`.
    is_page_break = element.get(qn("w:type")) not in (None, "textWrapping")
    return CHARACTER_OF_TAG[str(element.tag)] if is_in_run and not is_page_break else ""


def _add_table(places: Places, table: Table) -> None:
    """Add the rows of a table to the places of a document. Raises Unreadable if cells were
    merged.
    """
    rows = [[_read_cell(cell) for cell in row.cells] for row in table.rows]
    header = tuple("\n".join(cell) for cell in rows[0]) if rows else ()
    if any(next(row._tr.iter(qn("w:vMerge")), None) is not None for row in table.rows):  # noqa: SLF001 # no other way
        merged = f"cells of the table “{' | '.join(header)}” were merged"
        raise Unreadable(f"{merged}, so it is not clear which box their text belongs to")
    for row in rows:
        places.add_row(header, row)


def _read_cell(cell: _Cell) -> tuple[str, ...]:
    paragraphs = cell._tc.iter(qn("w:p"))  # noqa: SLF001 # as above
    return tuple(
        _read_paragraph(each)
        for each in paragraphs
        if next(each.iterancestors(TEXT_BOX), None) is None
    )
