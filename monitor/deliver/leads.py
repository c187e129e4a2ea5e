"""Settled leads: a verdict answered what a person was asked to judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.finding import ReleaseFacts
from alerts.incident import MONITOR, Entry, Incident, IncidentKind
from schedules.address import canonical_address
from schedules.contract.verdict import Finding, VerdictKind

_PROVED = (VerdictKind.ON_TIME, VerdictKind.LATE, VerdictKind.EARLY)


def close_settled_lead(known: Incident, facts: ReleaseFacts, now: datetime) -> Incident | None:
    """Return an incident of leads closed, or None unless it is open and a verdict is proved at the
    address of each.
    """
    proved = {canonical_address(part.shown_at) for part in facts.parts if part.verdict in _PROVED}
    leads = known.facts.findings if known.facts is not None else ()
    is_settled = proved.issuperset(map(find_lead_address, leads))
    if known.kind is not IncidentKind.LEAD or not known.is_open or not is_settled:
        return None
    return replace(known, closed=now).with_entries(Entry(now, MONITOR, "settled by a verdict"))


def find_lead_address(lead: Finding) -> str:
    """Return the canonical address that a lead asks people to open."""
    # Old versions stored no `url`. They only wrote the address at the end of `detail`.
    return canonical_address(lead.url or lead.detail.rpartition(" ")[2])
