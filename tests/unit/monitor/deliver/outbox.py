"""Outboxes with channels that are fast, slow or faulty, and late releases to notify people of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from random import Random
from typing import TypeVar

from alerts.channel import Accepted, Channel, Message, Outcome
from monitor.clock import Clock, VirtualClock
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import RecordedVerdict, VerdictRecorder
from monitor.judge.verdict import Verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.worlds.fake_channel import FakeChannel, Options
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

T = TypeVar("T")
START = after_slot(400)
"""When a release that is not out yet has grade report."""


async def record_verdict(
    writer: Writer, recorder: VerdictRecorder, verdict: Verdict, now: datetime | None = None
) -> RecordedVerdict:
    """Record a verdict with its incident and notices, at `now` (default: when it was judged)."""
    return await writer.write(
        lambda tx: recorder.record(tx, assess(verdict, Measurement()), now or verdict.at)
    )


async def query_at_once(question: Callable[[], T]) -> T:
    """Query the store at once, without a thread."""
    return question()


def play_story(
    story: Callable[[VirtualClock, TemporaryStore, Writer], Awaitable[None]],
    begins: datetime = START,
) -> None:
    """Run a story with a virtual clock and an empty store."""

    async def run_story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await story(clock, store, writer)
        writer.abandon()

    run_virtually(run_story, begins)


def a_channel(clock: Clock, name: str = "mail", options: Options | None = None) -> FakeChannel:
    return FakeChannel(name, options or Options(), clock.now)


def an_outbox(
    store: Store,
    writer: Writer,
    channels: Sequence[Channel],
    clock: Clock,
    options: OutboxOptions | None = None,
) -> Outbox:
    rng = Random(1)  # noqa: S311 # spreads retries, guards nothing
    return Outbox(
        store,
        writer,
        channels,
        clock,
        query_at_once,
        rng=rng,
        on_outcome=lambda _channel, _outcome: None,
        options=options or OutboxOptions(),
    )


async def open_late_incidents(
    store: Store,
    writer: Writer,
    clock: Clock,
    names: Sequence[str],
    channels: Sequence[str] = ("mail",),
) -> None:
    """Open an incident of grade report for each of these releases, with its notice to each
    channel.
    """
    recorder = VerdictRecorder(ReportingRules(channels=channels))
    for name in names:
        await record_verdict(writer, recorder, a_late_verdict(400, name), clock.now())


async def send_until_none_waits(outbox: Outbox, clock: Clock, channel: str = "mail") -> None:
    """Send the deliveries of a channel when each is due, until all are sent or given up."""
    while (due := await outbox.send_due(channel)) is not None:
        await clock.sleep((due - clock.now()).total_seconds())


class SlowChannel:
    """A channel that needs this many seconds for each message."""

    formats = ()

    def __init__(self, clock: Clock, seconds: float, name: str = "mail") -> None:
        self.clock = clock
        self.seconds = seconds
        self.name = name
        self.begun_ids: list[str] = []
        self.received_ids: list[str] = []

    async def send(self, message: Message) -> Outcome:
        self.begun_ids.append(message.id)
        await self.clock.sleep(self.seconds)
        self.received_ids.append(message.id)
        return Accepted()

    async def close(self) -> None:
        """Let go of nothing."""


class FaultyChannel(FakeChannel):
    """A channel with a programming error: it raises ValueError for messages about the release
    `poison`.
    """

    async def send(self, message: Message) -> Outcome:
        if message.data["release"] == "poison":
            self.attempts += 1
            raise ValueError("no address with the password hunter2")
        return await super().send(message)
