"""When a step was done, as people read and write it in the box of the step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from alerts.draft.edits import TIME, parse_minute
from alerts.incident import Incident, IncidentKind
from schedules.times.words import MINUTE, stamp
from schedules.times.zone import local, zone

_DAY = re.compile(r"\b(?:(\d{4}-\d{2}-\d{2})T?|(\d{1,2} [A-Z][a-z]{2} \d{4})\b) *")
_ZONE = re.compile(r"^ *(?:[A-Z]{3,4}|[+-]\d{2}(?::?\d{2})?)(?=$|,)")


@dataclass(frozen=True, slots=True)
class DoneStep:
    """The time at which a step was done, and what the person noted, such as a reference."""

    at: datetime
    note: str = ""

    def write(self, timezone: str) -> str:
        """Return the text of the step's box, from which `read_done_step` makes an equal one."""
        at = stamp(self.at, timezone, step=MINUTE)
        return f"{at}, {self.note}" if self.note else at


def find_earliest(incident: Incident) -> datetime:
    """Return the instant before which no step of an incident was done, if its text has no day."""
    # A person often logs an incident after its first steps.
    return incident.occurred if incident.kind is IncidentKind.HAND else incident.opened


def read_done_step(text: str, since: datetime, timezone: str) -> DoneStep | None:
    """Return when a step was done by the text in its box, None if that names no time of day.

    A time without a day is the first such time from `since` on.
    """
    day = _DAY.search(text)
    without_day = text if day is None else text.replace(day[0], "", 1)
    clock = TIME.search(without_day)
    if clock is None:
        return None
    hour, minute = divmod(parse_minute(clock[0]), 60)
    begins = local(since, timezone).replace(second=0, microsecond=0)
    on = begins.date() if day is None else _parse_day(day)
    done = datetime.combine(on, time(hour, minute), zone(timezone))
    if day is None and done < begins:
        done += timedelta(days=1)
    before, after = without_day[: clock.start()], without_day[clock.end() :]
    note = f"{before} {_ZONE.sub('', after, count=1)}".strip(" ,.")
    return DoneStep(done.astimezone(UTC), note)


def _parse_day(day: re.Match[str]) -> date:
    if day[1]:
        return date.fromisoformat(day[1])
    return datetime.strptime(day[2], "%d %b %Y").date()  # noqa: DTZ007 # a day has no zone
