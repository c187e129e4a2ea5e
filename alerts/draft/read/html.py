"""A draft as HTML, read back, from a text editor or a word processor: the counterpart of `write.html`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lxml.etree import Comment, LxmlError, _Element
from lxml.html import HTMLParser, defs, document_fromstring

from alerts.draft.read.places import FOLDED, KEPT, LINE, PICTURE, Key, Place, Places, Unreadable, made_one, settled

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = (
    defs.block_tags
    | {"article", "aside", "body", "details", "figcaption", "figure", "footer", "header", "html", "main", "nav"}
    | {"section", "summary", "textarea"}
) - {"ins"}
DRAWN = frozenset({"audio", "canvas", "embed", "iframe", "img", "input", "object", "select", "svg", "video"})
UNSAID = frozenset({"col", "colgroup", "del", "head", "link", "meta", "script", "style", "template", "title"})
# Word writes the bullet of a list as text that it passes over itself.
BULLET = "mso-list:Ignore"
CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# A program that saves the file anew folds spaces and writes styles of its own.
IS_KEPT = re.compile(r"p\.typed\s{0,9}\{[^}]{0,200}pre-wrap")
END = "\x1e"
AROUND = re.compile(f" ?{LINE} ?")


def read_html(data: bytes) -> dict[Key, Place]:
    """Return the text of each place in an HTML file. Raises Unreadable for other files and text without a place."""
    try:
        root = document_fromstring(_text(data).encode(), parser=HTMLParser(encoding="utf-8"))
    except (LxmlError, ValueError, LookupError) as exc:
        raise Unreadable("it is no HTML that can be read") from exc
    kept = any(IS_KEPT.search(style.text or "") for style in root.iter("style"))
    aside = [*_aside(root)]
    places = Places()
    for part in _blocks(root, kept=kept):
        if isinstance(part, str):
            places.say(part)
        elif part.tag == "table":
            _table(places, part, kept=kept)
        else:
            places.head(" ".join(_lines(part, kept=kept)))
    places.aside(aside)
    return places.found


def _aside(root: _Element) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) for each comment, and for the header and footer of a word processor's pages."""
    for comment in root.iter(Comment):
        # What a program says to itself is nobody's words.
        if "[" not in (comment.text or "")[:4]:
            yield "comments", comment.text or ""
    for element in [*root.iterfind(".//div[@title='header']"), *root.iterfind(".//div[@title='footer']")]:
        yield str(element.get("title")), " ".join(_lines(element, kept=False))
        element.clear()


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        named = CHARSET.search(data, 0, 4096)
        if named is None:
            raise
        return data.decode(named[1].decode())


def _blocks(root: _Element, *, kept: bool) -> Iterator[str | _Element]:
    """Yield paragraphs, and headings and tables whole."""
    told: list[str | _Element] = []
    for part in _parts(root, kept=kept):
        if isinstance(part, str):
            told.append(part)
            continue
        yield from _paragraphs(told)
        yield part
        told = []
    yield from _paragraphs(told)


def _paragraphs(parts: Iterable[str | _Element]) -> Iterator[str]:
    told = "".join(part for part in parts if isinstance(part, str))
    # Blanks beside a line end are nothing, unlike in other files.
    every = (AROUND.sub(LINE, FOLDED.sub(" ", each)) for each in told.split(END))
    return (text for each in every if (text := settled(each)).strip())


def _lines(element: _Element, *, kept: bool) -> tuple[str, ...]:
    """Return every paragraph in an element, those of tables inside it among them."""
    return tuple(_paragraphs(_inside(element, kept=kept, whole=False)))


def _parts(element: _Element, *, kept: bool, whole: bool = True) -> Iterator[str | _Element]:
    """Yield texts, `END` where a paragraph begins or ends and, if they stay `whole`, headings and tables."""
    tag = element.tag
    if not isinstance(tag, str) or tag in UNSAID or BULLET in element.get("style", ""):
        return
    if tag in DRAWN:
        yield PICTURE
    elif tag == "br":
        yield LINE
    elif whole and (tag == "table" or tag in HEADINGS):
        yield element
    else:
        end = END if tag in BLOCKS else ""
        yield end
        yield from _inside(element, kept=kept, whole=whole)
        yield end


def _inside(element: _Element, *, kept: bool, whole: bool) -> Iterator[str | _Element]:
    yield _spelt(element, element.text, kept=kept)
    for child in element:
        yield from _parts(child, kept=kept, whole=whole)
        yield _spelt(element, child.tail, kept=kept)


def _spelt(element: _Element, text: str | None, *, kept: bool) -> str:
    holders = (element, *element.iterancestors("p", "pre"))
    as_it_is = any(each.tag == "pre" or (kept and each.get("class") == "typed") for each in holders)
    return (text or "").translate(KEPT) if as_it_is else text or ""


def _table(places: Places, table: _Element, *, kept: bool) -> None:
    own = [each for each in table.iter("thead", "tbody", "tfoot", "tr") if next(each.iterancestors("table")) is table]
    for caption in table.iterchildren("caption"):
        places.say(" ".join(_lines(caption, kept=kept)))
    # Readers see text that was typed between cells, although the format has no place for it.
    for text in (text for each in (table, *own) for text in (each.text, *(child.tail for child in each))):
        if text and text.strip():
            places.say(settled(text))
    rows = [[*row.iterchildren("th", "td")] for row in own if row.tag == "tr"]
    found = [[_lines(cell, kept=kept) for cell in row] for row in rows if row]
    header = tuple("\n".join(cell) for cell in found[0]) if found else ()
    if any(cell.get("rowspan", "1") != "1" for row in rows for cell in row):
        raise made_one(header)
    for cells in found:
        places.row(header, cells)
