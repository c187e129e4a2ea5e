"""What people are told: one fact makes one notice, whatever the number of looks, restarts or channels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell people about one incident.

    `id` is derived from the incident and the fact, so that the same fact always makes the same id.
    `follows` is the id of the notice that opened the thread, empty for that notice itself. `kind` says
    what happened (`opened`, `grade_changed`, `exposure_closed`, `final`, `lead`, …). `findings` and `grade`
    are what routes match on; the first of `findings` is what the notice tells, the others go with it.
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

    @property
    def urgent(self) -> bool:
        """Return whether nothing of its thread may delay this: a breach, a graver grade, or where users can go."""
        return self.kind in ("opened", "grade_changed", "reopened", "elsewhere")


def notice_id(incident: str, kind: str, fact: str) -> str:
    """Return the id of the notice of one fact: the same for ever, on every machine."""
    return hashlib.sha256(f"{incident}\x1f{kind}\x1f{fact}".encode()).hexdigest()[:32]


def thread_id(incident: str) -> str:
    """Return the id of the notice that opens an incident's thread, whatever that notice is called."""
    return notice_id(incident, "opened", "thread")
