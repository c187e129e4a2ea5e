"""Incidents that one fault of a platform made together."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from monitor.store.interface import VerdictStore

_AROUND = timedelta(days=1)


def related(verdicts: VerdictStore, incident: Incident) -> list[Incident]:
    """Return the incidents of other releases promised for the same instant that the same platform held up."""
    if not _is_of_platform(incident) or incident.facts is None:
        return []
    place = _place(incident.facts)
    near = verdicts.incidents(incident.occurred - _AROUND, incident.occurred + _AROUND)
    return [
        one
        for one in near
        if one.id != incident.id and _is_of_platform(one) and one.facts is not None and _place(one.facts) == place
    ]


def _place(facts: ReleaseFacts) -> tuple[str | None, datetime | None]:
    return urlsplit(facts.url).hostname, facts.slot


def _is_of_platform(incident: Incident) -> bool:
    return incident.facts is not None and any(found.kind == "platform" for found in incident.facts.findings)
