"""Sitemaps: read in any spelling, without expansion of entities, and up to a limit."""

from __future__ import annotations

import gzip
import re

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.look.recognise.feed import read_sitemap, unpack_gzip

MATCHES_EVERY_ADDRESS = re.compile(".*")
MATCHES_NO_ADDRESS = re.compile("(?!)")


def test_addresses_are_read_whatever_namespace_or_wrapping_they_have() -> None:
    """The elements have a prefix, `s:`. One address is plain text, and one is in a CDATA section.

    Both are read. The address of a picture, one that is no web address, and an empty element are
    left out.
    """
    body = (
        '<?xml version="1.0"?><s:urlset xmlns:s="urn:s" xmlns:image="urn:i">'
        "<s:url><s:loc> https://x.example/a-b?x=1&amp;y=2 </s:loc><s:lastmod>2026-11-26</s:lastmod>"
        "<image:image><image:loc>https://x.example/z.png</image:loc></image:image></s:url>"
        "<s:url><s:loc><![CDATA[https://x.example/c_d.html]]></s:loc></s:url>"
        "<s:url><s:loc>javascript:alert(1)</s:loc></s:url><s:url/></s:urlset>"
    )
    found, is_whole = read_sitemap(body.encode(), wanted=MATCHES_NO_ADDRESS)
    assert is_whole
    # The title consists of the words at the end of the address.
    assert [(one.url, one.title, one.facts) for one in found] == [
        ("https://x.example/a-b?x=1&y=2", "a b?x=1&y=2", {"updated": "2026-11-26"}),
        ("https://x.example/c_d.html", "c d", {}),
    ]


def test_address_in_sitemap_index_is_never_that_of_a_publication() -> None:
    # An index is a sitemap that only names other sitemaps.
    index = "<sitemapindex><sitemap><loc>https://x.example/1.xml.gz</loc></sitemap></sitemapindex>"
    found, _is_whole = read_sitemap(index.encode(), wanted=MATCHES_EVERY_ADDRESS)
    # A publication would have a title and the role `matched`.
    assert [(address.role, address.title) for address in found] == [("sitemap", "")]


def test_entities_are_not_expanded_and_references_are_not_fetched() -> None:
    """In XML, an entity such as `&l9;` stands for other text.

    None is replaced, so no address is found.

    Here `&l9;` would become a thousand million copies of an address, and `&e;` the content of a
    local file.
    """
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE u [<!ENTITY l0 "https://x.example/">{laughs}<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    body = f"{head}<urlset><url><loc>&l9;</loc></url><url><loc>&e;</loc></url></urlset>"
    found, _is_whole = read_sitemap(body.encode(), wanted=MATCHES_NO_ADDRESS)
    assert found == ()


def test_sitemap_that_was_cut_gives_its_addresses_and_is_incomplete() -> None:
    body = "<urlset><url><loc>https://x.example/a</loc></url><url><loc>https://x.exa"
    found, is_whole = read_sitemap(body.encode(), wanted=MATCHES_NO_ADDRESS)
    assert ([one.url for one in found], is_whole) == (["https://x.example/a"], False)


def test_gzip_sitemap_is_unpacked_up_to_a_limit() -> None:
    """The second value that is returned says whether the text, the first one, is complete."""
    body = b"<urlset/>"
    assert unpack_gzip(gzip.compress(body)) == (body, True)
    # The last nine bytes are the end mark (1), checksum (4) and length (4). Without them the text
    # is not proved whole.
    assert unpack_gzip(gzip.compress(body)[:-9]) == (body, False)
    begins_like_gzip = b"\x1f\x8bnonsense"
    assert unpack_gzip(begins_like_gzip) == (b"", False)
    limit = 4_000_000
    text, is_all = unpack_gzip(gzip.compress(b" " * 50_000_000))
    assert (len(text), is_all) == (limit, False)


def test_sitemap_with_too_many_addresses_is_incomplete() -> None:
    """Of 20,001 addresses, only 20,000 are read."""
    body = f"<urlset>{'<url><loc>https://x.example/a</loc></url>' * 20_001}</urlset>"
    found, is_whole = read_sitemap(body.encode(), wanted=MATCHES_NO_ADDRESS)
    assert (len(found), is_whole) == (20_000, False)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"<urlset>", b"<sitemapindex><sitemap><loc>", b"\x1f\x8b"]),
)
@example(b"javascript:alert()</loc></url></urlset>", b"<urlset><url><loc>")
def test_no_bytes_break_the_sitemap_reader(noise: bytes, head: bytes) -> None:
    """Random bytes follow a usual beginning.

    Reading them never fails, and gives only web addresses.
    """
    text, _ = unpack_gzip(head + noise)
    found, _ = read_sitemap(text, wanted=MATCHES_EVERY_ADDRESS)
    assert all(address.url.startswith("http") for address in found)
