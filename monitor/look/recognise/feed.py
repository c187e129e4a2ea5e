"""`feed:…`: an entry of an RSS or Atom feed, or an address of a sitemap, matches."""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute
from monitor.look.recognise.result import Context, Recognised, Recogniser, absent, unknown
from monitor.look.recognise.sitemap import is_sitemap, places, unpacked
from monitor.look.recognise.title import Likeness, likeness, names_a_period
from monitor.look.sighting import State
from schedules.patterns import Linear, glob, quick

_ENTRIES = 500
_LARGEST = 500_000
_BEGINS = quick(rb"<(rss|feed|rdf:rdf|[a-z]+:feed)[\s>]", re.IGNORECASE)
_HEAD = 4096


def find_entry(pattern: str) -> Recogniser:
    """Return a recogniser of entries whose title, summary or link holds `pattern`; `*` stands for anything.

    Every entry is found, with the role `listed` (`matched` for those that match). A match is specific when
    the pattern names a period, or the title is that of the release. A feed that is cut proves no absence. A sitemap has
    no titles: the words of each address stand for one.
    """
    wanted = glob(pattern)
    dated = names_a_period(pattern)

    def recognise(answer: Answer, context: Context) -> Recognised:
        # feedparser takes seconds over a large page that is no feed, and the loop stands still meanwhile.
        body, is_all = unpacked(answer.body)
        if is_sitemap(body):
            found, is_sound = places(body, wanted)
            return _told(answer, found, context, dated=dated, damaged=not (is_all and is_sound))
        if len(body) > _LARGEST or not _BEGINS.search(body[:_HEAD]):
            return unknown("no feed, or one too large to read")
        try:
            feed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        except ValueError:
            # It stumbles over its own characters: half of a pair that stands for one.
            return unknown("no feed")
        if not feed.get("version"):
            return unknown("no feed")
        entries = feed.entries[:_ENTRIES]
        found = tuple(_found(answer.url, entry, wanted) for entry in entries)
        return _told(answer, found, context, dated=dated, damaged=bool(feed.get("bozo")))

    return recognise


def _told(answer: Answer, found: tuple[Found, ...], context: Context, *, dated: bool, damaged: bool) -> Recognised:
    matched = [entry for entry in found if entry.role == "matched"]
    if matched:
        named = any(likeness(context.title, entry.title) is Likeness.SAME for entry in matched)
        return Recognised(State.PRESENT, dated or named, found)
    if damaged or not answer.whole:
        return unknown("a damaged feed", found)
    return Recognised(State.ABSENT, found=found, why="no such entry") if found else absent("an empty feed")


def _found(base: str, entry: Any, wanted: Linear) -> Found:  # noqa: ANN401  # feedparser has no types
    title, link = str(entry.get("title", "")), str(entry.get("link", ""))
    matches = any(wanted.search(text) for text in (title, link, str(entry.get("summary", ""))))
    # Asked with `get`, feedparser lends a missing `updated` the other date, and warns of it.
    facts = {name: str(entry[name]) for name in ("published", "updated", "summary") if name in entry}
    return Found(absolute(base, link) or base, title, "matched" if matches else "listed", facts)
