"""Finds the time of day in a date text, and the zone word next to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import time, timedelta
from functools import lru_cache
from itertools import product

from schedules.dates.words import normalise
from schedules.patterns import linear, quick

_AM_OR_PM = r"(?P<am_or_pm>a(?:\. ?)?m\b\.?|p(?:\. ?)?m\b\.?|yb\b|yh\b)"
_HRS = r"(?:hrs?\b|h\b|hours\b|o'clock\b)"
_UK_ZONE = r"(?:bst|gmt|british summer time|greenwich mean time|(?:uk|london) time)"
_CLOCK = r"(?<![:.\d])(?P<h>\d{1,2})[:h](?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]0+)?)?"
_FORMS = tuple(
    quick(pattern)
    for pattern in (
        rf"\b(?P<h>\d{{1,2}})[:.](?P<m>\d{{2}})(?:[:.](?P<s>\d{{2}})(?:\.0+)?)? ?{_AM_OR_PM}",
        rf"\b(?P<h>0\d|1[0-2])(?P<m>\d{{2}}) ?{_AM_OR_PM}",  # not a year
        rf"(?<![:.\d/-])(?P<h>\d{{1,2}}) ?{_AM_OR_PM}",
        r"\b(?:12 ?|12[:.]00 ?)?(?P<noon>noon|midday|canol dydd)\b",
        r"\b(?:12 ?|00:00 ?)?(?P<midnight>midnight|hanner nos)\b",
        rf"{_CLOCK}(?![:.\d])(?: ?{_HRS})?",
        rf"(?<![:.\d])(?P<h>\d{{1,2}})\.(?P<m>\d{{2}})(?: ?{_HRS}|(?= ?\(?{_UK_ZONE}\b))",
        r"(?:\b(?:at|am)|@) (?P<h>\d{1,2})\.(?P<m>\d{2})(?:\.(?P<s>\d{2}))?(?![.\d])",
        r"\b(?P<past>(?:half|quarter)[ -]past|quarter[ -]to) (?P<hour>[a-z]{3,6}|\d{1,2})\b",
        r"\bat (?P<hour_alone>[a-z]{3,6}) ?o'clock\b",
        rf"\b(?P<h>\d{{2}})(?P<m>\d{{2}}) ?{_HRS}",
        r"(?:\bat |@ ?)(?P<h>\d{2})(?P<m>\d{2})\b",
        r"(?<=[a-z]20\d\d):(?P<h>\d{2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?",  # as SAS writes it
        r"(?<=[/. ]20\d\d) ?,? (?!20)(?P<h>\d\d|\d(?=\.))\.?(?P<m>\d\d)(?= (?:bst|gmt|uk time)|$)",
    )
)
_FOREIGN = (
    r"c[es]t|cest|mesz?t?|mez|[ecmp][sd]?t|eastern time|brussels time"
    r"|(?:eastern|central|pacific) standard time"
)
_ZONES = quick(
    r"(?:(?P<plus>\+\d{2}(?::?\d{2})?)|\b(?P<offset>(?:gmt|utc) ?[+-] ?\d{1,2}(?::?\d{2})?)(?!\d)"
    r"|\b(?P<uk>(?:uk|london|british|local) time|uk|london|europe/london|gmt ?/ ?bst|bst ?/ ?gmt)"
    r"|\b(?P<bst>bst|british summer time)"
    r"|\b(?P<gmt>gmt|utc|greenwich mean time)"
    rf"|\b(?P<other>{_FOREIGN}))(?![a-z0-9])"
)
# The name of a zone after its offset, as in JavaScript's "09:30:00 GMT+0100 (British Summer Time)",
# and words about an embargo
_NO_PART = quick(
    r"(?<=\+0100) british summer time|(?<=\+0000) greenwich mean time"
    r"|\bembargo(?:ed)?\b(?: until| lifts| lifted|:)?"
)
# "9:30am UK time (10:30 CET)": the same instant again.
_SAME_AGAIN = quick(
    rf"\b(?P<h>\d{{1,2}})[:.]?(?P<m>\d{{2}})? ?(?P<half>am|pm)? ?(?P<zone>{_FOREIGN}|gmt|utc|bst)\b"
)
_HOUR_NAMES = (
    "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_HOURS = {name: number for number, name in enumerate(_HOUR_NAMES, 1)}
# Hours east of Greenwich that a zone word can mean: people often use one name all the year.
_OFFSETS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("bst", "british summer time"), (1,)),
    **dict.fromkeys(("gmt", "utc", "greenwich mean time"), (0,)),
    **dict.fromkeys(("cet", "cest", "mez", "mesz", "mest", "brussels time"), (1, 2)),
    **dict.fromkeys(("est", "edt", "et", "eastern time", "eastern standard time"), (-5, -4)),
}
_ANYWHERE = (-12, 14)
_WINTER_AND_SUMMER = (timedelta(), timedelta(hours=1))
_SIGNED = quick(r"(?P<sign>[+-]) ?(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?$")
_BEFORE = linear(r"(?:[ ,;:@|/-]|\bat|\bon|\bam|\bfrom|\bfor)+$")
_BLANKS = quick(r"\s+")
_AFTER = quick(r"^(?:[ ,;:-]|on\b|of\b|ar\b)+")


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time found in a text, and `rest`, the text without it.

    `time` is None if none was found, or with `midnight`: that can be either end of the day, and
    00:00 can mean no time. `impossible`: the time does not exist, such as 25:00. `zone` is the kind
    of zone, None if none was found: `bst`, `gmt`, `uk`, `other` (abroad), `offset` ("GMT+1") or
    `plus` ("+01:00"). It may be missing if the time is impossible. `zone_word` is its text.
    """

    rest: str
    time: time | None = None
    zone: str | None = None
    midnight: bool = False
    impossible: bool = False
    zone_word: str = ""


def zone_offsets(word: str) -> tuple[timedelta, ...]:
    """Return the offsets from UTC that a zone word can mean. Of an unknown word, the least and the
    greatest of all.
    """
    signed = _SIGNED.search(word)
    if signed is None:
        return tuple(timedelta(hours=each) for each in _OFFSETS.get(word, _ANYWHERE))
    size = timedelta(hours=int(signed["hours"]), minutes=int(signed["minutes"] or 0))
    return (-size if signed["sign"] == "-" else size,)


def names_utc(text: str) -> bool:
    """Return whether a date text has a time with the zone word GMT or UTC."""
    return find_time(normalise(text)).zone == "gmt"


@lru_cache(maxsize=1024)
def find_time(text: str) -> FoundTime:
    """Return the time of day in a normalised text, its zone word, and the text without both.

    Of several times, it is that of the first of `_FORMS` that is in the text.
    """
    text = _NO_PART.sub("", text).strip()
    for form in _FORMS:
        match = form.search(text)
        if match:
            rest = _remove_match(text, match)
            zone = _ZONES.search(rest)
            if zone is None:
                return _make_found_time(match.groupdict(), rest, None)
            rest = _remove_match(rest, zone)
            kind = zone.lastgroup
            found = replace(_make_found_time(match.groupdict(), rest, kind), zone_word=zone[0])
            again = _SAME_AGAIN.search(rest) if kind != "other" else None
            if again is None or found.time is None or not _is_same_instant(found, again):
                return found
            return replace(found, rest=_BLANKS.sub(" ", _remove_match(rest, again)))
    return FoundTime(text)


def _remove_match(text: str, match: re.Match[str]) -> str:
    """Return a text without a match and without the small words and marks beside it."""
    before, after = text[: match.start()], text[match.end() :]
    return f"{_BEFORE.sub('', before)} {_AFTER.sub('', after)}".strip(" ,-")


def _is_same_instant(found: FoundTime, again: re.Match[str]) -> bool:
    """Return whether a time that is given again in another zone can be the same instant."""
    if again["zone"] not in _OFFSETS or found.time is None:
        return True
    ours: tuple[timedelta, ...] = _WINTER_AND_SUMMER
    theirs = zone_offsets(again["zone"])
    if found.zone_word in _OFFSETS or _SIGNED.search(found.zone_word):
        ours = zone_offsets(found.zone_word)
    hour = int(again["h"])
    if again["half"]:
        hour = hour % 12 + 12 * (again["half"] == "pm")
    later = timedelta(hours=hour - found.time.hour)
    later += timedelta(minutes=int(again["m"] or 0) - found.time.minute)
    # Clocks change on the same day.
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else product(ours, theirs)
    return any((later - (other - own)) % timedelta(days=1) == timedelta() for own, other in pairs)


def _make_found_time(parts: dict[str, str | None], rest: str, zone: str | None) -> FoundTime:
    """Return the time that a match of one of `_FORMS` gives. `parts` are its named groups."""
    if parts.get("noon"):
        return FoundTime(rest, time(12), zone)
    if parts.get("past") or parts.get("hour_alone"):
        spoken = _spoken_time(
            (parts.get("past") or "").replace("-", " "), parts.get("hour") or parts["hour_alone"]
        )
        return FoundTime(rest, spoken, zone, impossible=spoken is None)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "m", "s"))
    am_or_pm = (parts.get("am_or_pm") or "").replace(".", "").replace(" ", "")
    # "00:00", or "12:00:00 AM" beside a date, as programs write a day without a time
    is_zero = not (am_or_pm or hour) or (am_or_pm == "am" and hour == 12 and parts.get("m"))
    if parts.get("midnight") or (is_zero and not minute and not second):
        return FoundTime(rest, zone=zone, midnight=True)
    if am_or_pm and not 1 <= hour <= 12:
        return FoundTime(rest, impossible=True)
    if am_or_pm:
        is_afternoon = am_or_pm in {"pm", "yh"}  # "yh" is Welsh for pm
        hour = hour % 12 + (12 if is_afternoon else 0)
    if hour > 23 or minute > 59 or second > 59:
        return FoundTime(rest, impossible=True)
    return FoundTime(rest, time(hour, minute, second), zone)


def _spoken_time(past: str, hour: str | None) -> time | None:
    """Return "half past nine" or "nine" o'clock as a time of the day, None if there is no such
    hour. Hours from one to five are taken for those of the afternoon.
    """
    number = _HOURS.get(hour or "") or (int(hour) if hour and hour.isdecimal() else 0)
    if not 1 <= number <= 12:
        return None
    if past == "quarter to":
        number = number - 1 or 12
    minute = {"half past": 30, "quarter past": 15, "quarter to": 45}.get(past, 0)
    return time(number + 12 if number < 6 else number, minute)
