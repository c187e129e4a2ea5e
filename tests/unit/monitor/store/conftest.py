"""Stores, writers and answers for the tests of the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.look.fetch import Answer
from monitor.store.memory.store import MemoryStore
from monitor.store.sql.engine import SqlStore
from tests.worlds.instants import after_slot
from tests.worlds.stores import a_store


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqlStore]:
    """Give a new store in `store.db`, which does not wait for the disk."""
    with closing(a_store(tmp_path)) as store:
        yield store


@pytest.fixture
def memory() -> MemoryStore:
    """Give a store in memory."""
    return MemoryStore()


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Give a maker of answers: status, body and seconds after the slot."""

    def make(status: int = 404, body: bytes = b"Page not found", after: float = 0.0) -> Answer:
        sent = after_slot(after)
        headers = {"content-type": "text/html", "content-encoding": "br", "age": "0"}
        return Answer("https://www.gov.uk/x?y=1", status, headers, body, sent, sent + timedelta(milliseconds=25))

    return make
