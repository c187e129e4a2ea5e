"""Outboxes drained with all that the configuration can ask for, by one process or several."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from alerts.channel import Accepted, Channel, Message, Outcome
from alerts.channels.recording import Options, Recording
from monitor.clock import Clock
from monitor.deliver.drain import Customs, Drain
from monitor.deliver.events import Events
from monitor.deliver.house import House
from monitor.record.store import Store
from monitor.record.writer import Writer
from tests.unit.monitor.deliver.story import a_verdict, directly, record


def recording(clock: Clock, name: str = "mail", options: Options | None = None) -> Recording:
    return Recording(name, options or Options(), clock.now)


def a_drain(
    store: Store, writer: Writer, channels: Sequence[Channel], clock: Clock, customs: Customs | None = None
) -> Drain:
    endings: dict[str, tuple[str, ...]] = {channel.name: () for channel in channels}
    rng = Random(1)  # noqa: S311 # spreads retries, guards nothing
    return Drain(store, writer, channels, endings, clock, directly, rng=rng, customs=customs)


async def some_late(
    store: Store, writer: Writer, clock: Clock, names: Sequence[str], channels: Sequence[str] = ("mail",)
) -> None:
    """Open an incident, grade report, for each of these releases, one after the other."""
    events = Events(store, House(channels=channels))
    for name in names:
        await record(writer, events, a_verdict(400, name), clock.now())


class Slow:
    """Takes each message, but only after so many seconds."""

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


class Brittle(Recording):
    """Breaks over one release, as a channel with a fault in it would."""

    async def send(self, message: Message) -> Outcome:
        if message.data["release"] == "poison":
            self.attempts += 1
            raise ValueError("hunter2 stood in this address")
        return await super().send(message)
