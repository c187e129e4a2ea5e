"""Evidence, leases and upkeep of each store."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from monitor.errors import Conflict, StoreFault, UserFault
from monitor.store.open import open_store
from monitor.store.rows import Heartbeat
from monitor.store.sql import migrate
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import METADATA
from monitor.store.sql.write import Transaction
from tests.worlds.first_store import make_first_store
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import DAY, MINUTE, SECOND, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_release
from tests.worlds.stores import a_delivery, a_record, runs_of

# Evidence and leases


def test_evidence_is_found_by_id_and_along_its_chain(store: Store) -> None:
    records = [a_record(1), a_record(2), a_record(3)]
    with store.transaction() as tx:
        tx.add_evidence([*records, a_record(1, "north-2")])
    assert store.evidence.records(["m-3", "m-1", "m-9", "none", "m-x", ""]) == [
        records[0],
        records[2],
    ]
    assert store.evidence.records([a_record(1, "north-2").id]) == [a_record(1, "north-2")]
    assert store.evidence.chain("m", after=1, limit=1) == [records[1]]
    assert store.evidence.last("m") == records[2]
    assert store.evidence.last("nobody") is None
    assert store.evidence.monitors() == ["m", "north-2"]


def test_a_number_in_the_chain_is_given_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_evidence([a_record(1)])
    with pytest.raises(Conflict), store.transaction() as tx:
        tx.add_evidence([a_record(1, chain="ff" * 32)])
    with store.transaction() as tx:
        tx.add_evidence([a_record(1), a_record(2)])
        tx.add_evidence([])
    assert store.evidence.chain("m") == [a_record(1), a_record(2)]


def test_evidence_that_was_given_up_stays_in_the_chain_with_its_date(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_evidence([a_record(1), a_record(2), a_record(1, "n")])
        tx.expire_evidence("m", 1, SLOT + DAY)
        tx.expire_evidence("m", 1, SLOT + 2 * DAY)
    assert store.evidence.chain("m") == [a_record(1, expired=SLOT + DAY), a_record(2)]
    assert store.evidence.chain("n") == [a_record(1, "n")]


def test_a_lease_has_one_holder_until_it_runs_out(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.take_lease("outbox", "a", SLOT, SLOT + MINUTE)
        assert not tx.take_lease("outbox", "b", SLOT, SLOT + MINUTE)
        assert tx.take_lease("outbox", "a", SLOT, SLOT)
        assert tx.take_lease("outbox", "b", SLOT + SECOND, SLOT + MINUTE)
        assert not tx.take_lease("outbox", "a", SLOT + SECOND, SLOT + MINUTE)
    (held,) = store.leases.leases()
    now = store.leases.now(SLOT + SECOND)
    assert (held.name, held.holder) == ("outbox", "b")
    assert now < held.until <= now + MINUTE


@pytest.mark.needs("postgresql")
def test_the_leases_of_several_monitors_run_out_by_the_clock_of_their_database(
    postgresql: str,
) -> None:
    store = open_store(postgresql)
    store.upgrade()
    with store.transaction() as tx:
        # The monitor's own clock may be years wrong.
        assert tx.take_lease("outbox", "a", SLOT, SLOT + MINUTE)
        assert not tx.take_lease("outbox", "b", SLOT + 9000 * DAY, SLOT + 9001 * DAY)
    store.close()


def test_a_lease_is_given_back_by_its_holder_alone(store: Store) -> None:
    with store.transaction() as tx:
        tx.take_lease("outbox", "a", SLOT, SLOT + MINUTE)
        tx.drop_lease("outbox", "b")
        tx.drop_lease("nothing", "b")
        assert not tx.take_lease("outbox", "b", SLOT, SLOT + MINUTE)
        tx.drop_lease("outbox", "a")
        assert tx.take_lease("outbox", "b", SLOT, SLOT + MINUTE)


def test_of_many_that_ask_at_once_one_gets_the_lease(store: Store) -> None:
    ready, granted = threading.Barrier(4), []

    def ask(holder: str) -> None:
        ready.wait()
        with store.transaction() as tx:
            if tx.take_lease("www.gov.uk", holder, SLOT, SLOT + MINUTE):
                granted.append(holder)

    threads = [threading.Thread(target=ask, args=(f"m{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lease = store.leases.lease("www.gov.uk")
    assert lease is not None
    assert granted == [lease.holder]


# The store itself


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(a_release())
    store.upgrade()
    assert store.ledger.releases() == [a_release()]


def test_an_instant_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="needs its zone"), store.transaction() as tx:
        tx.save(Heartbeat("m", SLOT.replace(tzinfo=None)))


def test_a_backup_holds_everything_and_never_overwrites(store: Store, tmp_path: Path) -> None:
    with store.transaction() as tx:
        tx.save(a_release())
        tx.save(a_run())
        tx.add_evidence([a_record(1), a_record(2)])
        tx.save(an_incident())
        tx.add_notice(a_notice(), [a_delivery()])
    store.backup(tmp_path / "copy.db")
    with pytest.raises(UserFault, match="never overwrites"):
        store.backup(tmp_path / "copy.db")
    copy = open_store(f"sqlite:///{tmp_path}/copy.db")
    assert (copy.ledger.releases(), runs_of(copy, "r/page/edge")) == ([a_release()], [a_run()])
    assert (copy.verdicts.incidents(), copy.outbox.notices(), copy.check()) == (
        [an_incident()],
        [a_notice()],
        [],
    )
    copy.close()
    assert [it.name for it in tmp_path.iterdir() if "part" in it.name] == []


@pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def test_many_that_upgrade_at_once_make_one_store(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    url = (
        request.getfixturevalue("database")
        if kind == "postgresql"
        else f"sqlite:///{tmp_path}/shared.db"
    )
    stores = [open_store(url) for _ in range(3)]
    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(lambda one: one.upgrade(), stores))
    for one in stores:
        assert one.check() == []
        one.close()


@pytest.mark.needs("postgresql")
def test_the_steps_lead_to_the_same_tables_on_postgresql(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        make_first_store(connection)
        migrate.upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


@pytest.mark.needs("postgresql")
def test_a_server_that_drops_the_connection_is_told_once_and_used_again(postgresql: str) -> None:
    store = Store(postgresql)
    store.upgrade()
    others = "FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid()"
    killer = create_engine(postgresql)

    def lose_the_connection(tx: Transaction) -> None:
        tx.save(Heartbeat("m", SLOT))
        with killer.begin() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))

    with pytest.raises(StoreFault, match=r"terminat|closed"), store.transaction() as tx:
        lose_the_connection(tx)
    with store.transaction() as tx:
        tx.save(Heartbeat("m", SLOT + DAY))
    assert store.leases.heartbeat("m") == Heartbeat("m", SLOT + DAY)
    killer.dispose()
    store.close()
