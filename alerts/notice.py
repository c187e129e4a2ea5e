"""What people are told: one fact makes one notice, whatever the number of looks, restarts or channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell people about one incident.

    `id` is derived from the incident and the fact, so that the same fact always makes the same id.
    `follows` is the id of the notice that opened the thread, empty for that notice itself. `kind` says
    what happened (`opened`, `grade_changed`, `exposure_closed`, `final`, `lead`, …). `finding` and `grade`
    are what routes match on.
    """

    id: str
    kind: str
    incident: str
    release: str
    producer: str
    grade: str
    findings: tuple[str, ...]
    at: datetime
    subject: str
    text: str
    follows: str = ""
