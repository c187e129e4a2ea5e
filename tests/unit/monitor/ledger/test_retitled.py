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
async def test_a_title_in_other_words_is_an_event_and_no_other_promise(office: Office) -> None:
    await office.read(csv(row("a", title="Example claims: March 2026")))
    with_old_title = await office.read(after=10)
    with_new_title = await office.read(csv(row("a", title="Claims in Example: March 2026")), after=10)
    (event,) = title_events(office)
    assert event.what == "retitled"
    assert (event.since, event.at) == (with_old_title.finished, with_new_title.finished)
    assert event.calendar == "stats"
    assert event.detail == "“Claims in Example: March 2026”, was “Example claims: March 2026”"
    assert len(office.daemon.core.store.ledger.promises(["a"])) == 1


@with_office()
async def test_a_title_with_another_period_is_an_event_also_if_the_monitor_was_restarted_in_between(
    office: Office,
) -> None:
    before_restart = await office.read(csv(row("a", title="Claims in Example: March 2026")))
    await office.reopen()
    after_restart = await office.read(csv(row("a", title="Claims in Example: June 2026")), after=10)
    (event,) = title_events(office)
    assert event.what == "period-changed"
    assert (event.since, event.at) == (before_restart.finished, after_restart.finished)
    assert len(office.daemon.core.store.ledger.promises(["a"])) == 1


@with_office()
async def test_an_explanation_as_of_an_earlier_time_does_not_state_a_later_change_of_title(office: Office) -> None:
    # REWORDED has other words than FIRST. NEXT has another period.
    await office.read(csv(row("a", title=FIRST)))
    reworded = await office.read(csv(row("a", title=REWORDED)), after=10)
    await office.reopen()
    await office.read(csv(row("a", title=NEXT)), after=10)
    both_events = title_events(office)
    assert [event.what for event in both_events] == ["retitled", "period-changed"]
    (fact,) = title_facts(both_events, reworded.finished, "Europe/London")
    assert fact.text.startswith("retitled, ")


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
