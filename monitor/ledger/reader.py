"""Reads each calendar: asks what the source wants asked, and hands it the answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

from monitor.clock import Clock
from monitor.look.apart.workers import TooCostly, WorkerFault, Workers
from monitor.look.cache_age import spoken_of
from monitor.look.challenge import challenge, not_theirs
from monitor.look.fetch import Answer, Failure, Request
from monitor.store.rows import CalendarRead
from schedules.announcement import Announcement
from schedules.source import Ask, CalendarSource, Page, Reading, UnreadableCalendar
from schedules.sources.apart import Keeping
from schedules.sources.personal import strip_personal

T = TypeVar("T")

MEGABYTE = 1_000_000
CAPS = {
    "csv": 8 * MEGABYTE,
    "ees": 8 * MEGABYTE,
    "feed": 8 * MEGABYTE,
    "govuk": 8 * MEGABYTE,
    "html": 4 * MEGABYTE,
    "ics": 8 * MEGABYTE,
    "json": 8 * MEGABYTE,
    "ons": 8 * MEGABYTE,
    "toml": 4 * MEGABYTE,
}
"""The most bytes that are taken of one answer, by kind of calendar: several times what the largest real ones have."""
CAP = 8 * MEGABYTE
MOST_BYTES = 32 * MEGABYTE
"""The most that all answers of one read may have together."""
MOST_ENTRIES = 50_000
MOST_PAGES = 500
PLAIN_KINDS = frozenset({"csv", "ees", "govuk", "ons", "toml"})
"""The kinds that take time in proportion to their bytes: a few of those are read at once."""
_FEW = 16_384
_SECONDS = 20
"""What a step of a read may take of the processor."""
PERSONAL_KINDS = frozenset({"ees", "govuk", "json", "ons"})
"""The kinds whose answers name people, who are taken out before anything is hashed or stored."""
_IN_ITS_PLACE = {
    "mirror": "by a mirror",
    "stale": "with a stale copy",
    "challenge": "with a challenge",
    "sign-in page": "with a sign-in page",
}
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


class UnansweredAsk(Exception):
    """A request of a read brought no usable answer. `str(fault)` says which and why, in one line."""


class Keeper(Protocol):
    """What keeps the bytes of answers."""

    def keep_changed(self, answer: Answer, target: str, kind: str) -> str:
        """Keep an answer unless its body is the last one kept for this address; return the id of its record."""


@runtime_checkable
class Remembering(Protocol):
    """A source that looks up one by one what its list no longer shows."""

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Take what is known of this calendar from an earlier life."""


@dataclass(slots=True)
class _Got:
    """The last answer of one address: its page, the digest of its raw bytes, and the instants it may speak of."""

    answer: Answer
    page: Page
    digest: bytes
    spoken: tuple[datetime, datetime]


@dataclass
class CalendarReader:
    """Reads one calendar, one read at a time. `ask` makes a request in its host's turn.

    With `strip` people are taken out of JSON answers before anything of them is hashed or kept. `keeper` keeps the
    bytes whenever what the calendar says has changed, or cannot be read for another reason than before. `adjust`
    is what the configuration adds to an announcement; `producer` is whose calendar it is, where it is one producer's.
    What others wrote is read by `workers`, but for a few bytes of a kind that `is_plain`; `cap` bounds each answer.
    """

    name: str
    source: CalendarSource
    ask: Callable[[Request], Awaitable[Answer | Failure]]
    clock: Clock
    file: Path | None = None
    keeper: Keeper | None = None
    strip: bool = False
    adjust: Adjust | None = None
    producer: str = ""
    workers: Workers | None = None
    cap: int = CAP
    is_plain: bool = False
    _digest: str = ""
    _reading: Reading | None = None
    _kept: tuple[str, str] = ("", "")
    _got: dict[str, _Got] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def remember(self, announcements: Iterable[Announcement]) -> None:
        """Hand a source that looks up vanished entries what an earlier life knew of them."""
        if isinstance(self.source, Remembering):
            self.source.remember(announcements)

    async def read(self) -> Outcome:
        """Make one read. Never raises for what the network or the calendar does."""
        async with self._lock:
            return await self._read()

    async def _read(self) -> Outcome:
        started = self.clock.now()
        got: list[_Got] = []
        try:
            await self._ask_all(got)
            pages = tuple(each.page for each in got)
            reading, digest = await self._made(pages)
        except (UnansweredAsk, UnreadableCalendar, TooCostly, WorkerFault) as exc:
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
        is_small = self.is_plain and sum(len(page.body) for page in pages) <= _FEW
        return self.workers is not None and self.file is None and not is_small

    async def _apart(self, task: str, pages: Sequence[Page], now: datetime) -> Any:  # noqa: ANN401  # by task
        """Have a step of the source done by a worker. Raises `UnreadableCalendar`, `TooCostly` and `WorkerFault`."""
        assert self.workers is not None  # noqa: S101  # nothing is read apart without
        host = urlsplit(pages[0].url).hostname if pages else None
        told, kept = await self.workers.ask(task, host or "", self.source, tuple(pages), now, seconds=_SECONDS)
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

    async def _ask_all(self, got: list[_Got]) -> None:
        if self.file is not None:
            got.append(self._local(self.file))
            return
        if len(self._got) > MOST_PAGES:
            self._got.clear()
        asks = list(self.source.first(self.clock.now()))
        while asks:
            got += [answer for ask in asks if (answer := await self._answered(ask)) is not None]
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

    async def _answered(self, ask: Ask) -> _Got | None:
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

    async def _take(self, ask: Ask, answer: Answer, last: _Got | None) -> _Got | None:
        # A missing item is an answer that sources read (an announcement that is gone); a failure is not.
        if answer.status >= 500 or answer.status in {304, 429} or not answer.whole:
            _give_up(ask, f"answered {answer.status}" if answer.whole else f"is larger than {self.cap // MEGABYTE} MB")
            return None
        digest = hashlib.sha256(answer.body).digest()
        if last is not None and last.digest == digest:
            answer = replace(answer, body=last.page.body)
        elif self.strip:
            answer = replace(answer, body=await self._stripped(ask, answer.body))
        got = _Got(answer, Page(ask.url, answer.status, answer.body, dict(answer.headers)), digest, spoken_of(answer))
        if self.strip or {"etag", "last-modified"} & set(answer.headers):
            self._got[ask.url] = got
        return got

    async def _stripped(self, ask: Ask, body: bytes) -> bytes:
        if self.workers is None or len(body) <= _FEW:
            return strip_personal(body)
        host = urlsplit(ask.url).hostname or ""
        stripped: bytes = await self.workers.ask("strip", host, body, seconds=_SECONDS)
        return stripped

    def _local(self, file: Path) -> _Got:
        try:
            body = file.read_bytes()
        except OSError as exc:
            raise UnansweredAsk(f"{file.name}: cannot be read: {exc.strerror}") from exc
        now = self.clock.now()
        answer = Answer(f"file:{file.name}", 200, {}, body, now, now)
        return _Got(answer, Page(file.name, 200, body), b"", (now, now))

    def _keep(self, got: Sequence[_Got], fault: str) -> str:
        """Keep the bytes of a read; of one that fails as the last one did, nothing. Returns the ids of the records."""
        if self.keeper is None:
            return ""
        if fault and fault == self._kept[0]:
            return self._kept[1]
        ids = (self.keeper.keep_changed(each.answer, f"~calendar/{self.name}", "calendar") for each in got)
        record = " ".join(dict.fromkeys(name for name in ids if name))
        self._kept = (fault, record)
        return record


def _is_no_answer(answer: Answer) -> str:
    """Return what answered in the calendar's place, by the rules that hold for looks; empty when it did itself."""
    return _IN_ITS_PLACE.get(not_theirs(answer) or challenge(answer) or "", "")


def _digest(pages: Iterable[Page]) -> str:
    digest = hashlib.sha256()
    for page in pages:
        digest.update(f"{page.status} {len(page.body)}\0".encode())
        digest.update(page.body)
    return digest.hexdigest()


def _says_same(one: Reading, other: Reading) -> bool:
    # A calendar that stamps every download with its time differs in its bytes alone.
    return (one.announcements, one.lists_overdue) == (other.announcements, other.lists_overdue)


def _give_up(ask: Ask, why: str) -> None:
    if not ask.optional:
        raise UnansweredAsk(f"{ask.url} {why}")
