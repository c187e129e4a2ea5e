"""When each calendar is read: by its spacing, around slots, and before people are told of a breach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.ledger import LearntRead, Ledger
from monitor.ledger.promise_check import PromiseCheck
from monitor.ledger.reader import CalendarReader, Outcome
from monitor.store.rows import CalendarRead
from monitor.threads import Job

_log = structlog.get_logger(__name__)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
OFTEN = timedelta(minutes=15)
"""A calendar read at least so often needs no further reads around slots but the last before one and one after."""
_BEFORE = timedelta(minutes=10)
_LAST = timedelta(minutes=4)
"""How long before a slot every calendar is read once more, to learn of a change before looks become dense."""
_STOOD = _MINUTE
"""How long after a slot every calendar is read once more, to learn of a change that nobody could read before it."""
_AFTER = (timedelta(minutes=5), timedelta(minutes=60))


def is_due(slots: Iterable[datetime], now: datetime, tried: datetime, usable: datetime, *, often: bool = False) -> bool:
    """Tell whether a calendar must be read for the sake of a slot, whatever its spacing.

    Once in the quarter of an hour before it, and 5 and 60 minutes after it (`facts/calendars.md` §6 rule 5); four
    minutes before it and one after it those that are read `often` too: what is learnt sooner, moves what is due, and
    what is learnt later takes back what was judged by a time that no longer stood. `tried` is when it was last read,
    `usable` when last with success.
    """
    marks = (mark for slot in slots for mark in _marks(slot, now, usable, often=often))
    return any(mark <= now < mark + OFTEN and tried < mark for mark in marks)


def _marks(slot: datetime, now: datetime, usable: datetime, *, often: bool) -> Iterator[datetime]:
    if now < slot:
        yield slot - _LAST
        if not often and usable < slot - OFTEN:
            yield slot - _BEFORE
    else:
        yield slot + _STOOD
        if not often:
            yield from (slot + after for after in _AFTER)


@dataclass
class CalendarReads:
    """Reads every calendar of a daemon: each by its spacing, and around the `slots` that near releases are due at.

    `learn` takes in what was read; `slots` tells, by calendar, the instants promised between two instants.
    """

    readers: Sequence[tuple[CalendarReader, timedelta]]
    learn: Callable[[Outcome], Awaitable[LearntRead]]
    slots: Callable[[datetime, datetime], Mapping[str, Collection[datetime]]]
    incidents: CalendarIncidents
    health: HealthState
    counters: Metrics
    clock: Clock
    expect_editions: bool = True
    check: PromiseCheck = field(default_factory=PromiseCheck)
    _tried: dict[str, datetime] = field(default_factory=dict)
    _unlearnt: dict[str, Outcome] = field(default_factory=dict)

    async def take_up(self, ledger: Ledger) -> None:
        """Tell sources what is stored of their calendars, and find the incidents that are still open."""
        for reader, _ in self.readers:
            reader.remember(ledger.shown(reader.name))
        await self.incidents.take_up()

    def jobs(self) -> Iterator[tuple[timedelta, str, Job]]:
        """Yield what recurs: spacing, name and work."""
        yield _MINUTE, "costly hosts", self.incidents.tell_of_hosts
        for reader, every in self.readers:
            yield every, f"calendar {reader.name}", partial(self._job, reader)
        if self.readers:
            yield _MINUTE, "calendars around slots", self.around_slots
        if self.expect_editions:
            yield _HOUR, "expected editions", self.look_for_editions

    async def look_for_editions(self) -> None:
        """Tell people, once each, of editions of regular series that no calendar announces in time."""
        await self.incidents.look_for_editions([reader.name for reader, _ in self.readers])

    async def read_all(self) -> None:
        """Read every calendar once."""
        for reader, _ in self.readers:
            await self.read(reader)

    async def answer(self) -> None:
        """Read at once what is to be read before a breach is told, until cancelled."""
        while True:
            names = await self.check.next()
            of = {reader.name: reader for reader, _ in self.readers}
            for name in names:
                if name not in of:
                    self.check.answered(name, self.clock.now())
            work = (self.read(of[name]) for name in names if name in of)
            for fault in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(fault, Exception):
                    _log.error("calendar_check_failed", exc_info=fault)

    async def around_slots(self) -> None:
        """Read those calendars that a slot near by calls for, and learn what a store kept us from that is back."""
        now = self.clock.now()
        slots = self.slots(now - _AFTER[-1] - OFTEN, now + _BEFORE)
        due = [
            reader
            for reader, every in self.readers
            if self._is_due(reader.name, slots.get(reader.name, ()), now, often=every <= OFTEN)
        ]
        await asyncio.gather(*(self.read(reader) for reader in due))
        await self._learn_again()

    async def read(self, reader: CalendarReader) -> CalendarRead:
        """Read one calendar, and watch what it promises."""
        begun = self._tried[reader.name] = self.clock.now()
        try:
            outcome = await reader.read()
            if all(reader is not one for one, _ in self.readers):
                # The configuration was replaced meanwhile: this is no calendar of ours any more.
                return outcome.read
            learnt = await self._learnt(outcome)
        finally:
            self.check.answered(reader.name, begun)
        return await self._told(reader, learnt)

    async def _learnt(self, outcome: Outcome) -> LearntRead:
        """Learn a read; one that the store keeps us from is kept, until a later one or `_learn_again`."""
        name = outcome.read.calendar
        self._unlearnt.pop(name, None)
        try:
            return await self.learn(outcome)
        except StoreFault:
            self._unlearnt[name] = outcome
            raise

    async def _learn_again(self) -> None:
        for reader, _ in self.readers:
            if (outcome := self._unlearnt.get(reader.name)) is not None:
                # That the store is away still is told by whoever writes to it.
                with suppress(StoreFault):
                    await self._told(reader, await self._learnt(outcome))

    async def _told(self, reader: CalendarReader, learnt: LearntRead) -> CalendarRead:
        read = learnt.read
        self.health.read(read.calendar, read.finished, read.fault)
        if read.usable:
            self.counters.calendar_read.labels(read.calendar).set(read.finished.timestamp())
            self.counters.calendar_entries.labels(read.calendar).set(read.entries)
        log = _log.info if read.usable else _log.warning
        log("calendar_read", calendar=read.calendar, usable=read.usable, entries=read.entries, fault=read.fault or None)
        await self.incidents.tell(reader.name, reader.producer, learnt)
        return read

    def _is_due(self, name: str, slots: Iterable[datetime], now: datetime, *, often: bool) -> bool:
        begin = self.health.started
        usable = self.health.calendars.get(name) or begin
        return is_due(slots, now, self._tried.get(name, begin), usable, often=often)

    async def _job(self, reader: CalendarReader) -> None:
        await self.read(reader)
