"""Sitemaps and their indexes: addresses with the words of each, and when each was last touched."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from lxml import etree

from monitor.look.fetch import Found
from schedules.patterns import Linear, quick

CHILD = "sitemap"
"""The role of what an index names: further sitemaps, which are no publications."""
_BEGINS = quick(rb"<(?:[a-z0-9]+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
_PACKED = b"\x1f\x8b"
_HEAD = 4096
_LARGEST = 4_000_000
_PLACES = 20_000
_TAGS = ("{*}url", "{*}sitemap")


def unpacked(body: bytes) -> tuple[bytes, bool]:
    """Return the bytes of a `.xml.gz`, and whether that is all of them; what is not packed is returned as it is.

    Never more than four million: a small file may unpack to a very large one.
    """
    if not body.startswith(_PACKED):
        return body, True
    inflate = zlib.decompressobj(31)
    try:
        text = inflate.decompress(body, _LARGEST)
    except zlib.error:
        return b"", False
    return text, inflate.eof


def is_sitemap(body: bytes) -> bool:
    """Tell whether bytes begin as a sitemap or an index of sitemaps does."""
    return _BEGINS.search(body[:_HEAD]) is not None


def places(body: bytes, wanted: Linear) -> tuple[tuple[Found, ...], bool]:
    """Return the addresses of a sitemap in its order, and whether it could be read to its end.

    Each bears the words of its last segment and the role `listed`, `matched` when `wanted` is in either, or
    `sitemap` when an index names it; `updated` is its `lastmod` (sitemaps.org, protocol 0.9). No entity is expanded
    but the five of XML, and nothing is fetched.
    """
    rows = etree.iterparse(
        io.BytesIO(body), tag=_TAGS, recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        found = tuple(islice(_places(rows, wanted), _PLACES))
    except etree.XMLSyntaxError:
        return (), False
    if rows.error_log.filter_from_errors():
        # The address at which it was cut may be the beginning of another.
        return found[:-1], False
    return found, len(found) < _PLACES


def _places(rows: Any, wanted: Linear) -> Iterator[Found]:  # noqa: ANN401  # lxml's iterator has no public type
    for _, row in rows:
        # By the names without their namespace: half the sitemaps there are name another, or none.
        told = {child.tag.rpartition("}")[2]: (child.text or "").strip()[:2000] for child in row.iterchildren("*")}
        is_child = row.tag.endswith(CHILD)
        # What was read is let go, so that a long sitemap does not stand in memory as a tree.
        row.clear()
        if _is_web(told.get("loc", "")):
            yield _found(told["loc"], told.get("lastmod", ""), wanted, is_child=is_child)


def _found(url: str, when: str, wanted: Linear, *, is_child: bool) -> Found:
    facts = {"updated": when} if when else {}
    if is_child:
        return Found(url, "", CHILD, facts)
    words = unquote(url.rstrip("/").rpartition("/")[2]).partition(".")[0].replace("-", " ").replace("_", " ")
    matches = wanted.search(words) or wanted.search(url)
    return Found(url, words, "matched" if matches else "listed", facts)


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url
