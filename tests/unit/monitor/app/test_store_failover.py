"""Which stores have a journal, and what becomes of one."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.app.store_failover import open_with_journal
from monitor.errors import StoreFault
from monitor.store.journal import Journal
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store
from tests.worlds.looks import a_run
from tests.worlds.stores import a_store_file, runs_of

NINE = datetime(2026, 11, 26, 9, tzinfo=UTC)


def test_sqlite_store_has_a_journal_only_if_configured(tmp_path: Path) -> None:
    url = a_store_file(tmp_path / "store.db")
    # The journal's folder is None if none is configured.
    for journal_folder, has_journal in ((None, False), (str(tmp_path / "other disk"), True)):
        opened = open_with_journal(url, journal_folder, "south", durable=False)
        assert (opened.journal is not None) == has_journal
        opened.store.close()


def test_journal_of_an_earlier_version_is_written_into_the_store(tmp_path: Path) -> None:
    """A journal is a file for looks while the store is away. An earlier version made one beside the
    store by default. Now none is configured, but its looks must get into the store.
    """
    url = a_store_file(tmp_path / "store.db")
    journal = Journal(tmp_path / "journal", "south", url, durable=False)
    with closing(Store.open_upgraded(url, durable=False)) as store:
        journal.refresh_copy(store, NINE)
    journal.add_rows([a_run()], [], Heartbeat("south", NINE))
    opened = open_with_journal(url, None, "south", durable=False)
    assert runs_of(opened.store, a_run().target) == [a_run()]
    assert (opened.journal, journal.has_rows) == (None, False)
    opened.store.close()


def test_monitor_without_journal_refuses_a_damaged_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"damaged" * 1000)
    with pytest.raises(StoreFault, match=r"store\.db"):
        open_with_journal(f"sqlite:///{tmp_path}/store.db", None, "south", durable=False)
