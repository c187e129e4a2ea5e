"""What people are told by the calendar: each morning what is due, each evening what came of it, monthly a tally."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import structlog

from alerts.fact_rules import GRADES
from alerts.notice import Notice, notice_id
from alerts.rota import Rota
from alerts.routes import resolve_rotas
from monitor.clock import Clock
from monitor.deliver.owed import owed_on
from monitor.deliver.summary_text import Facts, Summary, evening, month, morning
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.times.zone import local_date

_log = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
_LATEST = timedelta(hours=3)
"""So long after its time a summary still goes out: a monitor that was down tells no stale news."""
_AHEAD = 4
"""A Friday's summary tells of the Monday too."""
_MISSING_DAYS = 14
"""Releases of so many days before are mentioned while they are still not out."""
_EVENING = "evening"
_OF_A_DAY: dict[str, Callable[[Facts], Summary]] = {"morning": morning, _EVENING: evening}

Body = Mapping[str, Any]
Board = Callable[[date, date, str | None], Awaitable[Sequence[Body]]]
Risks = Callable[[], Mapping[tuple[str, date], str]]


class Trigger(Protocol):
    """When something falls due, as the calendar triggers of APScheduler tell it."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the first instant not before `now` at which it falls due."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One summary: `morning`, `evening` or `month`, who gets it, of which producer (empty for all), and when.

    `channels` may name rotas.
    """

    kind: str
    channels: tuple[str, ...]
    trigger: Trigger
    producer: str = ""

    def due(self, now: datetime) -> datetime | None:
        """Return the instant it fell due, None when that lies ahead or too long ago."""
        when = self.trigger.get_next_fire_time(None, now - _LATEST)
        return when if when is not None and when <= now else None

    def id_at(self, when: datetime) -> str:
        """Return the id of the notice that it makes of one due time: the same after a restart, and in every monitor."""
        return notice_id("summary", f"{self.kind} {self.producer} {' '.join(self.channels)}", when.isoformat())


@dataclass
class Summaries:
    """Writes the summaries that are due into the outbox, each once.

    `board` gives the releases between two local days, both included, of one producer or of all; `risks` what budgets
    will not prove, by host and day; `names` those of producers. `wake` says that the outbox has something new. Of
    `rotas` whoever is on call when it is written gets it.
    """

    schedules: Sequence[Schedule]
    store: Store
    writer: Writer
    clock: Clock
    timezone: str
    board: Board
    risks: Risks
    names: Mapping[str, str]
    ask: Ask
    wake: Callable[[], None]
    link: str = ""
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return what the clockwork is to do for it: spacing, name and job."""
        return [(_EVERY, "summaries", self.tell)] if self.schedules else []

    async def tell(self) -> None:
        """Write the summaries that are due."""
        now = self.clock.now()
        for schedule in self.schedules:
            when = schedule.due(now)
            if when is not None and (name := schedule.id_at(when)) not in self._written:
                await self._write(schedule, name, now)
                self._written.add(name)

    async def _write(self, schedule: Schedule, name: str, now: datetime) -> None:
        if await self.ask(lambda: self.store.outbox.notice(name)) is not None:
            return
        notice = _notice(schedule, name, await self._made(schedule, now), now)
        channels = dict.fromkeys(resolve_rotas(schedule.channels, self.rotas, now))
        deliveries = [Delivery(name, channel, DeliveryState.WAITING, now) for channel in channels]

        def add(tx: Transaction) -> bool:
            return tx.add_notice(notice, deliveries)

        if await self.writer.write(add):
            _log.info("summed_up", summary=schedule.kind, subject=notice.subject)
            self.wake()

    async def _made(self, schedule: Schedule, now: datetime) -> Summary:
        today, producer = local_date(now, self.timezone), schedule.producer or None
        first, last = (today, today) if schedule.kind in _OF_A_DAY else _month_before(today)
        owed, late = await self.ask(lambda: owed_on(self.store.verdicts, today))
        mine = [one for one in owed if producer in (None, *one.producers)]
        undone = [each for each in late if producer in (None, *each[0].producers)]
        rows = await self.board(first, last, producer)
        facts = Facts(now, first, last, rows, mine, undone, risks=self.risks(), names=self.names, link=self.link)
        if schedule.kind in _OF_A_DAY:
            facts = replace(facts, missing=await self._missing(today, producer))
        if schedule.kind == _EVENING:
            day, following = await self._following(today, producer)
            facts = replace(facts, next=day, following=following)
        return _OF_A_DAY[schedule.kind](facts) if schedule.kind in _OF_A_DAY else month(facts)

    async def _missing(self, today: date, producer: str | None) -> Sequence[Body]:
        """Return the releases that were due before today and are still not out, as of now."""
        rows = await self.board(today - timedelta(days=_MISSING_DAYS), today - timedelta(days=1), producer)
        return [row for row in rows if row["verdict"] == "overdue" and row["slot"]]

    async def _following(self, today: date, producer: str | None) -> tuple[date, Sequence[Body]]:
        """Return the next day on which something is due, and what; tomorrow when nothing is for some days."""
        for ahead in range(1, _AHEAD):
            day = today + timedelta(days=ahead)
            if rows := await self.board(day, day, producer):
                return day, rows
        return today + timedelta(days=1), ()


def _notice(schedule: Schedule, name: str, made: Summary, now: datetime) -> Notice:
    return Notice(
        id=name,
        kind="summary",
        incident="",
        release="",
        producer=schedule.producer,
        grade=GRADES[0],
        findings=(),
        at=now,
        subject=made.subject,
        text=made.text,
    )


def _month_before(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last
