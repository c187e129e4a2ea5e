"""A rota that is kept as an iCalendar file: only roles and times are taken from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.source import Page, UnreadableCalendar
from schedules.sources.rota import Span, find_duties
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = ["duty A", "duty AB", "head"]


def event(title: str, begins: str, ends: str, *more: str, uid: str = "1") -> str:
    return "\r\n".join(
        (
            "BEGIN:VEVENT",
            f"UID:{uid}",
            f"SUMMARY:{title}",
            f"DTSTART{begins}",
            f"DTEND{ends}",
            *more,
            "END:VEVENT",
            "",
        )
    )


def read(*events: str) -> tuple[Span, ...]:
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n"
    settings = calendar_settings("ics", "https://rota.example/x.ics")
    return find_duties(settings, ROLES, [Page(settings.address, 200, body.encode())], NOW)


def at(month: int, day: int, hour: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


NIGHT = ":20261123T220000Z", ":20261124T080000Z"


@pytest.mark.parametrize(
    ("title", "role"), [("On call: Duty A (Jo Bloggs)", "duty A"), ("DUTY AB", "duty AB")]
)
def test_event_puts_role_of_its_title_on_call(title: str, role: str) -> None:
    """NIGHT is from 22:00 on 23 November to 08:00 on 24 November.

    "Duty AB" is another role than "Duty A".
    """
    assert read(event(title, *NIGHT)) == ((role, at(11, 23, 22), at(11, 24, 8)),)


def test_role_within_a_longer_word_does_not_count() -> None:
    """A title names the role that is on call.

    "headless" does not name the role "head", so it has no role.
    """
    spans = read(event("head", *NIGHT), event("headless", *NIGHT, uid="2"))
    no_role = ""
    assert sorted(role for role, *_ in spans) == [no_role, "head"]


def test_events_of_whole_days_begin_and_end_at_local_midnight() -> None:
    """In summer, local midnight is 23:00 UTC of the day before. In November it is 00:00 UTC."""
    ((_, begins, ends),) = read(event("head", ";VALUE=DATE:20260706", ";VALUE=DATE:20261125"))
    assert (begins, ends) == (at(7, 5, 23), at(11, 25, 0))


def test_recurring_event_keeps_local_hours_over_clock_change() -> None:
    """Duty A is on call every second week from 1 October, at 9:00 in London. After the clocks go
    back on 25 October, that is 9:00 UTC instead of 8:00. The rota is read on 21 November.
    """
    in_summer_time = ";TZID=Europe/London:20261001T090000", ";TZID=Europe/London:20261008T090000"
    spans = read(event("duty A", *in_summer_time, "RRULE:FREQ=WEEKLY;INTERVAL=2"))
    # Earlier spans are past.
    assert [span[1:] for span in spans][:2] == [
        (at(11, 26, 9), at(12, 3, 9)),
        (at(12, 10, 9), at(12, 17, 9)),
    ]


def test_a_shift_that_began_long_ago_still_counts() -> None:
    """The shift is from 1 August to 1 December. The rota is read on 21 November."""
    (span,) = read(event("duty A", ":20260801T000000Z", ":20261201T000000Z"))
    assert span == ("duty A", at(8, 1, 0), at(12, 1, 0))


def test_a_cancelled_shift_does_not_count() -> None:
    of_duty_a, cancelled = (
        event("duty A", *NIGHT),
        event("head", *NIGHT, "STATUS:CANCELLED", uid="2"),
    )
    assert read(of_duty_a, cancelled) == read(of_duty_a)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (event("Jo Bloggs", ":20261123T220000Z", ":20261124T080000Z"),),
        (event("head", ":20261123T220000Z", ":20261124T080000Z", "RRULE:FREQ=SECONDLY"),),
        (event("head", ":20261123T220000Z", ":nonsense"),),
    ],
)
def test_unusable_file_is_refused_without_naming_a_person(events: tuple[str, ...]) -> None:
    with pytest.raises(UnreadableCalendar) as refused:
        read(*events)
    # In one of the files the title of an event is "Jo Bloggs" and not a role.
    assert "Bloggs" not in str(refused.value)
