"""Makes WARC 1.1 records of answers in memory.

Each is one gzip member, so that any WARC tool can read it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from uuid import NAMESPACE_URL, uuid5

from warcio.archiveiterator import ArchiveIterator
from warcio.recordbuilder import RecordBuilder
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from monitor.look.fetch import Answer, Request
from monitor.look.http.request_bytes import conditional_headers, header_lines, requested_url

# The body is kept decoded, so these headers no longer describe it. Web archives use the same prefix
# for them.
_TRANSFER_HEADERS = {"content-encoding", "content-length", "transfer-encoding"}
_ORIGINAL_PREFIX = "X-Archive-Orig-"
DELETION_KIND = "given_up"
"""The kind of record that says which earlier bytes were deleted, and by which setting."""
_BUILDER = RecordBuilder(warc_version="1.1")
_BLOCK_BYTES = 1_000_000
_GZIP_FORMAT = 16
"""Added to the window size, it makes zlib write the gzip format."""


class _LargeBlocks(BytesIO):
    """Bytes that are read a megabyte at a time, even if warcio reads 16 KB.

    Hashing a block releases the interpreter lock. In blocks of 16 KB, a 13 MB calendar would wait
    for it 800 times.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Return the next block, or the rest if `size` is negative or None."""
        return super().read(size if size is None or size < 0 else max(size, _BLOCK_BYTES))


def file_header(software: str, name: str, at: datetime) -> bytes:
    """Return the record at the start of a file, which names the software that wrote it."""
    info = {"software": software, "format": "WARC File Format 1.1"}
    record = _BUILDER.create_warcinfo_record(name, info)
    record.rec_headers.replace_header("WARC-Date", _format_date(at))
    record.rec_headers.replace_header("WARC-Record-ID", _record_id(name, "warcinfo"))
    return _gzip_member(record)


def answer_records(answer: Answer, name: str, target: str) -> bytes:
    """Return an answer, and its request if known, as bytes to append to a WARC file.

    If the request is known, both have the address as requested, with the query that was added to
    bypass caches. A local file is a `resource`, without HTTP. `name` is the id of the evidence
    record. The same arguments give the same bytes.
    """
    response_id = _record_id(name, "response")
    headers = {
        "WARC-Record-ID": response_id,
        "WARC-Date": _format_date(answer.received),
        "X-Ninethirty-Record": name,
        "X-Ninethirty-Target": target,
        "X-Ninethirty-Sent": _format_date(answer.sent),
        "X-Ninethirty-Received": _format_date(answer.received),
    }
    url, request_member = answer.url, b""
    if answer.request is not None:
        request_headers = {
            **headers,
            "WARC-Record-ID": _record_id(name, "request"),
            "WARC-Concurrent-To": response_id,
        }
        url, head = _request_head(answer, answer.request)
        request = _BUILDER.create_warc_record(
            url, "request", http_headers=head, warc_headers_dict=request_headers
        )
        request_member = _gzip_member(request)
    if not answer.whole:
        headers["WARC-Truncated"] = "length"
    is_file = url.startswith("file:")
    record = _BUILDER.create_warc_record(
        url,
        "resource" if is_file else "response",
        payload=_LargeBlocks(answer.body),
        length=len(answer.body),
        http_headers=None if is_file else _answer_head(answer),
        warc_content_type="application/octet-stream" if is_file else "",
        warc_headers_dict=headers,
    )
    return request_member + _gzip_member(record)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion of evidence: the files with the records `first` to `last`, and the settings that
    required it.
    """

    files: Sequence[str]
    first: int
    last: int
    keep_days: int
    keep_mb: int


def deletion_record(deletion: Deletion, name: str, at: datetime) -> bytes:
    """Return the record of a deletion, as bytes to append to a WARC file.

    `name` is the id of this record.
    """
    payload = json.dumps({DELETION_KIND: asdict(deletion)}).encode()
    record_id = _record_id(name, "metadata")
    headers = {
        "WARC-Record-ID": record_id,
        "WARC-Date": _format_date(at),
        "X-Ninethirty-Record": name,
    }
    record = _BUILDER.create_warc_record(
        "",
        "metadata",
        payload=BytesIO(payload),
        length=len(payload),
        warc_content_type="application/json",
        warc_headers_dict=headers,
    )
    return _gzip_member(record)


def last_deleted(data: bytes) -> int:
    """Return the number of the last deleted record, from the bytes of a deletion's record.

    0 for any other record.
    """
    for record in ArchiveIterator(BytesIO(data)):
        if record.rec_type == "metadata":
            return int(json.loads(record.content_stream().read())[DELETION_KIND]["last"])
    return 0


def _gzip_member(record: ArcWarcRecord) -> bytes:
    """Return a record as one gzip member.

    It is compressed in one call, because each call may wait for the interpreter lock. The default
    level takes a third of the time of the highest one, and makes a calendar only 1 % larger.
    """
    plain = BytesIO()
    WARCWriter(plain, gzip=False, warc_version="1.1").write_record(record)
    return zlib.compress(plain.getbuffer(), wbits=zlib.MAX_WBITS + _GZIP_FORMAT)


class _Head(StatusAndHeaders):  # type: ignore[misc] # warcio has no types
    """The head of a request or an answer, with the bytes that were sent.

    warcio's own class percent-encodes bytes that are not ASCII, and raises for some of them.
    """

    def to_ascii_bytes(self, filter_func: Callable[..., object] | None = None) -> bytes:
        return bytes(self.to_bytes(filter_func, "latin-1"))


def _answer_head(answer: Answer) -> _Head:
    """Return the status line and the headers of an answer, with headers of the transfer under other
    names.
    """
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    headers = [
        (f"{_ORIGINAL_PREFIX}{name}" if name.lower() in _TRANSFER_HEADERS else name, value)
        for name, value in answer.headers.items()
    ]
    return _Head(f"{answer.status} {phrase}".strip(), headers, protocol="HTTP/1.1")


def _request_head(answer: Answer, request: Request) -> tuple[str, _Head]:
    """Return the requested address, and the request's head as it was sent, also with headers like
    `If-None-Match`.
    """
    url = requested_url(answer.url, answer.unique)
    origin, path = f"{url.scheme}://{url.netloc.decode('ascii')}", url.raw_path.decode("ascii")
    # The head after the path begins with the HTTP version. If it was not recorded, only the header
    # `Host` is certain.
    head_after_path = answer.head or b" HTTP/1.1\r\n" + header_lines([(b"Host", url.netloc)])
    head_after_path += header_lines(list(conditional_headers(request)))
    http_version, *lines = head_after_path.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]
    return f"{origin}{path}", _Head(
        f"{request.method} {path}{http_version}", headers, is_http_request=True
    )


def _record_id(name: str, kind: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'ninethirty:{name}:{kind}')}>"


def _format_date(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
