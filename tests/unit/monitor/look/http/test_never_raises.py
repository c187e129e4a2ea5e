"""Whatever it is asked for and whatever comes back, the fetcher brings an answer or a failure."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import SystemClock
from monitor.look.fetch import Failure, Request
from monitor.look.http.fetcher import HttpFetcher

ANY = st.text(st.characters(exclude_categories=()), max_size=40)
# Nothing is ever connected to: no port but these two is asked, and these names are nobody's.
ADDRESSES = st.one_of(
    ANY, ANY.map("https://{}:1/".format), ANY.map("http://[{}]/".format), ANY.map("http://\\{}@/".format)
)


async def outcome(url: str, tag: str) -> object:
    fetcher = HttpFetcher(SystemClock(), seconds=0.5)
    try:
        return await fetcher.fetch(Request(url, etag=tag))
    finally:
        await fetcher.close()


@settings(max_examples=150, deadline=None)
@given(ADDRESSES, ANY)
def test_no_address_and_no_tag_makes_it_raise(url: str, tag: str) -> None:
    assert isinstance(asyncio.run(outcome(url, tag)), Failure)


STUMBLES = (
    "https://a\ud800.invalid/",
    f"https://{'é' * 300}/",
    "http://[::1",
    "http://a:99999999/",
    "https://a\u2100b:1/",
)


@pytest.mark.parametrize("url", STUMBLES)
def test_an_address_that_libraries_stumble_over_is_refused(url: str) -> None:
    assert isinstance(asyncio.run(outcome(url, "")), Failure)
