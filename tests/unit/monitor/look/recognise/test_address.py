from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.look.recognise.page import absolute_url
from tests.unit.monitor.look.recognise.pages import URL, answer, recognise_with

NOWHERE = [
    "http://[",
    "//[::1",
    "http://a.example:99999/",
    "http://a.example:port/",
    "javascript:alert(1)",
    "https://user:word@a.example/",
    "mailto:a@b.example",
    "http://",
]
DAMAGED_JSON = [
    ("ons", {"description": {"published": True, "title": "x", "migration_link": "http://["}}),
    (
        "ons",
        {"description": {"published": True}, "related_datasets": [{"uri": "//[::1", "title": "x"}]},
    ),
    (
        "ons",
        {
            "description": {"published": True},
            "related_documents": 5,
            "relatedDatasets": {"uri": "/a"},
        },
    ),
    (
        "jmespath:results",
        {"results": [{"title": "x", "url": "http://["}, {"title": "y", "url": 7}]},
    ),
    ("govuk", {"results": [{"title": "x", "link": "http://["}]}),
]
DAMAGED_FEEDS = [
    b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>x</title><link href='http://['/></entry></feed>",
    b"<!-- \x00 &#xD800; --><feed><entry><title>&#xD800;</title></entry></feed>",
    b"<rss version='2.0'>&#xD800;<channel><item><title>&#xD800;</title></item></channel></rss>",
]


@pytest.mark.parametrize("link", NOWHERE)
def test_unusable_link_gives_no_address(link: str) -> None:
    assert absolute_url(URL, link) == ""


def test_relative_link_is_resolved_against_its_page() -> None:
    assert absolute_url("https://www.gov.uk/a/b", " ../c?d=e@f ") == "https://www.gov.uk/c?d=e@f"


@given(st.text(max_size=60))
def test_no_link_breaks_its_page(link: str) -> None:
    """The link is any text. Its address is that of a web page, or empty if the link is unusable."""
    assert absolute_url(URL, link)[:4] in ("", "http")


@pytest.mark.parametrize(("recogniser", "damaged_json"), DAMAGED_JSON)
def test_damaged_json_gives_no_unusable_addresses(recogniser: str, damaged_json: object) -> None:
    """The JSON has addresses such as "http://[", which cannot be read.

    They are left out, without an error.
    """
    recognised = recognise_with(
        recogniser, answer(json.dumps(damaged_json).encode(), "application/json")
    )
    assert not any("[" in found.url for found in recognised.found)


@pytest.mark.parametrize("damaged_feed", DAMAGED_FEEDS)
def test_damaged_feed_gives_no_unusable_addresses(damaged_feed: bytes) -> None:
    """The feed has addresses such as "http://[", which cannot be read, or broken characters.

    That is no error.
    """
    recognised = recognise_with("feed:*", answer(damaged_feed, "application/xml"))
    assert not any("[" in found.url for found in recognised.found)
