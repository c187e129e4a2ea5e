"""How a .docx draft looks: page, styles, footer, tables."""

from __future__ import annotations

from collections.abc import Sequence

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from docx.shape import InlineShape
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml.etree import SubElement, _Element

from alerts.draft.report import Report
from alerts.draft.write.outline import STYLES, Tone, footer_of, printable

FONT = "Arial"
INK = RGBColor(0x11, 0x11, 0x11)
QUIET = RGBColor(0x44, 0x44, 0x44)
LINKED = RGBColor(0x0B, 0x3F, 0x8A)
KEPT = (
    "Normal",
    "heading 1",
    "heading 2",
    "caption",
    "Table Grid",
    "Normal Table",
    "Default Paragraph Font",
    "No List",
)
FOREIGN = ("thumbnail", "stylesWithEffects", "customXml", "extended-properties")
RULE = {"val": "single", "sz": "4", "color": "555555"}
SIZES = {"Normal": 10.5, "Heading 1": 15, "Heading 2": 12, "Caption": 10}


def dress(document: Document, *, compact: bool) -> None:
    """Set page, language and styles in place of the library's own. `compact`: smaller, to fit one page."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin = section.bottom_margin = Cm(1.8)
    _prune(document)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-GB")
        language.set(qn("w:eastAsia"), "en-GB")
    for name, size in SIZES.items():
        _plain(_style(document, name), size - (2 if compact and size > 12 else compact))
    for name, before, after in (
        ("Normal", 0, 2 if compact else 4),
        ("Heading 1", 0, 4),
        ("Heading 2", 8 if compact else 14, 5),
        ("Caption", 8, 4),
    ):
        spacing = _style(document, name).paragraph_format
        spacing.space_before, spacing.space_after, spacing.keep_with_next = Pt(before), Pt(after), name != "Normal"
    for tone in Tone:
        _toned(document, STYLES[tone], tone)
        _toned(document, f"Box {STYLES[tone]}", tone, framed=True)
    _cell_margins(document)
    _bullets(document)
    _links(document)


def _bullets(document: Document) -> None:
    """Replace all lists by one bullet list, which paragraphs in the style of a question use."""
    numbering = document.part.numbering_part.element
    for old in list(numbering):
        numbering.remove(old)
    level = child(child(numbering, "abstractNum", abstractNumId="0"), "lvl", ilvl="0")
    for tag, value in (("start", "1"), ("numFmt", "bullet"), ("suff", "space"), ("lvlText", "•"), ("lvlJc", "left")):
        child(level, tag, val=value)
    child(child(numbering, "num", numId="1"), "abstractNumId", val="0")


def _links(document: Document) -> None:
    style = document.styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER)
    style.font.color.rgb, style.font.underline = LINKED, True


def link(paragraph: Paragraph, run: Run, address: str) -> None:
    """Make a run a link to a web address."""
    run.style = "Hyperlink"
    holder = SubElement(paragraph.paragraph_format.element, qn("w:hyperlink"))
    holder.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    holder.append(run.font.element)


def _prune(document: Document) -> None:
    """Take out what the library's own template brings: its preview picture, program name, styles and languages."""
    for relations in (document.part.rels, document.part.package.rels):
        for name in [name for name, each in relations.items() if each.reltype.rsplit("/", 1)[-1] in FOREIGN]:
            relations.pop(name)
    for language in document.settings.element.iter(qn("w:themeFontLang")):
        language.set(qn("w:val"), "en-GB")
    for setting in document.settings.element.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            # That of Word 2013 and since: any older opens in its compatibility mode.
            setting.set(qn("w:val"), "15")
    for latent in document.styles.element.findall(qn("w:latentStyles")):
        document.styles.element.remove(latent)
    # Its 160 styles, besides their looks, make every look-up slow.
    for style in list(document.styles.element.iterchildren(qn("w:style"))):
        if style.find(qn("w:name")).get(qn("w:val")) not in KEPT:
            document.styles.element.remove(style)
            continue
        for link in style.findall(qn("w:link")):
            style.remove(link)


def _style(document: Document, name: str) -> ParagraphStyle:
    style = document.styles[name]
    if not isinstance(style, ParagraphStyle):
        raise TypeError(f"{name} is no paragraph style")
    return style


def _plain(style: ParagraphStyle, size: float) -> None:
    style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), INK
    style.font.italic, style.font.bold = False, style.name != "Normal"
    fonts = next(style.element.iter(qn("w:rFonts")))
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONT)


def _toned(document: Document, name: str, tone: Tone, *, framed: bool = False) -> None:
    document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style = _style(document, name)
    style.base_style = document.styles["Normal"]
    # List, frame and shade come first: the file format wants them before the spacing set below.
    properties = SubElement(style.element, qn("w:pPr"))
    if tone is Tone.ASK:
        child(child(properties, "numPr"), "numId", val="1")
    if framed:
        _frame(properties)
    if tone is Tone.OPEN:
        # Bold and shaded: the mark survives a printer without colour.
        child(properties, "shd", val="clear", color="auto", fill="FFF3C4")
        style.font.bold = True
    if tone in (Tone.ASK, Tone.REMARK):
        style.font.size, style.font.italic, style.font.color.rgb = Pt(9), tone is Tone.ASK, QUIET
    if framed:
        # One indent for all tones: neighbours share a frame only when their indents agree.
        style.paragraph_format.left_indent = style.paragraph_format.right_indent = Cm(0.25)


def _frame(properties: _Element) -> None:
    borders = child(properties, "pBdr")
    for side in ("top", "left", "bottom", "right"):
        child(borders, side, space="6", **RULE)


def _cell_margins(document: Document) -> None:
    properties = next(document.styles["Table Grid"].element.iter(qn("w:tblPr")))
    for indent in properties.iter(qn("w:tblInd")):
        indent.set(qn("w:w"), "100")
    for old in list(properties.iter(qn("w:tblCellMar"))):
        properties.remove(old)
    margins = child(properties, "tblCellMar")
    for side, width in (("top", 40), ("left", 100), ("bottom", 0), ("right", 100)):
        child(margins, side, w=str(width), type="dxa")


def describe(document: Document, report: Report) -> None:
    """Set the core properties and the footer."""
    core = document.core_properties
    core.title = printable(f"{report.subject}: {report.title}")
    core.subject, core.language = printable(report.subject), "en-GB"
    core.author = core.last_modified_by = printable(report.producer)
    core.created = core.modified = report.at.replace(tzinfo=None)
    core.comments, core.category, core.keywords, core.revision = "", "Breach report", printable(report.incident), 1
    footer = document.sections[0].footer.paragraphs[0]
    # Word computes page numbers itself when it opens the file.
    footer.style = document.styles["Remark"]
    footer.add_run(printable(footer_of(report)))
    holder = footer.paragraph_format.element
    child(holder, "fldSimple", instr="PAGE")
    footer.add_run(" of ")
    child(holder, "fldSimple", instr="NUMPAGES")


def child(parent: _Element, tag: str, **values: str) -> _Element:
    """Append an element of the word-processing namespace with its attributes."""
    return SubElement(parent, qn(f"w:{tag}"), {qn(f"w:{name}"): value for name, value in values.items()})


def table(document: Document, header: Sequence[str], rows: int, widths: Sequence[float]) -> Table:
    """Add a ruled table of `rows` rows and a header row; `widths` are centimetres."""
    made: Table = document.add_table(rows=rows + 1, cols=len(header))
    made.style, made.autofit = "Table Grid", False
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    for cell, text in zip(made.rows[0].cells, header, strict=True):
        cell.paragraphs[0].add_run(printable(text)).bold = True
    return made


def describe_picture(picture: InlineShape, text: str) -> None:
    """Give a picture its text alternative."""
    for properties in picture._inline.iter(qn("wp:docPr")):  # noqa: SLF001 - the library offers no other way
        properties.set("descr", printable(text))
        properties.set("title", "")


def finish(document: Document) -> None:
    """Mark header rows, keep rows whole over page ends and shade headers and row labels."""
    for each in document.element.body.iter(qn("w:tbl")):
        for place, row in enumerate(each.iter(qn("w:tr"))):
            flags = row.get_or_add_trPr()
            child(flags, "cantSplit", val="true")
            if place == 0:
                child(flags, "tblHeader", val="true")
                for properties in row.iter(qn("w:tcPr")):
                    child(properties, "shd", val="clear", color="auto", fill="E9E9E9")
