"""Large writes: portion by portion, behind all else, and in their order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.rehearse.virtual_loop import JumpingLoop
from monitor.store.batch import ROWS_AT_ONCE, Portions
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import Event
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import ends_within
from tests.contracts.slow_store import SlowStore
from tests.worlds.evidence import an_answer
from tests.worlds.looks import a_run
from tests.worlds.stores import TemporaryStore, an_event
from tests.worlds.virtual import virtually


def write_of_events(name: str, count: int) -> Portions:
    """Return a large write of `count` events, called NAME-0 and so on, with one row each."""

    def add(tx: Transaction, some: Sequence[Event]) -> None:
        for event in some:
            tx.add(event)

    portions = Portions()
    portions.add([an_event(f"{name}-{number}") for number in range(count)], add)
    return portions


def stored_event_ids(store: TemporaryStore) -> list[str]:
    return [event.id for event in store.verdicts.events(limit=100_000)]


# Each step is a number of items and the rows that each item takes. A transaction has room for ROWS_AT_ONCE (500) rows.
# So 400 items of one row and then 400 more make portions of 500 and 300. The rows of one item are never divided.
@pytest.mark.parametrize(
    ("steps", "items_per_portion"),
    [
        ([(10, 1), (20, 1)], [30]),
        ([(ROWS_AT_ONCE, 1), (1, 1)], [ROWS_AT_ONCE, 1]),
        ([(ROWS_AT_ONCE, 3)], [ROWS_AT_ONCE // 3, ROWS_AT_ONCE // 3, ROWS_AT_ONCE // 3, ROWS_AT_ONCE % 3]),
        ([(400, 1), (400, 1)], [ROWS_AT_ONCE, 300]),
        ([(ROWS_AT_ONCE - 1, 1), (2, 3)], [ROWS_AT_ONCE - 1, 2]),
        ([(1, 1), (2, ROWS_AT_ONCE + 1)], [1, 1, 1]),
        ([], [0]),
    ],
)
def test_items_are_written_in_order_in_portions_that_each_fill_one_transaction(
    steps: Sequence[tuple[int, int]], items_per_portion: Sequence[int]
) -> None:
    portions, written, written_after_portion = Portions(), list[tuple[int, int]](), [0]
    for step, (items, rows_per_item) in enumerate(steps):
        portions.add(
            [(step, item) for item in range(items)], lambda _tx, some: written.extend(some), rows=rows_per_item
        )
    with TemporaryStore().transaction() as tx:
        for write_portion in portions.write_functions():
            write_portion(tx)
            written_after_portion.append(len(written))
    assert [later - earlier for earlier, later in pairwise(written_after_portion)] == items_per_portion
    assert written == [(step, item) for step, (items, _) in enumerate(steps) for item in range(items)]
    assert portions.rows == sum(items * rows_per_item for items, rows_per_item in steps)


@virtually
async def test_other_writes_and_runs_go_between_two_portions(clock: VirtualClock) -> None:
    store = TemporaryStore()
    large_rows_before_small: list[int] = []
    writer = Writer(SlowStore(store, times_slower=10.0).store, clock)
    large = writer.write_in_portions(write_of_events("large", 4 * ROWS_AT_ONCE))
    # A write is made after the runs that were queued before it, or before them if it is `urgent`. Neither must wait for
    # all of the large write.
    for name, is_urgent in (("small-1", False), ("small-2", True)):
        await clock.sleep(0.1)  # less than a portion takes
        writer.queue_run(a_run(f"{name}/page/edge"))
        await writer.write(lambda tx, name=name: tx.add(an_event(name)), urgent=is_urgent)
        large_rows_before_small.append(len([event for event in stored_event_ids(store) if event.startswith("large")]))
    assert not large.done.done()
    await large.done
    await writer.close()
    # The first small write comes after one portion, and the second after another.
    assert large_rows_before_small == [ROWS_AT_ONCE, 2 * ROWS_AT_ONCE]
    assert len(stored_event_ids(store)) == 4 * ROWS_AT_ONCE + 2


@virtually
async def test_large_writes_are_made_in_order_and_one_that_raises_ends_there_but_stops_no_other(
    clock: VirtualClock,
) -> None:
    store, order = TemporaryStore(), list[str]()

    def raise_fault(_tx: Transaction, _some: Sequence[int]) -> None:
        raise ValueError("no such entry")

    writer = Writer(store, clock)
    # The first portion of this write has all the rows that a transaction takes. The second one raises.
    broken = write_of_events("broken", ROWS_AT_ONCE)
    broken.add([1], raise_fault)
    broken.add([1], lambda tx, _: tx.add(an_event("never written")))
    large = {"a": write_of_events("a", 2 * ROWS_AT_ONCE), "broken": broken, "b": write_of_events("b", 1)}
    writes = {name: writer.write_in_portions(portions) for name, portions in large.items()}
    for name, write in writes.items():
        write.done.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
    with pytest.raises(ValueError, match="no such entry"):
        await writes["broken"].done
    await writes["b"].done
    await writer.close()
    assert order == ["a", "broken", "b"]
    rows_by_write = Counter(name.partition("-")[0] for name in stored_event_ids(store))
    assert rows_by_write == {"a": 2 * ROWS_AT_ONCE, "broken": ROWS_AT_ONCE, "b": 1}


class EveryOtherTimeFailingStore(TemporaryStore):
    """A store that refuses every other transaction."""

    turn = 0

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with super().transaction() as tx:
            yield tx
            self.turn += 1
            if self.turn % 2:
                raise StoreFault("the store is away")


@virtually
async def test_a_portion_that_the_store_refuses_is_written_again_with_those_after_it(clock: VirtualClock) -> None:
    store = EveryOtherTimeFailingStore()  # it refuses every other transaction
    writer = Writer(store, clock)
    large = writer.write_in_portions(write_of_events("large", 3 * ROWS_AT_ONCE))
    await large.done
    await writer.close()
    assert len(stored_event_ids(store)) == 3 * ROWS_AT_ONCE


@virtually
async def test_journal_gets_every_uncommitted_portion(clock: VirtualClock) -> None:
    store, journal = TemporaryStore(), TemporaryStore()
    slow = SlowStore(store, times_slower=10.0)
    writer = Writer(slow.store, clock)
    writer.write_in_portions(write_of_events("a", 3 * ROWS_AT_ONCE))
    writer.write_in_portions(write_of_events("b", 1))
    await clock.sleep(0.6)  # a portion takes 0.5 s, so the first of "a" is committed, and the second is open
    slow.is_away = True
    await clock.sleep(1.0)
    # While the store is away, the uncommitted writes go to a second store, the journal.
    _, write_functions = writer.uncommitted()
    with journal.transaction() as tx:
        for write in write_functions:
            write(tx)
    writer.abandon()
    in_journal, in_store = stored_event_ids(journal), stored_event_ids(store)
    assert 0 < len(in_store) < 3 * ROWS_AT_ONCE
    assert {*in_journal, *in_store} == {*(f"a-{number}" for number in range(3 * ROWS_AT_ONCE)), "b-0"}


@virtually
async def test_an_orderly_stop_cancels_a_large_write_and_commits_the_others(clock: VirtualClock) -> None:
    store = TemporaryStore()
    slow = SlowStore(store, times_slower=10.0)
    writer = Writer(slow.store, clock)
    # A portion takes 0.5 s, so this takes 15 s, which is longer than `close` waits.
    large = writer.write_in_portions(write_of_events("large", 30 * ROWS_AT_ONCE))
    await clock.sleep(1.0)
    small = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("small"))))
    await writer.close()
    assert await small
    assert large.done.cancelled()
    assert "small" in stored_event_ids(store)


@virtually
async def test_a_stop_waits_for_a_large_write_as_long_as_it_makes_progress(clock: VirtualClock) -> None:
    # A stop ends its wait after this many seconds without a committed portion.
    store, patience = TemporaryStore(), 5.0
    writer = Writer(SlowStore(store, times_slower=10.0).store, clock)
    # A portion takes 0.5 s, so there is progress all the time, for 15 s.
    writer.write_in_portions(write_of_events("large", 30 * ROWS_AT_ONCE))
    await writer.backlog.finish_large(patience)
    assert clock.monotonic() > patience
    assert len(stored_event_ids(store)) == 30 * ROWS_AT_ONCE


@virtually
async def test_while_the_store_is_away_a_stop_waits_for_a_large_write_only_as_long_as_its_patience(
    clock: VirtualClock,
) -> None:
    store_that_refuses_writes = SlowStore(TemporaryStore(), times_slower=1.0)
    store_that_refuses_writes.is_away = True
    writer = Writer(store_that_refuses_writes.store, clock)
    writer.write_in_portions(write_of_events("large", 1))
    patience = 5.0
    begin = clock.monotonic()
    await writer.backlog.finish_large(patience)
    assert clock.monotonic() - begin == pytest.approx(patience)
    writer.abandon()


class StandingLoop(JumpingLoop):
    """A loop that can stand still, as a process does that gets no turn."""

    def stand_still(self, seconds: float) -> None:
        self._time += seconds


# The wait has ten steps of 0.5 s, and a suspension can end only one of them. So if the process is suspended for 8 s, an
# answer after 9.2 s is in time. One after 30 s is not, and neither is one after 9 s without a suspension.
@pytest.mark.parametrize(
    ("suspended_seconds", "answers_at", "is_in_time"), [(0.0, 9.0, False), (8.0, 9.2, True), (8.0, 30.0, False)]
)
def test_a_wait_of_five_seconds_for_the_store_does_not_count_the_time_of_a_suspended_process(
    suspended_seconds: float, answers_at: float, *, is_in_time: bool
) -> None:
    async def story() -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StandingLoop)
        answer_of_store = loop.create_future()
        suspended_at, patience = 1.0, 5.0
        loop.call_at(suspended_at, loop.stand_still, suspended_seconds)
        loop.call_at(answers_at, answer_of_store.set_result, None)
        return await ends_within(answer_of_store, patience)

    with asyncio.Runner(loop_factory=StandingLoop) as runner:
        assert runner.run(story()) is is_in_time


class OpenStore(TemporaryStore):
    """A store that knows whether a transaction of it is open."""

    is_open = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with super().transaction() as tx:
            self.is_open = True
            yield tx
        self.is_open = False


@virtually
async def test_a_large_answer_is_compressed_before_a_transaction_and_a_small_one_inside_it_and_each_once(
    clock: VirtualClock, tmp_path: Path
) -> None:
    store = OpenStore()
    was_open_at_compression: list[bool] = []
    writer = Writer(store, clock)
    evidence = Evidence(tmp_path, store.evidence, writer, clock, "edge", durable=False)
    evidence.keep(an_answer(200, bytes(5_000_000)), "t", "calendar")
    evidence.keep(an_answer(200, b"small"), "t", "turn")
    for waiting in evidence._waiting:
        compress = waiting.make_bytes
        waiting.make_bytes = lambda compress=compress: was_open_at_compression.append(store.is_open) or compress()  # type: ignore[misc,func-returns-value]
    await clock.sleep(1.0)
    await writer.close()
    # Up to 256 KB are compressed inside a transaction, because that is quick. The large answer has 5 MB.
    assert was_open_at_compression == [False, True]
    assert [record.number for record in store.evidence.chain("edge")] == [1, 2]
