"""Messages held back for a while, because somebody said so: of a release, a producer or an incident."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.by_hand import NotEnough, as_role
from alerts.incident import Incident
from alerts.one_line import one_line

LONGEST = timedelta(days=14)
_LONGEST_REASON = 300


class Scope(StrEnum):
    """What a silence is of."""

    RELEASE = "release"
    PRODUCER = "producer"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told of what it covers from `begins` until `until`, or until somebody `ended` it.

    `by` and `ended_by` are roles, `name` is the id of the release, producer or incident.
    """

    id: str
    scope: Scope
    name: str
    begins: datetime
    until: datetime
    by: str
    reason: str
    ended: datetime | None = None
    ended_by: str = ""

    @property
    def ends(self) -> datetime:
        """Return when messages go out again."""
        return self.until if self.ended is None else min(self.ended, self.until)

    def is_on(self, now: datetime) -> bool:
        """Tell whether it holds messages back now."""
        return self.begins <= now < self.ends

    def covers(self, incident: Incident) -> bool:
        """Tell whether messages about an incident are held back by it."""
        names: dict[Scope, Iterable[str]] = {
            Scope.RELEASE: (incident.release,),
            Scope.PRODUCER: incident.producers,
            Scope.INCIDENT: (incident.id,),
        }
        return self.name in names[self.scope]


def silence(scope: Scope, name: str, until: datetime, role: str, reason: str, now: datetime) -> Silence:
    """Return a silence that begins now. Raises `NotEnough` for words or an end that will not do."""
    words = one_line(reason.strip(), _LONGEST_REASON)
    faults = [] if words else ["say why"]
    if not now < until <= now + LONGEST:
        faults.append(f"must end after now, and within {LONGEST.days} days")
    if faults:
        raise NotEnough(faults)
    return Silence(f"{scope}-{name}-{now:%Y%m%dT%H%M%S%f}", scope, name, now, until, as_role(role), words)
