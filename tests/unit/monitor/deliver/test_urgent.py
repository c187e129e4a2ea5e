"""A grade that rises reaches people at once, and nothing of its thread arrives after it that was written before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from alerts.incident import make_fact_notice
from alerts.notice import Notice
from monitor.clock import VirtualClock
from monitor.deliver.outbox import OutboxOptions
from monitor.deliver.rules import ReportingRules
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import Delivery, DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import Slow, an_outbox, recording
from tests.worlds.incidents import an_incident, facts_of_a_release
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore

RISES = "grade_changed"


@dataclass
class Threads:
    """An outbox with one paced channel, and notices put into it."""

    clock: VirtualClock
    store: TemporaryStore = field(default_factory=TemporaryStore)

    def __post_init__(self) -> None:
        self.writer = Writer(self.store, self.clock)
        self.mail = recording(self.clock, "mail")
        rules = ReportingRules(channels=["mail"], folding=frozenset({"mail"}))
        self.outbox = an_outbox(self.store, self.writer, [self.mail], self.clock, OutboxOptions(rules=rules))

    def put(self, kind: str, name: str = "i", waits: timedelta = timedelta()) -> Notice:
        """Write a notice that is due after so long."""
        incident = an_incident(name)
        fact = "thread" if kind == "opened" else kind
        notice = make_fact_notice(kind, fact, incident, facts_of_a_release(), self.clock.now())
        with self.store.transaction() as tx:
            tx.add_notice(notice, [])
            tx.save_delivery(Delivery(notice.id, "mail", DeliveryState.WAITING, self.clock.now() + waits))
        return notice

    async def later(self, seconds: float) -> None:
        await self.outbox.send_due("mail")
        await self.clock.sleep(seconds)

    async def end(self) -> list[str]:
        await self.outbox.send_due("mail")
        self.writer.abandon()
        return [message.kind for message in self.mail.messages.values()]


@pytest.mark.parametrize("kind", ["new_finding", "appeared", "exposure_closed"])
def test_a_higher_grade_is_sent_at_once_and_other_follow_ups_wait_a_minute(kind: str) -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened")
        await threads.later(5)
        threads.put(RISES)
        await threads.later(5)
        threads.put(kind)
        assert await threads.end() == ["opened", RISES]

    run_virtually(story, after_slot(61))


def test_waiting_follow_ups_are_sent_together_with_a_higher_grade() -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened")
        await threads.later(5)
        earlier = threads.put("new_finding")
        await threads.later(5)
        threads.put(RISES)
        assert await threads.end() == ["opened", RISES]
        told = list(threads.mail.messages.values())[-1]
        assert f"Since the last message:\n- {earlier.subject}" in told.text

    run_virtually(story, after_slot(61))


def test_an_opening_delayed_by_quiet_hours_is_sent_before_the_higher_grade() -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened", waits=timedelta(hours=8))
        await threads.later(5)
        threads.put(RISES)
        assert await threads.end() == ["opened", RISES]

    run_virtually(story, after_slot(61))


def test_a_higher_grade_waits_for_the_end_of_quiet_hours_that_apply_to_it() -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened")
        await threads.later(5)
        threads.put(RISES, waits=timedelta(hours=8))
        assert await threads.end() == ["opened"]

    run_virtually(story, after_slot(61))


def test_a_thread_with_an_urgent_notice_goes_before_threads_that_waited_longer() -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened", "i")
        await threads.later(61)
        earlier = [threads.put("unproven", name) for name in ("a", "b")]
        await clock.sleep(1)
        urgent = threads.put(RISES, "i")
        slow = Slow(clock, 10.0)
        outbox = an_outbox(threads.store, threads.writer, [slow], clock)
        await outbox.send_due("mail")
        assert slow.got == [urgent.id, *sorted(one.id for one in earlier)]
        threads.writer.abandon()

    run_virtually(story, after_slot(61))


def test_an_urgent_notice_that_arrives_during_many_sends_does_not_wait_for_all_of_them() -> None:
    async def story(clock: VirtualClock) -> None:
        threads = Threads(clock)
        threads.put("opened", "i")
        await threads.later(61)
        for number in range(40):
            threads.put("unproven", f"u{number}")
        slow = Slow(clock, 10.0)
        outbox = an_outbox(threads.store, threads.writer, [slow], clock)
        sending = asyncio.ensure_future(outbox.send_due("mail"))
        await clock.sleep(35)
        urgent = threads.put(RISES, "i")
        outbox.wake()
        await sending
        assert slow.got.index(urgent.id) <= 6
        assert len(slow.got) == 41
        threads.writer.abandon()

    run_virtually(story, after_slot(61))
