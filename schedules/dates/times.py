"""The time of day inside a date text, and the zone word beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from schedules.patterns import linear, quick

_HALF = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?|yb\b|yh\b)"
_HRS = r"(?:hrs?\b|hours\b|o'clock\b)"
_FORMS = tuple(
    quick(pattern)
    for pattern in (
        rf"\b(?P<h>\d{{1,2}})[:.](?P<m>\d{{2}})(?::(?P<s>\d{{2}}))? ?{_HALF}",
        rf"(?<![:.\d/-])(?P<h>\d{{1,2}}) ?{_HALF}",
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
    r"|(?P<other>c[es]t|cest|[ecmp][sd]?t|eastern time|brussels time|(?:eastern|central|pacific) standard time))\b"
)
_BEFORE = linear(r"(?:[ ,;:@-]|\bat|\bon|\bam|\bfrom|\bfor)+$")
_AFTER = quick(r"^(?:[ ,;:-]|on\b|of\b|ar\b)+")


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time found in a text: `rest` is the text without it.

    `time` is None when none was found, or when `midnight` leaves open which end of the day is meant. `impossible` is
    True for a time that no clock shows. `zone` is `bst`, `gmt`, `uk`, `other` or None.
    """

    rest: str
    time: time | None = None
    zone: str | None = None
    midnight: bool = False
    impossible: bool = False


def find_time(text: str) -> TimeOfDay:
    """Take the first time of day and its zone word out of a normalised text."""
    for form in _FORMS:
        match = form.search(text)
        if match:
            rest, zone = _without_zone(_cut(text, match))
            return _read(match.groupdict(), rest, zone)
    return TimeOfDay(text)


def _cut(text: str, match: re.Match[str]) -> str:
    before, after = text[: match.start()], text[match.end() :]
    return f"{_BEFORE.sub('', before)} {_AFTER.sub('', after)}".strip(" ,-")


def _without_zone(text: str) -> tuple[str, str | None]:
    match = _ZONES.search(text)
    return (_cut(text, match), match.lastgroup) if match else (text, None)


def _read(parts: dict[str, str | None], rest: str, zone: str | None) -> TimeOfDay:
    if parts.get("midnight"):
        return TimeOfDay(rest, zone=zone, midnight=True)
    if parts.get("noon"):
        return TimeOfDay(rest, time(12), zone)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "m", "s"))
    half = (parts.get("half") or "").replace(".", "")
    if half and not 1 <= hour <= 12:
        return TimeOfDay(rest, impossible=True)
    if half:
        hour = hour % 12 + (12 if half in {"pm", "yh"} else 0)
    if hour > 23 or minute > 59 or second > 59:
        return TimeOfDay(rest, impossible=True)
    return TimeOfDay(rest, time(hour, minute, second), zone)
