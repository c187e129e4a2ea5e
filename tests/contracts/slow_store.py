"""A store whose transactions take virtual time, by the rows that they write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from monitor.errors import StoreFault
from monitor.rehearse.virtual_loop import get_jumping_loop
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from tests.worlds.virtual import sleep_in_thread

SECONDS_A_ROW = 0.0001
"""What a row takes of a transaction on a slow disk."""


class _CountedTransaction:
    """Passes every call on, and counts the rows that are written."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner
        self.read = inner.read
        self.rows = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # whatever a transaction has
        write = getattr(self._inner, name)

        def counted(*given: object, **named: object) -> object:
            listed = [
                list(one) if isinstance(one, Iterable) and not isinstance(one, str) else one
                for one in given
            ]
            lengths = [len(one) for one in listed if isinstance(one, list)]
            self.rows += len(given) if name == "save" else max(lengths, default=1)
            return write(*listed, **named)

        return counted


class SlowStore:
    """Passes every call on.

    Each transaction takes `times_slower` as long as on a slow disk, or fails while `is_away`.

    Made where the loop runs. `commits` counts the transactions; reading takes no time.
    """

    def __init__(self, inner: Store, times_slower: float) -> None:
        self._inner = inner
        self._times_slower = times_slower
        self._loop = get_jumping_loop()
        self.is_away = False
        self.commits = 0

    @property
    def store(self) -> Store:
        """Return this object in place of the store that it wraps."""
        return cast("Store", self)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self.is_away:
            raise StoreFault("the store is away")
        with self._inner.transaction() as tx:
            counted = _CountedTransaction(tx)
            yield cast("Transaction", counted)
        # Not inside: an open transaction would keep other writers waiting while virtual time
        # passes.
        sleep_in_thread(self._loop, self._times_slower * SECONDS_A_ROW * counted.rows)
        self.commits += 1

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # the parts that are read
        return getattr(self._inner, name)
