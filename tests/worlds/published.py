"""The five published incidents, as a monitor would have measured them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.finding import BlindSpan, Certainty, ReleaseFacts
from alerts.incident import Incident, IncidentKind
from schedules.contract.verdict import (
    Ended,
    Exposure,
    Finding,
    FindingKind,
    Grade,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def between(after: str, by: str) -> Interval:
    return Interval(at(after), at(by))


def late_part(
    name: str, role: str, url: str, slot: datetime, first: Interval, *, required: bool = True
) -> PartVerdict:
    assert first.after is not None
    assert first.by is not None
    delay = Bounds((first.after - slot).total_seconds(), (first.by - slot).total_seconds())
    return PartVerdict(name, role, url, required, VerdictKind.LATE, first, first, delay)


def late_behind_placeholder(url: str, slot: datetime, first: Interval) -> PartVerdict:
    return replace(late_part("page", "page", url, slot, first), had_other_content=True)


def alternative(name: str, path: str, slot: datetime, first: Interval) -> PartVerdict:
    return late_part(
        name, "alternative", f"https://www.gov.uk/government/{path}", slot, first, required=False
    )


def length_between(start: Interval, end: Interval) -> Bounds:
    """Return the bounds of the seconds from a start to an end, of which both bounds are known."""
    assert None not in (start.after, start.by, end.after, end.by)
    return Bounds((end.after - start.by).total_seconds(), (end.by - start.after).total_seconds())  # type: ignore[operator]


def release_facts(  # one for each fact that differs
    name: str, title: str, producer: str, url: str, slot: datetime, **changes: object
) -> ReleaseFacts:
    certainty = Certainty(
        monitor="edge",
        looks=812,
        failed_looks=3,
        widest_gap=15.0,
        clock_offset=Bounds(-0.2, 0.4),
        records=(("ev-1", DIGEST), ("ev-2", DIGEST[::-1])),
    )
    plain = ReleaseFacts(
        release=name,
        title=title,
        producer=producer,
        url=url,
        timezone="Europe/London",
        slot=slot,
        slot_text="",
        slot_source="govuk",
        slot_learnt=slot - timedelta(days=28),
        verdict=VerdictKind.LATE,
        grade=Grade.REPORT,
        final=True,
        at=slot + timedelta(hours=4),
        certainty=certainty,
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # any of its fields


def incident_of(
    facts: ReleaseFacts, kind: IncidentKind, occurred: datetime, opened: datetime
) -> Incident:
    return Incident(
        id=facts.release,
        kind=kind,
        release=facts.release,
        producer=facts.producer,
        title=facts.title,
        opened=opened,
        occurred=occurred,
        grade=facts.grade,
        facts=facts,
    )


def late_incident(facts: ReleaseFacts) -> Incident:
    """Return an incident that opened a minute after the slot."""
    assert facts.slot is not None
    return incident_of(facts, IncidentKind.LATE, facts.slot, facts.slot + timedelta(minutes=1))


@pytest.fixture
def ipcc_late() -> Incident:
    slot = at("2015-07-23T09:30+01:00")
    url = "http://www.ipcc.gov.uk/page/deaths-during-or-following-police-contact"
    title = "Deaths during or following police contact: Statistics for England and Wales 2014/15"
    first = between("2015-07-23T10:07:45+01:00", "2015-07-23T10:08:00+01:00")
    parts = (
        late_part("page", "page", url, slot, first),
        late_part("report", "attachment", "http://www.ipcc.gov.uk/deaths-2014-15.pdf", slot, first),
    )
    findings = (Finding(FindingKind.LATE, "page"), Finding(FindingKind.LATE, "report"))
    return late_incident(
        release_facts("ipcc-2015", title, "ipcc", url, slot, parts=parts, findings=findings)
    )


@pytest.fixture
def moj_leak() -> Incident:
    slot = at("2016-10-27T09:30+01:00")
    url = "https://www.gov.uk/government/collections/safety-in-custody-statistics"
    title = "Safety in Custody Quarterly Statistics bulletin"
    logged_at = at("2016-10-03T12:00+01:00")
    pending = {"verdict": VerdictKind.PENDING, "at": logged_at, "final": False}
    facts = release_facts("moj-2016", title, "moj", url, slot, **pending)
    typed = {
        "sort": "leak",
        "what": "A journalist said that a Sunday newspaper would print figures.\n"
        "The article was published.",
        "when": "2016-09-30, 2016-10-01",
        "last_edition": "28 July 2016, figures to March 2016",
    }
    logged = incident_of(facts, IncidentKind.HAND, at("2016-09-30T00:00+01:00"), logged_at)
    return replace(logged, words=typed)


@pytest.fixture
def ofsted_early() -> Incident:
    slot = at("2017-03-22T09:30+00:00")
    url = (
        "https://www.gov.uk/government/publications/"
        "maintained-schools-and-academies-inspections-and-outcomes-as-at-31-december-2016"
    )
    title = "Maintained School & Academies Inspections and outcomes (as at 31 December 2016)"
    start = between("2017-03-20T16:55+00:00", "2017-03-20T17:00+00:00")
    end = between("2017-03-20T17:25+00:00", "2017-03-20T17:30+00:00")

    def early(name: str, role: str, address: str) -> PartVerdict:
        length = length_between(start, end)
        exposure = Exposure(name, start, end, length, open=False, ended=Ended.REMOVED)
        lead = length_between(Interval(slot, slot), start)
        return PartVerdict(
            name,
            role,
            address,
            role != "message",
            VerdictKind.EARLY,
            start,
            Interval(),
            lead,
            (exposure,),
        )

    feed = "https://www.gov.uk/government/organisations/ofsted.atom"
    sheet = "https://assets.publishing.service.gov.uk/media/x/tables.ods"
    parts = (
        early("page", "page", url),
        early("html", "html", f"{url}/main-findings"),
        PartVerdict("sheet", "data", sheet, required=True, verdict=VerdictKind.PENDING),
        PartVerdict("feed", "message", feed, required=False, verdict=VerdictKind.PENDING),
    )
    findings = (
        Finding(FindingKind.EARLY_EXPOSURE, "page"),
        Finding(FindingKind.EARLY_EXPOSURE, "html"),
    )
    early_facts = {
        "verdict": VerdictKind.EARLY,
        "parts": parts,
        "findings": findings,
        "at": end.by,
        "final": False,
    }
    facts = release_facts("ofsted-2017", title, "ofsted", url, slot, **early_facts)
    assert start.by is not None
    return incident_of(facts, IncidentKind.EARLY, start.by, start.by + timedelta(seconds=1))


@pytest.fixture
def ofqual_late() -> Incident:
    slot = at("2018-01-05T09:30+00:00")
    url = "https://www.gov.uk/government/statistics/malpractice-for-gcse-and-a-level-summer-2017-exam-series"
    title = "Malpractice for GCSE and A level: summer 2017 exam series"
    at_day = "2018-01-05T"
    parts = (
        late_behind_placeholder(
            url, slot, between(f"{at_day}12:18:45+00:00", f"{at_day}12:19+00:00")
        ),
        alternative(
            "report",
            "publications/malpractice-summer-2017",
            slot,
            between(f"{at_day}09:59:45+00:00", f"{at_day}10:00+00:00"),
        ),
        alternative(
            "news",
            "news/malpractice-statistics",
            slot,
            between(f"{at_day}10:34:45+00:00", f"{at_day}10:35+00:00"),
        ),
    )
    elsewhere = (Finding(FindingKind.ELSEWHERE_FIRST, part) for part in ("report", "news"))
    findings = (Finding(FindingKind.LATE, "page"), *elsewhere)
    return late_incident(
        release_facts("ofqual-2018-01", title, "ofqual", url, slot, parts=parts, findings=findings)
    )


@pytest.fixture
def ofqual_late_again() -> Incident:
    slot = at("2018-03-08T09:30+00:00")
    url = "https://www.gov.uk/government/statistics/vocational-and-other-qualifications-quarterly-october-to-december-2017"
    title = "Vocational and other qualifications quarterly: October to December 2017"
    at_day = "2018-03-08T"
    parts = (
        late_behind_placeholder(
            url, slot, between(f"{at_day}10:51:45+00:00", f"{at_day}10:52+00:00")
        ),
        alternative(
            "report",
            "publications/vocational-quarterly",
            slot,
            between(f"{at_day}09:56:45+00:00", f"{at_day}09:57+00:00"),
        ),
    )
    findings = (Finding(FindingKind.LATE, "page"), Finding(FindingKind.ELSEWHERE_FIRST, "report"))
    facts = release_facts(
        "ofqual-2018-03", title, "ofqual", url, slot, parts=parts, findings=findings
    )
    gap = BlindSpan(at(f"{at_day}09:31+00:00"), at(f"{at_day}09:33+00:00"), "restarted")
    return late_incident(replace(facts, certainty=replace(facts.certainty, blind=(gap,))))


@pytest.fixture
def incidents(
    ipcc_late: Incident,
    moj_leak: Incident,
    ofsted_early: Incident,
    ofqual_late: Incident,
    ofqual_late_again: Incident,
) -> dict[str, Incident]:
    return {
        each.id: each
        for each in (ipcc_late, moj_leak, ofsted_early, ofqual_late, ofqual_late_again)
    }
