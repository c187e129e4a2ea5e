"""Answers as WARC 1.1 records: each one gzip member, made in memory, readable by any WARC tool."""

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
from monitor.look.http.request_bytes import address, conditions_of, lines_of

# The body is kept decoded, so these headers no longer speak of it; the prefix is the one web archives use.
_OF_THE_WIRE = {"content-encoding", "content-length", "transfer-encoding"}
_ORIGINALLY = "X-Archive-Orig-"
GIVEN_UP = "given_up"
"""The kind of record that says what was given up, by the configuration, of those before it."""
_BUILDER = RecordBuilder(warc_version="1.1")
_BLOCK = 1_000_000
_GZIP = 16


class _LargeBlocks(BytesIO):
    """Bytes that are read a megabyte at a time, however little is asked for.

    Hashing a block lets another thread have the processor until it gives it back. A calendar of thirteen megabytes has
    1,600 of warcio's blocks of 16 KB.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Return the next block; all that is left when `size` is negative or None."""
        return super().read(size if size is None or size < 0 else max(size, _BLOCK))


def opening(software: str, name: str, at: datetime) -> bytes:
    """Return the record that begins a file and says who wrote it."""
    info = {"software": software, "format": "WARC File Format 1.1"}
    record = _BUILDER.create_warcinfo_record(name, info)
    record.rec_headers.replace_header("WARC-Date", _date(at))
    record.rec_headers.replace_header("WARC-Record-ID", _record_id(name, "warcinfo"))
    return _member(record)


def records(answer: Answer, name: str, target: str) -> bytes:
    """Return an answer, and the request that asked for it where that is known, as bytes to append to a WARC file.

    Both bear the address that went out, with the query that no cache has seen where there was one.
    `name` is the id of the evidence; the same arguments give the same bytes.
    """
    headers, members = _warc_headers(answer, name, target), b""
    url = answer.url
    if answer.request is not None:
        asked = headers | {"WARC-Record-ID": _record_id(name, "request")}
        asked["WARC-Concurrent-To"] = headers["WARC-Record-ID"]
        url, head = _asked(answer, answer.request)
        members = _member(_BUILDER.create_warc_record(url, "request", http_headers=head, warc_headers_dict=asked))
    if not answer.whole:
        headers["WARC-Truncated"] = "length"
    record = _BUILDER.create_warc_record(
        url,
        "response",
        payload=_LargeBlocks(answer.body),
        length=len(answer.body),
        http_headers=_answer_head(answer),
        warc_headers_dict=headers,
    )
    return members + _member(record)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What a monitor gave up of its evidence, and by which rule: files that hold the records `first` to `last`."""

    files: Sequence[str]
    first: int
    last: int
    keep_days: int
    keep_mb: int


def statement(told: GivenUp, name: str, at: datetime) -> bytes:
    """Return a record that says what was given up, as bytes to append to a WARC file. `name` is its own id."""
    payload = json.dumps({GIVEN_UP: asdict(told)}).encode()
    headers = {"WARC-Record-ID": _record_id(name, "metadata"), "WARC-Date": _date(at), "X-Ninethirty-Record": name}
    record = _BUILDER.create_warc_record(
        "",
        "metadata",
        payload=BytesIO(payload),
        length=len(payload),
        warc_content_type="application/json",
        warc_headers_dict=headers,
    )
    return _member(record)


def given_up_to(data: bytes) -> int:
    """Return the number of the last record that a statement says was given up, 0 for bytes that say nothing of it."""
    for record in ArchiveIterator(BytesIO(data)):
        if record.rec_type == "metadata":
            return int(json.loads(record.content_stream().read())[GIVEN_UP]["last"])
    return 0


def _member(record: ArcWarcRecord) -> bytes:
    """Return a record as one gzip member.

    It is compressed in one call, for the reason that `_LargeBlocks` gives. The usual level takes a third of the time
    that the highest takes, and makes a calendar larger by a hundredth.
    """
    plain = BytesIO()
    WARCWriter(plain, gzip=False, warc_version="1.1").write_record(record)
    return zlib.compress(plain.getbuffer(), wbits=zlib.MAX_WBITS + _GZIP)


def _warc_headers(answer: Answer, name: str, target: str) -> dict[str, str]:
    return {
        "WARC-Record-ID": _record_id(name, "response"),
        "WARC-Date": _date(answer.received),
        "X-Ninethirty-Record": name,
        "X-Ninethirty-Target": target,
        "X-Ninethirty-Sent": _date(answer.sent),
        "X-Ninethirty-Received": _date(answer.received),
    }


class _Head(StatusAndHeaders):  # type: ignore[misc] # warcio has no types
    """The head of a request or an answer, in the bytes that crossed the wire.

    warcio's own percent-encodes what is not ASCII, and raises for some of it.
    """

    def to_ascii_bytes(self, filter_func: Callable[..., object] | None = None) -> bytes:
        return bytes(self.to_bytes(filter_func, "latin-1"))


def _answer_head(answer: Answer) -> _Head:
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    headers = [(_kept_name(name), value) for name, value in answer.headers.items()]
    return _Head(f"{answer.status} {phrase}".strip(), headers, protocol="HTTP/1.1")


def _asked(answer: Answer, request: Request) -> tuple[str, _Head]:
    """Return the address that went out, and the head of the request as it did."""
    asked = address(answer.url, answer.unique)
    place, path = f"{asked.scheme}://{asked.netloc.decode('ascii')}", asked.raw_path.decode("ascii")
    head = answer.head or b" HTTP/1.1\r\n" + lines_of([(b"Host", asked.netloc)])
    first, *lines = (head + lines_of(list(conditions_of(request)))).decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]
    return f"{place}{path}", _Head(f"{request.method} {path}{first}", headers, is_http_request=True)


def _kept_name(name: str) -> str:
    return f"{_ORIGINALLY}{name}" if name.lower() in _OF_THE_WIRE else name


def _record_id(name: str, kind: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'ninethirty:{name}:{kind}')}>"


def _date(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
