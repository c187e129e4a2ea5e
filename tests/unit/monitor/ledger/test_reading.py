"""Reads of all calendars: notices of calendars in trouble, and reads around the slots of releases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.incident import Incident
from tests.unit.monitor.app.calendar_monitor import (
    RESET,
    STATS,
    URL,
    CalendarMonitor,
    csv,
    many,
    row,
    run_calendar_monitor,
    with_calendar_monitor,
)
from tests.worlds.fetcher import Reply

TWENTY_ENTRIES = csv(*many(20))
EIGHT_ENTRIES = csv(*many(8))


def incidents(monitor: CalendarMonitor) -> list[Incident]:
    return monitor.store.verdicts.incidents()


@with_calendar_monitor()
async def test_doubted_read_gives_one_notice_and_changes_nothing(monitor: CalendarMonitor) -> None:
    """A calendar has shown 20 entries. Then three reads show 8, far fewer than usual, and are not believed."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    last_good_read = monitor.last_read()
    for _ in range(3):
        read = await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    assert (read.usable, read.fault) == (False, "not believed: 8 entries, usually 20")
    assert monitor.notice_subjects() == [f"CALENDAR: stats is {read.fault}"]
    assert monitor.last_read() == last_good_read
    assert len(monitor.ledger_in_memory.releases) == 20


@with_calendar_monitor()
async def test_calendar_incident_closes_and_reopens_without_second_notice(monitor: CalendarMonitor) -> None:
    """Twice on one day, the calendar shows 8 entries instead of 20, which is not believed. In between it shows 20 again
    and the incident is closed. The second time, it is opened again."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    (opened,) = incidents(monitor)
    assert (opened.id, opened.kind, opened.closed) == ("calendar-stats-2026-11-16", "calendar", None)
    await monitor.read_calendar(TWENTY_ENTRIES, minutes_later=10)
    (closed,) = incidents(monitor)
    assert closed.closed is not None
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    (again,) = incidents(monitor)
    # Incidents of one day have the same id.
    assert (again.id, again.closed) == (opened.id, None)
    assert len(monitor.notice_subjects()) == 1


@with_calendar_monitor()
async def test_fault_from_before_restart_is_not_notified_again(monitor: CalendarMonitor) -> None:
    """The calendar shows 8 entries instead of 20, which is not believed. A day later, after a restart, it still does.
    That is the same incident, which is closed once all 20 are there again."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    await monitor.clock.sleep(86_400)
    await monitor.restart()
    await monitor.read_calendar(EIGHT_ENTRIES)
    assert len(incidents(monitor)) == len(monitor.notice_subjects()) == 1
    await monitor.read_calendar(TWENTY_ENTRIES, minutes_later=10)
    (incident,) = incidents(monitor)
    assert incident.closed is not None


@with_calendar_monitor()
async def test_unreadable_calendar_is_notified_after_three_intervals(monitor: CalendarMonitor) -> None:
    """12:00: a usable read. The calendar is read every 10 minutes. 12:10, 12:20 and 12:30: no read succeeds."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    for _ in range(3):
        await monitor.read_calendar(RESET, minutes_later=10)
    assert monitor.notice_subjects() == []
    # 12:40: more than three intervals have passed.
    await monitor.read_calendar(RESET, minutes_later=10)
    assert monitor.notice_subjects() == [f"CALENDAR: stats cannot be read: reset: scripted ({URL})"]
    (notice,) = monitor.store.outbox.notices()
    assert (notice.kind, notice.grade, notice.findings) == ("calendar", "none", ("calendar",))
    assert "Last usable read: 12:00 GMT." in notice.text


@with_calendar_monitor()
async def test_unreadable_calendar_makes_monitor_unready_after_three_intervals(monitor: CalendarMonitor) -> None:
    """12:00: a usable read. The calendar is read every 10 minutes. Until 12:40 no read succeeds."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    for _ in range(4):
        await monitor.read_calendar(RESET, minutes_later=10)
    reasons = monitor.daemon.calendar_reads.health.unready(monitor.clock.now())
    assert reasons == ["calendar stats: last read 16 November 12:00 UTC"]


@with_calendar_monitor()
async def test_person_may_accept_a_mass_change_for_a_day(monitor: CalendarMonitor) -> None:
    """All entries move by a month in one read, which is not believed."""
    moved = csv(*many(20, days=60))
    await monitor.read_calendar(TWENTY_ENTRIES)
    doubted = await monitor.read_calendar(moved, minutes_later=10)
    assert (doubted.usable, doubted.fault) == (False, "not believed: 20 of 20 coming entries at once")
    # `accept` in the settings of a calendar is the day on which changes are accepted.
    (stats,) = monitor.settings.calendar
    await monitor.restart(calendar=[stats.model_copy(update={"accept": monitor.clock.now().date()})])
    accepted = await monitor.read_calendar(minutes_later=10)
    assert accepted.usable
    await monitor.clock.sleep(86_400)
    moved_again_a_day_later = await monitor.read_calendar(csv(*many(20, days=90)))
    assert not moved_again_a_day_later.usable


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [({}, "not believed: no entries at the first read"), ({"may_be_empty": True}, "")],
    ids=["as usual", "declared as possibly empty"],
)
def test_empty_first_read_of_json_calendar_needs_declaration(
    tmp_path: Path, declaration: dict[str, bool], fault: str
) -> None:
    """The first read of a JSON calendar finds no entries, perhaps because the settings name the wrong place in the
    JSON. So this read is usable only if the settings declare `may_be_empty`."""

    async def read_empty_list(monitor: CalendarMonitor) -> None:
        read = await monitor.read_calendar(Reply(200, b"[]"))
        assert (read.usable, read.fault) == (fault == "", fault)

    run_calendar_monitor(tmp_path, read_empty_list, STATS | {"kind": "json"} | declaration)


MONTHLY_EDITIONS = {
    "May": "2026-06-17",
    "June": "2026-07-15",
    "July": "2026-08-19",
    "August": "2026-09-16",
    "September": "2026-10-14",
}
MONTHLY_ROWS = [row(day, day, title=f"Example earnings: {month} 2026") for month, day in MONTHLY_EDITIONS.items()]
OCTOBER_MISSING = (
    "CALENDAR: no calendar announces the next edition of Example earnings: September 2026 (example-office)"
)
OCTOBER_ROW = row("e9", "2026-11-18", title="Example earnings: October 2026")


async def report_missing_editions(monitor: CalendarMonitor) -> None:
    """Run the daily job that notifies people of editions that no calendar announces."""
    await monitor.daemon.calendar_reads.report_missing_editions()


def are_closed(monitor: CalendarMonitor) -> list[bool]:
    """Return of each incident about a missing edition whether it is closed."""
    missing = (incident for incident in incidents(monitor) if incident.id.startswith("unannounced"))
    return [incident.closed is not None for incident in missing]


@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_missing_edition_of_a_series_is_notified_once(monitor: CalendarMonitor) -> None:
    """The calendar has the monthly editions until September. It should announce that of October by now."""
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await report_missing_editions(monitor)
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == [OCTOBER_MISSING]
    # Once the calendar announces it, the incident is closed.
    await monitor.read_calendar(csv(*MONTHLY_ROWS, OCTOBER_ROW), minutes_later=10)
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [True]


@pytest.mark.parametrize("is_restarted", [True, False])
@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_incident_stays_open_while_its_calendar_is_stale(monitor: CalendarMonitor, *, is_restarted: bool) -> None:
    """The incident is about an edition that no calendar announces. Its calendar was last read an hour ago, too long to
    know whether it announces it now. A new read shows the edition, and the incident is closed."""
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await report_missing_editions(monitor)
    await monitor.clock.sleep(3600)
    if is_restarted:
        await monitor.restart()
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [False]
    await monitor.read_calendar(csv(*MONTHLY_ROWS, OCTOBER_ROW))
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [True]
    assert monitor.notice_subjects() == [OCTOBER_MISSING]


@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_missing_edition_is_reported_only_after_a_recent_read(monitor: CalendarMonitor) -> None:
    """The calendar has the monthly editions until September. It should announce that of October by now. Its last read
    is an hour ago, so perhaps it does. Only after the next read people are notified."""
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await monitor.clock.sleep(3600)  # without a read
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == []
    await monitor.read_calendar()
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == [OCTOBER_MISSING]


@with_calendar_monitor()
async def test_long_ended_series_has_no_missing_edition(monitor: CalendarMonitor) -> None:
    """The last of six monthly slots was on 15 June 2025. It is November 2026 now, so the series has ended."""
    rows = [row(f"e{n}", f"2025-0{n}-15", title=f"Example earnings: part {n}") for n in range(1, 7)]
    await monitor.read_calendar(csv(*rows))
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == []


@with_calendar_monitor()
async def test_calendar_may_be_empty_after_all_its_slots(monitor: CalendarMonitor) -> None:
    """At 12:00 the calendar has eight releases for 13:00. At 13:30 it has none, which is believed."""
    assert monitor.clock.now() == datetime(2026, 11, 16, 12, tzinfo=UTC)
    at_1pm = [row(f"r{n}", "2026-11-16", "13:00") for n in range(8)]
    await monitor.read_calendar(csv(*at_1pm))
    empty_read_at_half_past_one = await monitor.read_calendar(csv(), minutes_later=90)
    assert empty_read_at_half_past_one.usable


@pytest.mark.slow
@with_calendar_monitor()
async def test_host_that_breaks_workers_gets_one_notice_a_day(monitor: CalendarMonitor) -> None:
    """A worker is a process that reads answers. Some answers of this host end it."""

    def count_notices(host: str) -> int:
        return sum(f"answers of {host}" in subject for subject in monitor.notice_subjects())

    # Three times on one day, also after a restart: one notice. Another host gets its own. A day later there is another.
    await monitor.read_calendar(TWENTY_ENTRIES)
    for minutes in (0, 10, 20):
        await monitor.break_worker("files.example", minutes_later=minutes)
    assert count_notices("files.example") == 1
    await monitor.restart()
    await monitor.break_worker("files.example", minutes_later=10)
    assert count_notices("files.example") == 1
    await monitor.break_worker("other.example", minutes_later=10)
    assert count_notices("other.example") == 1
    minutes_of_a_day = 24 * 60
    await monitor.break_worker("files.example", minutes_later=minutes_of_a_day)
    assert count_notices("files.example") == 2


@pytest.mark.slow
@with_calendar_monitor()
async def test_incident_about_broken_workers_is_closed_at_once(monitor: CalendarMonitor) -> None:
    """An answer of a host broke the worker, the process that read it. No event would show that the trouble is over."""
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.break_worker("files.example", minutes_later=0)
    (incident,) = incidents(monitor)
    assert (incident.id, incident.kind) == ("too-costly-files-example-2026-11-16", "too_costly")
    assert incident.closed == incident.opened
    (notice,) = monitor.store.outbox.notices()
    assert (notice.kind, notice.findings) == ("too_costly", ("too_costly",))


@with_calendar_monitor()
async def test_thousand_costly_hosts_make_twenty_notices_a_day(monitor: CalendarMonitor) -> None:
    """A costly host is one whose answers cost too much time or memory."""
    for number in range(1000):
        monitor.daemon.calendar_reads.health.costly.add(f"h{number}.example")
    await monitor.daemon.calendar_reads.incidents.report_costly_hosts()
    assert len(monitor.notice_subjects()) == 20
    # The other hosts are not kept for later notices.
    assert monitor.daemon.calendar_reads.health.costly == set()
