"""What the writer has taken to commit: whole, and in portions that no transaction is long for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.judge.runs import Run
from monitor.store.interface import Transaction

MOST = 500
"""How much one transaction takes of what waits: it holds up whoever waits behind it, and the lease of its monitor."""


@dataclass(slots=True, eq=False)
class Write:
    """A write that somebody waits for; see `Writer.write`."""

    make: Callable[[Transaction], Any]
    done: asyncio.Future[Any]
    patient: bool
    apart: bool
    of: str
    result: Any = None


@dataclass(slots=True)
class Batch:
    """What is to be committed, runs before writes; `ahead` transactions of what goes with them come first.

    `at` is the write under way, None before the first.
    """

    runs: Sequence[Run]
    writes: list[Write]
    ahead: int = 0
    at: Write | None = None

    @property
    def rows(self) -> int:
        """Return how many things are written."""
        return len(self.runs) + len(self.writes)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it is left."""
        return not self.rows and self.ahead <= 0

    def portion(self) -> Batch:
        """Return what the next transaction takes."""
        if self.ahead > 0:
            return Batch((), [])
        runs = self.runs[:MOST]
        return Batch(runs, self.writes[: MOST - len(runs)] if len(runs) == len(self.runs) else [])

    def leave(self, portion: Batch) -> None:
        """Go on behind a portion, which is committed."""
        self.ahead -= 1
        self.runs = self.runs[len(portion.runs) :]
        self.writes = self.writes[len(portion.writes) :]
