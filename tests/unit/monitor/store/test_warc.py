"""A record contains the exact bytes of the request and the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from monitor.look.fetch import Answer, Request
from monitor.store.evidence.warc import answer_records
from tests.unit.monitor.look.publisher import (
    BASE,
    fetcher_for,
    full_response,
    publishing,
    reply_with,
)
from tests.worlds.evidence import an_answer

PLAIN = Request(f"{BASE}/a/b?c=d", accept="text/html")
ASKED = {
    "plain": PLAIN,
    "conditional": replace(PLAIN, etag='W/"1"', modified="Fri, 05 Jan 2018 09:30:00 GMT"),
    "the origin view": replace(PLAIN, bust=True),
    "the origin view of a search": Request(f"{BASE}/api/search.json?q=a%20b", bust=True),
    "a head": replace(PLAIN, method="HEAD"),
    "an address that is written otherwise than it goes out": Request(f"{BASE}/./é?f=ü b"),
}


class WarcRecord(NamedTuple):
    kind: str
    address: str
    block: bytes


def records_of(answer: Answer) -> list[WarcRecord]:
    """Return the records that are written of an answer: its request, if it is known, and its
    response.
    """
    found = ArchiveIterator(
        BytesIO(answer_records(answer, "edge-1", "r/page/edge")), no_record_parse=True
    )
    return [
        WarcRecord(
            record.rec_type,
            record.rec_headers.get_header("WARC-Target-URI"),
            record.raw_stream.read(),
        )
        for record in found
    ]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_request_is_kept_as_the_publisher_received_it(asked: Request) -> None:
    """The requests differ in method, address and headers: for example, a conditional one has
    `If-None-Match`.
    """
    async with (
        publishing(reply_with(full_response(b"figures"))) as publisher,
        fetcher_for(publisher, contact="a@b.example") as fetcher,
    ):
        answer = await fetcher.fetch(asked)
    assert isinstance(answer, Answer)
    request, response = records_of(answer)
    assert (request.kind, request.block) == ("request", publisher.heads[-1])
    _method, path, *_ = publisher.heads[-1].decode().split(" ")
    assert request.address == response.address == f"{BASE}{path}"
    assert b"User-Agent: ninethirty/" in request.block
    assert b"Accept-Encoding: gzip" in request.block


def test_request_without_known_bytes_is_written_from_its_fields() -> None:
    answer = replace(
        an_answer(), request=Request("https://www.gov.uk/x?y=1", method="HEAD", etag='"1"')
    )
    request, _response = records_of(answer)
    assert (
        request.block == b'HEAD /x?y=1 HTTP/1.1\r\nHost: www.gov.uk\r\nIf-None-Match: "1"\r\n\r\n'
    )
    # If the request itself is unknown, only the response is written.
    assert [record.kind for record in records_of(replace(answer, request=None))] == ["response"]


def test_any_warc_tool_reads_request_and_cut_answer() -> None:
    """The body of the answer was cut (`whole=False`). A library for WARC files reads the request,
    and the answer with a mark that it is truncated. The two refer to each other.
    """
    request = Request("https://www.gov.uk/x?y=1", method="HEAD", etag='"abc"')
    data = answer_records(
        replace(an_answer(), whole=False, request=request), "edge-7", "r/page/edge"
    )
    asked, answered = ArchiveIterator(BytesIO(data))
    assert asked.rec_type == "request"
    assert asked.http_headers.to_str().splitlines()[:2] == [
        "HEAD /x?y=1 HTTP/1.1",
        "Host: www.gov.uk",
    ]
    assert asked.http_headers.get_header("If-None-Match") == '"abc"'
    assert asked.rec_headers.get_header("WARC-Concurrent-To") == answered.rec_headers.get_header(
        "WARC-Record-ID"
    )
    assert answered.rec_headers.get_header("WARC-Truncated") == "length"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "response"),
        ({"headers": {}, "body": b"[[release]]"}, "response"),
        ({"status": 299, "body": b""}, "response"),
        ({"url": "file:calendar.toml", "headers": {}, "body": b"[[release]]"}, "resource"),
    ],
    ids=["page", "without headers", "without phrase and body", "local file"],
)
def test_digests_of_every_answer_agree_for_any_warc_tool(
    changes: dict[str, Any], kind: str
) -> None:
    """Tools read HTTP only in records of http addresses. A local file has none."""
    answer = replace(an_answer(), **changes)
    data = BytesIO(answer_records(answer, "edge-7", "r/page/edge"))
    record = next(ArchiveIterator(data, check_digests="raise"))
    assert (record.rec_type, record.content_stream().read()) == (kind, answer.body)


IN_A_HEADER = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30).map(
    str.strip
)


@given(
    st.dictionaries(st.text("abcdefg-", min_size=1, max_size=8), IN_A_HEADER, max_size=4),
    IN_A_HEADER,
)
@example({"x-note": ";\xe9=0; \xfc"}, ";\xe9=0; \xfc")
def test_headers_are_kept_in_the_bytes_that_crossed_the_wire(
    headers: dict[str, str], tag: str
) -> None:
    """The headers of the answer and the entity tag of its request are random. As text they are in
    Latin-1, one character for each byte that was sent. So they must be written in Latin-1 again.
    """
    at = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
    answer = Answer(f"{BASE}/x", 404, headers, b"", at, at, request=Request(f"{BASE}/x", etag=tag))
    request, response = records_of(answer)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    assert response.block == f"HTTP/1.1 404 Not Found\r\n{lines}\r\n".encode("latin-1")
    assert not tag or f"If-None-Match: {tag}\r\n".encode("latin-1") in request.block
