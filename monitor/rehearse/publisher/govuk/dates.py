"""Times as GOV.UK writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.times import words
from schedules.times.zone import local_date

LONDON = ZoneInfo("Europe/London")
_LONGEST_SCHEDULER_DELAY = timedelta(seconds=60)


def stamp(instant: datetime | None) -> str | None:
    """Return a time in UTC with whole seconds, as in GOV.UK's content items."""
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_text(day: datetime) -> str:
    """Return a London day as pages write it: `26 November 2026`."""
    return words.day_text(local_date(day))


def display_date(slot: datetime | date | str) -> str:
    """Return a slot as GOV.UK displays it: `26 November 2026 9:30am`, or the text it was announced
    with.
    """
    if isinstance(slot, datetime):
        here = slot.astimezone(LONDON)
        return (
            f"{day_text(slot)} {here.hour % 12 or 12}:{here:%M}{'am' if here.hour < 12 else 'pm'}"
        )
    return words.day_text(slot) if isinstance(slot, date) else slot


def release_timestamp(slot: datetime | date | str) -> str | None:
    """Return the time that GOV.UK stores for a slot; None if it is a text that names no month.

    A day has 9:30am. A month, or a range of months, has 9:30am on its first day.
    """
    if isinstance(slot, str):
        first, _, last = slot.partition(" to ")  # `May to June 2018` has the year only at its end
        try:
            slot = (
                datetime.strptime(f"{first} {last[-4:]}" if last else first, "%B %Y")
                .replace(tzinfo=LONDON)
                .date()
            )
        except ValueError:
            return None
    moment = slot if isinstance(slot, datetime) else datetime.combine(slot, time(9, 30), LONDON)
    return moment.astimezone(LONDON).isoformat(timespec="milliseconds")


def scheduled_delay(slot: datetime | date | str, first: datetime | None) -> int | None:
    """Return how many seconds GOV.UK's scheduler published a page late; None if a person published
    it.
    """
    if (
        not isinstance(slot, datetime)
        or first is None
        or not timedelta() <= first - slot <= _LONGEST_SCHEDULER_DELAY
    ):
        return None
    return int((first - slot).total_seconds())
