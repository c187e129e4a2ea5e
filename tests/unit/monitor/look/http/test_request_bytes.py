from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Request
from monitor.look.guard import Guard, RefusedAddress
from monitor.look.http.request_bytes import RequestBytes, RequestWriter, requested_url

ALWAYS = [(b"User-Agent", b"ninethirty"), (b"Accept-Encoding", b"gzip")]
PATHS = st.text("aZ09-._~!$&()*+,;=:@/%?#[]{}|^\\'\" é", max_size=30)


def make_writer() -> RequestWriter:
    return RequestWriter(Guard(ports=frozenset({8080})), ALWAYS, first=1)


def header_lines(written: RequestBytes) -> list[bytes]:
    return written.data.split(b"\r\n")


@given(
    st.sampled_from(
        ["https://stats.example", "http://Stats.example:8080", "https://b%C3%BC.example:443"]
    ),
    PATHS,
    st.booleans(),
)
def test_address_is_sent_as_httpx_would_write_it(place: str, path: str, bust: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    """Our writer makes the bytes of a request itself. The library httpx shows how the address must
    be written in them. The path is random, and may have strange characters. With `bust`, a number
    that no cache has seen is added to the query. The first number of a writer is 1. A path that
    httpx refuses must be refused by our writer too.
    """
    url = f"{place}/{path}"
    request = Request(url, bust=bust)
    try:
        by_httpx = requested_url(url, unique=1 if bust else None)
    except httpx.InvalidURL:
        with pytest.raises(httpx.InvalidURL):
            make_writer().write(request)
        return
    written = make_writer().write(request)
    origin = written.origin
    assert header_lines(written)[:2] == [
        b"GET %s HTTP/1.1" % by_httpx.raw_path,
        b"Host: %s" % by_httpx.netloc,
    ]
    assert (origin.scheme, origin.host) == (by_httpx.scheme, by_httpx.host)
    assert origin.port == (by_httpx.port or {"http": 80, "https": 443}[by_httpx.scheme])


def test_etag_and_date_are_sent_after_the_usual_headers() -> None:
    request = Request("https://stats.example/a?b=c", accept="text/html", etag='"1"', modified="Thu")
    assert header_lines(make_writer().write(request)) == [
        b"GET /a?b=c HTTP/1.1",
        b"Host: stats.example",
        b"User-Agent: ninethirty",
        b"Accept-Encoding: gzip",
        b"Accept: text/html",
        b'If-None-Match: "1"',
        b"If-Modified-Since: Thu",
        b"",
        b"",
    ]


def test_requests_with_equal_headers_to_one_host_share_bytes() -> None:
    """The `head` of a request is the part that does not depend on its path.

    It is made once for each set of headers.
    """
    writer = make_writer()
    first = writer.write(Request("https://stats.example/a"))
    with_other_path = writer.write(Request("https://stats.example/b?c=d"))
    with_other_header = writer.write(Request("https://stats.example/a", accept="text/html"))
    assert with_other_path.head is first.head
    assert with_other_header.head is not first.head


@pytest.mark.parametrize(
    "url",
    [
        "https://somebody@stats.example/",
        "ftp://stats.example/a",
        "//stats.example/a",
        "https:///a",
        "https://stats.example:8443/a",
        "nothing",
    ],
)
def test_forbidden_address_is_refused_every_time(url: str) -> None:
    """For example, an address has a user name, another port than the usual one, or no host. The
    second request shows that the first did not make the writer accept it.
    """
    writer = make_writer()
    for _request in ("first", "second"):
        with pytest.raises(RefusedAddress):
            writer.write(Request(url))


@pytest.mark.parametrize(
    "more", [{"etag": '"1"\r\nX: y'}, {"modified": "a\nb"}, {"accept": "a\x00b"}]
)
def test_line_break_is_never_sent(more: dict[str, str]) -> None:
    """A header value contains a line break or a null byte.

    With that, it could add a header of its own.
    """
    with pytest.raises(httpx.LocalProtocolError):
        make_writer().write(Request("https://stats.example/a", **more))  # type: ignore[arg-type]  # texts alone
