"""Reads of all calendars: notices of calendars in trouble, and reads around the slots of
releases.
"""

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
    """A calendar has shown 20 entries. Then three reads show only 8, far fewer than usual, and are
    not believed. People get one notice, not three. All 20 releases stay, and the first read stays
    the last good one.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    last_good_read = monitor.last_read()
    for _ in range(3):
        read = await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
        assert (read.usable, read.fault) == (False, "not believed: 8 entries, usually 20")
    assert monitor.notice_subjects() == ["CALENDAR: stats is not believed: 8 entries, usually 20"]
    assert monitor.last_read() == last_good_read
    assert len(monitor.ledger_in_memory.releases) == 20


@with_calendar_monitor()
async def test_calendar_incident_closes_and_reopens_without_second_notice(
    monitor: CalendarMonitor,
) -> None:
    """A calendar shows 20 entries, then only 8. That read is not believed, which opens an incident.
    The next read shows 20 again, which closes it. Later on the same day a read shows 8 again. An
    incident has one id for the whole day. So the same incident is opened again, and people get no
    second notice.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    (opened,) = incidents(monitor)
    assert (opened.id, opened.kind, opened.closed) == (
        "calendar-stats-2026-11-16",
        "calendar",
        None,
    )
    await monitor.read_calendar(TWENTY_ENTRIES, minutes_later=10)
    (closed,) = incidents(monitor)
    assert closed.closed is not None
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    (reopened,) = incidents(monitor)
    assert (reopened.id, reopened.closed) == (opened.id, None)
    assert len(monitor.notice_subjects()) == 1


@with_calendar_monitor()
async def test_fault_from_before_restart_is_not_notified_again(monitor: CalendarMonitor) -> None:
    """A calendar shows 20 entries, then only 8. That read is not believed, which opens an incident
    with one notice. A day later the monitor restarts, and the calendar still shows 8. That is the
    same incident, so there is no other notice. Then the calendar shows all 20 again, and the
    incident is closed.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.read_calendar(EIGHT_ENTRIES, minutes_later=10)
    await monitor.clock.sleep(86_400)  # a day
    await monitor.restart()
    await monitor.read_calendar(EIGHT_ENTRIES)
    assert len(incidents(monitor)) == len(monitor.notice_subjects()) == 1
    await monitor.read_calendar(TWENTY_ENTRIES, minutes_later=10)
    (incident,) = incidents(monitor)
    assert incident.closed is not None


@with_calendar_monitor()
async def test_unreadable_calendar_is_notified_after_three_intervals(
    monitor: CalendarMonitor,
) -> None:
    """A calendar is read every ten minutes, at 12:00 with success. Then no read succeeds. At 12:30,
    after three intervals, there is no notice yet. At 12:40 it is more than three, and people are
    notified.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    for _ in range(3):
        await monitor.read_calendar(RESET, minutes_later=10)  # 12:10, 12:20 and 12:30
    assert monitor.notice_subjects() == []
    await monitor.read_calendar(RESET, minutes_later=10)  # 12:40
    assert monitor.notice_subjects() == [f"CALENDAR: stats cannot be read: reset: scripted ({URL})"]
    (notice,) = monitor.store.outbox.notices()
    assert (notice.kind, notice.grade, notice.findings) == ("calendar", "none", ("calendar",))
    assert "Last usable read: 12:00 GMT." in notice.text


@with_calendar_monitor()
async def test_unreadable_calendar_makes_monitor_unready_after_three_intervals(
    monitor: CalendarMonitor,
) -> None:
    """A calendar is read every ten minutes, at 12:00 with success. The reads until 12:40 fail. That
    is more than three intervals, so the monitor is not ready. It names the calendar and its last
    usable read.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    for _ in range(4):
        await monitor.read_calendar(RESET, minutes_later=10)
    reasons_why_not_ready = monitor.daemon.parts.calendar_reads.health.unready(monitor.clock.now())
    assert reasons_why_not_ready == ["calendar stats: last read 16 November 12:00 UTC"]


@with_calendar_monitor()
async def test_person_may_accept_a_mass_change_for_a_day(monitor: CalendarMonitor) -> None:
    """A calendar has 20 entries. In the second read all are a month later, which is not believed. A
    person accepts it: the setting `accept` names this day. The next read shows the same and is
    believed. A day later, all entries move by another month. That is another day, so it is not
    believed.
    """
    await monitor.read_calendar(csv(*many(20, days=30)))
    moved_by_a_month = csv(*many(20, days=60))
    doubted = await monitor.read_calendar(moved_by_a_month, minutes_later=10)
    assert (doubted.usable, doubted.fault) == (
        False,
        "not believed: 20 of 20 coming entries at once",
    )
    (stats,) = monitor.settings.calendar
    this_day = monitor.clock.now().date()
    await monitor.restart(calendar=[stats.model_copy(update={"accept": this_day})])
    accepted = await monitor.read_calendar(minutes_later=10)
    assert accepted.usable
    await monitor.clock.sleep(86_400)  # a day
    moved_by_another_month = csv(*many(20, days=90))
    doubted_again = await monitor.read_calendar(moved_by_another_month)
    assert not doubted_again.usable


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [({}, "not believed: no entries at the first read"), ({"may_be_empty": True}, "")],
    ids=["as usual", "declared as possibly empty"],
)
def test_empty_first_read_of_json_calendar_needs_declaration(
    tmp_path: Path, declaration: dict[str, bool], fault: str
) -> None:
    """The first read of a JSON calendar finds no entries. Perhaps the settings name the wrong place
    in the JSON. So usually this read is not believed, and has a fault. But if the settings declare
    that the calendar may be empty (`may_be_empty`), the read is usable and its fault is empty.
    """

    async def read_empty_list(monitor: CalendarMonitor) -> None:
        read = await monitor.read_calendar(Reply(200, b"[]"))
        assert read.fault == fault
        assert read.usable is (fault == "")

    run_calendar_monitor(tmp_path, read_empty_list, STATS | {"kind": "json"} | declaration)


MONTHLY_EDITIONS = {
    "May": "2026-06-17",
    "June": "2026-07-15",
    "July": "2026-08-19",
    "August": "2026-09-16",
    "September": "2026-10-14",
}
MONTHLY_ROWS = [
    row(day, day, title=f"Example earnings: {month} 2026")
    for month, day in MONTHLY_EDITIONS.items()
]
OCTOBER_MISSING = (
    "CALENDAR: no calendar announces the next edition of Example earnings: September 2026"
    " (example-office)"
)
OCTOBER_ROW = row("e9", "2026-11-18", title="Example earnings: October 2026")


async def report_missing_editions(monitor: CalendarMonitor) -> None:
    """Run the daily job that notifies people of editions that no calendar announces."""
    await monitor.daemon.parts.calendar_reads.report_missing_editions()


def are_closed(monitor: CalendarMonitor) -> list[bool]:
    """Return of each incident about a missing edition whether it is closed."""
    missing = (incident for incident in incidents(monitor) if incident.id.startswith("unannounced"))
    return [incident.closed is not None for incident in missing]


@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_missing_edition_of_a_series_is_notified_once(monitor: CalendarMonitor) -> None:
    """It is 2 November. A calendar has the monthly editions of a series until September. By now it
    should announce that of October, but it does not. A daily job notifies people of that. Its
    second run does not notify them again. Then the calendar announces the edition of October, and
    the incident is closed.
    """
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await report_missing_editions(monitor)
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == [OCTOBER_MISSING]
    await monitor.read_calendar(csv(*MONTHLY_ROWS, OCTOBER_ROW), minutes_later=10)
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [True]


@pytest.mark.parametrize("is_restarted", [True, False])
@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_incident_stays_open_while_its_calendar_is_stale(
    monitor: CalendarMonitor, *, is_restarted: bool
) -> None:
    """A calendar does not announce the October edition of a monthly series: an incident. Then it is
    not read for an hour. It is not known whether it announces the edition by now. So the incident
    stays open, also after a restart. Then a read shows the edition, and the incident is closed.
    There was one notice in all.
    """
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await report_missing_editions(monitor)
    await monitor.clock.sleep(3600)  # an hour
    if is_restarted:
        await monitor.restart()
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [False]
    await monitor.read_calendar(csv(*MONTHLY_ROWS, OCTOBER_ROW))
    await report_missing_editions(monitor)
    assert are_closed(monitor) == [True]
    assert monitor.notice_subjects() == [OCTOBER_MISSING]


@with_calendar_monitor(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_missing_edition_is_reported_only_after_a_recent_read(
    monitor: CalendarMonitor,
) -> None:
    """A read at 12:00 shows the monthly editions of a series until September. The calendar should
    announce that of October by now. At 13:00 it was not read for an hour. Perhaps it announces the
    edition by now, so no one is notified. The next read shows the same as the first. Now people are
    notified.
    """
    await monitor.read_calendar(csv(*MONTHLY_ROWS))
    await monitor.clock.sleep(3600)  # an hour
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == []
    await monitor.read_calendar()
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == [OCTOBER_MISSING]


@with_calendar_monitor()
async def test_long_ended_series_has_no_missing_edition(monitor: CalendarMonitor) -> None:
    """A calendar shows six monthly editions of a series, from 15 January to 15 June 2025. Now it is
    November 2026, and no edition came since. So the series has ended, and no one is notified of a
    missing edition.
    """
    rows = [row(f"e{n}", f"2025-0{n}-15", title=f"Example earnings: part {n}") for n in range(1, 7)]
    await monitor.read_calendar(csv(*rows))
    await report_missing_editions(monitor)
    assert monitor.notice_subjects() == []


@with_calendar_monitor()
async def test_calendar_may_be_empty_after_all_its_slots(monitor: CalendarMonitor) -> None:
    """At 12:00 a calendar shows eight releases for 13:00. At 13:30 it shows none. Usually that is
    not believed. But all slots have passed, so the releases may have left the calendar: the read is
    usable.
    """
    assert monitor.clock.now() == datetime(2026, 11, 16, 12, tzinfo=UTC)
    at_1pm = [row(f"r{n}", "2026-11-16", "13:00") for n in range(8)]
    await monitor.read_calendar(csv(*at_1pm))
    empty_read_at_half_past_one = await monitor.read_calendar(csv(), minutes_later=90)
    assert empty_read_at_half_past_one.usable


@pytest.mark.slow
@with_calendar_monitor()
async def test_host_that_breaks_workers_gets_one_notice_a_day(monitor: CalendarMonitor) -> None:
    """A worker is a process that reads answers of hosts. Some answers of "files.example" end their
    worker. That happens three times on one day: one notice. It happens again after a restart: still
    one notice. Then it happens with another host, which gets its own notice. A day later it happens
    with the first host again: a second notice.
    """

    def count_notices(host: str) -> int:
        return sum(f"answers of {host}" in subject for subject in monitor.notice_subjects())

    await monitor.read_calendar(TWENTY_ENTRIES)
    for minutes in (0, 10, 20):
        await monitor.break_worker("files.example", minutes_later=minutes)
    assert count_notices("files.example") == 1
    await monitor.restart()
    await monitor.break_worker("files.example", minutes_later=10)
    assert count_notices("files.example") == 1
    await monitor.break_worker("other.example", minutes_later=10)
    assert count_notices("other.example") == 1
    await monitor.break_worker("files.example", minutes_later=24 * 60)  # a day
    assert count_notices("files.example") == 2


@pytest.mark.slow
@with_calendar_monitor()
async def test_incident_about_broken_workers_is_closed_at_once(monitor: CalendarMonitor) -> None:
    """A worker is a process that reads answers. An answer of a host ends its worker, which is an
    incident. No later event could show that the trouble is over. So it is closed as soon as it is
    opened.
    """
    await monitor.read_calendar(TWENTY_ENTRIES)
    await monitor.break_worker("files.example", minutes_later=0)
    (incident,) = incidents(monitor)
    assert (incident.id, incident.kind) == ("too-costly-files-example-2026-11-16", "too_costly")
    assert incident.closed == incident.opened
    (notice,) = monitor.store.outbox.notices()
    assert (notice.kind, notice.findings) == ("too_costly", ("too_costly",))


@with_calendar_monitor()
async def test_thousand_costly_hosts_make_twenty_notices_a_day(monitor: CalendarMonitor) -> None:
    """A host is costly if its answers cost too much time or memory. On one day 1,000 hosts are
    costly. So many notices would help no one. Only 20 hosts get a notice. The others are forgotten,
    and get none later.
    """
    costly_hosts = monitor.daemon.parts.calendar_reads.health.costly
    costly_hosts.update(f"h{number}.example" for number in range(1000))
    await monitor.daemon.parts.calendar_reads.incidents.report_costly_hosts()
    assert len(monitor.notice_subjects()) == 20
    assert monitor.daemon.parts.calendar_reads.health.costly == set()
