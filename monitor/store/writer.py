"""Commits all writes to a store in batches, from its own thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from monitor.clock import Clock
from monitor.errors import Deposed, StoreFault, StoreSilent
from monitor.judge.runs import Run
from monitor.store.batch import (
    ROWS_AT_ONCE,
    Backlog,
    Batch,
    Portions,
    RowSource,
    Write,
    WriteFunction,
    fail_writes,
)
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.threads import ends_within

T = TypeVar("T")

DELAY = 0.1
"""The longest time in seconds from the first queued run to its commit, if the store answers."""
MOST_RUNS = 100_000
"""So many runs wait in memory while the store fails: about 100 MB."""
MOST_LARGE = 500_000
"""So many rows of large writes wait: a calendar with 160,000 entries."""
STALLED_AFTER = 5.0
"""A transaction that has not ended after so many seconds counts as a failure of the store."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds between attempts while the store fails. Each pause is twice as long as the last."""


class _Abandoned(Exception):
    """Raised inside a transaction to roll it back, because `abandon` was called."""


class Writer:
    """Makes every write of a daemon to its store. Call all methods in the event loop's thread.

    `queue_run` refuses a run beyond `most_runs`: the caller records a blind span of cause `store`.
    A later version of a run replaces one that waits. `sources`, such as the evidence, add rows to
    each transaction. After each attempt, `on_commit` gets its seconds and rows, or `on_failure` its
    fault.
    """

    def __init__(  # noqa: PLR0913 # what it owns, and the two callbacks
        self,
        store: Store,
        clock: Clock,
        *,
        most_runs: int = MOST_RUNS,
        most_large: int = MOST_LARGE,
        sources: Sequence[RowSource] = (),
        delay: float = DELAY,
        on_commit: Callable[[float, int], None] = lambda _seconds, _rows: None,
        on_failure: Callable[[StoreFault], None] = lambda _fault: None,
    ) -> None:
        """Prepare to commit within `delay` seconds of the first run."""
        self._store = store
        self._clock = clock
        self._delay = delay
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._row_sources: list[RowSource] = list(sources)
        self._executor = ThreadPoolExecutor(1, "store-writer")
        self.backlog = Backlog(most_runs, most_large_rows=most_large)
        self._in_flight = Batch(runs=(), writes=[])
        self._committing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when `_timer` is due, by the loop's clock
        self._pause = 0.0  # 0 after a success
        # by a row source, even if no run or write waits
        self._is_batch_requested = False
        self._abandoned = False
        self._is_deposed = False  # no decision is written any more
        self._is_store_silent = False

    def add_row_source(self, source: RowSource) -> None:
        """Write this source's rows in every transaction from now on."""
        self._row_sources.append(source)

    def queue_run(self, run: Run) -> bool:
        """Queue a run, or a later version of it. Return False if the backlog is full."""
        if self._abandoned or not self.backlog.add_run(run):
            return False
        if self._timer is None:  # one that is set is due no later
            self._commit_within(self._delay)
        return True

    def request_batch(self) -> None:
        """Write a batch within `delay`, because a row source has rows."""
        self._is_batch_requested = True
        self._commit_within(self._delay)

    async def write(
        self,
        make: Callable[[Transaction], T],
        *,
        patient: bool = True,
        is_fact: bool = False,
        urgent: bool = False,
    ) -> T:
        """Run `make` in a transaction, in the writer's thread. Return its result after the commit.

        Everything queued before is committed earlier or with it. `make` may be called several
        times. If it raises, its writes are rolled back. After a cancellation it may be written or
        not.

        While the store fails this waits, or raises `StoreFault` if not `patient`. A write that
        `is_fact` has only what this monitor saw, and reads nothing: it may be spooled, and a former
        leader may make it. An `urgent` one is made first.
        """
        self._refuse_if_stopped()
        if self._is_deposed and not is_fact:
            raise Deposed
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.backlog.writes.append(Write(make, done, patient, is_fact, urgent))
        self._commit_within(0.0)
        return cast("T", await done)

    def write_in_portions(self, portions: Portions, *, instead_of: Write | None = None) -> Write:
        """Queue a large write, a transaction a portion, between which others are made. Return it.

        They are made in order, and wait while the store fails. A portion that raises ends its
        write. `instead_of` is replaced if it waits. Raises `StoreFault` if too many rows wait.
        """
        self._refuse_if_stopped()
        if self._is_deposed:
            raise Deposed
        first, *rest = portions.write_functions()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        write = Write(first, done, rest=deque(rest), rows=portions.rows)
        self.backlog.add_large(write, instead_of)
        self._commit_within(0.0)
        return write

    def _refuse_if_stopped(self) -> None:
        if self._abandoned:
            raise StoreFault("the writer has stopped")

    @property
    def is_refused(self) -> bool:
        """Return whether the last attempt failed, so that the writer pauses."""
        return self._pause > 0.0

    async def write_with_source(self, source: RowSource, make: Callable[[Transaction], T]) -> T:
        """Write the rows of `source` and run `make` alone in a transaction. Return its result.

        It may succeed even if the store refuses batches. Raises what `make` raises, and
        `StoreFault`, also without an answer in `STALLED_AFTER` seconds.
        """
        self._refuse_if_stopped()

        def save() -> T:
            with self._store.transaction() as transaction:
                source.write(transaction)
                result = make(transaction)
            source.note_committed()
            return result

        saving = asyncio.ensure_future(self.run_between_batches(save))
        # After the timeout no one waits: read the exception, so that asyncio does not log it.
        saving.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not await ends_within(saving, STALLED_AFTER) or saving.cancelled():
            raise StoreSilent(STALLED_AFTER)
        return saving.result()

    def uncommitted(self) -> tuple[list[Run], list[WriteFunction]]:
        """Return the uncommitted runs, and functions of writes of facts."""
        batch = self._in_flight
        runs = {run.key: run for run in batch.runs} | self.backlog.runs
        writes = [
            write.make
            for write in (*batch.urgent, *batch.writes, *self.backlog.writes)
            if write.is_fact
        ]
        for write in self.backlog.unfinished_large():
            writes += [write.make, *write.rest]
        return list(runs.values()), writes

    async def run_between_batches(self, work: Callable[[], T]) -> T:
        """Run blocking work in the writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self, within: float = 5.0) -> None:
        """Commit everything and stop. Raises `StoreFault` if that takes over `within` seconds.

        Of a large write that is too slow, the store keeps the first part.
        """
        try:
            async with asyncio.timeout(within):
                await self._commit_everything()
        except TimeoutError as exc:
            runs, writes = self.backlog.runs, self.backlog.writes
            is_store_failing = self._is_store_silent or self.is_refused
            if runs or writes or is_store_failing:
                fault = StoreFault(f"{len(runs)} runs and {len(writes)} writes could not be stored")
                fail_writes(writes, fault)
                raise fault from exc
            if self._committing is not None:
                await asyncio.wait({self._committing}, timeout=STALLED_AFTER)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Stop without a commit, as if killed."""
        self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
        # Nothing commits after a restart. A silent store's transaction may, which is harmless.
        self._executor.shutdown(wait=not self._is_store_silent, cancel_futures=True)
        for write in self._in_flight.all_writes:
            write.done.cancel()
        self.backlog.drop_all()
        # A second call must not close them again.
        while self._row_sources:
            self._row_sources.pop().close()

    def _commit_within(self, seconds: float) -> None:
        """Schedule a commit in `seconds`, or after a pause, unless one is running or earlier."""
        if self._abandoned or self._committing is not None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + max(seconds, self._pause)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due, self._timer = due, loop.call_at(due, self._start_commit)

    def _start_commit(self) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._committing = asyncio.get_running_loop().create_task(
            self._commit_backlog(), name="store-writer"
        )
        return self._committing

    async def _commit_backlog(self) -> None:
        """Commit the backlog in portions. Drop what cannot be stored, put back what failed."""
        # Row sources may need further transactions for their rows.
        further = max((source.further_transactions() for source in self._row_sources), default=0)
        source_transactions = 1 + further if further > 0 else 0
        batch = self._in_flight = self.backlog.take_batch(source_transactions=source_transactions)
        must_commit = self._is_batch_requested
        self._is_batch_requested = False
        while not batch.is_over or must_commit:
            must_commit = False
            # Renewals of a lease cannot wait until this batch ends.
            batch.urgent += self.backlog.take_urgent_writes()
            portion = batch.next_portion()
            fault = await self._try_commit(portion)
            if isinstance(fault, Deposed):
                self._drop_decisions(batch, fault)
                must_commit = True
                continue
            if isinstance(fault, StoreFault):
                self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
                self.backlog.put_back(batch, fault)
                self._is_batch_requested = True  # the sources' rows are not committed either
                self._on_failure(fault)
                break
            if self._abandoned:
                break
            if fault is None:
                batch.remove(portion)
            elif batch.refuse(portion, fault):
                # No caller waits for a run. The next look writes its next version.
                self._on_failure(StoreFault(f"{len(portion.runs)} runs cannot be stored: {fault}"))
                # The sources' rows must be written again.
                must_commit = True
        self._committing, self._in_flight = None, Batch(runs=(), writes=[])
        if (
            self.backlog.writes
            or self.backlog.portions_left()
            or len(self.backlog.runs) > ROWS_AT_ONCE
        ):
            self._commit_within(0.0)
        elif self.backlog.runs or self._is_batch_requested:
            self._commit_within(self._delay)

    def _drop_decisions(self, batch: Batch, fault: Deposed) -> None:
        """Fail all writes that wait but facts, and refuse new ones."""
        self._is_deposed = True
        waiting = (*batch.all_writes, *self.backlog.writes, *self.backlog.large)
        fail_writes((write for write in waiting if not write.is_fact), fault)
        for queue in (batch.urgent, batch.writes, batch.large, self.backlog.writes):
            queue[:] = [write for write in queue if not write.done.done()]

    async def _commit_everything(self) -> None:
        """Commit until no work waits, with pauses after failures."""
        backlog = self.backlog
        while (
            (backlog.runs or backlog.writes or backlog.portions_left())
            or self._is_batch_requested
            or self._committing is not None
        ):
            if self._committing is None:
                await asyncio.sleep(self._pause)
            # The timer may have started one meanwhile.
            await asyncio.wait({self._committing or self._start_commit()})

    async def _try_commit(self, batch: Batch) -> BaseException | None:
        """Commit a batch. Return the exception of a failed attempt, else None."""
        for work in filter(None, [source.prepare() for source in self._row_sources]):
            # It may take long: no transaction is open.
            await asyncio.wait({asyncio.ensure_future(self.run_between_batches(work))})
        began = self._clock.monotonic()
        saving = asyncio.ensure_future(self.run_between_batches(lambda: self._save_batch(batch)))
        await self._wait_until_saved(saving)
        fault = None if saving.cancelled() else saving.exception()
        if self._abandoned:
            return None
        if fault is None:
            self._pause = 0.0
            for write in batch.all_writes:
                write.note_committed()
            self._on_commit(self._clock.monotonic() - began, batch.rows)
        return fault

    async def _wait_until_saved(self, saving: asyncio.Future[None]) -> None:
        """Wait until a batch is saved or refused. After `STALLED_AFTER`, fail impatient writes."""
        if not await ends_within(saving, STALLED_AFTER) and not self._abandoned:
            self._is_store_silent = True
            silent = StoreSilent(STALLED_AFTER)
            waiting = [*self._in_flight.all_writes, *self.backlog.writes]
            fail_writes((write for write in waiting if not write.patient), silent)
            self._on_failure(silent)
            await asyncio.wait({saving})
        self._is_store_silent = False

    def _save_batch(self, batch: Batch) -> None:
        """Save a batch in one transaction, the sources' rows first.

        A write that raises is `batch.current_write`, so that only it is refused.
        """
        with self._store.transaction() as transaction:
            batch.current_write = None
            for source in self._row_sources:
                if not (self._is_deposed and source.guards_decisions):
                    source.write(transaction)
            transaction.save(*batch.runs)
            for write in batch.all_writes:
                batch.current_write = write
                write.result = write.make(transaction)
            if self._abandoned:
                raise _Abandoned
        for source in self._row_sources:
            source.note_committed()
