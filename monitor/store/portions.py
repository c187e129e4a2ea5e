"""A large write, divided into portions that each fit into one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from monitor.store.batch import RUNS_AT_ONCE, Make
from monitor.store.sql.write import Transaction

T = TypeVar("T")


class Portions:
    """The parts of one large write, in the order in which they are written.

    If the process is killed, the store has only the first portions. So add the row that marks the write as complete
    last, and write rows that must not exist without each other in one step. A small write is one portion.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._portions: list[list[Make]] = [[]]
        self._room = RUNS_AT_ONCE

    def add(self, things: Sequence[T], write: Callable[[Transaction, Sequence[T]], object], rows: int = 1) -> None:
        """Add things to write after those that were added before. `write` writes some of them in one transaction.

        Each thing takes `rows` rows, which stay in one portion. If a portion has less room, the thing gets its own.
        """
        start = 0
        while start < len(things):
            if self._room < min(rows, RUNS_AT_ONCE):
                self._portions.append([])
                self._room = RUNS_AT_ONCE
            some = things[start : start + max(1, self._room // rows)]
            self._portions[-1].append(lambda tx, some=some: write(tx, some))  # type: ignore[misc]  # mypy cannot infer it
            self._room -= rows * len(some)
            self.rows += rows * len(some)
            start += len(some)

    def makes(self) -> list[Make]:
        """Return for each portion a function that writes it."""
        return [partial(_make, steps) for steps in self._portions]


def _make(steps: Sequence[Make], transaction: Transaction) -> None:
    for step in steps:
        step(transaction)
