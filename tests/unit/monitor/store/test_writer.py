"""The writer: one batch a transaction, in time, and what becomes of it when the store fails."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from alerts.incident import Entry
from monitor.clock import VirtualClock
from monitor.errors import StoreFault
from monitor.store.batch import ROWS_AT_ONCE, RowSource
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.store.writer import DELAY, Writer
from tests.worlds.incidents import an_incident
from tests.worlds.instants import SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.stores import TemporaryStore, an_event, runs_of
from tests.worlds.virtual import virtually


class CountingStore(TemporaryStore):
    """A store that counts its commits, after the first `failures` of them failed."""

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
async def test_runs_queued_within_the_delay_are_committed_together(clock: VirtualClock) -> None:
    """50 runs are queued within 0.05 s.

    One commit stores them all, DELAY (0.1 s) after the first one.
    """
    store = CountingStore()
    writer = Writer(store, clock)
    begin = clock.monotonic()
    for second in range(50):
        writer.queue_run(a_run(first=second))
        await clock.sleep(0.001)
    assert store.commits == 0
    await clock.sleep(begin + DELAY + 0.001 - clock.monotonic())
    assert store.commits == 1
    assert len(runs_of(store, EDGE)) == 50
    await writer.close()


@virtually
async def test_a_configured_delay_of_commits_replaces_the_default(clock: VirtualClock) -> None:
    """The writer commits a queued run after a delay. The default is 0.1 s, and here it is 5 s."""
    store = CountingStore()
    writer = Writer(store, clock, delay=5.0)
    writer.queue_run(a_run())
    await clock.sleep(4.99)
    assert store.commits == 0
    await clock.sleep(0.02)
    assert store.commits == 1
    await writer.close()


@virtually
async def test_later_version_of_a_run_replaces_the_earlier(clock: VirtualClock) -> None:
    """A run grows with each look.

    99 versions of it are queued for the same commit, which writes only the last one.
    """
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
    assert await writer.write(lambda tx: runs_of(tx.read, EDGE)) == [a_run()]
    await writer.close()


@virtually
async def test_write_sees_rows_of_earlier_writes_in_its_batch(clock: VirtualClock) -> None:
    """Three writes of one batch each read the timeline of an incident and add a text to it."""
    store = TemporaryStore()

    def add_to_timeline(text: str) -> Callable[[Transaction], None]:
        def write(tx: Transaction) -> None:
            known = tx.read.verdicts.incident("i") or replace(an_incident(), timeline=())
            tx.save(replace(known, timeline=(*known.timeline, Entry(SLOT, "duty", text))))

        return write

    writer = Writer(store, clock)
    await asyncio.gather(*(writer.write(add_to_timeline(text)) for text in ("one", "two", "three")))
    await writer.close()
    assert [entry.text for entry in store.verdicts.incident("i").timeline] == [
        "one",
        "two",
        "three",
    ]


@virtually
async def test_only_a_write_that_raises_is_undone(clock: VirtualClock) -> None:
    """Three writes and a run are committed together.

    The second write adds an event and then raises.

    Its caller gets the exception, and its event is undone. The other two writes and the run are
    committed.
    """
    store, log = CountingStore(), WriterLog()

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
    # A write returns what its function returns: here the bool of `add`.
    assert [type(outcome) for outcome in outcomes] == [bool, KeyError, bool]
    await writer.close()
    assert [event.id for event in store.verdicts.events()] == ["a", "b"]
    assert runs_of(store, EDGE) == [a_run()]
    assert (store.commits, log.faults) == (1, [])


@virtually
async def test_writes_wait_until_a_failing_store_recovers(clock: VirtualClock) -> None:
    """A run and a write are queued. The store fails four times.

    After each failure there is a pause: 0.1, 0.2, 0.4 and 0.8 s, together 1.5 s. Meanwhile a longer
    version of the run is queued. The fifth attempt stores this version and the write.
    """
    store, log = CountingStore(failures=4), WriterLog()
    writer = log.writer(store, clock)
    writer.queue_run(a_run(looks=1))
    write = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event())))
    await clock.sleep(0.35)
    writer.queue_run(a_run(looks=2))
    assert await write is True
    assert clock.monotonic() < 2.0
    await writer.close()
    assert runs_of(store, EDGE) == [a_run(looks=2)]
    assert log.faults == ["store: the disk is full"] * 4


@virtually
async def test_write_that_may_not_wait_fails_and_is_dropped(clock: VirtualClock) -> None:
    """The first commit fails. With `patient=False`, the caller gets this failure, and the write is
    not tried again. The run of the same batch is stored by the next attempt.
    """
    store = CountingStore(failures=1)
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    with pytest.raises(StoreFault, match="disk is full"):
        await writer.write(lambda tx: tx.add(an_event()), patient=False)
    await writer.close()
    assert store.verdicts.events() == []
    assert runs_of(store, EDGE) == [a_run()]


@virtually
async def test_attempts_on_a_failing_store_grow_rarer_but_never_stop(clock: VirtualClock) -> None:
    """While the store fails, the pauses between attempts double from 0.1 s to 5 s. That makes 18
    attempts in a minute. When the store works again, the next attempt stores the run.
    """
    store, log = CountingStore(failures=10_000), WriterLog()
    writer = log.writer(store, clock)
    writer.queue_run(a_run())
    await clock.sleep(60)
    assert 12 <= len(log.faults) <= 20
    store.failures = 0
    await clock.sleep(5.1)
    assert runs_of(store, EDGE) == [a_run()]
    await writer.close()


@virtually
async def test_full_backlog_accepts_only_longer_versions_of_waiting_runs(
    clock: VirtualClock,
) -> None:
    """The store fails, so runs wait.

    At most two may wait: those of pages a and b. So a run of page c is refused.

    A longer version of the run of page a is accepted, because it takes the place of the earlier
    one. When the store works again, the run of page c is accepted too. `queue_run` returns whether
    a run is accepted.
    """
    store = CountingStore(failures=10_000)
    writer = Writer(store, clock, most_runs=2)
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
    looks_of_stored_runs = [
        run.looks for run in runs_of(store, "a/page/edge", "b/page/edge", "c/page/edge")
    ]
    assert looks_of_stored_runs == [2, 1, 1]


@virtually
async def test_closing_commits_waiting_writes_and_later_writes_are_refused(
    clock: VirtualClock,
) -> None:
    store = TemporaryStore()
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    waiting = asyncio.ensure_future(
        writer.write(lambda tx: tx.save(Heartbeat("m", SLOT, stopped=True)))
    )
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
    """A run and a write wait for a store that fails. Both are lost when the writer is closed."""
    store = CountingStore(failures=10_000)
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    waiting = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event())))
    with pytest.raises(StoreFault, match="1 runs and 1 writes could not be stored"):
        await writer.close(within=2.0)
    with pytest.raises(StoreFault):
        await waiting


@virtually
async def test_abandoned_writer_keeps_only_committed_rows(clock: VirtualClock) -> None:
    """A run and an event are committed. A second run and a second event still wait.

    Then `abandon` stops the writer as if it was killed. So the second run and event are lost.
    """
    store = TemporaryStore()
    writer = Writer(store, clock)
    writer.queue_run(a_run())
    await writer.write(lambda tx: tx.add(an_event("before")))
    writer.queue_run(a_run("late/page/edge"))
    late_write = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("after"))))
    await asyncio.sleep(0)  # lets the write begin to wait
    writer.abandon()
    await clock.sleep(10)
    assert late_write.cancelled()
    assert [event.id for event in store.verdicts.events()] == ["before"]
    assert runs_of(store, "late/page/edge") == []


@virtually
async def test_open_transaction_of_an_abandoned_writer_is_rolled_back(clock: VirtualClock) -> None:
    """A slow write adds an event, and its transaction is still open, in another thread.

    Then `abandon` stops the writer as if it was killed. The event is not stored.
    """
    store = TemporaryStore()
    writer = Writer(store, clock)
    loop, has_added_event, pause = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def add_slowly(tx: Transaction) -> None:
        tx.add(an_event())
        loop.call_soon_threadsafe(has_added_event.set)
        while not writer._abandoned:
            pause.wait(0.001)

    slow_write = asyncio.ensure_future(writer.write(add_slowly))
    await has_added_event.wait()
    writer.abandon()
    await clock.sleep(1)
    assert slow_write.cancelled()
    assert store.verdicts.events() == []


@virtually
async def test_write_cancelled_before_its_turn_is_dropped(clock: VirtualClock) -> None:
    """The first write is cancelled while it still waits. Only the second one is made."""
    store = CountingStore()
    writer = Writer(store, clock)
    cancelled = asyncio.ensure_future(writer.write(lambda tx: tx.add(an_event("cancelled"))))
    await asyncio.sleep(0)
    cancelled.cancel()
    await writer.write(lambda tx: tx.add(an_event("awaited")))
    await writer.close()
    assert [event.id for event in store.verdicts.events()] == ["awaited"]


@pytest.mark.parametrize("is_urgent", [False, True])
@virtually
async def test_unstorable_run_is_logged_and_stops_no_other_write(
    clock: VirtualClock, sqlite: Store, *, is_urgent: bool
) -> None:
    """A run without a time zone cannot be stored. A write follows it, and then another run.

    The fault is logged. The write and the other run are stored, also if the write is urgent and so
    goes before runs.
    """
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


@pytest.mark.parametrize("failing_transactions", [0, 1, 3])
@virtually
async def test_runs_are_committed_before_writes_in_bounded_transactions(
    clock: VirtualClock, failing_transactions: int
) -> None:
    """1010 runs and 1010 other changes (writes) wait.

    A transaction takes at most 500 runs and 100 writes.

    All runs come first. Two transactions have 500 runs each. The third has the last 10 runs and 100
    writes. Nine more have 100 writes each, and the last one has 10. It is the same if some of the
    first transactions fail (`failing_transactions`), because they are made again.
    """
    store, log = CountingStore(), WriterLog()
    writer = log.writer(store, clock)
    run_count = write_count = 1010
    targets = [f"r{number}/page/edge" for number in range(run_count)]
    for target in targets:
        writer.queue_run(a_run(target))
    commits_before_writes: list[int] = []
    writes = [
        writer.write(lambda _tx: commits_before_writes.append(store.commits))
        for _ in range(write_count)
    ]
    store.failures = failing_transactions
    await asyncio.gather(*writes)
    await writer.close()
    transactions_with_only_runs, transactions_with_writes = 2, 1 + 9 + 1
    assert min(commits_before_writes) == transactions_with_only_runs
    assert len(log.rows_by_commit) == transactions_with_only_runs + transactions_with_writes
    assert max(log.rows_by_commit) <= 500 + 100
    assert sum(log.rows_by_commit) == run_count + write_count
    assert len(runs_of(store, *targets)) == run_count


@virtually
async def test_urgent_write_is_committed_before_earlier_runs(clock: VirtualClock) -> None:
    """Runs that fill four transactions are queued.

    Then an ordinary write is made, and then an urgent one.

    The urgent write is committed first, except for a transaction that is open already.
    The ordinary write comes after all runs: in the fourth transaction, with the last of them.
    """
    store = CountingStore()
    writer = Writer(store, clock)

    def count_earlier_commits(_tx: Transaction) -> int:
        return store.commits

    rows_of_a_transaction = ROWS_AT_ONCE
    for number in range(4 * rows_of_a_transaction):
        writer.queue_run(a_run(f"r{number}/page/edge"))
    # Each write returns how many transactions were committed before its own.
    ordinary_write = asyncio.create_task(writer.write(count_earlier_commits))
    await clock.sleep(0)
    assert await writer.write(count_earlier_commits, urgent=True) <= 1
    assert await ordinary_write == 3
    await writer.close()


@pytest.mark.parametrize("failing_transactions", [0, 2])
@virtually
async def test_each_portion_of_a_row_source_has_a_transaction(
    clock: VirtualClock, failing_transactions: int
) -> None:
    """A row source adds its own rows to transactions.

    Here it has three portions, one for each transaction.

    A run is queued too. It is committed with the last portion.
    If the first two transactions fail (`failing_transactions`), the first portion is written again.
    """
    store = CountingStore(failing_transactions)
    calls: list[str] = []

    @dataclass
    class SourceWithThreePortions(RowSource):
        portions_left: int = 3

        def write(self, transaction: Transaction) -> None:
            transaction.save(Heartbeat("source", SLOT))
            calls.append(
                f"write with {self.portions_left} portions left and {len(runs_of(store, EDGE))}"
                " runs stored"
            )

        def note_committed(self) -> None:
            self.portions_left -= 1

        def further_transactions(self) -> int:
            return self.portions_left - 1

        def close(self) -> None:
            calls.append(f"close with {len(runs_of(store, EDGE))} runs stored")

    writer = Writer(store, clock)
    writer.add_row_source(SourceWithThreePortions())
    writer.queue_run(a_run())
    await clock.sleep(2.0)
    await writer.close()
    attempts_at_first_portion = failing_transactions + 1
    assert calls == [
        *["write with 3 portions left and 0 runs stored"] * attempts_at_first_portion,
        "write with 2 portions left and 0 runs stored",
        "write with 1 portions left and 0 runs stored",  # the run is committed with this portion
        "close with 1 runs stored",
    ]


@virtually
async def test_row_source_is_written_again_after_a_failed_attempt(clock: VirtualClock) -> None:
    """A row source adds its own rows to each batch, before the runs of the batch.

    Here the first commit fails.

    So the whole batch is made again: the source is prepared and written a second time.
    Only the second commit succeeds, so the source is notified once.
    """
    store = CountingStore(failures=1)
    calls: list[str] = []

    class RecordingSource(RowSource):
        def prepare(self) -> None:
            calls.append("prepare")

        def write(self, transaction: Transaction) -> None:
            transaction.save(Heartbeat("source", SLOT))
            calls.append(f"write while {len(runs_of(store, EDGE))} runs are stored")

        def note_committed(self) -> None:
            calls.append("note committed")

        def close(self) -> None:
            calls.append("close")

    writer = Writer(store, clock)
    writer.add_row_source(RecordingSource())
    await clock.sleep(2 * DELAY)
    assert calls == []  # a source begins no batch unless one is requested
    writer.queue_run(a_run())
    writer.request_batch()
    await clock.sleep(1.0)
    await writer.close()
    failed_attempt = ["prepare", "write while 0 runs are stored"]
    second_attempt = ["prepare", "write while 0 runs are stored", "note committed"]
    assert calls == [*failed_attempt, *second_attempt, "close"]
