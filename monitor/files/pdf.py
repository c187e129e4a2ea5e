"""Reads what a PDF states about itself (ISO 32000): its properties, and whether it has tags.

Its pages are not read: their text is a drawing, which only a large library can turn into words.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

from monitor.files.archive import PART_CAP
from monitor.files.collect import Collector
from monitor.files.facts import FileFacts, UnreadableFile
from schedules.patterns import quick

_HEAD = 1024
_MOST_STREAMS = 200
_OBJECT_STREAM = quick(rb"/Type\s{0,9}/ObjStm\b[^>]{0,300}>>\s{0,9}stream\r?\n")
_CATALOG = quick(rb"/Type\s{0,9}/Catalog\b")
_TAGS = quick(rb"/StructTreeRoot\b|/Marked\s{1,9}true\b")
_PROPERTY = quick(
    rb"/(Author|ModDate)\s{0,9}(?:\(((?:[^()\\]|\\.){0,300})\)|<([0-9A-Fa-f\s]{0,1200})>)"
)
_ESCAPED = quick(rb"\\(.)")


def read_pdf(body: bytes) -> FileFacts:
    """Return the properties of a PDF. Raises `UnreadableFile`, also if it is encrypted."""
    if b"%PDF" not in body[:_HEAD] or b"/Encrypt" in body:
        raise UnreadableFile("no readable PDF")
    collected, parts = Collector(), [body, *_unpack_objects(body)]
    if any(map(_CATALOG.search, parts)):
        collected.is_tagged = any(map(_TAGS.search, parts))
    for part in parts:
        for found in _PROPERTY.finditer(part):
            text = _decode_text(found[2], found[3])
            if found[1] == b"Author":
                collected.add_person(text)
            else:
                collected.modified = _read_date(text) or collected.modified
    return collected.facts()


def _unpack_objects(body: bytes) -> Iterator[bytes]:
    """Yield the objects that are stored compressed, each stream up to its limit.

    All of them together have no more than a few times the limit of one.
    """
    left = 4 * PART_CAP
    for number, found in enumerate(_OBJECT_STREAM.finditer(body)):
        if number >= _MOST_STREAMS or left <= 0:
            return
        try:
            unpacked = zlib.decompressobj().decompress(body[found.end() :][:PART_CAP], PART_CAP)
        except zlib.error:
            continue
        left -= len(unpacked)
        yield unpacked


def _decode_text(literal: bytes, digits: bytes) -> str:
    """Return a text that is written in brackets, or as hex digits."""
    if digits:
        even = b"".join(digits.split())
        text = bytes.fromhex(even[: len(even) // 2 * 2].decode("ascii"))
    else:
        text = _ESCAPED.sub(rb"\1", literal or b"")
    is_utf16 = text.startswith(b"\xfe\xff")
    return text.decode("utf-16" if is_utf16 else "latin-1", "replace")


def _read_date(text: str) -> datetime | None:
    """Return the day of `D:20180103160000Z`, None if it is not readable."""
    try:
        return datetime.strptime(text.removeprefix("D:")[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
