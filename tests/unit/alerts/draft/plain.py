"""Reads a written draft as lines of text: its content, order and the mark of each piece."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser

import docx
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import QName, _Element, fromstring

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
# A link is part of the text around it.
VOID = {"meta", "br", "col", "link", "a"}
TEXTUAL = {
    "title",
    "h1",
    "h2",
    "h3",
    "p",
    "li",
    "th",
    "td",
    "caption",
    "figcaption",
    "desc",
    "text",
}


def plain(ending: str, body: bytes) -> str:
    """Return the lines of a document in one of our formats."""
    if ending == "md":
        return body.decode()
    read = {"html": _html, "docx": _docx, "odt": _odt}[ending]
    return "\n".join(read(body)) + "\n"


def _docx(body: bytes) -> Iterator[str]:
    document = docx.Document(io.BytesIO(body))
    for block in document.iter_inner_content():
        if isinstance(block, Paragraph):
            yield _paragraph(block)
        else:
            yield from _table(block)
    for section in document.sections:
        yield from (f"footer: {each.text}" for each in section.footer.paragraphs)


def _paragraph(paragraph: Paragraph) -> str:
    style = paragraph.style
    told = [each.get("descr") for each in paragraph._p.iter(qn("wp:docPr"))]  # no other way
    pictures = "".join(f"[picture: {alt}]" for alt in told)
    return f"{style.name if style is not None else ''}: {paragraph.text}{pictures}"


def _table(table: Table) -> Iterator[str]:
    for place, row in enumerate(table.rows):
        cells = [" / ".join(_paragraph(each) for each in cell.paragraphs) for cell in row.cells]
        yield f"{'header' if place == 0 else 'row'}: {' | '.join(cells)}"


def odt_part(body: bytes, name: str = "content.xml") -> _Element:
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        return fromstring(file.read(name))


def odt_text(element: _Element) -> str:
    """Return the text in an element of an .odt file, with blanks that are elements as
    characters.
    """
    match QName(element).localname:
        case "s":
            own = " " * int(element.get(f"{TEXT}c", "1"))
        case "tab":
            own = "\t"
        case "line-break":
            own = "\n"
        case _:
            own = (element.text or "") + "".join(
                odt_text(child) + (child.tail or "") for child in element
            )
    return own


def _odt(body: bytes) -> Iterator[str]:
    [text] = odt_part(body).iter("{*}text")
    yield from _block_lines(text)


def _block_lines(parent: _Element) -> Iterator[str]:
    for child in parent:
        name = QName(child).localname
        if name in ("h", "p"):
            style = child.get(f"{TEXT}style-name", "").replace("_20_", " ")
            pictures = "".join(
                f"[picture: {odt_text(frame)}]" for frame in child.iterchildren("{*}frame")
            )
            yield f"{style}: {pictures or odt_text(child)}"
        elif name in ("table-header-rows", "table-row"):
            rows = child if name == "table-header-rows" else [child]
            for row in rows:
                cells = [" / ".join(_block_lines(cell)) for cell in row]
                yield f"{'header' if name == 'table-header-rows' else 'row'}: {' | '.join(cells)}"
        elif name in ("table", "list", "list-item"):
            yield from _block_lines(child)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.lines[-1] += " / "
        if tag in TEXTUAL:
            marks = [value or "" for name, value in attrs if name in ("class", "scope")]
            self.lines.append(f"{'.'.join([tag, *marks])}: ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open and self.open[-1] in TEXTUAL:
            self.lines[-1] += data.replace("\n", " / ")


def _html(body: bytes) -> Iterator[str]:
    page = _Page()
    page.feed(body.decode())
    yield from (line.rstrip() for line in page.lines)
