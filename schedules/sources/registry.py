"""Every kind of calendar and what makes its source: a new kind is one file and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from schedules.source import CalendarSource, Page, Reading
from schedules.sources.options import SourceOptions

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of calendar: what makes its source, by module and name, and how its answers are to be taken.

    `cap` bounds the bytes of one answer: several times what the largest real ones have. A kind that `is_plain` takes
    time in proportion to its bytes, so that a few of them are read at once. Where it `names_people`, they are taken out
    before anything is hashed or stored. What people write `by_hand` rules over what other calendars say. A list asked
    for by filters `may_be_empty`; a page or file without entries was most likely misread.
    """

    place: str
    cap: int = 8 * MEGABYTE
    is_plain: bool = False
    names_people: bool = False
    by_hand: bool = False
    may_be_empty: bool = True

    def __call__(self, options: SourceOptions) -> CalendarSource:
        """Return the source of one calendar."""
        # Named, not imported: a plain start loads the libraries of those kinds alone that are configured.
        module, name = self.place.split(":")
        source: CalendarSource = getattr(import_module(module), name)(options)
        return source


KINDS: dict[str, SourceKind] = {
    "govuk": SourceKind("schedules.sources.govuk:GovukSource", is_plain=True, names_people=True),
    "ons": SourceKind("schedules.sources.ons:OnsSource", is_plain=True, names_people=True),
    "csv": SourceKind("schedules.sources.csv:CsvSource", is_plain=True, by_hand=True),
    "toml": SourceKind("schedules.sources.toml:TomlSource", 4 * MEGABYTE, is_plain=True, by_hand=True),
    "ees": SourceKind("schedules.sources.ees:EesSource", is_plain=True, names_people=True),
    "feed": SourceKind("schedules.sources.feed:FeedSource"),
    "ics": SourceKind("schedules.sources.ics:IcsSource", may_be_empty=False),
    "html": SourceKind("schedules.sources.html:HtmlSource", 4 * MEGABYTE, may_be_empty=False),
    "json": SourceKind("schedules.sources.json:JsonSource", names_people=True, may_be_empty=False),
}


def parse_saved(kind: str, body: bytes, options: SourceOptions, now: datetime) -> Reading:
    """Read a calendar from bytes saved earlier, as if they had just been answered.

    Raises KeyError for an unknown kind and `UnreadableCalendar`.
    """
    source = KINDS[kind](options)
    return source.read([Page(source.first(now)[0].url, 200, body)], now)
