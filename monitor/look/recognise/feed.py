"""`feed:…`: an entry of an RSS or Atom feed, or an address in a sitemap, matches a pattern."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from lxml import etree

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute_url, name_in
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent, present, unknown
from monitor.look.recognise.title import is_title_among
from schedules.patterns import Linear, glob, quick
from schedules.titles import names_a_period

_HEAD = 4096
_LARGEST_FEED = 500_000
_FEED_START = quick(rb"<(rss|feed|rdf:rdf|[a-z]+:feed)[\s>]", re.IGNORECASE)
SITEMAP = "sitemap"
"""The role of an entry of a sitemap index, which is not a publication."""
_SITEMAP_START = quick(rb"<(?:[a-z0-9]+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
_GZIP_START = b"\x1f\x8b"
_LARGEST_SITEMAP = 4_000_000
_MOST_ADDRESSES = 20_000


def find_entry(pattern: str) -> Recogniser:
    """Return a recogniser of entries with `pattern` (`*` for any text) in title, summary or link.

    All entries are found, as `matched` or `listed`. A presence has the first matched address as
    reason, and is specific if the pattern names a period, or an entry has the release's title. A
    truncated feed proves no absence. For a sitemap, the words of addresses are used.
    """
    wanted = glob(pattern)
    is_dated = names_a_period(pattern)

    def recognise(answer: Answer, context: Context) -> Recognised:
        """Return presence if an entry matches `wanted`, absence if none does."""
        body, is_complete = unpack_gzip(answer.body)
        if _SITEMAP_START.search(body[:_HEAD]):
            found, is_sound = read_sitemap(body, wanted)
        elif feed := _parse_feed(body):
            found = tuple(_entry_to_found(answer.url, entry, wanted) for entry in feed.entries)
            is_sound = not feed.bozo
        else:
            return unknown("no feed, or one too large to read")
        if matched := [entry for entry in found if entry.role == "matched"]:
            is_titled = is_title_among(context, (entry.title for entry in matched))
            return present(found, specific=is_dated or is_titled, why=matched[0].url)
        if not (is_complete and is_sound and answer.whole):
            return unknown("a damaged feed", found)
        return absent("no such entry" if found else "an empty feed", found)

    return recognise


def _parse_feed(body: bytes) -> Any:  # noqa: ANN401  # feedparser has no types
    """Return an RSS or Atom feed as feedparser reads it, None for anything else."""
    import feedparser  # noqa: PLC0415  # 3 MB, needed only for a feed

    # feedparser takes seconds for a large page.
    if len(body) > _LARGEST_FEED or not _FEED_START.search(body[:_HEAD]):
        return None
    # It may produce, and then fail to encode, half of a surrogate pair.
    with suppress(ValueError):
        feed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        if feed.version:
            return feed
    return None


def _entry_to_found(base: str, entry: Any, wanted: Linear) -> Found:  # noqa: ANN401  # as above
    # Not `get`: for `updated`, feedparser returns `published` and warns.
    texts = {
        name: str(entry[name])
        for name in ("title", "link", "published", "updated", "summary")
        if name in entry
    }
    title, link = texts.pop("title", ""), texts.pop("link", "")
    role = _role_of(wanted, title, link, texts.get("summary", ""))
    return Found(absolute_url(base, link) or base, title, role, texts)


def unpack_gzip(body: bytes) -> tuple[bytes, bool]:
    """Return the content of a gzip file, and whether it is complete. Others are unchanged."""
    if not body.startswith(_GZIP_START):
        return body, True
    inflate = zlib.decompressobj(wbits=31)  # gzip
    try:
        # A small file may decompress to a very large one.
        text = inflate.decompress(body, _LARGEST_SITEMAP)
    except zlib.error:
        return b"", False
    return text, inflate.eof


def read_sitemap(body: bytes, wanted: Linear) -> tuple[tuple[Found, ...], bool]:
    """Return the addresses in a sitemap in order, and whether it was read to its end.

    Titles are words of the last segment. The fact `updated` is `lastmod` (sitemaps.org, protocol
    0.9). Only the five entities of XML are expanded, and nothing is fetched.
    """
    rows = etree.iterparse(
        io.BytesIO(body),
        tag=("{*}url", "{*}sitemap"),
        recover=True,
        resolve_entities=False,
    )
    try:
        found = tuple(islice(_sitemap_addresses(rows, wanted), _MOST_ADDRESSES))
    except etree.XMLSyntaxError:
        return (), False
    if rows.error_log.filter_from_errors():
        # The last one may be incomplete.
        return found[:-1], False
    return found, len(found) < _MOST_ADDRESSES


def _sitemap_addresses(rows: Any, wanted: Linear) -> Iterator[Found]:  # noqa: ANN401  # lxml's iterator has no public type
    """Yield each usable address in a sitemap, as it is parsed."""
    for _, row in rows:
        # Many sitemaps have another namespace, or none.
        url = row.findtext("{*}loc", "").strip()
        updated = row.findtext("{*}lastmod", "").strip()
        is_sitemap = row.tag.endswith(SITEMAP)
        # So that a long sitemap does not fill the memory.
        row.clear()
        if not absolute_url("", url):
            continue
        words = "" if is_sitemap else name_in(url)
        role = SITEMAP if is_sitemap else _role_of(wanted, words, url)
        yield Found(url, words, role, {"updated": updated} if updated else {})


def _role_of(wanted: Linear, *texts: str) -> str:
    return "matched" if any(map(wanted.search, texts)) else "listed"
