"""Sends summaries: each morning the releases due, each evening the results, each month the
punctuality.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from alerts.notice import Notice, notice_id
from alerts.rota import Rota
from alerts.routes import resolve_rotas
from monitor.clock import Clock
from monitor.deliver.owed import find_owed
from monitor.deliver.summary_text import (
    Risks,
    Summary,
    SummaryFacts,
    evening_summary,
    monthly_summary,
    morning_summary,
)
from monitor.judge.as_json import Body
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.contract.verdict import Grade
from schedules.times.zone import local_date

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

_log = structlog.get_logger(__name__)
_STALE_AFTER = timedelta(hours=3)
"""A monitor that was down still sends a summary until so long after its time."""
_DAYS_AHEAD = 4
"""How far an evening summary looks for the next day with releases, so that Friday's includes
Monday.
"""
_MISSING_DAYS = 14
"""Releases from so many earlier days are listed while they are not published."""
_MAKERS: dict[str, Callable[[SummaryFacts], Summary]] = {
    "morning": morning_summary,
    "evening": evening_summary,
    "month": monthly_summary,
}

Board = Callable[[date, date, str | None], Awaitable[Sequence[Body]]]


@dataclass(frozen=True, slots=True)
class SummarySchedule:
    """One configured summary: `morning`, `evening` or `month`, its channels or rotas, and its
    producer (empty: all).

    `trigger` is a calendar trigger of APScheduler.
    """

    kind: str
    channels: tuple[str, ...]
    trigger: BaseTrigger
    producer: str

    def last_due(self, now: datetime) -> datetime | None:
        """Return the instant when it last fell due, or None if that is too long ago to send it."""
        when: datetime | None = self.trigger.get_next_fire_time(None, now - _STALE_AFTER)
        return when if when is not None and when <= now else None

    def notice_id_for(self, when: datetime) -> str:
        """Return the id of the notice for one due time.

        It is the same after a restart and in every monitor.
        """
        return notice_id(
            "summary", f"{self.kind} {self.producer} {' '.join(self.channels)}", when.isoformat()
        )


@dataclass
class Summaries:
    """Adds each summary that is due to the outbox, once.

    `board(first, last, producer)` returns the releases between two local days, both included (None:
    all producers). `risks()` returns what budgets will not prove, by host and day. `names` are the
    names of producers by id. `wake` is called when the outbox has a new notice. From `rotas` the
    person on call gets it.
    """

    schedules: Sequence[SummarySchedule]
    store: Store
    writer: Writer
    clock: Clock
    timezone: str
    board: Board
    risks: Callable[[], Risks]
    names: Mapping[str, str]
    ask: Ask
    wake: Callable[[], None]
    link: str = ""
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return the recurring jobs, each with its spacing and name."""
        if self.schedules:
            return [(timedelta(minutes=1), "summaries", self.write_due)]
        return []

    async def write_due(self) -> None:
        """Write to the outbox each summary that is due now and was not written before."""
        now = self.clock.now()
        for schedule in self.schedules:
            when = schedule.last_due(now)
            if when is not None and (name := schedule.notice_id_for(when)) not in self._written:
                await self._write_once(schedule, name, now)
                self._written.add(name)

    async def _write_once(self, schedule: SummarySchedule, name: str, now: datetime) -> None:
        """Add a summary to the outbox as the notice `name`, unless that is there already."""
        if await self.ask(lambda: self.store.outbox.notice(name)) is not None:
            return
        summary = await self._compose_summary(schedule, now)
        notice = Notice(
            id=name,
            kind="summary",
            incident="",
            release="",
            producer=schedule.producer,
            grade=Grade.NONE,
            findings=(),
            at=now,
            subject=summary.subject,
            text=summary.text,
        )
        channels = dict.fromkeys(resolve_rotas(schedule.channels, self.rotas, now))
        deliveries = [Delivery(name, channel, DeliveryState.WAITING, now) for channel in channels]
        if await self.writer.write(lambda tx: tx.add_notice(notice, deliveries)):
            _log.info("summed_up", summary=schedule.kind, subject=notice.subject)
            self.wake()

    async def _compose_summary(self, schedule: SummarySchedule, now: datetime) -> Summary:
        """Return a summary of today's releases, or for `month` of last month's, with the work that
        is owed.
        """
        today, producer = local_date(now, self.timezone), schedule.producer or None
        is_monthly = schedule.kind == "month"
        last = today
        if is_monthly:
            last = today.replace(day=1) - timedelta(days=1)
        first = last.replace(day=1) if is_monthly else today
        reports, actions = await self.ask(lambda: find_owed(self.store.verdicts, today))
        owed = [one for one in reports if producer in (None, *one.producers)]
        undone = [each for each in actions if producer in (None, *each[0].producers)]
        rows = await self.board(first, last, producer)
        facts = SummaryFacts(
            now,
            first,
            last,
            rows,
            owed,
            undone,
            risks=self.risks(),
            names=self.names,
            link=self.link,
        )
        if is_monthly:
            facts = replace(facts, producer=schedule.producer)
        else:
            earlier = await self.board(
                today - timedelta(days=_MISSING_DAYS), today - timedelta(days=1), producer
            )
            still_overdue = [row for row in earlier if row["verdict"] == "overdue" and row["slot"]]
            facts = replace(facts, missing=still_overdue)
        if schedule.kind == "evening":
            day, following = await self._next_day_with_releases(today, producer)
            facts = replace(facts, next=day, following=following)
        return _MAKERS[schedule.kind](facts)

    async def _next_day_with_releases(
        self, today: date, producer: str | None
    ) -> tuple[date, Sequence[Body]]:
        for ahead in range(1, _DAYS_AHEAD):
            day = today + timedelta(days=ahead)
            if rows := await self.board(day, day, producer):
                return day, rows
        return today + timedelta(days=1), ()
