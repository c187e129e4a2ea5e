"""Readers of tables as text: CSV, and a ZIP of them."""

from __future__ import annotations

import csv
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from itertools import islice

from monitor.files.archive import PART_CAP, Archive
from monitor.files.collect import MOST_COLUMNS, MOST_ROWS, MOST_TABLES, Collector
from monitor.files.facts import FileFacts, UnreadableFile

_NOT_DECODED = "\N{REPLACEMENT CHARACTER}"
_ADDED_BY_MAC = "__MACOSX/"


def read_csv(body: bytes) -> FileFacts:
    """Return the facts of a table. Raises `UnreadableFile`."""
    collected = Collector()
    _add_table(body[:PART_CAP], collected)
    return collected.facts()


def read_zip(body: bytes) -> FileFacts:
    """Return the facts of the tables in a ZIP. Raises `UnreadableFile`, also if it has none."""
    archive, collected = Archive(body), Collector()
    tables = [
        name
        for name in archive.names
        if name.lower().endswith(".csv") and not name.startswith(_ADDED_BY_MAC)
    ]
    if not tables:
        raise UnreadableFile("no tables")
    for name in tables[:MOST_TABLES]:
        collected.begin_table(name.rpartition("/")[2][: -len(".csv")])
        _add_table(archive.read(name), collected)
    return collected.facts()


def _add_table(table: bytes, collected: Collector) -> None:
    rows = csv.reader(_decode_table(table).splitlines())
    try:
        for row in islice(rows, MOST_ROWS):
            cells = row[:MOST_COLUMNS]
            collected.add_row(cells)
            for cell in cells:
                collected.add_day_text(cell)
    except csv.Error as exc:
        raise UnreadableFile("no readable CSV") from exc


def _decode_table(table: bytes) -> str:
    """Return the text of a table, in one of the encodings in which Excel saves it."""
    if table.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return table.decode("utf-16", "replace")
    if b"\0" in table:
        raise UnreadableFile("no text")
    text = table.decode("utf-8-sig", "replace")
    # Its last character may be cut.
    return table.decode("cp1252", "replace") if _NOT_DECODED in text[:-1] else text
