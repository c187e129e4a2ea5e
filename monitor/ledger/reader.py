"""Reads one calendar: makes the requests that its source names, and lets the source read the answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.ledger.pages import (
    MEGABYTE,
    MOST_IN_PROCESS,
    WORKER_SECONDS,
    CalendarPages,
    FetchedPage,
    UnansweredAsk,
    read_local_file,
)
from monitor.look.sandbox.process import ReadFault
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.source import Ask, CalendarSource, Page, Reading, StatefulSource, UnreadableCalendar

MOST_BYTES = 32 * MEGABYTE
"""The most bytes that all answers of one read may have in sum."""
MOST_ENTRIES = 50_000
MOST_PAGES = 500
_SMALL = 200_000
"""The most bytes that are parsed on the event loop. More are parsed in a thread, so that no look is delayed."""

Adjust = Callable[[Announcement], Announcement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a read: the row for the store, and the reading, None if the read was not usable.

    If the calendar has not changed, `reading` is the same object as after the last read. `as_of` is the earliest
    instant that the oldest page can describe, given its time in caches. The row's `finished` is the latest instant that
    the newest page can describe.
    """

    read: CalendarRead
    reading: Reading | None
    as_of: datetime | None = None


@runtime_checkable
class RemembersEntries(Protocol):
    """A source that requests the page of each entry that its list no longer shows."""

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Add the stored entries of this calendar."""


@dataclass
class CalendarReader:
    """Reads one calendar, one read at a time.

    `evidence` keeps the bytes if the calendar has changed, or if the read failed for another reason than the last one.
    `adjust` applies the configuration's changes to an announcement. `producer` is set if all entries are from one
    producer. The workers of `pages` parse the answers, except small ones if the format `is_plain`.
    """

    name: str
    source: CalendarSource
    pages: CalendarPages
    clock: Clock
    file: Path | None = None
    evidence: Evidence | None = None
    adjust: Adjust | None = None
    producer: str = ""
    is_plain: bool = False
    _digest: str = ""
    _reading: Reading | None = None
    _last_fault: str = ""
    _last_records: str = ""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Pass the stored entries to the source, if it requests the pages of removed ones."""
        if isinstance(self.source, RemembersEntries):
            self.source.remember(announcements)

    async def read(self) -> Outcome:
        """Read the calendar once. A failure of the network or the calendar is part of the result, not an exception."""
        async with self._lock:
            return await self._read_once()

    async def _read_once(self) -> Outcome:
        started = self.clock.now()
        got: list[FetchedPage] = []
        try:
            await self._fetch_pages(got)
            pages = tuple(each.page for each in got)
            reading, digest = await self._read_pages(pages)
        except (UnansweredAsk, UnreadableCalendar, ReadFault) as exc:
            fault = " ".join(str(exc).split())
            records = self._keep_evidence(got, fault)
            return Outcome(
                CalendarRead(self.name, started, self.clock.now(), usable=False, fault=fault, evidence=records), None
            )
        is_repeated = reading is self._reading and not self._last_fault
        records = self._last_records if is_repeated else self._keep_evidence(got, "")
        self._reading, self._digest = reading, digest
        read = CalendarRead(
            self.name,
            started,
            max((each.as_of_range[1] for each in got), default=started),
            usable=True,
            entries=len(reading.announcements),
            digest=digest,
            evidence=records,
        )
        return Outcome(read, reading, min((each.as_of_range[0] for each in got), default=started))

    async def _read_pages(self, pages: Sequence[Page]) -> tuple[Reading, str]:
        """Return the reading of these pages, or the last reading itself if they have not changed, and their digest."""
        now, digest, last = self.clock.now(), _hash_pages(pages), self._reading
        if last is not None and digest == self._digest:
            return last, digest
        if self._needs_worker(pages):
            return self._check_and_adjust(await self._run_in_worker("read", pages, now)), digest
        if sum(len(page.body) for page in pages) <= _SMALL:
            return self._check_and_adjust(self.source.read(pages, now)), digest
        make = partial(self.source.read, pages, now)
        return self._check_and_adjust(await asyncio.get_running_loop().run_in_executor(None, make)), digest

    def _needs_worker(self, pages: Sequence[Page]) -> bool:
        is_small = self.is_plain and sum(len(page.body) for page in pages) <= MOST_IN_PROCESS
        return self.pages.workers is not None and self.file is None and not is_small

    async def _run_in_worker(self, task: str, pages: Sequence[Page], now: datetime) -> Any:  # noqa: ANN401  # by task
        """Run a step of the source in a worker process. Raises `UnreadableCalendar` and `ReadFault`."""
        assert self.pages.workers is not None  # noqa: S101  # `_needs_worker` has checked it
        host = urlsplit(pages[0].url).hostname if pages else None
        work = (task, host or "", self.source, tuple(pages), now)
        answer, state = await self.pages.workers.run(*work, seconds=WORKER_SECONDS)
        if isinstance(self.source, StatefulSource):
            self.source.import_state(state)
        if isinstance(answer, str):
            raise UnreadableCalendar(answer)
        return answer

    def _check_and_adjust(self, reading: Reading) -> Reading:
        """Return a reading as adjusted, or the last one if they are equal. Raises `UnreadableCalendar` if too large."""
        last = self._reading
        if self.file is None and len(reading.announcements) > MOST_ENTRIES:
            raise UnreadableCalendar(f"more than {MOST_ENTRIES} entries")
        if self.adjust is not None:
            reading = replace(reading, announcements=tuple(map(self.adjust, reading.announcements)))
        return last if last is not None and _is_same_reading(reading, last) else reading

    async def _fetch_pages(self, got: list[FetchedPage]) -> None:
        """Add all pages of the calendar to `got`. Raises `UnansweredAsk`: `got` then has the pages before that."""
        if self.file is not None:
            got.append(read_local_file(self.file, self.clock.now()))
            return
        self.pages.forget(MOST_PAGES)
        asks = list(self.source.first(self.clock.now()))
        while asks:
            got += [answer for ask in asks if (answer := await self.pages.fetch(ask)) is not None]
            if len(got) > MOST_PAGES:
                raise UnansweredAsk(f"wants more than {MOST_PAGES} pages")
            if sum(len(each.page.body) for each in got) > MOST_BYTES:
                raise UnansweredAsk(f"is larger than {MOST_BYTES // MEGABYTE} MB in all")
            asks = list(await self._next_asks([each.page for each in got]))

    async def _next_asks(self, pages: Sequence[Page]) -> Sequence[Ask]:
        """Return the requests for further pages that the source needs, given those that it has."""
        now = self.clock.now()
        if not self._needs_worker(pages) or not isinstance(self.source, StatefulSource):
            return self.source.more(pages, now)
        asks: Sequence[Ask] = await self._run_in_worker("more", pages, now)
        return asks

    def _keep_evidence(self, got: Sequence[FetchedPage], fault: str) -> str:
        """Keep the bytes of a read, unless it failed like the last one. Return the ids of the records."""
        if self.evidence is None:
            return ""
        if fault and fault == self._last_fault:
            return self._last_records
        ids = (self.evidence.keep_changed(each.answer, f"~calendar/{self.name}", "calendar") for each in got)
        self._last_fault, self._last_records = fault, " ".join(dict.fromkeys(each for each in ids if each))
        return self._last_records


def _hash_pages(pages: Iterable[Page]) -> str:
    digest = hashlib.sha256()
    for page in pages:
        digest.update(f"{page.status} {len(page.body)}\0".encode())
        digest.update(page.body)
    return digest.hexdigest()


def _is_same_reading(one: Reading, other: Reading) -> bool:
    # Compare the entries, not the bytes, because some calendars put the time of the download into each answer.
    return (one.announcements, one.lists_overdue) == (other.announcements, other.lists_overdue)
