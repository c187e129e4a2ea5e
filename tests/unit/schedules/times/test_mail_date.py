from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.times.mail_date import LONGEST_WAIT, mail_date, retry_after

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 26 Nov 2026 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00",
        "26 Nov 2026 07:00:00 -0500",
        "Thu, 26 Nov 2026 12:00:00 -0000",
    ],
)
def test_a_date_is_read_in_utc(text: str) -> None:
    """Each text is noon UTC on 26 November 2026. Without a zone, UTC is assumed."""
    date = mail_date(text)
    assert date is not None
    assert (date, date.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "\xb2",
        "Thu, 26 Nov 99999999999999999999 12:00:00 GMT",
        "Thu, 26 Nov 2026 12:00:00 -99999999999999",
        # In UTC this is the year 10000.
        "Fri, 31 Dec 9999 23:59:59 -1200",
    ],
)
def test_text_that_is_no_utc_date_gives_none(text: str) -> None:
    assert mail_date(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("0000000000030", 30),
        ("86400", 86_400),
        ("Thu, 26 Nov 2026 12:00:30 GMT", 30),
        ("Thu, 26 Nov 2026 12:00:30", 30),
        ("Fri, 27 Nov 2026 12:00:00 GMT", 86_400),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
    ],
)
def test_both_forms_of_retry_after_are_read(text: str, seconds: int) -> None:
    """The header has a number of seconds, or a date. A date is compared with the time now, noon UTC
    on 26 November 2026.
    """
    assert retry_after(text, NOON) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "3.5",
        "86401",
        # Seconds since 1970, as in a header that was meant for another name.
        "1795694430",
        "1000000000000",
        "9" * 5000,
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Thu, 26 Nov 99999999999999999999 12:00:30 GMT",
    ],
)
def test_an_invalid_or_very_long_retry_after_is_ignored(text: str) -> None:
    """A wait of more than a day (86,400 s) is ignored."""
    assert retry_after(text, NOON) is None


@given(
    st.text() | st.integers().map(str) | st.datetimes().map("{:%a, %d %b %Y %H:%M:%S} GMT".format)
)
def test_no_retry_after_is_longer_than_a_day(text: str) -> None:
    wait = retry_after(text, NOON)
    assert wait is None or timedelta() <= wait <= LONGEST_WAIT
