"""Incidents and calendar reads as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts.incident import Incident
from monitor.store.rows import CalendarRead, Draft


def instant(moment: datetime | None) -> str | None:
    """Return an instant as the interface writes it: RFC 3339, `Z`, milliseconds."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def incident_json(incident: Incident, drafts: Sequence[Draft] = ()) -> dict[str, Any]:
    """Return an incident as the command line and the API show it."""
    facts, who = incident.facts, incident.acknowledged
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "release": incident.release,
        "producer": incident.producer,
        "title": incident.title,
        "opened": instant(incident.opened),
        "occurred": instant(incident.occurred),
        "closed": instant(incident.closed),
        "grade": incident.grade,
        "acknowledged": {"at": instant(who.at), "by": who.by} if who is not None else None,
        "verdict": facts.verdict if facts else None,
        "findings": [{"kind": found.kind, "part": found.part, "detail": found.detail} for found in facts.findings]
        if facts
        else [],
        "timeline": [{"at": instant(entry.at), "by": entry.by, "text": entry.text} for entry in incident.timeline],
        "drafts": [draft_json(draft) for draft in drafts],
    }


def draft_json(draft: Draft) -> dict[str, Any]:
    """Return one version of a draft without its text."""
    return {
        "version": draft.version,
        "at": instant(draft.at),
        "by": draft.by,
        "form": draft.form,
        "edition": draft.edition,
        "signed": instant(draft.signed),
        "digest": draft.digest,
    }


def read_json(read: CalendarRead) -> dict[str, Any]:
    """Return one read of a calendar."""
    return {
        "calendar": read.calendar,
        "started": instant(read.started),
        "finished": instant(read.finished),
        "usable": read.usable,
        "entries": read.entries,
        "digest": read.digest,
        "fault": read.fault or None,
    }
