"""Builds small files of the kinds that publishers release, as their usual programs shape them."""

from __future__ import annotations

import csv
import io
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
    inserted: str = "",
    properties: Properties = NO_PROPERTIES,
) -> bytes:
    """Return a text document. `inserted` is a text under tracked changes."""
    body = "".join(map(_paragraph, paragraphs))
    if inserted:
        run = f"<w:r><w:t>{escape(inserted)}</w:t></w:r>"
        body += f'<w:p><w:ins w:id="1" w:author="A">{run}</w:ins></w:p>'
    return zipped(
        {
            "word/document.xml": (
                f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
            ),
            "word/header1.xml": f'<w:hdr xmlns:w="{_WORD}">{_paragraph(header)}</w:hdr>',
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


def pdf(author: str = "", *, tagged: bool = True, compressed: bool = False) -> bytes:
    """Return a PDF of one page, with its objects `compressed` or not, and its tags."""
    tags = "/MarkInfo << /Marked true >> /StructTreeRoot 4 0 R" if tagged else ""
    catalog = f"<< /Type /Catalog /Pages 2 0 R {tags} >>"
    escaped = author.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    information = f"<< /Author ({escaped}) /ModDate (D:20161220100000Z) >>"
    pages = "2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    if compressed:
        packed = zlib.compress(f"1 0 3 90 {catalog} {information}".encode("latin-1"))
        head = f"5 0 obj\n<< /Type /ObjStm /N 2 /First 9 /Filter /FlateDecode /Length {len(packed)}"
        objects = head.encode() + b" >>\nstream\n" + packed + b"\nendstream\nendobj\n"
    else:
        plain = f"1 0 obj\n{catalog}\nendobj\n3 0 obj\n{information}\nendobj\n"
        objects = plain.encode("latin-1")
    return b"%PDF-1.7\n" + objects + pages.encode() + b"trailer << /Root 1 0 R >>\n%%EOF\n"
