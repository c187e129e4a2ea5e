"""Finds the time of day in a date text, and the zone word next to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from schedules.patterns import linear, quick

_AM_OR_PM = r"(?P<am_or_pm>a\.?m\b\.?|p\.?m\b\.?|yb\b|yh\b)"
_HRS = r"(?:hrs?\b|hours\b|o'clock\b)"
_FORMS = tuple(
    quick(pattern)
    for pattern in (
        rf"\b(?P<h>\d{{1,2}})[:.](?P<m>\d{{2}})(?::(?P<s>\d{{2}}))? ?{_AM_OR_PM}",
        rf"(?<![:.\d/-])(?P<h>\d{{1,2}}) ?{_AM_OR_PM}",
        r"\b(?:12 ?|12[:.]00 ?)?(?P<noon>noon|midday|canol dydd)\b",
        r"\b(?:12 ?|00:00 ?)?(?P<midnight>midnight|hanner nos)\b",
        rf"(?<![:.\d])(?P<h>\d{{1,2}}):(?P<m>\d{{2}})(?::(?P<s>\d{{2}}))?(?![:.\d])(?: ?{_HRS})?",
        rf"(?<![:.\d])(?P<h>\d{{1,2}})\.(?P<m>\d{{2}}) ?{_HRS}",
        r"\b(?:at|am) (?P<h>\d{1,2})\.(?P<m>\d{2})(?![.\d])",
        rf"\b(?P<h>\d{{2}})(?P<m>\d{{2}}) ?{_HRS}",
        r"\bat (?P<h>\d{2})(?P<m>\d{2})\b",
        r"(?<=[/. ]20\d\d) ?,? (?!20)(?P<h>\d{2})(?P<m>\d{2})$",
    )
)
_ZONES = quick(
    r"\b(?:(?P<uk>(?:uk|london|british|local) time)|(?P<bst>bst|british summer time)"
    r"|(?P<gmt>gmt|utc|greenwich mean time)"
    r"|(?P<other>c[es]t|cest|[ecmp][sd]?t|eastern time|brussels time|(?:eastern|central|pacific)"
    r" standard time))\b"
)
_BEFORE = linear(r"(?:[ ,;:@-]|\bat|\bon|\bam|\bfrom|\bfor)+$")
_AFTER = quick(r"^(?:[ ,;:-]|on\b|of\b|ar\b)+")


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time found in a text, and `rest`, the text without it.

    `time` is None if none was found, or with `midnight`: that can be either end of the day, and
    00:00 can mean no time. `impossible`: the time does not exist, such as 25:00. `zone` is `bst`,
    `gmt`, `uk`, `other` or None.
    """

    rest: str
    time: time | None = None
    zone: str | None = None
    midnight: bool = False
    impossible: bool = False


def find_time(text: str) -> FoundTime:
    """Return the first time of day in a normalised text, its zone word, and the text without
    both.
    """
    for form in _FORMS:
        match = form.search(text)
        if match:
            rest = _remove_match(text, match)
            if zone := _ZONES.search(rest):
                rest = _remove_match(rest, zone)
            # The group of `_ZONES` that matched is the kind of the zone word.
            return _make_found_time(match.groupdict(), rest, zone.lastgroup if zone else None)
    return FoundTime(text)


def _remove_match(text: str, match: re.Match[str]) -> str:
    """Return a text without a match and without the small words and marks beside it."""
    before, after = text[: match.start()], text[match.end() :]
    return f"{_BEFORE.sub('', before)} {_AFTER.sub('', after)}".strip(" ,-")


def _make_found_time(parts: dict[str, str | None], rest: str, zone: str | None) -> FoundTime:
    """Return the time that a match of one of `_FORMS` gives. `parts` are its named groups.

    The result also has `rest`, the text without time and zone word, and `zone`. A time such as
    25:00 is `impossible`.
    """
    if parts.get("noon"):
        return FoundTime(rest, time(12), zone)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "m", "s"))
    am_or_pm = (parts.get("am_or_pm") or "").replace(".", "")
    if not (am_or_pm or hour or minute or second):  # "midnight" or "00:00"
        return FoundTime(rest, zone=zone, midnight=True)
    if am_or_pm and not 1 <= hour <= 12:
        return FoundTime(rest, impossible=True)
    if am_or_pm:
        is_afternoon = am_or_pm in {"pm", "yh"}  # "yh" is Welsh for pm
        hour = hour % 12 + (12 if is_afternoon else 0)
    if hour > 23 or minute > 59 or second > 59:
        return FoundTime(rest, impossible=True)
    return FoundTime(rest, time(hour, minute, second), zone)
