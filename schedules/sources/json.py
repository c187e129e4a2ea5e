"""JSON calendars, whose fields the configuration finds by JMESPath expressions."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jmespath
from jmespath.exceptions import JMESPathError

from schedules.patterns import quick
from schedules.source import Page, PageRequest, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, find_page, page_name, parse_json
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.grid import OPTION_FIELDS
from schedules.sources.ics_times import zone_name
from schedules.sources.row import TAGS, CalendarRow, is_struck_out, make_row, note_of
from schedules.sources.settings import CalendarSettings

MOST_PAGES = 200

Finder = Callable[[Any], Any]

_PLAIN_PATH = quick(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NET_DATE = quick(r"\\?/Date\((\d{1,13})(?:[+-]\d{4})?\)\\?/")
_ZONE_FIELD = quick(r"(?:start_?)?time_?zone|tz(?:id)?", re.IGNORECASE)
_HAS_ZONE = quick(r":\d\d(?:\.\d+)?\s?(?:z|[+-]\d\d:?\d\d|[a-z]{3,4})\b", re.IGNORECASE)
_UTC = frozenset({"UTC", "Etc/UTC"})
_ISO_TIME = quick(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_NOT_FIELDS = frozenset({"entries", "pages"})

# Used if the options name no field: a plain list of releases, or a WordPress list of posts, where
# `date` is the slot only until the post is published.
_PLAIN = {
    "uid": "id || uid || uri",
    "title": "title.rendered || title || name || release_title",
    "producer": "producer || organisation",
    "url": "url || link",
    "date": (
        "acf.release_date || release_date || slot || (!date_gmt || status == 'future') && date ||"
        " content.rendered"
    ),
    "time": "acf.release_time || release_time || time || content.rendered",
    "status": "acf.release_status || state || (!date_gmt && status)",
}
_PLAIN_LIST = "releases || results || items || entries || events || @"


class JsonSource(OnePage):
    """A calendar as JSON. The header X-WP-TotalPages gives the number of its pages."""

    accept = "application/json"

    def __init__(self, settings: CalendarSettings) -> None:
        super().__init__(settings)
        fields = {
            name: text for name, text in settings.options.items() if name not in _NOT_FIELDS
        } or _PLAIN
        self._entries = compile_finder(settings.options.get("entries", _PLAIN_LIST))
        self._fields = {
            OPTION_FIELDS.get(name, name): compile_finder(text) for name, text in fields.items()
        }

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:  # noqa: ARG002  # of CalendarSource
        """Return the requests for the pages from 2 on, up to `MOST_PAGES`, if the first page gives
        their number.
        """
        parameter = self._settings.options.get("pages")
        total = pages[0].headers.get("x-wp-totalpages", "")
        were_requested = len(pages) > 1
        if parameter is None or were_requested or not total.isdecimal():
            return ()
        parts = urlsplit(self._url)
        query = [
            pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != parameter
        ]
        numbers = range(2, min(int(total), MOST_PAGES) + 1)
        queries = (urlencode([*query, (parameter, str(number))]) for number in numbers)
        return [
            PageRequest(urlunsplit(parts._replace(query=each)), accept=self.accept)
            for each in queries
        ]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the entries as announcements. Raises `UnreadableCalendar`."""
        find_page(pages, self._url)
        made, remarks = make_announcements(self._make_rows(pages), self._settings, now)
        return make_reading(made, remarks)

    def _make_rows(self, pages: Sequence[Page]) -> Iterator[CalendarRow]:
        """Yield a row for each entry of each page.

        Raises `UnreadableCalendar` if the entries are not a list.
        """
        for page in pages:
            found = _find_value(page, self._entries, parse_json(page))
            if not isinstance(found, list):
                raise UnreadableCalendar(f"{page_name(page)}: entries: no list there")
            for number, item in enumerate(found, 1):
                found = {name: _find_value(page, path, item) for name, path in self._fields.items()}
                texts = {name: _value_text(value) for name, value in found.items()}
                if "status" in found:
                    texts["status"] = _status_text(found["status"])
                # The option `published` finds any value that an entry has only after its
                # publication.
                if texts.pop("published", ""):
                    texts["status"] = "published"
                texts["date"] = _with_instant(texts.get("date", ""))
                zones = " / ".join(sorted(_find_zones(item) - {self._settings.zone}))
                if zones in _UTC and _ISO_TIME.fullmatch(texts["date"]):
                    texts["date"] += "Z"
                elif not _HAS_ZONE.search(texts["date"]):
                    texts["zone"] = zones
                is_struck = is_struck_out(str(found.get("title")))
                notes = tuple(_list_notes(item))
                yield make_row(f"entry {number}", texts, is_struck=is_struck, notes=notes)


def _follow_path(names: Sequence[str], data: Any) -> Any:  # noqa: ANN401  # JSON is of any type
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def compile_finder(expression: str) -> Finder:
    """Return a function that finds the value of a JMESPath expression in data.

    Raises `JMESPathError`.
    """
    if _PLAIN_PATH.fullmatch(expression):
        return partial(_follow_path, expression.split("."))  # faster than JMESPath
    search: Finder = jmespath.compile(expression).search
    return search


def _find_value(page: Page, find: Finder, data: Any) -> Any:  # noqa: ANN401  # JSON is of any type
    """Return what a finder finds in data.

    Raises `UnreadableCalendar` if its expression does not fit the data.
    """
    try:
        return find(data)
    except JMESPathError as exc:
        raise UnreadableCalendar(f"{page_name(page)}: {' '.join(str(exc).split())}") from exc


def _status_text(value: object) -> str:
    if isinstance(value, dict):
        return _status_text(list(value.values()))
    if isinstance(value, list):
        return " ".join(filter(None, map(_status_text, value)))
    return _value_text(value)


def _with_instant(text: str) -> str:
    """Return a date text, with the instant of one such as `/Date(1816245000000)/` of .NET."""
    found = _NET_DATE.fullmatch(text)
    if found is None:
        return text
    return (_EPOCH + timedelta(milliseconds=int(found[1]))).isoformat()


def _find_zones(item: object) -> set[str]:
    """Return the time zones that fields of an entry name, such as `timeZone` of Microsoft."""
    zones = set()
    values = [item]
    while values:
        value = values.pop()
        if isinstance(value, list):
            values += value
        elif isinstance(value, dict):
            values += value.values()
            names = [name for name in value if _ZONE_FIELD.fullmatch(str(name))]
            texts = filter(None, (_value_text(value[name]) for name in names))
            zones |= {zone_name(text) or text for text in texts}
    return zones


def _list_notes(item: object) -> Iterator[str]:
    """Yield the texts of an entry at any depth, with the names of fields that call it off, such as
    "cancelled: true" or "confirmed: no". What is inside such a field has its name.
    """
    values = [("", item)]
    while values:
        name, value = values.pop()
        if isinstance(value, dict):
            is_told = note_of(name, "x") != "x"
            values += [(name if is_told else str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            values += [(name, inner) for inner in value]
        elif value is False:
            yield note_of(name, "no")
        elif text := _value_text(value):
            yield note_of(name, text)


def _value_text(value: object) -> str:
    """Return a JSON value as text, without HTML tags. Return "" for null, false, lists and
    objects.
    """
    if value is None or value is False or isinstance(value, dict | list):
        return ""
    text = str(value)
    if "<" in text or "&" in text:
        return html.unescape(TAGS.sub(" ", text))
    return text
