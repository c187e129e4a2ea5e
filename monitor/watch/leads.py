"""Leads: what only a person can judge, told once by its address and times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.finding import Finding, ReleaseFacts
from alerts.incident import Incident, Kind
from monitor.look.fetch import Found
from monitor.watch.listing_match import ListingMatch, MatchKind
from schedules.address import canonical
from schedules.times.interval import Interval

LEAD = "lead"
_SECOND = timedelta(seconds=1)
_SHOWN = {
    MatchKind.TITLE: "a listing shows its title{early}, at an address that does not prove it",
    MatchKind.SERIES: (
        "a listing shows its series{early}, its period missing or another, at an address of no known edition"
    ),
    MatchKind.EDITION: "a listing shows another edition{early} at its address",
}


def of_press(found: Found, at: datetime) -> Finding:
    """Return the lead that an item of the press is: its address and when it was seen, none of its words."""
    detail = f"an item of the press that holds watched keywords, first seen {_spanned(Interval(None, at))}: {found.url}"
    return Finding(LEAD, None, detail)


def of_listing(hit: ListingMatch, slot: datetime | None) -> Finding:
    """Return the lead that an entry of a listing is when its address proves nothing: addresses and times alone."""
    is_early = slot is not None and hit.listed.by is not None and hit.listed.by < slot
    shown = _SHOWN[hit.sort].format(early=" before its slot" if is_early else "")
    return Finding(LEAD, None, f"{shown}, first seen {_spanned(hit.listed)} in {hit.listing}: {hit.url}")


def leads_among(incidents: Iterable[Incident]) -> list[Incident]:
    """Return the incidents that are leads: what was measured is told apart from them."""
    return [one for one in incidents if one.kind is Kind.LEAD]


def with_lead(facts: ReleaseFacts, lead: Finding, known: Incident | None) -> ReleaseFacts | None:
    """Return a release's facts with a lead beside those that `known` tells of; None when this is one of them."""
    before = known.facts.findings if known is not None and known.facts is not None else ()
    if any(_address(one) == _address(lead) for one in before):
        return None
    return replace(facts, verdict=LEAD, grade="none", final=False, findings=(*before, lead))


def _address(lead: Finding) -> str:
    url = lead.detail.rpartition(" ")[2]
    return canonical(url) or url


def _spanned(listed: Interval) -> str:
    by = "" if listed.by is None else _utc(listed.by + _SECOND - timedelta(microseconds=1))
    return f"by {by} UTC" if listed.after is None else f"between {_utc(listed.after)} and {by} UTC"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
