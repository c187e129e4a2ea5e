"""Incidents and notices, and the facts of a release that they are about."""

from __future__ import annotations

from dataclasses import replace

from alerts.finding import Certainty, ReleaseFacts
from alerts.incident import Action, Entry, Incident, IncidentKind
from alerts.notice import Notice
from schedules.contract.verdict import (
    Exposure,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import SECOND, SLOT
from tests.worlds.releases import PAGE_URL


def facts_of_a_release(**fields: object) -> ReleaseFacts:
    """Return the facts of a late release whose page may also have been out a second early."""
    exposure = Exposure(
        "page", Interval(SLOT, SLOT + SECOND), Interval(), Bounds(1.0, None), open=True
    )
    page = PartVerdict(
        "page", "page", PAGE_URL, required=True, verdict=VerdictKind.LATE, exposures=(exposure,)
    )
    plain = ReleaseFacts(
        release="r",
        title="Malpractice",
        producer="ofqual",
        url=PAGE_URL,
        timezone="Europe/London",
        slot=SLOT,
        slot_text="5 January 2018 9:30am",
        slot_source=None,
        slot_learnt=None,
        verdict=VerdictKind.LATE,
        grade=Grade.REPORT,
        final=False,
        at=SLOT,
        parts=(page,),
        findings=(Finding(FindingKind.LATE, "page", seconds=Bounds(1.0, 2.5)),),
        certainty=Certainty("m", 10, records=(("m-1", "ab"),)),
    )
    return replace(plain, **fields)


def an_incident(name: str = "i", **fields: object) -> Incident:
    """Return an open incident about a late release, with one timeline entry, one action and one
    edit of a person.
    """
    plain = Incident(
        name,
        IncidentKind.LATE,
        "r",
        "ofqual",
        "Malpractice",
        SLOT,
        SLOT,
        "report",
        facts_of_a_release(),
        None,
        (Entry(SLOT, "on-call", "Rang the producer"),),
        {"what": "Späť"},
        actions=(Action("Renew it", "web team", SLOT.date(), SLOT, "desk"),),
    )
    return replace(plain, **fields)


def a_notice(name: str = "n", **fields: object) -> Notice:
    """Return the notice that opens the incident `i`."""
    plain = Notice(
        name,
        "opened",
        "i",
        "r",
        "ofqual",
        "report",
        ("late",),
        SLOT,
        "Late: “Malpractice”",
        "It is late.",
    )
    return replace(plain, **fields)
