"""Reads records of evidence as any WARC tool would."""

from __future__ import annotations

from io import BytesIO

from warcio.archiveiterator import ArchiveIterator


def payload_of(data: bytes) -> bytes:
    """Return the body of the answer in these bytes, whose digests must be right."""
    for record in ArchiveIterator(BytesIO(data), check_digests="raise"):
        if record.rec_type == "response":
            return bytes(record.content_stream().read())
    raise AssertionError("no answer in this record")
