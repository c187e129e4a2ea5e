"""Reads all calendars: by their intervals, around slots, and before a breach is reported."""

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
from monitor.health.state import HealthState
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.ledger import Ledger, RecordedRead
from monitor.ledger.promise_check import PromiseCheck
from monitor.ledger.reader import CalendarReader, Outcome
from monitor.store.rows import CalendarRead
from monitor.threads import Job

_log = structlog.get_logger(__name__)
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_QUARTER_HOUR = timedelta(minutes=15)
"""A calendar with at most this interval is read often. Around a slot it has only two more reads,
before and after.
"""
# if not read often
_FAR_BEFORE, _FAR_AFTER = timedelta(minutes=10), (timedelta(minutes=5), timedelta(minutes=60))
_JUST_BEFORE = timedelta(minutes=4)
"""How long before a slot every calendar is read again, to see a change before looks become
frequent.
"""
_JUST_AFTER = _MINUTE
"""How long after a slot every calendar is read again, to see a change that came too late for the
read before it.
"""


def is_due(
    slots: Iterable[datetime],
    now: datetime,
    last_try: datetime,
    last_usable: datetime,
    *,
    often: bool,
) -> bool:
    """Return whether a calendar must be read now because of one of these slots: `_read_times` says
    when.

    `last_try` is the time of the last read, also of a failed one, and `last_usable` that of the
    last usable one. The calendar is read `often` if its interval is at most 15 minutes.
    """
    times = (time for slot in slots for time in _read_times(slot, now, last_usable, often=often))
    # A read that was due more than 15 minutes ago is not made up for.
    return any(time <= now < time + _QUARTER_HOUR and last_try < time for time in times)


def _read_times(
    slot: datetime, now: datetime, last_usable: datetime, *, often: bool
) -> Iterator[datetime]:
    """Yield when a calendar must be read because of a slot: before it, or once it has passed, after
    it.

    For a slot at 9:30 that is at 9:26 and 9:31, and unless the calendar is read `often`, also at
    9:20, 9:35 and 10:30.
    """
    if now < slot:
        yield slot - _JUST_BEFORE
        was_read_recently = last_usable >= slot - _QUARTER_HOUR
        if not often and not was_read_recently:
            yield slot - _FAR_BEFORE
    else:
        yield slot + _JUST_AFTER
        if not often:
            yield from (slot + after for after in _FAR_AFTER)


@dataclass
class CalendarReads:
    """Reads every calendar of the daemon, by its interval and around slots.

    `record_read` stores a read in the ledger. `slots(begin, end)` returns the promised instants by
    calendar.
    """

    readers: Sequence[tuple[CalendarReader, timedelta]]
    record_read: Callable[[Outcome], Awaitable[RecordedRead]]
    slots: Callable[[datetime, datetime], Mapping[str, Collection[datetime]]]
    incidents: CalendarIncidents
    health: HealthState
    clock: Clock
    expect_editions: bool
    check: PromiseCheck
    _last_tried: dict[str, datetime] = field(default_factory=dict)
    _kept_outcomes: dict[str, Outcome] = field(default_factory=dict)

    async def load(self, ledger: Ledger) -> None:
        """Give each source its stored entries, and load the incidents that are still open."""
        for reader, _ in self.readers:
            reader.remember(ledger.state_of(reader.name).announcements())
        await self.incidents.load_open()

    def jobs(self) -> Iterator[tuple[timedelta, str, Job]]:
        """Yield the recurring jobs: interval, name and function."""
        yield _MINUTE, "costly hosts", self.incidents.report_costly_hosts
        for reader, every in self.readers:
            yield every, f"calendar {reader.name}", partial(self.read, reader)
        if self.readers:
            yield _MINUTE, "calendars around slots", self.read_around_slots
        if self.expect_editions:
            yield _HOUR, "expected editions", self.report_missing_editions
        yield _HOUR, "unreadable dates", self.report_unreadable_dates

    async def report_missing_editions(self) -> None:
        """Notify people, once each, of editions of regular series that no calendar has announced in
        time.
        """
        await self.incidents.report_missing_editions([reader.name for reader, _ in self.readers])

    async def report_unreadable_dates(self) -> None:
        """Notify people, once each, of entries that have come near and whose date cannot be
        read.
        """
        producers = {reader.name: reader.producer for reader, _ in self.readers}
        await self.incidents.report_unreadable_dates(producers)

    async def read_all(self) -> None:
        """Read every calendar once."""
        for reader, _ in self.readers:
            await self.read(reader)

    async def read_named(self, name: str) -> CalendarRead | None:
        """Read the calendar of this name at once. Return None if there is none."""
        reader = next((reader for reader, _ in self.readers if reader.name == name), None)
        return None if reader is None else await self.read(reader)

    async def read_on_request(self) -> None:
        """Read calendars as soon as a verdict requests it. Runs until cancelled."""
        while True:
            names = await self.check.next_requested()
            readers = {reader.name: reader for reader, _ in self.readers}
            for name in names:
                if name not in readers:
                    # The calendar is no longer configured. Do not let verdicts wait for it.
                    self.check.record_read(name, self.clock.now())
            work = (self.read(readers[name]) for name in names if name in readers)
            for fault in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(fault, Exception):
                    _log.error("calendar_check_failed", exc_info=fault)

    async def read_around_slots(self) -> None:
        """Read the calendars that are due because of a slot, and record earlier reads that the
        store refused.
        """
        now, started = self.clock.now(), self.health.started
        # A read is due up to 60 minutes after a slot, and 15 minutes later it is too late for it.
        slots = self.slots(now - max(_FAR_AFTER) - _QUARTER_HOUR, now + _FAR_BEFORE)
        due = []
        for reader, interval in self.readers:
            last_try = self._last_tried.get(reader.name, started)
            last_usable = self.health.calendars.get(reader.name) or started
            if is_due(
                slots.get(reader.name, ()),
                now,
                last_try,
                last_usable,
                often=interval <= _QUARTER_HOUR,
            ):
                due.append(reader)
        await asyncio.gather(*(self.read(reader) for reader in due))
        await self._record_kept_reads()

    async def read(self, reader: CalendarReader) -> CalendarRead:
        """Read one calendar, record its promises, and open an incident if it is in trouble."""
        begun = self._last_tried[reader.name] = self.clock.now()
        try:
            outcome = await reader.read()
            if all(reader is not configured for configured, _ in self.readers):
                # The configuration was reloaded during the read, and this calendar is no longer in
                # it.
                return outcome.read
            recorded = await self._record_or_keep(outcome)
        finally:
            self.check.record_read(reader.name, begun)
        return await self._report_read(reader, recorded)

    async def _record_or_keep(self, outcome: Outcome) -> RecordedRead:
        """Record a read.

        If the store fails, keep it for `_record_kept_reads`, unless a later read replaces it.
        """
        name = outcome.read.calendar
        self._kept_outcomes.pop(name, None)
        try:
            return await self.record_read(outcome)
        except StoreFault:
            self._kept_outcomes[name] = outcome
            raise

    async def _record_kept_reads(self) -> None:
        for reader, _ in self.readers:
            if (outcome := self._kept_outcomes.get(reader.name)) is not None:
                # if the store still does not answer, the writer reports it
                with suppress(StoreFault):
                    await self._report_read(reader, await self._record_or_keep(outcome))

    async def _report_read(self, reader: CalendarReader, recorded: RecordedRead) -> CalendarRead:
        read = recorded.read
        log = _log.info if read.usable else _log.warning
        log(
            "calendar_read",
            calendar=read.calendar,
            usable=read.usable,
            entries=read.entries,
            fault=read.fault or None,
        )
        await self.incidents.report_read(reader.name, reader.producer, recorded)
        return read
