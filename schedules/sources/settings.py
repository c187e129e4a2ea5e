"""The table `[[calendar]]`: where a calendar is, how it is read, and which options its kind understands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Literal

import cssselect
import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError
from pydantic import ValidationInfo, field_validator, model_validator

from schedules.patterns import BadPattern, Linear
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
    refuse_any,
    require_file,
)

Kind = Literal["govuk", "ons", "ees", "ics", "csv", "toml", "html", "json", "feed"]


class CalendarSettings(Table):
    """One calendar: what kind it is, where it is and how often it is read.

    `producer` names the producer of entries that name none. For `govuk` it also overrules the organisation.
    `timezone` is that of times without one (default: that of the whole configuration). `default_time` is assumed for
    entries without a time, and never counts as announced. `filters` narrow the request, such as to organisations.
    `options` are those of the kind.
    `accept` is a local day on which a person confirms the calendar. On that day a mass re-dating, cancellation or
    disappearance raises no alarm, but a calendar that cannot be read is still rejected.
    `may_be_empty` accepts a first read without entries (default: yes, except for the kinds ics, html and json).
    If `secret`, the path of its address is never shown. `allow` are private networks that its host may be in.
    """

    name: Name
    kind: Kind
    url: CalendarAddress | None = None
    file: str | None = None
    every: Spacing = timedelta(minutes=10)
    producer: str = ""
    timezone: Zone | None = None
    date_order: Literal["dmy", "mdy", "ymd"] = "dmy"
    default_time: TimeOfDay | None = None
    accept: date | None = None
    may_be_empty: bool | None = None
    secret: bool = False
    allow: list[Network] = []
    filters: dict[str, list[str]] = {}
    options: dict[str, str] = {}

    @property
    def address(self) -> str:
        """Return the address or the path of the file, empty if the kind has its own address."""
        return self.url or self.file or ""

    @property
    def zone(self) -> str:
        """Return the time zone of times that are written without one. Default: London's."""
        return self.timezone or LONDON

    def in_zone(self, timezone: str) -> CalendarSettings:
        """Return these settings with the time zone of the whole configuration, unless they have their own."""
        return self if self.timezone else self.model_copy(update={"timezone": timezone})

    def has_flag(self, option: str) -> bool:
        """Return whether an option is set to yes."""
        return self.options.get(option, "").casefold() in {"yes", "true", "1", "on"}

    def number(self, option: str, default: int) -> int:
        """Return an option that is a whole number, or its default."""
        return int(self.options.get(option, default))

    @field_validator("file")
    @classmethod
    def _check_file(cls, file: str | None, info: ValidationInfo) -> str | None:
        # With an address too, the file may be the one too many.
        if file is not None and info.data.get("url") is None:
            require_file(file, info)
        return file

    @model_validator(mode="after")
    def _check_address_and_options(self) -> CalendarSettings:
        given = [place for place in (self.url, self.file) if place is not None]
        is_placed = len(given) == 1 or (not given and KINDS[self.kind].has_address)
        faults: list[KeyFault] = [] if is_placed else [("", "needs either url or file", None)]
        refuse_any([*faults, *self._option_faults()])
        return self

    def _option_faults(self) -> Iterator[KeyFault]:
        """Yield every option and filter that the kind does not understand, and every value that does not compile."""
        known = KINDS[self.kind]
        for table, given, names in (("filters", self.filters, known.filters), ("options", self.options, known.options)):
            for name in sorted(given.keys() - names.split()):
                yield f"{table}.{name}", f"unknown{did_you_mean(name, names.split())}", None
        for name in sorted(self.options.keys() & known.numbers.split()):
            if not self.options[name].isdecimal():
                yield f"options.{name}", f"not a whole number (got {self.options[name]!r})", None
        # Without `rows`, the options of a web page are headings of columns, not selectors.
        if self.kind == "html" and "rows" not in self.options:
            return
        for name, text in self.options.items():
            if (self.kind, name) not in _NEVER_COMPILED and (reason := _why_not_compiled(self.kind, text)):
                yield f"options.{name}", f"{' '.join(reason.split())} (got {text!r})", None


_COMPILERS: dict[str, Callable[[str], object]] = {
    "html": lambda text: cssselect.parse(text.partition("@")[0] or "*"),
    "json": jmespath.compile,
    "feed": Linear,
}
"""What compiles an option: a CSS selector, a JMESPath expression or a regular expression."""
_NEVER_COMPILED = frozenset({("json", "pages"), ("feed", "date")})


def _why_not_compiled(kind: str, text: str) -> str | None:
    """Return why a text is not an expression of its kind's language. None: it is one, or the kind has no language."""
    compiles = _COMPILERS.get(kind, str)
    try:
        compiles(text)
    except (SelectorError, JMESPathError, BadPattern) as exc:
        return str(exc)
    return None
