"""Incidents and notices, and the facts of a release that they are about."""

from __future__ import annotations

from dataclasses import replace

from alerts.finding import Certainty, Exposure, Finding, Part, ReleaseFacts
from alerts.incident import Action, Entry, Incident, Kind
from alerts.notice import Notice
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import SECOND, SLOT
from tests.worlds.releases import PAGE_URL


def facts_of_a_release(**fields: object) -> ReleaseFacts:
    """Return the facts of a late release whose page may also have been out a second early."""
    exposure = Exposure("page", Interval(SLOT, SLOT + SECOND), Interval(), Bounds(1.0, None), open=True)
    page = Part("page", "page", PAGE_URL, required=True, verdict="late", exposures=(exposure,))
    plain = ReleaseFacts(
        "r", "Malpractice", "ofqual", PAGE_URL, "Europe/London", SLOT, "5 January 2018 9:30am", None, None, "late",
        "report", final=False, at=SLOT, parts=(page,), findings=(Finding("late", "page", seconds=Bounds(1.0, 2.5)),),
        certainty=Certainty("m", 10, records=(("m-1", "ab"),)),
    )  # fmt: skip
    return replace(plain, **fields)


def an_incident(name: str = "i", **fields: object) -> Incident:
    """Return an open incident about a late release, with one entry, one action and one word that a person wrote."""
    plain = Incident(
        name, Kind.LATE, "r", "ofqual", "Malpractice", SLOT, SLOT, "report", facts_of_a_release(), None,
        (Entry(SLOT, "on-call", "Rang the producer"),), {"what": "Späť"},
        actions=(Action("Renew it", "web team", SLOT.date(), SLOT, "desk"),),
    )  # fmt: skip
    return replace(plain, **fields)


def a_notice(name: str = "n", **fields: object) -> Notice:
    """Return the notice that opens the incident `i`."""
    plain = Notice(
        name, "opened", "i", "r", "ofqual", "report", ("late",), SLOT, "Late: “Malpractice”", "It is late."
    )  # fmt: skip
    return replace(plain, **fields)
