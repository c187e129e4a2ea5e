"""Killed between any two statements on the way from a verdict to a channel, five hundred times."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from alerts.channel import Accepted, Message, Outcome
from monitor.clock import VirtualClock
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.verdict import Verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, record_verdict
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

KILLS, SEEDS = 500, 5
PENDING_AT, OVERDUE_AT = -600, 120
JUDGED_AT_SECONDS = (PENDING_AT, OVERDUE_AT, 400, 1300, 1800)
"""When the release is judged, in seconds after the slot: pending, overdue, overdue and worse, out
at last, final.
"""


class Killed(Exception):
    """The process is gone. Until the next one starts, nothing can be done any more."""


class KillSwitch:
    """Counts statements and kills the process at the chosen one; a dead process stays dead."""

    def __init__(self) -> None:
        self.kills = 0
        self.start_process()

    def start_process(self, *, killed_at_statement: int = -1) -> None:
        """Let the next process run until this statement (counted from 1; -1: to its end)."""
        self.statements_left, self.killed = killed_at_statement, asyncio.Event()

    def step(self) -> None:
        if self.killed.is_set():
            raise Killed
        self.statements_left -= 1
        if self.statements_left == 0:
            self.kills += 1
            self.killed.set()
            raise Killed


class KillableStore(TemporaryStore):
    """A store whose every statement may be the last; what is not committed is gone."""

    def __init__(self, kill_switch: KillSwitch) -> None:
        super().__init__()
        self.kill_switch = kill_switch

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.kill_switch.step()
        with super().transaction() as tx:
            yield _KillableTransaction(tx, self.kill_switch)
            self.kill_switch.step()
        self.kill_switch.step()


class _KillableTransaction:
    def __init__(self, transaction: Any, kill_switch: KillSwitch) -> None:  # noqa: ANN401 # any transaction
        self._transaction = transaction
        self._kill_switch = kill_switch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # any statement
        self._kill_switch.step()
        return getattr(self._transaction, name)


class ReceivingChannel:
    """The other side, which outlives every kill: it has what reached it, whether or not we lived to
    hear so.
    """

    def __init__(self, kill_switch: KillSwitch) -> None:
        self.kill_switch = kill_switch
        self.received_ids: list[str] = []

    @property
    def name(self) -> str:
        return "mail"

    @property
    def formats(self) -> tuple[str, ...]:
        return ()

    async def send(self, message: Message) -> Outcome:
        self.kill_switch.step()
        self.received_ids.append(message.id)
        self.kill_switch.step()
        return Accepted(message.id)

    async def close(self) -> None:
        """Let go of nothing."""


async def deliver_unless_killed(
    store: KillableStore, receiver: ReceivingChannel, clock: VirtualClock, verdict: Verdict
) -> bool:
    """Record a verdict and send its notices; return whether the process was still alive at the
    end.
    """
    await clock.sleep((verdict.at - clock.now()).total_seconds())
    writer = Writer(store, clock)

    async def work() -> None:
        await record_verdict(
            writer,
            VerdictRecorder(ReportingRules(channels=[receiver.name])),
            verdict,
            verdict.at,
        )
        outbox = an_outbox(store, writer, [receiver], clock)
        await outbox.send_due("mail")
        # The attempt of a killed process counts as under way for ten seconds.
        await clock.sleep(11)
        await outbox.send_due("mail")

    working = asyncio.ensure_future(work())
    dying = asyncio.ensure_future(store.kill_switch.killed.wait())
    await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
    lived = working.done() and not store.kill_switch.killed.is_set()
    if lived:
        working.result()
    for task in (working, dying):
        task.cancel()
    writer.abandon()
    await asyncio.gather(working, dying, return_exceptions=True)
    return lived


def notice_ids_without_kills() -> set[str]:
    """Return the ids of the notices of the same verdicts if no process is killed."""

    async def story(clock: VirtualClock) -> set[str]:
        kill_switch = KillSwitch()
        store, receiver = KillableStore(kill_switch), ReceivingChannel(kill_switch)
        for seconds in JUDGED_AT_SECONDS:
            assert await deliver_unless_killed(store, receiver, clock, a_late_verdict(seconds))
        assert Counter(receiver.received_ids).most_common(1)[0][1] == 1
        return set(receiver.received_ids)

    return run_virtually(story, after_slot(JUDGED_AT_SECONDS[0]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_kills_lose_no_notice_and_repeat_at_most_one_each(seed: int) -> None:
    """A process records a verdict and sends its notices, but is killed at a random statement.

    The next process begins again with the same verdict, and so on, until one survives. There are
    five verdicts, from before the slot to the final one. In the end, each notice was received. A
    kill between the acceptance of a message and its record makes the next process send it again. So
    a message may be repeated, but in all at most once for each kill.
    """
    expected_ids = notice_ids_without_kills()
    assert len(expected_ids) >= 3  # at least the opening, the rise of its grade and the end

    async def story(clock: VirtualClock) -> None:
        rng, all_kills = Random(seed), 0  # noqa: S311 # the same kills each time
        # Play all five verdicts with new kills until this seed has its share of the kills.
        while all_kills < KILLS // SEEDS:
            kill_switch = KillSwitch()
            store, receiver = KillableStore(kill_switch), ReceivingChannel(kill_switch)
            for seconds in JUDGED_AT_SECONDS:
                # Some processes end before the chosen statement, so they are not killed.
                while True:
                    kill_switch.start_process(killed_at_statement=rng.randint(1, 40))
                    if await deliver_unless_killed(store, receiver, clock, a_late_verdict(seconds)):
                        break
            assert set(receiver.received_ids) == expected_ids
            assert {notice.id for notice in store.outbox.notices()} == expected_ids
            assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
            assert len(receiver.received_ids) - len(expected_ids) <= kill_switch.kills
            all_kills += kill_switch.kills

    run_virtually(story, after_slot(JUDGED_AT_SECONDS[0]))


def test_message_is_sent_twice_if_process_dies_right_after_acceptance() -> None:
    """The channel accepts the opening of an incident.

    The process is killed before it can record that.

    The next process does not know of the acceptance, so it sends the same message again.
    """

    async def story(clock: VirtualClock) -> None:
        kill_switch = KillSwitch()
        store, receiver = KillableStore(kill_switch), ReceivingChannel(kill_switch)
        # The verdict from before the slot gives no notice.
        assert await deliver_unless_killed(store, receiver, clock, a_late_verdict(PENDING_AT))
        killed_at = 0
        while not receiver.received_ids:
            # Kill one statement later each time, until it is the one right after the channel
            # received the message.
            killed_at += 1
            kill_switch.start_process(killed_at_statement=killed_at)
            await deliver_unless_killed(store, receiver, clock, a_late_verdict(OVERDUE_AT))
        assert kill_switch.killed.is_set()
        # The store has the attempt, but not that the channel accepted the message.
        attempt = store.outbox.deliveries()[0]
        assert (attempt.standing, attempt.finished) == (DeliveryState.WAITING, None)
        assert attempt.attempts >= 1
        kill_switch.start_process()  # not killed
        assert await deliver_unless_killed(store, receiver, clock, a_late_verdict(OVERDUE_AT))
        first_id, second_id = receiver.received_ids
        assert first_id == second_id

    run_virtually(story, after_slot(JUDGED_AT_SECONDS[0]))
