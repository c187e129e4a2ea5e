"""The table `[[calendar]]`: where a calendar is, how it is read, and which options its kind
understands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Literal

import cssselect
import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError
from pydantic import ValidationInfo, field_validator, model_validator

from schedules.announcement import BY_HAND
from schedules.dates.status import status_word
from schedules.dates.words import normalise
from schedules.patterns import BadPattern, Linear
from schedules.source import CalendarSource, Page, Reading
from schedules.sources.registry import KINDS
from schedules.times.zone import LONDON
from schedules.values import (
    CalendarAddress,
    KeyFault,
    Name,
    Network,
    Spacing,
    Table,
    TimeOfDay,
    Zone,
    did_you_mean,
    quote_value,
    refuse_any,
    require_file,
)

Kind = Literal["govuk", "ons", "ees", "ics", "csv", "toml", "html", "json", "feed"]


class CalendarSettings(Table):
    """Where announcements are read, in order of authority.

    If two disagree about a release, the first decides. Give `url` or `file`. `govuk`, `ons` and
    `ees` know their own address.
    """

    name: Name
    """Its name in logs, metrics and commands. On the pages, people add to the one called
    [`by-hand`](how-to/add-by-hand.md).
    """
    kind: Kind
    """What it is: `govuk ons ees ics csv toml html json feed`
    ([which](how-to/calendars.md#choose-a-kind)).
    """
    url: CalendarAddress | None = None
    """Its address. `webcal` works like `https`."""
    file: str | None = None
    """Or a local file."""
    every: Spacing = timedelta(minutes=10)
    """How often it is read. It is also read four minutes before each slot and, if this is longer
    than 15 minutes, 10 minutes before and 5 and 60 minutes after. It is stale after three times
    this.
    """
    producer: str = ""
    """The producer of entries that name none. For `govuk` it replaces the organisation."""
    timezone: Zone | None = None
    """Its time zone, if it differs from the general one."""
    date_order: Literal["dmy", "mdy", "ymd"] = "dmy"
    """`dmy`, `mdy` or `ymd`, for dates in figures."""
    default_time: TimeOfDay | None = None
    """A time assumed for days without one. It does not count as announced."""
    stands: list[str] = []
    """The producer's own words for a status by which an entry stands, such as `["approved"]`. An
    entry whose status is not understood is never judged.
    """
    accept: date | None = None
    """A local day on which a mass change, cancellation or disappearance raises no alarm."""
    may_be_empty: bool | None = None
    """Whether a first read without entries is believed. By default not for `ics`, `html` and
    `json`.
    """
    secret: bool = False
    """Whether the path of `url` is a secret. What follows `?` or `#` is never shown."""
    allow: list[Network] = []
    """Private networks in which the host of `url` may be, `"10.1.2.0/24"`."""
    filters: dict[str, list[str]] = {}
    """Which announcements are requested, as lists of texts.

    `govuk` has `organisations topics states document_types`, `ons` has `query`, `ees` has
    `publications`.
    """
    options: dict[str, str] = {}
    """Options of each kind, as texts:

    - `govuk`: `count` (entries a page), `all_dates` (`yes`: old entries too), `family` (the folder
      of guessed addresses, by default `statistics` for `/government/statistics/…`)
    - `ons`: `count`, `site` (its address), `back` (days). `ees`: `site`
    - `ics`: `back` and `ahead` (days around the read), `link` (the property with the link)
    - `feed`: `date` (the field with the date), and two RE2 patterns with a group: `pattern` for the
      date in that field, `title` for the title in the entry's title
    - `csv`, `html` and `json`: the column, CSS selector or JMESPath of `id`, `title`, `producer`,
      `url`, `date`, `time`, `status`, `period`, `reason`, `previous` (the date before it was
      moved), `recognise`
    - `csv` also: `delimiter`, `excel` (dates are numbers). `html`: `rows`, `heading` (the month
      above rows). `json`: `entries` (the list), `pages` (the query parameter for the page number),
      `published` (a field that only published entries have)
    """

    @property
    def address(self) -> str:
        """Return the address or the path of the file, empty if the kind has its own address."""
        return self.url or self.file or ""

    @property
    def zone(self) -> str:
        """Return the time zone of times that are written without one. Default: London's."""
        return self.timezone or LONDON

    def in_zone(self, timezone: str) -> CalendarSettings:
        """Return these settings with the time zone of the whole configuration, unless they have
        their own.
        """
        if self.timezone:
            return self
        return self.model_copy(update={"timezone": timezone})

    def has_flag(self, option: str) -> bool:
        """Return whether an option is set to yes."""
        return self.options.get(option, "").casefold() in {"yes", "true", "1", "on"}

    def make_source(self) -> CalendarSource:
        """Return the source of this calendar."""
        module, name = KINDS[self.kind].place.split(":")
        source: CalendarSource = getattr(import_module(module), name)(self)
        return source

    def parse_saved(self, body: bytes, now: datetime) -> Reading:
        """Read this calendar from saved bytes, as if they had just been received.

        Raises `UnreadableCalendar`.
        """
        source = self.make_source()
        return source.read([Page(source.first(now)[0].url, 200, body)], now)

    def number(self, option: str, default: int) -> int:
        """Return an option that is a whole number, or its default."""
        return int(self.options.get(option, default))

    @field_validator("file")
    @classmethod
    def _check_file(cls, file: str | None, info: ValidationInfo) -> str | None:
        # With an address too, the file may be the one too many. The monitor makes the file of
        # `by-hand` itself.
        if file is not None and info.data.get("url") is None and info.data.get("name") != BY_HAND:
            require_file(file, info)
        return file

    @model_validator(mode="after")
    def _check_address_and_options(self) -> CalendarSettings:
        """Refuse settings without exactly one place, a calendar `by-hand` that is not a TOML file,
        and faulty options.
        """
        given = [place for place in (self.url, self.file) if place is not None]
        faults: list[KeyFault] = []
        if len(given) > 1:
            faults.append(("", "has both url and file, keep one", None))
        elif not given and not KINDS[self.kind].has_address:
            faults.append(("", "needs a url or a file", None))
        if self.name == BY_HAND and (self.kind != "toml" or self.file is None):
            reason = (
                'people add to this calendar on the pages, so it needs kind = "toml" and a file'
            )
            faults.append(("name", reason, None))
        faults += [
            ("stands", "says that an entry is called off, remove it", quote_value(words))
            for words in self.stands
            if status_word(normalise(words)) in ("cancelled", "postponed")
        ]
        if self.allow and self.url is None:
            faults.append(("allow", "has no effect without url, remove it", None))
        refuse_any([*faults, *self._option_faults()])
        return self

    def _option_faults(self) -> Iterator[KeyFault]:
        """Yield each option and filter that this kind of calendar lacks, and each value that does
        not compile.
        """
        # A fault has None in place of the value, because the reason quotes it.
        known = KINDS[self.kind]
        for table, given, names in (
            ("filters", self.filters, known.filters),
            ("options", self.options, known.options),
        ):
            for name in sorted(given.keys() - names.split()):
                suggested = did_you_mean(name, names.split())
                if not suggested:
                    suggested = f", {self.kind} has {', '.join(names.split()) or 'none'}"
                yield f"{table}.{name}", f"unknown{suggested}", None
        for name in sorted(self.options.keys() & known.numbers.split()):
            if not self.options[name].isdecimal():
                yield f"options.{name}", f"not a whole number (got {self.options[name]!r})", None
        # Without `rows`, the options of a web page are headings of columns, not selectors.
        if self.kind == "html" and "rows" not in self.options:
            return
        compile_text = _COMPILERS.get(self.kind, str)
        for name, text in self.options.items():
            try:
                if (self.kind, name) not in _PLAIN_NAMES:
                    compile_text(text)
            except (SelectorError, JMESPathError, BadPattern) as exc:
                reason = f"no {_EXPRESSIONS[self.kind]} ({' '.join(str(exc).split())})"
                yield f"options.{name}", f"{reason} (got {text!r})", None


_COMPILERS: dict[str, Callable[[str], object]] = {
    "html": lambda text: cssselect.parse(text.partition("@")[0] or "*"),
    "json": jmespath.compile,
    "feed": Linear,
}
_EXPRESSIONS = {
    "html": "CSS selector",
    "json": "JMESPath expression",
    "feed": "regular expression",
}
"""What an option is, by the kind of calendar, and what compiles it."""
_PLAIN_NAMES = frozenset({("json", "pages"), ("feed", "date")})
"""Options whose value is the name of a parameter or field and not an expression, so it is never
compiled.
"""
