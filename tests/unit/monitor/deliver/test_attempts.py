"""Several processes on one store never send a notice twice, and send what a killed one left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.clock import VirtualClock
from monitor.deliver.attempts import Attempts
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.open import open_store
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import (
    START,
    FaultyChannel,
    SlowChannel,
    a_channel,
    an_outbox,
    open_late_incidents,
    play_story,
    send_until_none_waits,
)
from tests.unit.monitor.deliver.test_stages import a_row
from tests.worlds.fake_channel import Options
from tests.worlds.instants import HOUR, after_slot
from tests.worlds.stores import TemporaryStore, a_store

RELEASES = [f"r{number}" for number in range(4)]


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_two_processes_never_both_send_a_notice(tmp_path: Path) -> None:
    """Two processes share a store with four notices. To send a message takes 7 s.

    For 100 s both processes try to send. Each notice is sent once.
    """

    async def story(clock: VirtualClock) -> None:
        store = a_store(tmp_path)
        same_store = open_store(f"sqlite:///{tmp_path}/store.db", durable=False)
        writer, other_writer = Writer(store, clock), Writer(same_store, clock)
        await open_late_incidents(store, writer, clock, RELEASES)
        channel = SlowChannel(clock, seconds=7.0)  # of both processes
        one = an_outbox(store, writer, [channel], clock)
        two = an_outbox(same_store, other_writer, [channel], clock)
        running = [asyncio.create_task(outbox.run()) for outbox in (one, two)]
        for _ in range(20):  # five seconds each, so 100 s
            two.wake()  # so that it also tries to send
            await clock.sleep(5)
        await cancel(*running)
        assert len(channel.begun_ids) == len(set(channel.begun_ids)) == len(RELEASES)
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        for each_writer, each_store in ((writer, store), (other_writer, same_store)):
            each_writer.abandon()
            each_store.close()

    run_virtually(story, START)


class SuspendedWriter(Writer):
    """A writer whose process is suspended for a minute after each commit, from `suspends` on."""

    suspends = False

    async def write(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as the writer
        """Write, and return a minute later."""
        result = await super().write(*arguments, **options)
        if self.suspends:
            await self._clock.sleep(60)
        return result


def test_process_that_was_suspended_after_it_recorded_an_attempt_sends_nothing_twice() -> None:
    """One process records its attempt and is suspended. Meanwhile another sends the message."""

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["r"])
        suspended = SuspendedWriter(store, clock)
        suspended.suspends = True
        channel = a_channel(clock)
        first = an_outbox(store, suspended, [channel], clock)
        sending = asyncio.create_task(first.send_due("mail"))
        await clock.sleep(1)
        other = an_outbox(store, writer, [channel], clock)
        # The attempt may be under way, so it waits ten seconds.
        assert await other.send_due("mail") == clock.now() + timedelta(seconds=10)
        assert len(channel.messages) == 0
        await clock.sleep(10)
        await other.send_due("mail")
        assert len(channel.messages) == 1
        suspended.suspends = False
        await clock.sleep(120)
        await cancel(sending)
        assert channel.attempts == 1
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        suspended.abandon()

    play_story(story)


def test_each_of_thousands_of_unfinished_attempts_is_repeated_after_ten_seconds() -> None:
    """Another process began them and was killed. The rows are read again meanwhile."""

    async def story(clock: VirtualClock) -> None:
        rows = [a_row(f"n{number}", "n0", attempts=1) for number in range(5000)]
        began = clock.now() - HOUR
        rows = [replace(row, delivery=replace(row.delivery, began=began)) for row in rows]
        attempts = Attempts(clock)
        for seconds_left in (10, 4, 0):
            due = clock.now() + timedelta(seconds=seconds_left)
            held = attempts.hold_unfinished(rows, clock.now())
            assert {max(row.due, clock.now()) for row in held} == {due}
            await clock.sleep(6 if seconds_left == 10 else 4)

    run_virtually(story, START)


def test_only_the_message_whose_channel_raises_is_given_up() -> None:
    """Three messages are to be sent.

    For the one about the release `poison`, the channel raises a ValueError.

    The two others are sent. That one is tried eight times in less than an hour, and then given up.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["poison", "r1", "r2"])
        channel = FaultyChannel("mail", Options(), clock.now)
        outbox = an_outbox(store, writer, [channel], clock)
        await outbox.send_due("mail")
        assert {message.data["release"] for message in channel.messages.values()} == {"r1", "r2"}
        await send_until_none_waits(outbox, clock)
        (given_up,) = store.outbox.given_up(after_slot(0))
        assert given_up.attempts == 8
        # The text of the exception may have a secret, here hunter2. So it is not stored.
        assert given_up.reason.endswith("broke with ValueError")
        assert "hunter2" not in given_up.reason
        assert clock.now() < START + HOUR

    play_story(story)


def test_message_that_may_have_killed_its_process_goes_last() -> None:
    """A process is killed while it sends one of two messages. That message may be the reason. So
    the next process sends the other one first.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["a", "b"])
        channel_before_kill, channel_after_kill = (
            SlowChannel(clock, seconds=3600),
            SlowChannel(clock, seconds=1),
        )
        sending = asyncio.create_task(
            an_outbox(store, writer, [channel_before_kill], clock).send_due("mail")
        )
        await clock.sleep(1)
        # Like a kill, this leaves an attempt in the store that has begun and has no end.
        await cancel(sending)
        # It sends the other one at once, and this one when it may be repeated.
        outbox = an_outbox(store, writer, [channel_after_kill], clock)
        await send_until_none_waits(outbox, clock)
        (unfinished_id,) = channel_before_kill.begun_ids
        assert len(channel_after_kill.begun_ids) == 2
        assert channel_after_kill.begun_ids[-1] == unfinished_id

    play_story(story)
