from __future__ import annotations

import pytest

from schedules.announcement import State
from schedules.dates.status import Status
from schedules.titles import read_called_off

C, P = State.CANCELLED, State.POSTPONED


@pytest.mark.parametrize(
    ("title", "rest", "state"),
    [
        ("CANCELLED: Example claims, July 2026", "Example claims, July 2026", C),
        ("Canceled: Example claims", "Example claims", C),
        ("Postponed - Example claims", "Example claims", P),
        ("POSTPONED \u2013 Example claims", "Example claims", P),
        ("[Cancelled] Example claims", "Example claims", C),
        ("(postponed) Example claims", "Example claims", P),
        ("Example claims (cancelled)", "Example claims", C),
        ("Example claims [POSTPONED]", "Example claims", P),
        ("Example claims (now cancelled): July 2026", "Example claims: July 2026", C),
        ("Example claims (postponed until December)", "Example claims", P),
        ("Example claims (cancelled - see note)", "Example claims", C),
        ("Rescheduled: Example claims", "Example claims", P),
        ("Housing stats \u2013 publication suspended", "Housing stats", P),
        ("Housing stats [release cancelled]", "Housing stats", C),
        ("Housing stats - postponed to 3 December", "Housing stats", P),
        ("Housing stats, Q3 2026: moved to December", "Housing stats, Q3 2026", P),
        ("Housing stats: delayed until spring 2027", "Housing stats", P),
        ("Housing stats \u2014 delayed by two weeks", "Housing stats", P),
        ("Housing stats. This release has been postponed.", "Housing stats", P),
        ("Housing stats This release has been cancelled.", "Housing stats", C),
        ("Housing stats (discontinued)", "Housing stats", C),
        ("Housing stats (suspended from 1 December)", "Housing stats", P),
        ("Housing stats, Q3 2026, cancelled", "Housing stats, Q3 2026", C),
        ("Housing stats (delayed until further notice)", "Housing stats", P),
        ("Delayed until further notice", "", P),
        ("WEDI\u2019I GANSLO: Ystadegau tai", "Ystadegau tai", C),
        ("Wedi'i ohirio - Ystadegau tai", "Ystadegau tai", P),
        ("Housing stats [no longer published]", "Housing stats", C),
    ],
)
def test_cancelling_title_gives_state_and_rest_of_title(
    title: str, rest: str, state: State
) -> None:
    assert read_called_off(title) == (rest, Status(state))


@pytest.mark.parametrize(
    "title",
    [
        "Housing stats, Q3 (delayed)",
        "Housing stats, Q3 [Paused]",
        "Housing stats, Q3 (rescheduled)",
        "Housing stats, Q3 \u2013 deferred",
        "Housing stats, Q3 - suspended",
        "Housing stats, Q3: delayed",
        "Housing stats, Q3 - NOT PUBLISHED",
    ],
)
def test_a_word_alone_at_the_end_that_may_also_be_a_subject_is_not_understood(title: str) -> None:
    assert read_called_off(title) == ("Housing stats, Q3", Status(is_understood=False))


@pytest.mark.parametrize(
    "title",
    [
        "NEW DATE: Housing stats",
        "Date changed - Housing stats",
        "Housing stats (date changed)",
        "Housing stats (superseded)",
        "Housing stats [replaced by the annual report]",
    ],
)
def test_words_that_name_no_state_are_not_understood(title: str) -> None:
    assert read_called_off(title) == ("Housing stats", Status(is_understood=False))


@pytest.mark.parametrize(
    "title",
    [
        "Cancelled operations: July to September 2026",
        "Cancelled elective operations",
        "Delayed transfers of care: July 2026",
        "Hospital activity (cancelled operations)",
        "Trains: cancelled and delayed services",
        "Trains: cancelled",
        "Delayed discharges: July 2026",
        "Hospital activity: delayed discharges, July 2026",
        "Hospital activity \u2013 delayed transfers of care",
        "Suspended prisoners' pay, 2026",
        "Sentencing - suspended sentence orders",
        "Licences suspended to March 2026",
        "Freight: goods moved by road, 2026",
        "Monthly index (moved)",
        "Monthly index (rescheduled from 19 November)",
        "Monthly index - postponed from 19 November",
        "Households moved to London",
        "Deferred payments, 2026",
        "Provisional: monthly hospital activity",
        "Road casualties (provisional)",
        "Cancelled:",
        "(cancelled)",
        "Example claims",
        "",
    ],
)
def test_a_title_about_cancelled_things_is_not_a_cancellation(title: str) -> None:
    assert read_called_off(title) == (title, Status())
