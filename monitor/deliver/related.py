"""Incidents that one fault of a platform made together."""

from __future__ import annotations

from alerts.incident import Incident, Kind
from alerts.platform import platform_of
from monitor.store.interface import VerdictStore


def related(verdicts: VerdictStore, incident: Incident) -> list[Incident]:
    """Return the incident of the platform that held up a release, and those of the others; of a platform all its own.

    Oldest first, the platform's own last.
    """
    name = platform_of(incident.facts)
    whole = incident if incident.kind is Kind.PLATFORM else verdicts.incident(name) if name else None
    if whole is None:
        return []
    found = (verdicts.incident(one.incident) for one in whole.linked if one.incident != incident.id)
    others = [one for one in found if one is not None]
    return others if whole is incident else [*others, whole]
