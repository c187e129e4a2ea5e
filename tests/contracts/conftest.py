"""Every store that the contract holds for: in memory, SQLite, and a PostgreSQL cluster of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bench.postgres import running
from monitor.store.interface import Store
from monitor.store.journal import Journal
from monitor.store.open import open_store


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    """Give the address of a database in the cluster with nothing in it."""
    engine = create_engine(cluster)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return cluster


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal", "m", "sqlite:///store.db", durable=False)
    yield made
    made.settled()


@pytest.fixture(
    params=[
        "memory:",
        "sqlite:///:memory:",
        pytest.param("postgresql", marks=pytest.mark.needs("postgresql")),
    ]
)
def store_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("database") if request.param == "postgresql" else request.param


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    opened.upgrade()
    yield opened
    # The rows of these tests stand alone: runs name evidence, verdicts and events releases that nobody kept.
    assert [fault for fault in opened.check() if " lost" not in fault] == []
    opened.close()
