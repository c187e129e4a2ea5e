"""Sends the outbox: records each attempt, sends the message, records the outcome.

Each channel has its own task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from operator import methodcaller
from random import Random

import structlog

from alerts.channel import Channel, Message, Outcome, Refused
from alerts.delivery import RetryPolicy, decide_after_attempt
from alerts.incident import Incident
from alerts.message import Digest
from alerts.notice import Notice
from alerts.silence import Silence
from monitor.clock import Clock
from monitor.deliver.attempts import Attempts
from monitor.deliver.message import MessageBuilder, Redactor
from monitor.deliver.outbox_rows import (
    Backlog,
    OutboxRow,
    covered_delivery,
    delivery_after,
    is_unsent,
)
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.silences import RefreshIncident, notify_after_silence
from monitor.deliver.stages import (
    ChannelState,
    Silenced,
    bundle,
    drop_silenced,
    hold_for_digest,
    next_due,
    order_threads,
    select_ready,
)
from monitor.errors import Conflict, StoreFault
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import Ask, wait_for_event

_log = structlog.get_logger(__name__)
IDLE = timedelta(minutes=5)
_AFTER_A_FAULT = timedelta(seconds=5)
_LONGEST_SEND = 120.0
_ATTEMPTS_BEFORE_REREADING = 5
_MOST_DELIVERIES, _TEN_YEARS = 10_000, timedelta(days=3650)
_SILENCES_READ_FOR = timedelta(days=30)
"""How long after its planned end a silence is still read, because deliveries that it suppressed may
wait.
"""

_RETRIES = RetryPolicy()
_RETRIES_AFTER_ERROR = RetryPolicy(attempts=8)
"""A message that raises an unexpected error is given up long before one that its channel
refuses.
"""


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """Optional settings of how the outbox is sent.

    `redactor` removes secrets from messages. `idle` is the longest time between two queries.
    `rules` decide which releases a channel gets. `refresh_incident` adds current facts.
    """

    links: Links = field(default_factory=Links)
    idle: timedelta = IDLE
    redactor: Redactor | None = None
    rules: ReportingRules = field(default_factory=ReportingRules)
    refresh_incident: RefreshIncident = lambda _tx, incident, _now: incident


@dataclass
class Outbox:
    """Sends notices from the outbox through their channels, until they are sent or given up.

    `run` sends.

    `on_outcome(channel, outcome)` is called after every attempt. An outcome is a delivery state or
    `again`.
    """

    store: Store
    writer: Writer
    channels: InitVar[Sequence[Channel]]
    clock: Clock
    ask: Ask
    _: KW_ONLY
    rng: Random
    on_outcome: Callable[[str, str], None]
    options: OutboxOptions
    states: dict[str, ChannelState] = field(default_factory=dict, init=False)
    """The channels of the present configuration, by name."""
    _channel_tasks: asyncio.TaskGroup | None = field(default=None, init=False)

    def __post_init__(self, channels: Sequence[Channel]) -> None:
        self._attempts = Attempts(self.clock)
        self.end = self._attempts.end
        self.reconfigure(channels, self.options)

    @property
    def channels_in_use(self) -> list[Channel]:
        """Return the channels of the present configuration."""
        return [state.channel for state in self.states.values()]

    @property
    def backlogs(self) -> dict[str, Backlog]:
        """Return by channel what waits for it. One that was not read yet is left out."""
        found = ((name, state.backlog) for name, state in self.states.items())
        return {name: backlog for name, backlog in found if backlog is not None}

    def redact(self, message: Message) -> Message:
        """Return a message without secrets."""
        return self._message_builder.redact(message)

    def reconfigure(self, channels: Sequence[Channel], options: OutboxOptions) -> None:
        """Use these channels and options from now on.

        Messages under way are finished. Deliveries to a channel that was removed stay in the
        outbox.
        """
        self.options = options
        rules = options.rules
        self._message_builder = MessageBuilder(
            self.store.verdicts, options.links, options.redactor, rules
        )
        before, self.states = self.states, {}
        for channel in channels:
            state = before.pop(channel.name, None)
            if state is None:
                state = ChannelState(channel)
                self._start_channel_task(state)
            state.channel = channel
            state.digest_rule = rules.digest_rule
            # About a platform's fault, `folding` channels get one thread of messages, and pauses
            # between these.
            state.is_paced = channel.name in rules.folding
            self.states[channel.name] = state
        self.wake()
        for removed in before.values():
            removed.wakeup.set()  # so that its task ends

    def _start_channel_task(self, state: ChannelState) -> None:
        """Start to send through a channel, unless `run` has not begun yet. It starts them all."""
        if self._channel_tasks is not None:
            self._channel_tasks.create_task(
                self._serve_channel(state), name=f"outbox {state.channel.name}"
            )

    def wake(self) -> None:
        """Query the outbox now, because it has new notices."""
        for state in self.states.values():
            state.wakeup.set()

    async def run(self) -> None:
        """Send through every channel, each in its own task, until cancelled."""
        async with asyncio.TaskGroup() as self._channel_tasks:
            for state in self.states.values():
                self._start_channel_task(state)
            # Without channels it must not return, because the daemon restarts tasks that end.
            await asyncio.Event().wait()

    async def send_due(self, channel: str) -> datetime | None:
        """Send the due deliveries of a channel.

        Return when to call this again, or None if none waits or it is removed.

        Each round reads the outbox and takes one step, until no delivery is ready.
        """
        while (state := self.states.get(channel)) is not None and not self._attempts.is_ending:
            now = self.clock.now()
            waiting, silences, incidents = await self.ask(partial(self._read_waiting, channel, now))
            silenced = drop_silenced(waiting, silences, incidents, now)
            state.count_backlog(waiting, silenced.sendable)
            untouched = self._attempts.hold_unfinished(silenced.sendable, now)
            held = hold_for_digest(untouched, state, now)
            rows = order_threads(held, state)
            ready = select_ready(rows, now)
            if lost := self._attempts.find_lost(waiting):
                await self.writer.write(methodcaller("save", *lost))
            elif silenced.ended:
                await self.writer.write(partial(self._notify_after_silences, silenced, now))
            elif not ready:
                next_changes = filter(None, (next_due(rows), *silenced.ends))
                return min(next_changes, default=None)
            elif digests := bundle(rows, state, now, self.options.rules.producer_name):
                await self._replace_by_digests(digests, state, now)
            else:
                await self._attempt_each(ready, state)
        return None

    async def _serve_channel(self, state: ChannelState) -> None:
        """Send the due deliveries of a channel until it is removed.

        Wait between, also after a fault of the store.
        """
        name = state.channel.name
        # A channel that was removed and added again has another state, and another task.
        while self.states.get(name) is state:
            state.wakeup.clear()
            try:
                due = await self.send_due(name)
            except (StoreFault, Conflict) as fault:
                _log.warning("outbox_unreadable", channel=name, fault=str(fault))
                due = self.clock.now() + _AFTER_A_FAULT
            idle = self.options.idle
            wait = idle
            if due is not None:
                wait = min(idle, max(timedelta(), due - self.clock.now()))
            await wait_for_event(state.wakeup, self.clock, wait.total_seconds())

    def _read_waiting(
        self, channel: str, now: datetime
    ) -> tuple[list[OutboxRow], list[Silence], dict[str, Incident]]:
        """Return the rows that wait for a channel, due or not, oldest notice first.

        Return with them the silences, and the incidents that these may cover, by id.
        """
        outbox = self.store.outbox
        rows = []
        for delivery in outbox.due_deliveries(now + _TEN_YEARS, limit=_MOST_DELIVERIES):
            if delivery.channel != channel:
                continue
            notice = outbox.notice(delivery.notice)
            if notice is not None:
                rows.append(OutboxRow(delivery, notice, delivery.due))
        rows.sort(key=lambda row: (row.notice.at, row.notice.id))
        silences = outbox.silences(now - _SILENCES_READ_FOR) if rows else []
        names = {row.notice.incident for row in rows} if silences else set()
        found = (self.store.verdicts.incident(name) for name in names)
        return rows, silences, {one.id: one for one in found if one is not None}

    def _notify_after_silences(self, silenced: Silenced, now: datetime, tx: Transaction) -> None:
        """Replace what ended silences suppressed by current notices."""
        for silence, rows in silenced.ended.values():
            notify_after_silence(tx, self.options.refresh_incident, silence, rows, now)

    async def _replace_by_digests(
        self, digests: Sequence[Digest], state: ChannelState, now: datetime
    ) -> None:
        """Save digests in place of what they cover."""
        for digest in digests:
            # Openings soon after a digest wait longer. After one that is only about unproven
            # releases they should not, because a late release is more urgent than that.
            if digest.notice.kind == "digest" and "unproven" not in digest.notice.findings:
                state.last_digest = now
            await self.writer.write(
                partial(self._replace_by_digest, digest, state.channel.name, now)
            )

    def _replace_by_digest(
        self, digest: Digest, channel: str, now: datetime, tx: Transaction
    ) -> None:
        """Save a digest and mark the deliveries that it covers, unless one was attempted."""
        rows = (tx.claim_delivery(notice, channel) for notice in digest.covers)
        unsent = [row for row in rows if row is not None and is_unsent(row)]
        # If another process already sent some of these, the rest is read again and sent with its
        # current status.
        if len(unsent) < len(digest.covers):
            return
        tx.add_notice(digest.notice, [])
        tx.save(Delivery(digest.notice.id, channel, DeliveryState.WAITING, now))
        for row in unsent:
            tx.save(covered_delivery(row, digest.notice.id, now))

    async def _attempt_each(self, rows: Sequence[OutboxRow], state: ChannelState) -> None:
        """Attempt these deliveries.

        Stop early if new notices have come, or if the process is ending.
        """
        for attempted, row in enumerate(rows):
            if attempted >= _ATTEMPTS_BEFORE_REREADING and state.wakeup.is_set():
                # new notices may be urgent, so they must not wait for all that was read before
                state.wakeup.clear()
                return
            is_removed = self.states.get(state.channel.name) is not state
            if is_removed or self._attempts.is_ending:
                return
            async with self._attempts.track():
                await self._attempt_row(row, state)

    async def _attempt_row(self, row: OutboxRow, state: ChannelState) -> None:
        """Record an attempt, send the message, and record the outcome.

        Do nothing if `_record_attempt` finds that we must not send it.
        """
        now, recorded_at = self.clock.now(), self.clock.monotonic()
        attempt = await self.writer.write(lambda tx: self._record_attempt(tx, row.delivery, now))
        if attempt is None:
            return
        self._attempts.note_own(attempt)
        outcome, retries = await self._send_message(attempt, row.notice, state.channel, recorded_at)
        if outcome is None:
            return
        what_follows = decide_after_attempt(
            outcome, attempt.attempts, row.notice.at, self.clock.now(), self.rng, retries
        )
        delivery = delivery_after(attempt, what_follows, self.clock.now())
        is_finished = delivery.standing is not DeliveryState.WAITING
        if is_finished:
            self._attempts.note_finished(delivery)
        # A former leader may write it too. Else its successor would send the message again.
        await self.writer.write(lambda tx: tx.record_outcome(row.notice, delivery), is_fact=True)
        if delivery.standing is DeliveryState.SENT:
            state.record_sent(row, self.clock.now())
        standing = delivery.standing.value
        self.on_outcome(delivery.channel, standing if is_finished else "again")
        _log.info(
            "delivery",
            channel=delivery.channel,
            notice=delivery.notice,
            standing=standing,
            reason=delivery.reason,
        )

    def _record_attempt(
        self, tx: Transaction, delivery: Delivery, now: datetime
    ) -> Delivery | None:
        """Save an attempt before it is made and return the delivery, or None if this process must
        not send it.
        """
        # Another process may be claiming it at the same time.
        known = tx.claim_delivery(delivery.notice, delivery.channel)
        # If another process attempted it since it was read, that attempt may still be under way.
        as_read = (DeliveryState.WAITING, delivery.attempts)
        if known is None or (known.standing, known.attempts) != as_read:
            return None
        if self._attempts.has_finished(known):
            return None
        begun = replace(known, attempts=known.attempts + 1, began=now, finished=None)
        tx.save(begun)
        return begun

    async def _send_message(
        self, attempt: Delivery, notice: Notice, channel: Channel, recorded_at: float
    ) -> tuple[Outcome | None, RetryPolicy]:
        """Send a message. Return the channel's outcome, and how it is retried.

        The outcome is None if the message was not sent, because another process may have sent it by
        now. `recorded_at` is when the attempt was recorded, by our monotonic clock.
        """
        now = self.clock.now()
        try:
            message = await self.ask(
                partial(self._message_builder.build, notice, channel.name, now, channel.formats)
            )
            if not self._attempts.may_begin(attempt, recorded_at):
                return None, _RETRIES
            async with asyncio.timeout(_LONGEST_SEND):
                return await channel.send(message), _RETRIES
        except TimeoutError:
            reason = f"no answer within {_LONGEST_SEND:g} s"
        except StoreFault as fault:
            reason = str(fault)
        except Exception as fault:  # noqa: BLE001 # one message that breaks its channel must not stop the next ones
            # Only the type, because the text may contain an address with a password.
            broke = type(fault).__name__
            _log.error("delivery_broke", channel=channel.name, notice=notice.id, fault=broke)
            return Refused(permanent=False, reason=f"broke with {broke}"), _RETRIES_AFTER_ERROR
        return Refused(permanent=False, reason=reason), _RETRIES
