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
"""The most rows of runs, evidence or a large write in one transaction, which delays all others."""
WRITES_AT_ONCE = 100
"""The most other writes in one transaction. They take longer: each reads and writes
several times.
"""

WriteFunction = Callable[[Transaction], Any]


@dataclass(slots=True, eq=False)
class Write:
    """One queued write (see `Writer.write`), whose caller waits for `done`.

    A large one has its further portions in `rest`, and `rows` in all. It `is_begun` once a portion
    is committed.
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
        """Go on to the next portion, or give the caller the result after the last."""
        self.is_begun = True
        if self.rest:
            self.make = self.rest.popleft()
        elif not self.done.done():
            self.done.set_result(self.result)


@dataclass(slots=True)
class Batch:
    """The work of the next transactions: runs, then writes, then a portion of a large write.

    `source_transactions` is how many a `RowSource` still needs, if its rows do not fit into one.
    All but the last of these have no runs. `urgent` writes are in the very next one.
    `current_write` is made now or has raised.
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
        """Return all writes in order."""
        return [*self.urgent, *self.writes, *self.large]

    @property
    def is_over(self) -> bool:
        """Return whether all is committed or refused."""
        return not self.rows and self.source_transactions <= 0

    def next_portion(self) -> Batch:
        """Return the next transaction's work: urgent writes, then a limited number of others."""
        # A run names records of evidence, which the writer adds itself, and which must not be
        # stored later. So runs wait for the last of their transactions.
        if self.source_transactions > 1:
            return Batch((), [], urgent=self.urgent)
        runs = self.runs[:ROWS_AT_ONCE]
        are_last_runs = len(runs) == len(self.runs)
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
        """Remove the work that made a portion fail. Return whether that was runs.

        If no write was begun, the runs failed or, without runs, any write. Callers get the fault.
        """
        if portion.current_write is None and portion.runs:
            self.runs = self.runs[len(portion.runs) :]
            return True
        # If it is known which write raised, the others are tried again.
        refused = portion.all_writes if portion.current_write is None else [portion.current_write]
        fail_writes(refused, fault)
        self.urgent = [write for write in self.urgent if write not in refused]
        self.writes = [write for write in self.writes if write not in refused]
        self.large = [write for write in self.large if write not in refused]
        return False


class Backlog:
    """The runs and writes that wait, up to `most_runs` and `most_large_rows`.

    A single large write may have more rows if no other waits.
    """

    def __init__(self, most_runs: int, most_large_rows: int) -> None:
        self._most_runs, self._most_large_rows = most_runs, most_large_rows
        self.runs: dict[tuple[str, datetime, str], Run] = {}
        self.writes: list[Write] = []
        self.large: deque[Write] = deque()

    def portions_left(self) -> int:
        """Return the number of uncommitted portions of large writes."""
        return sum(1 + len(write.rest) for write in self.unfinished_large())

    def unfinished_large(self) -> list[Write]:
        """Return the large writes that are not committed to the end."""
        return [write for write in self.large if not write.done.done()]

    def add_run(self, run: Run) -> bool:
        """Add or replace a run. Return False if the backlog is full."""
        if (key := run.key) not in self.runs and len(self.runs) >= self._most_runs:
            return False
        self.runs[key] = run
        return True

    def add_large(self, write: Write, instead_of: Write | None) -> None:
        """Queue a large write, and cancel the one it replaces. Raises `StoreFault` if there is no
        room.
        """
        waiting = sum(queued.rows for queued in self.unfinished_large() if queued is not instead_of)
        # All large writes are rows of calendars.
        if waiting > 0 and waiting + write.rows > self._most_large_rows:
            raise StoreFault(
                f"{waiting} rows of calendars wait for the store: no room for {write.rows} more"
            )
        if instead_of is not None:
            instead_of.done.cancel()
        self.large.append(write)

    async def finish_large(self, patience: float) -> None:
        """Wait until all large writes are committed, or none progresses for `patience` seconds."""
        while (before := self.portions_left()) > 0:
            await asyncio.wait({self.large[-1].done}, timeout=patience)
            if self.portions_left() >= before:
                return

    def take_batch(self, source_transactions: int) -> Batch:
        """Take all runs and small writes out of the backlog, as a batch.

        It has the oldest large write too, which stays here until it is done.
        """
        while self.large and self.large[0].done.done():
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
        """Remove and return the urgent writes."""
        urgent = [write for write in self.writes if write.urgent]
        self.writes = [write for write in self.writes if not write.urgent]
        return urgent

    def put_back(self, batch: Batch, fault: StoreFault) -> None:
        """Put a failed batch back, except older versions of runs. Fail impatient callers."""
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
    """Writes its own rows at the start of every transaction: evidence, a heartbeat, a lease.

    Called in the writer's thread, if a method does not say otherwise. One that `guards_decisions`
    may raise `Deposed` in `write`.
    """

    guards_decisions = False

    def prepare(self) -> Callable[[], object] | None:
        """Return work without the store for the writer's thread before the transaction, or None.

        It may take long. Called in the loop's thread.
        """
        return None

    @abstractmethod
    def write(self, transaction: Transaction) -> None:
        """Write the waiting rows. Called again for the same ones if the transaction fails."""

    def note_committed(self) -> None:  # noqa: B027 # optional
        """Note that the transaction of the last `write` was committed."""

    def further_transactions(self) -> int:
        """Return how many transactions the waiting rows need after the next one."""
        return 0

    def close(self) -> None:  # noqa: B027 # optional
        """Release its resources, as the last call, in the loop's thread."""


class Portions:
    """The parts of one large write, in order, each for one transaction.

    If the process is killed, the store has only the first ones. So add the row that marks the write
    as complete last, and rows that need each other in one step.
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
        """Add items, of `rows` rows each, to write after those before.

        `write` writes some of them in one transaction, by default by saving them.
        """
        start = 0
        while start < len(items):
            if self._free_rows < min(rows, ROWS_AT_ONCE):
                self._portions.append([])
                self._free_rows = ROWS_AT_ONCE
            # An item with too many rows gets a portion of its own.
            some = items[start : start + max(1, self._free_rows // rows)]
            self._portions[-1].append((write, some))
            self._free_rows -= rows * len(some)
            self.rows += rows * len(some)
            start += len(some)

    def write_functions(self) -> list[WriteFunction]:
        """Return a function for each portion, which writes it in an open transaction."""

        def write_portion(
            steps: Iterable[tuple[Callable[..., object], Sequence[Any]]], tx: Transaction
        ) -> None:
            for write, items in steps:
                write(tx, items)

        return [partial(write_portion, steps) for steps in self._portions]


def fail_writes(writes: Iterable[Write], fault: BaseException) -> None:
    """Raise `fault` in the callers of these writes."""
    for write in writes:
        if not write.done.done():
            write.done.set_exception(fault)
