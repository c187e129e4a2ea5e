"""Every kind of calendar and what makes its source: a new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from schedules.source import CalendarSource, Page, Reading
from schedules.sources.options import SourceOptions


def _source(place: str) -> Callable[[SourceOptions], CalendarSource]:
    # Named, not imported: a plain start loads the libraries of those kinds alone that are configured.
    def made(options: SourceOptions) -> CalendarSource:
        module, name = place.split(":")
        source: CalendarSource = getattr(import_module(module), name)(options)
        return source

    return made


KINDS: dict[str, Callable[[SourceOptions], CalendarSource]] = {
    "govuk": _source("schedules.sources.govuk:GovukSource"),
    "ons": _source("schedules.sources.ons:OnsSource"),
    "csv": _source("schedules.sources.csv:CsvSource"),
    "toml": _source("schedules.sources.toml:TomlSource"),
    "ees": _source("schedules.sources.ees:EesSource"),
    "feed": _source("schedules.sources.feed:FeedSource"),
    "ics": _source("schedules.sources.ics:IcsSource"),
    "html": _source("schedules.sources.html:HtmlSource"),
    "json": _source("schedules.sources.json:JsonSource"),
}


def parse_saved(kind: str, body: bytes, options: SourceOptions, now: datetime) -> Reading:
    """Read a calendar from bytes saved earlier, as if they had just been answered.

    Raises KeyError for an unknown kind and `UnreadableCalendar`.
    """
    source = KINDS[kind](options)
    return source.read([Page(source.first(now)[0].url, 200, body)], now)
