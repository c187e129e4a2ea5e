"""A draft as .docx, read back, whichever word processor saved it: the counterpart of `write.docx`."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError, _Element, fromstring

from alerts.draft.read.places import PICTURE, Key, Place, Places, Unreadable

TEXT = qn("w:t")
SAID = {TEXT: "", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:tab"): "\t", qn("w:noBreakHyphen"): "\u2011"}
DRAWN = (qn("w:drawing"), qn("w:pict"))
BOXED = qn("w:txbxContent")
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
ASIDE = ("comments", "footnotes", "endnotes", "header", "footer")
FAULTS = (BadZipFile, PackageNotFoundError, LxmlError, KeyError, ValueError)


def read_docx(data: bytes) -> dict[Key, Place]:
    """Return the text of each place in a .docx file. Raises Unreadable for other files and text without a place."""
    blocks, aside = _opened(data)
    places = Places()
    for block in blocks:
        if isinstance(block, Table):
            _table(places, block)
        else:
            _paragraph(places, block)
    places.aside(aside)
    return places.found


def stretches(data: bytes) -> dict[str, tuple[str, ...]]:
    """Return the paragraphs of each stretch of text between tables, of each cell, and of what stands beside the text.

    They go by where they are. Raises Unreadable for what is no .docx file.
    """
    blocks, aside = _opened(data)
    found: dict[str, tuple[str, ...]] = {"before any table": ()}
    number = 0
    for block in blocks:
        if isinstance(block, Table):
            number += 1
            rows = enumerate(block.rows, 1)
            cells = ((row, column, cell) for row, each in rows for column, cell in enumerate(each.cells, 1))
            found |= {f"in table {number}, row {row}, cell {column}": _lines(cell) for row, column, cell in cells}
            found[f"behind table {number}"] = ()
        else:
            where = [*found][-1]
            found[where] = (*found[where], _text(block.paragraph_format.element))
    places = Places()
    places.aside(aside)
    return found | {f"under “{key.heading}”": place.paragraphs for key, place in places.found.items()}


def _opened(data: bytes) -> tuple[list[Paragraph | Table], list[tuple[str, str]]]:
    """Return the blocks of a .docx file, and what stands beside them."""
    try:
        document = docx.Document(BytesIO(data))
        _settle(document.element)
        return list(document.iter_inner_content()), list(_aside(document))
    except FAULTS as exc:
        raise Unreadable("it is no .docx file that can be opened") from exc


def _settle(whole: _Element) -> None:
    """Leave one of what stands there twice, and what stands in a control in its place."""
    for twice in [*whole.iter(FALLBACK, qn("w:moveFrom"))]:
        _holder(twice).remove(twice)
    for control in [*whole.iter(qn("w:sdt"))]:
        for held in [*control.iterfind(f"{qn('w:sdtContent')}/*")]:
            control.addprevious(held)
        _holder(control).remove(control)


def _holder(element: _Element) -> _Element:
    holder = element.getparent()
    if holder is None:
        raise ValueError(f"{element.tag} stands nowhere")
    return holder


def _aside(document: Document) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) for each header, footer, note and comment."""
    for relation in document.part.rels.values():
        name = relation.reltype.rsplit("/", 1)[-1]
        if name in ASIDE and not relation.is_external:
            yield name, " ".join(_text(each) for each in fromstring(relation.target_part.blob).iter(qn("w:p")))


def _paragraph(places: Places, paragraph: Paragraph) -> None:
    style = paragraph.style.name if paragraph.style is not None else None
    if (style or "").casefold().startswith("heading"):
        places.head(_text(paragraph.paragraph_format.element))
    elif text := _text(paragraph.paragraph_format.element):
        places.say(text)


def _text(paragraph: _Element) -> str:
    # The library passes over what was typed while changes are tracked; what was struck out is named otherwise.
    return "".join(map(_said, paragraph.iter(*SAID, *DRAWN)))


def _said(element: _Element) -> str:
    if element.tag == TEXT:
        return element.text or ""
    if element.tag in DRAWN:
        return "" if next(element.iter(BOXED), None) is not None else PICTURE
    # Tab stops of a paragraph have the name of a tab in a run, the break of a page that of a line.
    holder = element.getparent()
    is_typed = holder is not None and holder.tag == qn("w:r") and element.get(qn("w:type")) is None
    return SAID[str(element.tag)] if is_typed else ""


def _table(places: Places, table: Table) -> None:
    rows = [[_lines(cell) for cell in row.cells] for row in table.rows]
    header = tuple("\n".join(cell) for cell in rows[0]) if rows else ()
    if any(next(row._tr.iter(qn("w:vMerge")), None) is not None for row in table.rows):  # noqa: SLF001 # no other way
        merged = " | ".join(header)
        raise Unreadable(
            f"cells of the table “{merged}” were merged, so it is not clear which box their text belongs to"
        )
    for row in rows:
        places.row(header, row)


def _lines(cell: _Cell) -> tuple[str, ...]:
    """Return the paragraphs of a cell, those of a table inside it among them."""
    every = cell._tc.iter(qn("w:p"))  # noqa: SLF001 # as above
    return tuple(_text(each) for each in every if next(each.iterancestors(BOXED), None) is None)
