from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.look.fetch import Answer
from monitor.store.evidence.headers import RecentHeaders, summarise_headers, text_sharer

AT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


def answer(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("https://www.gov.uk/x", 200, named, b"figures that nobody may see", AT, AT)


def test_summary_has_only_the_status_and_headers_about_caching() -> None:
    """The cookie, the type of the content and the body are left out."""
    summary = summarise_headers(
        answer(
            date="Fri, 05 Jan 2018 09:30:00 GMT",
            age="12",
            set_cookie="secret",
            content_type="text/html",
        )
    )
    assert summary == "200; date: Fri, 05 Jan 2018 09:30:00 GMT; age: 12"


def test_summary_keeps_only_known_words_of_cache_headers() -> None:
    """The unknown words `secret` and `unemployment` and the name of the cache are left out, because
    they could reveal figures. A time is written with GMT.
    """
    summary = summarise_headers(
        answer(
            cache_control="public, max-age=300, secret=1, unemployment=3",
            etag='W/"5fd1-3e8"',
            x_cache="MISS, HIT (cache-lcy1)",
            last_modified="Fri, 05 Jan 2018 09:29:00 +0000",
        )
    )
    cached = 'cache-control: public, max-age=300; etag: W/"5fd1-3e8"'
    assert (
        summary
        == f"200; {cached}; last-modified: Fri, 05 Jan 2018 09:29:00 GMT; x-cache: MISS, HIT"
    )


@pytest.mark.parametrize(
    "name",
    ["date", "age", "cache_control", "etag", "last_modified", "x_cache", "fastly_backend_name"],
)
def test_header_without_its_prescribed_form_is_left_out(name: str) -> None:
    """A header is kept only in the form that it should have, such as a date, because other words
    could reveal figures. So only the status, 200, is left. A case is the name of one header, such
    as `date`.
    """
    beyond_all_dates = (
        "Fri, 05 Jan 99999999999999999999 09:30:00 GMT (unemployment)",
        "Fri, 31 Dec 9999 23:59:59 -1200",
    )
    superscript_two = "\xb2"  # a digit for `str.isdigit`, but not for `int`
    for text in ('"unemployment fell"', *beyond_all_dates, superscript_two):
        assert summarise_headers(answer(**{name: text})) == "200"


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/statistics/unemployment-fell", "the same host"),
        ("https://fell.example/", "another host"),
        ("http://[", "no address"),
    ],
)
def test_summary_of_a_redirect_does_not_disclose_its_address(location: str, where: str) -> None:
    assert summarise_headers(answer(location=location)) == f"200; location: at {where}"


def test_headers_are_not_known_for_records_made_before_a_restart() -> None:
    """Headers are kept only in memory, by the id of their record.

    So a restart begins with an empty object.
    """
    headers, made_before_restart = RecentHeaders(), "edge-0"
    headers.put("edge-1", answer(age="3"))
    assert (headers.get("edge-1"), headers.get(made_before_restart)) == ("200; age: 3", "")


def test_only_the_newest_5000_headers_are_kept() -> None:
    """The headers of an answer are kept by the id of its record.

    Here they are only its status, 200.
    """
    headers = RecentHeaders()
    for number in range(5_001):
        headers.put(f"edge-{number}", answer())
    oldest, newest = headers.get("edge-0"), headers.get("edge-5000")
    assert (oldest, newest) == ("", "200")


def test_equal_texts_share_one_copy() -> None:
    share = text_sharer()
    # These are two objects with the same text.
    first, equal = str(404_000), str(404_000)
    assert equal is not first
    assert share(first) is share(equal) is first


def test_shared_copy_is_dropped_after_a_hundred_other_texts() -> None:
    """Given a text that it knows, `share` returns the object that it got first. It forgets a text
    after 64 others. After a hundred it no longer knows `first`, so it returns `equal` itself.
    """
    share = text_sharer()
    first, equal = str(404_000), str(404_000)  # two objects with the same text
    share(first)
    for number in range(100):
        share(str(number))
    assert share(equal) is equal
