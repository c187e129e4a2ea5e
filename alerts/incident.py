"""One or more findings that need a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.finding import ReleaseFacts


class Kind(StrEnum):
    """What sort of incident it is: decides the form, the clause and the guidance."""

    LATE = "late"
    EARLY = "early"
    PARTIAL = "partial"
    UNPROVEN = "unproven"
    LEAD = "lead"
    CALENDAR = "calendar"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline: who (a role, never a name) did or noted what, and when."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident and everything that is known of it.

    `occurred` is the instant (UTC) that decides the edition of the Code: the start of the exposure, or
    the slot that was missed. `facts` is None only for one logged by hand about no watched release; `words`
    holds what a person typed when logging it (`title`, `what`, `when`, …).
    """

    id: str
    kind: Kind
    release: str
    producer: str
    title: str
    opened: datetime
    occurred: datetime
    grade: str
    facts: ReleaseFacts | None = None
    closed: datetime | None = None
    timeline: tuple[Entry, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
