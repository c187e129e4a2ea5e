"""Every kind of calendar, the options that it understands and the class of its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of calendar, and how its responses are handled.

    `place` is the module and class of its source. `filters` and `options` are the keys that it
    understands, separated by blanks. `numbers` are options that must be whole numbers. A kind with
    `has_address` needs neither url nor file. `cap` is the most bytes of one response, several times
    the size of the largest real ones. If a kind `names_people`, names are removed before anything
    is hashed or stored. Calendars written `by_hand` overrule others. If it `may_be_empty`, a list
    without entries is accepted, because filters can explain it. Otherwise it was most likely
    misread.
    """

    place: str
    filters: str = ""
    options: str = ""
    numbers: str = ""
    has_address: bool = False
    cap: int = 8 * MEGABYTE
    names_people: bool = False
    by_hand: bool = False
    may_be_empty: bool = True


# A kind for one site, which has a known address and returns JSON with names of people.
_kind_for_one_site = partial(SourceKind, has_address=True, names_people=True)
_COLUMNS = "id title producer url date time status period previous reason recognise"

KINDS: dict[str, SourceKind] = {
    "govuk": _kind_for_one_site(
        "schedules.sources.govuk:GovukSource",
        filters="organisations topics states document_types",
        options="count family all_dates",
        numbers="count",
    ),
    "ons": _kind_for_one_site(
        "schedules.sources.ons:OnsSource",
        filters="query",
        options="site back count",
        numbers="back count",
    ),
    "csv": SourceKind(
        "schedules.sources.csv:CsvSource",
        options=f"{_COLUMNS} delimiter excel",
        by_hand=True,
    ),
    "toml": SourceKind("schedules.sources.toml:TomlSource", cap=4 * MEGABYTE, by_hand=True),
    "ees": _kind_for_one_site(
        "schedules.sources.ees:EesSource", filters="publications", options="site"
    ),
    "feed": SourceKind("schedules.sources.feed:FeedSource", options="date pattern title"),
    "ics": SourceKind(
        "schedules.sources.ics:IcsSource",
        options="back ahead link",
        numbers="back ahead",
        may_be_empty=False,
    ),
    "html": SourceKind(
        "schedules.sources.html:HtmlSource",
        options=f"{_COLUMNS} rows heading",
        cap=4 * MEGABYTE,
        may_be_empty=False,
    ),
    "json": SourceKind(
        "schedules.sources.json:JsonSource",
        options=f"{_COLUMNS} entries pages published",
        names_people=True,
        may_be_empty=False,
    ),
}
