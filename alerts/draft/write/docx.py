"""A draft as .docx: A4, plain fonts, real headings and header rows, without the library's own styles."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import docx
from docx.document import Document
from docx.shared import Cm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from alerts.draft.bars import told
from alerts.draft.report import Bars, Report, Table, Timeline
from alerts.draft.timeline import lane_alt, legend_text, span_text
from alerts.draft.write import docx_look as look
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
from alerts.draft.write.png import bar_png, lane_png

GRID = (5.5, 11.3)
LANE_CM = 10.6
BARS, BAR_CM = (5.5, 2.8, 8.5), 7.9


def write_docx(report: Report, which: Which | None = None) -> bytes:
    """Return the draft as the bytes of a .docx file."""
    document = docx.Document()
    look.dress(document, compact=report.form == "note")
    look.describe(document, report)
    for block in outline(report, which):
        _add(document, block)
    look.finish(document)
    held = BytesIO()
    document.save(held)
    return held.getvalue()


def _add(document: Document, block: Block) -> None:
    match block:
        case Heading(level, text, new_page):
            document.add_heading(printable(text), level).paragraph_format.page_break_before = new_page
        case Words(pieces):
            for piece in pieces:
                _say(document.add_paragraph(), piece)
        case Box(pieces):
            for place, piece in enumerate(pieces):
                paragraph = document.add_paragraph()
                _say(paragraph, piece, "Box ")
                paragraph.paragraph_format.space_before = None if place else Pt(6)
        case Grid(_, rows):
            _grid(document, rows)
        case Table():
            _table(document, block)
        case Timeline():
            _timeline(document, block)
        case Bars():
            _bars(document, block)


def _say(paragraph: Paragraph, piece: Piece, style: str = "") -> None:
    paragraph.style = f"{style}{STYLES[piece.tone]}"
    for place, part in enumerate(LINK.split(printable(piece.text))):
        run = paragraph.add_run(part)
        if place % 2:
            look.link(paragraph, run, part)


def _grid(document: Document, rows: Sequence[tuple[str, tuple[Piece, ...]]]) -> None:
    made = look.table(document, HEADER, len(rows), GRID)
    for row, (label, pieces) in zip(made.rows[1:], rows, strict=True):
        _fill(row.cells[0], (Piece(Tone.PLAIN, label),))
        _fill(row.cells[1], pieces)


def _fill(cell: _Cell, pieces: Sequence[Piece]) -> None:
    for place, piece in enumerate(pieces):
        _say(cell.paragraphs[0] if place == 0 else cell.add_paragraph(), piece)


def _table(document: Document, block: Table) -> None:
    document.add_paragraph(printable(block.caption), style="Caption")
    made = look.table(document, block.header, len(block.rows), block.widths(sum(GRID)))
    for row, texts in zip(made.rows[1:], block.rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            _fill(cell, (Piece(Tone.PLAIN, text),))


def _timeline(document: Document, figure: Timeline) -> None:
    document.add_paragraph(printable(figure.title), style="Caption")
    made = look.table(document, ("Part", span_text(figure)), len(figure.lanes), GRID)
    for row, lane in zip(made.rows[1:], figure.lanes, strict=True):
        _fill(row.cells[0], (Piece(Tone.PLAIN, lane.label),))
        picture = row.cells[1].paragraphs[0].add_run().add_picture(BytesIO(lane_png(figure, lane)), width=Cm(LANE_CM))
        look.describe_picture(picture, f"{lane.label}: {lane_alt(figure, lane)}")
    for tone, text in ((Tone.REMARK, legend_text(figure)), (Tone.REMARK, figure.alt)):
        _say(document.add_paragraph(), Piece(tone, text))


def _bars(document: Document, figure: Bars) -> None:
    document.add_paragraph(printable(figure.title), style="Caption")
    group, number, whole = figure.header
    made = look.table(document, (group, f"{number} of {whole.lower()}", "Drawn"), len(figure.bars), BARS)
    for row, bar in zip(made.rows[1:], figure.bars, strict=True):
        _fill(row.cells[0], (Piece(Tone.PLAIN, bar.label),))
        _fill(row.cells[1], (Piece(Tone.PLAIN, told(bar)),))
        strip = BytesIO(bar_png(bar.number / max(1, bar.whole)))
        picture = row.cells[2].paragraphs[0].add_run().add_picture(strip, width=Cm(BAR_CM))
        look.describe_picture(picture, f"{bar.label}: {told(bar)}")
    _say(document.add_paragraph(), Piece(Tone.REMARK, figure.alt))
