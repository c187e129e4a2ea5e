"""The names that calendars give time zones → names of the time zone database. Source: `facts/calendars.md` §3."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from schedules.london import LONDON

_NEW_YORK = "America/New_York"

ALIASES: dict[str, str] = {
    name: zone
    for zone, names in {
        LONDON: (
            "gmt standard time", "london", "uk", "uk time", "gb", "bst", "gmt/bst", "europe/belfast",
            "(utc+00:00) dublin, edinburgh, lisbon, london",
        ),
        _NEW_YORK: ("us-eastern", "us/eastern", "eastern", "eastern standard time", "est5edt"),
    }.items()
    for name in names
}  # fmt: skip

# Names of UTC+0 all the year, which British files use for the time on the wall.
DOUBTFUL = frozenset({"gmt", "etc/gmt", "greenwich", "greenwich standard time", "gmt0"})


@cache
def _olson() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@cache
def zone_name(tzid: str) -> str | None:
    """Return the zone that a TZID means; None for a private name."""
    plain = " ".join(tzid.split()).casefold()
    # "/mozilla.org/20050126_1/Europe/London"
    tail = "/".join(plain.rsplit("/", 2)[-2:])
    windows = {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}
    return ALIASES.get(plain) or _olson().get(plain) or _olson().get(tail) or windows.get(plain)
