"""Reads on-call rotas from calendars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from alerts.rota import Rota, Shift, rota_calendar_name, shifts_from_json, shifts_json
from monitor.clock import Clock
from monitor.ledger.incidents import CalendarIncidents
from monitor.ledger.ledger import RecordedRead
from monitor.ledger.pages import (
    WORKER_SECONDS,
    CalendarPages,
    PagesUnavailable,
    host_of,
    read_local_file,
)
from monitor.look.sandbox.process import ReadFault
from monitor.store.rows import CalendarRead, RotaRead
from monitor.store.sql.engine import Store
from monitor.store.writer import STALLED_AFTER, Writer
from monitor.threads import Job, Tasks
from schedules.source import PageRequest
from schedules.sources.settings import CalendarSettings

_ACCEPT = "text/calendar, */*;q=0.1"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RotaReader:
    """Reads the calendar of one rota, from `file` or over HTTP.

    Its bytes name people, so they are never stored.
    """

    name: str
    every: timedelta
    calendar: CalendarSettings
    roles: list[str]
    pages: CalendarPages
    clock: Clock
    file: Path | None

    async def read(self) -> tuple[tuple[Shift, ...], str]:
        """Return the shifts and an empty text, or no shifts and the reason why they could not be
        read.
        """
        now = self.clock.now()
        try:
            if self.file is None:
                fetched = await self.pages.fetch(PageRequest(self.calendar.address, _ACCEPT))
            else:
                fetched = read_local_file(self.file, now)
            # A request that is not optional has a page, or raises.
            pages = (fetched.page,) if fetched is not None else ()
            arguments = (self.calendar, self.roles, pages, now)
            host = host_of(pages)
            spans = await self.pages.workers.run(
                "read_rota", host, *arguments, seconds=WORKER_SECONDS, is_look=False
            )
        except (PagesUnavailable, ReadFault) as exc:
            return (), " ".join(str(exc).split())
        if isinstance(spans, str):  # the reason why the calendar cannot be read
            return (), spans
        return tuple(Shift(*span) for span in spans), ""


@dataclass(frozen=True, slots=True)
class RotaReads:
    """Reads each rota by its interval into `rotas` and the store.

    If a read fails, the shifts of the last good read stay in force, and people are notified as for
    a calendar.
    """

    readers: Sequence[RotaReader]
    rotas: dict[str, Rota]
    incidents: CalendarIncidents
    clock: Clock
    writer: Writer
    _tasks: Tasks = field(default_factory=Tasks)

    def jobs(self) -> Iterator[tuple[timedelta, str, Job]]:
        """Yield the recurring jobs: interval, name and function."""
        for reader in self.readers:
            yield reader.every, rota_calendar_name(reader.name), partial(self.read, reader)

    async def read(self, reader: RotaReader) -> None:
        """Read one rota, store its shifts if they changed, and open an incident if it cannot be
        read.
        """
        begun = self.clock.now()
        name = rota_calendar_name(reader.name)
        shifts, fault = await reader.read()
        known = self.rotas[reader.name]
        shifts_in_force = known.calendar_shifts if fault else shifts
        self.rotas[reader.name] = replace(known, calendar_shifts=shifts_in_force, fault=fault)
        read = CalendarRead(
            name, begun, self.clock.now(), usable=not fault, entries=len(shifts), fault=fault
        )
        log = _log.warning if fault else _log.info
        log("rota_read", rota=reader.name, shifts=len(shifts), fault=fault or None)
        if not fault and shifts != known.calendar_shifts:
            row = RotaRead(reader.name, begun, shifts_json(shifts))
            await self._tasks.within(STALLED_AFTER, self.writer.write(lambda tx: tx.save(row)))
        await self.incidents.report_read(name, "", RecordedRead(read))


def add_stored_shifts(rotas: Mapping[str, Rota], store: Store) -> dict[str, Rota]:
    """Return rotas with the shifts of their last stored read."""
    read = {row.rota: shifts_from_json(row.shifts) for row in store.outbox.rotas()} if rotas else {}
    return {name: replace(rota, calendar_shifts=read.get(name, ())) for name, rota in rotas.items()}
