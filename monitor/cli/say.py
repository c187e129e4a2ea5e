"""Instants and slots as the command line tells them, always with their zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

LONDON = "Europe/London"
WIDTH = 112


def local(moment: datetime | str | None, timezone: str = LONDON) -> str:
    """Return an instant in local time, `5 Jan 2018 09:30:00 GMT`; `not known` for none."""
    if moment is None:
        return "not known"
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    here = read.astimezone(ZoneInfo(timezone))
    return f"{here.day} {here:%b %Y %H:%M:%S} {here.tzname()}"


def between(interval: Mapping[str, Any], timezone: str = LONDON) -> str:
    """Return an interval of the interface: `between … and …`, its date once where both are of one day."""
    after, by = interval["after"], interval["by"]
    if by is None:
        return "not seen" if after is None else f"not seen as of {local(after, timezone)}"
    if after is None:
        return f"by {local(_up(by), timezone)}"
    begins, ends = local(after, timezone), local(_up(by), timezone)
    day, time, zone = ends.rsplit(" ", 2)
    if begins.startswith(day) and begins.endswith(zone):
        return f"between {begins.removesuffix(f' {zone}')} and {time} {zone}"
    return f"between {begins} and {ends}"


def _up(moment: str) -> datetime:
    # Seconds are shown: cutting them off would make the later end of an interval earlier than it is.
    read = datetime.fromisoformat(moment)
    return read if not read.microsecond else read.replace(microsecond=0) + timedelta(seconds=1)


def items(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list, each item wrapped."""
    for text in texts:
        yield from wrap(
            text, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )


def day_line(day: date) -> str:
    """Return a day as people write it: `Friday 5 January 2018`."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def slot_line(slot: Mapping[str, Any] | None) -> str:
    """Return the slot of a release's JSON: `Friday 5 January 2018, 09:30 GMT`, or as it was announced."""
    if slot is None:
        return "nothing announced"
    if slot["precision"] != "instant" or slot["start"] is None:
        return f"{slot['raw'] or slot['start'] or 'no readable time'} (no time announced)"
    here = datetime.fromisoformat(slot["start"]).astimezone(ZoneInfo(slot["timezone"]))
    return f"{here:%A} {here.day} {here:%B %Y}, {here:%H:%M} {here.tzname()}"
