"""A notice: one fact makes one notice, whatever the number of looks, restarts and channels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact about an incident that people are notified of.

    `id` is made from the incident and the fact, so the same fact always has the same id. `follows`
    is the id of the notice that opened the thread, empty for that notice itself. `kind` says what
    happened (`opened`, `grade_changed`, `exposure_closed`, `final`, `lead`, …). Routes match
    `grade` and `findings`; the first finding is the main one.
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
        """Return whether it must not wait for earlier notices of its thread, such as a breach or a
        graver grade.
        """
        return self.kind in ("opened", "grade_changed", "reopened", "elsewhere")


def write_blocks(*blocks: Sequence[str]) -> str:
    """Return the text of a notice: blocks of lines with a blank line between them.

    Empty blocks are left out.
    """
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def notice_id(incident: str, kind: str, occasion: str) -> str:
    """Return the id of the notice of one occasion.

    It must not change, because the outbox and receivers use it.
    """
    return hashlib.sha256(f"{incident}\x1f{kind}\x1f{occasion}".encode()).hexdigest()[:32]


def thread_id(incident: str) -> str:
    """Return the id of the notice that opens an incident's thread, of whatever kind it is."""
    return notice_id(incident, "opened", "thread")
