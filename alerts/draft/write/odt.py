"""A draft as .odt: a zip of the XML parts in `odt_parts`, which Jinja fills, and the drawings."""

from __future__ import annotations

import re
from io import BytesIO
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from markupsafe import Markup, escape

from alerts.draft.report import Bars, Report, SlotStrip, Table, Timeline
from alerts.draft.write import outline
from alerts.draft.write.html import load_templates
from alerts.plots import draw_for_document
from schedules.times.json import instant_json

PARTS = ("content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml")
WIDTH_CM = 17.0
GRID_CM = (5.6, 11.4)
# Blanks that a program would fold into one space: line ends, tabs, spaces beside either, and runs
# of spaces.
BLANKS = re.compile(r"\n|\t|(?:(?<=[\n\t])|^) +| +(?=[\n\t]|$)| {2,}")


class Drawing(NamedTuple):
    """An SVG picture: its path in the file, its height if it is `WIDTH_CM` wide, and its
    content.
    """

    path: str
    height_cm: float
    svg: str


def write_odt(report: Report, document: outline.Document | None = None) -> bytes:
    """Return the draft, or only one of its documents, as the bytes of an .odt file."""
    blocks = outline.build_outline(report, document)
    drawings: dict[int, Drawing] = {}
    widths: dict[int, tuple[float, ...]] = {}
    for place, block in enumerate(blocks):
        drawing = _make_drawing(block, place)
        if drawing is not None:
            drawings[place] = drawing
        column_widths = _list_column_widths(block)
        if column_widths:
            widths[place] = column_widths
    context = {
        "report": report,
        "at": instant_json(report.at, "seconds"),
        "footer": outline.format_footer(report),
        "blocks": [(type(block).__name__, block) for block in blocks],
        "header": outline.GRID_HEADER,
        "styles": outline.STYLES,
        "widths": widths,
        "drawings": drawings,
    }
    content = BytesIO()
    with ZipFile(content, "w") as file:
        # ODF 1.2 requires this part to be the first and not compressed.
        file.writestr(ZipInfo("mimetype"), "application/vnd.oasis.opendocument.text")
        # The templates write each text through the filter `spelled`.
        templates = load_templates(spelled=_write_xml_text)
        for name in PARTS:
            part = outline.make_printable(
                templates.get_template(f"odt_parts/{name}.j2").render(context)
            )
            file.writestr(ZipInfo(name), part, ZIP_DEFLATED)
        for drawing in drawings.values():
            file.writestr(ZipInfo(drawing.path), drawing.svg, ZIP_DEFLATED)
    return content.getvalue()


def _list_column_widths(block: outline.Block) -> tuple[float, ...]:
    """Return the widths in cm of the columns of a block that is written as a table, none for other
    blocks.
    """
    match block:
        case outline.Grid():
            return GRID_CM
        case Table():
            return tuple(block.widths(WIDTH_CM))
        case Bars():
            return tuple(block.table.widths(WIDTH_CM))
    return ()


def _make_drawing(block: outline.Block, place: int) -> Drawing | None:
    if not isinstance(block, Bars | Timeline | SlotStrip):
        return None
    width, height, svg = draw_for_document(block, f"figure-{place}")
    return Drawing(
        f"Pictures/figure-{place}.svg", height * WIDTH_CM / width, outline.make_printable(svg)
    )


def _write_xml_text(text: str) -> Markup:
    """Return a text as XML in which addresses are links and blanks are elements, so that none is
    folded.
    """
    link = Markup(
        '<text:a xlink:type="simple" xlink:href="{0}"'
        ' text:style-name="Internet_20_link">{0}</text:a>'
    )
    printable = outline.make_printable(text)
    return Markup("").join(outline.write_parts(printable, link.format, _escape_with_blanks))


def _escape_with_blanks(text: str) -> Markup:
    return Markup(BLANKS.sub(_write_blanks, escape(text)))  # noqa: S704 # escaped


def _write_blanks(found: re.Match[str]) -> str:
    return {"\n": "<text:line-break/>", "\t": "<text:tab/>"}.get(
        found[0], f'<text:s text:c="{len(found[0])}"/>'
    )
