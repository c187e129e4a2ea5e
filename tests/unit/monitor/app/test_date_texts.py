"""What a running monitor makes of date texts without a year, or that cannot be read."""

from __future__ import annotations

from tests.unit.monitor.app.calendar_monitor import CalendarMonitor, csv, row, with_calendar_monitor

_DAY = 24 * 60


@with_calendar_monitor()
async def test_an_entry_keeps_the_year_of_its_text_a_month_after_its_day(
    monitor: CalendarMonitor,
) -> None:
    shown = csv(row("a", "26 November"), row("b"))
    await monitor.read_calendar(shown)
    (before,) = monitor.ledger_in_memory.promises("a")
    await monitor.read_calendar(shown, minutes_later=45 * _DAY)
    (after,) = monitor.ledger_in_memory.promises("a")
    assert after.slot == before.slot
    await monitor.read_calendar(csv(row("a", "28 November"), row("b")), minutes_later=_DAY)
    assert len(monitor.ledger_in_memory.promises("a")) == 2


@with_calendar_monitor()
async def test_a_date_that_cannot_be_read_is_told_once_it_may_be_near(
    monitor: CalendarMonitor,
) -> None:
    """It is 16 November."""
    soon, later = "when Bob is back", "about Xmas in December"
    await monitor.read_calendar(csv(row("a", soon, ""), row("b", later, ""), row("c")))
    (notice,) = monitor.store.outbox.notices()
    assert "a date that cannot be read" in notice.subject
    assert f"“{soon}”" in notice.text
    assert later not in notice.text
    await monitor.clock.sleep(10 * _DAY * 60)
    for _ in range(2):  # it is told once
        await monitor.daemon.parts.calendar_reads.report_unreadable_dates()
    last, first = monitor.store.outbox.notices()
    assert {first.id, last.id} > {notice.id}
    assert any(later in each.text and soon not in each.text for each in (first, last))
