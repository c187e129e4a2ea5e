"""What waits to be committed, and how it is cut into short transactions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from monitor.errors import StoreFault
from monitor.judge.runs import Run
from monitor.store.sql.write import Transaction

MOST, MOST_WRITES = 500, 100
"""How much one transaction takes of what waits, and how many writes, each of which asks and writes several times.

Who waits behind it is held up, and so is the lease of its monitor.
"""

Make = Callable[[Transaction], Any]


@dataclass(slots=True, eq=False)
class Write:
    """A write that somebody waits for; see `Writer.write`.

    A large write has more portions in `rest`, of `rows` rows in all: see `Writer.write_in_portions`.
    """

    make: Make
    done: asyncio.Future[Any]
    patient: bool = True
    apart: bool = True
    of: str = ""
    first: bool = False
    result: Any = None
    rest: deque[Make] = field(default_factory=deque)
    rows: int = 0
    is_begun: bool = False

    def commit(self) -> None:
        """Note that `make` is committed. The next portion follows; after the last one, the caller gets the result."""
        self.is_begun = True
        if self.rest:
            self.make = self.rest.popleft()
        elif not self.done.done():
            self.done.set_result(self.result)


@dataclass(slots=True)
class Batch:
    """What is to be committed: runs before writes, and then a portion of a large write.

    `ahead` transactions of what goes with them come first; zero is the one that takes the last of it with the runs.
    `first` are writes that wait for none of it, `at` is the write under way, None before any.
    """

    runs: Sequence[Run]
    writes: list[Write]
    first: list[Write] = field(default_factory=list)
    large: list[Write] = field(default_factory=list)
    ahead: int = 0
    at: Write | None = None

    @property
    def rows(self) -> int:
        """Return how many things are written."""
        return len(self.runs) + len(self.all_writes)

    @property
    def all_writes(self) -> list[Write]:
        """Return the writes in their order."""
        return [*self.first, *self.writes, *self.large]

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it is left."""
        return not self.rows and self.ahead < 0

    def portion(self) -> Batch:
        """Return what the next transaction takes."""
        if self.ahead > 0:
            return Batch((), [], self.first)
        runs = self.runs[:MOST]
        writes = self.writes[:MOST_WRITES] if len(runs) == len(self.runs) else []
        return Batch(runs, writes, self.first, [] if runs or writes else self.large)

    def leave(self, portion: Batch) -> None:
        """Go on behind a portion, which is committed."""
        self.ahead -= 1
        self.runs = self.runs[len(portion.runs) :]
        self.writes = self.writes[len(portion.writes) :]
        self.first = self.first[len(portion.first) :]
        self.large = self.large[len(portion.large) :]

    def refuse(self, portion: Batch, fault: BaseException) -> bool:
        """Go on without what can never be written, and tell who waits for it; return whether that is the runs."""
        guilty = portion.all_writes if portion.at is None and not portion.runs else [portion.at] if portion.at else []
        tell(guilty, fault)
        if not guilty:
            self.leave(Batch(portion.runs, []))
        self.first, self.writes, self.large = (
            [one for one in some if one not in guilty] for some in (self.first, self.writes, self.large)
        )
        return not guilty


class Backlog:
    """Runs and writes that wait to be committed; at most `most` runs, and `most_large` rows of large writes.

    A large write that has more rows waits where no other does.
    """

    def __init__(self, most: int, most_large: int) -> None:
        self._most, self._most_large = most, most_large
        self.runs: dict[tuple[str, datetime, str], Run] = {}
        self.writes: list[Write] = []
        self.large: deque[Write] = deque()

    @property
    def is_full(self) -> bool:
        """Return whether there is no room for a run that is not among them."""
        return len(self.runs) >= self._most

    @property
    def is_any(self) -> bool:
        """Return whether anything waits."""
        return bool(self.runs or self.writes or self.portions_left())

    def portions_left(self) -> int:
        """Return how many portions of large writes are not committed yet."""
        return sum(1 + len(write.rest) for write in self.large if not write.done.done())

    def put(self, run: Run) -> bool:
        """Add a run, or a later version of it; return False when there is no room."""
        if (key := run.key) not in self.runs and self.is_full:
            return False
        self.runs[key] = run
        return True

    def add_large(self, write: Write, instead_of: Write | None) -> None:
        """Add a large write behind the others, and drop another one. Raises `StoreFault` when there is no room."""
        waiting = sum(one.rows for one in self.large if one is not instead_of and not one.done.done())
        if waiting and waiting + write.rows > self._most_large:
            raise StoreFault(f"{waiting} rows of calendars wait for the store: there is no room for {write.rows} more")
        if instead_of is not None:
            instead_of.done.cancel()
        self.large.append(write)

    async def finish_large(self, patience: float) -> None:
        """Wait until every large write is committed; give up when none makes progress in so many seconds."""
        while (before := self.portions_left()) > 0:
            await asyncio.wait({self.large[-1].done}, timeout=patience)
            if self.portions_left() >= before:
                return

    def take(self, ahead: int) -> Batch:
        """Take out all runs and writes. The large write at the head is part of the batch, and stays until it is done.

        In one order for all monitors: in any other, each could wait for rows that another has written.
        """
        while self.large and self.large[0].done.done():
            self.large.popleft()
        first = self.take_first()
        writes = sorted((write for write in self.writes if not write.done.done()), key=lambda write: write.of)
        batch = Batch(list(self.runs.values()), writes, first, list(self.large)[:1], ahead or -1)
        self.runs, self.writes = {}, []
        return batch

    def take_first(self) -> list[Write]:
        """Take out the writes that wait for none put before them."""
        first = [write for write in self.writes if write.first]
        self.writes = [write for write in self.writes if not write.first]
        return first

    def put_back(self, batch: Batch, fault: StoreFault) -> None:
        """Add what could not be committed again; what came in meanwhile is newer. Tell those who will not wait."""
        tell((write for write in batch.all_writes if not write.patient), fault)
        self.runs = {run.key: run for run in batch.runs} | self.runs
        self.writes[:0] = [write for write in (*batch.first, *batch.writes) if not write.done.done()]

    def makes_apart(self) -> list[Make]:
        """Return the writes that may be kept elsewhere meanwhile, every portion of the large ones."""
        small = [write.make for write in self.writes if write.apart]
        return small + [make for write in self.large if not write.done.done() for make in (write.make, *write.rest)]

    def drop(self) -> None:
        """Drop everything."""
        for write in (*self.writes, *self.large):
            write.done.cancel()
        self.runs, self.writes = {}, []
        self.large.clear()


class BatchMember(Protocol):
    """Something that is written with every batch, ahead of it: evidence. Called in the writer's thread."""

    def prepare(self) -> Callable[[], object] | None:
        """Return work to do before the next transaction, in the writer's thread; None when there is none.

        It asks nothing of the store, and may take as long as it takes. Called in the loop's thread.
        """

    def write(self, transaction: Transaction) -> None:
        """Write what is waiting. May be called again for the same when the transaction fails."""

    def written(self) -> None:
        """Learn that the transaction of the last `write` was committed."""

    def more(self) -> int:
        """Return how many more transactions what waits now will take, beside the next."""

    def close(self) -> None:
        """Let go of everything; nothing more is written. Called in the loop's thread."""


def tell(writes: Iterable[Write], fault: BaseException) -> None:
    """Tell all who wait for these writes that they failed."""
    for write in writes:
        if not write.done.done():
            write.done.set_exception(fault)
