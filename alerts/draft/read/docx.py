"""A draft as .docx, read back, whichever word processor saved it: the counterpart of `write.docx`."""

from __future__ import annotations

from io import BytesIO
from zipfile import BadZipFile

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError, _Element

from alerts.draft.read.places import Key, Place, Places, Unreadable

TEXT = qn("w:t")
SAID = {TEXT: "", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:tab"): "\t", qn("w:noBreakHyphen"): "\u2011"}
FAULTS = (BadZipFile, PackageNotFoundError, LxmlError, KeyError, ValueError)


def read_docx(data: bytes) -> dict[Key, Place]:
    """Return what stands where in a .docx file. Raises Unreadable when it is none."""
    try:
        blocks = list(docx.Document(BytesIO(data)).iter_inner_content())
    except FAULTS as exc:
        raise Unreadable("it is no .docx file that can be opened") from exc
    places = Places()
    for block in blocks:
        if isinstance(block, Table):
            _table(places, block)
        else:
            _paragraph(places, block)
    places.close()
    return places.found


def _paragraph(places: Places, paragraph: Paragraph) -> None:
    style = paragraph.style.name if paragraph.style is not None else None
    if (style or "").casefold().startswith("heading"):
        places.head(_text(paragraph))
    elif text := _text(paragraph):
        places.say(text)


def _text(paragraph: Paragraph) -> str:
    # The library passes over what was typed while changes are tracked; what was struck out is named otherwise.
    return "".join(map(_said, paragraph.paragraph_format.element.iter(*SAID)))


def _said(element: _Element) -> str:
    if element.tag == TEXT:
        return element.text or ""
    # Tab stops of a paragraph have the name of a tab in a run, the break of a page that of a line.
    holder = element.getparent()
    is_typed = holder is not None and holder.tag == qn("w:r") and element.get(qn("w:type")) is None
    return SAID[str(element.tag)] if is_typed else ""


def _table(places: Places, table: Table) -> None:
    rows = [[tuple(_text(each) for each in cell.paragraphs) for cell in row.cells] for row in table.rows]
    header = tuple("\n".join(cell) for cell in rows[0]) if rows else ()
    for row in rows[1:]:
        places.row(header, row)
