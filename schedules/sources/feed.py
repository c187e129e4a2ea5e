"""RSS and Atom feeds whose entries announce releases, through feedparser."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import Any
from xml.parsers import expat

import feedparser

from schedules.dates.read import check_weekday
from schedules.dates.span import at_written
from schedules.patterns import Linear, quick
from schedules.slot import Slot
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, decode_text, find_page, page_name, refuse_html
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.govuk_items import plain_text
from schedules.sources.row import CalendarRow, clean_title, is_struck_out, make_row
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import instants_of, local

LARGEST = 8 * 1024 * 1024
MAX_DEPTH = 100
_TAIL = 4000
MOST_TAGS_IF_MALFORMED = 50_000

_KNOWN_OFFSET = quick(r"(?: [+-]\d{4}| (?:GMT|UTC?|Z|[ECMP][SD]T))$", re.IGNORECASE)
_COLON_OFFSET = quick(r"(?<= )([+-]\d\d):(\d\d)$")
_AMERICAN_NAME = quick(r" [ECMP][SD]T$", re.IGNORECASE)
_AMERICAN = {
    "E": "America/New_York",
    "C": "America/Chicago",
    "M": "America/Denver",
    "P": "America/Los_Angeles",
}
_USUAL_TIMES = (time(7), time(9, 30))
_NAMES_OF_UTC = ("GMT", "UTC", "UT")
_CHANGED = quick(rb":(?:modified|updated)[\s>]")
_COMMENT = quick(r"\s?\([^()]{1,40}\)$")
_END = quick(rb"</(?:[a-z]{1,20}:)?(?:rss|feed|rdf)\s{0,20}>", re.IGNORECASE)


class FeedSource(OnePage):
    """A feed as a calendar.

    By default the date is `published`, or the `dc:date` of RSS, which is a promise only if the
    publisher says so.
    """

    accept = "application/atom+xml, application/rss+xml, application/xml;q=0.9"

    def __init__(self, settings: CalendarSettings) -> None:
        super().__init__(settings)
        options = settings.options
        self._date_field = options.get("date", "published")
        self._date_pattern = Linear(options["pattern"]) if "pattern" in options else None
        self._title_pattern = Linear(options["title"]) if "title" in options else None

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the entries as announcements.

        Raises `UnreadableCalendar`.
        """
        page = find_page(pages, self._url)
        made, remarks = make_announcements(self._make_rows(_parse_feed(page)), self._settings, now)
        return make_reading(made, remarks, lists_overdue=False)

    def _make_rows(self, entries: Sequence[Mapping[str, Any]]) -> Iterator[CalendarRow]:
        """Yield a row for each entry of the feed.

        The patterns of the options find title and date in its texts.
        """
        for number, item in enumerate(entries, 1):
            title = _strip_markup(item.get("title", ""))
            dated = item.get(self._date_field, "")
            if self._date_field == "content" and isinstance(dated, list) and dated:
                dated = dated[0].get("value", "")  # feedparser lists the contents of an entry
            date_text = _extract_match(self._date_pattern, _strip_markup(dated))
            texts = {
                "uid": str(item.get("id") or item.get("link") or ""),
                "title": _extract_match(self._title_pattern, title) or title,
                "url": self._link_of(item),
                "date": date_text,
            }
            # The slot of an instant counts instead of `date`.
            contents = [part.get("value", "") for part in item.get("content", ())]
            descriptions = [item.get("summary", ""), *contents]
            categories = [str(tag.get("term", "")) for tag in item.get("tags", ())]
            statuses = [str(value) for name, value in item.items() if name.endswith("status")]
            yield make_row(
                f"entry {number}",
                texts,
                slot=_instant_slot(date_text, self._settings.zone),
                is_struck=is_struck_out(str(item.get("title"))),
                notes=(*map(_strip_markup, descriptions), *categories, *statuses),
            )

    def _link_of(self, item: Mapping[str, Any]) -> str:
        """Return the link of an entry, "" if it leads to the feed itself."""
        link = str(item.get("link", "")).strip().replace(" ", "%20")
        return "" if link.partition("#")[0] == self._settings.address else link


def _parse_feed(page: Page) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a feed.

    Raises `UnreadableCalendar` if it is not a feed, cut short or unsafe to parse.
    """
    body = page.body
    refuse_html(page, decode_text(page, fallback="cp1252"), "a feed")
    if b"<!ENTITY" in body:
        raise UnreadableCalendar(f"{page_name(page)}: declares entities, which no feed needs")
    if len(body) > LARGEST:
        raise UnreadableCalendar(f"{page_name(page)}: {len(body)} bytes are too many for a feed")
    if not _is_ended(body[-_TAIL:]):
        raise UnreadableCalendar(f"{page_name(page)}: cut short, its last tag is missing")
    _refuse_depth(page)
    # Never the bytes themselves, because feedparser opens a text that looks like a file name or an
    # address.
    try:
        parsed = feedparser.parse(
            io.BytesIO(body), response_headers={"content-type": "application/xml"}
        )
    except ValueError as exc:
        # It fails on an invalid character reference.
        raise UnreadableCalendar(f"{page_name(page)}: is not a readable feed") from exc
    if not parsed.get("version"):
        raise UnreadableCalendar(f"{page_name(page)}: neither RSS nor Atom")
    entries: list[dict[str, Any]] = parsed.entries
    # feedparser calls the `dc:date` of RSS `updated`, as it does a date of a change.
    if parsed.version.startswith("rss") and not _CHANGED.search(body):
        for entry in entries:
            if "published" not in entry and "updated" in entry:
                entry["published"] = entry["updated"]
    if parsed.get("bozo") and not entries:
        raise UnreadableCalendar(
            f"{page_name(page)}: {clean_title(str(parsed.get('bozo_exception', '')))}"
        )
    return entries


def _is_ended(tail: bytes) -> bool:
    """Return whether the end tag of a feed is at the end of these bytes.

    Comments and blanks after it do not count.
    """
    tail = tail.rstrip()
    while tail.endswith(b"-->") and (begin := tail.rfind(b"<!--")) >= 0:
        tail = tail[:begin].rstrip()
    begin = tail.rfind(b"</")
    return begin >= 0 and _END.fullmatch(tail, begin) is not None


def _refuse_depth(page: Page) -> None:
    """Raise `UnreadableCalendar` for a feed that is nested too deeply.

    The check ends at the first error of a malformed feed, so such a feed is refused if it has very
    many tags: it can be nested deeply after the error. The running time of feedparser grows with
    the square of the depth.
    """
    steps: list[int] = []  # 1 for each begin tag, -1 for each end tag
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _name, _attributes: steps.append(1)
    parser.EndElementHandler = lambda _name: steps.append(-1)
    try:
        parser.Parse(page.body, True)  # noqa: FBT003  # the last piece
        may_be_deep = False
    except expat.ExpatError:
        may_be_deep = page.body.count(b"<") >= MOST_TAGS_IF_MALFORMED
    if may_be_deep or max(accumulate(steps), default=0) > MAX_DEPTH:
        raise UnreadableCalendar(f"{page_name(page)}: nested too deeply for a feed")


def _instant_slot(text: str, timezone: str) -> Slot | None:
    """Return the slot of an RFC 822 instant, None for any other text and without an offset that we
    know.
    """
    written = _COMMENT.sub("", text.strip())
    plain = _COLON_OFFSET.sub(r"\1\2", written).replace(" -0000", " +0000")  # both mean UTC
    # Python takes an unknown name of a zone for UTC.
    if not _KNOWN_OFFSET.search(plain):
        return None
    with suppress(ValueError, IndexError, OverflowError):
        moment = parsedate_to_datetime(plain)
        if moment.tzinfo is not None:
            slot = at_written(moment, text, timezone)
            slot = check_weekday(slot, plain.partition(",")[0], moment.date())
            return _check_zone_word(slot, moment, plain)
    return None


def _check_zone_word(slot: Slot, moment: datetime, text: str) -> Slot:
    """Return the slot of a feed's instant, with a doubt if it is the usual hour of statistics, but
    in GMT while the clocks of its zone show another time, or in an American zone by the name of
    another season.
    """
    american = None
    if _AMERICAN_NAME.search(text):
        american = _AMERICAN.get(text[-3:-2].upper())
    if american and slot.instant is not None and slot.doubt is None:
        meant = instants_of(moment.replace(tzinfo=None), american)
        readings = tuple(sorted({slot.instant, *meant}))
        if len(readings) == 1:
            return slot
        return replace(slot, doubt="zone", readings=readings)
    shown = local(moment, slot.timezone).time()
    is_usual = moment.time() in _USUAL_TIMES and shown != moment.time()
    if not text.endswith(_NAMES_OF_UTC) or not is_usual or slot.instant is None or slot.doubt:
        return slot
    meant = instants_of(moment.replace(tzinfo=None), slot.timezone)
    return replace(slot, doubt="zone", readings=tuple(sorted({slot.instant, *meant})))


def _strip_markup(value: object) -> str:
    # feedparser returns sanitised markup for every field.
    return html.unescape(plain_text(str(value)))


def _extract_match(pattern: Linear | None, text: str) -> str:
    """Return what the group of a pattern (or all of it) matches, "" without a match, and the text
    without a pattern.
    """
    if pattern is None:
        return text
    match = pattern.search(text)
    if match is None:
        return ""
    found: str = match[1] if match.groups() else match[0]
    return found
