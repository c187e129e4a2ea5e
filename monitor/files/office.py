"""Readers of Office files: XLSX, ODS and DOCX (ECMA-376, OpenDocument 1.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from posixpath import normpath

from lxml import etree

from monitor.files.archive import (
    Archive,
    attribute,
    iterate_elements,
    local_name,
    text_of,
)
from monitor.files.collect import MOST_COLUMNS, MOST_ROWS, MOST_TABLES, Collector
from monitor.files.facts import FileFacts, UnreadableFile
from schedules.patterns import quick

_MOST_STRINGS = 20_000
_CORE = "docProps/core.xml"
_FIRST_DAY, _FIRST_DAY_OF_MACS = date(1899, 12, 30), date(1904, 1, 1)
"""Day 0 of spreadsheets, and of those that begin with 1904."""
_TRUE = ("1", "true")
_LAST_DAY_NUMBER = 73_050
_BUILT_IN_DAYS = frozenset({14, 15, 16, 17, 22})
"""The number formats of days that every spreadsheet program knows (ECMA-376, 18.8.30)."""
_QUOTED = quick(r'"[^"]*"|\[[^\]]*\]|\\.')
_CODE = quick(r"&(?:[LCR]|\"[^\"]*\"|\d+|[A-Z])")
"""A code in a header or footer of a sheet: a place, a font, a size or a field."""


def read_xlsx(body: bytes) -> FileFacts:
    """Return the facts of a workbook, without its hidden sheets and rows. Raises
    `UnreadableFile`.
    """
    archive, collected = Archive(body), Collector()
    sheets = [sheet for sheet in _list_sheets(archive) if sheet[1]]
    if not sheets:
        raise UnreadableFile("no sheets")
    strings = [
        text_of(each)
        for each in islice(archive.elements("xl/sharedStrings.xml", "si"), _MOST_STRINGS)
    ]
    day_styles = _find_day_styles(archive)
    properties = archive.elements("xl/workbook.xml", "workbookPr")
    is_of_mac = any(attribute(each, "date1904") in _TRUE for each in properties)
    first_day = _FIRST_DAY_OF_MACS if is_of_mac else _FIRST_DAY
    for name, part in sheets[:MOST_TABLES]:
        collected.begin_table(name)
        for row in islice(archive.elements(part, "row"), MOST_ROWS):
            if attribute(row, "hidden") not in _TRUE:
                _add_xlsx_row(row, strings, day_styles, first_day, collected)
        for margin in archive.elements(part, "oddHeader", "evenHeader", "firstHeader", "oddFooter"):
            collected.add_margin(_CODE.sub(" ", text_of(margin)))
    collected.read_properties(archive, _CORE)
    return collected.facts()


def _list_sheets(archive: Archive) -> Iterator[tuple[str, str]]:
    """Yield each visible sheet: its name, and the name of its part, empty if it has none."""
    targets = {
        attribute(each, "Id"): attribute(each, "Target")
        for each in archive.elements("xl/_rels/workbook.xml.rels", "Relationship")
    }
    for sheet in archive.elements("xl/workbook.xml", "sheet"):
        if attribute(sheet, "state") in ("", "visible"):
            target = targets.get(attribute(sheet, "id"), "")
            part = target.removeprefix("/") if target[:1] == "/" else normpath(f"xl/{target}")
            yield attribute(sheet, "name"), part if target else ""


def _find_day_styles(archive: Archive) -> frozenset[str]:
    """Return the numbers of the cell styles that show a number as a day."""
    formats = {
        attribute(each, "numFmtId"): attribute(each, "formatCode")
        for each in archive.elements("xl/styles.xml", "numFmt")
    }
    styles = set()
    for group in archive.elements("xl/styles.xml", "cellXfs"):
        for number, style in enumerate(group):
            format_id = attribute(style, "numFmtId")
            code = _QUOTED.sub("", formats.get(format_id, "")).lower()
            is_built_in = format_id.isdecimal() and int(format_id) in _BUILT_IN_DAYS
            if is_built_in or ("y" in code and "m" in code):
                styles.add(str(number))
    return frozenset(styles)


def _add_xlsx_row(
    row: etree._Element,
    strings: list[str],
    day_styles: frozenset[str],
    first_day: date,
    collected: Collector,
) -> None:
    texts, has_others = [], False
    for cell in islice(row, MOST_COLUMNS):
        kind = attribute(cell, "t")
        value = next((text_of(each) for each in cell if local_name(each) in ("v", "is")), "")
        if kind == "s":
            is_known = value.isdecimal() and int(value) < len(strings)
            texts.append(strings[int(value)] if is_known else "")
        elif kind in ("inlineStr", "str"):
            texts.append(value)
        elif value:
            has_others = True
            if attribute(cell, "s") in day_styles:
                _add_day_number(value.partition(".")[0], first_day, collected)
    collected.add_row(texts, has_others=has_others)


def _add_day_number(digits: str, first_day: date, collected: Collector) -> None:
    if digits.isdecimal() and 0 < int(digits) < _LAST_DAY_NUMBER:
        collected.add_day(first_day + timedelta(days=int(digits)))


def read_ods(body: bytes) -> FileFacts:
    """As `read_xlsx`, for an OpenDocument spreadsheet.

    Raises `UnreadableFile`.
    """
    archive, collected = Archive(body), Collector()
    content = archive.read("content.xml")
    hidden = {
        attribute(style, "name")
        for style in iterate_elements(content, "style")
        if any(attribute(each, "display") == "false" for each in style)
    }
    rows: Counter[etree._Element | None] = Counter()
    for row in iterate_elements(content, "table-row"):
        # A long table has no end in the part that is read, so it is known by its rows.
        table = next(row.iterancestors("{*}table"), None)
        if table is None or attribute(table, "style-name") in hidden:
            continue
        if table not in rows:
            collected.begin_table(attribute(table, "name"))
        rows[table] += 1
        is_shown = attribute(row, "visibility") in ("", "visible")
        if is_shown and rows[table] <= MOST_ROWS and len(rows) <= MOST_TABLES:
            _add_ods_row(row, collected)
    if not rows:
        raise UnreadableFile("no tables")
    for margin in archive.elements("styles.xml", "header", "footer"):
        collected.add_margin(text_of(margin))
    changes = iterate_elements(content, "tracked-changes")
    collected.has_tracked_changes = any(len(each) > 0 for each in changes)
    collected.read_properties(archive, "meta.xml")
    return collected.facts()


def _add_ods_row(row: etree._Element, collected: Collector) -> None:
    cells = list(islice(row, MOST_COLUMNS))
    texts = []
    has_days = False
    for cell in cells:
        day = attribute(cell, "date-value")
        if day:
            has_days = True
            collected.add_day_text(day[:10])
        else:
            texts.append(text_of(cell))
    collected.add_row(texts, has_others=has_days)


def read_docx(body: bytes) -> FileFacts:
    """Return the facts of a text document. Raises `UnreadableFile`."""
    archive, collected = Archive(body), Collector()
    document = archive.read("word/document.xml")
    if not document:
        raise UnreadableFile("no text")
    collected.begin_table()
    for paragraph in islice(iterate_elements(document, "p"), MOST_ROWS):
        is_in_table = next(paragraph.iterancestors("{*}tc"), None) is not None
        collected.add_row([text_of(paragraph)], has_others=is_in_table)
    collected.has_tracked_changes = any(True for _ in iterate_elements(document, "ins", "del"))
    for part in archive.names:
        if part.startswith(("word/header", "word/footer")):
            for each in islice(archive.elements(part, "p", "textpath"), MOST_ROWS):
                # A watermark has its text in an attribute.
                collected.add_margin(text_of(each) or attribute(each, "string"))
    collected.read_properties(archive, _CORE)
    return collected.facts()
