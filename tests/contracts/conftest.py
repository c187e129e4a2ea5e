"""Every store that the contract holds for: in memory, SQLite, and a PostgreSQL cluster of our own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monitor.store.interface import Store
from monitor.store.open import open_store


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    # Not under pytest's own folder: that one is root's alone, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = _as_nobody(folder) if os.getuid() == 0 else []
    bin_ = max(Path("/usr/lib/postgresql").glob("*/bin"))
    data, options = str(folder / "data"), f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -F"
    pg_ctl = [*run, str(bin_ / "pg_ctl"), "-D", data, "-w"]
    _quietly([*run, str(bin_ / "initdb"), "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
    _quietly([*pg_ctl, "-t", "30", "-l", str(folder / "log"), "-o", options, "start"], folder)
    yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
    _quietly([*pg_ctl, "-m", "immediate", "stop"], folder)
    shutil.rmtree(folder, ignore_errors=True)


def _as_nobody(folder: Path) -> list[str]:
    shutil.chown(folder, "nobody", "nogroup")
    who = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    return [*who, "env", f"HOME={folder}", "LC_ALL=C.UTF-8"]


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    """Give the address of a database in the cluster with nothing in it."""
    engine = create_engine(cluster)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return cluster


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
