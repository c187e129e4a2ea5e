"""A monitor that began without its store, and the store that is back."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.app.options import make_calendar_checks, make_join_rules
from monitor.app.store_failover import OpenedStore, StoreFailover, open_with_journal
from monitor.clock import VirtualClock
from monitor.config.settings import Settings
from monitor.errors import StoreFault
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState, StoreHealth
from monitor.ledger.ledger import Ledger
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.evidence.evidence import Evidence
from monitor.store.journal import Journal
from monitor.store.lease import Leaseholder
from monitor.store.members import Members
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.threads import run_in_thread
from tests.worlds.looks import a_run
from tests.worlds.stores import a_store_file, runs_of

NINE = datetime(2026, 11, 26, 9, tzinfo=UTC)


def make_failover(
    journal_as_store: Store, journal: Journal, url: str, folder: Path, clock: VirtualClock
) -> StoreFailover:
    """Return the failover of a monitor that began without its store."""
    writer, settings = Writer(journal_as_store, clock), Settings()
    evidence = Evidence(folder, journal_as_store.evidence, writer, clock, "south~20261126T090000Z")
    members = Members("south", Leaseholder("south 1"), journal_as_store.leases, writer, clock)
    store_health = StoreHealth(
        clock, Metrics("1"), HealthState(clock.now(), {}, timedelta(seconds=2)), lambda: True
    )
    ledger = Ledger(
        journal_as_store,
        writer,
        clock,
        make_join_rules(settings),
        make_calendar_checks(settings),
        run_in_thread,
    )
    return StoreFailover(
        OpenedStore(journal_as_store, url, journal, journal_as_store),
        "south",
        writer,
        evidence,
        clock,
        store_health,
        members,
        ledger,
    )


def rename_table(store: Store, name: str, new_name: str) -> None:
    with store._engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {new_name}")


def test_monitor_takes_its_lease_even_if_store_refuses_its_looks(tmp_path: Path) -> None:
    """A monitor begins on its journal, without its store. By its lease in the store, other monitors
    know that it runs. The store comes back, but at first refuses its looks.
    """
    url = f"sqlite:///{tmp_path}/store.db"

    async def scenario(clock: VirtualClock) -> None:
        journal = Journal(tmp_path / "journal", "south", url)
        with closing(Store.open_upgraded(url)) as store:
            journal.refresh_copy(store, clock.now())
            # The monitor `south` has begun without its store: it has its lease and a run of looks
            # in its journal.
            with closing(journal.open_as_store(clock.now())) as journal_as_store:
                failover = make_failover(
                    journal_as_store, journal, url, tmp_path / "evidence", clock
                )
                assert failover.members is not None
                await failover.members.join()
                failover.writer.queue_run(a_run("r/page/edge"))
                # returns once the run is in the journal
                await failover.writer.write(lambda _tx: None)
                # The store is back, but without its table of runs. So it refuses the run, and the
                # journal stays in use.
                rename_table(store, "run", "hidden")
                await failover.switch_or_journal()
                assert failover.opened.uses_stand_in
                # Still the monitor has its lease there. It makes other monitors leave `south` a
                # share of the looks.
                assert [lease.name for lease in store.leases.leases()] == ["monitor south"]
                # With its table the store accepts the run, and the monitor switches to it.
                rename_table(store, "hidden", "run")
                await failover.switch_or_journal()
                assert not failover.opened.uses_stand_in
                assert store.runs.of_release("r") != []
                failover.writer.abandon()

    run_virtually(scenario, NINE)


def test_sqlite_store_has_a_journal_only_if_configured(tmp_path: Path) -> None:
    url, clock = a_store_file(tmp_path / "store.db"), VirtualClock(NINE)
    # The journal's folder is None if none is configured.
    for journal_folder, has_journal in ((None, False), (str(tmp_path / "other disk"), True)):
        opened = open_with_journal(url, journal_folder, "south", clock, durable=False)
        assert (opened.journal is not None) == has_journal
        opened.store.close()


def test_journal_of_an_earlier_version_is_written_into_the_store(tmp_path: Path) -> None:
    """A journal is a file for looks while the store is away. An earlier version made one beside the
    store by default. Now none is configured, but its looks must get into the store.
    """
    url, clock = a_store_file(tmp_path / "store.db"), VirtualClock(NINE)
    journal = Journal(tmp_path / "journal", "south", url, durable=False)
    with closing(Store.open_upgraded(url, durable=False)) as store:
        journal.refresh_copy(store, NINE)
    journal.add_rows([a_run()], [], Heartbeat("south", NINE))
    opened = open_with_journal(url, None, "south", clock, durable=False)
    assert runs_of(opened.store, a_run().target) == [a_run()]
    assert (opened.journal, journal.has_rows) == (None, False)
    opened.store.close()


def test_monitor_without_journal_refuses_a_damaged_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"damaged" * 1000)
    with pytest.raises(StoreFault, match=r"store\.db"):
        open_with_journal(
            f"sqlite:///{tmp_path}/store.db", None, "south", VirtualClock(NINE), durable=False
        )
