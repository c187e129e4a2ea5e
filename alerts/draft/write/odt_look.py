"""How an .odt draft looks: page, styles, footer, document properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from odf import dc, meta
from odf.opendocument import OpenDocument
from odf.style import (
    DefaultStyle,
    FontFace,
    Footer,
    ListLevelLabelAlignment,
    ListLevelProperties,
    MasterPage,
    PageLayout,
    PageLayoutProperties,
    ParagraphProperties,
    Style,
    TableCellProperties,
    TableColumnProperties,
    TableProperties,
    TableRowProperties,
    TextProperties,
)
from odf.text import ListLevelStyleBullet, ListStyle, P, PageCount, PageNumber

from alerts.draft.report import Report
from alerts.draft.write.outline import STYLES, Tone, footer_of, printable
from schedules.times.json import instant_json

# odfpy carries no types: every element is one of its own.
Element: TypeAlias = Any
FONT = "Arial"
LINKED = "Internet_20_link"
RULE = "0.5pt solid #555555"
SPACES = {"Heading 1": (0, 4, 15), "Heading 2": (14, 5, 12), "Caption": (8, 4, 10)}
TEXTS: Mapping[Tone, Mapping[str, str]] = {
    Tone.OPEN: {"fontweight": "bold"},
    Tone.ASK: {"fontsize": "9pt", "fontstyle": "italic", "color": "#444444"},
    Tone.REMARK: {"fontsize": "9pt", "color": "#444444"},
}


def name(style: str) -> str:
    """Return the encoded name of our style for use in the file."""
    return style.replace(" ", "_20_")


def columns(document: OpenDocument, widths: Sequence[float], table: str) -> list[str]:
    """Add a style for each column of one table, in centimetres, and return their names."""
    named = [f"{table}_{place}" for place in range(len(widths))]
    for title, width in zip(named, widths, strict=True):
        column = Style(name=title, family="table-column")
        column.addElement(TableColumnProperties(columnwidth=f"{width:.2f}cm"))
        document.automaticstyles.addElement(column)
    return named


def dress(document: OpenDocument, report: Report) -> None:
    """Set page, language, fonts and every style."""
    document.fontfacedecls.addElement(FontFace(name=FONT, fontfamily=FONT, fontfamilygeneric="swiss"))
    basis = DefaultStyle(family="paragraph")
    # A note is to fit one page.
    compact = report.form == "note"
    basis.addElement(ParagraphProperties(marginbottom="2pt" if compact else "4pt"))
    basis.addElement(_text(fontsize="9.5pt" if compact else "10.5pt", language="en", country="GB"))
    document.styles.addElement(basis)
    _headings(document, 2 if compact else 0)
    for tone in Tone:
        _toned(document, tone, "", {})
        _toned(document, tone, "Box ", {"border": RULE, "padding": "0.2cm", "joinborder": "true"})
    _paragraph(document, "Head Said", {}, {"fontweight": "bold"})
    _tables(document)
    _page(document, report)
    linked = Style(name=LINKED, displayname="Internet link", family="text")
    linked.addElement(TextProperties(color="#0b3f8a", textunderlinestyle="solid"))
    document.styles.addElement(linked)
    bullets, level = ListStyle(name="Bullets"), ListLevelStyleBullet(level=1, bulletchar="•")
    # Margins of its own would tear a question out of the frame of its box.
    beside = ListLevelProperties(listlevelpositionandspacemode="label-alignment")
    beside.addElement(ListLevelLabelAlignment(labelfollowedby="space", marginleft="0cm", textindent="0cm"))
    level.addElement(beside)
    bullets.addElement(level)
    document.styles.addElement(bullets)


def _text(**values: str) -> Element:
    return TextProperties(fontname=FONT, fontfamily=FONT, **values)


def _paragraph(
    document: OpenDocument, title: str, frame: Mapping[str, str], text: Mapping[str, str], **more: str
) -> None:
    made = Style(name=name(title), displayname=title, family="paragraph", **more)
    made.addElement(ParagraphProperties(**frame))
    made.addElement(_text(**text))
    document.styles.addElement(made)


def _headings(document: OpenDocument, smaller: int) -> None:
    for title, (before, after, size) in SPACES.items():
        spaces = {"margintop": f"{before}pt", "marginbottom": f"{after}pt", "keepwithnext": "always"}
        text = {"fontsize": f"{size - smaller}pt", "fontweight": "bold", "color": "#111111"}
        level = {"defaultoutlinelevel": title[-1]} if title.startswith("Heading") else {}
        _paragraph(document, title, spaces, text, **level)
        if level:
            # Made of the other, so that every program knows it as a heading.
            above = Style(name=name(f"{title} on new page"), family="paragraph", parentstylename=name(title))
            above.addElement(ParagraphProperties(breakbefore="page"))
            document.automaticstyles.addElement(above)


def _toned(document: OpenDocument, tone: Tone, prefix: str, frame: Mapping[str, str]) -> None:
    # Open pieces are bold and shaded, so that a print without colour still marks them.
    shade = {"backgroundcolor": "#fff3c4"} if tone is Tone.OPEN else {}
    _paragraph(document, f"{prefix}{STYLES[tone]}", {**frame, **shade}, TEXTS.get(tone, {}))


def _tables(document: OpenDocument) -> None:
    whole = Style(name="Table", family="table")
    whole.addElement(TableProperties(width="17cm", align="left", marginbottom="6pt", bordermodel="collapsing"))
    row = Style(name="Row", family="table-row")
    row.addElement(TableRowProperties(keeptogether="always"))
    for each in (whole, row, _cell("Cell", {}), _cell("Head", {"backgroundcolor": "#e9e9e9"})):
        document.automaticstyles.addElement(each)


def _cell(title: str, more: Mapping[str, str]) -> Element:
    cell = Style(name=title, family="table-cell")
    cell.addElement(
        TableCellProperties(
            border=RULE, paddingtop="0.07cm", paddingbottom="0cm", paddingleft="0.15cm", paddingright="0.15cm", **more
        )
    )
    return cell


def _page(document: OpenDocument, report: Report) -> None:
    layout = PageLayout(name="A4")
    edges = {"margintop": "1.8cm", "marginbottom": "1.8cm", "marginleft": "2cm", "marginright": "2cm"}
    layout.addElement(PageLayoutProperties(pagewidth="21cm", pageheight="29.7cm", printorientation="portrait", **edges))
    document.automaticstyles.addElement(layout)
    master = MasterPage(name="Standard", pagelayoutname=layout)
    footer = Footer()
    line = P(stylename=name("Remark"), text=printable(footer_of(report)))
    line.addElement(PageNumber(selectpage="current"))
    line.addText(" of ")
    line.addElement(PageCount())
    footer.addElement(line)
    master.addElement(footer)
    document.masterstyles.addElement(master)


def describe(document: OpenDocument, report: Report) -> None:
    """Set the document properties."""
    stamp = instant_json(report.at, "seconds")
    for each in (
        dc.Title(text=printable(f"{report.subject}: {report.title}")),
        dc.Subject(text=printable(report.subject)),
        dc.Language(text="en-GB"),
        dc.Creator(text=printable(report.producer)),
        dc.Date(text=stamp),
        meta.InitialCreator(text=printable(report.producer)),
        meta.CreationDate(text=stamp),
    ):
        document.meta.addElement(each)
