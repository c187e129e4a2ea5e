"""Working days of the four nations, and when pre-release access may begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from schedules.slot import Precision, Slot, first_day
from schedules.times.zone import LONDON, day_begins, local
from schedules.values import Table

Nation = Literal["ENG", "WLS", "SCT", "NIR"]

_DAY = timedelta(days=1)
# What 09:30 becomes when UTC is taken for London time, or London time for UTC.
_MIXED_UP = (time(8, 30), time(10, 30))


class NationSettings(Table):
    """Bank holidays of `ENG`, `WLS`, `SCT` or `NIR` that differ from our list."""

    extra_holidays: list[date] = []
    """Holidays that our list does not have."""
    not_holidays: list[date] = []
    """Days in our list that are not holidays."""


@dataclass(frozen=True, slots=True)
class Workdays:
    """The working days of a nation.

    Bank holidays differ by nation, so there are none of the whole United Kingdom.
    """

    nation: Nation = "ENG"
    changes: NationSettings = field(default_factory=NationSettings)

    def holiday_name(self, day: date) -> str | None:
        """Return the name of the bank holiday that a day is, None on other days."""
        if day in self.changes.not_holidays:
            return None
        if day in self.changes.extra_holidays:
            return "extra holiday"
        return _holidays_in(self.nation, day.year).get(day)

    def is_workday(self, day: date) -> bool:
        """Return whether a day is neither Saturday nor Sunday nor a bank holiday."""
        return day.weekday() < 5 and self.holiday_name(day) is None

    def workday_before(self, day: date, count: int) -> date:
        """Return the day `count` working days before a day.

        With 0 it is the day itself, even if it is a holiday.
        """
        while count > 0:
            day -= _DAY
            if self.is_workday(day):
                count -= 1
        return day

    def why_unlikely(self, slot: Slot) -> str | None:
        """Return why a release is unlikely on a slot's day: weekend or holiday.

        None for a workday or wider span.
        """
        day = first_day(slot)
        if day is None or slot.precision not in (Precision.INSTANT, Precision.DAY):
            return None
        if day.weekday() >= 5:
            return f"{day:%A}"
        return self.holiday_name(day)

    def access_begins(self, slot: datetime, timezone: str) -> datetime:
        """Return the earliest instant (aware UTC) at which the nation's law lets pre-release access
        begin.

        In Scotland that is the start of the fifth working day before the slot. Elsewhere it is 24
        hours before the slot, weekends and bank holidays included. We found no source for the
        Welsh limit.
        """
        if self.nation == "SCT":
            return day_begins(self.workday_before(local(slot, timezone).date(), 5), timezone)
        return slot.astimezone(UTC) - timedelta(hours=24)


ENGLAND = Workdays()


def zone_doubt(slot: Slot) -> str | None:
    """Return why a slot looks like a mix-up of UTC and British Summer Time, None if it does not.

    It does if its zone is in doubt, or if it is at 08:30 or 10:30 in London. A mix-up turns 09:30
    into one of those.
    """
    if slot.doubt in ("zone", "zone-unknown"):
        if slot.raw:
            return f"doubt about the time zone of {slot.raw}"
        return "doubt about the time zone"
    if slot.instant is None or slot.timezone != LONDON:
        return None
    wall = local(slot.instant).time()
    if wall in _MIXED_UP:
        return f"{wall:%H:%M} is 09:30 an hour off"
    return None


@lru_cache(maxsize=512)
def _holidays_in(nation: Nation, year: int) -> dict[date, str]:
    import holidays  # noqa: PLC0415 # takes 3 MB, so it is loaded at the first use

    return dict(holidays.country_holidays("GB", subdiv=nation, years=year))
