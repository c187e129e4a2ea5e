"""Keeps the backlog of writes, and divides it into short transactions."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from monitor.errors import StoreFault
from monitor.judge.runs import Run
from monitor.store.sql.write import Transaction

T = TypeVar("T")
ROWS_AT_ONCE = 500
"""The most rows of runs, of evidence or of a large write in one transaction, because it delays all
other writes.
"""
WRITES_AT_ONCE = 100
"""The most other writes in one transaction. They take longer, because each reads and writes several
times.
"""

WriteFunction = Callable[[Transaction], Any]


@dataclass(slots=True, eq=False)
class Write:
    """One queued write.

    Its caller waits for the result in `done`. See `Writer.write` for the other fields.

    A large write has its further portions in `rest`, with `rows` rows in all. See
    `Writer.write_in_portions`. `is_begun` is whether a portion is committed.
    """

    make: WriteFunction
    done: asyncio.Future[Any]
    patient: bool = True
    is_fact: bool = True
    urgent: bool = False
    result: Any = None
    rest: deque[WriteFunction] = field(default_factory=deque)
    rows: int = 0
    is_begun: bool = False

    def note_committed(self) -> None:
        """Note that `make` is committed.

        Go on to the next portion, or give the caller the result after the last.
        """
        self.is_begun = True
        if self.rest:
            self.make = self.rest.popleft()
        elif not self.done.done():
            self.done.set_result(self.result)


@dataclass(slots=True)
class Batch:
    """The work of the next transactions: runs, then writes, and then a portion of a large write.

    A `RowSource`, such as the evidence, writes its own rows in every transaction. If they do not
    fit into one, `source_transactions` is how many they still need. All but the last of these have
    no runs. It is 0 if they fit.

    `urgent` are writes for the very next transaction: the renewal of a lease cannot wait for rows
    of evidence. `current_write` is the write that is made now or has raised, None before the first
    one.
    """

    runs: Sequence[Run]
    writes: list[Write]
    urgent: list[Write] = field(default_factory=list)
    large: list[Write] = field(default_factory=list)
    source_transactions: int = 0
    current_write: Write | None = None

    @property
    def rows(self) -> int:
        """Return the number of runs and writes."""
        return len(self.runs) + len(self.all_writes)

    @property
    def all_writes(self) -> list[Write]:
        """Return the writes in their order."""
        return [*self.urgent, *self.writes, *self.large]

    @property
    def is_over(self) -> bool:
        """Return whether every run and write of this batch is committed or refused."""
        return not self.rows and self.source_transactions <= 0

    def next_portion(self) -> Batch:
        """Return the next transaction's work: all urgent writes, and a limited number of runs or
        other writes.

        While evidence needs several transactions, return only urgent writes. Return large writes
        after all others.
        """
        # A run names records of evidence, which must not be stored later. The writer adds these
        # records itself, and may need several transactions for them (`source_transactions`). So
        # runs wait for the last of these.
        if self.source_transactions > 1:
            return Batch((), [], urgent=self.urgent)
        runs = self.runs[:ROWS_AT_ONCE]
        are_last_runs = len(runs) == len(self.runs)
        # the last runs leave room for writes
        writes = self.writes[:WRITES_AT_ONCE] if are_last_runs else []
        large = self.large if not runs and not writes else []
        return Batch(runs, writes, urgent=self.urgent, large=large)

    def remove(self, portion: Batch) -> None:
        """Remove a portion that is committed."""
        self.source_transactions -= 1
        self.runs = self.runs[len(portion.runs) :]
        self.writes = self.writes[len(portion.writes) :]
        self.urgent = self.urgent[len(portion.urgent) :]
        self.large = self.large[len(portion.large) :]

    def refuse(self, portion: Batch, fault: BaseException) -> bool:
        """Remove the work that made a portion fail.

        Return True if its runs were removed, False if writes were.

        If no write was begun, the runs failed or, without runs, any write. Callers of removed
        writes get the fault.
        """
        if portion.current_write is None and portion.runs:
            self.runs = self.runs[len(portion.runs) :]
            return True
        # If it is known which write raised, the other writes are tried again.
        refused = portion.all_writes if portion.current_write is None else [portion.current_write]
        fail_writes(refused, fault)
        self.urgent, self.writes, self.large = (
            [write for write in queue if write not in refused]
            for queue in (self.urgent, self.writes, self.large)
        )
        return False


class Backlog:
    """The runs and writes that wait to be committed: at most `most_runs`, and `most_large_rows` of
    large writes.

    A single large write may have more rows, if no other large write waits.
    """

    def __init__(self, most_runs: int, most_large_rows: int) -> None:
        self._most_runs, self._most_large_rows = most_runs, most_large_rows
        self.runs: dict[tuple[str, datetime, str], Run] = {}
        self.writes: list[Write] = []
        self.large: deque[Write] = deque()

    @property
    def has_work(self) -> bool:
        """Return whether anything waits."""
        return bool(self.runs or self.writes or self.portions_left())

    def portions_left(self) -> int:
        """Return the number of portions of large writes that are not committed yet."""
        return sum(1 + len(write.rest) for write in self.unfinished_large())

    def unfinished_large(self) -> list[Write]:
        """Return the large writes that are not committed to the end."""
        return [write for write in self.large if not write.done.done()]

    def add_run(self, run: Run) -> bool:
        """Add a run, or replace its earlier version. Return False if the backlog is full."""
        if (key := run.key) not in self.runs and len(self.runs) >= self._most_runs:
            return False
        self.runs[key] = run
        return True

    def add_large(self, write: Write, instead_of: Write | None) -> None:
        """Queue a large write last, and cancel the one that it replaces.

        Raises `StoreFault` if the backlog is full.
        """
        waiting = sum(queued.rows for queued in self.unfinished_large() if queued is not instead_of)
        # If no other waits, a write of any size is accepted. All large writes are rows of
        # calendars.
        if waiting > 0 and waiting + write.rows > self._most_large_rows:
            raise StoreFault(
                f"{waiting} rows of calendars wait for the store: no room for {write.rows} more"
            )
        if instead_of is not None:
            instead_of.done.cancel()
        self.large.append(write)

    async def finish_large(self, patience: float) -> None:
        """Wait until every large write is committed, or until none makes progress for `patience`
        seconds.
        """
        while (before := self.portions_left()) > 0:
            await asyncio.wait({self.large[-1].done}, timeout=patience)
            if self.portions_left() >= before:
                return

    def take_batch(self, source_transactions: int) -> Batch:
        """Take all waiting runs, urgent writes and small writes out of the backlog.

        Return them as a batch.

        The batch also has the oldest large write, which stays in the backlog until it is done.
        `source_transactions` is the number of transactions for the rows of evidence, if one
        transaction cannot take all of them, else 0.
        """
        while self.large and self.large[0].done.done():  # committed, refused or cancelled
            self.large.popleft()
        urgent = self.take_urgent_writes()
        writes = [write for write in self.writes if not write.done.done()]
        runs = [*self.runs.values()]
        self.runs, self.writes = {}, []
        oldest_large = [*self.large][:1]
        return Batch(
            runs, writes, urgent=urgent, large=oldest_large, source_transactions=source_transactions
        )

    def take_urgent_writes(self) -> list[Write]:
        """Remove and return the writes that must be in the next transaction, before all earlier
        ones.
        """
        urgent = [write for write in self.writes if write.urgent]
        self.writes = [write for write in self.writes if not write.urgent]
        return urgent

    def put_back(self, batch: Batch, fault: StoreFault) -> None:
        """Add a failed batch to the backlog again, except older versions of runs.

        Fail the callers without patience.
        """
        fail_writes((write for write in batch.all_writes if not write.patient), fault)
        self.runs = {run.key: run for run in batch.runs} | self.runs
        self.writes[:0] = [
            write for write in (*batch.urgent, *batch.writes) if not write.done.done()
        ]

    def drop_all(self) -> None:
        """Drop everything, and cancel the writes."""
        for write in (*self.writes, *self.large):
            write.done.cancel()
        self.runs, self.writes = {}, []
        self.large.clear()


class RowSource(ABC):
    """Writes its own rows at the start of every transaction: evidence, a heartbeat, or a monitor's
    lease.

    It is called in the writer's thread, unless a method says otherwise. One that `guards_decisions`
    may raise `Deposed` in `write`.
    """

    guards_decisions = False

    def prepare(self) -> Callable[[], object] | None:
        """Return work for the writer's thread before the next transaction, or None.

        Called in the loop's thread.

        The work must not use the store. It may take long.
        """
        return None

    @abstractmethod
    def write(self, transaction: Transaction) -> None:
        """Write the waiting rows. If the transaction fails, this is called again for the same
        rows.
        """

    def note_committed(self) -> None:  # noqa: B027 # optional
        """Note that the transaction of the last `write` was committed."""

    def further_transactions(self) -> int:
        """Return how many transactions the waiting rows need after the next one."""
        return 0

    def close(self) -> None:  # noqa: B027 # optional
        """Release its resources. No other method is called after this. Called in the loop's
        thread.
        """


class Portions:
    """The parts of one large write, in the order in which they are written.

    Each fits into one transaction.

    If the process is killed, the store has only the first portions. So add the row that marks the
    write as complete last, and write rows that must not exist without each other in one step. A
    small write is one portion.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._portions: list[list[tuple[Callable[[Transaction, Any], object], Sequence[Any]]]] = [
            []
        ]
        self._free_rows = ROWS_AT_ONCE

    def add(
        self,
        items: Sequence[T],
        write: Callable[[Transaction, Sequence[T]], object] = lambda tx, items: tx.save(*items),  # type: ignore[arg-type]
        rows: int = 1,
    ) -> None:
        """Add items to write after those that were added before.

        `write` writes some of them in one transaction.

        By default `write` saves them: then they must be `Storable`. Each item takes `rows` rows,
        all in one portion (the rows of one transaction). If a portion is full, a new one begins.
        """
        start = 0
        while start < len(items):
            if self._free_rows < min(rows, ROWS_AT_ONCE):
                self._portions.append([])
                self._free_rows = ROWS_AT_ONCE
            # An item with more rows than a transaction should have gets a portion of its own.
            some = items[start : start + max(1, self._free_rows // rows)]
            self._portions[-1].append((write, some))
            self._free_rows -= rows * len(some)
            self.rows += rows * len(some)
            start += len(some)

    def write_functions(self) -> list[WriteFunction]:
        """Return, for each portion of this large write, a function that writes it in an open
        transaction.
        """

        def write_portion(
            steps: Iterable[tuple[Callable[..., object], Sequence[Any]]], tx: Transaction
        ) -> None:
            for write, items in steps:
                write(tx, items)

        return [partial(write_portion, steps) for steps in self._portions]


def fail_writes(writes: Iterable[Write], fault: BaseException) -> None:
    """Raise `fault` in every caller that waits for one of these writes."""
    for write in writes:
        if not write.done.done():
            write.done.set_exception(fault)
