"""A draft as .odt, read back, whichever word processor saved it: the counterpart of `write.odt`."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from lxml.etree import LxmlError, _Element, fromstring, strip_elements

from alerts.draft.read.places import LINE, PICTURE, SPACE, TAB, Key, Place, Places, Unreadable, made_one, settled

NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, DRAW, STYLE = (NAMES % name for name in ("office", "text", "table", "drawing", "style"))
SVG = NAMES % "svg-compatible"
HEADING, PARAGRAPH, CELLS = f"{TEXT}h", f"{TEXT}p", (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
ASIDE = {f"{OFFICE}annotation": "comments", f"{TEXT}note": "footnotes"}
# Elements that are not text of the draft: deletions of tracked changes, text alternatives of pictures, and notes.
UNSAID = (f"{TEXT}tracked-changes", f"{SVG}title", f"{SVG}desc", *ASIDE)
# The last is what zipfile raises for a password and, as a kind of it, for ways of packing it does not know.
FAULTS = (BadZipFile, LxmlError, KeyError, ValueError, RuntimeError)


def read_odt(data: bytes) -> dict[Key, Place]:
    """Return the text of each place in an .odt file. Raises Unreadable for other files and text without a place."""
    try:
        with ZipFile(BytesIO(data)) as file:
            whole, styles = fromstring(file.read("content.xml")), fromstring(file.read("styles.xml"))
        body = next(whole.iter(f"{OFFICE}text"))
    except (*FAULTS, StopIteration) as exc:
        raise Unreadable("it is no .odt file that can be opened") from exc
    aside = [*_aside(body, styles)]
    strip_elements(body, *UNSAID, with_tail=False)
    places = Places()
    _walk(places, body)
    places.aside(aside)
    return places.found


def _aside(body: _Element, styles: _Element) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) for each header, footer, note and comment."""
    for tag, name in ASIDE.items():
        for each in body.iter(tag):
            yield name, " ".join(_lines(each))
    for page in styles.iter(f"{STYLE}master-page"):
        for part in page:
            # Pages on the left, and the first, may have their own.
            name = str(part.tag).removeprefix(STYLE).partition("-")[0]
            if name in ("header", "footer"):
                yield name, " ".join(_lines(part))


def _walk(places: Places, element: _Element) -> None:
    for child in element:
        if child.tag == f"{TABLE}table":
            _table(places, child)
        elif child.tag == HEADING:
            places.head(_said(child))
        elif child.tag == PARAGRAPH or _is_drawn(child):
            for line in (_picture(child), *_lines(child)):
                if line:
                    places.say(line)
        else:
            _walk(places, child)


def _table(places: Places, table: _Element) -> None:
    rows = [row for row in table.iter(f"{TABLE}table-row") if next(row.iterancestors(f"{TABLE}table")) is table]
    found = [[tuple(_lines(cell)) for cell in row.iterchildren(*CELLS)] for row in rows]
    header = tuple("\n".join(cell) for cell in found[0]) if found else ()
    if any(cell.get(f"{TABLE}number-rows-spanned", "1") != "1" for row in rows for cell in row):
        raise made_one(header)
    for cells in found:
        places.row(header, cells)


def _lines(element: _Element) -> list[str]:
    """Return every paragraph in an element, those of tables and text boxes inside it among them."""
    return [_said(each) for each in element.iter(PARAGRAPH, HEADING)]


def _said(paragraph: _Element) -> str:
    return settled("".join(_parts(paragraph)))


def _parts(element: _Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        match str(child.tag).removeprefix(TEXT):
            case "s":
                yield SPACE * int(child.get(f"{TEXT}c", "1"))
            case "tab":
                yield TAB
            case "line-break":
                yield LINE
            case _ if _is_drawn(child):
                # The paragraphs of a text box are lines of their own.
                yield _picture(child)
            case _:
                yield from _parts(child)
        yield child.tail or ""


def _is_drawn(element: _Element) -> bool:
    return str(element.tag).startswith(DRAW) and element.tag != f"{DRAW}a"


def _picture(element: _Element) -> str:
    """Return the mark of a picture for a drawing without text, else an empty text."""
    return PICTURE if _is_drawn(element) and next(element.iter(PARAGRAPH), None) is None else ""
