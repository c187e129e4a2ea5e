"""Several processes on one store: only the holder of the outbox lease sends; another takes over if it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.outbox import OutboxOptions
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
    send_until_none_waits,
)
from tests.unit.monitor.store.slow_writer import Holder, SlowWriter
from tests.worlds.fake_channel import Options
from tests.worlds.instants import HOUR, MINUTE, after_slot
from tests.worlds.stores import TemporaryStore, a_store

T = TypeVar("T")
LEASE_LENGTH = timedelta(seconds=10)
RELEASES = [f"r{number}" for number in range(4)]


def as_process(name: str) -> OutboxOptions:
    return OutboxOptions(holder=Leaseholder(name, LEASE_LENGTH))


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_two_processes_never_both_send_a_notice(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        store = a_store(tmp_path)
        same_store = open_store(f"sqlite:///{tmp_path}/store.db", durable=False)
        writer, other_writer = Writer(store, clock), Writer(same_store, clock)
        await open_late_incidents(store, writer, clock, RELEASES)
        channel = SlowChannel(clock, 7.0)
        one = an_outbox(store, writer, [channel], clock, as_process("one"))
        two = an_outbox(same_store, other_writer, [channel], clock, as_process("two"))
        running = [asyncio.create_task(outbox.run()) for outbox in (one, two)]
        for _ in range(20):  # for 100 s, in which all four messages are sent
            two.wake()
            await clock.sleep(5)
        await cancel(*running)
        assert len(channel.begun_ids) == len(set(channel.begun_ids)) == len(RELEASES)
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        for each_writer, each_store in ((writer, store), (other_writer, same_store)):
            each_writer.abandon()
            each_store.close()

    run_virtually(story, START)


def test_the_lease_is_renewed_during_a_send_that_is_longer_than_a_lease() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["r"])
        channel = SlowChannel(clock, 6 * LEASE_LENGTH.total_seconds())
        sending = asyncio.create_task(an_outbox(store, writer, [channel], clock, as_process("one")).send_due("mail"))
        await clock.sleep(4 * LEASE_LENGTH.total_seconds())
        leased_until = await an_outbox(store, writer, [channel], clock, as_process("two")).send_due("mail")
        assert leased_until is not None
        assert leased_until > clock.now()
        assert len(channel.begun_ids) == 1
        await sending
        assert channel.received_ids == channel.begun_ids

    play_story(story)


def test_messages_are_sent_within_minutes_even_if_each_write_to_the_store_takes_longer_than_a_lease_lasts() -> None:
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


@pytest.mark.parametrize("seconds_to_record_outcome", [1.3, 2.6, 3.0])
def test_a_message_whose_outcome_is_recorded_after_its_lease_ended_is_not_sent_again(
    seconds_to_record_outcome: float,
) -> None:
    async def story(clock: VirtualClock) -> None:
        store, lease_length = TemporaryStore(), timedelta(seconds=1.2)
        writer, other_writer = SlowWriter(store, clock), SlowWriter(store, clock)
        await open_late_incidents(store, Writer(store, clock), clock, ["r"])
        channel = SlowChannel(clock, 0.5)
        one, two = (
            an_outbox(store, own, [channel], clock, OutboxOptions(holder=Holder(name, lease_length, writer=own)))
            for name, own in (("one", writer), ("two", other_writer))
        )
        first_process = asyncio.create_task(one.run())
        await clock.sleep(0.2)
        assert len(channel.begun_ids) == 1
        # The first process is sending. From now on each write takes longer than the lease lasts.
        writer.seconds_to_begin, other_writer.seconds_to_begin = seconds_to_record_outcome, 1.3
        second_process = asyncio.create_task(two.run())
        for _ in range(200):
            two.wake()
            await clock.sleep(0.1)
        await cancel(first_process, second_process)
        assert len(channel.begun_ids) == 1
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        writer.abandon()
        other_writer.abandon()

    run_virtually(story, START)


def test_messages_of_a_killed_process_are_sent_after_its_lease_ends() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        with store.transaction() as tx:
            Leaseholder("killed", LEASE_LENGTH).take(tx, OUTBOX, clock.now())
        await open_late_incidents(store, writer, clock, ["r"])
        channel = a_channel(clock)
        outbox = an_outbox(store, writer, [channel], clock, as_process("other"))
        assert await outbox.send_due("mail") == START + LEASE_LENGTH
        await clock.sleep(LEASE_LENGTH.total_seconds())
        assert await outbox.send_due("mail") is None
        assert len(channel.messages) == 1

    play_story(story)


def test_a_process_that_stops_releases_the_lease_at_once() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["r"])
        running = asyncio.create_task(an_outbox(store, writer, [a_channel(clock)], clock, as_process("one")).run())
        await clock.sleep(1)
        assert store.leases.lease(OUTBOX) is not None
        await cancel(running)
        assert store.leases.lease(OUTBOX) is None

    play_story(story)


def test_a_message_for_which_a_channel_raises_is_given_up_within_an_hour_and_the_others_are_sent() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["poison", "r1", "r2"])
        channel = FaultyChannel("mail", Options(), clock.now)
        outbox = an_outbox(store, writer, [channel], clock)
        await outbox.send_due("mail")
        assert {message.data["release"] for message in channel.messages.values()} == {"r1", "r2"}
        await send_until_none_waits(outbox, clock)
        (given_up,) = store.outbox.given_up(after_slot(0))
        assert given_up.attempts == 8  # a message that its channel refuses is tried up to 500 times
        assert given_up.reason.endswith("broke with ValueError")
        # The text of the exception may have a secret.
        assert "hunter2" not in given_up.reason
        assert clock.now() < START + HOUR

    play_story(story)


def test_a_message_that_may_have_killed_the_process_is_tried_last() -> None:
    async def story(clock: VirtualClock, store: TemporaryStore, writer: Writer) -> None:
        await open_late_incidents(store, writer, clock, ["a", "b"])
        channel_before_kill, channel_after_kill = SlowChannel(clock, 3600.0), SlowChannel(clock, 1.0)
        sending = asyncio.create_task(an_outbox(store, writer, [channel_before_kill], clock).send_due("mail"))
        await clock.sleep(1)
        await cancel(sending)
        await an_outbox(store, writer, [channel_after_kill], clock).send_due("mail")
        (unfinished_id,) = channel_before_kill.begun_ids
        assert len(channel_after_kill.begun_ids) == 2
        assert channel_after_kill.begun_ids[-1] == unfinished_id

    play_story(story)


def test_a_lease_is_still_ours_while_it_is_renewed_and_not_once_another_could_take_it() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)

        async def ask(question: Callable[[], T]) -> T:
            return question()

        one, two = (
            OutboxLease(store.leases, writer, clock, Leaseholder(name, LEASE_LENGTH), ask) for name in ("one", "two")
        )
        assert not one.is_still_ours(clock.now())
        assert await one.take_or_renew() is None
        async with one.keep_renewing():
            # Making a draft may take longer than a lease lasts.
            await clock.sleep(3 * LEASE_LENGTH.total_seconds())
            assert one.is_still_ours(clock.now())
        await clock.sleep(LEASE_LENGTH.total_seconds())
        assert not one.is_still_ours(clock.now())
        assert await two.take_or_renew() is None
        assert await one.take_or_renew() is not None
        assert (one.is_still_ours(clock.now()), two.is_still_ours(clock.now())) == (False, True)
        writer.abandon()

    run_virtually(story)
