"""A written draft as lines of text: what it says, in which order, and how each piece is marked."""

from __future__ import annotations

import io
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from odf import teletype
from odf.opendocument import load

# A link is part of the words that it stands among.
VOID = {"meta", "br", "col", "link", "a"}
TEXTUAL = {"title", "h1", "h2", "h3", "p", "li", "th", "td", "caption", "figcaption", "desc", "text"}


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


def _odt(body: bytes) -> Iterator[str]:
    yield from _elements(load(io.BytesIO(body)).text)


def _elements(parent: Any) -> Iterator[str]:  # noqa: ANN401 # odfpy carries no types
    for child in parent.childNodes:
        name = child.qname[1] if hasattr(child, "qname") else ""
        if name in ("h", "p"):
            style = (child.getAttribute("stylename") or "").replace("_20_", " ")
            yield f"{style}: {_said(child)}"
        elif name in ("table-header-rows", "table-row"):
            rows = child.childNodes if name == "table-header-rows" else [child]
            for row in rows:
                cells = [" / ".join(_elements(cell)) for cell in row.childNodes]
                yield f"{'header' if name == 'table-header-rows' else 'row'}: {' | '.join(cells)}"
        elif name in ("table", "list", "list-item"):
            yield from _elements(child)


def _said(paragraph: Any) -> str:  # noqa: ANN401 # as above
    frames = [child for child in paragraph.childNodes if getattr(child, "qname", ("", ""))[1] == "frame"]
    told = "".join(f"[picture: {teletype.extractText(frame)}]" for frame in frames)
    return told or teletype.extractText(paragraph)


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
