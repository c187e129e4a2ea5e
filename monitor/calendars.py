"""Reads each calendar through the Fetcher: asks what the source wants asked, and hands it the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.look.fetch import Answer, Failure, Fetcher, Request
from monitor.record.rows import CalendarRead
from schedules.source import Ask, CalendarSource, Page, Reading, UnreadableCalendar

CAP = 20_000_000
MOST_PAGES = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a read gave: the row for the store, the reading when there was a usable one, and the pages.

    `unchanged`: the bytes are those of the last usable read, and the reading is that one again.
    """

    read: CalendarRead
    reading: Reading | None
    pages: tuple[Page, ...] = ()
    unchanged: bool = False


class UnansweredAsk(Exception):
    """A request of a read brought no usable answer. `str(fault)` says which and why, in one line."""


@dataclass
class CalendarReader:
    """Reads one calendar. `turn` waits for this host's next start within its budget."""

    name: str
    source: CalendarSource
    fetcher: Fetcher
    turn: Callable[[str], Awaitable[None]]
    clock: Clock
    file: Path | None = None
    heard: Callable[[str, Answer], None] = lambda _host, _answer: None
    _digest: str = ""
    _reading: Reading | None = None
    _tags: dict[str, tuple[str, Page]] = field(default_factory=dict)

    async def read(self) -> Outcome:
        """Make one read. Never raises for what the network or the calendar does."""
        started = self.clock.now()
        try:
            pages = await self._pages()
            reading, digest, unchanged = self._read(pages)
        except (UnansweredAsk, UnreadableCalendar) as exc:
            finished = self.clock.now()
            return Outcome(CalendarRead(self.name, started, finished, usable=False, fault=str(exc)), None)
        read = CalendarRead(
            self.name,
            started,
            self.clock.now(),
            usable=True,
            entries=len(reading.announcements),
            digest=digest,
        )
        return Outcome(read, reading, tuple(pages), unchanged)

    def _read(self, pages: Sequence[Page]) -> tuple[Reading, str, bool]:
        digest = hashlib.sha256(b"\0".join(page.body for page in pages)).hexdigest()
        if digest == self._digest and self._reading is not None:
            return self._reading, digest, True
        self._reading = self.source.read(pages, self.clock.now())
        self._digest = digest
        return self._reading, digest, False

    async def _pages(self) -> list[Page]:
        if self.file is not None:
            return [_local(self.file)]
        pages: list[Page] = []
        asks = list(self.source.first(self.clock.now()))
        if len(self._tags) > MOST_PAGES:
            self._tags.clear()
        while asks:
            pages += [page for ask in asks if (page := await self._answered(ask)) is not None]
            if len(pages) > MOST_PAGES:
                raise UnansweredAsk(f"wants more than {MOST_PAGES} pages")
            asks = list(self.source.more(pages, self.clock.now()))
        return pages

    async def _answered(self, ask: Ask) -> Page | None:
        host = urlsplit(ask.url).hostname or ""
        tag, known = self._tags.get(ask.url, (None, None))
        await self.turn(host)
        answer = await self.fetcher.fetch(Request(ask.url, accept=ask.accept, cap=CAP, etag=tag))
        if isinstance(answer, Failure):
            _give_up(ask, f"{answer.reason}: {answer.detail}")
            return None
        self.heard(host, answer)
        if answer.status == 304 and known is not None:
            return known
        return self._page(ask, answer)

    def _page(self, ask: Ask, answer: Answer) -> Page | None:
        # A missing item is an answer that sources read (an announcement that is gone); a failure is not.
        if answer.status >= 500 or answer.status == 429 or not answer.whole:
            _give_up(ask, f"answered {answer.status}" if answer.whole else "is larger than 20 MB")
            return None
        page = Page(ask.url, answer.status, answer.body, dict(answer.headers))
        if tag := answer.headers.get("etag"):
            self._tags[ask.url] = (tag, page)
        return page


def _local(file: Path) -> Page:
    try:
        return Page(file.name, 200, file.read_bytes())
    except OSError as exc:
        raise UnansweredAsk(f"{file.name}: cannot be read: {exc.strerror}") from exc


def _give_up(ask: Ask, why: str) -> None:
    if not ask.optional:
        raise UnansweredAsk(f"{ask.url} {why}")
