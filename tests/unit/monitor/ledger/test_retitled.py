from __future__ import annotations

from monitor.judge.explain.explain import title_facts
from monitor.watch.rejudge import titles_of_release
from schedules.history import release_history
from schedules.ledger_event import LedgerEvent
from tests.unit.monitor.app.office import Office, csv, row, with_office

FIRST, REWORDED = "Example claims: March 2026", "Claims in Example: March 2026"
NEXT = "Claims in Example: June 2026"


def title_events(office: Office) -> list[LedgerEvent]:
    store, now = office.daemon.core.store, office.clock.now()
    release = store.ledger.release("a")
    assert release is not None
    titles = titles_of_release(store.ledger, release)
    history = release_history(release, store.ledger.promises(["a"]), now, titles=titles)
    return [event for event in history if event.what in ("retitled", "period-changed")]


@with_office()
async def test_retitlings_and_changes_of_period_are_events_of_a_promise_and_survive_a_restart(office: Office) -> None:
    # REWORDED has other words than FIRST and the same period. NEXT has the words of REWORDED and another period.
    await office.read(csv(row("a", title=FIRST)))
    unchanged_at = (await office.read(after=10)).finished
    reworded_at = (await office.read(csv(row("a", title=REWORDED)), after=10)).finished
    await office.reopen()
    other_period_at = (await office.read(csv(row("a", title=NEXT)), after=10)).finished
    retitled, period_changed = title_events(office)
    assert (retitled.what, retitled.since, retitled.at) == ("retitled", unchanged_at, reworded_at)
    assert (retitled.calendar, retitled.detail) == ("stats", f"“{REWORDED}”, was “{FIRST}”")
    assert period_changed.what == "period-changed"
    assert (period_changed.since, period_changed.at) == (reworded_at, other_period_at)
    # An explanation as of an earlier time does not state the later change.
    (fact,) = title_facts([retitled, period_changed], reworded_at, "Europe/London")
    assert fact.text.startswith("retitled, ")
    # Another title is no other promise.
    assert len(office.daemon.core.store.ledger.promises(["a"])) == 1


@with_office()
async def test_people_are_notified_once_of_another_period_and_not_of_another_wording(office: Office) -> None:
    await office.read(csv(row("a", title=FIRST), row("b")))
    await office.read(csv(row("a", title=REWORDED), row("b")), after=10)
    await office.read(csv(row("a", title=f"{REWORDED} "), row("b")), after=10)
    assert office.notice_subjects() == []
    await office.read(csv(row("a", title=NEXT), row("b")), after=10)
    await office.read(after=10)
    assert office.notice_subjects() == [f"CALENDAR: stats has given “{REWORDED}” another period"]
    (notice,) = office.daemon.core.store.outbox.notices()
    assert f"- “{NEXT}”, was “{REWORDED}”" in notice.text
