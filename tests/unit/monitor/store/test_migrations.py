from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from monitor.errors import StoreFault, StoreTooNew
from monitor.store.sql import migrate
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import METADATA
from tests.worlds.first_store import make_first_store
from tests.worlds.releases import a_release


def differences_from_tables(connection: Connection) -> list[object]:
    """Return how the tables of a database differ from those that the program defines."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def schema_of(connection: Connection) -> list[object]:
    """Return the statements that create what is in a database, and its revision."""
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master ORDER BY name")
    tables = [
        (kind, name, " ".join(sql.split()).replace(" ,", ",") if sql else None)
        for kind, name, sql in rows
    ]
    return [*tables, *connection.exec_driver_sql("SELECT version_num FROM alembic_version")]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """Give a store that is made here and now, not copied."""
    with closing(Store.open_upgraded(f"sqlite:///{tmp_path}/new.db")) as store:
        yield store


def test_an_upgraded_store_has_the_schema_of_a_new_one(sqlite: Store) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as migrated, sqlite._engine.begin() as new:
        make_first_store(migrated)
        migrate.upgrade(migrated)
        assert schema_of(new) == schema_of(migrated)
        assert differences_from_tables(migrated) == []
    engine.dispose()


def test_store_of_the_first_release_candidate_opens_as_it_is(tmp_path: Path) -> None:
    """Its table of the revision has one more column, `works_from`."""
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with store._engine.begin() as connection:
        make_first_store(connection)
        connection.exec_driver_sql("ALTER TABLE alembic_version ADD COLUMN works_from VARCHAR(32)")
        connection.exec_driver_sql("UPDATE alembic_version SET works_from = '0006'")
    store.upgrade()
    with store.transaction() as tx:
        tx.save(a_release())
    assert store.ledger.releases() == [a_release()]
    store.close()


def test_monitor_stops_writing_when_a_newer_version_has_upgraded_its_store(sqlite: Store) -> None:
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="upgrade this one"), sqlite.transaction() as tx:
        tx.save(a_release())
    assert sqlite.ledger.releases() == []


def test_store_made_by_a_newer_version_is_not_changed(sqlite: Store) -> None:
    with sqlite._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        before = schema_of(connection)
    with pytest.raises(StoreFault, match="a newer version of ninethirty made it"):
        sqlite.upgrade()
    with sqlite._engine.begin() as connection:
        assert schema_of(connection) == before


def test_failed_migration_leaves_no_change(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with store._engine.begin() as connection:
        # The migration cannot create a table of this name.
        connection.exec_driver_sql("CREATE TABLE lease (other TEXT)")
    with pytest.raises(StoreFault, match="already exists"):
        store.upgrade()
    with store._engine.begin() as connection:
        assert inspect(connection).get_table_names() == ["lease"]
    store.close()
