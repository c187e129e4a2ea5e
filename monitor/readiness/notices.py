"""Sends a notice a day and half an hour before each slot for which something is not ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from alerts.notice import Notice, notice_id, write_blocks
from alerts.rota import Rota
from alerts.routes import resolve_rotas
from monitor.clock import Clock
from monitor.readiness.line import Line, Readiness
from monitor.readiness.reader import ReadinessReader
from monitor.readiness.text import describe_line
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.writer import Writer
from monitor.threads import Ask, Job
from schedules.contract.verdict import Grade
from schedules.times.words import count, instant_text

_log = structlog.get_logger(__name__)
_MOMENT = timedelta(microseconds=1)
_AFTER_START = timedelta(minutes=2)
"""A monitor that has just started has not read its calendars again yet."""
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """A notice is sent at `before` a slot, or so much later at most if no monitor ran then."""

    name: str
    before: timedelta
    lasts: timedelta


STAGES = (
    Stage("day", timedelta(hours=24), timedelta(hours=3)),
    Stage("half hour", timedelta(minutes=30), timedelta(minutes=30)),
)


@dataclass(frozen=True, slots=True)
class Recipients:
    """The channels and rotas that get these notices, about one producer (empty: all)."""

    channels: tuple[str, ...]
    producer: str = ""


@dataclass
class ReadinessNotices:
    """Assesses each slot that has a time, once at each stage, and writes a notice to the outbox if
    something is not ready.

    `wake` is called when the outbox has a new notice. `started` is when this monitor started.
    """

    recipients: Sequence[Recipients]
    reader: ReadinessReader
    writer: Writer
    clock: Clock
    ask: Ask
    wake: Callable[[], None]
    rotas: Mapping[str, Rota]
    started: datetime
    _assessed: set[str] = field(default_factory=set)

    def jobs(self) -> list[tuple[timedelta, str, Job]]:
        """Return the recurring jobs, each with its spacing and name."""
        return [(timedelta(minutes=1), "readiness", self.write_due)] if self.recipients else []

    async def write_due(self) -> None:
        """Assess each slot for which a stage has begun, unless that was done before."""
        now = self.clock.now()
        if now < self.started + _AFTER_START:
            return
        ledger = self.reader.store.ledger
        for stage in STAGES:
            begin = max(now + _MOMENT, now + stage.before - stage.lasts)
            end = now + stage.before + _MOMENT
            for slot in await self.ask(partial(ledger.promised_instants, begin, end)):
                for recipients in self.recipients:
                    await self._assess_once(stage, slot, recipients, now)

    async def _assess_once(
        self, stage: Stage, slot: datetime, recipients: Recipients, now: datetime
    ) -> None:
        occasion = f"{stage.name} {slot.isoformat()}"
        whom = f"{recipients.producer} {' '.join(recipients.channels)}"
        # The same in every monitor, and after a restart.
        name = notice_id("readiness", whom, occasion)
        if name in self._assessed:
            return
        producer = recipients.producer
        assessment = await self.ask(lambda: self.reader.assess(slot, slot + _MOMENT, now, producer))
        self._assessed.add(name)
        not_ready = [line for line in assessment.lines if line.state is Readiness.NOT_READY]
        if not not_ready:
            return
        notice = self._write_notice(name, slot, producer, now, not_ready)
        channels = dict.fromkeys(resolve_rotas(recipients.channels, self.rotas, now))
        deliveries = [Delivery(name, channel, DeliveryState.WAITING, now) for channel in channels]
        if await self.writer.write(lambda tx: tx.add_notice(notice, deliveries)):
            _log.info("not_ready", slot=slot.isoformat(), checks=len(not_ready))
            self.wake()

    def _write_notice(
        self, name: str, slot: datetime, producer: str, now: datetime, not_ready: Sequence[Line]
    ) -> Notice:
        at = instant_text(slot, self.reader.reporting.timezone)
        subject = f"NOT READY for {at}: {count(len(not_ready), 'check')}"
        listed = [f"- {describe_line(line)}" for line in not_ready[:_MOST_LISTED]]
        more = len(not_ready) - _MOST_LISTED
        ending = [f"{more} more: run `ninethirty ready`."] if more > 0 else []
        ending += [self.reader.links.url] if self.reader.links.url else []
        return Notice(
            id=name,
            kind="readiness",
            incident="",
            release="",
            producer=producer,
            grade=Grade.NONE,
            findings=tuple(sorted({line.check for line in not_ready})),
            at=now,
            subject=subject,
            text=write_blocks([subject], listed, ending),
        )
