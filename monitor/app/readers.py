"""Makes the readers of calendars and rotas from settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from monitor.app.core import Core
from monitor.app.options import make_budget, make_fetcher, make_usual_time_filler
from monitor.clock import Clock
from monitor.config.settings import Settings
from monitor.ledger.pages import CalendarPages
from monitor.ledger.reader import CalendarReader
from monitor.ledger.rota import RotaReader
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.look.reading import BodyReader
from monitor.look.sandbox.workers import Workers
from monitor.store.evidence.evidence import Evidence
from schedules.sources.registry import KINDS
from schedules.sources.settings import CalendarSettings

Ask = Callable[[Request], Awaitable[Answer | Failure]]


@asynccontextmanager
async def open_poller(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Poller, Workers]]:
    """Yield a poller and workers for commands that run without the daemon.

    They are closed at the end of the block.
    """
    fetcher, workers = make_fetcher(settings, clock), Workers()
    try:
        yield (
            Poller(
                clock,
                fetcher,
                make_budget(settings),
                Interpreter(reader=BodyReader(workers, clock)),
            ),
            workers,
        )
    finally:
        workers.close()
        await fetcher.close()


def make_calendar_readers(core: Core, ask: Ask) -> list[tuple[CalendarReader, timedelta]]:
    """Return a reader for each calendar, with the spacing of its reads."""
    readers = []
    for table in core.settings.calendar:
        reader = make_calendar_reader(
            core.settings, table, core.folder, ask, core.clock, core.workers, core.evidence
        )
        readers.append((reader, table.every))
    return readers


def make_calendar_reader(  # noqa: PLR0913, PLR0917 # it joins settings, network and evidence
    settings: Settings,
    table: CalendarSettings,
    folder: Path,
    ask: Ask,
    clock: Clock,
    workers: Workers,
    evidence: Evidence | None = None,
) -> CalendarReader:
    """Return the reader of one calendar. Without `evidence` its responses are not stored."""
    kind, policies = KINDS[table.kind], settings.policy.producer.values()
    has_usual_times = bool(settings.slot_time) or any(
        policy.default_time is not None for policy in policies
    )
    return CalendarReader(
        table.name,
        table.in_zone(settings.timezone),
        # Names of people are removed from stored responses. A response may have `cap` bytes.
        CalendarPages(ask, workers, strip=kind.names_people, cap=kind.cap),
        clock,
        folder / table.file if table.file is not None else None,
        evidence=evidence,
        adjust=make_usual_time_filler(settings) if has_usual_times else None,
        producer=table.producer,
    )


def make_rota_readers(
    settings: Settings, folder: Path, ask: Ask, clock: Clock, workers: Workers
) -> list[RotaReader]:
    """Return a reader for each rota that is kept in a calendar. Relative files are in `folder`."""
    readers = []
    for table in settings.rota:
        if table.url or table.file:
            calendar = CalendarSettings(
                name=table.name,
                kind="ics",
                url=table.url,
                file=table.file,
                timezone=settings.timezone,
            )
            pages = CalendarPages(ask, workers)
            file = folder / table.file if table.file is not None else None
            readers.append(
                RotaReader(
                    table.name, table.read_every, calendar, list(table.who), pages, clock, file
                )
            )
    return readers
