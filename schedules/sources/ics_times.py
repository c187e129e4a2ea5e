"""Reads DTSTART and DTEND as a slot, with their doubts (`docs/decides.md#the-slot-in-force`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from zoneinfo import available_timezones

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from schedules.dates.read import read_date, wall_time
from schedules.dates.span import (
    FIRST_YEAR,
    LAST_YEAR,
    at_instant,
    at_wall,
    no_slot,
    on_days,
)
from schedules.patterns import quick
from schedules.slot import Precision, Slot
from schedules.sources.ics_lines import Property, RawEvent, ZoneBlock
from schedules.times.zone import LONDON, instants_of, local

_DATE = quick(r"(\d{4})(\d{2})(\d{2})")
_DATE_TIME = quick(
    r"(?P<y>\d{4})(?P<mo>\d{2})(?P<d>\d{2})T(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})"
    r"(?:\.(?P<f>\d{1,9}))?Z?"
)
_DURATION = quick(
    r"\+?P(?:(?P<weeks>\d{1,3})W|(?P<days>\d{1,4})D(?:T0H0M0S)?"
    r"|T(?P<a_day>24H(?:0M0S)?|1440M(?:0S)?|86400S))"
)
_BEGIN = quick(r"DTSTART[^:]*:(\d{8}T\d{6})")
_ENDLESS_RULE = quick(r"RRULE:(?!.*(?:UNTIL|COUNT)=)", re.IGNORECASE)
_DATE_IN_BLOCK = quick(r"\b\d{8}")
_YEAR = timedelta(days=366)
# "X-MICROSOFT-CDO-ALLDAYEVENT", "X-FUNAMBOL-ALLDAY"
_ALL_DAY = ("-ALLDAYEVENT", "-ALLDAY")
_LAST_MINUTE = ("235900", "235959")
_LAST_OF_HOUR = 59
_DAY = timedelta(days=1)
# The offsets of the time zones that are furthest from Greenwich.
_MOST_EAST, _MOST_WEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """The settings by which the times of a file are read.

    `timezone` is the configured one, which slots get. `floating` is that of times without a zone,
    or `floating_tzid`, if the file names one for them that is not known. `zones` are the file's own
    zone blocks by TZID. `anchor` is the day of the read.
    """

    timezone: str
    floating: str
    zones: Mapping[str, ZoneBlock]
    anchor: date
    floating_tzid: str = ""


def event_slot(event: RawEvent, times: TimeSettings) -> Slot:
    """Return the slot of one event: its time, or all days of an event that has no time.

    If the event has no start or several different ones, the slot has the precision `NONE` and a
    doubt.
    """
    starts = {
        (each.value.strip(), each.params.get("TZID", "")): each for each in event.all("DTSTART")
    }
    if len(starts) > 1:
        raw = ", ".join(value for value, _ in starts)
        return no_slot(raw, "not-a-date", times.timezone, doubt="duplicate-date")
    if not starts:
        return no_slot("", "empty", times.timezone, doubt="unreadable-date")
    slot = start_slot(next(iter(starts.values())), times)
    if slot.precision is Precision.DAY and slot.doubt is None:
        days = 0
        if slot.first is not None:
            days = _count_days(event, slot.first)
        if slot.first is None or days <= 1:
            return slot
        return on_days(slot.first, slot.first + (days - 1) * _DAY, slot.raw, slot.timezone)
    return _as_whole_days(slot, event, times)


def start_slot(start: Property, times: TimeSettings) -> Slot:
    """Return the slot of a DTSTART, the begin of an event.

    A UTC time that also names a zone gives a doubtful day.
    """
    raw = start.value.strip()
    if day := parse_day(raw):
        return on_days(day, day, raw, times.timezone)
    match = _DATE_TIME.fullmatch(raw)
    wall = wall_time(match) if match else None
    if wall is None and not _DATE.fullmatch(raw):
        return _read_by_grammar(raw, start, times)
    if wall is None or not FIRST_YEAR <= wall.year <= LAST_YEAR:
        return no_slot(raw, "impossible", times.timezone)
    tzid = start.params.get("TZID", "").strip()
    is_utc = raw.endswith("Z")
    if is_utc and tzid:
        doubtful = on_days(wall.date(), wall.date(), raw, times.timezone, doubt="zone")
        named = instants_of(wall, zone_name(tzid) or times.floating)
        return replace(doubtful, readings=tuple(sorted({wall.replace(tzinfo=UTC), *named})))
    if is_utc:
        return at_instant(wall.replace(tzinfo=UTC), raw, times.timezone)
    return _slot_in_zone(wall, tzid or times.floating_tzid, raw, times)


def _read_by_grammar(raw: str, start: Property, times: TimeSettings) -> Slot:
    """Return the slot of a start that is not in the form of RFC 5545, read as a date text."""
    if not raw:
        return no_slot(raw, "empty", times.timezone, doubt="unreadable-date")
    slot = read_date(
        raw, times.anchor, zone_name(start.params.get("TZID", "")) or times.floating
    ).slot
    is_unreadable = slot.precision is Precision.NONE and slot.reason != "tbc"
    return replace(
        slot, timezone=times.timezone, doubt="unreadable-date" if is_unreadable else slot.doubt
    )


def _slot_in_zone(wall: datetime, tzid: str, raw: str, times: TimeSettings) -> Slot:
    """Return the slot of a local time in the zone that a TZID names, in that of times without a
    zone for "".

    If no known zone has this name, the file's own block for it (VTIMEZONE) counts. Without one that
    can be read, only the day is known.
    """
    if not tzid:
        return slot_at(wall, times.floating, raw, times)
    name = zone_name(tzid)
    if name is not None:
        return doubt_zone(slot_at(wall, name, raw, times), wall, tzid, times)
    moment = _instant_by_zone_block(wall, tzid, times)
    if moment is None:
        day = on_days(wall.date(), wall.date(), raw, times.timezone, doubt="zone-unknown")
        at_utc = wall.replace(tzinfo=UTC)
        return replace(day, readings=(at_utc - _MOST_EAST, at_utc + _MOST_WEST))
    return at_instant(moment, raw, times.timezone)


def doubt_zone(slot: Slot, wall: datetime, tzid: str, times: TimeSettings) -> Slot:
    """Return a slot with the doubt `zone` if the file's own block for its TZID has other clocks, or
    if the TZID names a fixed offset that the clocks of `times.timezone` do not have then. British
    files use such a name all the year for local time.
    """
    if slot.instant is None:
        return slot
    readings = {slot.instant}
    readings.add(_instant_by_zone_block(wall, tzid, times) or slot.instant)
    offset = OFFSETS_OF_SEASONS.get(tzid.casefold())
    if offset is not None:
        readings.add((wall - offset).replace(tzinfo=UTC))
    if offset in (timedelta(0), timedelta(hours=1)):
        readings.update(instants_of(wall, times.timezone))
    if len(readings) == 1:
        return slot
    return replace(slot, doubt="zone", readings=tuple(sorted(readings)))


def slot_at(wall: datetime, zone: str, raw: str, times: TimeSettings) -> Slot:
    """Return the slot of a naive local time of a zone.

    As of every slot, its own zone is the configured one.
    """
    return replace(at_wall(wall, raw, zone), timezone=times.timezone)


def _instant_by_zone_block(wall: datetime, tzid: str, times: TimeSettings) -> datetime | None:
    """Return the instant by the file's own zone blocks, None without one and if they differ."""
    block = times.zones.get(tzid)
    if block is None:
        return None
    moments = {_instant_by_block(wall, each) for each in (block, *block.others)}
    return moments.pop() if len(moments) == 1 else None


def _instant_by_block(wall: datetime, block: ZoneBlock) -> datetime | None:
    """Return the instant by a zone block, None if icalendar cannot read it, or it begins later or
    has ended.
    """
    begins = _BEGIN.findall(block.text)
    if not begins or _has_ended(block, wall) or f"{wall:%Y%m%dT%H%M%S}" < min(begins):
        return None
    zone = _read_zone_block(block)
    if zone is None:
        return None
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _has_ended(block: ZoneBlock, wall: datetime) -> bool:
    """Return whether a zone block has summer time, but no rule for the year of a time: some
    programs write only the changes of past years.
    """
    if "DAYLIGHT" not in block.text or _ENDLESS_RULE.search(block.text):
        return False
    return max(_DATE_IN_BLOCK.findall(block.text), default="") < f"{wall - _YEAR:%Y%m%d}"


@lru_cache(maxsize=64)
def _read_zone_block(block: ZoneBlock) -> tzinfo | None:
    """Return the clocks of a zone block, None if icalendar cannot read it."""
    try:
        component = Timezone.from_ical(block.text)
        if not isinstance(component, Timezone):
            return None
        zone: tzinfo = component.to_tz(lookup_tzid=False)
        zone.utcoffset(datetime(2027, 7, 1))  # noqa: DTZ001  # wall time
    except (ValueError, KeyError, IndexError, AttributeError, OverflowError):
        return None
    return zone


def _as_whole_days(slot: Slot, event: RawEvent, times: TimeSettings) -> Slot:
    """Return the slot of an event that begins at midnight, of its own zone, local or of its
    calendar, as whole days, and any other slot unchanged.

    If its end does not show how many days it has, it is a doubtful day.
    """
    first = _parse_midnight(event.value("DTSTART"))
    days = 0
    if first is not None:
        days = _count_days(event, first)
    is_all_day = any(
        each.name.startswith("X-") and each.name.endswith(_ALL_DAY) and _is_true(each.value)
        for each in event.properties
    )
    if is_all_day:
        days = max(days, 1)
    if first is not None and days > 0:
        return on_days(first, first + (days - 1) * _DAY, slot.raw, times.timezone)
    begins = None
    for zone in dict.fromkeys((times.timezone, times.floating)):
        begins = begins or _midnight_in(zone, slot)
        end = event.all("DTEND")
        ends = None
        if end:
            ends = _midnight_in(zone, _past_last_minute(start_slot(end[0], times)))
        if first is None and begins is not None and ends is not None and ends > begins:
            return on_days(begins, ends - _DAY, slot.raw, times.timezone)
    if first is None and begins is None and is_all_day and slot.instant is not None:
        # A midnight of the zone in which it was made. No such zone is in the file.
        begins = (slot.instant + timedelta(hours=12)).date()
        return on_days(begins, begins, slot.raw, times.timezone)
    day = first or begins
    if slot.instant is None or day is None:
        return slot
    return on_days(day, day, slot.raw, times.timezone, doubt="midnight")


def _is_true(value: str) -> bool:
    return value.strip().upper() in ("TRUE", "1")


def _past_last_minute(end: Slot) -> Slot:
    """Return an end with the whole hour instead of its last minute or second."""
    if end.instant is None or end.instant.minute != _LAST_OF_HOUR:
        return end
    hour = end.instant.replace(minute=0, second=0) + timedelta(hours=1)
    return replace(end, instant=hour)


def _midnight_in(timezone: str, slot: Slot) -> date | None:
    """Return the day that begins at a slot's instant in a zone, None if none does."""
    begins = None
    if slot.instant:
        begins = local(slot.instant, timezone)
    if begins is not None and begins.time() == time():
        return begins.date()
    return None


def _parse_midnight(text: str) -> date | None:
    """Return the day of a midnight such as `20260723T000000`, else None."""
    day, _, time_of_day = text.partition("T")
    if time_of_day in ("000000", "000000Z"):
        return parse_day(day)
    return None


def _count_days(event: RawEvent, first: date) -> int:
    """Return how many whole days an event has, from its end or its duration, 0 if neither says."""
    written = event.value("DTEND")
    end = parse_day(written) or _parse_midnight(written)
    day, _, time_of_day = written.partition("T")
    if time_of_day in _LAST_MINUTE and (last := parse_day(day)):
        end = last + _DAY
    if end is not None:
        return (end - first).days
    duration = _DURATION.fullmatch(event.value("DURATION"))
    if duration is None:
        return 0
    return 7 * int(duration["weeks"] or 0) + int(duration["days"] or bool(duration["a_day"]))


def parse_day(text: str) -> date | None:
    """Return the day of `20260723`, None for any other text, an impossible day or one of a year
    that no slot can have.
    """
    match = _DATE.fullmatch(text)
    try:
        day = date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
    return day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None


_NEW_YORK = "America/New_York"

ALIASES: dict[str, str] = {
    **dict.fromkeys(
        (
            "gmt standard time",
            "gmt daylight time",
            "london",
            "dublin",
            "uk",
            "uk time",
            "gb",
            "bst",
            "gmt/bst",
            "europe/belfast",
            "dublin, edinburgh, lisbon, london",
            "greenwich mean time : dublin / edinburgh / lisbon / london",
            "greenwich mean time : dublin, edinburgh, lisbon, london",
            "greenwich mean time / dublin / edinburgh / london",
            "greenwich mean time; dublin, edinburgh, london",
            "gmt (standard) / gmt+1 (daylight)",
            "gmt standard time/gmt daylight time",
            "british summer time",
            "british time",
        ),
        LONDON,
    ),
    **dict.fromkeys(
        (
            "us-eastern",
            "us/eastern",
            "us eastern",
            "eastern",
            "eastern time",
            "eastern standard time",
            "eastern daylight time",
            "est",
            "edt",
            "eastern time (us & canada)",
            "est5edt",
        ),
        _NEW_YORK,
    ),
    **dict.fromkeys(
        (
            "amsterdam, berlin, bern, rome, stockholm, vienna",
            "w. europe",
            "western/central europe",
            "central european time",
            "central european summer time",
            "cest",
        ),
        "Europe/Berlin",
    ),
    **dict.fromkeys(("brussels, copenhagen, madrid, paris", "romance"), "Europe/Paris"),
    **dict.fromkeys(("greenwich mean time",), "Etc/GMT"),
    **dict.fromkeys(("z", "utc", "tzone://microsoft/utc", "coordinated universal time"), "UTC"),
}

_WINTER_NAMES = (
    *("gmt", "gmt0", "etc/gmt", "greenwich", "greenwich mean time", "greenwich standard time"),
)
OFFSETS_OF_SEASONS: dict[str, timedelta] = {
    **dict.fromkeys(_WINTER_NAMES, timedelta(0)),
    **dict.fromkeys(("bst", "british summer time"), timedelta(hours=1)),
    **dict.fromkeys(("cest", "central european summer time"), timedelta(hours=2)),
    "edt": timedelta(hours=-4),
    "est": timedelta(hours=-5),
}
"""Names that files use for local time all the year, with the offset that they mean."""


# Signs in the names of the database are the other way round: "Etc/GMT-1" is one hour east.
_OFFSET_ALONE = quick(r"(?:UTC|GMT)?([+-]\d{2})(?::?00)?")
_OFFSET_BEFORE = quick(r"^\((?:utc|gmt)(?:[+-]\d{2}[:.]\d{2})?\) ")


@cache
def _olson_names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@cache
def zone_name(tzid: str) -> str | None:
    """Return the time zone that a TZID means, None for a private name."""
    offset = _OFFSET_ALONE.fullmatch(tzid.strip())
    if offset is not None:
        hours = int(offset[1])
        if abs(hours) <= 12:
            return f"Etc/GMT{-hours:+d}"
        return None
    # Outlook writes the offset before the cities, and Notes the season after the name.
    plain = _OFFSET_BEFORE.sub("", " ".join(tzid.split()).casefold())
    plain = plain.removesuffix("-(standard)").removesuffix("-(daylight)")
    # Some programs write a path before the name: "/mozilla.org/20050126_1/Europe/London".
    tail = "/".join(plain.rsplit("/", 2)[-2:])
    windows = {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}
    return (
        ALIASES.get(plain)
        or _olson_names().get(plain)
        or _olson_names().get(tail)
        or windows.get(plain)
    )
