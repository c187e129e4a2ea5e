"""A date text that cannot be read is reported only if it may mean one of the next days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.dates.unread import may_fall_within

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("as soon as it is ready", True),
        ("the last working day of the month", True),
        ("early Novemberish", True),
        ("first Thursday or so of December", True),
        ("Tuesday the 31st of Nov 2026", True),
        ("about a week after the accounts of 2024/25", True),
        ("Maybe next week", True),
        ("It may be out soon", True),
        ("Marked as late", True),
        ("Figures for March, out when ready", True),
        ("data for 2025, next week", True),
        ("dydd Mawrth nesaf", True),
        ("Gorffennaf 2027, rhywbryd", False),
        ("some time in 2028", False),
        ("after Easter, perhaps in May", False),
        ("Nov 2027, day not fixed", False),
    ],
)
def test_a_text_is_ruled_out_only_by_the_years_and_months_that_it_names(
    text: str, *, may_be: bool
) -> None:
    assert may_fall_within(text, TODAY, TODAY + timedelta(days=7)) is may_be
