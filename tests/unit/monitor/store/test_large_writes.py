"""Large writes: portion by portion, behind all else, and in their order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.rehearse.virtual_loop import JumpingLoop
from monitor.store.batch import ROWS_AT_ONCE, Portions
from monitor.store.evidence.appender import Waiting
from monitor.store.evidence.evidence import Evidence
from monitor.store.rows import Event
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.threads import ends_within
from tests.contracts.slow_store import SlowStore
from tests.worlds.evidence import an_answer
from tests.worlds.looks import a_run
from tests.worlds.stores import TemporaryStore, an_event, runs_of
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


def count_events(store: TemporaryStore, name: str) -> int:
    """Return how many events with ids that begin with this name are stored."""
    return len([event for event in stored_event_ids(store) if event.startswith(name)])


@pytest.mark.parametrize(
    ("added_items_and_rows_per_item", "items_per_portion"),
    [
        ([(10, 1), (20, 1)], [30]),
        ([(ROWS_AT_ONCE, 1), (1, 1)], [ROWS_AT_ONCE, 1]),
        (
            [(ROWS_AT_ONCE, 3)],
            [ROWS_AT_ONCE // 3, ROWS_AT_ONCE // 3, ROWS_AT_ONCE // 3, ROWS_AT_ONCE % 3],
        ),
        ([(400, 1), (400, 1)], [ROWS_AT_ONCE, 300]),
        ([(ROWS_AT_ONCE - 1, 1), (2, 3)], [ROWS_AT_ONCE - 1, 2]),
        ([(1, 1), (2, ROWS_AT_ONCE + 1)], [1, 1, 1]),
        ([], [0]),
    ],
)
def test_items_are_divided_in_order_into_portions_of_transactions(
    added_items_and_rows_per_item: Sequence[tuple[int, int]], items_per_portion: Sequence[int]
) -> None:
    """A portion is what one transaction writes: at most 500 rows.

    Items are added in one or more steps.

    For example, 400 items of one row are added, and then 400 more. That makes portions of 500 and
    300 items. An item may have several rows. They are never divided, even if they are more than
    500.
    """
    portions = Portions()
    added_items: list[str] = []
    items_written_by_portion: list[list[str]] = []
    rows_added = 0
    for step, (item_count, rows_per_item) in enumerate(added_items_and_rows_per_item):
        items = [f"item {step}.{number}" for number in range(item_count)]
        portions.add(
            items, lambda _tx, some: items_written_by_portion[-1].extend(some), rows=rows_per_item
        )
        added_items += items
        rows_added += item_count * rows_per_item
    with TemporaryStore().transaction() as tx:
        for write_portion in portions.write_functions():
            items_written_by_portion.append([])
            write_portion(tx)
    assert [len(items) for items in items_written_by_portion] == items_per_portion
    items_in_order_of_writing = [item for items in items_written_by_portion for item in items]
    assert items_in_order_of_writing == added_items
    assert portions.rows == rows_added


@virtually
async def test_small_writes_are_committed_between_portions_of_large_ones(
    clock: VirtualClock,
) -> None:
    """A large write is made in four portions, one transaction each. A portion takes 0.5 s.

    During the first portion, a run and a small write are queued. They are committed right after it.
    During the second portion, an urgent write is queued. It is committed right after that.
    """
    store, rows_of_a_portion = TemporaryStore(), ROWS_AT_ONCE
    writer = Writer(SlowStore(store, times_slower=10.0).store, clock)
    large = writer.write_in_portions(write_of_events("large", count=4 * rows_of_a_portion))
    await clock.sleep(0.1)
    run = a_run("after-first/page/edge")
    writer.queue_run(run)
    await writer.write(lambda tx: tx.add(an_event("small-1")))
    assert runs_of(store, run.target) == [run]
    assert count_events(store, "large") == rows_of_a_portion
    await clock.sleep(0.1)
    writer.queue_run(a_run("after-second/page/edge"))
    await writer.write(lambda tx: tx.add(an_event("small-2")), urgent=True)
    assert count_events(store, "large") == 2 * rows_of_a_portion
    assert not large.done.done()
    await large.done
    await writer.close()
    assert count_events(store, "large") == 4 * rows_of_a_portion
    assert count_events(store, "small") == 2


@virtually
async def test_large_write_that_raises_ends_there_and_stops_no_other(clock: VirtualClock) -> None:
    """A large write is made in portions, one transaction each.

    Three large writes are made in order: a, broken and b.

    The second portion of "broken" raises. Its first portion stays, and its third is never written.
    The others are written completely.
    """
    store, order = TemporaryStore(), list[str]()
    rows_of_a_portion = ROWS_AT_ONCE

    def raise_fault(_tx: Transaction, _some: Sequence[int]) -> None:
        raise ValueError("no such entry")

    writer = Writer(store, clock)
    broken = write_of_events("broken", rows_of_a_portion)  # fills the first portion
    broken.add([1], raise_fault)
    broken.add([1], lambda tx, _: tx.add(an_event("never written")))
    large = {
        "a": write_of_events("a", 2 * rows_of_a_portion),
        "broken": broken,
        "b": write_of_events("b", 1),
    }
    writes = {name: writer.write_in_portions(portions) for name, portions in large.items()}
    for name, write in writes.items():
        write.done.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
    with pytest.raises(ValueError, match="no such entry"):
        await writes["broken"].done
    await writes["b"].done
    await writer.close()
    assert order == ["a", "broken", "b"]
    rows_by_write = Counter(name.partition("-")[0] for name in stored_event_ids(store))
    assert rows_by_write == {"a": 2 * rows_of_a_portion, "broken": rows_of_a_portion, "b": 1}


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
async def test_refused_portion_is_written_again_and_those_after_it_follow(
    clock: VirtualClock,
) -> None:
    """A large write is made in three portions, one transaction each.

    The store refuses every other transaction.

    The writer repeats a refused portion and goes on, until all three are stored.
    """
    store, rows_of_a_portion = EveryOtherTimeFailingStore(), ROWS_AT_ONCE
    writer = Writer(store, clock)
    large = writer.write_in_portions(write_of_events("large", 3 * rows_of_a_portion))
    await large.done
    await writer.close()
    assert len(stored_event_ids(store)) == 3 * rows_of_a_portion


@virtually
async def test_journal_gets_every_write_that_a_failed_store_lacks(clock: VirtualClock) -> None:
    """Two writes are made: a large one of three transactions (a), and then a small one (b).

    The store goes away during the second transaction. So only a part of write a is stored. All that
    was not committed is then written to the journal, a second store. Together, both stores have all
    rows.
    """
    store, journal, rows_of_a_transaction = TemporaryStore(), TemporaryStore(), ROWS_AT_ONCE
    slow = SlowStore(store, times_slower=10.0)
    writer = Writer(slow.store, clock)
    writer.write_in_portions(write_of_events("a", count=3 * rows_of_a_transaction))
    writer.write_in_portions(write_of_events("b", count=1))
    await clock.sleep(0.6)  # a transaction takes 0.5 s
    slow.is_away = True
    await clock.sleep(1.0)
    _runs, uncommitted_writes = writer.uncommitted()
    with journal.transaction() as tx:
        for write in uncommitted_writes:
            write(tx)
    writer.abandon()
    in_journal, in_store = stored_event_ids(journal), stored_event_ids(store)
    assert 0 < len(in_store) < 3 * rows_of_a_transaction
    all_events = {"b-0"} | {f"a-{number}" for number in range(3 * rows_of_a_transaction)}
    assert {*in_journal, *in_store} == all_events


@virtually
async def test_orderly_stop_cancels_a_large_write_and_commits_others(clock: VirtualClock) -> None:
    """A large write has 30 transactions of 0.5 s each, so it takes 15 s.

    After 1 s, a small write is made.

    Then the writer is closed, which waits at most 5 s. So it cancels the large write, and commits
    the small one.
    """
    store, rows_of_a_transaction = TemporaryStore(), ROWS_AT_ONCE
    slow = SlowStore(store, times_slower=10.0)
    writer = Writer(slow.store, clock)
    large = writer.write_in_portions(write_of_events("large", 30 * rows_of_a_transaction))
    await clock.sleep(1.0)
    small = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("small"))))
    await writer.close()
    assert await small
    assert large.done.cancelled()
    assert "small" in stored_event_ids(store)


@virtually
async def test_stopping_monitor_waits_for_a_large_write_that_progresses(
    clock: VirtualClock,
) -> None:
    """A large write is made in 30 portions, one transaction each.

    A portion takes 0.5 s, so all take 15 s.

    A stop only gives up after 5 s without a committed portion. So it waits for all of them.
    """
    store, longest_wait, rows_of_a_portion = TemporaryStore(), 5.0, ROWS_AT_ONCE
    writer = Writer(SlowStore(store, times_slower=10.0).store, clock)
    writer.write_in_portions(write_of_events("large", 30 * rows_of_a_portion))
    await writer.backlog.finish_large(longest_wait)
    assert clock.monotonic() > longest_wait
    assert len(stored_event_ids(store)) == 30 * rows_of_a_portion


@virtually
async def test_stopping_monitor_waits_for_an_absent_store_only_five_seconds(
    clock: VirtualClock,
) -> None:
    """A stop gives up after 5 s in which no part of a large write was committed.

    Here the store refuses all writes.
    """
    store_that_refuses_writes = SlowStore(TemporaryStore(), times_slower=1.0)
    store_that_refuses_writes.is_away = True
    writer = Writer(store_that_refuses_writes.store, clock)
    writer.write_in_portions(write_of_events("large", 1))
    longest_wait = 5.0
    begin = clock.monotonic()
    await writer.backlog.finish_large(longest_wait)
    assert clock.monotonic() - begin == pytest.approx(longest_wait)
    writer.abandon()


class StandingLoop(JumpingLoop):
    """A loop that can stand still, as a process does that gets no turn."""

    def stand_still(self, seconds: float) -> None:
        self._time += seconds


@pytest.mark.parametrize(
    ("suspended_seconds", "answers_at", "is_in_time"),
    [(0.0, 9.0, False), (8.0, 9.2, True), (8.0, 30.0, False)],
)
def test_wait_for_the_store_excludes_suspended_time(
    suspended_seconds: float, answers_at: float, *, is_in_time: bool
) -> None:
    """A stop waits 5 s for an answer of the store. An answer after 9 s is too late.

    But if the process is suspended for 8 s meanwhile, this counts as 0.5 s only. Then an answer
    after 9.2 s counts as one after 9.2 - 8 + 0.5 = 1.7 s, which is in time. One after 30 s is too
    late.
    """

    async def wait_for_answer() -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StandingLoop)
        answer_of_store = loop.create_future()
        suspended_at, longest_wait = 1.0, 5.0
        loop.call_at(suspended_at, loop.stand_still, suspended_seconds)
        loop.call_at(answers_at, answer_of_store.set_result, None)
        return await ends_within(answer_of_store, longest_wait)

    with asyncio.Runner(loop_factory=StandingLoop) as runner:
        assert runner.run(wait_for_answer()) is is_in_time


class OpenStore(TemporaryStore):
    """A store that knows whether a transaction of it is open."""

    is_open = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with super().transaction() as tx:
            self.is_open = True
            yield tx
        self.is_open = False


def note_if_store_is_open_at_compression(
    evidence: Evidence, store: OpenStore
) -> list[tuple[str, bool]]:
    """Return a list that gets, at each compression of waiting evidence, its id and whether a
    transaction is open.
    """
    compressions: list[tuple[str, bool]] = []

    def wrap(waiting: Waiting) -> None:
        compress = waiting.make_bytes

        def note_and_compress() -> bytes:
            compressions.append((waiting.record.id, store.is_open))
            return compress()

        waiting.make_bytes = note_and_compress

    for waiting in evidence._waiting:
        wrap(waiting)
    return compressions


@virtually
async def test_only_a_large_answer_is_compressed_before_its_transaction(
    clock: VirtualClock, tmp_path: Path
) -> None:
    """Two answers are kept as evidence: one of 5 MB and a small one.

    Both are compressed and stored.

    To compress 5 MB takes long, so it is done before the transaction. Up to 256 KB are compressed
    inside it.
    """
    store = OpenStore()
    writer = Writer(store, clock)
    evidence = Evidence(tmp_path, store.evidence, writer, clock, "edge", durable=False)
    large = evidence.keep(an_answer(200, body=bytes(5_000_000)), "r/page/edge", kind="turn")
    small = evidence.keep(an_answer(200, body=b"small"), "r/page/edge", kind="turn")
    compressions = note_if_store_is_open_at_compression(evidence, store)
    await clock.sleep(1.0)
    await writer.close()
    before_transaction, inside_transaction = False, True
    assert compressions == [(large, before_transaction), (small, inside_transaction)]
    assert [record.id for record in store.evidence.chain("edge")] == [large, small]
