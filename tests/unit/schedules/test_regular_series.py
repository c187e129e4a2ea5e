"""When the next edition of a regular series may be expected."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.ledger_event import EventKind
from schedules.regular_series import Expectation, expect_next_edition, series_of
from schedules.slot import Precision, Slot

WIDGETS = series_of("dfx", "Widgets: May 2026")
THIRD_WEDNESDAYS = [
    date(2026, month, day) for month, day in ((1, 21), (2, 18), (3, 18), (4, 15), (5, 20))
]
EXPECTED_IN_JUNE = Expectation(WIDGETS, date(2026, 6, 10), date(2026, 6, 24))
LATE_IN_MAY = datetime(2026, 5, 30, tzinfo=UTC)


def on(month: int, day: int) -> Slot:
    return Slot(Precision.DAY, first=date(2026, month, day), last=date(2026, month, day))


def test_editions_of_one_series_share_producer_and_name() -> None:
    assert series_of("dfx", "Widgets: June 2026 (statistical bulletin)") == WIDGETS


def test_next_edition_is_expected_within_week_of_median_gap() -> None:
    """From one third Wednesday to the next there are 28 or 35 days, most often 28."""
    expected_day, week = THIRD_WEDNESDAYS[-1] + timedelta(days=28), timedelta(days=7)
    expectation = expect_next_edition(WIDGETS, THIRD_WEDNESDAYS)
    assert expectation == Expectation(WIDGETS, expected_day - week, expected_day + week)


def test_the_dates_of_a_series_may_be_in_any_order() -> None:
    newest_first = THIRD_WEDNESDAYS[::-1]
    assert expect_next_edition(WIDGETS, newest_first) == expect_next_edition(
        WIDGETS, THIRD_WEDNESDAYS
    )


@pytest.mark.parametrize(
    "released",
    [
        THIRD_WEDNESDAYS[:3],
        [date(2026, 1, 1), date(2026, 2, 1), date(2026, 5, 1), date(2026, 5, 20)],
        [date(2026, 1, day) for day in (1, 8, 15, 22, 29)],
        [],
    ],
    ids=["three editions", "irregular", "weekly", "none"],
)
def test_too_few_irregular_or_weekly_editions_raise_no_expectation(released: list[date]) -> None:
    """At least four editions are needed, more than two weeks apart and at about equal gaps."""
    assert expect_next_edition(WIDGETS, released) is None


@pytest.mark.parametrize(
    "announced",
    [on(6, 17), on(7, 30), Slot(Precision.MONTH, first=date(2026, 6, 1), last=date(2026, 6, 30))],
    ids=["in the window", "later", "in the month of the window"],
)
def test_nothing_is_reported_once_the_expected_edition_is_announced(announced: Slot) -> None:
    """The next edition is expected from 10 to 24 June. On 30 May, a missing announcement of it
    would be reported. Here it is announced, for example for 17 June or for the whole of June.
    """
    last_edition = on(5, 20)
    assert EXPECTED_IN_JUNE.find_unannounced([last_edition, announced], LATE_IN_MAY) is None


def test_past_or_undated_announcements_do_not_announce_the_next_edition() -> None:
    """The next edition of "widgets" is expected from 10 to 24 June.

    20 May or a slot without a date is not that.
    """
    past, undated = on(5, 20), Slot(Precision.NONE, reason="tbc")
    event = EXPECTED_IN_JUNE.find_unannounced([past, undated], LATE_IN_MAY)
    assert event is not None
    assert (event.what, event.detail) == (EventKind.UNANNOUNCED, "widgets")


@given(st.dates(date(2010, 1, 1), date(2020, 1, 1)), st.integers(15, 400), st.integers(4, 20))
def test_a_perfectly_regular_series_is_expected_on_its_day(
    first: date, gap: int, count: int
) -> None:
    """So far there were `count` editions, each `gap` days after the last. The numbers are random.
    The next edition is expected in a period that contains the day one gap later.
    """
    editions = [first + timedelta(days=gap * number) for number in range(count)]
    next_edition = first + timedelta(days=gap * count)
    expectation = expect_next_edition(WIDGETS, editions)
    assert expectation is not None
    assert expectation.first <= next_edition <= expectation.last
