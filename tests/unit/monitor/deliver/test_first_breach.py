"""A breach after a lesser incident: an incident and a thread of its own, and what machines keep open is closed."""

from __future__ import annotations

import pytest

from alerts.incident import Kind, find_known_incident
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from tests.worlds.instants import after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore

EDGE = "r/page/edge"


def verdict(now: float, seen_until: float | None) -> Verdict:
    """Judge a page that was absent for as long as it was seen; it was not looked at around its slot."""
    runs = [a_run("page", State.ABSENT, -3600, -600)]
    runs += [] if seen_until is None else [a_run("page", State.ABSENT, seen_until - 60, seen_until)]
    return judge(a_release(), [a_promise()], {EDGE: runs}, [], Policy(), after_slot(now))


@pytest.fixture
def store() -> TemporaryStore:
    store = TemporaryStore()
    rules = ReportingRules(channels=["mail", "hook", "pager"], hooks=["hook"], pagers=["pager"])
    for found in (verdict(420, None), verdict(500, 500)):
        with store.transaction() as tx:
            VerdictRecorder(store, rules).record(tx, found, Measurement(), found.at)
    return store


def test_a_breach_after_an_unproven_incident_has_its_own_incident_and_draft(store: TemporaryStore) -> None:
    doubt, breach = store.verdicts.incidents_of("r")
    assert [(one.kind, one.closed is None) for one in (doubt, breach)] == [(Kind.UNPROVEN, False), (Kind.LATE, True)]
    assert find_known_incident([doubt, breach], "r") == breach
    judged = store.verdicts.judged_one("r")
    assert judged is not None
    assert judged.body["incident"] == breach.id
    assert [len(store.verdicts.drafts(one.id)) for one in (doubt, breach)] == [0, 1]


def test_people_are_notified_of_the_breach_and_machines_also_of_the_closed_unproven_incident(
    store: TemporaryStore,
) -> None:
    kinds = {notice.id: notice.kind for notice in store.outbox.notices()}
    got: dict[str, list[str]] = {}
    for notice, kind in kinds.items():
        for row in store.outbox.deliveries(notice):
            got.setdefault(row.channel, []).append(kind)
    assert {name: sorted(told) for name, told in got.items()} == {
        "mail": ["opened", "unproven"],
        "hook": ["closed", "opened", "unproven"],
        "pager": ["closed", "opened", "unproven"],
    }
    (closed,) = (notice for notice in store.outbox.notices() if notice.kind == "closed")
    assert closed.subject.endswith("taken over by r-2018-01-05-late")
