"""Stores for the contract tests: SQLite from a template, and PostgreSQL in a cluster of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bench.postgres import run_postgres
from monitor.store.open import open_store
from monitor.store.spool import Spool
from monitor.store.sql.engine import Store
from tests.worlds.stores import a_store_file, an_emptied_store


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    with run_postgres() as address:
        yield address


@pytest.fixture
def database(cluster: str) -> str:
    """Return the address of an empty database in the cluster."""
    engine = create_engine(cluster)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return cluster


@pytest.fixture
def postgresql(cluster: str) -> str:
    """Return the address of a store without rows in the cluster. `upgrade` creates missing
    tables.
    """
    return an_emptied_store(cluster)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """Give the address of a store in a file, of this version's shape and without rows."""
    return a_store_file(tmp_path / "store.db")


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def sql_url(request: pytest.FixtureRequest) -> str:
    """Give the address of a store without rows on each database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def sql_store(sql_url: str) -> Iterator[Store]:
    """Give a store without rows on each database."""
    with closing(Store.open_upgraded(sql_url, durable=False)) as store:
        yield store


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", "m", "sqlite:///store.db", durable=False)
    yield made
    made.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give each kind of store, without rows."""
    opened = open_store(request.getfixturevalue(request.param), durable=False)
    opened.upgrade()
    yield opened
    # Rows in these tests refer to evidence and releases that are not stored.
    assert [fault for fault in opened.check() if " lost" not in fault] == []
    opened.close()
