"""Sitemaps: read whatever their spelling, never expanded, never beyond a measure."""

from __future__ import annotations

import gzip
import re

from hypothesis import given
from hypothesis import strategies as st

from monitor.look.recognise.sitemap import is_sitemap, places, unpacked

ANY = re.compile(".*")
NONE = re.compile("(?!)")


def urls(body: str, wanted: re.Pattern[str] = NONE) -> list[str]:
    return [one.url for one in places(body.encode(), wanted)[0]]


def test_addresses_are_read_whatever_namespace_prefix_or_wrapping_they_have() -> None:
    body = (
        '<?xml version="1.0"?><s:urlset xmlns:s="urn:s" xmlns:image="urn:i">'
        "<s:url><s:loc> https://x.example/a-b?x=1&amp;y=2 </s:loc><s:lastmod>2026-11-26</s:lastmod>"
        "<image:image><image:loc>https://x.example/z.png</image:loc></image:image></s:url>"
        "<s:url><s:loc><![CDATA[https://x.example/c_d.html]]></s:loc></s:url>"
        "<s:url><s:loc>javascript:alert(1)</s:loc></s:url><s:url/></s:urlset>"
    )
    found, is_whole = places(body.encode(), NONE)
    assert is_sitemap(body.encode())
    assert is_whole
    assert [(one.url, one.title, one.facts) for one in found] == [
        ("https://x.example/a-b?x=1&y=2", "a b?x=1&y=2", {"updated": "2026-11-26"}),
        ("https://x.example/c_d.html", "c d", {}),
    ]


def test_an_index_names_sitemaps_and_no_publications() -> None:
    body = "<sitemapindex><sitemap><loc>https://x.example/1.xml.gz</loc></sitemap></sitemapindex>"
    (one,), _ = places(body.encode(), ANY)
    assert (one.role, one.title) == ("sitemap", "")


def test_entities_are_not_expanded_and_nothing_is_fetched() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE u [<!ENTITY l0 "https://x.example/">{laughs}<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    body = f"{head}<urlset><url><loc>&l9;</loc></url><url><loc>&e;</loc></url></urlset>"
    assert urls(body) == []


def test_a_sitemap_that_is_cut_gives_what_came_and_says_so() -> None:
    body = "<urlset><url><loc>https://x.example/a</loc></url><url><loc>https://x.exa"
    found, is_whole = places(body.encode(), NONE)
    assert ([one.url for one in found], is_whole) == (["https://x.example/a"], False)


def test_a_packed_sitemap_is_unpacked_up_to_a_measure() -> None:
    body = b"<urlset/>"
    assert unpacked(gzip.compress(body)) == (body, True)
    assert unpacked(gzip.compress(body)[:-9]) == (body, False)
    assert unpacked(b"\x1f\x8bnonsense") == (b"", False)
    text, is_all = unpacked(gzip.compress(b" " * 50_000_000))
    assert (len(text), is_all) == (4_000_000, False)


def test_more_addresses_than_are_taken_are_no_whole_sitemap() -> None:
    body = f"<urlset>{'<url><loc>https://x.example/a</loc></url>' * 20_001}</urlset>"
    found, is_whole = places(body.encode(), NONE)
    assert (len(found), is_whole) == (20_000, False)


@given(st.binary(max_size=200), st.sampled_from([b"", b"<urlset>", b"<sitemapindex><sitemap><loc>", b"\x1f\x8b"]))
def test_no_bytes_break_it(noise: bytes, head: bytes) -> None:
    text, _ = unpacked(head + noise)
    found, _ = places(text, ANY)
    assert all(one.url.startswith("http") for one in found)
