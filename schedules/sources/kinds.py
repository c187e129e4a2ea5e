"""Every kind of calendar and what makes its source: a new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from schedules.source import CalendarSource, Page, Reading
from schedules.sources.csv import CsvSource
from schedules.sources.ees import EesSource
from schedules.sources.feed import FeedSource
from schedules.sources.govuk import GovukSource
from schedules.sources.html import HtmlSource
from schedules.sources.ics import IcsSource
from schedules.sources.json import JsonSource
from schedules.sources.ons import OnsSource
from schedules.sources.options import SourceOptions
from schedules.sources.toml import TomlSource

KINDS: dict[str, Callable[[SourceOptions], CalendarSource]] = {
    "govuk": GovukSource,
    "ons": OnsSource,
    "csv": CsvSource,
    "toml": TomlSource,
    "ees": EesSource,
    "feed": FeedSource,
    "ics": IcsSource,
    "html": HtmlSource,
    "json": JsonSource,
}


def parse_saved(kind: str, body: bytes, options: SourceOptions, now: datetime) -> Reading:
    """Read a calendar from bytes saved earlier, as if they had just been answered.

    Raises KeyError for an unknown kind and `UnreadableCalendar`.
    """
    source = KINDS[kind](options)
    return source.read([Page(source.first(now)[0].url, 200, body)], now)
