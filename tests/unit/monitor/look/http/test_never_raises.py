"""The fetcher returns an answer or a failure for any request and any bytes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.look.fetch import Failure, Request
from monitor.look.http.fetcher import HttpFetcher

ANY = st.text(st.characters(exclude_categories=()), max_size=40)
# No connection is ever opened: only these two ports are used, and these names do not exist.
ADDRESSES = st.one_of(
    ANY,
    ANY.map("https://{}:1/".format),
    ANY.map("http://[{}]/".format),
    ANY.map("http://\\{}@/".format),
)


async def fetch(url: str, etag: str) -> object:
    fetcher = HttpFetcher(SystemClock(), seconds=0.5)
    try:
        return await fetcher.fetch(Request(url, etag=etag))
    finally:
        await fetcher.close()


@settings(max_examples=150, deadline=None)
@given(ADDRESSES, ANY)
def test_no_address_or_etag_makes_the_fetcher_raise(url: str, etag: str) -> None:
    # Both are random text. No such request can succeed, so it must return a failure.
    assert isinstance(asyncio.run(fetch(url, etag)), Failure)


UNPARSABLE = (
    "https://a\ud800.invalid/",
    f"https://{'é' * 300}/",
    "http://[::1",
    "http://a:99999999/",
    "https://a\u2100b:1/",
)


@pytest.mark.parametrize("url", UNPARSABLE)
def test_address_that_libraries_cannot_parse_is_refused(url: str) -> None:
    assert isinstance(asyncio.run(fetch(url, "")), Failure)
