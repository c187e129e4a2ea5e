"""Answers as WARC 1.1 records: each one gzip member, made in memory, readable by any WARC tool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from monitor.look.fetch import Answer, Request

# The body is kept decoded, so these headers no longer speak of it; the prefix is the one web archives use.
_OF_THE_WIRE = {"content-encoding", "content-length", "transfer-encoding"}
_ORIGINALLY = "X-Archive-Orig-"


def opening(software: str, name: str, at: datetime) -> bytes:
    """Return the record that begins a file and says who wrote it."""
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="1.1")
    info = {"software": software, "format": "WARC File Format 1.1"}
    record = writer.create_warcinfo_record(name, info)
    record.rec_headers.replace_header("WARC-Date", _date(at))
    record.rec_headers.replace_header("WARC-Record-ID", _record_id(name, "warcinfo"))
    writer.write_record(record)
    return buffer.getvalue()


def records(answer: Answer, name: str, target: str, request: Request | None = None) -> bytes:
    """Return an answer, and the request that asked for it when it is given, as bytes to append to a WARC file.

    `name` is the id of the evidence; the same arguments give the same bytes.
    """
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="1.1")
    headers = _warc_headers(answer, name, target)
    if request is not None:
        asked = headers | {"WARC-Record-ID": _record_id(name, "request")}
        asked["WARC-Concurrent-To"] = headers["WARC-Record-ID"]
        head = _request_head(answer.url, request)
        writer.write_record(
            writer.create_warc_record(answer.url, "request", http_headers=head, warc_headers_dict=asked)
        )
    if not answer.whole:
        headers["WARC-Truncated"] = "length"
    writer.write_record(
        writer.create_warc_record(
            answer.url,
            "response",
            payload=BytesIO(answer.body),
            length=len(answer.body),
            http_headers=_answer_head(answer),
            warc_headers_dict=headers,
        )
    )
    return buffer.getvalue()


def _warc_headers(answer: Answer, name: str, target: str) -> dict[str, str]:
    return {
        "WARC-Record-ID": _record_id(name, "response"),
        "WARC-Date": _date(answer.received),
        "X-Ninethirty-Record": name,
        "X-Ninethirty-Target": target,
        "X-Ninethirty-Sent": _date(answer.sent),
        "X-Ninethirty-Received": _date(answer.received),
    }


def _answer_head(answer: Answer) -> StatusAndHeaders:
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    headers = [(_kept_name(name), value) for name, value in answer.headers.items()]
    return StatusAndHeaders(f"{answer.status} {phrase}".strip(), headers, protocol="HTTP/1.1")


def _request_head(url: str, request: Request) -> StatusAndHeaders:
    parts = urlsplit(url)
    headers = [("Host", parts.netloc), *_conditions(request).items()]
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return StatusAndHeaders(f"{request.method} {path} HTTP/1.1", headers, is_http_request=True)


def _conditions(request: Request) -> Mapping[str, str]:
    told = {"Accept": request.accept, "If-None-Match": request.etag, "If-Modified-Since": request.modified}
    return {name: value for name, value in told.items() if value is not None}


def _kept_name(name: str) -> str:
    return f"{_ORIGINALLY}{name}" if name.lower() in _OF_THE_WIRE else name


def _record_id(name: str, kind: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'ninethirty:{name}:{kind}')}>"


def _date(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
