"""Several processes on one store: only one of them sends, and none waits for long for one that died."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.outbox_lease import OutboxLease
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.lease import OUTBOX, Leaseholder
from monitor.store.open import open_store
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import Brittle, Slow, an_outbox, recording, some_late
from tests.unit.monitor.store.slow_writer import Holder, SlowWriter
from tests.worlds.fake_channel import Options
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore, a_store

T = TypeVar("T")
LASTS = timedelta(seconds=10)
NAMES = [f"r{number}" for number in range(4)]


def held_by(name: str) -> OutboxOptions:
    return OutboxOptions(holder=Leaseholder(name, LASTS))


def test_two_processes_never_both_send_a_notice(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        store = a_store(tmp_path)
        mirror = open_store(f"sqlite:///{tmp_path}/store.db", durable=False)
        writer, other = Writer(store, clock), Writer(mirror, clock)
        await some_late(store, writer, clock, NAMES)
        channel = Slow(clock, 7.0)
        one = an_outbox(store, writer, [channel], clock, held_by("one"))
        two = an_outbox(mirror, other, [channel], clock, held_by("two"))
        running = [asyncio.create_task(outbox.run()) for outbox in (one, two)]
        for _ in range(20):
            two.wake()
            await clock.sleep(5)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert Counter(Counter(channel.began).values()) == {1: len(NAMES)}
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        for ours, kept in ((writer, store), (other, mirror)):
            ours.abandon()
            kept.close()

    run_virtually(story, after_slot(400))


def test_the_lease_is_renewed_during_a_send_that_is_longer() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, ["r"])
        channel = Slow(clock, 60.0)
        sending = asyncio.create_task(an_outbox(store, writer, [channel], clock, held_by("one")).send_due("mail"))
        await clock.sleep(45)
        until = await an_outbox(store, writer, [channel], clock, held_by("two")).send_due("mail")
        assert until is not None
        assert until > clock.now()
        assert len(channel.began) == 1
        await sending
        assert channel.got == channel.began
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_messages_are_sent_even_if_the_store_is_slower_than_a_lease() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = SlowWriter(store, clock, 1.2 * LASTS.total_seconds())
        await some_late(store, Writer(store, clock), clock, ["r1", "r2"])
        channel = recording(clock)
        outbox = an_outbox(store, writer, [channel], clock, held_by("one"))
        while (due := await outbox.send_due("mail")) is not None and clock.now() < after_slot(400) + timedelta(
            minutes=10
        ):
            await clock.sleep((due - clock.now()).total_seconds())
        assert len(channel.messages) == 2
        writer.abandon()

    run_virtually(story, after_slot(400))


@pytest.mark.parametrize("slower", [1.3, 2.6, 3.0])
def test_a_message_whose_outcome_a_slow_store_records_late_is_not_sent_again(slower: float) -> None:
    async def story(clock: VirtualClock) -> None:
        store, lasts = TemporaryStore(), timedelta(seconds=1.2)
        writers = [SlowWriter(store, clock), SlowWriter(store, clock)]
        await some_late(store, Writer(store, clock), clock, ["r"])
        channel = Slow(clock, 0.5)
        one, two = (
            an_outbox(store, writer, [channel], clock, OutboxOptions(holder=Holder(name, lasts, writer=writer)))
            for name, writer in zip(("one", "two"), writers, strict=True)
        )
        running = [asyncio.create_task(one.run())]
        await clock.sleep(0.2)
        # From now on whatever is written takes its time; the other is as impatient as can be.
        for writer, slow in zip(writers, (slower, 1.3), strict=True):
            writer.slow_to_begin = slow
        running.append(asyncio.create_task(two.run()))
        for _ in range(200):
            two.wake()
            await clock.sleep(0.1)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert Counter(Counter(channel.began).values()) == {1: 1}
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
        for writer in writers:
            writer.abandon()

    run_virtually(story, after_slot(400))


def test_messages_of_a_killed_process_are_sent_after_its_lease_ends() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        with store.transaction() as tx:
            Leaseholder("killed", LASTS).take(tx, OUTBOX, clock.now())
        await some_late(store, writer, clock, ["r"])
        channel = recording(clock)
        outbox = an_outbox(store, writer, [channel], clock, held_by("heir"))
        due = await outbox.send_due("mail")
        assert due == after_slot(400) + LASTS
        await clock.sleep(LASTS.total_seconds())
        assert await outbox.send_due("mail") is None
        assert len(channel.messages) == 1
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_process_that_stops_releases_the_lease_at_once() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, ["r"])
        running = asyncio.create_task(an_outbox(store, writer, [recording(clock)], clock, held_by("one")).run())
        await clock.sleep(1)
        assert store.leases.lease(OUTBOX) is not None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert store.leases.lease(OUTBOX) is None
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_message_that_breaks_its_channel_is_given_up_and_the_others_are_sent() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, ["poison", "r1", "r2"])
        channel = Brittle("mail", Options(), clock.now)
        outbox = an_outbox(store, writer, [channel], clock)
        await outbox.send_due("mail")
        assert len(channel.messages) == 2
        while (due := await outbox.send_due("mail")) is not None:
            await clock.sleep((due - clock.now()).total_seconds())
        (given_up,) = store.outbox.given_up(after_slot(0))
        assert given_up.attempts < 10
        assert given_up.reason.endswith("broke with ValueError")
        assert "hunter2" not in given_up.reason
        assert clock.now() < after_slot(400) + timedelta(hours=1)
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_message_that_may_have_killed_the_process_is_tried_last() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)
        await some_late(store, writer, clock, ["a", "b"])
        dead = Slow(clock, 3600.0)
        dying = asyncio.create_task(an_outbox(store, writer, [dead], clock).send_due("mail"))
        await clock.sleep(1)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        channel = Slow(clock, 1.0)
        await an_outbox(store, writer, [channel], clock).send_due("mail")
        assert channel.began[-1:] == dead.began
        assert len(channel.began) == 2
        writer.abandon()

    run_virtually(story, after_slot(400))


def test_a_lease_is_ours_while_it_is_renewed_and_not_after_it_could_have_passed_on() -> None:
    async def story(clock: VirtualClock) -> None:
        store = TemporaryStore()
        writer = Writer(store, clock)

        async def ask(question: Callable[[], T]) -> T:
            return question()

        one, two = (OutboxLease(store.leases, writer, clock, Leaseholder(name, LASTS), ask) for name in ("one", "two"))
        assert not one.is_still_ours(clock.now())
        assert await one.take_or_renew() is None
        async with one.keep_renewing():
            # A draft that takes longer to make than a lease lasts goes out all the same.
            await clock.sleep(3 * LASTS.total_seconds())
            assert one.is_still_ours(clock.now())
        await clock.sleep(LASTS.total_seconds())
        assert not one.is_still_ours(clock.now())
        assert await two.take_or_renew() is None
        assert await one.take_or_renew() is not None
        assert (one.is_still_ours(clock.now()), two.is_still_ours(clock.now())) == (False, True)
        writer.abandon()

    run_virtually(story)
