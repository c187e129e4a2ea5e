"""Silences: a person suppresses messages about a release, a producer, a host or an incident for a
while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.by_hand import BoxFault, InvalidInput, clean_role
from alerts.incident import Incident
from alerts.one_line import one_line

LONGEST_SILENCE = timedelta(days=14)
FARTHEST_AHEAD = timedelta(days=90)
_LONGEST_REASON = 300


class Scope(StrEnum):
    """The sort of thing whose messages a silence suppresses."""

    RELEASE = "release"
    PRODUCER = "producer"
    HOST = "host"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Silence:
    """A span, from `begins` to `until`, without messages about what it covers.

    A person may end it earlier, at `ended`.

    `by` and `ended_by` are roles, `name` is the id of the release, producer or incident, or the
    name of the host.
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
        """Return when messages are sent again."""
        return min(self.ended or self.until, self.until)

    def is_on(self, now: datetime) -> bool:
        """Return whether it suppresses messages now."""
        return self.begins <= now < self.ends

    def covers(self, incident: Incident) -> bool:
        """Return whether this silence suppresses messages about an incident."""
        match self.scope:
            case Scope.RELEASE:
                return self.name == incident.release
            case Scope.INCIDENT:
                return self.name == incident.id
            case Scope.HOST:
                # The `producer` of an incident about a host is the host.
                return self.name in (incident.host, incident.producer)
            case Scope.PRODUCER:
                # Messages about a platform also report the releases of other producers, which no
                # one has silenced.
                is_of_all_linked = all(self.name in link.producers for link in incident.linked)
                return is_of_all_linked and self.name in incident.producers


def create_silence(  # noqa: PLR0913 # one for each field that a person fills in
    scope: Scope,
    name: str,
    until: datetime,
    role: str,
    reason: str,
    now: datetime,
    *,
    begins: datetime | None = None,
) -> Silence:
    """Return a silence from `begins` (default and earliest: now).

    Raises `InvalidInput` with all faults at once.
    """
    words = one_line(reason.strip(), _LONGEST_REASON)
    faults = []
    if not words:
        faults.append(BoxFault("reason", "say why"))
    begins = max(now, begins or now)
    if begins > now + FARTHEST_AHEAD:
        faults.append(BoxFault("from", f"must begin within {FARTHEST_AHEAD.days} days"))
    if not begins < until <= begins + LONGEST_SILENCE:
        after = "now" if begins == now else "it begins"
        why = f"must be after {after}, and within {LONGEST_SILENCE.days} days"
        faults.append(BoxFault("until", why))
    if faults:
        raise InvalidInput(*faults)
    return Silence(
        f"{scope}-{name}-{now:%Y%m%dT%H%M%S%f}", scope, name, begins, until, clean_role(role), words
    )
