"""Conversions between local time and UTC: clock changes, local dates, local times that do not exist
or occur twice.

London is the default zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

LONDON = "Europe/London"

NONEXISTENT = "nonexistent-time"
AMBIGUOUS = "ambiguous-time"


class UnknownZone(ValueError):
    """There is no time zone of this name."""


class NoSingleInstant(ValueError):
    """A local time that the clock skips or shows twice.

    `doubt` is `nonexistent-time` or `ambiguous-time`.
    """

    def __init__(self, wall: datetime, timezone: str, doubt: str) -> None:
        super().__init__(f"{wall:%Y-%m-%d %H:%M} in {timezone}: {doubt}")
        self.doubt = doubt


@cache
def zone(name: str) -> ZoneInfo:
    """Return the time zone of an Olson name. Raises `UnknownZone`, also for names that are
    paths.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise UnknownZone(f"no time zone is called {name!r}") from exc


def clock_doubt(wall: datetime, timezone: str) -> str | None:
    """Return the doubt about a naive local time in a zone, None if it is exactly one instant."""
    tz = zone(timezone)
    early, late = (wall.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return None
    # For a skipped time, zoneinfo returns an instant that converts back to another local time.
    if early.astimezone(tz).replace(tzinfo=None) == wall:
        return AMBIGUOUS
    return NONEXISTENT


def instant(wall: datetime, timezone: str = LONDON) -> datetime:
    """Return the instant (aware UTC) of a naive wall time; raises `NoSingleInstant`."""
    doubt = clock_doubt(wall, timezone)
    if doubt is not None:
        raise NoSingleInstant(wall, timezone, doubt)
    return wall.replace(tzinfo=zone(timezone)).astimezone(UTC)


def instants_of(wall: datetime, timezone: str) -> tuple[datetime, ...]:
    """Return the instants (aware UTC) that a naive wall time can mean, in order: two if the clock
    skips it or shows it twice.
    """
    tz = zone(timezone)
    both = {wall.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(both))


def local(moment: datetime, timezone: str = LONDON) -> datetime:
    """Return an aware instant as the aware local time of a zone."""
    return moment.astimezone(zone(timezone))


# Cached, because many releases share an instant and a start needs the day of each.
@lru_cache(maxsize=1024)
def local_date(moment: datetime, timezone: str = LONDON) -> date:
    """Return the local calendar day of an aware instant."""
    return local(moment, timezone).date()


def day_begins(day: date, timezone: str) -> datetime:
    """Return the first instant (UTC) of a local day."""
    return datetime.combine(day, time(), zone(timezone)).astimezone(UTC)


def span_of(
    first: date | None, last: date | None, timezone: str
) -> tuple[datetime | None, datetime | None]:
    """Return when (UTC) a range of local days begins and ends, both included.

    None: open on that side.
    """
    begin = None
    if first is not None:
        begin = day_begins(first, timezone)
    end = None
    if last is not None:
        end = day_begins(last + timedelta(days=1), timezone)
    return begin, end
