"""A draft as .odt: A4, plain fonts, real headings, header rows, document properties set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby

from odf import table as tables
from odf.draw import Frame, Image
from odf.opendocument import OpenDocument, OpenDocumentText
from odf.svg import Desc
from odf.svg import Title as FigureTitle
from odf.text import A, H, LineBreak, List, ListItem, P, S, Tab

from alerts.draft import bars
from alerts.draft.report import Bars, Report, Table, Timeline
from alerts.draft.timeline import size, svg
from alerts.draft.write import odt_look as look
from alerts.draft.write.odt_look import Element
from alerts.draft.write.outline import (
    HEADER,
    LINK,
    STYLES,
    Block,
    Box,
    Grid,
    Heading,
    Piece,
    Tone,
    Words,
    outline,
    printable,
)
from alerts.draft.write.outline import Document as Which

WHOLE_CM = 17.0
GRID = (5.6, 11.4)
# Line end, tab, a run of spaces that would be folded, or ordinary text with single spaces inside.
PARTS = re.compile(r"\n|\t|(?:(?<=\n)|^) +| +(?=\n|$)| {2,}|[^\n\t ]+(?: [^\n\t ]+)*| ")


def write_odt(report: Report, which: Which | None = None) -> bytes:
    """Return the draft as the bytes of an .odt file."""
    document = OpenDocumentText()
    look.dress(document, report)
    look.describe(document, report)
    for place, block in enumerate(outline(report, which)):
        _add(document, block, place)
    held = BytesIO()
    document.write(held)
    return held.getvalue()


def _add(document: OpenDocument, block: Block, place: int) -> None:
    match block:
        case Heading(level, text, new_page):
            style = f"Heading {level}{' on new page' if new_page else ''}"
            document.text.addElement(_spaced(H(outlinelevel=level, stylename=look.name(style)), text))
        case Words(pieces):
            _say(document.text, pieces, "")
        case Box(pieces):
            _say(document.text, pieces, "Box ")
        case Grid(_, rows):
            cells = [((Piece(Tone.PLAIN, label),), said) for label, said in rows]
            _table(document, place, HEADER, cells, GRID)
        case Table():
            _captioned(document, block, place)
        case Bars():
            drawn = bars.svg(block, f"chart-{place}").encode()
            _figure(document, Figure(f"chart-{place}", block.title, block.alt, bars.size(block), drawn))
            _captioned(document, block.table, place)
        case Timeline():
            _figure(document, Figure("timeline", block.title, block.alt, size(block), svg(block).encode()))


def _say(parent: Element, pieces: Sequence[Piece], style: str) -> None:
    for asked, every in groupby(pieces, key=lambda piece: piece.tone is Tone.ASK):
        holder = List(stylename="Bullets") if asked else parent
        for piece in every:
            place = ListItem() if asked else parent
            place.addElement(_spaced(P(stylename=look.name(f"{style}{STYLES[piece.tone]}")), piece.text))
            if asked:
                holder.addElement(place)
        if asked:
            parent.addElement(holder)


def _spaced(paragraph: Element, text: str) -> Element:
    """Add text as it was typed: the format folds runs of spaces, tabs and line ends unless they are spelt out."""
    for place, part in enumerate(LINK.split(printable(text))):
        if place % 2:
            paragraph.addElement(A(type="simple", href=part, stylename=look.LINKED, text=part))
        else:
            _spelt(paragraph, part)
    return paragraph


def _spelt(paragraph: Element, text: str) -> None:
    for found in PARTS.finditer(text):
        part = found.group()
        if part == "\n":
            paragraph.addElement(LineBreak())
        elif part == "\t":
            paragraph.addElement(Tab())
        elif part.startswith(" "):
            paragraph.addElement(S(c=len(part)))
        else:
            paragraph.addText(part)


def _table(
    document: OpenDocument,
    place: int,
    header: Sequence[str],
    rows: Sequence[Sequence[tuple[Piece, ...]]],
    widths: Sequence[float],
) -> None:
    made = tables.Table(name=f"Table {place}", stylename=look.name("Table"))
    for column in look.columns(document, widths, f"Columns{place}"):
        made.addElement(tables.TableColumn(stylename=column))
    top = tables.TableHeaderRows()
    top.addElement(_row([(Piece(Tone.PLAIN, text),) for text in header], "Head"))
    made.addElement(top)
    for row in rows:
        made.addElement(_row(row, "Cell"))
    document.text.addElement(made)


def _row(cells: Sequence[tuple[Piece, ...]], style: str) -> Element:
    row = tables.TableRow(stylename=look.name("Row"))
    for pieces in cells:
        cell = tables.TableCell(stylename=look.name(style), valuetype="string")
        _say(cell, pieces, "Head " if style == "Head" else "")
        row.addElement(cell)
    return row


def _captioned(document: OpenDocument, block: Table, place: int) -> None:
    document.text.addElement(_spaced(P(stylename=look.name("Caption")), block.caption))
    texts = [[(Piece(Tone.PLAIN, text),) for text in row] for row in block.rows]
    _table(document, place, block.header, texts, block.widths(WHOLE_CM))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its text alternative; `size` is width and height in points."""

    name: str
    title: str
    alt: str
    size: tuple[int, int]
    svg: bytes


def _figure(document: OpenDocument, figure: Figure) -> None:
    place = document.addPicture(f"Pictures/{figure.name}.svg", "image/svg+xml", figure.svg)
    width, height = figure.size
    high = f"{height * WHOLE_CM / width:.2f}cm"
    frame = Frame(width=f"{WHOLE_CM}cm", height=high, anchortype="as-char")
    frame.addElement(Image(href=place, type="simple", show="embed", actuate="onLoad"))
    frame.addElement(FigureTitle(text=printable(figure.title)))
    frame.addElement(Desc(text=printable(figure.alt)))
    holder = P(stylename=look.name("Said"))
    holder.addElement(frame)
    document.text.addElement(_spaced(P(stylename=look.name("Caption")), figure.title))
    document.text.addElement(holder)
    document.text.addElement(_spaced(P(stylename=look.name("Remark")), figure.alt))
