"""Reads one calendar: makes the requests that its source names, and lets the source read the
answers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.clock import Clock
from monitor.ledger.pages import (
    MEGABYTE,
    WORKER_SECONDS,
    CalendarPages,
    FetchedPage,
    PagesUnavailable,
    host_of,
    read_local_file,
)
from monitor.look.sandbox.process import ReadFault
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.source import CalendarSource, Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage
from schedules.sources.last_listed import RememberingSource
from schedules.sources.settings import CalendarSettings

MOST_BYTES = 32 * MEGABYTE
"""The most bytes that all answers of one read may have in sum."""
MOST_ENTRIES = 50_000
MOST_PAGES = 500

Adjust = Callable[[Announcement], Announcement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a read: the row for the store, and the reading, None if the read was not
    usable.

    The pages describe instants from `as_of`, given their time in caches, to the row's `finished`.
    """

    read: CalendarRead
    reading: Reading | None
    as_of: datetime | None = None


@dataclass
class CalendarReader:
    """Reads one calendar, one read at a time.

    `evidence` keeps the bytes if the calendar has changed, or if the read failed for another reason
    than the last one. `adjust` applies the configuration's changes to an announcement. `producer`
    is set if all entries are from one producer. The workers of `pages` parse the answers.
    """

    name: str
    settings: CalendarSettings
    pages: CalendarPages
    clock: Clock
    file: Path | None = None
    evidence: Evidence | None = None
    adjust: Adjust | None = None
    producer: str = ""
    source: CalendarSource = field(init=False)
    _digest: str = ""
    _reading: Reading | None = None
    _last_fault: str = ""
    _last_records: str = ""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.source = self.settings.make_source()

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Pass the stored entries to the source, if it requests the pages of removed ones."""
        if isinstance(self.source, RememberingSource):
            self.source.remember(announcements)

    async def read(self) -> Outcome:
        """Read the calendar once.

        A failure of the network or the calendar is part of the result, not an exception.
        """
        async with self._lock:
            started = self.clock.now()
            fetched: list[FetchedPage] = []
            try:
                await self._fetch_pages_into(fetched)
                reading, digest = await self._read_pages([one.page for one in fetched])
            except (PagesUnavailable, UnreadableCalendar, ReadFault) as exc:
                fault = " ".join(str(exc).split())
                records = self._keep_evidence(fetched, fault)
                read = CalendarRead(
                    self.name,
                    started,
                    self.clock.now(),
                    usable=False,
                    fault=fault,
                    evidence=records,
                )
                return Outcome(read, None)
            # The evidence of an unchanged calendar is that of the last read. A failed read in
            # between has replaced the ids of that evidence, so the bytes are kept again.
            is_repeated = reading is self._reading and not self._last_fault
            records = self._last_records if is_repeated else self._keep_evidence(fetched, "")
            self._reading, self._digest = reading, digest
            count = len(reading.announcements)
            # A page received at 9:30 with an age of 60 s shows the calendar as of 9:29. The read
            # counts as finished at the latest instant that any of its pages can show, and is
            # `as_of` the earliest one.
            earliest = min((page.as_of_range[0] for page in fetched), default=started)
            latest = max((page.as_of_range[1] for page in fetched), default=started)
            read = CalendarRead(
                self.name,
                started,
                latest,
                usable=True,
                entries=count,
                digest=digest,
                evidence=records,
            )
            return Outcome(read, reading, as_of=earliest)

    async def _read_pages(self, pages: Sequence[Page]) -> tuple[Reading, str]:
        """Return the reading of these pages, or the last reading itself if they have not changed,
        and their SHA-256.
        """
        sha = hashlib.sha256()
        for page in pages:
            sha.update(f"{page.status} {len(page.body)}\0".encode())
            sha.update(page.body)
        digest = sha.hexdigest()
        if self._reading is not None and digest == self._digest:
            return self._reading, digest
        reading = await self._run_task("read", pages)
        if isinstance(reading, str):  # the reason why the pages cannot be read
            raise UnreadableCalendar(reading)
        return self._check_and_adjust(reading), digest

    async def _run_task(self, task: str, pages: Sequence[Page]) -> Any:  # noqa: ANN401  # by task
        """Return the result of a task of our source, which a worker runs. Raises `ReadFault`."""
        arguments = (self.settings, self.source.state, tuple(pages), self.clock.now())
        result, self.source.state = await self.pages.workers.run(
            task, host_of(pages), *arguments, seconds=WORKER_SECONDS, is_look=False
        )
        return result

    def _check_and_adjust(self, reading: Reading) -> Reading:
        """Return the reading, adjusted, or the last one if that is equal.

        Raises `UnreadableCalendar` if too large.
        """
        last = self._reading
        # The limit is against hostile answers of a host, so it does not apply to a local file.
        if self.file is None and len(reading.announcements) > MOST_ENTRIES:
            raise UnreadableCalendar(f"more than {MOST_ENTRIES} entries")
        if self.adjust is not None:
            reading = replace(reading, announcements=tuple(map(self.adjust, reading.announcements)))
        # Compare the entries, not the bytes, because some calendars put the time of the download
        # into each answer.
        shown = (reading.announcements, reading.lists_overdue, reading.unread)
        if last is None or shown != (last.announcements, last.lists_overdue, last.unread):
            return reading
        return last

    async def _fetch_pages_into(self, fetched: list[FetchedPage]) -> None:
        """Append all pages of the calendar to `fetched`.

        Raises `PagesUnavailable`, also after some were appended.
        """
        if self.file is not None:
            fetched.append(read_local_file(self.file, self.clock.now()))
            return
        self.pages.clear_if_more_than(MOST_PAGES)  # it remembers the pages of earlier reads
        requests = self.source.first(self.clock.now())
        while requests:
            for request in requests:
                page = await self.pages.fetch(request)
                if page is not None:  # None: an optional page without an answer
                    fetched.append(page)
            if len(fetched) > MOST_PAGES:
                raise PagesUnavailable(f"wants more than {MOST_PAGES} pages")
            pages = [one.page for one in fetched]
            if sum(len(page.body) for page in pages) > MOST_BYTES:
                raise PagesUnavailable(f"is larger than {MOST_BYTES // MEGABYTE} MB in all")
            # Such a source finds further requests without parsing a body.
            if isinstance(self.source, OnePage):
                requests = self.source.more(pages, self.clock.now())
            else:
                requests = await self._run_task("more", pages)

    def _keep_evidence(self, fetched: Sequence[FetchedPage], fault: str) -> str:
        """Keep the bytes of a read, unless it failed like the last one.

        Return the ids of the records.

        `fault` says why the read is not usable. It is empty for a usable read.
        """
        if self.evidence is None:
            return ""
        if not fault or fault != self._last_fault:
            ids = [
                self.evidence.keep_changed(one.answer, f"~calendar/{self.name}", "calendar")
                for one in fetched
            ]
            self._last_fault, self._last_records = fault, " ".join(dict.fromkeys(filter(None, ids)))
        return self._last_records
