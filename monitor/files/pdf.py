"""Reads a PDF (ISO 32000): its properties, whether it has tags, and its first pages' text."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice, pairwise
from typing import Any

from monitor.files.archive import PART_CAP
from monitor.files.collect import Collector
from monitor.files.facts import FileFacts, UnreadableFile
from schedules.patterns import quick

_HEAD = 1024
_MOST_PAGES = 3
_TITLE_LINES = 6
"""A title is in the first lines of the first page."""
_LINES_OF_TITLE = 3
_TOP, _BOTTOM = 4, 3
"""How many lines at the top and the bottom of a page may be a header, a footer or a stamp."""
_STARTS_SMALL = quick(r"\W*[a-z]")
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pypdf raises for damaged files, besides exceptions of its own."""


def read_pdf(body: bytes) -> FileFacts:
    """Return the facts of a PDF. Raises `UnreadableFile`, also if it is encrypted."""
    # Its 24 MB are for the worker that reads a PDF, not for the monitor.
    from pypdf import PdfReader, apply_configuration  # noqa: PLC0415
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    if b"%PDF" not in body[:_HEAD] or b"/Encrypt" in body:
        raise UnreadableFile("no readable PDF, or an encrypted one")
    collected = Collector()
    try:
        with apply_configuration(
            zlib_maximum_output_length=PART_CAP,
            lzw_maximum_output_length=PART_CAP,
            run_length_maximum_output_length=PART_CAP,
        ):
            reader = PdfReader(BytesIO(body))
            _add_properties(reader.metadata or {}, collected)
            catalog: Any = reader.trailer["/Root"]
            marks = catalog.get("/MarkInfo", {})
            collected.is_tagged = "/StructTreeRoot" in catalog or bool(marks.get("/Marked"))
            _add_pages((page.extract_text() for page in reader.pages), collected)
    except (PyPdfError, *_FAULTS) as exc:
        raise UnreadableFile("no readable PDF") from exc
    return collected.facts()


def _add_properties(properties: Mapping[str, Any], collected: Collector) -> None:
    collected.add_margin(str(properties.get("/Title", "")))
    collected.add_person(str(properties.get("/Author", "")))
    collected.modified = _read_date(str(properties.get("/ModDate", "")))


def _add_pages(texts: Iterable[str], collected: Collector) -> None:
    """Add the first pages. The first one with a text has the title, which may take more lines."""
    pages = [[line.strip() for line in text.splitlines()] for text in islice(texts, _MOST_PAGES)]
    pages = [[line for line in page if line] for page in pages]
    for page in pages:
        _add_page(page, collected)
    title_page = next(filter(None, pages), [])
    for start in range(min(_TITLE_LINES, len(title_page))):
        for end in range(start + 1, min(start + _LINES_OF_TITLE, len(title_page)) + 1):
            collected.add_heading(" ".join(title_page[start:end]))


def _add_page(lines: Sequence[str], collected: Collector) -> None:
    """Add the lines of a page. Only its top and bottom can show a mark.

    A line in between may be a cell of a table, and one that starts small the rest of a sentence.
    """
    for number, line in enumerate(lines):
        is_at_edge = number < _TOP or number >= len(lines) - _BOTTOM
        if is_at_edge and not _STARTS_SMALL.match(line):
            collected.add_margin(line)
        else:
            collected.add_line(line)
    for first, second in pairwise(lines):
        # A period may be split between two lines.
        collected.add_line(f"{first} {second}")


def _read_date(text: str) -> datetime | None:
    """Return the day of `D:20180103160000Z`, None if it is not readable."""
    try:
        return datetime.strptime(text.removeprefix("D:")[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
