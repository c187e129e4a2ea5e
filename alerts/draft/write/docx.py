"""A draft as .docx, written into `data/form.docx`.

That file has no text, only page, language, styles and bullet. Edit it in a word processor to change
how drafts look.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.styles.style import ParagraphStyle
from docx.table import Table as DocxTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from lxml.etree import SubElement, _Element

from alerts.draft.report import Bars, Lane, Report, Table, Timeline
from alerts.draft.timeline import describe_lane, format_range, write_legend
from alerts.draft.write import outline
from alerts.one_line import one_line
from alerts.plots import axis_of, list_marks

LONGEST_PROPERTY = 255
# Widths in centimetres of columns and pictures.
GRID_CM, LANE_CM = (5.5, 11.3), 10.6
BARS_CM, BAR_CM = (5.5, 2.8, 8.5), 7.9
# Size, space before and space after, in points, of the styles of a note.
NOTE_STYLES = {
    "Normal": (9.5, 0, 2),
    "Heading 1": (13, 0, 4),
    "Heading 2": (11, 8, 5),
    "Caption": (9, 8, 4),
}

# Width and heights in pixels of the pictures of lanes and bars. They are PNG, because python-docx
# takes no SVG.
PICTURE_WIDTH, LANE_HEIGHT, BAR_HEIGHT = 900, 36, 34
Colour = tuple[int, int, int]
WHITE, INK, GREEN, RED = (255, 255, 255), (40, 40, 40), (29, 92, 58), (156, 42, 27)
VIOLET = (106, 42, 156)
# As in the SVG, every state has a different pattern, so that the states differ without colour.
COLOUR_AT: Mapping[str, Callable[[int, int], Colour]] = {
    "absent": lambda _x, _y: (232, 232, 232),
    "between": lambda x, y: GREEN if (x + y) % 10 < 5 else WHITE,
    "public": lambda _x, _y: GREEN,
    "early": lambda x, y: WHITE if (x - y) % 14 < 2 else VIOLET,
    "": lambda _x, _y: WHITE,
    "blind": lambda x, y: INK if x % 8 < 3 and y % 8 < 3 else WHITE,
}


def write_docx(report: Report, which: outline.Document | None = None) -> bytes:
    """Return the draft, or only one of its documents, as the bytes of a .docx file."""
    document = docx.Document(str(Path(__file__).parent.parent / "data" / "form.docx"))
    if report.form == "note":
        _shrink_styles(document)
    _set_properties(document, report)
    _write_footer(document, outline.format_footer(report))
    for block in outline.build_outline(report, which):
        _add_block(document, block)
    for table in document.element.body.iter(qn("w:tbl")):
        _mark_rows(table)
    content = BytesIO()
    document.save(content)
    return content.getvalue()


def _shrink_styles(document: Document) -> None:
    for name, (size, before, after) in NOTE_STYLES.items():
        style = document.styles[name]
        if not isinstance(style, ParagraphStyle):
            raise TypeError(f"{name} is not a paragraph style")
        style.font.size = Pt(size)
        style.paragraph_format.space_before, style.paragraph_format.space_after = (
            Pt(before),
            Pt(after),
        )


def _set_properties(document: Document, report: Report) -> None:
    core = document.core_properties
    core.title = _make_property(f"{report.subject}: {report.title}")
    core.subject, core.language = _make_property(report.subject), "en-GB"
    core.author = core.last_modified_by = _make_property(report.producer)
    core.created = core.modified = report.at.replace(tzinfo=None)
    core.keywords, core.category = _make_property(report.incident), "Breach report"
    core.comments, core.revision = "", 1


def _make_property(text: str) -> str:
    """Return a text as a property of a document, which has a longest length."""
    return one_line(outline.make_printable(text), LONGEST_PROPERTY)


def _write_footer(document: Document, text: str) -> None:
    """Write a text and the page number into the footer.

    Word computes the numbers when it opens the file.
    """
    footer = document.sections[0].footer.paragraphs[0]
    footer.style = document.styles["Remark"]
    footer.add_run(outline.make_printable(text))
    element = footer.paragraph_format.element
    _add_child(element, "fldSimple", instr="PAGE")
    footer.add_run(" of ")
    _add_child(element, "fldSimple", instr="NUMPAGES")


def _add_child(parent: _Element, tag: str, **values: str) -> _Element:
    return SubElement(
        parent, qn(f"w:{tag}"), {qn(f"w:{name}"): value for name, value in values.items()}
    )


def _mark_rows(table: _Element) -> None:
    """Keep each row of a table whole at a page end, repeat its header row on each page, and shade
    that row.
    """
    for place, row in enumerate(table.iter(qn("w:tr"))):
        flags = row.get_or_add_trPr()  # type: ignore[attr-defined] # python-docx adds it to the elements of rows
        _add_child(flags, "cantSplit", val="true")
        if place == 0:
            _add_child(flags, "tblHeader", val="true")
            for properties in row.iter(qn("w:tcPr")):
                _add_child(properties, "shd", val="clear", color="auto", fill="E9E9E9")


def _add_block(document: Document, block: outline.Block) -> None:
    match block:
        case outline.Heading(level, text, new_page):
            document.add_heading(
                outline.make_printable(text), level
            ).paragraph_format.page_break_before = new_page
        case outline.Words(pieces):
            for piece in pieces:
                _write_piece(document.add_paragraph(), piece)
        case outline.Box(pieces):
            for place, piece in enumerate(pieces):
                paragraph = document.add_paragraph()
                _write_piece(paragraph, piece, "Box ")
                paragraph.paragraph_format.space_before = None if place else Pt(6)
        case outline.Grid(_, rows):
            _add_table(
                document,
                outline.GRID_HEADER,
                [(_plain_cell(label), pieces) for label, pieces in rows],
                GRID_CM,
            )
        case Table(caption, header, rows):
            cells = [[*map(_plain_cell, row)] for row in rows]
            _add_table(document, header, cells, block.widths(sum(GRID_CM)), caption)
        case Timeline():
            _add_timeline(document, block)
        case Bars():
            _add_bars(document, block)


def _plain_cell(text: str) -> tuple[outline.Piece]:
    return (outline.Piece(outline.Tone.PLAIN, text),)


def _add_table(
    document: Document,
    header: Sequence[str],
    rows: Sequence[Sequence[Sequence[outline.Piece]]],
    widths: Sequence[float],
    caption: str = "",
) -> DocxTable:
    """Add a ruled table with a header row, after its caption.

    `rows` are the pieces of each cell, `widths` are cm.
    """
    if caption:
        document.add_paragraph(outline.make_printable(caption), style="Caption")
    made: DocxTable = document.add_table(rows=len(rows) + 1, cols=len(header))
    made.style, made.autofit = "Table Grid", False
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    for cell, text in zip(made.rows[0].cells, header, strict=True):
        cell.paragraphs[0].add_run(outline.make_printable(text)).bold = True
    for row, cells in zip(made.rows[1:], rows, strict=True):
        for cell, pieces in zip(row.cells, cells, strict=True):
            for place, piece in enumerate(pieces):
                _write_piece(cell.paragraphs[0] if place == 0 else cell.add_paragraph(), piece)
    return made


def _write_piece(paragraph: Paragraph, piece: outline.Piece, prefix: str = "") -> None:
    """Write a piece into an empty paragraph, its web addresses as links.

    `prefix` begins the name of its style.
    """
    # The tone says who wrote the text, for example a person. Each tone has a style of its own.
    paragraph.style = f"{prefix}{outline.STYLES[piece.tone]}"
    # The split gives text, address, text, address, …, text, so each odd index is that of an
    # address.
    for index, part in enumerate(outline.WEB_ADDRESS.split(outline.make_printable(piece.text))):
        run = paragraph.add_run(part)
        is_address = index % 2 == 1
        if is_address:
            run.style = "Hyperlink"
            paragraph_xml, run_xml = paragraph.paragraph_format.element, run.font.element
            link = SubElement(paragraph_xml, qn("w:hyperlink"))
            link.set(
                qn("r:id"),
                paragraph.part.relate_to(part, RELATIONSHIP_TYPE.HYPERLINK, is_external=True),
            )
            link.append(run_xml)  # moves the run from the paragraph into its link


def _add_timeline(document: Document, figure: Timeline) -> None:
    rows = [(_plain_cell(lane.label), ()) for lane in figure.lanes]
    made = _add_table(document, ("Part", format_range(figure)), rows, GRID_CM, figure.title)
    for row, lane in zip(made.rows[1:], figure.lanes, strict=True):
        _add_picture(
            row.cells[1],
            lane_png(figure, lane),
            LANE_CM,
            f"{lane.label}: {describe_lane(figure, lane)}",
        )
    for text in (write_legend(figure), figure.alt):
        _write_piece(document.add_paragraph(), outline.Piece(outline.Tone.REMARK, text))


def _add_bars(document: Document, figure: Bars) -> None:
    group, number, whole = figure.header
    header = (group, f"{number} of {whole.lower()}", "Drawn")
    rows = [(_plain_cell(bar.label), _plain_cell(bar.share), ()) for bar in figure.bars]
    made = _add_table(document, header, rows, BARS_CM, figure.title)
    for row, bar in zip(made.rows[1:], figure.bars, strict=True):
        _add_picture(
            row.cells[2],
            bar_png(bar.number / max(1, bar.whole)),
            BAR_CM,
            f"{bar.label}: {bar.share}",
        )
    _write_piece(document.add_paragraph(), outline.Piece(outline.Tone.REMARK, figure.alt))


def _add_picture(cell: _Cell, png: bytes, width: float, alt: str) -> None:
    picture = cell.paragraphs[0].add_run().add_picture(BytesIO(png), width=Cm(width))
    for properties in picture._inline.iter(qn("wp:docPr")):  # noqa: SLF001
        properties.set("descr", outline.make_printable(alt))
        properties.set("title", "")


def lane_png(figure: Timeline, lane: Lane) -> bytes:
    """Return one lane between the figure's two instants, with the announced time as a line, as PNG
    bytes.
    """
    state_of_column = [""] * PICTURE_WIDTH
    for mark in list_marks(figure, lane):
        begin = _find_column(mark.left)
        for column in range(begin, _find_column(mark.left + mark.width)):
            state_of_column[column] = mark.state
    slot_column = None
    if figure.slot is not None:
        slot_column = _find_column(axis_of(figure).place(figure.slot.timestamp()))
    return _encode_png([_draw_line(state_of_column, slot_column, y) for y in range(LANE_HEIGHT)])


def bar_png(share: float) -> bytes:
    """Return a bar that fills this share (0 to 1) of its frame, as PNG bytes."""
    filled = round(PICTURE_WIDTH * share)
    inside = [INK, *([RED] * filled + [WHITE] * (PICTURE_WIDTH - filled))[1:-1], INK]
    edge = [INK] * PICTURE_WIDTH
    lines = [edge if y in (0, BAR_HEIGHT - 1) else inside for y in range(BAR_HEIGHT)]
    return _encode_png([_encode_line(line) for line in lines])


def _encode_line(line: list[Colour]) -> bytes:
    return b"\0" + bytes(chain.from_iterable(line))


def _find_column(percent: float) -> int:
    return round(percent * PICTURE_WIDTH / 100)


def _draw_line(state_of_column: list[str], slot_column: int | None, y: int) -> bytes:
    """Return pixel line `y` of a lane: a border, or the states, crossed by a dashed line at the
    announced time.
    """
    is_border = y in (0, LANE_HEIGHT - 1)
    colours = [
        INK if is_border else COLOUR_AT[state](x, y) for x, state in enumerate(state_of_column)
    ]
    if slot_column is not None:
        is_dash = y % 9 < 6  # six pixels black, three white
        for x in range(max(0, slot_column - 1), min(slot_column + 2, PICTURE_WIDTH)):
            colours[x] = (0, 0, 0) if is_dash else WHITE
    return _encode_line(colours)


def _encode_png(lines: list[bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", PICTURE_WIDTH, len(lines), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:  # each is written as its length, name, body and checksum
        png += (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )
    return png
