"""`feed:…`: an entry of an RSS or Atom feed, or an address in a sitemap, matches a pattern."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

import feedparser
from lxml import etree

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute_url
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent, present, unknown
from monitor.look.recognise.title import is_title_among, names_a_period
from schedules.patterns import Linear, glob, quick

_HEAD = 4096
_MOST_ENTRIES = 500
_LARGEST_FEED = 500_000
_FEED_START = quick(rb"<(rss|feed|rdf:rdf|[a-z]+:feed)[\s>]", re.IGNORECASE)
SITEMAP = "sitemap"
"""The role of an address in a sitemap index: another sitemap, not a publication."""
_SITEMAP_START = quick(rb"<(?:[a-z0-9]+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
_GZIP_START = b"\x1f\x8b"
_LARGEST_SITEMAP = 4_000_000
_MOST_ADDRESSES = 20_000
_LONGEST = 2000
_SITEMAP_TAGS = ("{*}url", "{*}sitemap")


def find_entry(pattern: str) -> Recogniser:
    """Return a recogniser of entries with `pattern` in their title, summary or link.

    In it, `*` matches any text.

    All entries are returned as found, with the role `matched` if they match, else `listed`. The
    reason of a presence is the address of the first one that matches.
    Presence is specific to this edition if the pattern names a period, or if an entry has the title
    of the release. A truncated feed does not prove absence. A sitemap has no titles, so the words
    of each address are used.
    """
    wanted = glob(pattern)
    pattern_names_period = names_a_period(pattern)

    def recognise(answer: Answer, context: Context) -> Recognised:
        """Return presence if an entry of the feed or sitemap matches the pattern `wanted`, absence
        if none does.
        """
        body, is_complete = unpack_gzip(answer.body)
        if _SITEMAP_START.search(body[:_HEAD]):
            found, is_sound = read_sitemap(body, wanted)
        elif len(body) > _LARGEST_FEED or not _FEED_START.search(body[:_HEAD]):
            # feedparser takes seconds to read a large page that is not a feed.
            return unknown("no feed, or one too large to read")
        else:
            try:
                feed = feedparser.parse(
                    io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False
                )
            except ValueError:
                # feedparser may produce half of a surrogate pair, and then fails to encode it.
                return unknown("no feed")
            if not feed.get("version"):
                return unknown("no feed")
            found = tuple(
                _entry_to_found(answer.url, entry, wanted) for entry in feed.entries[:_MOST_ENTRIES]
            )
            is_sound = not feed.get("bozo")
        if matched := [entry for entry in found if entry.role == "matched"]:
            titles = [entry.title for entry in matched]
            is_specific = pattern_names_period or is_title_among(context, titles)
            return present(found, specific=is_specific, why=matched[0].url)
        if not (is_complete and is_sound and answer.whole):
            return unknown("a damaged feed", found)
        return absent("no such entry" if found else "an empty feed", found)

    return recognise


def _entry_to_found(base: str, entry: Any, wanted: Linear) -> Found:  # noqa: ANN401  # feedparser has no types
    """Return an entry of a feed as found, with the role `matched` if it contains `wanted`, else
    `listed`.
    """
    title, link = str(entry.get("title", "")), str(entry.get("link", ""))
    matches = any(wanted.search(text) for text in (title, link, str(entry.get("summary", ""))))
    # Test with `in`: for a missing `updated`, feedparser's `get` returns `published` and warns.
    facts = {
        name: str(entry[name]) for name in ("published", "updated", "summary") if name in entry
    }
    return Found(absolute_url(base, link) or base, title, "matched" if matches else "listed", facts)


def unpack_gzip(body: bytes) -> tuple[bytes, bool]:
    """Return the content of a gzip file, and whether it is complete.

    A body that is not gzip is returned as it is.
    """
    if not body.startswith(_GZIP_START):
        return body, True
    inflate = zlib.decompressobj(wbits=31)  # the largest window, in a gzip file
    try:
        # Limited, because a small file may decompress to a very large one.
        text = inflate.decompress(body, _LARGEST_SITEMAP)
    except zlib.error:
        return b"", False
    return text, inflate.eof


def read_sitemap(body: bytes, wanted: Linear) -> tuple[tuple[Found, ...], bool]:
    """Return the addresses in a sitemap in their order, and whether it was read to its end.

    The title of an address is the words of its last segment. Its role is `matched` if title or
    address contain `wanted`, `sitemap` if a sitemap index names it, and `listed` otherwise. The
    fact `updated` is its `lastmod` (sitemaps.org, protocol 0.9). Only the five entities of XML are
    expanded, and no reference is fetched.
    """
    rows = etree.iterparse(
        io.BytesIO(body),
        tag=_SITEMAP_TAGS,
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        found = tuple(islice(_sitemap_addresses(rows, wanted), _MOST_ADDRESSES))
    except etree.XMLSyntaxError:
        return (), False
    if rows.error_log.filter_from_errors():
        # The last address may be incomplete.
        return found[:-1], False
    return found, len(found) < _MOST_ADDRESSES


def _sitemap_addresses(rows: Any, wanted: Linear) -> Iterator[Found]:  # noqa: ANN401  # lxml's iterator has no public type
    """Yield each usable address in a sitemap or sitemap index, as it is parsed.

    `read_sitemap` explains its fields.
    """
    for _, row in rows:
        # Names without their namespace: many sitemaps have another one, or none.
        fields = {
            node.tag.rpartition("}")[2]: (node.text or "").strip()[:_LONGEST]
            for node in row.iterchildren("*")
        }
        is_sitemap = row.tag.endswith(SITEMAP)
        # Free each row, so that a long sitemap does not fill the memory.
        row.clear()
        url, updated = fields.get("loc", ""), fields.get("lastmod", "")
        if not (url.startswith(("https://", "http://")) and url.isprintable() and " " not in url):
            continue
        facts = {"updated": updated} if updated else {}
        if is_sitemap:
            yield Found(url, "", SITEMAP, facts)
            continue
        last_segment = unquote(url.rstrip("/").rpartition("/")[2])
        words = last_segment.partition(".")[0].replace("-", " ").replace("_", " ")
        matches = wanted.search(words) or wanted.search(url)
        yield Found(url, words, "matched" if matches else "listed", facts)
