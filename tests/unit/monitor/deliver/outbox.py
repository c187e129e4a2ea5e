"""Outboxes drained with all that the configuration can ask for, by one process or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from alerts.channel import Accepted, Channel, Message, Outcome
from monitor.clock import Clock
from monitor.deliver.facts import Measurement
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.verdict import Verdict
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from tests.worlds.fake_channel import FakeChannel, Options
from tests.worlds.verdicts import a_late_verdict


async def record(writer: Writer, events: VerdictRecorder, verdict: Verdict, now: datetime) -> None:
    await writer.write(lambda tx: events.record(tx, verdict, Measurement(), now))


async def directly(question: Callable[[], object]) -> object:
    """Query the store at once, without a thread."""
    return question()


def recording(clock: Clock, name: str = "mail", options: Options | None = None) -> FakeChannel:
    return FakeChannel(name, options or Options(), clock.now)


def an_outbox(
    store: Store, writer: Writer, channels: Sequence[Channel], clock: Clock, options: OutboxOptions | None = None
) -> Outbox:
    rng = Random(1)  # noqa: S311 # spreads retries, guards nothing
    return Outbox(store, writer, channels, clock, directly, rng=rng, options=options)


async def some_late(
    store: Store, writer: Writer, clock: Clock, names: Sequence[str], channels: Sequence[str] = ("mail",)
) -> None:
    """Open an incident, grade report, for each of these releases, one after the other."""
    events = VerdictRecorder(store, ReportingRules(channels=channels))
    for name in names:
        await record(writer, events, a_late_verdict(400, name), clock.now())


class Slow:
    """Takes each message, but only after so many seconds."""

    formats = ()

    def __init__(self, clock: Clock, seconds: float, name: str = "mail") -> None:
        self.clock = clock
        self.seconds = seconds
        self.name = name
        self.began: list[str] = []
        self.got: list[str] = []

    async def send(self, message: Message) -> Outcome:
        self.began.append(message.id)
        await self.clock.sleep(self.seconds)
        self.got.append(message.id)
        return Accepted()

    async def close(self) -> None:
        """Let go of nothing."""


class Brittle(FakeChannel):
    """Breaks over one release, as a channel with a fault in it would."""

    async def send(self, message: Message) -> Outcome:
        if message.data["release"] == "poison":
            self.attempts += 1
            raise ValueError("hunter2 stood in this address")
        return await super().send(message)
