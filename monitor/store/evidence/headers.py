"""Summarises answers in evidence by status and caching headers, without any words that a publisher
chose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from monitor.look.fetch import Answer
from schedules.patterns import quick
from schedules.times.mail_date import mail_date

_RECORDS_REMEMBERED = 5_000
_TEXTS_SHARED = 64
_LONGEST_HEADER = 100
_NUMBER = quick(r"\d{1,9}(, ?\d{1,9})*")
_DIRECTIVES = quick(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=\d{1,9}"
    r"|no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|must-understand|private|public|immutable",
    re.IGNORECASE,
)
_TAG = quick(r"(?:W/)?\"[0-9a-f:._-]{1,80}(?:[-;](?:gzip|br))?\"", re.IGNORECASE)
_CACHED = quick(r"\b(?:HIT|MISS|PASS|STALE|EXPIRED|ERROR|REFRESH)\b", re.IGNORECASE)
_MIRROR = quick(r"mirror|error", re.IGNORECASE)


def summarise_headers(answer: Answer) -> str:
    """Return an answer's status and caching headers: `200; date: …; age: 12`.

    A header is included only if it has its prescribed form, because any other text could disclose
    early content.
    """
    parts = [str(answer.status)]
    for name, read_prescribed_form in _READERS:
        if text := read_prescribed_form(answer.headers.get(name, "")[:_LONGEST_HEADER]):
            parts.append(f"{name}: {text}")
    if location := answer.headers.get("location"):
        parts.append(f"location: at {_describe_host(answer.url, location)}")
    return "; ".join(parts)


def text_sharer() -> Callable[[str], str]:
    """Return a function that returns one copy of equal texts.

    All missing pages of a host have equal headers.
    """
    return lru_cache(maxsize=_TEXTS_SHARED)(str)


class RecentHeaders:
    """The summaries of the last 5,000 answers that were kept since the start, by record id."""

    def __init__(self) -> None:
        self._summaries: dict[str, str] = {}
        self._share = text_sharer()

    def put(self, record: str, answer: Answer) -> None:
        """Add an answer that was kept as this record."""
        self._summaries[record] = self._share(summarise_headers(answer))
        if len(self._summaries) > _RECORDS_REMEMBERED:
            del self._summaries[next(iter(self._summaries))]

    def get(self, record: str) -> str:
        """Return the summary for a record, empty if it was kept before the start."""
        return self._summaries.get(record, "")


def _match_whole(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Return a reader of headers for which all of the text must match."""
    return lambda text: text.strip() if pattern.fullmatch(text.strip()) else ""


def _find_all(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Return a reader of headers that keeps the parts that match."""
    return lambda text: ", ".join(pattern.findall(text))


def _format_date(text: str) -> str:
    """Return a date header in its standard form, or an empty string if it is not a date."""
    date = mail_date(text)
    return "" if date is None else format_datetime(date, usegmt=True)


def _describe_host(url: str, location: str) -> str:
    """Return whether a redirect from `url` leads to the same host, in words."""
    try:
        host, redirect_host = urlsplit(url).hostname, urlsplit(urljoin(url, location)).hostname
    except ValueError:
        return "no address"
    return "the same host" if host == redirect_host else "another host"


# Each returns what of a header may be shown, "" for nothing.
_READERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("date", _format_date),
    ("age", _match_whole(_NUMBER)),
    ("cache-control", _find_all(_DIRECTIVES)),
    ("etag", _match_whole(_TAG)),
    ("last-modified", _format_date),
    ("x-cache", _find_all(_CACHED)),
    ("fastly-backend-name", _find_all(_MIRROR)),
)
