"""What the writer has taken to commit: whole, and in portions that no transaction is long for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from monitor.judge.runs import Run
from monitor.store.interface import Transaction

MOST, MOST_WRITES = 500, 100
"""How much one transaction takes of what waits, and how many writes, each of which asks and writes several times.

Who waits behind it is held up, and so is the lease of its monitor.
"""


@dataclass(slots=True, eq=False)
class Write:
    """A write that somebody waits for; see `Writer.write`."""

    make: Callable[[Transaction], Any]
    done: asyncio.Future[Any]
    patient: bool
    apart: bool
    of: str
    first: bool = False
    result: Any = None


@dataclass(slots=True)
class Batch:
    """What is to be committed, runs before writes; `ahead` transactions of what goes with them come first.

    `first` are writes that wait for none of it, `at` is the one under way, None before any.
    """

    runs: Sequence[Run]
    writes: list[Write]
    first: list[Write] = field(default_factory=list)
    ahead: int = 0
    at: Write | None = None

    @property
    def rows(self) -> int:
        """Return how many things are written."""
        return len(self.runs) + len(self.all_writes)

    @property
    def all_writes(self) -> list[Write]:
        """Return the writes in their order."""
        return [*self.first, *self.writes]

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it is left."""
        return not self.rows and self.ahead <= 0

    def portion(self) -> Batch:
        """Return what the next transaction takes."""
        if self.ahead > 0:
            return Batch((), [], self.first)
        runs = self.runs[:MOST]
        return Batch(runs, self.writes[:MOST_WRITES] if len(runs) == len(self.runs) else [], self.first)

    def leave(self, portion: Batch) -> None:
        """Go on behind a portion, which is committed."""
        self.ahead -= 1
        self.runs = self.runs[len(portion.runs) :]
        self.writes = self.writes[len(portion.writes) :]
        self.first = self.first[len(portion.first) :]

    def leave_out(self, writes: Sequence[Write]) -> None:
        """Go on without some writes."""
        self.first, self.writes = ([one for one in some if one not in writes] for some in (self.first, self.writes))


class BatchMember(Protocol):
    """Something that is written with every batch, ahead of it: evidence. Called in the writer's thread."""

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
