"""A rota that is kept as an iCalendar file: only roles and times are taken from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedules.source import Page, UnreadableCalendar
from schedules.sources.rota import RotaSource, Span
from tests.worlds.calendars import calendar_settings

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = ["duty A", "duty AB", "head"]


def event(title: str, begins: str, ends: str, *more: str, uid: str = "1") -> str:
    return "\r\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", f"DTSTART{begins}", f"DTEND{ends}", *more, "END:VEVENT", "")
    )


def read(*events: str) -> tuple[Span, ...]:
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n"
    source = RotaSource(calendar_settings("ics", "https://rota.example/x.ics"), ROLES)
    return source.read([Page("https://rota.example/x.ics", 200, body.encode())], NOW)


def at(month: int, day: int, hour: int) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_an_event_puts_the_role_on_call_that_its_title_names_as_whole_words() -> None:
    night = ":20261123T220000Z", ":20261124T080000Z"
    assert read(event("On call: Duty A (Jo Bloggs)", *night)) == (("duty A", at(11, 23, 22), at(11, 24, 8)),)
    assert read(event("DUTY AB", *night)) == (("duty AB", at(11, 23, 22), at(11, 24, 8)),)
    assert [role for role, *_ in read(event("head", *night), event("headless", *night, uid="2"))] == ["", "head"]


def test_whole_days_are_local_and_what_recurs_keeps_its_local_hours() -> None:
    assert read(event("head", ";VALUE=DATE:20261123", ";VALUE=DATE:20261125"))[0][1:] == (at(11, 23, 0), at(11, 25, 0))
    zone = ";TZID=Europe/London:"
    weekly = event("duty A", f"{zone}20261001T090000", f"{zone}20261008T090000", "RRULE:FREQ=WEEKLY;INTERVAL=2")
    assert [span[1:] for span in read(weekly)][:2] == [
        (at(11, 26, 9), at(12, 3, 9)),
        (at(12, 10, 9), at(12, 17, 9)),
    ]


def test_a_shift_that_began_long_ago_still_counts_and_a_cancelled_one_does_not() -> None:
    long = event("duty A", ":20260801T000000Z", ":20261201T000000Z")
    off = event("head", ":20261122T000000Z", ":20261123T000000Z", "STATUS:CANCELLED", uid="2")
    assert read(long, off) == (("duty A", at(8, 1, 0), at(12, 1, 0)),)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (event("Jo Bloggs", ":20261123T220000Z", ":20261124T080000Z"),),
        (event("head", ":20261123T220000Z", ":20261124T080000Z", "RRULE:FREQ=SECONDLY"),),
        (event("head", ":20261123T220000Z", ":nonsense"),),
    ],
)
def test_a_file_without_a_known_role_or_with_a_bad_rule_is_refused_and_the_reason_names_no_person(
    events: tuple[str, ...],
) -> None:
    with pytest.raises(UnreadableCalendar) as refused:
        read(*events)
    assert "Bloggs" not in str(refused.value)
