"""Several processes on one store: only the holder of the outbox lease sends; another takes over if
it dies.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.outbox_lease import OutboxLease
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.lease import OUTBOX, Leaseholder
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
    query_at_once,
    send_until_none_waits,
)
from tests.unit.monitor.store.slow_writer import Holder, SlowWriter
from tests.worlds.fake_channel import Options
from tests.worlds.instants import HOUR, MINUTE, after_slot
from tests.worlds.stores import TemporaryStore, a_store

LEASE_LENGTH = timedelta(seconds=10)
RELEASES = [f"r{number}" for number in range(4)]


def as_process(name: str) -> OutboxOptions:
    return OutboxOptions(holder=Leaseholder(name, LEASE_LENGTH))


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_two_processes_never_both_send_a_notice(tmp_path: Path) -> None:
    """Two processes share a store with four notices.

    A process needs a lease to send: a right that lasts for 10 s.

    To send a message takes 7 s. For 100 s both processes try to send. Each notice is sent once.
    """

    async def story(clock: VirtualClock) -> None:
        store = a_store(tmp_path)
        same_store = open_store(f"sqlite:///{tmp_path}/store.db", durable=False)
        writer, other_writer = Writer(store, clock), Writer(same_store, clock)
        await open_late_incidents(store, writer, clock, RELEASES)
        channel = SlowChannel(clock, seconds=7.0)  # of both processes
        one = an_outbox(store, writer, [channel], clock, as_process("one"))
        two = an_outbox(same_store, other_writer, [channel], clock, as_process("two"))
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


def test_lease_is_renewed_during_a_send_that_outlasts_it() -> None:
    """A process needs a lease to send: a right that lasts for some seconds.

    To send this message takes six leases.

    Meanwhile the process renews its lease. So after four leases, a second process may still not
    send.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["r"])
        channel = SlowChannel(clock, seconds=6 * LEASE_LENGTH.total_seconds())
        sending = asyncio.create_task(
            an_outbox(store, writer, [channel], clock, as_process("one")).send_due("mail")
        )
        await clock.sleep(4 * LEASE_LENGTH.total_seconds())
        # A process that may not send learns when the lease of the other one ends.
        leased_until = await an_outbox(store, writer, [channel], clock, as_process("two")).send_due(
            "mail"
        )
        assert leased_until is not None
        assert leased_until > clock.now()
        assert len(channel.begun_ids) == 1
        await sending
        assert channel.received_ids == channel.begun_ids

    play_story(story)


def test_messages_are_sent_even_if_writes_outlast_the_lease() -> None:
    """A process needs a lease to send: a right that lasts for 10 s.

    It takes the lease by a write to the store.

    Here each write takes 12 s, longer than the lease. Still, both messages are sent within ten
    minutes.
    """

    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        seconds_for_each_write = 1.2 * LEASE_LENGTH.total_seconds()
        writer = SlowWriter(store, clock, seconds_for_each_write)
        await open_late_incidents(store, Writer(store, clock), clock, ["r1", "r2"])
        channel = a_channel(clock)
        outbox = an_outbox(store, writer, [channel], clock, as_process("one"))
        await send_until_none_waits(outbox, clock)
        assert len(channel.messages) == 2
        assert clock.now() < START + 10 * MINUTE
        writer.abandon()

    run_virtually(story, START)


LEASE_LENGTH_OF_SLOW_STORE = timedelta(seconds=1.2)


def outbox_of_process(
    name: str, store: TemporaryStore, writer: SlowWriter, channel: SlowChannel, clock: VirtualClock
) -> Outbox:
    """Return the outbox of a process whose leases run out by the clock of a shared database."""
    holder = Holder(name, LEASE_LENGTH_OF_SLOW_STORE, writer=writer)
    return an_outbox(store, writer, [channel], clock, OutboxOptions(holder=holder))


@pytest.mark.parametrize("seconds_to_record_outcome", [1.3, 2.6, 3.0])
def test_message_recorded_only_after_its_lease_ended_is_sent_once(
    seconds_to_record_outcome: float,
) -> None:
    """A process needs a lease to send: a right that lasts for 1.2 s here.

    The first process sends the only message.

    Then the store becomes slow. So the process records only after its lease ended that the message
    was sent. Meanwhile a second process tries to send all that waits. The message is not sent
    again.
    """
    lease_seconds = LEASE_LENGTH_OF_SLOW_STORE.total_seconds()
    assert seconds_to_record_outcome > lease_seconds

    async def run_two_processes(clock: VirtualClock) -> None:
        store = TemporaryStore()
        await open_late_incidents(store, Writer(store, clock), clock, ["r"])
        channel = SlowChannel(clock, seconds=0.5)
        first_writer = SlowWriter(store, clock)
        first_process = asyncio.create_task(
            outbox_of_process("first", store, first_writer, channel, clock).run()
        )
        await clock.sleep(0.2)
        assert len(channel.begun_ids) == 1  # the first process has begun to send
        first_writer.seconds_before_write = seconds_to_record_outcome
        second_writer = SlowWriter(store, clock)
        second_writer.seconds_before_write = lease_seconds + 0.1
        second_outbox = outbox_of_process("second", store, second_writer, channel, clock)
        second_process = asyncio.create_task(second_outbox.run())
        for _ in range(200):  # 0.1 s each, so 20 s
            second_outbox.wake()
            await clock.sleep(0.1)
        await cancel(first_process, second_process)
        assert len(channel.begun_ids) == 1
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        first_writer.abandon()
        second_writer.abandon()

    run_virtually(run_two_processes, START)


def test_messages_of_a_killed_process_are_sent_after_its_lease() -> None:
    """A process needs a lease to send: a right that lasts for some seconds.

    One takes the lease and is killed.

    So it neither renews the lease nor sends. Another process sends the message when the lease has
    ended.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            Leaseholder("killed", LEASE_LENGTH).take(tx, OUTBOX, clock.now())
        await open_late_incidents(store, writer, clock, ["r"])
        channel = a_channel(clock)
        outbox = an_outbox(store, writer, [channel], clock, as_process("other"))
        # `send_due` returns when it must be called again: at the end of that lease. None means that
        # no message waits.
        assert await outbox.send_due("mail") == START + LEASE_LENGTH
        await clock.sleep(LEASE_LENGTH.total_seconds())
        assert await outbox.send_due("mail") is None
        assert len(channel.messages) == 1

    play_story(story)


def test_stopping_process_gives_up_its_lease_at_once() -> None:
    """Only the process with the lease may send.

    Once the store has none, another process can take it without a wait.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["r"])
        running = asyncio.create_task(
            an_outbox(store, writer, [a_channel(clock)], clock, as_process("one")).run()
        )
        await clock.sleep(1)
        assert store.leases.lease(OUTBOX) is not None
        await cancel(running)
        assert store.leases.lease(OUTBOX) is None

    play_story(story)


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
        await an_outbox(store, writer, [channel_after_kill], clock).send_due("mail")
        (unfinished_id,) = channel_before_kill.begun_ids
        assert len(channel_after_kill.begun_ids) == 2
        assert channel_after_kill.begun_ids[-1] == unfinished_id

    play_story(story)


def test_lease_ends_one_length_after_its_last_renewal() -> None:
    """A process needs a lease to send: a right that lasts for some seconds, its length.

    A process takes it.

    While it renews the lease, it keeps it, here for three lengths. One length after the last
    renewal, it loses it.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        lease = OutboxLease(
            store.leases, writer, clock, Leaseholder("one", LEASE_LENGTH), query_at_once
        )
        # `is_still_ours` returns whether this process has the lease.
        assert not lease.is_still_ours(clock.now())
        await lease.take_or_renew()
        assert lease.is_still_ours(clock.now())
        async with lease.keep_renewing():
            await clock.sleep(3 * LEASE_LENGTH.total_seconds())
            assert lease.is_still_ours(clock.now())
        await clock.sleep(LEASE_LENGTH.total_seconds())
        assert not lease.is_still_ours(clock.now())

    play_story(story)


def test_another_process_can_take_a_lease_once_that_lease_ends() -> None:
    """A process needs a lease to send: a right that lasts for some seconds, its length.

    Process one takes it first.

    Process two cannot take it until it ends. Then two takes it, and now one cannot take it back.
    """

    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        one = OutboxLease(
            store.leases, writer, clock, Leaseholder("one", LEASE_LENGTH), query_at_once
        )
        two = OutboxLease(
            store.leases, writer, clock, Leaseholder("two", LEASE_LENGTH), query_at_once
        )
        await one.take_or_renew()
        # A process that cannot take the lease gets the instant at which it ends.
        assert await two.take_or_renew() == clock.now() + LEASE_LENGTH
        await clock.sleep(LEASE_LENGTH.total_seconds())
        await two.take_or_renew()
        assert await one.take_or_renew() == clock.now() + LEASE_LENGTH
        assert not one.is_still_ours(clock.now())
        assert two.is_still_ours(clock.now())

    play_story(story)
