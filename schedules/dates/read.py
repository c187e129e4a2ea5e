"""One date text → slot, status and previous slot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache

from schedules.dates.days import day
from schedules.dates.iso import iso_slot
from schedules.dates.periods import half_year, month, quarter, season, year
from schedules.dates.span import Context, Span, at_wall, no_slot, of_span, refuse
from schedules.dates.spans import day_range, month_range, until, week
from schedules.dates.status import Peeled, peel, status_word
from schedules.dates.times import TimeOfDay, find_time
from schedules.dates.words import LONGEST, normalise
from schedules.patterns import linear, quick
from schedules.slot import Precision, Slot
from schedules.slot_relations import first_day
from schedules.times.zone import LONDON, is_summer

Form = Callable[[str, Context], Span | None]

FORMS: tuple[Form, ...] = (day, week, until, month, quarter, half_year, season, year, day_range, month_range)

_EMPTY = frozenset({"", "-", "--", "n/a", "na", "none", "not applicable", "nil", "?"})
_SERIAL = quick(r"\d{5}(?:\.\d+)?")
_WAS = linear(r"^(?P<now>.+?)[ ,;-]+(?:was|previously|originally|formerly):? (?P<before>.+)$")


@dataclass(frozen=True, slots=True)
class DateText:
    """A date text as read. `status` is provisional, confirmed, tbc, cancelled or postponed, when the text says so.

    `previous` is the slot that the text says the release had before.
    """

    slot: Slot
    status: str | None = None
    previous: Slot | None = None

    @property
    def doubt(self) -> str | None:
        """Why a readable slot is not to be judged to the minute."""
        return self.slot.doubt

    @property
    def reason(self) -> str | None:
        """Why the text gives no slot."""
        return self.slot.reason


def read_date(text: str, anchor: date, timezone: str = LONDON, date_order: str = "dmy") -> DateText:
    """Read a date text.

    `anchor` is the day of the read, which supplies a missing year; `timezone` that of written times; `date_order`
    (dmy, mdy, ymd) that of numeric dates. An unreadable text gives precision `NONE` with its reason.
    """
    return _read(text, anchor, timezone, date_order)


@lru_cache(maxsize=16_384)
def with_time(slot: Slot, text: str) -> Slot:
    """Return a slot of one day made exact by a time that stands in a column of its own ("9.30", "7am", "0930").

    The text may also be a whole date with its time, which counts when it names the same day.
    A text without a time leaves the day; one with more than a time leaves it with doubt `unreadable-date`.
    """
    plain = normalise(text)
    if slot.precision is not Precision.DAY or slot.first is None or plain in _EMPTY or status_word(plain) == "tbc":
        return slot
    raw = f"{slot.raw} {text.strip()}"
    whole = read_date(text, slot.first, slot.timezone).slot
    if whole.instant is not None and first_day(whole) == slot.first:
        return replace(whole, raw=raw, doubt=slot.doubt or whole.doubt)
    found = find_time(f"at {plain}")
    if found.time is None and not found.midnight and not found.impossible:
        return slot
    if found.rest or found.impossible:
        return replace(slot, raw=raw, doubt=slot.doubt or "unreadable-date")
    return _timed(Span(Precision.DAY, slot.first, slot.first, slot.doubt), found, raw, slot.timezone)


def assume_time(slot: Slot, default_time: str | None) -> Slot:
    """Return a slot of one day with the instant that the configuration's "HH:MM" gives it; it stays a day."""
    if default_time is None or slot.precision is not Precision.DAY or slot.first is None:
        return slot
    exact = at_wall(datetime.combine(slot.first, time.fromisoformat(default_time)), slot.raw, slot.timezone)
    return replace(slot, assumed=exact.instant)


@lru_cache(maxsize=16_384)
def _read(text: str, anchor: date, timezone: str, date_order: str) -> DateText:
    if len(text) > LONGEST:
        return DateText(no_slot(text[:LONGEST], "not-a-date", timezone))
    plain = normalise(text)
    if plain in _EMPTY:
        return DateText(no_slot(text, "empty", timezone))
    exact = iso_slot(plain, text, timezone)
    if exact is not None:
        return DateText(exact)
    return _words(plain, text, timezone, Context(anchor, date_order))


def _words(plain: str, text: str, timezone: str, context: Context) -> DateText:
    if status_word(plain):
        return DateText(*_status_alone(Peeled("", status_word(plain)), text, timezone))
    peeled = peel(plain)
    was = _WAS.match(peeled.rest)
    if was:
        peeled = replace(peeled, rest=was["now"], previous=was["before"])
    if status_word(peeled.rest) or not peeled.rest:
        return DateText(*_status_alone(peeled, text, timezone))
    slot = _slot(peeled.rest, text, timezone, context)
    before = read_date(peeled.previous, context.anchor, timezone, context.date_order) if peeled.previous else None
    return DateText(slot, peeled.status, before.slot if before else None)


def _status_alone(peeled: Peeled, text: str, timezone: str) -> tuple[Slot, str | None]:
    status = status_word(peeled.rest) or peeled.status
    if status == "tbc":
        return no_slot(text, "tbc", timezone), None
    return no_slot(text, "not-a-date", timezone), status


def _slot(rest: str, text: str, timezone: str, context: Context) -> Slot:
    if _SERIAL.fullmatch(rest):
        return no_slot(text, "serial", timezone)
    found = find_time(rest)
    if found.impossible:
        return no_slot(text, "impossible", timezone)
    span = _span(found.rest, context)
    if span.precision is not Precision.DAY or (found.time is None and not found.midnight):
        return of_span(span, text, timezone)
    return _timed(span, found, text, timezone)


def _span(text: str, context: Context) -> Span:
    for form in FORMS:
        found = form(text, context)
        if found is not None:
            return found
    return refuse("not-a-date")


def _timed(span: Span, found: TimeOfDay, text: str, timezone: str) -> Slot:
    doubt = span.doubt or _zone_doubt(found.zone, span.first, timezone)
    if found.time is None:
        return of_span(replace(span, doubt=doubt or "midnight"), text, timezone)
    if doubt == "zone-unknown":
        return of_span(replace(span, doubt=doubt), text, timezone)
    return at_wall(datetime.combine(span.first, found.time), text, timezone, doubt)


def _zone_doubt(word: str | None, on: date, timezone: str) -> str | None:
    if word in {None, "uk"} and (word is None or timezone == LONDON):
        return None
    if word == "other" or timezone != LONDON:
        return "zone-unknown"
    # "GMT" in summer is what people write who mean the clock on the wall.
    return None if is_summer(on) == (word == "bst") else "zone"
