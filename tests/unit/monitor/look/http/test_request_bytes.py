from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.fetch import Request
from monitor.look.guard import Guard, RefusedAddress
from monitor.look.http.request_bytes import Asked, Asker, address

ALWAYS = [(b"User-Agent", b"ninethirty"), (b"Accept-Encoding", b"gzip")]
PATHS = st.text("aZ09-._~!$&()*+,;=:@/%?#[]{}|^\\'\" é", max_size=30)


def asker() -> Asker:
    return Asker(Guard(ports=frozenset({8080})), ALWAYS, 15.0, 1)


def first_line(asked: Asked) -> bytes:
    return asked.wire.split(b"\r\n", 1)[0]


@given(
    st.sampled_from(["https://stats.example", "http://Stats.example:8080", "https://b%C3%BC.example:443"]),
    PATHS,
    st.booleans(),
)
def test_an_address_goes_out_as_httpx_would_write_it(place: str, path: str, bust: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    url = f"{place}/{path}"
    request = Request(url, bust=bust)
    try:
        known = address(url, 1 if bust else None)
    except httpx.InvalidURL:
        with pytest.raises(httpx.InvalidURL):
            asker().asked(request)
        return
    asked = asker().asked(request)
    assert first_line(asked) == b"GET %s HTTP/1.1" % known.raw_path
    assert asked.headers["host"] == known.netloc.decode()
    assert (asked.url.scheme, asked.url.host, asked.url.port) == (known.scheme, known.host, known.port)
    assert asked.url.raw_path == known.raw_path


def test_what_other_transports_read_says_the_same_as_the_bytes() -> None:
    asked = asker().asked(Request("https://stats.example/a?b=c", accept="text/html", etag='"1"', modified="Thu"))
    lines = asked.wire.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert [b"%s: %s" % header for header in asked.headers.raw] == lines[1:-2]
    assert lines[-4:-2] == [b'If-None-Match: "1"', b"If-Modified-Since: Thu"]
    assert b"%s %s HTTP/1.1" % (asked.method.encode(), asked.url.raw_path) == lines[0]
    assert isinstance(asked.stream, httpx.AsyncByteStream)
    assert asked.extensions["timeout"]["read"] == 15.0
    assert not hasattr(asked, "anything else")


def test_requests_to_one_host_share_what_is_the_same() -> None:
    one = asker()
    first, second = one.asked(Request("https://stats.example/a")), one.asked(Request("https://stats.example/b?c=d"))
    assert first.common is second.common
    assert one.asked(Request("https://stats.example/a", accept="text/html")).common is not first.common


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
def test_an_address_that_may_not_be_asked_is_refused_however_often(url: str) -> None:
    one = asker()
    for _ in range(2):
        with pytest.raises(RefusedAddress):
            one.asked(Request(url))


@pytest.mark.parametrize("more", [{"etag": '"1"\r\nX: y'}, {"modified": "a\nb"}, {"accept": "a\x00b"}])
def test_a_line_break_never_reaches_the_wire(more: dict[str, str]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        asker().asked(Request("https://stats.example/a", **more))  # type: ignore[arg-type]  # texts alone
