"""Incidents about calendars themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from alerts.calendar_incidents import (
    CalendarTrouble,
    MissingEdition,
    close_resolved,
    reopen,
    report_missing_edition,
    report_trouble,
)
from alerts.incident import Incident, steps_for_incident

NOW = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
DOUBTED_CALENDAR = CalendarTrouble(
    "govuk", "ofqual", "3 entries, usually 240", NOW, NOW - timedelta(minutes=10), doubted=True
)
LONDON = "Europe/London"


def open_incident(found: CalendarTrouble = DOUBTED_CALENDAR) -> Incident:
    incident = report_trouble(found, None, NOW, LONDON).incident
    assert incident is not None
    return incident


def test_the_notice_of_a_doubted_calendar_says_what_remains_in_force_and_how_to_accept_it() -> None:
    decision = report_trouble(DOUBTED_CALENDAR, None, NOW, LONDON)
    (notice,) = decision.notices
    assert (notice.kind, notice.grade, decision.draft) == ("calendar", "none", False)
    assert notice.subject == "CALENDAR: govuk is not believed: 3 entries, usually 240"
    assert "Last usable read: 09:20 BST." in notice.text
    assert "The announcements of that read remain in force." in notice.text
    assert "accept = 2026-07-01" in notice.text


def test_the_id_of_a_calendar_incident_has_the_local_day_on_which_it_began() -> None:
    begun_late_in_the_day = replace(DOUBTED_CALENDAR, since=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    assert open_incident(begun_late_in_the_day).id == "calendar-govuk-2026-07-01"
    assert open_incident().id == open_incident(begun_late_in_the_day).id


def test_a_new_fault_of_a_known_calendar_is_recorded_without_a_notice() -> None:
    known = open_incident()
    assert report_trouble(DOUBTED_CALENDAR, known, NOW, LONDON).incident is None
    other = report_trouble(replace(DOUBTED_CALENDAR, fault="answered 503"), known, NOW, LONDON)
    assert other.incident is not None
    assert (other.notices, other.incident.timeline[-1].text) == ((), "answered 503")


def test_faults_that_differ_at_every_read_do_not_fill_the_timeline() -> None:
    known = open_incident()
    for number in range(200):
        known = report_trouble(replace(DOUBTED_CALENDAR, fault=f"fault {number}"), known, NOW, LONDON).incident or known
    assert len(known.timeline) == 50


def test_a_resolved_calendar_incident_is_closed_and_can_be_reopened() -> None:
    closed = close_resolved(open_incident(), NOW)
    again = reopen(closed, open_incident(), NOW)
    assert (closed.closed, again.closed, len(again.timeline)) == (NOW, None, 3)


def test_the_subject_for_a_long_calendar_fault_is_one_short_line() -> None:
    (notice,) = report_trouble(replace(DOUBTED_CALENDAR, fault="x\n" * 5000), None, NOW, LONDON).notices
    assert len(notice.subject) < 400
    assert "\n" not in notice.subject


def test_the_notice_of_a_calendar_that_was_never_read_says_so() -> None:
    (notice,) = report_trouble(replace(DOUBTED_CALENDAR, last_read=None, doubted=False), None, NOW, LONDON).notices
    assert "Last usable read: never." in notice.text
    assert "correct its address" in notice.text


def test_the_notice_of_a_missing_edition_accuses_no_one() -> None:
    found = MissingEdition(
        "Example earnings: June 2026", "example-office", "Example Office", date(2026, 7, 8), date(2026, 7, 22)
    )
    decision = report_missing_edition(found, NOW)
    assert decision.incident is not None
    assert decision.incident.id == "unannounced-example-office-example-earnings-june-2026-2026-07-08"
    (notice,) = decision.notices
    assert "between 8 July 2026 and 22 July 2026" in notice.text
    assert "No release is late because of this." in notice.text


def test_a_calendar_notice_contains_every_step_of_its_incident() -> None:
    decision = report_trouble(DOUBTED_CALENDAR, None, NOW, LONDON)
    assert decision.incident is not None
    for step in steps_for_incident(decision.incident):
        assert step.text in decision.notices[0].text
