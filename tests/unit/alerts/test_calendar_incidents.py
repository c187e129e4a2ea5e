"""Incidents about calendars themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from alerts.calendar_incidents import (
    CalendarTrouble,
    close_resolved,
    reopen,
    report_missing_edition,
    report_trouble,
)
from alerts.incident import Decision, Incident, steps_for_incident

NOW = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
DOUBTED_CALENDAR = CalendarTrouble(
    calendar="govuk",
    producer="ofqual",
    fault="3 entries, usually 240",
    since=NOW,
    last_read=NOW - timedelta(minutes=10),
    doubted=True,
)
LONDON = "Europe/London"


def doubted_calendar_incident(trouble: CalendarTrouble = DOUBTED_CALENDAR) -> Incident:
    incident = report_trouble(trouble, known=None, now=NOW, timezone=LONDON).incident
    assert incident is not None
    return incident


def test_notice_of_doubted_calendar_says_how_to_accept_it() -> None:
    """A calendar usually has 240 entries. At 08:30 UTC it has only 3, so this read is doubted (not
    believed). The last read before remains in force, until a person configures `accept` with
    today's date.
    """
    last_read = datetime(2026, 7, 1, 8, 20, tzinfo=UTC)
    trouble = replace(DOUBTED_CALENDAR, fault="3 entries, usually 240", last_read=last_read)
    decision = report_trouble(trouble, known=None, now=NOW, timezone=LONDON)
    (notice,) = decision.notices
    assert (notice.kind, notice.grade, decision.draft) == ("calendar", "none", False)
    assert notice.subject == "CALENDAR: govuk is not believed: 3 entries, usually 240"
    assert "Last usable read: 09:20 BST." in notice.text
    assert "The announcements of that read remain in force." in notice.text
    assert NOW.date() == date(2026, 7, 1)
    assert "accept = 2026-07-01" in notice.text  # with the day of the notice


def test_calendar_incident_id_has_local_day_on_which_it_began() -> None:
    half_past_midnight_in_london = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    incident = doubted_calendar_incident(
        replace(DOUBTED_CALENDAR, since=half_past_midnight_in_london)
    )
    assert incident.id == "calendar-govuk-2026-07-01"


def test_new_fault_of_known_calendar_is_recorded_without_notice() -> None:
    """The calendar had too few entries, which opened an incident. Now it cannot be read (503)."""
    decision = report_trouble(
        replace(DOUBTED_CALENDAR, fault="answered 503"), doubted_calendar_incident(), NOW, LONDON
    )
    assert decision.incident is not None
    assert (decision.notices, decision.incident.timeline[-1].text) == ((), "answered 503")


def test_the_same_fault_of_a_calendar_twice_changes_nothing() -> None:
    assert report_trouble(DOUBTED_CALENDAR, doubted_calendar_incident(), NOW, LONDON) == Decision()


def test_timeline_keeps_50_entries_although_every_read_differs() -> None:
    """Each of 200 reads of the calendar has another fault."""
    incident = doubted_calendar_incident()
    for number in range(200):
        other_fault = replace(DOUBTED_CALENDAR, fault=f"fault {number}")
        incident = report_trouble(other_fault, incident, NOW, LONDON).incident or incident
    assert len(incident.timeline) == 50


def test_a_resolved_calendar_incident_is_closed_and_can_be_reopened() -> None:
    """The incident opens because a calendar is not believed.

    It is closed, and the same trouble reopens it.
    """
    incident = doubted_calendar_incident()
    (opened,) = incident.timeline
    closed = close_resolved(incident, NOW)
    assert closed.closed == NOW
    same_trouble_again = incident
    reopened = reopen(closed, same_trouble_again, NOW)
    assert reopened.closed is None
    assert [entry.text for entry in reopened.timeline] == [opened.text, "resolved", opened.text]


def test_subject_for_long_calendar_fault_is_one_short_line() -> None:
    (notice,) = report_trouble(
        replace(DOUBTED_CALENDAR, fault="x\n" * 5000), known=None, now=NOW, timezone=LONDON
    ).notices
    assert len(notice.subject) < 400
    assert "\n" not in notice.subject


def test_notice_of_unread_calendar_asks_to_correct_its_address() -> None:
    """Without `doubted`, the calendar could not be read, and the steps of its notice are about its
    address.
    """
    never_read = CalendarTrouble(
        "govuk", "ofqual", fault="answered 404", since=NOW, last_read=None, doubted=False
    )
    (notice,) = report_trouble(never_read, known=None, now=NOW, timezone=LONDON).notices
    assert "Last usable read: never." in notice.text
    assert "correct its address" in notice.text


def report_missing_earnings() -> Decision:
    first_and_last_day = date(2026, 7, 8), date(2026, 7, 22)
    title = "Example earnings: June 2026"
    return report_missing_edition(
        title, "example-office", "Example Office", first_and_last_day, NOW
    )


def test_missing_edition_id_has_producer_title_and_first_expected_day() -> None:
    """An edition of a regular series is missing: it is expected from 8 to 22 July, but no calendar
    announces it.
    """
    first_and_last_day = date(2026, 7, 8), date(2026, 7, 22)
    incident = report_missing_edition(
        "Example earnings: June 2026", "example-office", "Example Office", first_and_last_day, NOW
    ).incident
    assert incident is not None
    producer, title, first_day = "example-office", "example-earnings-june-2026", "2026-07-08"
    assert incident.id == f"unannounced-{producer}-{title}-{first_day}"


def test_the_notice_of_a_missing_edition_accuses_no_one() -> None:
    """An edition of a regular series is expected from 8 to 22 July, but no calendar announces
    it.
    """
    (notice,) = report_missing_earnings().notices
    assert "between 8 July 2026 and 22 July 2026" in notice.text
    assert "No release is late because of this." in notice.text


def test_a_calendar_notice_contains_every_step_of_its_incident() -> None:
    decision = report_trouble(DOUBTED_CALENDAR, known=None, now=NOW, timezone=LONDON)
    assert decision.incident is not None
    for step in steps_for_incident(decision.incident):
        assert step.text in decision.notices[0].text
