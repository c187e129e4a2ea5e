"""What the answers behind records of evidence said of themselves: status and freshness, never a word of their own."""

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
    """Return an answer's status and how fresh it said it was: `200; date: …; age: 12`.

    A header is told in the form that it must have, and not at all in another: it may have been seen before its slot.
    """
    read = ((name, reader(answer.headers[name][:_MOST_LETTERS])) for name, reader in _READERS if name in answer.headers)
    told = [f"{name}: {text}" for name, text in read if text]
    led = answer.headers.get("location")
    return "; ".join([str(answer.status), *told, *([f"location: at {_host(answer.url, led)}"] if led else [])])


class Same:
    """Gives one copy of texts that are the same, as what a host says of many missing addresses within a second is."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return the copy that is known, of the last few dozen."""
        if len(self._known) >= _FEW:
            self._known.clear()
        return self._known.setdefault(text, text)


class RecentHeaders:
    """The heads of the answers kept since the start, the newest five thousand, by record."""

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}
        self._same = Same()

    def put(self, record: str, answer: Answer) -> None:
        """Take note of an answer that is kept as this record."""
        self._heads[record] = self._same.of(head_of(answer))
        if len(self._heads) > _MOST:
            del self._heads[next(iter(self._heads))]

    def get(self, record: str) -> str:
        """Return the head of a record, empty when it was kept before the last start."""
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
