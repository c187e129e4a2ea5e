"""A large write, cut into portions that each fit one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from monitor.store.batch import MOST, Make
from monitor.store.sql.write import Transaction

T = TypeVar("T")


class Portions:
    """What one large write consists of, in the order in which it is written.

    A process that is killed leaves the first portions. So what says that the whole is there is added last, and whatever
    must not be there alone is written in one step with what it belongs to. All of a small write is one portion.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._portions: list[list[Make]] = [[]]
        self._room = MOST

    def add(self, things: Sequence[T], write: Callable[[Transaction, Sequence[T]], object], rows: int = 1) -> None:
        """Add things to write after those added before.

        Each takes `rows` rows, all in one portion. One that has more rows than a portion gets a portion of its own.
        """
        start = 0
        while start < len(things):
            if self._room < min(rows, MOST):
                self._portions.append([])
                self._room = MOST
            some = things[start : start + max(1, self._room // rows)]
            self._portions[-1].append(lambda tx, some=some: write(tx, some))  # type: ignore[misc]  # mypy cannot infer it
            self._room -= rows * len(some)
            self.rows += rows * len(some)
            start += len(some)

    def makes(self) -> list[Make]:
        """Return what writes each portion."""
        return [partial(_make, steps) for steps in self._portions]


def _make(steps: Sequence[Make], transaction: Transaction) -> None:
    for step in steps:
        step(transaction)
