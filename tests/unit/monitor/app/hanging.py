"""A store that can be made to hang, and that records queries from the looks."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from monitor.rehearse.virtual_loop import JumpingLoop, get_jumping_loop
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from tests.worlds.virtual import time_resumed_in_thread

PARTS = ("ledger", "runs", "verdicts", "outbox", "sessions", "evidence", "leases")
WRITING = ("transaction", "tx", "commit")
EVERYTHING = "everything"


class _Part:
    """One part of the store, or a transaction of it, each call of which is met by the whole
    first.
    """

    def __init__(self, name: str, inner: object, meet: Callable[[str], None]) -> None:
        self._name, self._inner, self._meet = name, inner, meet
        self.read = SimpleNamespace()

    def __getattr__(self, call: str) -> Any:  # noqa: ANN401 # whatever the part itself has
        made = getattr(self._inner, call)

        def met(*given: object, **named: object) -> object:
            self._meet(f"{self._name}.{call}")
            return made(*given, **named)

        return met


class HangingStore:
    """Passes every call on, but for those of `hung` (a part, a call, or everything): they wait for
    `free`.

    `calls_on_loop` are the calls made in the loop's own thread since `records_calls_on_loop` was
    set.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.hung = ""
        self.records_calls_on_loop = False
        self.calls_on_loop: list[str] = []
        self.asked = Counter[str]()
        self._loop: JumpingLoop | None = None
        self._freed = threading.Event()
        self._hanging = 0
        for part in PARTS:
            setattr(self, part, _Part(part, getattr(inner, part), self._meet))

    @property
    def as_store(self) -> Store:
        """Return this as what it stands for."""
        return cast("Store", self)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._meet("transaction.begin")
        with self._inner.transaction() as tx:
            met = _Part("tx", tx, self._meet)
            parts = {part: _Part(part, getattr(tx.read, part), self._meet) for part in PARTS}
            met.read = SimpleNamespace(**parts)
            yield cast("Transaction", met)
            self._meet("commit.commit")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # upkeep, which is nothing of a part
        return getattr(self._inner, name)

    def hang(self, what: str) -> None:
        """Answer nothing of this from now on."""
        self.hung, self._loop = what, get_jumping_loop()
        self._freed.clear()

    async def free(self) -> None:
        """Answer what was asked, and everything from now on."""
        self.hung = ""
        with get_jumping_loop().time_stopped("a store that answers again"):
            self._freed.set()
            while self._hanging:  # noqa: ASYNC110 # it is counted in threads
                await asyncio.sleep(0)

    def _meet(self, call: str) -> None:
        self.asked[call] += 1
        if self.records_calls_on_loop and threading.current_thread() is threading.main_thread():
            self.calls_on_loop.append(call)
        if self.hung and self.hung in (EVERYTHING, call, call.partition(".")[0]):
            assert self._loop is not None
            assert call not in self.calls_on_loop, (
                f"{call} was called in the loop's thread, which it would stop"
            )
            self._hanging += 1
            with time_resumed_in_thread(self._loop):
                self._freed.wait()
            self._loop.call_soon_threadsafe(self._went_on)

    def _went_on(self) -> None:
        self._hanging -= 1
