"""Days and instants as people in Britain write them at a prompt."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click
import pytest

from monitor.cli.dates import LOCAL_TIME, read_day, read_instant, to_local_iso

WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-26", date(2026, 11, 26)),
        ("26/11/2026", date(2026, 11, 26)),
        ("26 November 2026", date(2026, 11, 26)),
        ("26 Nov", date(2026, 11, 26)),
        ("3 Feb", date(2027, 2, 3)),
        ("3 Oct", date(2026, 10, 3)),
        ("friday", date(2026, 11, 27)),
        ("Wednesday", WEDNESDAY),
        ("yesterday", date(2026, 11, 24)),
        ("tomorrow", date(2026, 11, 26)),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, day: date) -> None:
    """Today is a Wednesday, 25 November 2026. A day without a year is the nearest one of that
    date.
    """
    assert read_day(text, WEDNESDAY) == day


@pytest.mark.parametrize(
    "text", ["", "soon", "12/13/2026", "November", "2026", "31 Feb", "0001-01-01", "9999-12-31"]
)
def test_a_text_that_is_no_day_is_not_read(text: str) -> None:
    """A case is a word, an incomplete date, one that does not exist, or one too far away."""
    assert read_day(text, WEDNESDAY) is None


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-26T09:31:00Z", datetime(2026, 11, 26, 9, 31, tzinfo=UTC)),
        ("2026-07-26T09:31:00", datetime(2026, 7, 26, 8, 31, tzinfo=UTC)),
        ("26/11/2026 9:31", datetime(2026, 11, 26, 9, 31, tzinfo=UTC)),
        ("5 January 2018 9.30am", datetime(2018, 1, 5, 9, 30, tzinfo=UTC)),
        ("9:40", datetime(2026, 11, 25, 9, 40, tzinfo=UTC)),
        ("9.30am", datetime(2026, 11, 25, 9, 30, tzinfo=UTC)),
        ("yesterday 9:40", datetime(2026, 11, 24, 9, 40, tzinfo=UTC)),
        ("friday 9.30am", datetime(2026, 11, 27, 9, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_people_write_it(text: str, instant: datetime) -> None:
    """It is Wednesday 25 November 2026. Texts without a zone are local: 09:31 in July is 08:31
    UTC.
    """
    assert read_instant(text, WEDNESDAY) == instant


@pytest.mark.parametrize(
    "text", ["", "soon", "26/13/2026 9:31", "25:61", "9999-12-31T23:59:59Z", "friday"]
)
def test_a_text_that_is_no_instant_is_not_read(text: str) -> None:
    assert read_instant(text, WEDNESDAY) is None


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("25/6/2018 9.30am", "2018-06-25T09:30"),
        ("1 Oct 2016", "2016-10-01"),
        ("2018-01-04T16:20:05Z", "2018-01-04T16:20:05Z"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_typed_time_becomes_local_iso_text_if_readable(text: str, iso: str) -> None:
    """For example, "25/6/2018 9.30am" becomes 2018-06-25T09:30.

    Other texts, and ISO texts, are kept.
    """
    assert to_local_iso(text) == iso


def test_a_time_that_cannot_be_read_is_refused_with_examples() -> None:
    assert LOCAL_TIME.convert("25/6/2018 9.30am", None, None) == "2018-06-25T09:30"
    with pytest.raises(click.BadParameter, match=r'write "9\.31am".* \(got "25:99"\)'):
        LOCAL_TIME.convert("25:99", None, None)
