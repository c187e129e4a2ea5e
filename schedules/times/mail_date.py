"""Dates and waits as the headers of mail and HTTP write them (RFC 5322, RFC 9110)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(days=1)
_LONGEST_TEXT = 100
_MOST_DIGITS = 9


def mail_date(text: str) -> datetime | None:
    """Return the instant of a date in a header or a feed in UTC, also where it names no zone; None for any other text.

    None as well for a date that no calendar of ours contains in UTC, such as the last hour of 9999 in New York.
    """
    try:
        date = parsedate_to_datetime(text[:_LONGEST_TEXT])
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, IndexError, OverflowError):
        return None


def retry_after(text: str, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` asks us to wait, zero for an instant that has passed; None if it names no time.

    It may be seconds or a date; `now` is by the clock of whoever wrote it. More than a day is a mistake, as in a
    timestamp in the place of seconds, and names no time either.
    """
    text = text.strip()
    if text.isdecimal():
        digits = text.lstrip("0")
        wait = timedelta(seconds=int(digits or "0")) if len(digits) <= _MOST_DIGITS else None
    else:
        until = mail_date(text)
        wait = None if until is None else max(timedelta(), until - now)
    return wait if wait is not None and wait <= LONGEST_WAIT else None
