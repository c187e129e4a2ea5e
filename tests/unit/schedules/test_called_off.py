from __future__ import annotations

import pytest

from schedules.announcement import State
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
    ],
)
def test_cancelling_title_gives_state_and_rest_of_title(
    title: str, rest: str, state: State
) -> None:
    assert read_called_off(title) == (rest, state)


@pytest.mark.parametrize(
    "title",
    [
        "Cancelled operations: July to September 2026",
        "Cancelled elective operations",
        "Delayed transfers of care: July 2026",
        "Hospital activity (cancelled operations)",
        "Trains: cancelled and delayed services",
        "Provisional: monthly hospital activity",
        "Road casualties (provisional)",
        "Cancelled:",
        "(cancelled)",
        "Example claims",
        "",
    ],
)
def test_a_title_about_cancelled_things_is_not_a_cancellation(title: str) -> None:
    assert read_called_off(title) == (title, None)
