"""The writer: one batch a transaction, in time, and what becomes of it when the store fails."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import pytest

from alerts.incident import Entry
from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.store.batch import ROWS_AT_ONCE, WRITES_AT_ONCE, RowSource
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import DELAY, Writer
from tests.worlds.incidents import an_incident
from tests.worlds.instants import SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.stores import TemporaryStore, an_event, runs_of
from tests.worlds.virtual import virtually


class FailingStore(TemporaryStore):
    """A store whose commits fail `failures` times, and that counts those that succeed."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.commits = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        with super().transaction() as tx:
            yield tx
            if self.failures:
                self.failures -= 1
                raise StoreFault("store: the disk is full")
            self.commits += 1


@dataclass
class WriterLog:
    rows_by_commit: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def writer(self, store: Store, clock: VirtualClock) -> Writer:
        return Writer(
            store,
            clock,
            on_commit=lambda _seconds, rows: self.rows_by_commit.append(rows),
            on_failure=lambda fault: self.faults.append(str(fault)),
        )


@virtually
async def test_runs_queued_within_the_delay_are_committed_together_when_it_ends(clock: VirtualClock) -> None:
    store = FailingStore()
    writer = Writer(store, clock)
    begin = clock.monotonic()
    # DELAY is 0.1 s. To queue the 50 runs takes half of that.
    for second in range(50):
        writer.queue_run(a_run(first=second))
        await clock.sleep(0.001)
    assert store.commits == 0
    await clock.sleep(begin + DELAY + 0.001 - clock.monotonic())
    assert store.commits == 1
    assert len(runs_of(store, EDGE)) == 50
    await writer.close()


@virtually
async def test_a_configured_delay_replaces_the_default(clock: VirtualClock) -> None:
    store = FailingStore()
    writer = Writer(store, clock, delay=5.0)
    writer.queue_run(a_run())
    await clock.sleep(4.99)
    assert store.commits == 0
    await clock.sleep(0.02)
    assert store.commits == 1
    await writer.close()


@virtually
async def test_a_later_version_of_a_run_takes_the_place_of_the_earlier(clock: VirtualClock) -> None:
    store, log = TemporaryStore(), WriterLog()
    writer = log.writer(store, clock)
    for looks in range(1, 100):
        assert writer.queue_run(a_run(looks=looks))
    await writer.close()
    assert runs_of(store, EDGE) == [a_run(looks=99)]
    assert log.rows_by_commit == [1]


@virtually
async def test_a_write_sees_the_runs_that_were_queued_before_it(clock: VirtualClock) -> None:
    store = TemporaryStore()
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    assert await writer.write(lambda _tx: runs_of(store, EDGE)) == [a_run()]
    await writer.close()


@virtually
async def test_a_write_sees_the_rows_of_those_before_it_in_its_batch(clock: VirtualClock) -> None:
    store = TemporaryStore()

    def add_to_timeline(text: str) -> Callable[[Transaction], None]:
        def write(tx: Transaction) -> None:
            known = store.verdicts.incident("i") or replace(an_incident(), timeline=())
            tx.save(replace(known, timeline=(*known.timeline, Entry(SLOT, "duty", text))))

        return write

    writer = Writer(store, clock)
    await asyncio.gather(*(writer.write(add_to_timeline(text)) for text in ("one", "two", "three")))
    await writer.close()
    assert [entry.text for entry in store.verdicts.incident("i").timeline] == ["one", "two", "three"]


@virtually
async def test_only_a_write_that_raises_is_undone_and_its_caller_gets_the_exception(clock: VirtualClock) -> None:
    store, log = FailingStore(), WriterLog()

    def add_event_and_raise(tx: Transaction) -> None:
        tx.add(an_event("undone"))
        raise KeyError("no such release")

    writer = log.writer(store, clock)
    writer.queue_run(a_run())
    outcomes = await asyncio.gather(
        writer.write(lambda tx: tx.add(an_event("a"))),
        writer.write(add_event_and_raise),
        writer.write(lambda tx: tx.add(an_event("b"))),
        return_exceptions=True,
    )
    # A write returns what its function does. That of `add` is a bool.
    assert [type(outcome) for outcome in outcomes] == [bool, KeyError, bool]
    await writer.close()
    assert [event.id for event in store.verdicts.events()] == ["a", "b"]
    assert (store.commits, log.faults) == (1, [])
    assert runs_of(store, EDGE) == [a_run()]


@virtually
async def test_writes_wait_while_the_store_fails_and_are_made_when_it_recovers(clock: VirtualClock) -> None:
    store, log = FailingStore(failures=4), WriterLog()
    writer = log.writer(store, clock)
    writer.queue_run(a_run(looks=1))
    patient = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event())))
    await clock.sleep(0.35)
    writer.queue_run(a_run(looks=2))
    assert await patient is True
    # Four attempts fail, with pauses that begin with 0.1 s and double: 0.1 + 0.2 + 0.4 + 0.8 s.
    assert clock.monotonic() < 2.0
    await writer.close()
    assert runs_of(store, EDGE) == [a_run(looks=2)]
    assert log.faults == ["store: the disk is full"] * 4


@virtually
async def test_impatient_caller_gets_the_failure_and_its_write_is_dropped(clock: VirtualClock) -> None:
    store = FailingStore(failures=1)
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    with pytest.raises(StoreFault, match="disk is full"):
        await writer.write(lambda tx: tx.add(an_event()), patient=False)
    await writer.close()
    assert store.verdicts.events() == []
    assert runs_of(store, EDGE) == [a_run()]


@virtually
async def test_attempts_on_a_failing_store_grow_rarer_but_never_stop(clock: VirtualClock) -> None:
    store, log = FailingStore(failures=10_000), WriterLog()
    writer = log.writer(store, clock)
    writer.queue_run(a_run())
    await clock.sleep(60)
    # The pauses between attempts double from 0.1 s to 5 s, which makes 18 attempts in a minute.
    assert 12 <= len(log.faults) <= 20
    store.failures = 0
    await clock.sleep(5.1)
    assert runs_of(store, EDGE) == [a_run()]
    await writer.close()


@virtually
async def test_full_backlog_refuses_new_runs_but_accepts_longer_versions_of_waiting_ones(clock: VirtualClock) -> None:
    store = FailingStore(failures=10_000)
    writer = Writer(store, clock, most_runs=2)  # at most two runs may wait
    assert writer.queue_run(a_run("a/page/edge"))
    assert writer.queue_run(a_run("b/page/edge"))
    assert not writer.queue_run(a_run("c/page/edge"))
    assert writer.queue_run(a_run("a/page/edge", looks=2))
    await clock.sleep(1.0)
    assert not writer.queue_run(a_run("c/page/edge"))
    store.failures = 0
    await clock.sleep(6.0)  # longer than the longest pause between two attempts
    assert writer.queue_run(a_run("c/page/edge"))
    await writer.close()
    assert [run.looks for run in runs_of(store, "a/page/edge", "b/page/edge", "c/page/edge")] == [2, 1, 1]


@virtually
async def test_closing_commits_waiting_writes_and_later_writes_are_refused(clock: VirtualClock) -> None:
    store = TemporaryStore()
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    waiting = asyncio.ensure_future(writer.write(lambda tx: tx.save(Heartbeat("m", SLOT, stopped=True))))
    await asyncio.sleep(0)
    await writer.close()
    await waiting
    assert not writer.queue_run(a_run("other/page/edge"))
    with pytest.raises(StoreFault, match="stopped"):
        await writer.write(lambda tx: tx.add(an_event()))
    assert runs_of(store, EDGE) == [a_run()]
    assert store.leases.heartbeat("m") == Heartbeat("m", SLOT, stopped=True)


@virtually
async def test_closing_on_a_failing_store_reports_the_lost_rows(clock: VirtualClock) -> None:
    store = FailingStore(failures=10_000)
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    waiting = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event())))
    with pytest.raises(StoreFault, match="1 runs and 1 writes could not be stored"):
        await writer.close(within=2.0)
    with pytest.raises(StoreFault):
        await waiting


@virtually
async def test_abandoned_writer_keeps_only_committed_rows(clock: VirtualClock) -> None:
    store = TemporaryStore()
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    await writer.write(lambda tx: tx.add(an_event("before")))
    writer.queue_run(a_run("late/page/edge"))
    late = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("after"))))
    await asyncio.sleep(0)
    writer.abandon()
    await clock.sleep(10)
    assert late.cancelled()
    assert [event.id for event in store.verdicts.events()] == ["before"]
    assert runs_of(store, "late/page/edge") == []


@virtually
async def test_a_transaction_that_is_open_when_the_writer_is_abandoned_is_rolled_back(clock: VirtualClock) -> None:
    store = TemporaryStore()
    writer = Writer(store, clock)
    loop, entered, pause = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        tx.add(an_event())
        loop.call_soon_threadsafe(entered.set)
        while not writer._abandoned:
            pause.wait(0.001)

    late = asyncio.ensure_future(writer.write(slow))
    await entered.wait()
    writer.abandon()
    await clock.sleep(1)
    assert late.cancelled()
    assert store.verdicts.events() == []


@virtually
async def test_a_write_whose_caller_was_cancelled_before_its_turn_is_dropped(clock: VirtualClock) -> None:
    store = FailingStore()
    writer = Writer(store, clock)
    cancelled = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("cancelled"))))
    await asyncio.sleep(0)
    cancelled.cancel()
    await writer.write(lambda tx: tx.add(an_event("awaited")))
    await writer.close()
    assert [event.id for event in store.verdicts.events()] == ["awaited"]


# A write is made after the runs that were queued before it, or before them if it goes first.
@pytest.mark.parametrize("is_urgent", [False, True])
@virtually
async def test_run_that_cannot_be_stored_is_logged_and_does_not_stop_other_writes(
    clock: VirtualClock, sqlite: Store, *, is_urgent: bool
) -> None:
    log = WriterLog()
    without_time_zone = replace(a_run("odd/page/edge"), begin=SLOT.replace(tzinfo=None))
    writer = log.writer(sqlite, clock)
    writer.queue_run(without_time_zone)
    assert await writer.write(lambda tx: tx.add(an_event()), urgent=is_urgent)
    writer.queue_run(a_run())
    await writer.close()
    assert len(log.faults) == 1
    assert "needs its zone" in log.faults[0]
    assert runs_of(sqlite, EDGE, "odd/page/edge") == [a_run()]


# At first so many transactions fail. The writer makes them again.
@pytest.mark.parametrize("failing_transactions", [0, 1, 3])
@virtually
async def test_no_transaction_exceeds_its_limit_and_full_transactions_of_runs_come_before_any_write(
    clock: VirtualClock, failing_transactions: int
) -> None:
    # A transaction has at most ROWS_AT_ONCE (500) runs and WRITES_AT_ONCE (100) writes.
    store, log, many = FailingStore(), WriterLog(), 2 * ROWS_AT_ONCE + 10
    commits_before_write: list[int] = []
    writer = log.writer(store, clock)
    for number in range(many):
        writer.queue_run(a_run(f"r{number}/page/edge"))
    # Writes about releases are sorted by their ids. That must not bring any of them before the runs.
    writes = [
        writer.write(lambda _tx: commits_before_write.append(store.commits), release=f"r{number}")
        for number in range(many)
    ]
    store.failures = failing_transactions
    assert len(await asyncio.gather(*writes)) == many
    await writer.close()
    # The last runs do not fill a transaction, so they are in that of the first writes.
    assert max(log.rows_by_commit) <= ROWS_AT_ONCE + WRITES_AT_ONCE
    transactions_full_of_runs, transactions_with_writes = many // ROWS_AT_ONCE, ceil(many / WRITES_AT_ONCE)
    assert len(log.rows_by_commit) == transactions_full_of_runs + transactions_with_writes
    assert sum(log.rows_by_commit) == 2 * many
    assert len(runs_of(store, *(f"r{number}/page/edge" for number in range(many)))) == many
    assert min(commits_before_write) == transactions_full_of_runs


@virtually
async def test_write_marked_first_does_not_wait_for_earlier_runs(clock: VirtualClock) -> None:
    store, transactions_full_of_runs = FailingStore(), 4
    writer = Writer(store, clock)
    for number in range(transactions_full_of_runs * ROWS_AT_ONCE):
        writer.queue_run(a_run(f"r{number}/page/edge"))
    ordinary = asyncio.create_task(writer.write(lambda _tx: store.commits))
    await clock.sleep(0)
    commits_before_first = await writer.write(lambda _tx: store.commits, urgent=True)
    # At most the transaction that is open already comes before it.
    assert commits_before_first <= 1
    # The ordinary write is in the last of the four.
    assert await ordinary == transactions_full_of_runs - 1
    await writer.close()


# At first so many transactions fail. The writer makes them again.
@pytest.mark.parametrize("failing_transactions", [0, 2])
@virtually
async def test_rows_of_a_source_are_written_in_portions_before_the_runs(
    clock: VirtualClock, failing_transactions: int
) -> None:
    store = FailingStore(failing_transactions)
    written: list[str] = []

    # A source adds its own rows to each transaction. This one has three portions of them.
    @dataclass
    class Companion(RowSource):
        portions_left: int = 3

        def write(self, transaction: Transaction) -> None:
            transaction.save(Heartbeat("companion", SLOT))
            written.append(f"{self.portions_left} portions left, {len(runs_of(store, EDGE))} runs")

        def note_committed(self) -> None:
            self.portions_left -= 1

        def further_transactions(self) -> int:
            return self.portions_left - 1

        def close(self) -> None:
            written.append(f"closed with {len(runs_of(store, EDGE))} runs")

    writer = Writer(store, clock)
    writer.add_row_source(Companion())
    writer.queue_run(a_run())
    await clock.sleep(2.0)
    await writer.close()
    # Each portion has a transaction of its own. The last one also has the run, after the rows of the source.
    attempts_at_first_portion = ["3 portions left, 0 runs"] * (failing_transactions + 1)
    assert written == [
        *attempts_at_first_portion,
        "2 portions left, 0 runs",
        "1 portions left, 0 runs",
        "closed with 1 runs",
    ]


@virtually
async def test_row_source_is_written_before_the_runs_in_each_attempt_and_notified_of_the_commit(
    clock: VirtualClock,
) -> None:
    store = FailingStore(failures=1)
    calls: list[str] = []

    class Companion(RowSource):
        def prepare(self) -> None:
            calls.append("prepare")

        def write(self, transaction: Transaction) -> None:
            transaction.save(Heartbeat("companion", SLOT))
            calls.append(f"write before {len(runs_of(store, EDGE))} runs")

        def note_committed(self) -> None:
            calls.append("note committed")

        def close(self) -> None:
            calls.append("close")

    writer = Writer(store, clock)
    writer.add_row_source(Companion())
    await clock.sleep(2 * DELAY)
    assert calls == []  # a source does not begin a batch by itself
    # The run and the request of a source make one batch.
    writer.queue_run(a_run())
    writer.request_batch()
    await clock.sleep(1.0)
    await writer.close()
    # The store fails at the commit of the first attempt, after all writes. Then the whole batch is tried again.
    attempt_that_fails = ["prepare", "write before 0 runs"]
    assert calls == [*attempt_that_fails, "prepare", "write before 0 runs", "note committed", "close"]


@virtually
async def test_rows_of_a_source_are_committed_although_the_run_of_their_batch_cannot_be_stored(
    clock: VirtualClock,
) -> None:
    store = TemporaryStore()

    class Companion(RowSource):
        def write(self, transaction: Transaction) -> None:
            transaction.save(Heartbeat("companion", SLOT))

    log = WriterLog()
    writer = log.writer(store, clock)
    writer.add_row_source(Companion())
    run_that_cannot_be_stored = replace(a_run(), last_received="yesterday")
    writer.queue_run(run_that_cannot_be_stored)
    await clock.sleep(2 * DELAY)
    assert store.leases.heartbeat("companion") == Heartbeat("companion", SLOT)
    assert runs_of(store, EDGE) == []
    (fault,) = log.faults
    assert fault.startswith("1 runs cannot be stored")
    await writer.close()
