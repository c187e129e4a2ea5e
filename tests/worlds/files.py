"""Builds small files of the kinds that publishers release, as their usual programs shape them."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.sax.saxutils import escape, quoteattr

Rows = Sequence[Sequence[str | int | date]]
_DAY_ZERO = date(1899, 12, 30)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DRAWING = "urn:schemas-microsoft-com:vml"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


@dataclass(frozen=True)
class Sheet:
    """One sheet of a spreadsheet: its name, its rows, its header, and whether it is shown."""

    name: str
    rows: Rows
    header: str = ""
    is_hidden: bool = False


@dataclass(frozen=True)
class Properties:
    """What a document states about itself."""

    title: str = ""
    author: str = ""
    modified_by: str = ""
    modified: str = ""
    status: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


NO_PROPERTIES = Properties()


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP container with these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # A fixed time, so that the same parts make the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def xlsx(*sheets: Sheet, properties: Properties = NO_PROPERTIES, inline: bool = False) -> bytes:
    """Return a workbook, with shared strings as Excel writes them, or with `inline` ones."""
    strings: list[str] = []
    parts: dict[str, str | bytes] = {"[Content_Types].xml": "<Types/>"}
    for number, sheet in enumerate(sheets, 1):
        rows = "".join(_xlsx_row(row, strings, inline=inline) for row in sheet.rows)
        header = f"<oddHeader>{escape(sheet.header)}</oddHeader>" if sheet.header else ""
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>'
            f"<headerFooter>{header}</headerFooter></worksheet>"
        )
    names = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="rId{number}"'
        f" state={quoteattr('hidden' if sheet.is_hidden else 'visible')}/>"
        for number, sheet in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    parts |= {
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{names}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{shared}</sst>',
        "xl/styles.xml": (
            f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>"
        ),
        "docProps/core.xml": core_properties(properties),
    }
    return zipped(parts)


def _xlsx_row(row: Sequence[str | int | date], strings: list[str], *, inline: bool) -> str:
    cells = []
    for value in row:
        if isinstance(value, date):
            cells.append(f'<c s="1"><v>{(value - _DAY_ZERO).days}</v></c>')
        elif isinstance(value, int):
            cells.append(f"<c><v>{value}</v></c>")
        elif inline:
            cells.append(f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>')
        else:
            strings.append(value)
            cells.append(f'<c t="s"><v>{len(strings) - 1}</v></c>')
    return f"<row>{''.join(cells)}</row>"


def core_properties(properties: Properties) -> str:
    """Return the part of an OOXML document with its properties."""
    values = {
        "dc:title": properties.title,
        "dc:creator": properties.author,
        "cp:lastModifiedBy": properties.modified_by,
        "dcterms:modified": properties.modified,
        "cp:contentStatus": properties.status,
    }
    body = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in values.items() if text)
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"{body}</cp:coreProperties>"
    )


def ods(*sheets: Sheet, properties: Properties = NO_PROPERTIES) -> bytes:
    """Return an OpenDocument spreadsheet."""
    tables = "".join(
        f'<table:table table:name={quoteattr(sheet.name)} table:style-name="ta{sheet.is_hidden:d}">'
        f"{''.join(map(_ods_row, sheet.rows))}</table:table>"
        for sheet in sheets
    )
    headers = "".join(
        f"<style:header><text:p>{escape(sheet.header)}</text:p></style:header>" for sheet in sheets
    )
    space = " ".join(
        f'xmlns:{prefix}="{_ODF}:{name}:1.0"'
        for prefix, name in {
            "office": "office",
            "table": "table",
            "text": "text",
            "style": "style",
            "meta": "meta",
        }.items()
    )
    space += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    styles = "".join(
        f'<style:style style:name="ta{hidden:d}"><style:table-properties'
        f' table:display="{str(not hidden).lower()}"/></style:style>'
        for hidden in (False, True)
    )
    facts = {
        "dc:title": properties.title,
        "meta:initial-creator": properties.author,
        "dc:creator": properties.modified_by,
        "dc:date": properties.modified,
    }
    meta = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in facts.items() if text)
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": (
                f"<office:document-content {space}><office:automatic-styles>{styles}"
                f"</office:automatic-styles><office:body>{tables}</office:body>"
                "</office:document-content>"
            ),
            "styles.xml": f"<office:document-styles {space}>{headers}</office:document-styles>",
            "meta.xml": f"<office:document-meta {space}>{meta}</office:document-meta>",
        }
    )


def _ods_row(row: Sequence[str | int | date]) -> str:
    cells = []
    for value in row:
        if isinstance(value, date):
            attributes = f' office:value-type="date" office:date-value="{value}"'
        else:
            attributes = ""
        cells.append(
            f"<table:table-cell{attributes}><text:p>{escape(str(value))}</text:p>"
            "</table:table-cell>"
        )
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def docx(
    paragraphs: Iterable[str],
    *,
    header: str = "",
    watermark: str = "",
    inserted: str = "",
    table: Iterable[str] = (),
    properties: Properties = NO_PROPERTIES,
) -> bytes:
    """Return a text document. `inserted` is a text under tracked changes, `table` a row of cells."""
    drawn = f"<v:textpath xmlns:v={quoteattr(_DRAWING)} string={quoteattr(watermark)}/>"
    body = "".join(map(_paragraph, paragraphs))
    cells = "".join(f"<w:tc>{_paragraph(text)}</w:tc>" for text in table)
    body += f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" if cells else ""
    if inserted:
        run = f"<w:r><w:t>{escape(inserted)}</w:t></w:r>"
        body += f'<w:p><w:ins w:id="1" w:author="A">{run}</w:ins></w:p>'
    return zipped(
        {
            "word/document.xml": (
                f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
            ),
            "word/header1.xml": f'<w:hdr xmlns:w="{_WORD}">{_paragraph(header)}{drawn}</w:hdr>',
            "docProps/core.xml": core_properties(properties),
        }
    )


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def csv_file(rows: Rows, encoding: str = "utf-8-sig") -> bytes:
    """Return a table of values with commas."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode(encoding)


def zip_of_csv(**tables: Rows) -> bytes:
    """Return a ZIP of tables by their names."""
    return zipped({f"{name}.csv": csv_file(rows) for name, rows in tables.items()})


def pdf(
    *pages: Iterable[str], author: str = "", tagged: bool = True, compressed: bool = False
) -> bytes:
    """Return a PDF with the lines of its pages, or with one empty page.

    Its streams, and its objects in a stream of their own, are `compressed` or not.
    """
    pages = pages or ((),)
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    tags = "/MarkInfo << /Marked true >> /StructTreeRoot 1 0 R" if tagged else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {tags} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        f"<< /Author ({_pdf_text(author)}) /ModDate (D:20161220100000Z) >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    streams = {}
    for number, lines in enumerate(pages):
        page = first_page + 2 * number
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
            f" /Resources << /Font << /F1 4 0 R >> >> /Contents {page + 1} 0 R >>"
        )
        objects.append("")
        shown = " T* ".join(f"({_pdf_text(line)}) Tj" for line in lines)
        streams[page + 1] = f"BT /F1 12 Tf 14 TL 72 760 Td {shown} ET".encode("cp1252")
    return _pack_pdf(objects, streams, compressed=compressed)


def _pdf_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _pack_pdf(objects: Sequence[str], streams: Mapping[int, bytes], *, compressed: bool) -> bytes:
    """Return a PDF of objects by their numbers from 1, of which some are streams."""
    body, places = bytearray(b"%PDF-1.7\n"), {}
    plain = {number: text for number, text in enumerate(objects, 1) if text}

    def add(number: int, content: bytes) -> None:
        places[number] = len(body)
        body.extend(b"%d 0 obj\n%b\nendobj\n" % (number, content))

    for number, stream in streams.items():
        add(number, pdf_stream(stream, compressed=compressed))
    holder, table = len(objects) + 1, len(objects) + 2
    if not compressed:
        for number, text in plain.items():
            add(number, text.encode("cp1252"))
        rows = b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(places))
        start = len(body)
        body += b"xref\n0 %d\n0000000000 65535 f \n" % holder + rows
        body += b"trailer << /Size %d /Root 1 0 R /Info 3 0 R >>\n" % holder
        return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % start
    offsets, together = "", ""
    for number, text in plain.items():
        offsets += f"{number} {len(together)} "
        together += text + " "
    head = f"/Type /ObjStm /N {len(plain)} /First {len(offsets)}"
    add(holder, pdf_stream((offsets + together).encode("cp1252"), head, compressed=True))
    rows = bytes(7)
    for number in range(1, table + 1):
        if number in plain:
            rows += struct.pack(">BIH", 2, holder, list(plain).index(number))
        else:
            rows += struct.pack(">BIH", 1, places.get(number, len(body)), 0)
    head = f"/Type /XRef /Size {table + 1} /W [1 4 2] /Root 1 0 R /Info 3 0 R"
    start = len(body)
    add(table, pdf_stream(rows, head, compressed=True))
    return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % start


def pdf_stream(content: bytes, head: str = "", *, compressed: bool = True) -> bytes:
    """Return a stream of a PDF."""
    packed = zlib.compress(content) if compressed else content
    kind = "/Filter /FlateDecode" if compressed else ""
    start = f"<< {head} {kind} /Length {len(packed)} >>\nstream\n"
    return start.encode("ascii") + packed + b"\nendstream"
