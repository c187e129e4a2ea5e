"""Any JSON calendar, its fields found by JMESPath expressions of the configuration."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jmespath
from jmespath.exceptions import JMESPathError

from schedules.patterns import quick
from schedules.source import Ask, Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, answered, json_of, place
from schedules.sources.grid import OPTION_FIELDS
from schedules.sources.options import SourceOptions
from schedules.sources.row import CalendarRow, entry_of, gather, reading

MOST_PAGES = 200

Find = Callable[[Any], Any]

_PLAIN_PATH = quick(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_TAGS = quick(r"<[^>]{0,1000}>")
_NOT_FIELDS = frozenset({"entries", "pages"})

# Used where the options name no field: a plain list of releases, or a web site's own list of posts, whose `date` is
# the slot only while the post waits for it.
_PLAIN = {
    "uid": "id || uid || uri",
    "title": "title.rendered || title || name || release_title",
    "producer": "producer || organisation",
    "url": "url || link",
    "date": "acf.release_date || release_date || slot || (!date_gmt || status == 'future') && date || content.rendered",
    "time": "acf.release_time || release_time || time || content.rendered",
    "status": "acf.release_status || state || (!date_gmt && status)",
}
_PLAIN_LIST = "releases || results || items || entries || events || @"


class JsonSource(OnePage):
    """A calendar answered as JSON. Options: `entries` finds the list, the others each a field of an entry.

    Without any of these, the fields of a plain list of releases, and of a WordPress site, are looked for.
    `pages` names the query parameter of further pages, whose number the header X-WP-TotalPages gives.
    """

    accept = "application/json"

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        fields = {name: text for name, text in options.options.items() if name not in _NOT_FIELDS} or _PLAIN
        self._entries = finder(options.options.get("entries", _PLAIN_LIST))
        self._fields = {OPTION_FIELDS.get(name, name): finder(text) for name, text in fields.items()}

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """Ask for all further pages at once, when the first says how many there are."""
        name = self._options.options.get("pages")
        total = pages[0].headers.get("x-wp-totalpages", "")
        if name is None or len(pages) > 1 or not total.isdecimal():
            return ()
        last = min(int(total), MOST_PAGES)
        return [Ask(_with(self._url, name, str(n)), accept=self.accept) for n in range(2, last + 1)]

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the entries into announcements. Raises `UnreadableCalendar`."""
        answered(pages, self._url)
        made, remarks = gather(self._all(pages), self._options, now)
        return reading(made, remarks)

    def _all(self, pages: Sequence[Page]) -> Iterator[CalendarRow]:
        for page in pages:
            found = _search(page, self._entries, json_of(page))
            if not isinstance(found, list):
                raise UnreadableCalendar(f"{place(page)}: entries: no list there")
            for number, item in enumerate(found, 1):
                texts = {name: _text(_search(page, find, item)) for name, find in self._fields.items()}
                if texts.pop("published", ""):
                    texts["status"] = "published"
                yield entry_of(f"entry {number}", texts)


@dataclass(frozen=True, slots=True)
class _Path:
    """Finds what lies at a plain path of names."""

    names: tuple[str, ...]

    def __call__(self, data: Any) -> Any:  # noqa: ANN401  # JSON is of any type
        for name in self.names:
            data = data.get(name) if isinstance(data, dict) else None
        return data


def finder(expression: str) -> Find:
    """Compile a JMESPath expression; raises `JMESPathError`. A plain path of names takes a short way."""
    if _PLAIN_PATH.fullmatch(expression):
        return _Path(tuple(expression.split(".")))
    search: Find = jmespath.compile(expression).search
    return search


def _search(page: Page, find: Find, data: Any) -> Any:  # noqa: ANN401  # JSON is of any type
    try:
        return find(data)
    except JMESPathError as exc:
        raise UnreadableCalendar(f"{place(page)}: {' '.join(str(exc).split())}") from exc


def _text(value: object) -> str:
    """Return a JSON value as text: HTML of web sites' editors without tags, nothing for false and lists."""
    if value is None or value is False or isinstance(value, dict | list):
        return ""
    text = str(value)
    return html.unescape(_TAGS.sub(" ", text)) if "<" in text or "&" in text else text


def _with(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = [*(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name), (name, value)]
    return urlunsplit(parts._replace(query=urlencode(query)))
