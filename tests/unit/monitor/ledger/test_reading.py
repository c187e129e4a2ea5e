"""Reads of all calendars: notices of calendars in trouble, and reads around the slots of releases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.incident import Incident
from tests.unit.monitor.app.office import RESET, STATS, URL, Office, at_work, csv, many, row, with_office
from tests.worlds.fetcher import Reply

TWENTY_ENTRIES = csv(*many(20))
EIGHT_ENTRIES = csv(*many(8))


def incidents(office: Office) -> list[Incident]:
    return office.daemon.core.store.verdicts.incidents()


@with_office()
async def test_a_calendar_that_is_not_believed_makes_one_notice_and_stays_in_force(office: Office) -> None:
    await office.read(TWENTY_ENTRIES)
    last_good_read = office.last_read()
    for _ in range(3):
        read = await office.read(EIGHT_ENTRIES, after=10)
    assert (read.usable, read.fault) == (False, "not believed: 8 entries, usually 20")
    assert office.notice_subjects() == [f"CALENDAR: stats is {read.fault}"]
    assert office.last_read() == last_good_read
    assert len(office.daemon.core.ledger.releases) == 20


@with_office()
async def test_an_incident_of_a_calendar_closes_at_a_good_read_and_opens_again_without_a_second_notice(
    office: Office,
) -> None:
    await office.read(TWENTY_ENTRIES)
    await office.read(EIGHT_ENTRIES, after=10)
    (opened,) = incidents(office)
    assert (opened.id, opened.kind, opened.closed) == ("calendar-stats-2026-11-16", "calendar", None)
    await office.read(TWENTY_ENTRIES, after=10)
    (closed,) = incidents(office)
    assert closed.closed is not None
    await office.read(EIGHT_ENTRIES, after=10)
    (again,) = incidents(office)
    # Incidents of one day have the same id.
    assert (again.id, again.closed) == (opened.id, None)
    assert len(office.notice_subjects()) == 1


@with_office()
async def test_a_fault_from_before_a_restart_is_not_notified_again_and_a_good_read_closes_it(office: Office) -> None:
    await office.read(TWENTY_ENTRIES)
    await office.read(EIGHT_ENTRIES, after=10)
    await office.clock.sleep(86_400)
    await office.reopen()
    await office.read(EIGHT_ENTRIES)
    assert (len(incidents(office)), len(office.notice_subjects())) == (1, 1)
    await office.read(TWENTY_ENTRIES, after=10)
    assert [one.closed is not None for one in incidents(office)] == [True]


@with_office()
async def test_a_calendar_that_cannot_be_read_for_over_three_of_its_intervals_is_notified(office: Office) -> None:
    # 12:00: a usable read. The calendar is read every 10 minutes. 12:10, 12:20 and 12:30: no read succeeds.
    await office.read(TWENTY_ENTRIES)
    for _ in range(3):
        await office.read(RESET, after=10)
    assert office.notice_subjects() == []
    # 12:40: more than three intervals have passed.
    await office.read(RESET, after=10)
    assert office.notice_subjects() == [f"CALENDAR: stats cannot be read: reset: scripted ({URL})"]
    (notice,) = office.daemon.core.store.outbox.notices()
    assert (notice.kind, notice.grade, notice.findings) == ("calendar", "none", ("calendar",))
    assert "Last usable read: 12:00 GMT." in notice.text


@with_office()
async def test_a_calendar_that_cannot_be_read_for_over_three_of_its_intervals_makes_the_monitor_unready(
    office: Office,
) -> None:
    # 12:00: a usable read. The calendar is read every 10 minutes. Until 12:40 no read succeeds.
    await office.read(TWENTY_ENTRIES)
    for _ in range(4):
        await office.read(RESET, after=10)
    reasons = office.daemon.calendar_reads.health.unready(office.clock.now())
    assert reasons == ["calendar stats: last read 16 November 12:00 UTC"]


@with_office()
async def test_a_person_may_accept_a_mass_change_for_a_day(office: Office) -> None:
    moved = csv(*many(20, days=60))
    await office.read(TWENTY_ENTRIES)
    doubted = await office.read(moved, after=10)
    assert (doubted.usable, doubted.fault) == (False, "not believed: 20 of 20 coming entries at once")
    # `accept` in the settings of a calendar is the day on which changes are accepted.
    table = office.settings.calendar[0].model_copy(update={"accept": office.clock.now().date()})
    office.settings = office.settings.model_copy(update={"calendar": [table]})
    await office.reopen()
    assert (await office.read(after=10)).usable
    await office.clock.sleep(86_400)
    assert not (await office.read(csv(*many(20, days=90)))).usable


def test_the_first_read_of_a_json_calendar_is_unusable_if_it_has_no_entries(tmp_path: Path) -> None:
    # Any JSON can be such a calendar. Perhaps the configuration looks for the entries at the wrong place.
    async def act(office: Office) -> None:
        read = await office.read(Reply(200, b"[]"))
        assert not read.usable
        assert read.fault == "not believed: no entries at the first read"

    at_work(tmp_path, act, STATS | {"kind": "json"})


def test_a_calendar_may_be_declared_empty(tmp_path: Path) -> None:
    async def act(office: Office) -> None:
        assert (await office.read(Reply(200, b"[]"))).usable

    at_work(tmp_path, act, STATS | {"kind": "json", "may_be_empty": True})


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


def are_closed(office: Office) -> list[bool]:
    """Return of each incident about a missing edition whether it is closed."""
    return [one.closed is not None for one in incidents(office) if one.id.startswith("unannounced")]


@with_office(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_people_are_notified_once_of_a_missing_edition_of_a_regular_series(office: Office) -> None:
    await office.read(csv(*MONTHLY_ROWS))
    for _ in range(2):
        await office.daemon.calendar_reads.report_missing_editions()
    assert office.notice_subjects() == [OCTOBER_MISSING]
    await office.read(csv(*MONTHLY_ROWS, OCTOBER_ROW), after=10)
    await office.daemon.calendar_reads.report_missing_editions()
    assert are_closed(office) == [True]


@pytest.mark.parametrize("is_restarted", [True, False])
@with_office(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_an_incident_about_a_missing_edition_stays_open_while_its_calendar_is_not_fresh(
    office: Office, *, is_restarted: bool
) -> None:
    await office.read(csv(*MONTHLY_ROWS))
    await office.daemon.calendar_reads.report_missing_editions()
    # The calendar is read every 10 minutes, so after an hour without a read it is not fresh.
    await office.clock.sleep(3600)
    if is_restarted:
        await office.reopen()
    await office.daemon.calendar_reads.report_missing_editions()
    assert are_closed(office) == [False]
    await office.read(csv(*MONTHLY_ROWS, OCTOBER_ROW))
    await office.daemon.calendar_reads.report_missing_editions()
    assert are_closed(office) == [True]
    assert office.notice_subjects() == [OCTOBER_MISSING]


@with_office(begins=datetime(2026, 11, 2, 12, tzinfo=UTC))
async def test_a_missing_edition_is_reported_only_if_the_calendar_of_its_series_was_read_lately(office: Office) -> None:
    await office.read(csv(*MONTHLY_ROWS))
    await office.clock.sleep(3600)
    await office.daemon.calendar_reads.report_missing_editions()
    assert office.notice_subjects() == []
    await office.read()
    await office.daemon.calendar_reads.report_missing_editions()
    assert office.notice_subjects() == [OCTOBER_MISSING]


@with_office()
async def test_series_that_ended_long_ago_has_no_missing_edition(office: Office) -> None:
    # The last of six monthly slots was on 15 June 2025. It is November 2026 now.
    rows = [row(f"e{n}", f"2025-0{n}-15", title=f"Example earnings: part {n}") for n in range(1, 7)]
    await office.read(csv(*rows))
    await office.daemon.calendar_reads.report_missing_editions()
    assert office.notice_subjects() == []


@with_office()
async def test_an_empty_calendar_is_believed_once_the_slots_of_all_its_entries_have_passed(office: Office) -> None:
    at_1pm = [row(f"r{n}", "2026-11-16", "13:00") for n in range(8)]
    await office.read(csv(*at_1pm))
    assert office.clock.now() == datetime(2026, 11, 16, 12, tzinfo=UTC)
    read = await office.read(csv(), after=90)
    assert read.usable


@pytest.mark.slow
@with_office()
async def test_a_host_whose_answers_break_worker_processes_gets_one_notice_a_day(office: Office) -> None:
    def count_notices(host: str) -> int:
        return sum(f"answers of {host}" in subject for subject in office.notice_subjects())

    # `overrun`: a worker process breaks over an answer of the host.
    await office.read(TWENTY_ENTRIES)
    for minutes in (0, 10, 20):
        await office.overrun("files.example", after=minutes)
    assert count_notices("files.example") == 1
    await office.reopen()
    await office.overrun("files.example", after=10)
    assert count_notices("files.example") == 1
    await office.overrun("other.example", after=10)
    assert count_notices("other.example") == 1
    minutes_of_a_day = 24 * 60
    await office.overrun("files.example", after=minutes_of_a_day)
    assert count_notices("files.example") == 2


@pytest.mark.slow
@with_office()
async def test_the_incident_about_a_host_whose_answers_break_workers_is_closed_as_it_is_opened(office: Office) -> None:
    # No event would show that the trouble is over.
    await office.read(TWENTY_ENTRIES)
    await office.overrun("files.example", after=0)
    (incident,) = incidents(office)
    assert (incident.id, incident.kind) == ("too-costly-files-example-2026-11-16", "too_costly")
    assert incident.closed == incident.opened
    (notice,) = office.daemon.core.store.outbox.notices()
    assert (notice.kind, notice.findings) == ("too_costly", ("too_costly",))


@with_office()
async def test_a_thousand_hosts_that_cost_too_much_make_twenty_notices_a_day(office: Office) -> None:
    for number in range(1000):
        office.daemon.calendar_reads.health.costly.add(f"h{number}.example")
    await office.daemon.calendar_reads.incidents.report_costly_hosts()
    assert len(office.notice_subjects()) == 20
    assert office.daemon.calendar_reads.health.costly == set()
