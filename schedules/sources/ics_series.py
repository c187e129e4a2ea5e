"""Expands recurring events within some days, by icalendar and recurring-ical-events.

Rules that could run for hours are refused before they are expanded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from math import prod
from typing import Any

import recurring_ical_events
from icalendar import Calendar
from icalendar.error import IncompleteComponent, InvalidCalendar

from schedules.dates.span import at_instant, on_days
from schedules.patterns import quick
from schedules.slot import Slot, first_day, is_inside
from schedules.sources.ics_lines import Property, RawEvent
from schedules.sources.ics_times import (
    TimeSettings,
    doubt_zone,
    event_slot,
    parse_day,
    slot_at,
    start_slot,
    zone_name,
)
from schedules.times.zone import local_date

_MOST_TIMES_A_DAY = 4
_LONGEST_INTERVAL = 400
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_TIMED = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"})
_NUMBER = "X-NUMBER"
_NEEDED = _TIMED | {"RRULE", "UID", "SEQUENCE", "STATUS", "SUMMARY", "DURATION"}
_OCCURS_ALWAYS = quick(r"(?:[+-]?[1-5]?(?:MO|TU|WE|TH|FR|SA|SU)(?:,|$))+")
_IN_EVERY_MONTH = quick(r"(?:-?(?:[1-9]|1\d|2[0-8])(?:,|$))+")
_FLOATING = quick(r"\d{8}T\d{6}(?:,\d{8}T\d{6})*")
_UNTIL_DAY = quick(r"\b(UNTIL=\d{8})(;|$)")
_YEAR_1970_TO_2099 = quick(r"(?:19[7-9]|20\d)\d")
# Parts of an RRULE with which it always has an occurrence, if their values are valid.
_SAFE_PARTS = frozenset(
    ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYHOUR", "BYMINUTE"]
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: its local day by the rule, its slot, the texts that an override may change,
    and whether an override made it.
    """

    day: date
    slot: Slot
    title: str
    status: str
    notes: tuple[str, ...]
    of_override: bool = False


class SeriesRefused(Exception):
    """A series that is not expanded; `doubt` is `series-refused` or `series-unreadable`."""

    def __init__(self, doubt: str) -> None:
        super().__init__(doubt)
        self.doubt = doubt


@dataclass(slots=True)
class SearchBudget:
    """How many more searches for occurrences in one file may find none.

    Such a search runs to the year 9999.
    """

    vain_searches_left: int = 5


def expand_occurrences(
    events: Sequence[RawEvent], times: TimeSettings, window: tuple[date, date], budget: SearchBudget
) -> list[Occurrence]:
    """Return the occurrences of events of one UID between two days, both included.

    Raises `SeriesRefused`.
    """
    starts = _find_all(events, "DTSTART")
    tzid = next((start.params.get("TZID", "") for start in starts), "")
    # Without ends, because the library swaps an end that is before its begin.
    begins = [_without_end(event) for event in events]
    whole = [event_slot(event, times) for event in events]
    made = [
        _make_occurrence(each, events, whole, tzid, times)
        for each in _expand_if_safe(begins, times, window, budget)
    ]
    made = _mark_excluded(made, events, times)
    return _with_days_of_their_own(
        sorted(made, key=lambda each: (each.day, first_day(each.slot) or each.day))
    )


def _find_all(events: Sequence[RawEvent], name: str) -> Iterator[Property]:
    """Return the properties of this name of all events."""
    return chain.from_iterable(event.all(name) for event in events)


def _without_end(event: RawEvent) -> RawEvent:
    return RawEvent([each for each in event.properties if each.name not in ("DTEND", "DURATION")])


def _mark_excluded(
    made: Sequence[Occurrence], events: Sequence[RawEvent], times: TimeSettings
) -> list[Occurrence]:
    """Return the occurrences, with the text of an EXDATE or RECURRENCE-ID of their day as the
    status of those that it may mean.

    One that removed no occurrence has another time or zone.
    """
    excluded = _excluded_days(events, times)
    replaced: dict[date, list[str]] = {}
    for override in _find_all(events, "RECURRENCE-ID"):
        text = override.value.strip()
        if (day := parse_day(text[:8])) is not None:
            replaced[day] = [f"RECURRENCE-ID {text}"]
    rules = map(_parts_of, _find_all(events, "RRULE"))
    times_a_day = max(map(_times_a_day, rules), default=1)
    left = Counter(each.day for each in made)
    found: list[Occurrence] = []
    for each in made:
        named = excluded.get(each.day, [])
        others = [] if each.of_override else replaced.get(each.day, [])
        if named and left[each.day] > times_a_day - len(named):
            found.append(replace(each, status=named[0]))
        elif others and left[each.day] > times_a_day:
            found.append(replace(each, status=others[0]))
        else:
            found.append(each)
    return found


def _excluded_days(events: Sequence[RawEvent], times: TimeSettings) -> dict[date, list[str]]:
    """Return the days that EXDATEs name, with their texts."""
    found: dict[date, list[str]] = {}
    for each in chain.from_iterable(_list_exclusions(events, times)):
        if (day := parse_day(each.value[:8])) is not None:
            found.setdefault(day, []).append(f"EXDATE {each.value}")
    return found


def _list_exclusions(events: Sequence[RawEvent], times: TimeSettings) -> Iterator[list[Property]]:
    """Yield, for each event, an EXDATE for each of its values that is not that of an override,
    which the library would drop too.
    """
    overridden: dict[date | None, list[Slot]] = defaultdict(list)
    for each in _find_all(events, "RECURRENCE-ID"):
        slot = start_slot(each, times)
        overridden[first_day(slot)].append(slot)
    for event in events:
        values = [
            replace(each, value=value)
            for each in event.all("EXDATE")
            for value in filter(None, each.value.replace(" ", "").split(","))
        ]
        slots = [start_slot(each, times) for each in values]
        yield [
            each
            for each, slot in zip(values, slots, strict=True)
            if not any(
                is_inside(slot, other) or is_inside(other, slot)
                for other in overridden.get(first_day(slot), ())
            )
        ]


def _with_days_of_their_own(occurrences: Sequence[Occurrence]) -> list[Occurrence]:
    """Return occurrences, sorted by day and slot, with the days by the rule of those that one
    override moved together.

    All of these have the day of the override, so the steps between their slots count from it.
    """
    found: list[Occurrence] = []
    leader: Occurrence | None = None
    for occurrence in occurrences:
        if leader is None or leader.day != occurrence.day:
            leader = occurrence
        begins = first_day(occurrence.slot) or occurrence.day
        first = first_day(leader.slot) or leader.day
        found.append(replace(occurrence, day=occurrence.day + (begins - first)))
    return sorted(found, key=lambda each: each.day)


def expand_spans(
    events: Sequence[RawEvent], times: TimeSettings, window: tuple[date, date], budget: SearchBudget
) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield (title, begin, end) of each occurrence between two days that is not cancelled.

    Raises `SeriesRefused`.
    """
    for event in _expand_if_safe(events, times, window, budget):
        try:
            begins, ends = (_read_slot(at, times).begins() for at in (event.start, event.end))
        except (ValueError, KeyError, TypeError, InvalidCalendar, IncompleteComponent) as exc:
            raise SeriesRefused("series-unreadable") from exc
        is_cancelled = str(event.get("STATUS", "")) == "CANCELLED"
        # None: the time occurs twice when the clocks change.
        if begins is not None and ends is not None and begins < ends and not is_cancelled:
            yield str(event.get("SUMMARY", "")), begins, ends


def _expand_if_safe(
    events: Sequence[RawEvent], times: TimeSettings, window: tuple[date, date], budget: SearchBudget
) -> Sequence[Any]:
    """Return the occurrences that the library finds.

    Raises `SeriesRefused` if the search may take too long, or for an EXRULE or a THISANDPRIOR, of
    an older standard, which the library does not know.

    `budget` counts the searches of one file that found no occurrence of a rule that may never
    occur, but for its first one.
    """
    starts = [event.value("DTSTART") for event in events]
    ranges = {each.params.get("RANGE") for each in _find_all(events, "RECURRENCE-ID")}
    if "THISANDPRIOR" in ranges or any(event.all("EXRULE") for event in events):
        raise SeriesRefused("series-refused")
    if all(_YEAR_1970_TO_2099.match(start) and int(start[:4]) > window[1].year for start in starts):
        return ()
    has_doubtful_rule = False
    ends_on_first_day = False
    for event in events:
        for rule in event.all("RRULE"):
            parts = _parts_of(rule)
            _refuse_costly_rule(parts, event.value("DTSTART"))
            until, begins = parts.get("UNTIL", "9")[:8], event.value("DTSTART")[:8]
            if until < begins:
                # Programs write so to remove a series, and by mistake.
                raise SeriesRefused("series-unreadable")
            ends_on_first_day |= until == begins >= f"{window[0]:%Y%m%d}"
            has_doubtful_rule = has_doubtful_rule or _may_never_occur(parts)
    if has_doubtful_rule and budget.vain_searches_left == 0:
        raise SeriesRefused("series-refused")
    occurrences = _expand_events(events, times, window)
    if ends_on_first_day and not occurrences and not any(each.all("EXDATE") for each in events):
        raise SeriesRefused("series-unreadable")
    if has_doubtful_rule and len(occurrences) <= len(starts):
        budget.vain_searches_left -= 1
    return occurrences


def _expand_events(
    events: Sequence[RawEvent], times: TimeSettings, window: tuple[date, date]
) -> Sequence[Any]:
    """Do what `_expand_if_safe` does, without a check of the cost.

    Raises `SeriesRefused`.
    """
    lines = (
        "BEGIN:VCALENDAR",
        *_zone_blocks(events, times),
        *_event_lines(events, times),
        "END:VCALENDAR",
        "",
    )
    try:
        calendar = Calendar.from_ical("\r\n".join(lines).encode())
        if any(event.errors for event in calendar.walk("VEVENT")):
            raise SeriesRefused("series-unreadable")
        query = recurring_ical_events.of(calendar)
        # `between` excludes its end
        found = query.between(window[0], window[1] + timedelta(days=1))
    except (
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        InvalidCalendar,
        recurring_ical_events.InvalidCalendar,
    ) as exc:
        raise SeriesRefused("series-unreadable") from exc
    return list(found)


def _parts_of(rule: Property) -> dict[str, str]:
    pairs = (part.partition("=") for part in rule.value.strip().upper().split(";"))
    return {name: value for name, _, value in pairs if name}


def _times_a_day(parts: Mapping[str, str]) -> int:
    """Return how many times on a day an RRULE can have."""
    lists = [parts.get(name, "0") for name in ("BYHOUR", "BYMINUTE", "BYSECOND")]
    return prod(each.count(",") + 1 for each in lists)


def _may_never_occur(parts: Mapping[str, str]) -> bool:
    """Return whether an RRULE may have no occurrence, so that a search for one would run to the
    year 9999.

    False only if its months and weekdays exist, and it has no other parts than `_SAFE_PARTS`, a day
    that every month has, and the first or last of a set. With an interval, it may always miss its
    months or weekdays.
    """
    safe_parts = set(_SAFE_PARTS)
    is_by_days = parts["FREQ"] == "DAILY" and "BYDAY" in parts
    if parts.get("INTERVAL", "1") != "1" and (is_by_days or "BYMONTH" in parts):
        safe_parts.remove("INTERVAL")
    if "BYDAY" not in parts and _IN_EVERY_MONTH.fullmatch(parts.get("BYMONTHDAY", "")):
        safe_parts.add("BYMONTHDAY")
    if parts.get("BYSETPOS") in ("1", "-1"):
        safe_parts.add("BYSETPOS")
    has_other_parts = not set(parts) <= safe_parts
    months = parts.get("BYMONTH", "1").split(",")
    # Three digits are enough to see that a number is too large.
    are_months_valid = all(month.isdecimal() and 1 <= int(month[:3]) <= 12 for month in months)
    are_days_valid = _OCCURS_ALWAYS.fullmatch(parts.get("BYDAY", "MO")) is not None
    return has_other_parts or not are_months_valid or not are_days_valid


def _refuse_costly_rule(parts: Mapping[str, str], start: str) -> None:
    """Raise `SeriesRefused` for a rule from `start` on that could take hours to expand."""
    if parts.get("FREQ") not in _FREQUENCIES or not _YEAR_1970_TO_2099.match(start):
        raise SeriesRefused("series-refused")
    # A rule by days or weeks with one of these parts is tried day by day until one fits, perhaps to
    # the year 9999.
    is_rare = parts["FREQ"] in {"DAILY", "WEEKLY"} and {
        "BYMONTH",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYSETPOS",
    } & set(parts)
    # With an interval of zero the expansion never ends. Six digits show that it is too large.
    interval = parts.get("INTERVAL", "1")
    is_interval_invalid = (
        not interval.isdecimal() or not 1 <= int(interval[:6]) <= _LONGEST_INTERVAL
    )
    if is_interval_invalid or _times_a_day(parts) > _MOST_TIMES_A_DAY or is_rare:
        raise SeriesRefused("series-refused")


def _event_lines(events: Sequence[RawEvent], times: TimeSettings) -> Iterator[str]:
    """Yield the lines of events with only the properties that an expansion needs, and the number of
    each.
    """
    starts = [event.all("DTSTART") for event in events if not event.all("RECURRENCE-ID")]
    rule_start = next((found[0] for found in starts if found), None)
    # The library reads a series without a zone in UTC if one of its other times is.
    is_floating = rule_start is not None and _FLOATING.fullmatch(rule_start.line()[8:].strip())
    floating = times.floating if is_floating and not times.floating_tzid else ""
    exclusions = _list_exclusions(events, times)
    for number, (event, excluded) in enumerate(zip(events, exclusions, strict=True)):
        needed = [each for each in event.properties if each.name in _NEEDED]
        yield "BEGIN:VEVENT"
        yield f"{_NUMBER}:{number}"
        for each in needed:
            if each.name == "RECURRENCE-ID" and rule_start is not None:
                yield _with_known_zone(_in_form_of(each, rule_start), times, floating).line()
            elif each.name == "RRULE" and rule_start is not None and "T" in rule_start.value:
                # The whole day in UNTIL belongs to the series, also if its start has a time.
                value = _UNTIL_DAY.sub(r"\1T235959Z\2", each.value.upper())
                yield replace(each, value=value).line()
            elif each.name == "RDATE":
                dates = replace(each, value=each.value.replace(" ", ""))
                yield _with_known_zone(dates, times, floating).line()
            elif each.name != "EXDATE":
                yield _with_known_zone(each, times, floating).line()
        for each in excluded:
            yield _with_known_zone(each, times, floating).line()
        yield "END:VEVENT"


def _in_form_of(given: Property, start: Property) -> Property:
    """Return a RECURRENCE-ID that names only a day as the instance of that day, at the time of the
    series.
    """
    time_of_day = start.value.strip()[8:]
    value = given.value.strip()
    if len(value) != len("20260723") or not time_of_day:
        return given
    kept = {name: text for name, text in given.params.items() if name == "RANGE"}
    zone = {name: text for name, text in start.params.items() if name == "TZID"}
    return Property(given.name, f"{value}{time_of_day}", {**kept, **zone})


def _with_known_zone(given: Property, times: TimeSettings, floating: str) -> Property:
    """Return a property with a time zone name that the libraries know, `floating` for a time
    without one. Unchanged if no zone is known.
    """
    tzid = given.params.get("TZID", "")
    if not tzid and _FLOATING.fullmatch(given.value.strip()):
        tzid = floating
    if given.name not in _TIMED or not tzid:
        return given
    block = times.zones.get(tzid)  # the file's own definition of the zone
    name = zone_name(tzid) or (block.name if block else None)
    if name is None:
        return given
    return Property(given.name, given.value, given.params | {"TZID": name})


def _zone_blocks(events: Sequence[RawEvent], times: TimeSettings) -> list[str]:
    """Return the file's own time zone blocks that these events need.

    Raises `SeriesRefused` if one is absent.
    """
    properties = chain.from_iterable(event.properties for event in events)
    named = {each.params["TZID"] for each in properties if "TZID" in each.params}
    private = sorted(tzid for tzid in named if zone_name(tzid) is None)
    if any(tzid not in times.zones for tzid in private):
        raise SeriesRefused("series-unreadable")
    return [times.zones[tzid].text for tzid in private]


def _make_occurrence(
    event: Any,  # noqa: ANN401  # a component of the library
    events: Sequence[RawEvent],
    slots: Sequence[Slot],
    tzid: str,
    times: TimeSettings,
) -> Occurrence:
    """Return the occurrence of an event of a series that begins in the zone `tzid`.

    If it was moved, its day is still that of the rule. It has whole days if the slot of its event
    has.
    """
    start = event.get("DTSTART").dt
    by_rule = event.get("RECURRENCE-ID")
    day = by_rule.dt if by_rule else start
    if isinstance(day, datetime):
        day = day.date() if day.tzinfo is None else local_date(day, times.timezone)
    slot = _read_slot(start, times)
    number = int(event[_NUMBER])
    written, whole = events[number], slots[number]
    written_day = parse_day(written.value("DTSTART")[:8])
    if whole.first is not None and whole.last is not None and written_day is not None:
        first = _day_of(start) + (whole.first - written_day)
        last = first + (whole.last - whole.first)
        slot = on_days(first, last, slot.raw, times.timezone, doubt=whole.doubt)
    elif isinstance(start, datetime) and start.time() == time():
        slot = on_days(start.date(), start.date(), slot.raw, times.timezone, doubt="midnight")
    elif isinstance(start, datetime):
        slot = doubt_zone(slot, start.replace(tzinfo=None), tzid, times)
    status = "; ".join(_texts_of(event, "STATUS"))
    is_override = bool(written.all("RECURRENCE-ID"))
    return Occurrence(
        day, slot, str(event.get("SUMMARY", "")), status, written.notes(), is_override
    )


def _day_of(start: date) -> date:
    if isinstance(start, datetime):
        return start.date()
    return start


def _texts_of(event: Any, name: str) -> Iterator[str]:  # noqa: ANN401  # a component of the library
    """Yield the values of a property, which the library returns as one or as a list."""
    given = event.get(name, [])
    for value in given if isinstance(given, list) else [given]:
        yield from map(str, getattr(value, "cats", [value]))


def _read_slot(start: date, times: TimeSettings) -> Slot:
    """Return the slot of a date or date-time of the iCalendar library.

    One without a zone is in `times.floating`.
    """
    if not isinstance(start, datetime):
        return on_days(start, start, f"{start:%Y%m%d}", times.timezone)
    raw = f"{start:%Y%m%dT%H%M%S}"
    if start.tzinfo is None:
        return slot_at(start, times.floating, raw, times)
    return at_instant(start.astimezone(UTC), raw, times.timezone)
