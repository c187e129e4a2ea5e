"""Stores and an archive for the tests of the record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.store.sql.engine import Store
from tests.worlds.evidence import Archive
from tests.worlds.stores import a_store


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """Give a new store in `store.db`, which does not wait for the disk."""
    with closing(a_store(tmp_path)) as store:
        yield store


@pytest.fixture
def archive(sqlite: Store, tmp_path: Path) -> Archive:
    """Give an empty archive of evidence."""
    return Archive(sqlite, tmp_path / "ev")
