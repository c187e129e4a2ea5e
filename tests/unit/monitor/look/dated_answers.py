"""Answers with the dates of hosts, whose clocks and ours may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from monitor.look.fetch import Answer

URL = "https://a.example/"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECONDS_TO_ANSWER = 0.04
# Dates are whole seconds. Looks this many seconds apart show them at different fractions of a
# second.
LOOK_EVERY = 1.07


def answer_with_date(
    *,
    at: float,
    our_clock_ahead: float = 0.0,
    host_behind: float = 0.0,
    age: int = 0,
    keeps_origin_date: bool = False,
) -> Answer:
    """Return an answer requested at this second of true time.

    Our clock and the host's may be wrong by some seconds.

    A cache kept it for `age` seconds. It sends its own date with it, or if `keeps_origin_date` that
    of the origin.
    """
    date = NOON + timedelta(
        seconds=at + SECONDS_TO_ANSWER / 2 - host_behind - (age if keeps_origin_date else 0)
    )
    headers = {"date": format_datetime(date.replace(microsecond=0), usegmt=True)}
    headers |= {"age": str(age)} if age else {}
    sent = NOON + timedelta(seconds=at + our_clock_ahead)
    return Answer(URL, 200, headers, b"", sent, sent + timedelta(seconds=SECONDS_TO_ANSWER))
