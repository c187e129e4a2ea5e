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
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.rows import DeliveryState
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, record
from tests.worlds.instants import after_slot
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

KILLS = 500
STEPS = (-600, 120, 400, 1300, 1800)
"""When the release is judged, in seconds after the slot: pending, overdue, overdue and worse, out at last, final."""


class Killed(Exception):
    """The process is gone. Until the next one starts, nothing can be done any more."""


class Fate:
    """Counts statements and kills at the chosen one; a dead process stays dead."""

    def __init__(self) -> None:
        self.left = -1
        self.kills = 0
        self.dead = asyncio.Event()

    def step(self) -> None:
        if self.dead.is_set():
            raise Killed
        self.left -= 1
        if self.left == 0:
            self.kills += 1
            self.dead.set()
            raise Killed


class MortalStore(TemporaryStore):
    """A store whose every statement may be the last; what is not committed is gone."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self.fate = fate

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.fate.step()
        with super().transaction() as tx:
            yield _MortalTransaction(tx, self.fate)
            self.fate.step()
        self.fate.step()


class _MortalTransaction:
    def __init__(self, transaction: Any, fate: Fate) -> None:  # noqa: ANN401 # whichever transaction it wraps
        self._transaction = transaction
        self._fate = fate

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # whichever statement is asked for
        self._fate.step()
        return getattr(self._transaction, name)


class Receiver:
    """The other side, which outlives every kill: it has what reached it, whether or not we lived to hear so."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.got: list[str] = []

    @property
    def name(self) -> str:
        return "mail"

    @property
    def formats(self) -> tuple[str, ...]:
        return ()

    async def send(self, message: Message) -> Outcome:
        self.fate.step()
        self.got.append(message.id)
        self.fate.step()
        return Accepted(message.id)

    async def close(self) -> None:
        """Let go of nothing."""


async def one_life(store: MortalStore, receiver: Receiver, clock: VirtualClock, verdict: Any) -> bool:  # noqa: ANN401
    """Judge and deliver until nothing is left to be done or the process is killed; tell whether it lived."""
    await clock.sleep((verdict.at - clock.now()).total_seconds())
    writer = Writer(store, clock)

    async def work() -> None:
        await record(writer, VerdictRecorder(store, ReportingRules(channels=[receiver.name])), verdict, verdict.at)
        await an_outbox(store, writer, [receiver], clock).send_due("mail")

    working = asyncio.ensure_future(work())
    dying = asyncio.ensure_future(store.fate.dead.wait())
    await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
    lived = working.done() and not store.fate.dead.is_set()
    if lived:
        working.result()
    for task in (working, dying):
        task.cancel()
    writer.abandon()
    await asyncio.gather(working, dying, return_exceptions=True)
    return lived


def told_undisturbed() -> set[str]:
    """Return the ids of every notice that the same story makes when nobody kills anything."""

    async def story(clock: VirtualClock) -> set[str]:
        fate = Fate()
        store, receiver = MortalStore(fate), Receiver(fate)
        for step in STEPS:
            assert await one_life(store, receiver, clock, a_late_verdict(step))
        assert Counter(receiver.got).most_common(1)[0][1] == 1
        return set(receiver.got)

    return run_virtually(story, after_slot(STEPS[0]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_kills_between_any_two_statements_lose_and_repeat_no_fact(seed: int) -> None:
    facts = told_undisturbed()
    assert len(facts) >= 3

    async def story(clock: VirtualClock) -> None:
        chance, kills = Random(seed), 0  # noqa: S311 # the same kills each time
        while kills < KILLS // 5:
            fate = Fate()
            store, receiver = MortalStore(fate), Receiver(fate)
            for step in STEPS:
                while True:
                    fate.left, fate.dead = chance.randint(1, 40), asyncio.Event()
                    if await one_life(store, receiver, clock, a_late_verdict(step)):
                        break
            assert set(receiver.got) == facts
            assert {notice.id for notice in store.outbox.notices()} == facts
            assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
            assert len(receiver.got) - len(facts) <= fate.kills
            kills += fate.kills

    run_virtually(story, after_slot(STEPS[0]))


def test_a_kill_after_the_channel_accepted_a_message_repeats_only_that_one() -> None:
    async def story(clock: VirtualClock) -> None:
        fate = Fate()
        store, receiver = MortalStore(fate), Receiver(fate)
        assert await one_life(store, receiver, clock, a_late_verdict(STEPS[0]))
        statements = 0
        while not receiver.got:
            # Try each statement in turn until the kill is the one right after the message was taken.
            statements += 1
            fate.left, fate.dead = statements, asyncio.Event()
            await one_life(store, receiver, clock, a_late_verdict(STEPS[1]))
        assert fate.dead.is_set()
        begun = store.outbox.deliveries()[0]
        assert (begun.standing, begun.finished) == (DeliveryState.WAITING, None)
        assert begun.attempts >= 1
        fate.left, fate.dead = -1, asyncio.Event()
        assert await one_life(store, receiver, clock, a_late_verdict(STEPS[1]))
        assert len(receiver.got) == 2
        assert len(set(receiver.got)) == 1

    run_virtually(story, after_slot(STEPS[0]))
