"""One date text → slot, status and previous slot."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from datetime import timezone as fixed_zone
from functools import lru_cache

from schedules.dates.forms import FORMS
from schedules.dates.span import (
    Context,
    Refused,
    Span,
    at_wall,
    at_written,
    no_slot,
    on_days,
    slot_of_span,
)
from schedules.dates.status import (
    MOVED_FROM,
    NO_STATUS,
    StrippedText,
    status_word,
    strip_status,
)
from schedules.dates.times import FoundTime, find_time, zone_offsets
from schedules.dates.words import LONGEST, WEEKDAYS, normalise
from schedules.patterns import linear, quick
from schedules.slot import Precision, Slot, first_day, is_inside
from schedules.times.zone import LONDON, UnknownZone, instants_of, local_date, zone

_EXTENDED = quick(
    r"(?P<y>\d{4})[-/](?P<mo>\d{1,2})[-/](?P<d>\d{1,2})(?: ?t ?| )"
    r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d+))?)?"
    r" ?(?P<zone>z|[+-]\d{2}(?::?\d{2})?)?(?: ?\[?(?P<name>[a-z_]+/[a-z_]+(?:/[a-z_]+)?)\]?)?"
    r"(?:(?<=[+-]\d{4}) (?P<word>[a-z]{2,5}))?"  # "+0100 BST"
)
_ISO_BEFORE_ZONE = quick(
    r"(?P<day>\d{4}-\d\d-\d\d)[t ](?P<time>\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(?P<zone>[a-z]{3,4})"
)
_T_BEFORE_TIME = quick(r"(?<=\d)t(?=\d\d?:\d\d)")
_BASIC = quick(
    r"(?P<y>20\d{2})(?P<mo>\d{2})(?P<d>\d{2})t(?P<h>\d{2})(?P<mi>\d{2})(?:(?P<s>\d{2})(?P<f>)?)?(?P<zone>z|[+-]\d{2}:?\d{2})?(?P<name>)(?P<word>)"
)
_OFFSETS = {"bst": timedelta(hours=1), "gmt": timedelta(), "utc": timedelta()}


def iso_slot(plain: str, raw: str, timezone: str) -> Slot | None:
    """Return the slot of a normalised ISO date-time such as `2026-07-23t09:30z`, or None for any
    other text.

    `raw` is the text as written. If a date, time or offset does not exist, the slot is `NONE`. A
    time of 00:00 gives only the day, with the doubt `midnight`, because exports write a day without
    a time so.
    """
    match = _EXTENDED.fullmatch(plain) or _BASIC.fullmatch(plain)
    if match is None:
        return None
    wall = wall_time(match)
    offset = _parse_offset(match["zone"])
    if wall is None or (match["zone"] and offset is None):
        return no_slot(raw, "impossible", timezone)
    if offset is not None:
        slot = at_written(wall.replace(tzinfo=fixed_zone(offset)), raw, timezone)
        if match["name"] and match["zone"] != "z":  # RFC 9557: `z` says nothing of a zone
            in_zone = _at_wall_of(match["name"], wall, raw, timezone).instant
            slot = _doubt_other_instant(slot, in_zone)
        named = wall.replace(tzinfo=fixed_zone(_OFFSETS.get(match["word"] or "", offset)))
        return _doubt_other_instant(slot, named)
    if wall.time() == time():
        return on_days(wall.date(), wall.date(), raw, timezone, doubt="midnight")
    if match["name"]:
        return _at_wall_of(match["name"], wall, raw, timezone)
    return at_wall(wall, raw, timezone)


def _doubt_other_instant(slot: Slot, in_zone: datetime | None) -> Slot:
    """Return a slot with the doubt `zone` if it is at another instant in the zone that is named
    beside its offset.
    """
    if slot.instant is None or in_zone is None or in_zone == slot.instant:
        return slot
    readings = tuple(sorted((slot.instant, in_zone)))
    return replace(slot, doubt=slot.doubt or "zone", readings=readings)


def _at_wall_of(name: str, wall: datetime, raw: str, timezone: str) -> Slot:
    """Return the slot of a local time in a named zone, or of its doubtful day if there is none of
    this name.
    """
    written = "/".join(part.title() for part in name.split("/"))
    try:
        zone(written)
    except UnknownZone:
        return on_days(wall.date(), wall.date(), raw, timezone, doubt="zone-unknown")
    return replace(at_wall(wall, raw, written), timezone=timezone)


def wall_time(match: re.Match[str]) -> datetime | None:
    """Return the local time that the groups y, mo, d, h, mi, s and f (a fraction) name, None if
    there is none such.
    """
    year, month, day, hour, minute, second = (
        int(match[name] or 0) for name in ("y", "mo", "d", "h", "mi", "s")
    )
    microsecond = int((match["f"] or "0").ljust(6, "0")[:6])
    try:
        return datetime.combine(date(year, month, day), time(hour, minute, second, microsecond))
    except ValueError:
        return None


def _parse_offset(text: str | None) -> timedelta | None:
    """Return the UTC offset `z`, `+01`, `+0100` or `+01:00`.

    None for None, and if it is larger than any zone's.
    """
    if text is None:
        return None
    if text == "z":
        return timedelta()
    hours_and_minutes = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(hours_and_minutes[:2]), minutes=int(hours_and_minutes[2:]))
    if size > timedelta(hours=14):
        return None
    return -size if text[0] == "-" else size


_EMPTY = NO_STATUS | {"?"}
# A day by its number, such as 46226. Only a csv calendar with the option `excel` reads it as a
# date.
_SERIAL = quick(r"\d{5}(?:\.\d+)?")
_MOVED = linear(rf"^{MOVED_FROM} (?P<before>.+?) to (?P<now>.+)$")
_WAS_AND_NOW = linear(
    r"^(?:previously|was|originally|formerly):? (?P<before>.+?)[ ,;-]+(?:is )?now:? (?P<now>.+)$"
)
_NOW_AND_WAS = linear(
    r"^(?P<now>.+?)[ ,;-]+(?:was|previously|originally|formerly|instead of"
    rf"|{MOVED_FROM}):? (?P<before>.+)$"
)
_CHANGED_TO = linear(
    r"^(?P<before>.+?)[ ,;-]+(?:is )?(?:now|moved to|changed to|revised to|→|->|>):? (?P<now>.+)$"
)
_ONLY_NOW = linear(r"^(?P<before>)(?:(?:is )?now|changed to):? (?P<now>.+)$")
_NOW_AND_BEFORE = (_WAS_AND_NOW, _NOW_AND_WAS, _CHANGED_TO, _ONLY_NOW)


# A time of the day as a spreadsheet's fraction of it, and words that speak of a time.
_FRACTION = quick(r"0?\.\d{2,17}")
_TIME_WORDS = quick(
    r"^\d|\d[:.]\d|\b(?:past|o'clock|morning|afternoon|noon|midday|am|pm|thirty|lunch(?:time)?"
    r"|evening|usual|later|after|before"
    r"|seven|eight|nine|ten|eleven|twelve)\b"
)
# The day that spreadsheets write before a time of the day: their day 0 or 1, by several systems.
_SPREADSHEET_DAY = quick(
    r"^(?:1899-12-3[01]|1900-01-0[01]|1904-01-01|(?:3[01][-./]12|12/3[01])[-./]1899"
    r"|0?[01]/0?[01]/1900|0?1/0?1/1904)[ t]([^z]*)z?"
)
_NO_BRACKETS = str.maketrans("()[]", "    ")
_LONGEST_TIME = 40


@dataclass(frozen=True, slots=True)
class DateText:
    """What a date text says.

    `status` is provisional, confirmed, tbc, cancelled or postponed, if the text says so.

    `previous` is the earlier slot of the release, if the text gives it ("was 16 July").
    """

    slot: Slot
    status: str | None = None
    previous: Slot | None = None


@lru_cache(maxsize=16_384)
def read_date(text: str, anchor: date, timezone: str = LONDON, date_order: str = "dmy") -> DateText:
    """Read a date text. An unreadable one gives a slot of precision `NONE` with its reason.

    `anchor` is the day of the read, from which a missing year follows. `timezone` is that of
    written times, `date_order` (dmy, mdy, ymd) that of numeric dates.
    """
    if len(text) > LONGEST:
        return DateText(no_slot(text[:LONGEST], "not-a-date", timezone))
    plain = normalise(text)
    if plain in _EMPTY:
        return DateText(no_slot(text, "empty", timezone))
    exact = iso_slot(plain, text, timezone)
    if exact is not None:
        return DateText(exact)
    plain = _T_BEFORE_TIME.sub(" ", plain)
    if in_zone := _ISO_BEFORE_ZONE.fullmatch(plain):
        plain = " ".join(in_zone.groups())
    return _read_words(plain, text, timezone, Context(anchor, date_order))


@lru_cache(maxsize=16_384)
def with_time(slot: Slot, text: str) -> Slot:
    """Return a slot of one day with the time of another column ("9.30", "7am", "0930").

    The text may also be a whole date with time, if it names the same day, or a fraction of a day as
    spreadsheets write it. Any other that cannot be read gives the doubt `unreadable-date`. A day
    that was written with midnight is sure if it gets a time. A slot that has another time already
    gets the doubt `zone`.
    """
    plain = " ".join(_SPREADSHEET_DAY.sub(r"\1", normalise(text)).translate(_NO_BRACKETS).split())
    has_no_time = plain in _EMPTY or status_word(plain) == "tbc"
    if slot.instant is not None:
        return _with_second_time(slot, text)
    if slot.precision is not Precision.DAY or slot.first is None or has_no_time:
        return slot
    if slot.doubt == "midnight":
        timed = with_time(replace(slot, doubt=None), text)
        is_timed = timed.precision is not Precision.DAY or timed.doubt is not None
        return timed if is_timed else slot
    return _with_time_of_day(slot, slot.first, text, plain)


def _with_time_of_day(slot: Slot, day: date, text: str, plain: str) -> Slot:
    """Return a day's slot with the time in `plain`, the normalised form of `text`."""
    raw = f"{slot.raw} {text.strip()}"
    # A time as of ISO 8601, such as "08:30Z". "9:30-10:00" has no offset, but is a range.
    whole = None
    if "-" not in plain:
        whole = iso_slot(f"{day} {plain}", raw, slot.timezone)
    whole = whole or read_date(text, day, slot.timezone).slot
    if whole.instant is not None and first_day(whole) == day:
        return replace(whole, raw=raw, doubt=slot.doubt or whole.doubt)
    # after "at", digits without a colon are read as a time too
    found = _fraction_of_day(plain) or find_time(f"at {plain}")
    if found.time is None and not found.midnight and not found.impossible:
        is_other_text = whole.precision is not Precision.NONE or not _speaks_of_time(plain)
        if is_other_text:
            return slot
        return _with_unreadable_time(slot, raw)
    if found.rest or found.impossible:
        return _with_unreadable_time(slot, raw)
    span = Span(Precision.DAY, day, day, slot.doubt, _other_days(slot))
    return _add_time(span, found, raw, slot.timezone)


def _with_second_time(slot: Slot, text: str) -> Slot:
    """Return a slot that has an instant, with a doubt if `text` gives it another."""
    if slot.instant is None:
        return slot
    day = local_date(slot.instant, slot.timezone)
    other = with_time(on_days(day, day, slot.raw, slot.timezone), text)
    if other.instant is None or other.instant == slot.instant:
        return slot
    readings = tuple(sorted({*slot.readings, slot.instant, other.instant}))
    return replace(slot, raw=other.raw, doubt=slot.doubt or "zone", readings=readings)


def _with_unreadable_time(slot: Slot, raw: str) -> Slot:
    return replace(slot, raw=raw, doubt=slot.doubt or "unreadable-date")


def _other_days(slot: Slot) -> tuple[date, ...]:
    """Return the days that a doubtful day can mean too."""
    if not slot.readings:
        return ()
    last_end = local_date(slot.readings[-1], slot.timezone)
    return (local_date(slot.readings[0], slot.timezone), last_end - timedelta(days=1))


def _fraction_of_day(plain: str) -> FoundTime | None:
    """Return the time that a spreadsheet's fraction of a day means, None for any other text."""
    if not _FRACTION.fullmatch(plain):
        return None
    hour, minute = divmod(round(float(plain) * 1440), 60)
    if hour < 24:
        return FoundTime("", time(hour, minute))
    return None


def _speaks_of_time(plain: str) -> bool:
    """Return whether a short text most likely gives a time of the day."""
    return len(plain) <= _LONGEST_TIME and _TIME_WORDS.search(plain) is not None


def check_weekday(slot: Slot, name: str, day: date | None) -> Slot:
    """Return a slot on one day, with the doubt `weekday` if `name` is another weekday than that of
    `day`.
    """
    weekday = WEEKDAYS.get(normalise(name))
    begins, passes = slot.begins(), slot.passes()
    if weekday is None or day is None or weekday == day.weekday() or not (begins and passes):
        return slot
    step = timedelta(days=(weekday - day.weekday() + 3) % 7 - 3)
    readings = sorted({*slot.readings, begins, passes, begins + step, passes + step})
    if slot.instant is None:  # then they are ends of days
        readings = [readings[0], readings[-1]]
    return replace(slot, doubt=slot.doubt or "weekday", readings=tuple(readings))


def with_stamp(slot: Slot, stamped: Slot) -> Slot:
    """Return the slot that people see, compared with that of an attribute beside it.

    The finer one counts, but not the first or last day of a month or other period: calendars sort
    by it. Midnight of that day in an attribute means no time, and so does noon UTC beside a day,
    which is how Drupal stores one. If both give a day or time and these differ, the one that people
    see has the doubt `zone`.
    """
    is_unread = slot.precision is Precision.NONE and slot.reason != "tbc"
    if is_unread and slot.reason != "serial":
        return stamped
    is_day = slot.precision is Precision.DAY
    is_noon = stamped.instant is not None and stamped.instant.time() == time(12)
    is_untimed = is_day and is_noon and stamped.raw.endswith("12:00:00Z")
    is_untimed |= stamped.doubt == "midnight"
    is_same_day = is_inside(stamped, slot) or first_day(stamped) == first_day(slot)
    is_silent = stamped.precision is Precision.NONE or (is_untimed and is_same_day)
    if slot.instant is None and not is_day:
        is_silent |= first_day(stamped) in (slot.first, slot.last)
    if is_silent or slot.precision is Precision.NONE or is_inside(slot, stamped):
        return slot
    if is_inside(stamped, slot) and not slot.doubt:
        return replace(stamped, raw=f"{slot.raw} ({stamped.raw})")
    readings = {*slot.all_readings(), *stamped.all_readings()}
    if slot.instant is not None and stamped.instant is not None:
        readings = {slot.instant, stamped.instant, *slot.readings}
    return replace(slot, doubt=slot.doubt or "zone", readings=tuple(sorted(readings)))


def assume_time(slot: Slot, default_time: time | None) -> Slot:
    """Return a slot of one day with the instant at which it is watched by default.

    It still counts as a day.
    """
    if default_time is None or slot.precision is not Precision.DAY or slot.first is None:
        return slot
    exact = at_wall(datetime.combine(slot.first, default_time), slot.raw, slot.timezone)
    return replace(slot, assumed=exact.instant)


def _read_words(plain: str, text: str, timezone: str, context: Context) -> DateText:
    """Return the slot, status and earlier slot in a text, normalised and as written."""
    if status_word(plain):  # the whole text is a status
        return _read_status_only(StrippedText(plain), text, timezone)
    moved = _MOVED.search(plain)
    stripped = strip_status(moved["now"] if moved else plain)
    if moved:
        stripped = replace(stripped, previous=moved["before"])
    forms = (form.search(stripped.rest) for form in _NOW_AND_BEFORE)
    now_and_before = next(filter(None, forms), None)
    if now_and_before:
        stripped = replace(stripped, rest=now_and_before["now"], previous=now_and_before["before"])
    if status_word(stripped.rest) or not stripped.rest:
        return _read_status_only(stripped, text, timezone)
    slot = _read_slot(stripped.rest, text, timezone, context)
    before = None
    if stripped.previous:
        before = read_date(stripped.previous, context.anchor, timezone, context.date_order)
    return DateText(slot, stripped.status, before.slot if before else None)


def _read_status_only(stripped: StrippedText, text: str, timezone: str) -> DateText:
    """Return what a text without a date says: its status.

    "To be confirmed" is the reason and not a status.
    """
    status = status_word(stripped.rest) or stripped.status
    if status == "tbc":
        return DateText(no_slot(text, "tbc", timezone))
    return DateText(no_slot(text, "not-a-date", timezone), status)


def _read_slot(rest: str, text: str, timezone: str, context: Context) -> Slot:
    """Return the slot of `rest`, a date text without its status words.

    `text` is the whole text as written.

    The reason of a spreadsheet's day number is `serial`.
    """
    if _SERIAL.fullmatch(rest):
        return no_slot(text, "serial", timezone)
    found = find_time(rest)
    if found.impossible:
        return no_slot(text, "impossible", timezone)
    try:
        spans = (form(found.rest, context) for form in FORMS)
        # of the first form that fits
        span = next((each for each in spans if each is not None), None)
    except Refused as refused:
        return no_slot(text, refused.reason, timezone)
    if span is None:
        return no_slot(text, "not-a-date", timezone)
    # "Midnight" can mean either end of the day, so `found.time` is None with it.
    has_time = found.time is not None or found.midnight
    if span.precision is not Precision.DAY or not has_time:
        return slot_of_span(span, text, timezone)
    return _add_time(span, found, text, timezone)


def _add_time(span: Span, found: FoundTime, text: str, timezone: str) -> Slot:
    """Return the slot of a day at the time found beside it, or the doubtful day for "midnight" or
    an unknown zone.
    """
    zone_doubt = _zone_word_doubt(found, span.first, timezone)
    doubt = span.doubt or zone_doubt
    if found.time is None:  # the text says "midnight"
        return slot_of_span(replace(span, doubt=doubt or "midnight"), text, timezone)
    walls = [datetime.combine(day, found.time) for day in span.days()]
    readings: set[datetime] = set()
    for wall in walls:
        readings.update(instants_of(wall, timezone))
        if zone_doubt is not None:
            readings.update(_literal_instants(wall, found))
    if doubt == "zone-unknown":
        slot = slot_of_span(replace(span, doubt=doubt), text, timezone)
    else:
        slot = at_wall(datetime.combine(span.first, found.time), text, timezone, doubt)
    if doubt:
        return replace(slot, readings=tuple(sorted(readings)))
    return slot


def _literal_instants(wall: datetime, found: FoundTime) -> list[datetime]:
    """Return the instants of a local time by the offsets that its zone word can mean."""
    return [(wall - offset).replace(tzinfo=UTC) for offset in zone_offsets(found.zone_word)]


def _zone_word_doubt(found: FoundTime, on: date, timezone: str) -> str | None:
    """Return why the zone word beside a time does not fit the zone and the season, None if it
    does.
    """
    word = found.zone
    if word is None or (word == "uk" and timezone == LONDON):
        return None
    if word in ("other", "uk"):
        return "zone-unknown"
    # "GMT" in a British summer is a doubt, because people who write it may mean local time.
    offset = zone(timezone).utcoffset(datetime.combine(on, time(12)))
    if offset in zone_offsets(found.zone_word):
        return None
    return "zone" if timezone == LONDON else "zone-unknown"
