"""A breach after a lesser incident: an incident and a thread of its own, and what machines keep
open is closed.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.decide import decide
from alerts.incident import IncidentKind, find_known_incident
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from schedules.contract.verdict import LEAD, Finding
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, a_run
from tests.worlds.releases import PAGE_URL
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import judged

NOT_WATCHED_SINCE_BEFORE_SLOT = a_run("page", ABSENT, -3600, -600)
ABSENT_AFTER_SLOT = a_run("page", ABSENT, 440, 500)


@pytest.fixture
def store_with_breach() -> TemporaryStore:
    """Record first an unproven verdict, because no look was made around the slot, and then that the
    page is absent.
    """
    store = TemporaryStore()
    rules = ReportingRules(channels=["mail", "hook", "pager"], hooks=["hook"], pagers=["pager"])
    unproven = judged(420, {"page": [NOT_WATCHED_SINCE_BEFORE_SLOT]})
    overdue = judged(500, {"page": [NOT_WATCHED_SINCE_BEFORE_SLOT, ABSENT_AFTER_SLOT]})
    for verdict in (unproven, overdue):
        with store.transaction() as tx:
            VerdictRecorder(rules).record(tx, assess(verdict, Measurement()), verdict.at)
    return store


def test_breach_after_an_unproven_incident_has_its_own_incident(
    store_with_breach: TemporaryStore,
) -> None:
    """No look was made around the slot.

    So the release is unproven, and an incident of this kind opens.

    Then a look finds its page absent after the slot: a breach. The first incident is closed.
    A second incident opens for the breach. It is now that of the release, and only it has a draft.
    """
    verdicts = store_with_breach.verdicts
    unproven, breach = verdicts.incidents_of("r")
    assert (unproven.kind, unproven.is_open) == (IncidentKind.UNPROVEN, False)
    assert (breach.kind, breach.is_open) == (IncidentKind.LATE, True)
    assert find_known_incident([unproven, breach], "r") == breach
    row = verdicts.judged_one("r")
    assert row is not None
    assert row.body["incident"] == breach.id
    assert len(verdicts.drafts(unproven.id)) == 0
    assert len(verdicts.drafts(breach.id)) == 1


def test_only_machines_are_notified_that_the_unproven_incident_closed(
    store_with_breach: TemporaryStore,
) -> None:
    """A release was unproven, and then late.

    The incident of the lateness (a breach) takes over the first incident.

    So there are three kinds of notices: "unproven", "opened" for the breach, and "closed" for the
    first incident. People read the channel `mail`. They do not need the last one. The channels
    `hook` and `pager` are for machines, which keep an incident open until it is closed. They need
    it.
    """
    outbox = store_with_breach.outbox
    kinds_by_channel: dict[str, set[str]] = {"mail": set(), "hook": set(), "pager": set()}
    for notice in outbox.notices():
        for row in outbox.deliveries(notice.id):
            # No channel gets a kind of notice twice.
            assert notice.kind not in kinds_by_channel[row.channel]
            kinds_by_channel[row.channel].add(notice.kind)
    assert kinds_by_channel["mail"] == {"unproven", "opened"}
    assert kinds_by_channel["hook"] == kinds_by_channel["pager"] == {"unproven", "opened", "closed"}
    (closed,) = (notice for notice in outbox.notices() if notice.kind == "closed")
    assert closed.subject.endswith("taken over by r-2018-01-05-late")


@pytest.mark.parametrize(
    ("addresses", "is_open"),
    [
        ([PAGE_URL], False),
        ([f"{PAGE_URL}/?page=1#top"], False),
        ([PAGE_URL, "https://press.example/item"], True),
        (["https://press.example/item"], True),
    ],
    ids=["the page", "the page, written otherwise", "the page and an item", "an item"],
)
@pytest.mark.parametrize("stored", ["url", "detail"])
def test_leads_close_if_a_verdict_is_proved_at_each_of_their_addresses(
    addresses: list[str], stored: str, *, is_open: bool
) -> None:
    """A pager has an alert about the leads, so it gets the end of it. Old versions stored the
    address of a lead only at the end of its `detail`.
    """
    store = TemporaryStore()
    recorder = VerdictRecorder(ReportingRules(channels=["pager"], pagers=["pager"]))
    pending, late = (
        assess(judged(at, {"page": [(-3600, ABSENT), (300, PRESENT)]}), Measurement())
        for at in (-60, 400)
    )
    leads = tuple(
        Finding("lead", None, "a page", url=url)
        if stored == "url"
        else Finding("lead", None, f"a page: {url}")
        for url in addresses
    )
    facts = replace(pending.facts, verdict=LEAD, findings=leads)
    with store.transaction() as tx:
        recorder.save_decision(tx, decide(facts, None, after_slot(-60)), after_slot(-60))
    with store.transaction() as tx:
        recorder.record(tx, late, late.verdict.at)
    of_leads, of_delay = store.verdicts.incidents_of("r")
    assert (of_leads.kind, of_leads.is_open) == (IncidentKind.LEAD, is_open)
    assert (of_delay.kind, of_delay.is_open) == (IncidentKind.LATE, True)
    ends = [one for one in store.outbox.notices() if one.kind == "closed"]
    assert len(ends) == (0 if is_open else 1)
