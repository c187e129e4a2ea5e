"""Reads the dates and delays of mail and HTTP headers (RFC 5322, RFC 9110)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(days=1)
_LONGEST_TEXT = 100
_MOST_DIGITS = 9


def mail_date(text: str) -> datetime | None:
    """Return the instant (UTC) of a date in a header or a feed, None for any other text.

    The default zone is UTC.

    Return None also if Python cannot express it in UTC, such as the last hour of 9999 in New York.
    """
    try:
        date = parsedate_to_datetime(text[:_LONGEST_TEXT])
        if date.tzinfo is None:
            return date.replace(tzinfo=UTC)
        return date.astimezone(UTC)
    except (ValueError, IndexError, OverflowError):
        return None


def retry_after(text: str, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` header asks us to wait, None if it is not valid.

    It contains seconds or a date. A date in the past means zero. `now` is by the clock of the
    server that wrote it. More than a day is not valid, because it is most likely a timestamp in
    place of seconds.
    """
    text = text.strip()
    wait = None
    if text.isdecimal():
        digits = text.lstrip("0")
        if len(digits) <= _MOST_DIGITS:
            wait = timedelta(seconds=int(digits or "0"))
    elif (until := mail_date(text)) is not None:
        wait = max(timedelta(), until - now)
    if wait is not None and wait <= LONGEST_WAIT:
        return wait
    return None
