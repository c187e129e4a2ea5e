from __future__ import annotations

from monitor.judge.explain.explain import title_facts
from monitor.watch.rejudge import titles_of_release
from schedules.history import release_history
from schedules.ledger_event import LedgerEvent
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, with_calendar_monitor

FIRST_TITLE, REWORDED_TITLE = "Example claims: March 2026", "Claims in Example: March 2026"
TITLE_OF_NEXT_PERIOD = "Claims in Example: June 2026"


def stored_title_events(monitor: CalendarMonitor) -> list[LedgerEvent]:
    store, now = monitor.store, monitor.clock.now()
    release = store.ledger.release("a")
    assert release is not None
    titles = titles_of_release(store.ledger, release)
    history = release_history(release, store.ledger.promises(["a"]), now, titles=titles)
    return [event for event in history if event.what in ("retitled", "period-changed")]


@with_calendar_monitor()
async def test_reworded_title_is_an_event_but_no_promise(monitor: CalendarMonitor) -> None:
    """Two reads show the first title of release a. The third one shows it reworded, with the same time."""
    await monitor.read_calendar(csv(row("a", title=FIRST_TITLE)))
    with_old_title = await monitor.read_calendar(minutes_later=10)
    with_new_title = await monitor.read_calendar(csv(row("a", title=REWORDED_TITLE)), minutes_later=10)
    (event,) = stored_title_events(monitor)
    assert event.what == "retitled"
    assert (event.since, event.at) == (with_old_title.finished, with_new_title.finished)
    assert event.calendar == "stats"
    assert event.detail == f"“{REWORDED_TITLE}”, was “{FIRST_TITLE}”"
    assert len(monitor.store.ledger.promises(["a"])) == 1


@with_calendar_monitor()
async def test_title_with_new_period_is_an_event_despite_restart(monitor: CalendarMonitor) -> None:
    """Before a restart, the title of release a ends with "March 2026". After it, the title ends with "June 2026"."""
    before_restart = await monitor.read_calendar(csv(row("a", title=REWORDED_TITLE)))
    await monitor.restart()
    after_restart = await monitor.read_calendar(csv(row("a", title=TITLE_OF_NEXT_PERIOD)), minutes_later=10)
    (event,) = stored_title_events(monitor)
    assert event.what == "period-changed"
    assert (event.since, event.at) == (before_restart.finished, after_restart.finished)
    assert len(monitor.store.ledger.promises(["a"])) == 1


@with_calendar_monitor()
async def test_earlier_explanation_omits_later_change_of_title(monitor: CalendarMonitor) -> None:
    """The second read has other words in the title of release a, and the third another period."""
    await monitor.read_calendar(csv(row("a", title=FIRST_TITLE)))
    reworded = await monitor.read_calendar(csv(row("a", title=REWORDED_TITLE)), minutes_later=10)
    await monitor.restart()
    await monitor.read_calendar(csv(row("a", title=TITLE_OF_NEXT_PERIOD)), minutes_later=10)
    both_events = stored_title_events(monitor)
    assert [event.what for event in both_events] == ["retitled", "period-changed"]
    # This explanation is as of the second read, before the period changed.
    (fact,) = title_facts(both_events, reworded.finished, "Europe/London")
    assert fact.text.startswith("retitled, ")


@with_calendar_monitor()
async def test_people_are_notified_of_new_period_not_new_wording(monitor: CalendarMonitor) -> None:
    # The second read has other words in the title of release a, and the third only a further space.
    await monitor.read_calendar(csv(row("a", title=FIRST_TITLE), row("b")))
    await monitor.read_calendar(csv(row("a", title=REWORDED_TITLE), row("b")), minutes_later=10)
    await monitor.read_calendar(csv(row("a", title=f"{REWORDED_TITLE} "), row("b")), minutes_later=10)
    assert monitor.notice_subjects() == []
    # The fourth read has another period, June instead of March. The fifth one is the same.
    await monitor.read_calendar(csv(row("a", title=TITLE_OF_NEXT_PERIOD), row("b")), minutes_later=10)
    await monitor.read_calendar(minutes_later=10)
    assert monitor.notice_subjects() == [f"CALENDAR: stats has given “{REWORDED_TITLE}” another period"]
    (notice,) = monitor.store.outbox.notices()
    assert f"- “{TITLE_OF_NEXT_PERIOD}”, was “{REWORDED_TITLE}”" in notice.text
