"""Short texts about the answers in evidence: status and caching headers, and never words that a publisher chose."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import urljoin, urlsplit

from monitor.look.fetch import Answer
from schedules.patterns import quick
from schedules.times.mail_date import mail_date

_MOST = 5_000
_FEW = 64
_MOST_LETTERS = 100
_NUMBER = quick(r"\d{1,9}(, ?\d{1,9})*")
_DIRECTIVES = quick(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=\d{1,9}"
    r"|no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|must-understand|private|public|immutable",
    re.IGNORECASE,
)
_TAG = quick(r"(?:W/)?\"[0-9a-f:._-]{1,80}(?:[-;](?:gzip|br))?\"", re.IGNORECASE)
_CACHED = quick(r"\b(?:HIT|MISS|PASS|STALE|EXPIRED|ERROR|REFRESH)\b", re.IGNORECASE)
_MIRROR = quick(r"mirror|error", re.IGNORECASE)


def head_of(answer: Answer) -> str:
    """Return an answer's status and caching headers: `200; date: …; age: 12`.

    A header is shown only if it has the form that it must have, because another text could disclose early content.
    """
    read = ((name, reader(answer.headers[name][:_MOST_LETTERS])) for name, reader in _READERS if name in answer.headers)
    headers = [f"{name}: {text}" for name, text in read if text]
    location = answer.headers.get("location")
    led_to = [f"location: at {_host(answer.url, location)}"] if location else []
    return "; ".join([str(answer.status), *headers, *led_to])


class Same:
    """Shares one copy of equal texts, because a host answers many missing addresses with the same headers."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return the shared copy of a text."""
        if len(self._known) >= _FEW:
            self._known.clear()
        return self._known.setdefault(text, text)


class RecentHeaders:
    """The `head_of` texts of the last 5,000 answers that were kept since the start, by record id."""

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}
        self._same = Same()

    def put(self, record: str, answer: Answer) -> None:
        """Add an answer that was kept as this record."""
        self._heads[record] = self._same.of(head_of(answer))
        if len(self._heads) > _MOST:
            del self._heads[next(iter(self._heads))]

    def get(self, record: str) -> str:
        """Return the text of a record, empty if it was kept before the start."""
        return self._heads.get(record, "")


def _whole(pattern: re.Pattern[str]) -> Callable[[str], str]:
    return lambda text: text.strip() if pattern.fullmatch(text.strip()) else ""


def _every(pattern: re.Pattern[str]) -> Callable[[str], str]:
    return lambda text: ", ".join(pattern.findall(text))


def _date(text: str) -> str:
    date = mail_date(text)
    return "" if date is None else format_datetime(date, usegmt=True)


def _host(url: str, led: str) -> str:
    try:
        here, there = urlsplit(url).hostname, urlsplit(urljoin(url, led)).hostname
    except ValueError:
        return "no address"
    return "the same host" if here == there else "another host"


_READERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("date", _date),
    ("age", _whole(_NUMBER)),
    ("cache-control", _every(_DIRECTIVES)),
    ("etag", _whole(_TAG)),
    ("last-modified", _date),
    ("x-cache", _every(_CACHED)),
    ("fastly-backend-name", _every(_MIRROR)),
)
