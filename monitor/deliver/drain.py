"""The outbox drained: attempt written down, message sent, outcome written down; each channel on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

import structlog

from alerts.channel import Attachment, Channel, Message, Outcome, Refused
from alerts.delivery import GivenUp, Sent, Step, Waiting, after, ready
from alerts.notice import Notice, message
from monitor.clock import Clock
from monitor.deliver.drafts import written
from monitor.errors import StoreFault
from monitor.record.rows import Delivery, Standing
from monitor.record.store import Store
from monitor.record.writer import Writer

_log = structlog.get_logger(__name__)
_IDLE = timedelta(seconds=30)
_AFTER_A_FAULT = timedelta(seconds=5)
_LONGEST_SEND = 120.0
_MOST = 10_000
_EVER = timedelta(days=3650)

Told = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery that may go now, with what it carries."""

    delivery: Delivery
    notice: Notice
    message: Message


class Drain:
    """Takes notices from the outbox to their channels until they are sent or given up."""

    def __init__(  # noqa: PLR0913 # the edges it stands between
        self,
        store: Store,
        writer: Writer,
        channels: Sequence[Channel],
        endings: Mapping[str, Sequence[str]],
        clock: Clock,
        ask: Callable[[Callable[[], object]], Awaitable[object]],
        *,
        rng: Random,
        told: Told = lambda _channel, _outcome: None,
    ) -> None:
        """Take the edges; `endings` are the formats of the draft each channel gets, `told` hears every outcome."""
        self._store = store
        self._writer = writer
        self._channels = {channel.name: channel for channel in channels}
        self._endings = endings
        self._clock = clock
        self._ask = ask
        self._rng = rng
        self._told = told
        self._bells = {name: asyncio.Event() for name in self._channels}

    def ring(self) -> None:
        """Say that the outbox has something new."""
        for bell in self._bells.values():
            bell.set()

    async def run(self) -> None:
        """Drain every channel, each in a task of its own, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._channels:
                tasks.create_task(self._serve(name), name=f"drain {name}")

    async def empty(self, name: str) -> datetime | None:
        """Send all that may go through a channel now; returns when something will be due next."""
        while True:
            now = self._clock.now()
            waiting = await self._waiting(name)
            due = ready((row for row, _, _ in waiting.values()), now)
            if not due:
                return min((row.due for row, _, _ in waiting.values()), default=None)
            for row in due:
                _, delivery, notice = waiting[row.notice]
                await self._attempt(delivery, notice)

    async def _serve(self, name: str) -> None:
        bell = self._bells[name]
        while True:
            bell.clear()
            due = await self._emptied(name)
            wait = _IDLE if due is None else min(_IDLE, max(timedelta(), due - self._clock.now()))
            await _either(bell, self._clock, wait.total_seconds())

    async def _emptied(self, name: str) -> datetime | None:
        try:
            return await self.empty(name)
        except StoreFault as fault:
            _log.warning("outbox_unreadable", channel=name, fault=str(fault))
            return self._clock.now() + _AFTER_A_FAULT

    async def _waiting(self, name: str) -> dict[str, tuple[Waiting, Delivery, Notice]]:
        horizon = self._clock.now() + _EVER
        found = await self._ask(lambda: self._look_up(name, horizon))
        assert isinstance(found, dict)  # noqa: S101 # `ask` loses the type on its way through a thread
        return found

    def _look_up(self, name: str, horizon: datetime) -> dict[str, tuple[Waiting, Delivery, Notice]]:
        rows = {}
        for delivery in self._store.due_deliveries(horizon, limit=_MOST):
            notice = self._store.notice(delivery.notice) if delivery.channel == name else None
            if notice is not None:
                waiting = Waiting(notice.id, notice.follows or notice.id, name, notice.at, delivery.due)
                rows[notice.id] = (waiting, delivery, notice)
        return rows

    async def _attempt(self, delivery: Delivery, notice: Notice) -> None:
        begun = replace(delivery, attempts=delivery.attempts + 1, began=self._clock.now(), finished=None)
        await self._writer.write(lambda tx: tx.save_delivery(begun))
        await self._finish(begun, notice, await self._sent(notice, delivery.channel))

    async def _sent(self, notice: Notice, channel: str) -> Outcome:
        try:
            parcel = await self._ask(lambda: self._message(notice, channel))
            assert isinstance(parcel, Message)  # noqa: S101 # as above
            async with asyncio.timeout(_LONGEST_SEND):
                return await self._channels[channel].send(parcel)
        except TimeoutError:
            return Refused(permanent=False, reason=f"no answer within {_LONGEST_SEND:g} s")
        except Exception as fault:  # noqa: BLE001 # one message that breaks its channel must not stop those behind it
            # Its type alone: what it says may hold an address with a password in it.
            _log.error("delivery_broke", channel=channel, notice=notice.id, fault=type(fault).__name__)
            return Refused(permanent=False, reason=f"broke with {type(fault).__name__}")

    async def _finish(self, begun: Delivery, notice: Notice, outcome: Outcome) -> None:
        now = self._clock.now()
        step = after(outcome, begun.attempts, notice.at, now, self._rng)
        done = _done(begun, step, now)
        await self._writer.write(lambda tx: tx.save_delivery(done))
        self._told(begun.channel, done.standing.value if done.standing is not Standing.WAITING else "again")
        _log.info("delivery", channel=begun.channel, notice=notice.id, standing=done.standing.value, reason=done.reason)

    def _message(self, notice: Notice, channel: str) -> Message:
        incident = self._store.incident(notice.incident)
        versions = self._store.drafts(notice.incident) if incident is not None else []
        endings = self._endings.get(channel, ("docx",)) if versions else ()
        attachments = []
        for ending in endings:
            content, media = written(versions[-1], ending)
            attachments.append(Attachment(f"{notice.incident}.{ending}", media, content))
        return message(notice, incident, attachments)


def _done(begun: Delivery, step: Step, now: datetime) -> Delivery:
    if isinstance(step, Sent):
        return replace(begun, standing=Standing.SENT, finished=now, reference=step.reference, reason="")
    if isinstance(step, GivenUp):
        return replace(begun, standing=Standing.GIVEN_UP, finished=now, reason=step.reason)
    return replace(begun, due=step.at, finished=now, reason=step.reason)


async def _either(bell: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait for the bell, but no longer than so many seconds."""
    waiters = [asyncio.ensure_future(bell.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
