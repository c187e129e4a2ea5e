"""The outbox drained: attempt written down, message sent, outcome written down; each channel on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import structlog

from alerts.channel import Channel, Outcome, Refused
from alerts.delivery import RetryPolicy, Sent, decide_after_attempt, hurry_earlier_deliveries, next_due, select_ready
from alerts.message import DIGESTED, Digest
from alerts.notice import Notice
from monitor.clock import Clock
from monitor.deliver.digests import Digesting, digests, held
from monitor.deliver.message import Packer, Redactor
from monitor.deliver.outbox_lease import OutboxLease
from monitor.deliver.outbox_rows import Backlog, Ended, Row, backlog_of, done_by, write_done
from monitor.deliver.pacing import Pacing
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.silences import Current, Held, Over, find_silenced, notify_after_silence
from monitor.errors import Conflict, StoreFault
from monitor.store.lease import Leaseholder
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, either

_log = structlog.get_logger(__name__)
_IDLE = timedelta(minutes=5)
_AFTER_A_FAULT = timedelta(seconds=5)
_LONGEST_SEND = 120.0
_ATTEMPTS_BEFORE_REREADING = 5
_MOST, _EVER = 10_000, timedelta(days=3650)

_PATIENCE = RetryPolicy()
_WITH_POISON = RetryPolicy(attempts=8)
"""A message that breaks us is set aside long before one that its channel merely refuses."""

Told = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """Optional settings of how the outbox is drained.

    `holder` shares the outbox between processes. `redactor` takes out what no message may tell.
    `idle` is the longest time without a look at it; `rules` tell which releases a channel is told of. `current` returns
    an incident as it stands at an instant.
    """

    links: Links = field(default_factory=Links)
    templates: Mapping[str, Path] = field(default_factory=dict)
    digesting: Digesting = field(default_factory=Digesting)
    holder: Leaseholder | None = None
    idle: timedelta = _IDLE
    redactor: Redactor | None = None
    rules: ReportingRules = field(default_factory=ReportingRules)
    current: Current = lambda incident, _now: incident


class Outbox:
    """Takes notices from the outbox to their channels until they are sent or given up."""

    def __init__(  # noqa: PLR0913 # the edges it stands between
        self,
        store: Store,
        writer: Writer,
        channels: Sequence[Channel],
        clock: Clock,
        ask: Ask,
        *,
        rng: Random,
        told: Told = lambda _channel, _outcome: None,
        options: OutboxOptions | None = None,
    ) -> None:
        """`told` is called with every outcome."""
        options = options or OutboxOptions()
        self._store = store
        self._writer = writer
        self._clock = clock
        self._ask = ask
        self._rng = rng
        self._told = told
        self._idle = options.idle
        self._current_of = options.current
        self._turn = OutboxLease(store.leases, writer, clock, options.holder, ask)
        self.end = self._turn.end
        self._ended = Ended()
        self.backlogs: dict[str, Backlog] = {}
        self._delivered: dict[str, datetime] = {}
        self._bells: dict[str, asyncio.Event] = {}
        self._digesting: dict[str, Digesting] = {}
        self._name_of: Callable[[str], str] = str
        self._pacing: dict[str, Pacing] = {}
        self._serving: asyncio.TaskGroup | None = None
        self.reconfigure(channels, options)

    def reconfigure(self, channels: Sequence[Channel], options: OutboxOptions) -> None:
        """Send through these channels from now on, with these links, templates and digests.

        What is being sent goes out as it was begun. What waits for a channel that is no more waits on.
        """
        self._channels = {channel.name: channel for channel in channels}
        endings = {channel.name: channel.formats for channel in channels}
        self._packer = Packer(
            self._store.verdicts, endings, options.links, options.templates, options.redactor, options.rules
        )
        self._digesting |= dict.fromkeys(self._channels, options.digesting)
        self._name_of = options.rules.name_of
        folding = (name for name in self._channels if name in options.rules.folding)
        self._pacing = {name: self._pacing.get(name) or Pacing() for name in folding}
        for gone in self._bells.keys() - self._channels.keys():
            self._bells.pop(gone).set()
        new = self._channels.keys() - self._bells.keys()
        self._bells |= {name: asyncio.Event() for name in new}
        self._begin_serving(new)
        self.wake()

    def _begin_serving(self, names: Iterable[str]) -> None:
        if self._serving is not None:
            for name in names:
                self._serving.create_task(self._serve(name, self._bells[name]), name=f"outbox {name}")

    def wake(self) -> None:
        """Say that the outbox has something new."""
        for bell in self._bells.values():
            bell.set()

    async def run(self) -> None:
        """Drain every channel, each in a task of its own, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._serving:
                self._begin_serving(self._channels)
                # Nobody to tell is no reason to stop: the daemon takes a task that ends for one that died.
                await asyncio.Event().wait()
        finally:
            await self._turn.give_back()

    async def empty(self, name: str) -> datetime | None:
        """Send all that may go through a channel now; returns when something will be due next."""
        while name in self._channels and not self._turn.is_ending:
            now = self._clock.now()
            rows, quiet = await self._rows(name, now)
            holds = held(self._openings(name, rows, now), self._digesting[name], now)
            waiting = hurry_earlier_deliveries(
                row.waiting(self._due(row, holds.get(row.notice.id, row.delivery.due))) for row in rows
            )
            due = {one.notice: one.due for one in waiting}
            chosen = [one.notice for one in select_ready(waiting, now)]
            if not chosen and not quiet.over:
                first = next_due(waiting)
                return min((*([] if first is None else [first]), *quiet.until.values()), default=None)
            if (others := await self._turn.begin()) is not None:
                return others
            if quiet.over:
                await self._writer.write(lambda tx, over=quiet.over, at=now: self._tell_what_is_so(tx, over, at))  # type: ignore[misc] # mypy cannot infer it
            elif not await self._folded(name, [row for row in rows if due[row.notice.id] <= now], rows, now):
                by_id = {row.notice.id: row for row in rows}
                await self._attempt_each([by_id[name] for name in chosen])
        return None

    def _due(self, row: Row, held: datetime) -> datetime:
        """Return when a delivery is due: not while it is held, nor within a minute of the last one of its thread.

        The minute does not apply to one that is urgent, or that was attempted before.
        """
        pacing, due = self._pacing.get(row.delivery.channel), max(self._turn.due(row.delivery), held)
        return due if pacing is None or row.delivery.attempts else pacing.due(row.notice, due)

    async def _serve(self, name: str, bell: asyncio.Event) -> None:
        while self._bells.get(name) is bell:
            bell.clear()
            due = await self._emptied(name)
            wait = self._idle if due is None else min(self._idle, max(timedelta(), due - self._clock.now()))
            await either(bell, self._clock, wait.total_seconds())
        if name not in self._channels:
            self.backlogs.pop(name, None)

    async def _emptied(self, name: str) -> datetime | None:
        try:
            return await self.empty(name)
        except (StoreFault, Conflict) as fault:
            _log.warning("outbox_unreadable", channel=name, fault=str(fault))
            return self._clock.now() + _AFTER_A_FAULT

    async def _rows(self, name: str, now: datetime) -> tuple[list[Row], Held]:
        """Return what waits for a channel and may go, and what silences hold back: that keeps nobody waiting."""
        found, quiet = await self._ask(lambda: self._look_up(name, now))
        free = quiet.free(found)
        since = backlog_of((row.delivery, row.notice) for row in free).since
        self.backlogs[name] = Backlog(len(found), since, self._delivered.get(name))
        return free, quiet

    def _tell_what_is_so(self, tx: Transaction, over: Over, now: datetime) -> None:
        if self._turn.confirm(tx, now):
            for silence, rows in over.values():
                notify_after_silence(tx, self._store, self._current_of, silence, rows, now)

    def _look_up(self, name: str, now: datetime) -> tuple[list[Row], Held]:
        rows = []
        for delivery in self._store.outbox.due_deliveries(now + _EVER, limit=_MOST):
            notice = self._store.outbox.notice(delivery.notice) if delivery.channel == name else None
            if notice is not None:
                rows.append(Row(delivery, notice))
        rows.sort(key=lambda row: (row.notice.at, row.notice.id))
        return rows, find_silenced(self._store, rows, now)

    def _openings(self, name: str, rows: Sequence[Row], now: datetime) -> list[Notice]:
        """Return the openings that a digest may still stand for: nobody has been told of them yet."""
        if name not in self._digesting[name].channels:
            return []
        due = (row for row in rows if row.delivery.attempts == 0 and row.delivery.due <= now)
        untold = (row for row in due if self._ended.of(row.delivery) is None)
        return [row.notice for row in untold if row.notice.kind in DIGESTED and row.notice.release]

    async def _folded(self, name: str, due: Sequence[Row], rows: Sequence[Row], now: datetime) -> bool:
        """Put digests in the place of crowds of openings and of follow-ups; tells whether there were any."""
        made = digests(self._openings(name, rows, now), self._digesting[name], now, self._name_of)
        if any("unproven" not in one.notice.findings for one in made):
            self._digesting[name] = replace(self._digesting[name], digested=now)
        if (pacing := self._pacing.get(name)) is not None:
            follow_ups = [row.notice for row in due if row.notice.follows and row.delivery.attempts == 0]
            made += pacing.bundles(follow_ups, now)
        for one in made:
            await self._writer.write(lambda tx, one=one: self._fold(tx, one, name, now))  # type: ignore[misc] # mypy cannot infer it
        return bool(made)

    def _fold(self, tx: Transaction, one: Digest, name: str, now: datetime) -> None:
        covered = [self._current(notice, name) for notice in one.covers]
        untold = [
            row for row in covered if row is not None and row.attempts == 0 and row.standing is DeliveryState.WAITING
        ]
        # Another process was faster with some of them: what is left is told as it stands by then.
        if not self._turn.confirm(tx, now) or len(untold) < len(covered):
            return
        tx.add_notice(one.notice, [])
        tx.save_delivery(Delivery(one.notice.id, name, DeliveryState.WAITING, now))
        for row in untold:
            tx.save_delivery(replace(row, standing=DeliveryState.COVERED, finished=now, reference=one.notice.id))

    async def _attempt_each(self, rows: Sequence[Row]) -> None:
        # What may have ended the process the last time goes last, so that it never keeps the others from going.
        for place, row in enumerate(sorted(rows, key=lambda row: row.was_cut_off)):
            bell = self._bells.get(row.delivery.channel)
            if place >= _ATTEMPTS_BEFORE_REREADING and bell is not None and bell.is_set():
                # Something new may be urgent: it must not wait for all that was read before.
                bell.clear()
                return
            if self._turn.is_ending:
                return
            async with self._turn.attempt():
                await self._attempt(row.delivery, row.notice)

    async def _attempt(self, delivery: Delivery, notice: Notice) -> None:
        now, channel = self._clock.now(), self._channels.get(delivery.channel)
        # One that was begun before may still be under way elsewhere. Any other was chosen because it is due.
        if channel is None or (delivery.began is not None and self._turn.due(delivery) > now):
            return
        begun = await self._writer.write(lambda tx: self._begin(tx, delivery, now))
        if begun is not None:
            self._turn.began(begun)
            async with self._turn.kept():
                outcome, poison = await self._sent(notice, channel)
            if outcome is not None:
                await self._finish(begun, notice, outcome, _WITH_POISON if poison else _PATIENCE)

    def _begin(self, tx: Transaction, delivery: Delivery, now: datetime) -> Delivery | None:
        """Write an attempt down before it is made; None when it is no longer ours to make."""
        known, ended = self._current(delivery.notice, delivery.channel), self._ended.of(delivery)
        if known is not None and ended is not None:
            tx.save_delivery(ended)
            return None
        # What was tried since it was read is read again: another may be at it still.
        read = (DeliveryState.WAITING, delivery.attempts)
        if known is None or (known.standing, known.attempts) != read or not self._turn.confirm(tx, now):
            return None
        begun = replace(known, attempts=known.attempts + 1, began=now, finished=None)
        tx.save_delivery(begun)
        return begun

    def _current(self, notice: str, channel: str) -> Delivery | None:
        return next((row for row in self._store.outbox.deliveries(notice) if row.channel == channel), None)

    async def _sent(self, notice: Notice, channel: Channel) -> tuple[Outcome | None, bool]:
        """Hand a message over; also tells whether it broke us, so that the fault may lie in the message.

        None when it was not handed over, since another process may have had the turn by now.
        """
        try:
            parcel = await self._ask(partial(self._packer.pack, notice, channel.name, self._clock.now()))
            if not self._turn.holds(self._clock.now()):
                return None, False
            async with asyncio.timeout(_LONGEST_SEND):
                return await channel.send(parcel), False
        except TimeoutError:
            return Refused(permanent=False, reason=f"no answer within {_LONGEST_SEND:g} s"), False
        except StoreFault as fault:
            return Refused(permanent=False, reason=str(fault)), False
        except Exception as fault:  # noqa: BLE001 # one message that breaks its channel must not stop those behind it
            # Its type alone: what it says may hold an address with a password in it.
            _log.error("delivery_broke", channel=channel.name, notice=notice.id, fault=type(fault).__name__)
            return Refused(permanent=False, reason=f"broke with {type(fault).__name__}"), True

    async def _finish(self, begun: Delivery, notice: Notice, outcome: Outcome, patience: RetryPolicy) -> None:
        now = self._clock.now()
        step = decide_after_attempt(outcome, begun.attempts, notice.at, now, self._rng, patience)
        done = done_by(begun, step, now)
        self._ended.add(done)
        await self._writer.write(lambda tx: write_done(tx, notice, done, self._current(done.notice, done.channel)))
        if isinstance(step, Sent):
            self._delivered[begun.channel] = now
            if begun.channel in self._pacing:
                self._pacing[begun.channel].sent(notice, now)
        self._told(begun.channel, done.standing.value if done.standing is not DeliveryState.WAITING else "again")
        _log.info("delivery", channel=begun.channel, notice=notice.id, standing=done.standing.value, reason=done.reason)
