"""Rows to put into a store, each whole: what every contract of the store begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.finding import Certainty, Exposure, Finding, ReleaseFacts
from alerts.finding import Part as FactsPart
from alerts.incident import Action, Entry, Incident
from alerts.incident import Kind as IncidentKind
from alerts.notice import Notice
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.plan.targets import release_of
from monitor.store.interface import Store
from monitor.store.rows import Judged, Record
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing_
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def slot_at(instant: datetime) -> Slot:
    return Slot(Precision.INSTANT, instant, raw=instant.isoformat())


def a_release(name: str = "ofqual/malpractice") -> Release:
    page = Part("page", Role.PAGE, "https://www.gov.uk/government/statistics/malpractice")
    sheet = Part("sheet", Role.DATA, "https://assets.example/tables.ods", "status", required=False)
    return Release(name, "Malpractice “late” summer 2017", "ofqual", page.url, (page, sheet), ("govuk",), "address")


def a_promise(release: str = "r", learnt: datetime = SLOT - 28 * DAY, slot: datetime = SLOT) -> Promise:
    return Promise(release, "govuk", slot_at(slot), Standing_.CONFIRMED, learnt, why="as planned")


def a_run(target: str = "r/page/edge", sent: datetime = SLOT) -> Run:
    return Run(target, State.ABSENT, sent, sent + SECOND, sent + SECOND, sent, evidence=("m-1", "m-2"), status=404)


def judged(release: str, slot: datetime | None = SLOT, word: str = "late", *, final: bool = True) -> Judged:
    return Judged(release, "ofqual", slot, word, "report", final, SLOT + DAY, {"id": release, "parts": [{"n": 1.5}]})


def a_notice(name: str = "n", incident: str = "i", at: datetime = SLOT) -> Notice:
    return Notice(
        name, "opened", incident, "r", "ofqual", "report", ("late",), at, "Late: “Malpractice”", "It is late."
    )


def an_incident(name: str = "i", kind: IncidentKind = IncidentKind.LATE) -> Incident:
    exposure = Exposure("page", Interval(SLOT, SLOT + SECOND), Interval(), Bounds(1.0, None), open=True)
    part = FactsPart("page", "page", "https://x", required=True, verdict="late", exposures=(exposure,))
    facts = ReleaseFacts(
        "r", "T", "ofqual", "https://x", "Europe/London", SLOT, "5 January 2018 9:30am", None, None, "late", "report",
        final=False, at=SLOT, parts=(part,), findings=(Finding("late", "page", seconds=Bounds(1.0, 2.5)),),
        certainty=Certainty("m", 10, records=(("m-1", "ab"),)),
    )  # fmt: skip
    entries = (Entry(SLOT, "on-call", "Rang the producer"),)
    made = Incident(name, kind, "r", "ofqual", "T", SLOT, SLOT, "report", facts, None, entries, {"what": "Späť"})
    return replace(made, actions=(Action("Renew it", "web team", SLOT.date(), SLOT, "desk"),))


def a_record(number: int, monitor: str = "m") -> Record:
    name = f"{monitor}-000000001-20180105.warc.gz"
    return Record(monitor, number, "turn", SLOT, name, 100 * number, 50, "aa" * 32, f"{number:064x}")


def runs_of(store: Store, targets: Sequence[str]) -> list[Run]:
    """Return the runs of these targets in time order."""
    releases = sorted({release_of(target) for target in targets})
    found = [run for name in releases for run in store.runs.of_release(name) if run.target in targets]
    return sorted(found, key=lambda run: (run.first_sent, run.target, run.monitor))
