"""The pages of one calendar: asked for, refused when something else answered, and stripped of people."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from monitor.look.apart.workers import Workers
from monitor.look.cache_age import spoken_of
from monitor.look.challenge import challenge, not_theirs
from monitor.look.fetch import Answer, Failure, Request
from schedules.source import Ask, Page
from schedules.sources.body import strip_personal

MEGABYTE = 1_000_000
CAP = 8 * MEGABYTE
FEW = 16_384
"""Bytes that are read here, whatever they hold; more is read apart."""
SECONDS = 20
"""What a step of a read may take of the processor."""
_IN_ITS_PLACE = {
    "mirror": "by a mirror",
    "stale": "with a stale copy",
    "challenge": "with a challenge",
    "sign-in page": "with a sign-in page",
}


class UnansweredAsk(Exception):
    """A request of a read brought no usable answer. `str(fault)` says which and why, in one line."""


@dataclass(slots=True)
class Got:
    """The last answer of one address: its page, the digest of its raw bytes, and the instants it may speak of."""

    answer: Answer
    page: Page
    digest: bytes
    spoken: tuple[datetime, datetime]


@dataclass
class CalendarPages:
    """Asks for the pages of one calendar. `ask` makes a request in its host's turn.

    With `strip` people are taken out of JSON answers before anything of them is hashed or kept. `cap` bounds each
    answer; what is stripped is read by `workers`.
    """

    ask: Callable[[Request], Awaitable[Answer | Failure]]
    strip: bool = False
    cap: int = CAP
    workers: Workers | None = None
    _got: dict[str, Got] = field(default_factory=dict)

    def forget(self, most: int) -> None:
        """Forget the pages of earlier reads when there are more than `most`."""
        if len(self._got) > most:
            self._got.clear()

    async def answered(self, ask: Ask) -> Got | None:
        """Return the answer to one ask, None for an optional one without. Raises `UnansweredAsk`."""
        last = self._got.get(ask.url)
        known = last.page.headers if last is not None and last.page.status == 200 else {}
        answer = await self.ask(
            Request(ask.url, "GET", ask.accept, self.cap, etag=known.get("etag"), modified=known.get("last-modified"))
        )
        if isinstance(answer, Failure):
            _give_up(ask, f"{answer.reason}: {answer.detail}")
            return None
        if why := _is_no_answer(answer):
            _give_up(ask, f"answered {why}")
            return None
        if answer.status == 304 and last is not None:
            return replace(last, spoken=spoken_of(answer))
        return await self._take(ask, answer, last)

    async def _take(self, ask: Ask, answer: Answer, last: Got | None) -> Got | None:
        # A missing item is an answer that sources read (an announcement that is gone); a failure is not.
        if answer.status >= 500 or answer.status in {304, 429} or not answer.whole:
            _give_up(ask, f"answered {answer.status}" if answer.whole else f"is larger than {self.cap // MEGABYTE} MB")
            return None
        digest = hashlib.sha256(answer.body).digest()
        if last is not None and last.digest == digest:
            answer = replace(answer, body=last.page.body)
        elif self.strip:
            answer = replace(answer, body=await self._stripped(ask, answer.body))
        got = Got(answer, Page(ask.url, answer.status, answer.body, dict(answer.headers)), digest, spoken_of(answer))
        if self.strip or {"etag", "last-modified"} & set(answer.headers):
            self._got[ask.url] = got
        return got

    async def _stripped(self, ask: Ask, body: bytes) -> bytes:
        if self.workers is None or len(body) <= FEW:
            return strip_personal(body)
        host = urlsplit(ask.url).hostname or ""
        stripped: bytes = await self.workers.ask("strip", host, body, seconds=SECONDS)
        return stripped


def local(file: Path, now: datetime) -> Got:
    """Return a file of this machine as a page. Raises `UnansweredAsk`."""
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise UnansweredAsk(f"{file.name}: cannot be read: {exc.strerror}") from exc
    answer = Answer(f"file:{file.name}", 200, {}, body, now, now)
    return Got(answer, Page(file.name, 200, body), b"", (now, now))


def _is_no_answer(answer: Answer) -> str:
    """Return what answered in the calendar's place, by the rules that hold for looks; empty when it did itself."""
    return _IN_ITS_PLACE.get(not_theirs(answer) or challenge(answer) or "", "")


def _give_up(ask: Ask, why: str) -> None:
    if not ask.optional:
        raise UnansweredAsk(f"{why} ({ask.url})")
