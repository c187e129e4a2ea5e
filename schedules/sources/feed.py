"""RSS and Atom feeds whose entries announce releases, through feedparser. Source: `facts/libraries.md` §13."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.parsers import expat

import feedparser

from schedules.dates import at_instant
from schedules.patterns import Linear, quick
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, answered, place, refuse_html, text_of
from schedules.sources.govuk_items import plain_text, stamp
from schedules.sources.options import SourceOptions
from schedules.sources.row import CalendarRow, clean_title, entry_of, gather, reading

LARGEST = 8 * 1024 * 1024
DEEPEST = 100
_TAIL = 4000
MOST_LOOSE = 50_000  # tags of a feed that is no good XML

_END = quick(rb"</(?:[a-z]{1,20}:)?(?:rss|feed|rdf)\s{0,20}>", re.IGNORECASE)


class FeedSource(OnePage):
    """A feed as a calendar.

    Options: `date` names the field that holds the promised time (`published`, the default, `updated`, `title`,
    `summary` or another), `pattern` is a regular expression whose group finds the date in it, `title` one whose
    group finds the title. A publisher's `published` is a promise only where the publisher says so.
    """

    accept = "application/atom+xml, application/rss+xml, application/xml;q=0.9"

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self._field = options.options.get("date", "published")
        self._pattern = _compiled(options.options, "pattern")
        self._title = _compiled(options.options, "title")

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the entries into announcements. Raises `UnreadableCalendar`; a cut feed proves no absence either."""
        page = answered(pages, self._url)
        made, remarks = gather(self._entries(_parse(page)), self._options, now)
        return reading(made, remarks, lists_overdue=False)

    def _entries(self, entries: Sequence[Mapping[str, Any]]) -> Iterator[CalendarRow]:
        for number, item in enumerate(entries, 1):
            title, told = _plain(item.get("title", "")), _found(self._pattern, self._told(item))
            texts = {
                "uid": str(item.get("id") or item.get("link") or ""),
                "title": _found(self._title, title) or title,
                "url": str(item.get("link", "")),
                "date": told,
            }
            yield entry_of(f"entry {number}", texts, slot=_stamped(told, self._options.timezone))

    def _told(self, item: Mapping[str, Any]) -> str:
        value = item.get(self._field, "")
        if self._field == "content" and isinstance(value, list) and value:
            value = value[0].get("value", "")
        return _plain(value)


def _parse(page: Page) -> Sequence[Mapping[str, Any]]:
    body = page.body
    refuse_html(page, text_of(page, fallback="cp1252"), "a feed")
    if b"<!ENTITY" in body:
        raise UnreadableCalendar(f"{place(page)}: declares entities, which no feed needs")
    if len(body) > LARGEST:
        raise UnreadableCalendar(f"{place(page)}: {len(body)} bytes are too many for a feed")
    if not _is_ended(body[-_TAIL:]):
        raise UnreadableCalendar(f"{place(page)}: cut short, its last tag is missing")
    _refuse_depth(page)
    # Never the bytes themselves: feedparser opens what looks like a name or an address.
    try:
        parsed = feedparser.parse(io.BytesIO(body), response_headers={"content-type": "application/xml"})
    except ValueError as exc:
        # It stumbles over a character that there is none of.
        raise UnreadableCalendar(f"{place(page)}: is no feed that can be read") from exc
    if not parsed.get("version"):
        raise UnreadableCalendar(f"{place(page)}: neither RSS nor Atom")
    entries: list[Mapping[str, Any]] = parsed.entries
    if parsed.get("bozo") and not entries:
        raise UnreadableCalendar(f"{place(page)}: {clean_title(str(parsed.get('bozo_exception', '')))}")
    return entries


def _is_ended(tail: bytes) -> bool:
    """Tell whether the last tag of a feed ends these bytes, but for comments and blanks after it."""
    tail = tail.rstrip()
    while tail.endswith(b"-->") and (begin := tail.rfind(b"<!--")) >= 0:
        tail = tail[:begin].rstrip()
    begin = tail.rfind(b"</")
    return begin >= 0 and _END.fullmatch(tail, begin) is not None


def _refuse_depth(page: Page) -> None:
    # The time that feedparser takes grows with the square of the depth.
    depth = deepest = 0

    def begin(_name: str, _attributes: object) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(page.body, True)  # noqa: FBT003  # the last piece
        good = True
    except expat.ExpatError:
        good = False
    if deepest > DEEPEST or not (good or page.body.count(b"<") < MOST_LOOSE):
        raise UnreadableCalendar(f"{place(page)}: nested too deeply for a feed")


def _stamped(text: str, timezone: str) -> Slot | None:
    """Return the slot of an instant as feeds write it, RFC 3339 or RFC 822; None for any other text."""
    moment = stamp(text)
    if moment is None:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, IndexError, OverflowError):
            return None
    return at_instant(moment, text, timezone) if moment.tzinfo else None


def _plain(value: object) -> str:
    # feedparser hands out markup, sanitised, whatever the feed held.
    return html.unescape(plain_text(str(value)))


def _compiled(options: Mapping[str, str], name: str) -> Linear | None:
    return Linear(options[name]) if name in options else None


def _found(pattern: Linear | None, text: str) -> str:
    match = pattern.search(text) if pattern else None
    if pattern is None:
        return text
    return "" if match is None else match[1] if match.groups() else match[0]
