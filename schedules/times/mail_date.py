"""Dates as mail and HTTP write them (RFC 5322, RFC 9110)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 100


def mail_date(text: str) -> datetime | None:
    """Return the instant of a date in a header or a feed, one without a zone in UTC; None for any other text."""
    try:
        date = parsedate_to_datetime(text[:_LONGEST])
    except (ValueError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date
