"""Fetches the pages of one calendar, refuses answers that are not the calendar's, and removes personal data."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from monitor.look.apart.workers import Workers
from monitor.look.cache_age import answer_time_bounds
from monitor.look.challenge import find_challenge, rejected_by_headers
from monitor.look.fetch import Answer, Failure, Request
from schedules.source import Page, PageRequest
from schedules.sources.body import strip_personal

MEGABYTE = 1_000_000
CAP = 8 * MEGABYTE
FEW = 16_384
"""The most bytes that are parsed in this process. More is parsed by a worker process."""
SECONDS = 20
"""Processor seconds that a worker may use for one step of a read."""
_SUBSTITUTES = {
    "mirror": "by a mirror",
    "stale": "with a stale copy",
    "challenge": "with a challenge",
    "sign-in page": "with a sign-in page",
}


class UnansweredAsk(Exception):
    """A request got no usable answer. `str(fault)` says which request and why, in one line."""


@dataclass(slots=True)
class FetchedPage:
    """The last answer of one address: its page and the digest of its raw bytes.

    `as_of_range` are the earliest and the latest instant that it can describe, given its time in caches.
    """

    answer: Answer
    page: Page
    digest: bytes
    as_of_range: tuple[datetime, datetime]


@dataclass
class CalendarPages:
    """Fetches the pages of one calendar. `ask` makes a request in its host's turn.

    With `strip`, personal data is removed from JSON answers, by `workers`, before they are hashed or kept. `cap` is
    the largest answer in bytes.
    """

    ask: Callable[[Request], Awaitable[Answer | Failure]]
    strip: bool = False
    cap: int = CAP
    workers: Workers | None = None
    _fetched: dict[str, FetchedPage] = field(default_factory=dict)

    def forget(self, most: int) -> None:
        """Forget all pages of earlier reads if there are more than `most`."""
        if len(self._fetched) > most:
            self._fetched.clear()

    async def fetch(self, ask: PageRequest) -> FetchedPage | None:
        """Return the answer to one request, None if an optional one got none. Raises `UnansweredAsk`."""
        last = self._fetched.get(ask.url)
        known = last.page.headers if last is not None and last.page.status == 200 else {}
        answer = await self.ask(
            Request(ask.url, "GET", ask.accept, self.cap, etag=known.get("etag"), modified=known.get("last-modified"))
        )
        if isinstance(answer, Failure):
            _refuse_unless_optional(ask, f"{answer.reason}: {answer.detail}")
            return None
        if why := _describe_substitute(answer):
            _refuse_unless_optional(ask, f"answered {why}")
            return None
        if answer.status == 304 and last is not None:
            return replace(last, as_of_range=answer_time_bounds(answer))
        return await self._check_answer(ask, answer, last)

    async def _check_answer(self, ask: PageRequest, answer: Answer, last: FetchedPage | None) -> FetchedPage | None:
        # A 404 is an answer that sources interpret: the announcement was removed. A server error is not.
        if answer.status >= 500 or answer.status in {304, 429} or not answer.whole:
            why = f"answered {answer.status}" if answer.whole else f"is larger than {self.cap // MEGABYTE} MB"
            _refuse_unless_optional(ask, why)
            return None
        digest = hashlib.sha256(answer.body).digest()
        if last is not None and last.digest == digest:
            answer = replace(answer, body=last.page.body)
        elif self.strip:
            answer = replace(answer, body=await self._strip_people(ask, answer.body))
        page = Page(ask.url, answer.status, answer.body, dict(answer.headers))
        got = FetchedPage(answer, page, digest, answer_time_bounds(answer))
        if self.strip or {"etag", "last-modified"} & set(answer.headers):
            self._fetched[ask.url] = got
        return got

    async def _strip_people(self, ask: PageRequest, body: bytes) -> bytes:
        if self.workers is None or len(body) <= FEW:
            return strip_personal(body)
        host = urlsplit(ask.url).hostname or ""
        stripped: bytes = await self.workers.run("strip", host, body, seconds=SECONDS)
        return stripped


def read_local_file(file: Path, now: datetime) -> FetchedPage:
    """Return a local file as a page. Raises `UnansweredAsk` if it cannot be read."""
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise UnansweredAsk(f"{file.name}: cannot be read: {exc.strerror}") from exc
    answer = Answer(f"file:{file.name}", 200, {}, body, now, now)
    return FetchedPage(answer, Page(file.name, 200, body), b"", (now, now))


def _describe_substitute(answer: Answer) -> str:
    """Return what answered instead of the calendar, by the same rules as for looks. Empty if the calendar did."""
    return _SUBSTITUTES.get(rejected_by_headers(answer) or find_challenge(answer) or "", "")


def _refuse_unless_optional(ask: PageRequest, why: str) -> None:
    if not ask.optional:
        raise UnansweredAsk(f"{why} ({ask.url})")
