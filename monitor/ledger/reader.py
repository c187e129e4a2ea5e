"""Reads each calendar: asks what the source wants asked, and hands it the answers."""

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
from monitor.ledger.pages import FEW, MEGABYTE, SECONDS, CalendarPages, Got, UnansweredAsk, local
from monitor.look.apart.process import Unread
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.source import Ask, CalendarSource, Page, Reading, UnreadableCalendar
from schedules.sources.apart import Keeping

MOST_BYTES = 32 * MEGABYTE
"""The most that all answers of one read may have together."""
MOST_ENTRIES = 50_000
MOST_PAGES = 500
_SMALL = 200_000
"""Bytes that are read at once; more is read in a thread, so that no look has to wait for it."""

Adjust = Callable[[Announcement], Announcement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a read gave: the row for the store, the reading when there was a usable one, and the pages.

    `unchanged`: it says what the last reading said, and is that very reading again. `as_of` is the earliest instant
    that its oldest page may speak of, after the time it lay in caches; the row's `finished` the latest of its newest.
    """

    read: CalendarRead
    reading: Reading | None
    pages: tuple[Page, ...] = ()
    unchanged: bool = False
    as_of: datetime | None = None


@runtime_checkable
class Remembering(Protocol):
    """A source that looks up one by one what its list no longer shows."""

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Take what is stored of this calendar."""


@dataclass
class CalendarReader:
    """Reads one calendar, one read at a time.

    `evidence` keeps the bytes whenever what the calendar says has changed, or cannot be read for another reason than
    before. `adjust` is what the configuration adds to an announcement; `producer` is whose calendar it is, where it is
    one producer's. What others wrote is read by the workers of `pages`, but for a few bytes of a kind that `is_plain`.
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
    _kept: tuple[str, str] = ("", "")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Hand a source that looks up vanished entries what is stored of them."""
        if isinstance(self.source, Remembering):
            self.source.remember(announcements)

    async def read(self) -> Outcome:
        """Make one read. Never raises for what the network or the calendar does."""
        async with self._lock:
            return await self._read()

    async def _read(self) -> Outcome:
        started = self.clock.now()
        got: list[Got] = []
        try:
            await self._ask_all(got)
            pages = tuple(each.page for each in got)
            reading, digest = await self._made(pages)
        except (UnansweredAsk, UnreadableCalendar, Unread) as exc:
            fault = " ".join(str(exc).split())
            record = self._keep(got, fault)
            return Outcome(
                CalendarRead(self.name, started, self.clock.now(), usable=False, fault=fault, evidence=record), None
            )
        unchanged = reading is self._reading
        record = self._kept[1] if unchanged and not self._kept[0] else self._keep(got, "")
        self._reading, self._digest = reading, digest
        read = CalendarRead(
            self.name,
            started,
            max((each.spoken[1] for each in got), default=started),
            usable=True,
            entries=len(reading.announcements),
            digest=digest,
            evidence=record,
        )
        return Outcome(read, reading, pages, unchanged, min((each.spoken[0] for each in got), default=started))

    async def _made(self, pages: Sequence[Page]) -> tuple[Reading, str]:
        """Return what the pages say, the last reading itself when they say the same, and their digest."""
        now, digest, last = self.clock.now(), _digest(pages), self._reading
        if last is not None and digest == self._digest:
            return last, digest
        if self._is_read_apart(pages):
            return self._weighed(await self._apart("read", pages, now)), digest
        if sum(len(page.body) for page in pages) <= _SMALL:
            return self._weighed(self.source.read(pages, now)), digest
        make = partial(self.source.read, pages, now)
        return self._weighed(await asyncio.get_running_loop().run_in_executor(None, make)), digest

    def _is_read_apart(self, pages: Sequence[Page]) -> bool:
        is_small = self.is_plain and sum(len(page.body) for page in pages) <= FEW
        return self.pages.workers is not None and self.file is None and not is_small

    async def _apart(self, task: str, pages: Sequence[Page], now: datetime) -> Any:  # noqa: ANN401  # by task
        """Have a step of the source done by a worker. Raises `UnreadableCalendar` and `Unread`."""
        assert self.pages.workers is not None  # noqa: S101  # nothing is read apart without
        host = urlsplit(pages[0].url).hostname if pages else None
        told, kept = await self.pages.workers.ask(task, host or "", self.source, tuple(pages), now, seconds=SECONDS)
        if isinstance(self.source, Keeping):
            self.source.keep(kept)
        if isinstance(told, str):
            raise UnreadableCalendar(told)
        return told

    def _weighed(self, reading: Reading) -> Reading:
        last = self._reading
        if self.file is None and len(reading.announcements) > MOST_ENTRIES:
            raise UnreadableCalendar(f"more than {MOST_ENTRIES} entries")
        if self.adjust is not None:
            reading = replace(reading, announcements=tuple(map(self.adjust, reading.announcements)))
        return last if last is not None and _says_same(reading, last) else reading

    async def _ask_all(self, got: list[Got]) -> None:
        if self.file is not None:
            got.append(local(self.file, self.clock.now()))
            return
        self.pages.forget(MOST_PAGES)
        asks = list(self.source.first(self.clock.now()))
        while asks:
            got += [answer for ask in asks if (answer := await self.pages.answered(ask)) is not None]
            if len(got) > MOST_PAGES:
                raise UnansweredAsk(f"wants more than {MOST_PAGES} pages")
            if sum(len(each.page.body) for each in got) > MOST_BYTES:
                raise UnansweredAsk(f"is larger than {MOST_BYTES // MEGABYTE} MB in all")
            asks = list(await self._more([each.page for each in got]))

    async def _more(self, pages: Sequence[Page]) -> Sequence[Ask]:
        now = self.clock.now()
        if not self._is_read_apart(pages) or not isinstance(self.source, Keeping):
            return self.source.more(pages, now)
        asks: Sequence[Ask] = await self._apart("more", pages, now)
        return asks

    def _keep(self, got: Sequence[Got], fault: str) -> str:
        """Keep the bytes of a read; of one that fails as the last one did, nothing. Returns the ids of the records."""
        if self.evidence is None:
            return ""
        if fault and fault == self._kept[0]:
            return self._kept[1]
        ids = (self.evidence.keep_changed(each.answer, f"~calendar/{self.name}", "calendar") for each in got)
        record = " ".join(dict.fromkeys(name for name in ids if name))
        self._kept = (fault, record)
        return record


def _digest(pages: Iterable[Page]) -> str:
    digest = hashlib.sha256()
    for page in pages:
        digest.update(f"{page.status} {len(page.body)}\0".encode())
        digest.update(page.body)
    return digest.hexdigest()


def _says_same(one: Reading, other: Reading) -> bool:
    # A calendar that stamps every download with its time differs in its bytes alone.
    return (one.announcements, one.lists_overdue) == (other.announcements, other.lists_overdue)
