"""The only writer of a store: collects runs and writes, and commits them in batches from its own thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from monitor.clock import Clock
from monitor.errors import StoreFault, StoreSilent
from monitor.judge.runs import Run
from monitor.store.batch import MOST, Backlog, Batch, BatchMember, Write, tell
from monitor.store.portions import Portions
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from monitor.threads import ends_within

T = TypeVar("T")

DELAY = 0.1
"""The default for the longest time in seconds from the first `put` to its commit, if the store answers."""
MOST_RUNS = 100_000
"""The most runs that wait in memory while the store fails: about 100 MB."""
MOST_LARGE = 500_000
"""The most rows of large writes that wait: the first read of a calendar with 160,000 entries."""
LATE = 5.0
"""Seconds after which a transaction that has not ended counts as a failure of the store."""
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0


class _Abandoned(Exception):
    """`abandon` was called while a transaction was open. The transaction is rolled back."""


class Writer:
    """Makes every write of a daemon to its store. All methods must be called in the event loop's thread.

    At most `most` runs wait. A later version of a run replaces one that waits. If more come, `put` refuses them, and
    the caller must record a blind span of cause `store`. At most `most_large` rows of large writes wait in `backlog`.

    `members` add rows to every batch. `delay` is the longest time in seconds from the first `put` to its commit. After
    each attempt, `on_commit` is called with its seconds and rows, or `on_failure` with its fault.
    """

    def __init__(  # noqa: PLR0913 # what it owns, and the two callbacks
        self,
        store: Store,
        clock: Clock,
        *,
        most: int = MOST_RUNS,
        most_large: int = MOST_LARGE,
        members: Sequence[BatchMember] = (),
        delay: float = DELAY,
        on_commit: Callable[[float, int], None] = lambda _seconds, _rows: None,
        on_failure: Callable[[StoreFault], None] = lambda _fault: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._delay = delay
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._companions: list[BatchMember] = list(members)
        self._executor = ThreadPoolExecutor(1, "store-writer")
        self.backlog = Backlog(most, most_large)
        self._in_flight = Batch((), [])
        self._timer: asyncio.TimerHandle | None = None
        self._commit: asyncio.Task[None] | None = None
        self._nudged = False
        self._due = self._retry = 0.0
        self._abandoned = self._is_silent = False

    def accompany(self, companion: BatchMember) -> None:
        """Write this member with every batch from now on."""
        self._companions.append(companion)

    def put(self, run: Run) -> bool:
        """Queue a run, or a later version of it, for a commit within `delay`. Return False if the backlog is full."""
        if self._abandoned or not self.backlog.put(run):
            return False
        if self._timer is None:  # one that is set is due no later
            self._commit_within(self._delay)
        return True

    def nudge(self) -> None:
        """Make sure that a batch is written within `delay`, because a member has something to write."""
        self._nudged = True
        self._commit_within(self._delay)

    async def write(
        self,
        make: Callable[[Transaction], T],
        *,
        patient: bool = True,
        apart: bool = False,
        first: bool = False,
        of: str = "",
    ) -> T:
        """Run `make` in a transaction, in the writer's thread, and return its result after the commit.

        Everything queued before is committed in the same transaction or an earlier one. `make` may be called several
        times, so it must have no effect except through the transaction. If it raises, the exception is raised here
        and its writes are rolled back. After a cancellation the write may or may not be made.

        While the store fails this waits, or raises `StoreFault` if not `patient`. With `apart`, `make` must not read
        the store, so that it can be kept in a journal. Writes `of` releases are made in the order of these ids.
        With `first`, it is made in the next transaction, before everything queued.
        """
        self._refuse_if_stopped()
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.backlog.writes.append(Write(make, done, patient, apart, of, first))
        self._commit_within(0.0)
        return cast("T", await done)

    def write_in_portions(self, portions: Portions, *, instead_of: Write | None = None) -> Write:
        """Queue a large write, with one transaction a portion. Return an object with its future, `done`.

        Large writes are made in the order in which they were queued, and other writes are made between two portions.
        While the store fails they wait. A portion that raises ends its write. `instead_of` is a queued write that
        this one replaces. Raises `StoreFault` if too many rows wait.
        """
        self._refuse_if_stopped()
        first, *rest = portions.makes()
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
        """Return whether the last attempt failed, so that the writer waits before the next one."""
        return self._retry > 0.0

    async def write_alone(self, companion: BatchMember, make: Callable[[Transaction], T]) -> T:
        """Run `make` at once in a transaction with one member only, although the store refuses the waiting batch.

        Raises `StoreFault`, also if the store does not answer in `LATE` seconds, and what `make` raises.
        """
        self._refuse_if_stopped()
        saving = asyncio.ensure_future(self.between(lambda: self._save_alone(companion, make)))
        saving.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not await ends_within(saving, LATE) or saving.cancelled():
            raise StoreSilent(LATE)
        return saving.result()

    def held(self) -> tuple[list[Run], list[Callable[[Transaction], Any]]]:
        """Return the uncommitted runs, and the uncommitted writes with `apart`, which can be kept in a journal."""
        flying = self._in_flight
        runs = {run.key: run for run in flying.runs} | self.backlog.runs
        makes = [write.make for write in (*flying.first, *flying.writes) if write.apart]
        return list(runs.values()), makes + self.backlog.makes_apart()

    async def between(self, work: Callable[[], T]) -> T:
        """Run blocking work in the writer's thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self, within: float = 5.0) -> None:
        """Commit everything and stop. Raises `StoreFault` if that takes longer than `within` seconds.

        A large write that has not ended by then stays incomplete in the store.
        """
        try:
            async with asyncio.timeout(within):
                await self._drain()
        except TimeoutError as exc:
            runs, writes = self.backlog.runs, self.backlog.writes
            if runs or writes or self._is_silent or self.is_refused:
                lost = StoreFault(f"{len(runs)} runs and {len(writes)} writes could not be stored")
                tell(writes, lost)
                raise lost from exc
            if self._commit is not None:  # let the current portion end
                await asyncio.wait({self._commit}, timeout=LATE)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Stop now, and drop everything that is not committed, as if the process were killed."""
        self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
        # An open transaction rolls back. Waiting for it keeps it from committing after a restart. If the store does
        # not answer we cannot wait: the transaction may still commit, which is harmless.
        self._executor.shutdown(wait=not self._is_silent, cancel_futures=True)
        for write in self._in_flight.all_writes:
            write.done.cancel()
        self.backlog.drop()
        while self._companions:
            self._companions.pop().close()

    def _commit_within(self, seconds: float) -> None:
        if self._abandoned or self._commit is not None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + max(seconds, self._retry)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due, self._timer = due, loop.call_at(due, self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._commit = asyncio.get_running_loop().create_task(self._commit_held(), name="store-writer")

    async def _commit_held(self) -> None:
        more = max((companion.more() for companion in self._companions), default=0)
        batch = self._in_flight = self.backlog.take(more)
        is_called, self._nudged = self._nudged, False
        while not batch.is_over or is_called:
            batch.first += self.backlog.take_first()
            is_called, portion = False, batch.portion()
            fault = await self._attempt(portion)
            if isinstance(fault, StoreFault):
                self._retry = min(max(2 * self._retry, _FIRST_RETRY), _LAST_RETRY)
                self.backlog.put_back(batch, fault)
                self._nudged = True
                self._on_failure(fault)
                break
            if self._abandoned:
                break
            if fault is None:
                batch.leave(portion)
            elif batch.refuse(portion, fault):
                # No caller waits for a run. A target that is looked at again writes the next version of its run.
                self._on_failure(StoreFault(f"{len(portion.runs)} runs cannot be stored: {fault}"))
        self._commit, self._in_flight = None, Batch((), [])
        waiting = self.backlog
        if waiting.writes or waiting.portions_left() or len(waiting.runs) > MOST:
            self._commit_within(0.0)
        elif waiting.runs or self._nudged:
            self._commit_within(self._delay)

    async def _drain(self) -> None:
        while self.backlog.is_any or self._nudged or self._commit is not None:
            if self._commit is None:
                await asyncio.sleep(self._retry)
            if self._commit is None:
                self._begin()
            await asyncio.wait({task for task in (self._commit,) if task is not None})

    async def _attempt(self, batch: Batch) -> BaseException | None:
        """Commit a batch. Return None, or the exception of the failed attempt."""
        for work in filter(None, [companion.prepare() for companion in self._companions]):
            # This does not use the store. It may take long, because no transaction is open.
            await asyncio.wait({asyncio.ensure_future(self.between(work))})
        began = self._clock.monotonic()
        saving = asyncio.ensure_future(self.between(lambda: self._save(batch)))
        await self._ended(saving)
        fault = None if saving.cancelled() else saving.exception()
        if self._abandoned:
            return None
        if fault is None:
            self._retry = 0.0
            for write in batch.all_writes:
                write.commit()
            self._on_commit(self._clock.monotonic() - began, batch.rows)
        return fault

    async def _ended(self, saving: asyncio.Future[None]) -> None:
        """Wait until a batch is saved or refused. After `LATE` seconds report the silent store, and go on waiting."""
        if not await ends_within(saving, LATE) and not self._abandoned:
            self._is_silent = True
            silent = StoreSilent(LATE)
            hurried = [*self._in_flight.all_writes, *self.backlog.writes]
            tell((each for each in hurried if not each.patient), silent)
            self._on_failure(silent)
            await asyncio.wait({saving})
        self._is_silent = False

    def _save(self, batch: Batch) -> None:
        with self._store.transaction() as transaction:
            batch.at = None
            for companion in self._companions:
                companion.write(transaction)
            transaction.save_runs(batch.runs)
            for write in batch.all_writes:
                batch.at = write
                write.result = write.make(transaction)
            if self._abandoned:
                raise _Abandoned
        for companion in self._companions:
            companion.written()

    def _save_alone(self, companion: BatchMember, make: Callable[[Transaction], T]) -> T:
        with self._store.transaction() as transaction:
            companion.write(transaction)
            result = make(transaction)
        companion.written()
        return result
