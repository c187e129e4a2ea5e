"""What a configuration tells a calendar source, as plain values; and what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import cssselect
import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError

from schedules.patterns import Faulty, Linear, quick
from schedules.times.zone import LONDON, UnknownZone, zone


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Settings of one calendar.

    `url` is its address, or the path of a local file. `producer` names the producer of entries that name none;
    for `govuk` it overrules the organisation. `default_time` ("HH:MM", local) is assumed, never announced.
    `filters` (such as organisations) narrow what is asked for; `options` are the kind's own (see `KNOWN`).
    """

    name: str
    url: str
    timezone: str = LONDON
    producer: str = ""
    date_order: str = "dmy"
    default_time: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def flag(self, option: str) -> bool:
        """Tell whether an option is set to yes."""
        return self.options.get(option, "").casefold() in {"yes", "true", "1", "on"}

    def number(self, option: str, default: int) -> int:
        """Return an option that is a whole number, or its default."""
        return int(self.options.get(option, default))


@dataclass(frozen=True, slots=True)
class Known:
    """The filters and options that a kind understands; `numbers` are options that are whole numbers."""

    filters: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COLUMNS = "id title producer url date time status period previous reason recognise"

KNOWN: dict[str, Known] = {
    "toml": Known(),
    "csv": Known(options=_set(f"{_COLUMNS} delimiter excel")),
    "govuk": Known(
        filters=_set("organisations topics states document_types"),
        options=_set("count family all_dates"),
        numbers=_set("count"),
    ),
    "ons": Known(filters=_set("query"), options=_set("site back count"), numbers=_set("back count")),
    "ees": Known(filters=_set("publications"), options=_set("site")),
    "ics": Known(options=_set("back ahead link"), numbers=_set("back ahead")),
    "feed": Known(options=_set("date pattern title")),
    "html": Known(options=_set(f"{_COLUMNS} rows heading")),
    "json": Known(options=_set(f"{_COLUMNS} entries pages published")),
}

_COMPILERS: dict[str, Callable[[str], object]] = {
    "html": lambda text: cssselect.parse(text.partition("@")[0] or "*"),
    "json": jmespath.compile,
    "feed": Linear,
}
_LITERALS = frozenset({("json", "pages"), ("feed", "date")})

_TIME = quick(r"([01]\d|2[0-3]):[0-5]\d")


def option_faults(kind: str, options: SourceOptions) -> list[str]:
    """Return what is wrong with a calendar's settings, one text a fault; empty when all is well."""
    known = KNOWN.get(kind)
    if known is None:
        return [f"kind: no calendar is of kind {kind!r}, write one of {', '.join(KNOWN)}"]
    return [
        *_unknown("filters", options.filters, known.filters),
        *_unknown("options", options.options, known.options),
        *(
            f"options.{name}: not a whole number (got {options.options[name]!r})"
            for name in sorted(known.numbers & set(options.options))
            if not options.options[name].isdecimal()
        ),
        *_syntax(kind, options),
        *_general(options),
    ]


def _syntax(kind: str, options: SourceOptions) -> Iterator[str]:
    """Compile what the options of a kind hold: CSS selectors, JMESPath or regular expressions."""
    compiles = _COMPILERS.get(kind, str)
    for name, text in options.options.items():
        if (kind, name) in _LITERALS or (kind == "html" and "rows" not in options.options):
            continue
        try:
            compiles(text)
        except (SelectorError, JMESPathError, Faulty) as exc:
            yield f"options.{name}: {' '.join(str(exc).split())} (got {text!r})"


def _unknown(table: str, given: Iterable[str], known: frozenset[str]) -> list[str]:
    return [f"{table}.{name}: unknown{did_you_mean(name, known)}" for name in sorted(set(given) - known)]


def _general(options: SourceOptions) -> list[str]:
    faults = []
    try:
        zone(options.timezone)
    except UnknownZone:
        faults.append(f"timezone: no such time zone (got {options.timezone!r})")
    if sorted(options.date_order) != ["d", "m", "y"]:
        faults.append(f'date_order: write "dmy", "mdy" or "ymd" (got {options.date_order!r})')
    if options.default_time is not None and not _TIME.fullmatch(options.default_time):
        faults.append(f'default_time: not a time, write "09:30" (got {options.default_time!r})')
    return faults


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean …?" when a known name is near, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""
