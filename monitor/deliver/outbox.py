"""Sends the outbox: records each attempt, sends the message, records the outcome.

Each channel has its own task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

import structlog

from alerts.channel import Channel, Message, Outcome, Refused
from alerts.delivery import (
    RetryPolicy,
    decide_after_attempt,
    hurry_earlier_deliveries,
    next_due,
    select_ready,
)
from alerts.message import DIGESTED, Digest
from alerts.notice import Notice
from monitor.clock import Clock
from monitor.deliver.attempts import Attempts
from monitor.deliver.digests import DigestRule, ThreadPacing, find_waiting_openings, make_digests
from monitor.deliver.message import MessageBuilder, Redactor
from monitor.deliver.outbox_rows import (
    Backlog,
    OutboxRow,
    covered_delivery,
    delivery_after,
    is_unsent,
    stored_delivery,
)
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.silences import (
    EndedSilences,
    RefreshIncident,
    Silenced,
    find_silenced,
    notify_after_silence,
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
    digest_rule: DigestRule = field(default_factory=DigestRule)
    idle: timedelta = IDLE
    redactor: Redactor | None = None
    rules: ReportingRules = field(default_factory=ReportingRules)
    refresh_incident: RefreshIncident = lambda incident, _now: incident


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
    on_outcome: Callable[[str, str], None] = lambda _channel, _outcome: None
    options: OutboxOptions = field(default_factory=OutboxOptions)
    backlogs: dict[str, Backlog] = field(default_factory=dict)
    # Deliveries that this process finished. No one is notified twice, even if the store loses its
    # last writes.
    _finished: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    _last_delivered: dict[str, datetime] = field(default_factory=dict)
    _wakeups: dict[str, asyncio.Event] = field(default_factory=dict)
    _digest_rules: dict[str, DigestRule] = field(default_factory=dict)
    _thread_pacing: dict[str, ThreadPacing] = field(default_factory=dict)
    _channel_tasks: asyncio.TaskGroup | None = None

    def __post_init__(self, channels: Sequence[Channel]) -> None:
        self._attempts = Attempts(self.clock)
        self.end = self._attempts.end
        self.reconfigure(channels, self.options)

    @property
    def channels_in_use(self) -> list[Channel]:
        """Return the channels of the present configuration."""
        return [*self._channels.values()]

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
        self._channels = {channel.name: channel for channel in channels}
        formats = {channel.name: channel.formats for channel in channels}
        self._message_builder = MessageBuilder(
            self.store.verdicts, formats, options.links, options.redactor, rules
        )
        # Each channel gets the new digest rule, but keeps the time of its last digest.
        last_digests = {name: rule.last_digest for name, rule in self._digest_rules.items()}
        for name in self._channels:
            self._digest_rules[name] = replace(
                options.digest_rule, last_digest=last_digests.get(name)
            )
        # About a platform's fault, `folding` channels get one thread of messages, and pauses
        # between these.
        folding = (name for name in self._channels if name in rules.folding)
        self._thread_pacing = {
            name: self._thread_pacing.get(name) or ThreadPacing() for name in folding
        }
        for removed in self._wakeups.keys() - self._channels.keys():
            # The event wakes the channel's task. The task then finds that its event was removed,
            # and ends.
            self._wakeups.pop(removed).set()
        new = self._channels.keys() - self._wakeups.keys()
        self._wakeups |= {name: asyncio.Event() for name in new}
        self._start_channel_tasks(new)
        self.wake()

    def _start_channel_tasks(self, names: Iterable[str]) -> None:
        """Start to send through these channels, unless `run` has not begun yet. It starts them
        all.
        """
        if self._channel_tasks is not None:
            for name in names:
                self._channel_tasks.create_task(
                    self._serve_channel(name, self._wakeups[name]), name=f"outbox {name}"
                )

    def wake(self) -> None:
        """Query the outbox now, because it has new notices."""
        for wakeup in self._wakeups.values():
            wakeup.set()

    async def run(self) -> None:
        """Send through every channel, each in its own task, until cancelled."""
        async with asyncio.TaskGroup() as self._channel_tasks:
            self._start_channel_tasks(self._channels)
            # Without channels it must not return, because the daemon restarts tasks that end.
            await asyncio.Event().wait()

    async def send_due(self, channel: str) -> datetime | None:
        """Send the due deliveries of a channel.

        Return when to call this again, or None if none waits or it is removed.

        Each round reads the outbox and makes one step, until no delivery is ready. The first
        possible step is made: to replace what an ended silence suppressed, to replace openings (the
        first notices of incidents) by a digest, or to attempt the deliveries.
        """
        # unless the process is stopping
        while channel in self._channels and not self._attempts.is_ending:
            now = self.clock.now()
            rows, silenced = await self._read_waiting(channel, now)
            openings = self._digestible_openings(channel, rows, now)
            # Openings wait a little for others, so that they become one digest.
            wait_ends = find_waiting_openings(openings, self._digest_rules[channel], now)
            rows_with_due = ((row, wait_ends.get(row.notice.id, row.delivery.due)) for row in rows)
            waiting = (
                row.as_pending(self._earliest_attempt(row, due)) for row, due in rows_with_due
            )
            # Earlier notices of a thread become due with an urgent one that follows them.
            pending = hurry_earlier_deliveries(waiting)
            # Of each thread (the notices of an incident), only the first one that waits can be
            # ready.
            ready_ids = [one.notice for one in select_ready(pending, now)]
            if not ready_ids and not silenced.ended:
                # The next change is when a delivery is due or an active silence ends.
                return min(
                    filter(None, (next_due(pending), *silenced.until.values())), default=None
                )
            if silenced.ended:  # the deliveries of silences that have ended
                await self.writer.write(partial(self._notify_after_silences, silenced.ended, now))
                continue
            # A digest may also cover notices that are due but wait for an earlier one of their
            # thread.
            due_ids = {one.notice for one in pending if one.due <= now}
            first_attempts = [
                row.notice
                for row in rows
                if row.notice.id in due_ids and row.delivery.attempts == 0
            ]
            if not await self._bundle_notices(channel, openings, first_attempts, now):
                by_id = {row.notice.id: row for row in rows}
                await self._attempt_each([by_id[notice] for notice in ready_ids])
        return None

    def _earliest_attempt(self, row: OutboxRow, due: datetime) -> datetime:
        """Return when a delivery due at `due` may be attempted.

        It waits for another process that may be sending it. A first attempt also waits a minute
        after its thread's last message, unless it is urgent.
        """
        earliest = max(self._attempts.earliest(row.delivery), due)
        pacing = self._thread_pacing.get(row.delivery.channel)
        return (
            earliest
            if pacing is None or row.delivery.attempts
            else pacing.earliest_send(row.notice, earliest)
        )

    async def _serve_channel(self, channel: str, wakeup: asyncio.Event) -> None:
        """Send the due deliveries of a channel until it is removed.

        Wait between, also after a fault of the store.
        """
        # A channel that was removed and added again has another wakeup, and another task.
        while self._wakeups.get(channel) is wakeup:
            wakeup.clear()
            try:
                due = await self.send_due(channel)
            except (StoreFault, Conflict) as fault:
                _log.warning("outbox_unreadable", channel=channel, fault=str(fault))
                due = self.clock.now() + _AFTER_A_FAULT
            idle = self.options.idle
            wait = idle if due is None else min(idle, max(timedelta(), due - self.clock.now()))
            await wait_for_event(wakeup, self.clock, wait.total_seconds())
        if channel not in self._channels:  # it was not added again
            self.backlogs.pop(channel, None)

    async def _read_waiting(self, name: str, now: datetime) -> tuple[list[OutboxRow], Silenced]:
        """Return the rows that wait for a channel and are not silenced, and the silenced ones.

        Update the backlog.
        """
        found, silenced = await self.ask(lambda: self._query_waiting(name, now))
        sendable = silenced.select_sendable(found)
        # Silenced deliveries are counted as waiting, but not for how long, because they could not
        # have been sent yet. A retried delivery has waited since its notice, because its due time
        # moves with each attempt.
        waiting_since = (
            row.notice.at if row.delivery.attempts else row.delivery.due for row in sendable
        )
        self.backlogs[name] = Backlog(
            len(found), min(waiting_since, default=None), self._last_delivered.get(name)
        )
        return sendable, silenced

    def _notify_after_silences(
        self, ended_silences: EndedSilences, now: datetime, tx: Transaction
    ) -> None:
        """Replace what ended silences suppressed by current notices."""
        for silence, rows in ended_silences.values():
            notify_after_silence(tx, self.store, self.options.refresh_incident, silence, rows, now)

    def _query_waiting(self, name: str, now: datetime) -> tuple[list[OutboxRow], Silenced]:
        """Return the deliveries that wait for a channel, due or not, oldest notice first, and the
        silenced ones.
        """
        outbox = self.store.outbox
        found = (
            one
            for one in outbox.due_deliveries(now + _TEN_YEARS, limit=_MOST_DELIVERIES)
            if one.channel == name
        )
        rows = [
            OutboxRow(one, notice)
            for one in found
            if (notice := outbox.notice(one.notice)) is not None
        ]
        rows.sort(key=lambda row: (row.notice.at, row.notice.id))
        return rows, find_silenced(self.store, rows, now)

    def _digestible_openings(
        self, channel: str, rows: Sequence[OutboxRow], now: datetime
    ) -> list[Notice]:
        """Return the due openings on this channel that a digest can replace, because they were not
        attempted yet.
        """
        if channel not in self._digest_rules[channel].channels:
            return []
        due = (row for row in rows if row.delivery.attempts == 0 and row.delivery.due <= now)
        unsent = (row for row in due if (row.delivery.notice, channel) not in self._finished)
        return [row.notice for row in unsent if row.notice.kind in DIGESTED and row.notice.release]

    async def _bundle_notices(
        self,
        channel: str,
        openings: Sequence[Notice],
        first_attempts: Sequence[Notice],
        now: datetime,
    ) -> bool:
        """Replace groups of `openings` (first notices) and of later notices by digests.

        Return whether any was.
        """
        digests = make_digests(
            openings, self._digest_rules[channel], now, self.options.rules.producer_name
        )
        # Openings soon after `last_digest` wait longer. After a digest that is only about unproven
        # releases they should not, because a late release is more urgent than what people have got.
        if any("unproven" not in digest.notice.findings for digest in digests):
            self._digest_rules[channel] = replace(self._digest_rules[channel], last_digest=now)
        pacing = self._thread_pacing.get(channel)
        if pacing is not None:  # this channel gets at most one message a minute about each incident
            digests += pacing.bundle_follow_ups(
                [notice for notice in first_attempts if notice.follows], now
            )
        for digest in digests:
            await self.writer.write(partial(self._replace_with_digest, digest, channel, now))
        return bool(digests)

    def _replace_with_digest(
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

    async def _attempt_each(self, rows: Sequence[OutboxRow]) -> None:
        """Attempt these deliveries.

        Stop early if new notices have come, or if the process is ending.
        """
        # A message that may have killed the process last time goes last, so that it cannot block
        # the others.
        for attempted, row in enumerate(sorted(rows, key=lambda row: row.was_cut_off)):
            wakeup = self._wakeups.get(row.delivery.channel)
            if attempted >= _ATTEMPTS_BEFORE_REREADING and wakeup is not None and wakeup.is_set():
                # new notices may be urgent, so they must not wait for all that was read before
                wakeup.clear()
                return
            if self._attempts.is_ending:
                return
            async with self._attempts.track():
                await self._attempt_delivery(row.delivery, row.notice)

    async def _attempt_delivery(self, delivery: Delivery, notice: Notice) -> None:
        """Record an attempt, send the message, and record the outcome.

        Do nothing if another process may be sending it, or if `_record_attempt` finds that we must
        not send it.
        """
        now = self.clock.now()
        channel = self._channels.get(delivery.channel)
        # A delivery that was begun before may still be under way in another process.
        if channel is None or (
            delivery.began is not None and self._attempts.earliest(delivery) > now
        ):
            return
        recorded_at = self.clock.monotonic()
        attempt = await self.writer.write(lambda tx: self._record_attempt(tx, delivery, now))
        if attempt is not None:
            self._attempts.note_own(attempt)
            outcome, had_error = await self._send_message(attempt, notice, channel, recorded_at)
            if outcome is not None:
                await self._record_outcome(
                    attempt, notice, outcome, _RETRIES_AFTER_ERROR if had_error else _RETRIES
                )

    def _record_attempt(
        self, tx: Transaction, delivery: Delivery, now: datetime
    ) -> Delivery | None:
        """Save an attempt before it is made and return the delivery, or None if this process must
        not send it.

        If this process finished the delivery before, but the store lost that, it is saved as
        finished again.
        """
        # Another process may be claiming it at the same time.
        known = tx.claim_delivery(delivery.notice, delivery.channel)
        already_finished = self._finished.get((delivery.notice, delivery.channel))
        if known is not None and already_finished is not None:
            tx.save(already_finished)
            return None
        # If another process attempted it since it was read, that attempt may still be under way.
        as_read = (DeliveryState.WAITING, delivery.attempts)
        if known is None or (known.standing, known.attempts) != as_read:
            return None
        begun = replace(known, attempts=known.attempts + 1, began=now, finished=None)
        tx.save(begun)
        return begun

    async def _send_message(
        self, attempt: Delivery, notice: Notice, channel: Channel, recorded_at: float
    ) -> tuple[Outcome | None, bool]:
        """Send a message. Return the channel's outcome, and whether an unexpected error was raised.

        The outcome is None if the message was not sent, because another process may have sent it by
        now. `recorded_at` is when the attempt was recorded, by our monotonic clock.
        """
        try:
            message = await self.ask(
                partial(self._message_builder.build, notice, channel.name, self.clock.now())
            )
            if not self._attempts.may_begin(attempt, recorded_at):
                return None, False
            async with asyncio.timeout(_LONGEST_SEND):
                return await channel.send(message), False
        except TimeoutError:
            return Refused(permanent=False, reason=f"no answer within {_LONGEST_SEND:g} s"), False
        except StoreFault as fault:
            return Refused(permanent=False, reason=str(fault)), False
        except Exception as fault:  # noqa: BLE001 # one message that breaks its channel must not stop the next ones
            # Only the type, because the text may contain an address with a password.
            _log.error(
                "delivery_broke", channel=channel.name, notice=notice.id, fault=type(fault).__name__
            )
            return Refused(permanent=False, reason=f"broke with {type(fault).__name__}"), True

    async def _record_outcome(
        self, attempt: Delivery, notice: Notice, outcome: Outcome, retries: RetryPolicy
    ) -> None:
        """Save how an attempt ended (sent, given up, or due again), and report it to `on_outcome`.

        A newer attempt, which another process has saved in the meantime, is not overwritten.
        """
        now = self.clock.now()
        what_follows = decide_after_attempt(
            outcome, attempt.attempts, notice.at, now, self.rng, retries
        )
        delivery = delivery_after(attempt, what_follows, now)
        is_finished = delivery.standing is not DeliveryState.WAITING
        if is_finished:
            # If the store is restored from a backup, it loses this write. `_finished` then prevents
            # a second sending.
            self._finished[delivery.notice, delivery.channel] = delivery
        if len(self._finished) > _MOST_DELIVERIES:
            del self._finished[next(iter(self._finished))]  # the oldest

        def save(tx: Transaction) -> None:
            stored = stored_delivery(self.store.outbox, delivery.notice, delivery.channel)
            was_attempted_since = stored is not None and stored.attempts > delivery.attempts
            if not was_attempted_since:
                tx.add_notice(notice, [])  # a store that was restored meanwhile may lack the notice
                tx.save(delivery)

        await self.writer.write(save)
        channel = delivery.channel
        if delivery.standing is DeliveryState.SENT:
            self._last_delivered[channel] = now
            # the next message of the thread keeps a distance from this one
            if channel in self._thread_pacing:
                self._thread_pacing[channel].record_sent(notice, now)
        state = delivery.standing.value
        self.on_outcome(channel, state if is_finished else "again")
        _log.info(
            "delivery", channel=channel, notice=notice.id, standing=state, reason=delivery.reason
        )
