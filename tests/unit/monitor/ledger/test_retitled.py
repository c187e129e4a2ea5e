from __future__ import annotations

from datetime import UTC, datetime

from monitor.judge.explain.explain import title_facts
from monitor.watch.rejudge import titles_of_release
from schedules.history import release_history
from schedules.ledger_event import LedgerEvent, find_title_change
from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, with_calendar_monitor


def stored_title_events(monitor: CalendarMonitor) -> list[LedgerEvent]:
    store, now = monitor.store, monitor.clock.now()
    release = store.ledger.release("a")
    assert release is not None
    titles = titles_of_release(store.ledger, release)
    history = release_history(release, store.ledger.promises(["a"]), now, titles=titles)
    return [event for event in history if event.what in ("retitled", "period-changed")]


@with_calendar_monitor()
async def test_reworded_title_is_an_event_but_no_promise(monitor: CalendarMonitor) -> None:
    """Two reads show release a as "Example claims: March 2026". The third read shows it as "Claims
    in Example: March 2026", with the same slot. So only the wording has changed, between the second
    and the third read. That is an event of the release. As the slot is the same, there is no new
    promise.
    """
    await monitor.read_calendar(csv(row("a", title="Example claims: March 2026")))
    with_old_title = await monitor.read_calendar(minutes_later=10)
    reworded = csv(row("a", title="Claims in Example: March 2026"))
    with_new_title = await monitor.read_calendar(reworded, minutes_later=10)
    (event,) = stored_title_events(monitor)
    assert event.what == "retitled"
    assert (event.since, event.at) == (with_old_title.finished, with_new_title.finished)
    assert event.calendar == "stats"
    assert event.detail == "“Claims in Example: March 2026”, was “Example claims: March 2026”"
    assert len(monitor.store.ledger.promises(["a"])) == 1


@with_calendar_monitor()
async def test_title_with_new_period_is_an_event_despite_restart(monitor: CalendarMonitor) -> None:
    """Release a has "March 2026" in its title before a restart, and "June 2026" after it. So its
    period has changed between these two reads, which is an event. The slot is the same, so there is
    no new promise.
    """
    before_restart = await monitor.read_calendar(
        csv(row("a", title="Claims in Example: March 2026"))
    )
    await monitor.restart()
    with_new_period = csv(row("a", title="Claims in Example: June 2026"))
    after_restart = await monitor.read_calendar(with_new_period, minutes_later=10)
    (event,) = stored_title_events(monitor)
    assert event.what == "period-changed"
    assert (event.since, event.at) == (before_restart.finished, after_restart.finished)
    assert len(monitor.store.ledger.promises(["a"])) == 1


@with_calendar_monitor()
async def test_earlier_explanation_omits_later_change_of_title(monitor: CalendarMonitor) -> None:
    """The second read shows another wording in the title of release a, the third another period.
    These are two events. An explanation as of the second read names only the first, as the other
    came later.
    """
    await monitor.read_calendar(csv(row("a", title="Example claims: March 2026")))
    second_read = await monitor.read_calendar(
        csv(row("a", title="Claims in Example: March 2026")), minutes_later=10
    )
    await monitor.restart()
    await monitor.read_calendar(
        csv(row("a", title="Claims in Example: June 2026")), minutes_later=10
    )
    both_events = stored_title_events(monitor)
    assert [event.what for event in both_events] == ["retitled", "period-changed"]
    (explained_event,) = title_facts(both_events, second_read.finished, "Europe/London")
    assert explained_event.text.startswith("retitled, ")


@with_calendar_monitor()
async def test_people_are_notified_of_new_period_not_new_wording(monitor: CalendarMonitor) -> None:
    """Reads show the title of release a with another wording, and then with one more space. No one
    is notified of these. The fourth read shows another period in the title, June instead of March.
    People are notified of that. The fifth read shows the same as the fourth, so there is no second
    notice.
    """

    async def read_title_of_a(title: str) -> None:
        await monitor.read_calendar(csv(row("a", title=title), row("b")), minutes_later=10)

    await read_title_of_a("Example claims: March 2026")
    await read_title_of_a("Claims in Example: March 2026")
    await read_title_of_a("Claims in Example: March 2026 ")
    assert monitor.notice_subjects() == []
    await read_title_of_a("Claims in Example: June 2026")
    await monitor.read_calendar(minutes_later=10)
    assert monitor.notice_subjects() == [
        "CALENDAR: stats has given “Claims in Example: March 2026” another period"
    ]
    (notice,) = monitor.store.outbox.notices()
    assert "- “Claims in Example: June 2026”, was “Claims in Example: March 2026”" in notice.text


def test_title_with_other_blanks_is_the_same() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert find_title_change("Prices  in May", " Prices in May", at, None) == ()
