"""Fetches the pages of one calendar, refuses answers that are not the calendar's, and removes
personal data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from monitor.look.cache_age import answer_time_bounds
from monitor.look.challenge import find_challenge, rejection_reason
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.sandbox.workers import Workers
from schedules.source import Page, PageRequest

MEGABYTE = 1_000_000
LARGEST_ANSWER = 8 * MEGABYTE
WORKER_SECONDS = 20
"""Limit of processor seconds of a worker for one step of a read."""
_SUBSTITUTES = {
    "mirror": "by a mirror",
    "stale": "with a stale copy",
    "challenge": "with a challenge",
    "sign-in page": "with a sign-in page",
}


class PagesUnavailable(Exception):
    """Raised if a calendar's pages cannot be fetched, or are too many.

    `str(fault)` says why, in one line.
    """


@dataclass(slots=True)
class FetchedPage:
    """An answer, its page, and the digest of its bytes as received.

    `as_of_range` is the earliest and the latest instant that it can describe, given its time in
    caches.
    """

    answer: Answer
    page: Page
    digest: bytes
    as_of_range: tuple[datetime, datetime]


@dataclass
class CalendarPages:
    """Fetches the pages of one calendar. `ask` makes a request within the budget of its host.

    With `strip`, `workers` remove personal data from JSON answers before they are hashed or stored.
    `cap` is the largest answer in bytes.
    """

    ask: Callable[[Request], Awaitable[Answer | Failure]]
    workers: Workers
    strip: bool = False
    cap: int = LARGEST_ANSWER
    _fetched: dict[str, FetchedPage] = field(default_factory=dict)

    def clear_if_more_than(self, most: int) -> None:
        """Forget all pages of earlier reads if there are more than `most`."""
        if len(self._fetched) > most:
            self._fetched.clear()

    async def fetch(self, request: PageRequest) -> FetchedPage | None:
        """Return the page for one request, None if it is optional and has no usable answer.

        Raises `PagesUnavailable`.

        If the server says that the page has not changed since the last request (304), that page is
        returned again.
        """
        last = self._fetched.get(request.url)
        headers = last.page.headers if last is not None and last.page.status == 200 else {}
        etag, modified = headers.get("etag"), headers.get("last-modified")
        plain = Request(request.url, "GET", request.accept, self.cap, bust=request.bust)
        answer = await self.ask(replace(plain, etag=etag, modified=modified))
        fault = self._describe_fault(answer, is_repeated=last is not None)
        if isinstance(answer, Failure) or fault:
            if request.optional:
                return None
            raise PagesUnavailable(f"{fault} ({request.url})")
        if answer.status == 304 and last is not None:
            return replace(last, as_of_range=answer_time_bounds(answer))
        digest = hashlib.sha256(answer.body).digest()  # of the body as received, with personal data
        if last is not None and last.digest == digest:
            answer = replace(answer, body=last.page.body)  # without personal data already
        elif self.strip:
            answer = replace(answer, body=await self._strip_people(request.url, answer.body))
        page = Page(request.url, answer.status, answer.body, dict(answer.headers))
        fetched = FetchedPage(answer, page, digest, answer_time_bounds(answer))
        # The next request needs this page if its answer may be a 304, or an equal body that need
        # not be stripped again.
        if self.strip or {"etag", "last-modified"} & set(answer.headers):
            self._fetched[request.url] = fetched
        return fetched

    def _describe_fault(self, answer: Answer | Failure, *, is_repeated: bool) -> str:
        """Return why an answer cannot be used, or an empty string.

        A 304 can be used only if the page `is_repeated`.
        """
        if isinstance(answer, Failure):
            return f"{answer.reason}: {answer.detail}"
        # by the same rules as for looks
        reason = rejection_reason(answer) or find_challenge(answer)
        if reason in _SUBSTITUTES:
            return f"answered {_SUBSTITUTES[reason]}"
        # A 404 can be used: a source may interpret it as the removal of an announcement.
        is_usable = (
            answer.status < 500 and answer.status != 429 and (answer.status != 304 or is_repeated)
        )
        return "" if is_usable else f"answered {answer.status}"

    async def _strip_people(self, url: str, body: bytes) -> bytes:
        host = urlsplit(url).hostname or ""
        stripped: bytes = await self.workers.run(
            "strip", host, body, seconds=WORKER_SECONDS, is_look=False
        )
        return stripped


def host_of(pages: Sequence[Page]) -> str:
    """Return the host of these pages, empty for a local file."""
    return (urlsplit(pages[0].url).hostname if pages else None) or ""


def read_local_file(file: Path, now: datetime) -> FetchedPage:
    """Return a local file as a page. Raises `PagesUnavailable` if it cannot be read."""
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise PagesUnavailable(f"{file.name}: cannot be read: {exc.strerror}") from exc
    answer = Answer(f"file:{file.name}", 200, {}, body, sent=now, received=now)
    page = Page(file.name, answer.status, body)
    # only pages that are kept need a digest
    return FetchedPage(answer, page, digest=b"", as_of_range=(now, now))
