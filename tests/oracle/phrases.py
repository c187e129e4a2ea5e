"""Reads times and lengths in the text of drafts as the range of values that they allow."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")
_ROUNDING = timedelta(seconds=90)
"""A time to the minute is the middle of an interval of at most two minutes, rounded to half a
minute.
"""
_DAY = r"(?: on (?:[A-Z][a-z]+day )?\d{1,2} [A-Z][a-z]+(?: \d{4})?)?"
TIME = rf"(?:\d{{1,2}}(?:\.\d\d)?[ap]m|noon|midnight){_DAY}"
WHEN = (
    rf"(?:(?:at |from |from some time |until |until some time )?(?:about |by |after |between {TIME}"
    rf" and )?{TIME})"
)
_UNITS = r"\d+ (?:day|hour|minute)s?(?: \d+ (?:hour|minute)s?)*"
_RANGE = rf"(?:\d+|{_UNITS}) to {_UNITS}"
LENGTH = rf"(?:less than a minute|(?:up to|at least|about) {_UNITS}|some \d+½ hours|{_RANGE})"
_SECONDS = {"day": 86400, "hour": 3600, "minute": 60}


def read_clock(text: str, known_day: datetime) -> datetime:
    """Return the instant of a time such as `9.30am on 5 January`.

    A time without a date is on the known day.
    """
    here = known_day.astimezone(_LONDON)
    time, _, day = text.partition(" on ")
    if found := re.search(r"(\d{1,2}) ([A-Z][a-z]+)(?: (\d{4}))?$", day):
        date = datetime.strptime(f"{found[1]} {found[2]} {found[3] or here.year}", "%d %B %Y")  # noqa: DTZ007 # a date
        here = here.replace(year=date.year, month=date.month, day=date.day)
    if time in ("noon", "midnight"):
        hour, minute = (12 if time == "noon" else 0), 0
    else:
        hours, _, minutes = time[:-2].partition(".")
        hour, minute = int(hours) % 12 + 12 * time.endswith("pm"), int(minutes or 0)
    return here.replace(hour=hour, minute=minute, second=0, microsecond=0)


def read_interval(text: str, known_day: datetime) -> tuple[datetime, datetime]:
    """Return the earliest and latest instant that a phrase such as `at about 9.51am` or `by 10am`
    allows.
    """
    words = re.findall(TIME, text)
    if "between" in text:
        end = read_clock(words[1], known_day)
        # One date after both times is the day of both.
        return read_clock(words[0], end if " on " in words[1] else known_day), end
    times = [read_clock(word, known_day) for word in words]
    if "by " in text:
        return datetime.min.replace(tzinfo=UTC), times[0]
    if "after " in text:
        return times[0], datetime.max.replace(tzinfo=UTC)
    return times[0] - _ROUNDING, times[0] + _ROUNDING


def read_length(text: str) -> tuple[float, float]:
    """Return the least and most seconds that a phrase such as `about 38 minutes` or `at least 1
    hour` allows.
    """
    if text == "less than a minute":
        return -math.inf, 60
    if half := re.match(r"some (\d+)½ hours", text):
        middle = (int(half[1]) + 0.5) * 3600
        return _widen_length(middle, 300)
    first, _, last = re.sub("^(?:up to|at least|about) ", "", text).partition(" to ")
    high = _count_seconds(last or first)
    low = _count_seconds(first if re.search("[a-z]", first) else f"{first} {last.split()[-1]}")
    if text.startswith("about"):
        return _widen_length(low, 30 if low < 3 * 86400 else 1800)
    return (0 if text.startswith("up to") else low), (
        math.inf if text.startswith("at least") else high
    )


def _widen_length(middle: float, rounding: float) -> tuple[float, float]:
    """Return the least and most seconds of a length that a draft gives as `middle`.

    Drafts give one length for bounds that are up to two minutes apart, and round it by up to
    `rounding`.
    """
    width = 60.0 + rounding
    return middle - width, middle + width


def _count_seconds(text: str) -> float:
    """Return the seconds of a length such as `1 hour 5 minutes`."""
    return sum(
        int(number) * _SECONDS[unit]
        for number, unit in re.findall(r"(\d+) (day|hour|minute)", text)
    )
