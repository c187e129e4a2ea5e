"""Settings to what reads each calendar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from monitor.app.options import slot_times_of, source_options
from monitor.clock import Clock
from monitor.config.calendars import CalendarSettings
from monitor.config.settings import Settings
from monitor.ledger.reader import PERSONAL_KINDS, CalendarReader, Keeper
from monitor.look.fetch import Answer, Fetcher
from schedules.sources.registry import KINDS


@dataclass(frozen=True, slots=True)
class Readers:
    """Makes the readers. Relative files start at `folder`; `turn` waits for a host's next start."""

    settings: Settings
    folder: Path
    fetcher: Fetcher
    turn: Callable[[str], Awaitable[None]]
    heard: Callable[[str, Answer], None]
    clock: Clock
    keeper: Keeper

    def all(self) -> list[tuple[CalendarReader, timedelta]]:
        """Return a reader for each calendar, and how often it reads."""
        return [(self._reader(table), table.every) for table in self.settings.calendar]

    def _reader(self, table: CalendarSettings) -> CalendarReader:
        source = KINDS[table.kind](source_options(table, self.settings.timezone))
        file = self.folder / table.file if table.file is not None else None
        return CalendarReader(
            table.name,
            source,
            self.fetcher,
            self.turn,
            self.clock,
            file,
            heard=self.heard,
            keeper=self.keeper,
            strip=table.kind in PERSONAL_KINDS,
            adjust=slot_times_of(self.settings) if self._has_usual_times() else None,
            producer=table.producer,
        )

    def _has_usual_times(self) -> bool:
        producers = self.settings.policy.producer.values()
        return bool(self.settings.slot_time) or any(own.default_time is not None for own in producers)
