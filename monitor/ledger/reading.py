"""The rounds of the calendars: read each when it is due and around slots, and tell people of one in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from alerts import calendar_incidents as alerts
from alerts.incident import Decision, Incident, Kind
from monitor.clock import Clock
from monitor.health.metrics import Metrics
from monitor.health.state import FRESH_READS, HealthState
from monitor.ledger.promise_check import PromiseCheck
from monitor.ledger.reader import CalendarReader
from monitor.store.interface import Store, Transaction
from monitor.store.rows import CalendarRead
from monitor.store.writer import Writer
from monitor.threads import Job
from monitor.watch.admission import Roster, Taken

_log = structlog.get_logger(__name__)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_LOOK_BACK = timedelta(days=730)
OFTEN = timedelta(minutes=15)
"""A calendar read at least so often needs no further reads around slots but the last."""
_BEFORE = timedelta(minutes=10)
_LAST = timedelta(minutes=4)
"""How long before a slot every calendar is read once more, to hear of a change before looks become dense."""
_AFTER = (timedelta(minutes=5), timedelta(minutes=60))


class Following(Protocol):
    """What writes down what follows for people."""

    def follow(self, tx: Transaction, decision: Decision, now: datetime) -> int:
        """Write an incident and its notices; return how many notices are new."""


def is_due(slots: Iterable[datetime], now: datetime, tried: datetime, usable: datetime, *, often: bool = False) -> bool:
    """Tell whether a calendar must be read for the sake of a slot, whatever its spacing.

    Once in the quarter of an hour before it, and 5 and 60 minutes after it (`facts/calendars.md` §6 rule 5); four
    minutes before it one that is read `often` too, since a read from after the slot cannot move it any more. `tried`
    is when it was last read, `usable` when last with success.
    """
    marks = (mark for slot in slots for mark in _marks(slot, now, usable, often=often))
    return any(mark <= now < mark + OFTEN and tried < mark for mark in marks)


def _marks(slot: datetime, now: datetime, usable: datetime, *, often: bool) -> Iterator[datetime]:
    if now < slot:
        yield slot - _LAST
        if not often and usable < slot - OFTEN:
            yield slot - _BEFORE
    elif not often:
        yield from (slot + after for after in _AFTER)


@dataclass
class Rounds:
    """Reads every calendar of a daemon. `ring` tells whoever delivers that there is something new."""

    readers: Sequence[tuple[CalendarReader, timedelta]]
    roster: Roster
    health: HealthState
    counters: Metrics
    clock: Clock
    store: Store
    writer: Writer
    events: Following
    ring: Callable[[], None]
    timezone: str = "Europe/London"
    expect_editions: bool = True
    check: PromiseCheck = field(default_factory=PromiseCheck)
    _tried: dict[str, datetime] = field(default_factory=dict)
    _failing: dict[str, datetime] = field(default_factory=dict)
    _open: dict[str, Incident] = field(default_factory=dict)

    def take_up(self) -> None:
        """Remind sources of what an earlier life knew, and find the incidents that are still open."""
        for reader, _ in self.readers:
            reader.remember(self.roster.shown(reader.name))
        lately = self.store.incidents(self.clock.now() - _LOOK_BACK)
        theirs = (one for one in lately if one.kind is Kind.CALENDAR and not one.release)
        self._open = {incident.id: incident for incident in theirs if incident.closed is None}

    def jobs(self) -> Iterator[tuple[timedelta, str, Job]]:
        """Yield what recurs: spacing, name and work."""
        for reader, every in self.readers:
            yield every, f"calendar {reader.name}", partial(self._job, reader)
        if self.readers:
            yield _MINUTE, "calendars around slots", self.around_slots
        if self.expect_editions:
            yield _HOUR, "expected editions", self.look_for_editions

    async def read_all(self) -> None:
        """Read every calendar once."""
        for reader, _ in self.readers:
            await self.read(reader)

    async def answer(self) -> None:
        """Read at once what is to be read before a breach is told, until cancelled."""
        of = {reader.name: reader for reader, _ in self.readers}
        while True:
            names = await self.check.next()
            for name in names:
                if name not in of:
                    self.check.answered(name, self.clock.now())
            work = (self.read(of[name]) for name in names if name in of)
            for fault in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(fault, Exception):
                    _log.error("calendar_check_failed", exc_info=fault)

    async def around_slots(self) -> None:
        """Read those calendars that a slot near by calls for."""
        now = self.clock.now()
        slots = self.roster.slots(now - _AFTER[-1] - OFTEN, now + _BEFORE)
        due = [
            reader
            for reader, every in self.readers
            if self._is_due(reader.name, slots.get(reader.name, ()), now, often=every <= OFTEN)
        ]
        await asyncio.gather(*(self.read(reader) for reader in due))

    async def read(self, reader: CalendarReader) -> CalendarRead:
        """Read one calendar, and watch what it promises."""
        begun = self._tried[reader.name] = self.clock.now()
        try:
            taken = await self.roster.learn(await reader.read())
        finally:
            self.check.answered(reader.name, begun)
        read = taken.read
        self.health.read(read.calendar, read.finished, read.fault)
        if read.usable:
            self.counters.calendar_read.labels(read.calendar).set(read.finished.timestamp())
            self.counters.calendar_entries.labels(read.calendar).set(read.entries)
        log = _log.info if read.usable else _log.warning
        log("calendar_read", calendar=read.calendar, usable=read.usable, entries=read.entries, fault=read.fault or None)
        await self._tell(reader, taken)
        return read

    async def look_for_editions(self) -> None:
        """Tell people, once each, of editions of regular series that no calendar announces in time."""
        now = self.clock.now()
        missing = {decision.incident.id: decision for decision in await self._missing(now) if decision.incident}
        for name, decision in missing.items():
            if self.store.incident(name) is None:
                await self._follow(decision, now)
        for name in [name for name in self._open if name.startswith("unannounced-") and name not in missing]:
            await self._follow(Decision(alerts.restored(self._open[name], now)), now)

    async def _missing(self, now: datetime) -> list[Decision]:
        fresh = {reader.name for reader, _ in self.readers if self.health.is_fresh(reader.name, now)}
        found = await self.roster.missing_editions(now, fresh)
        return [alerts.missing(alerts.Missing(one.title, one.producer, one.first, one.last), now) for one in found]

    async def _tell(self, reader: CalendarReader, taken: Taken) -> None:
        name, now = reader.name, self.clock.now()
        known = next((one for key, one in self._open.items() if key[:-11] == f"calendar-{name}"), None)
        if taken.read.usable:
            self._failing.pop(name, None)
            if known is not None:
                await self._follow(Decision(alerts.restored(known, now)), now)
            return
        since = self._failing.setdefault(name, taken.read.started)
        if known is None and not taken.alarms and not self._is_long_unread(name, now):
            return
        last = self.health.calendars.get(name) or self.roster.last_read(name)
        found = alerts.Trouble(name, reader.producer or name, taken.read.fault, since, last, doubted=bool(taken.alarms))
        await self._follow(alerts.trouble(found, known, now, self.timezone), now)

    async def _follow(self, decision: Decision, now: datetime) -> None:
        incident = decision.incident
        if incident is None:
            return
        earlier = self.store.incident(incident.id) if decision.notices else None
        if earlier is not None:
            # The same trouble again on one day carries the same thread on; nobody is told twice.
            decision = Decision(alerts.reopened(earlier, incident, now))
        if await self.writer.write(lambda tx: self.events.follow(tx, decision, now)):
            self.ring()
        if decision.incident is not None and decision.incident.closed is None:
            self._open[incident.id] = decision.incident
        else:
            self._open.pop(incident.id, None)

    def _is_long_unread(self, name: str, now: datetime) -> bool:
        last = max(self.health.calendars.get(name, self.health.started), self.health.started)
        return now - last > FRESH_READS * self.health.spacings[name]

    def _is_due(self, name: str, slots: Iterable[datetime], now: datetime, *, often: bool) -> bool:
        begin = self.health.started
        usable = self.health.calendars.get(name) or begin
        return is_due(slots, now, self._tried.get(name, begin), usable, often=often)

    async def _job(self, reader: CalendarReader) -> None:
        await self.read(reader)
