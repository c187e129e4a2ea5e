"""Monitors of two versions on one PostgreSQL: the newer one upgrades the store when it leads."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine

from bench.daemons import ROOT, configure, free_port, poll_while_starting, start_daemon
from monitor.errors import StoreFault
from monitor.store.open import open_store
from monitor.store.sql.tables import HEAD, OLDEST
from tests.worlds.first_store import make_first_store

pytestmark = pytest.mark.needs("postgresql")
NEXT = f"{int(HEAD) + 1:04}"
STEP = f"""from alembic import op

revision, down_revision = "{NEXT}", "{HEAD}"


def upgrade() -> None:
    op.execute("CREATE TABLE made_by_newer_version (id INTEGER)")
"""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a version of the program that has one more migration."""
    folder = tmp_path_factory.mktemp("newer")
    shutil.copytree(ROOT / "monitor", folder / "monitor")
    sql = folder / "monitor" / "store" / "sql"
    (sql / "migrations" / "versions" / f"v{NEXT}_more.py").write_text(STEP)
    tables = sql / "tables.py"
    tables.write_text(tables.read_text().replace(f'HEAD = "{HEAD}"', f'HEAD = "{NEXT}"'))
    return folder


def revision_of(database: str) -> str:
    engine = create_engine(database)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    engine.dispose()
    return str(found)


class Machine:
    """A machine with the configuration of one monitor."""

    def __init__(self, folder: Path, name: str, database: str) -> None:
        (folder / "calendar.toml").touch()
        self.own, self._web = folder / name, free_port()
        self._config = configure(
            self.own, folder / "calendar.toml", web=self._web, name=name, store=database, port=1
        )

    @contextmanager
    def run(self, program: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Run the monitor of a version."""
        with (self.own / "log").open("wb") as log:
            process = start_daemon(self._config, log, program=program)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def wait_until_readyz(self, process: subprocess.Popen[bytes], *, is_standby: bool) -> None:
        """Wait until `/readyz` says that the monitor is a standby, or leads."""
        for _ in poll_while_starting(process):
            try:
                answer = httpx.get(f"http://127.0.0.1:{self._web}/readyz", trust_env=False)
            except httpx.TransportError:
                continue
            if answer.status_code == 200 and (answer.text == "standby") == is_standby:
                return

    def log(self) -> str:
        return (self.own / "log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_newer_version_waits_as_standby_and_upgrades_the_store_when_the_leader_has_ended(
    tmp_path: Path, database: str, newer: Path, number: signal.Signals
) -> None:
    north, south = (Machine(tmp_path, name, database) for name in ("north", "south"))
    with ExitStack() as stack:
        leader = stack.enter_context(north.run(ROOT))
        north.wait_until_readyz(leader, is_standby=False)
        successor = stack.enter_context(south.run(newer))
        south.wait_until_readyz(successor, is_standby=True)
        assert "north leads on it with an older version" in south.log()
        assert (revision_of(database), leader.poll()) == (HEAD, None)

        leader.send_signal(number)
        south.wait_until_readyz(successor, is_standby=False)
        assert revision_of(database) == NEXT

        # The older version refuses to start.
        with north.run(ROOT) as refused:
            assert refused.wait(60) == 3
        (line,) = [line for line in north.log().splitlines() if not line.startswith("{")]
        assert "a newer version of ninethirty made it" in line


def test_running_monitor_ends_in_one_line_when_the_schema_is_newer(
    tmp_path: Path, database: str
) -> None:
    north = Machine(tmp_path, "north", database)
    with north.run(ROOT) as process:
        north.wait_until_readyz(process, is_standby=False)
        engine = create_engine(database)
        with engine.begin() as connection:
            connection.exec_driver_sql("LOCK TABLE alembic_version")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
            before = connection.exec_driver_sql("SELECT * FROM leader").all()
        assert process.wait(60) == 3
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT * FROM leader").all() == before
        engine.dispose()
    lines = [line for line in north.log().splitlines() if not line.startswith("{")]
    assert len(lines) == 1, north.log()
    assert "a newer version of ninethirty made it" in lines[0]


def test_migration_waits_for_open_transactions_of_an_older_version(database: str) -> None:
    """Such a transaction has read the revision, and would write rows of the older version."""
    with closing(open_store(database)) as store:
        with store._engine.begin() as connection:
            make_first_store(connection)
        with store._engine.begin() as connection:
            connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            began = time.monotonic()
            with pytest.raises(StoreFault, match="lock timeout"):
                store.upgrade()
            assert time.monotonic() - began < 10
        assert revision_of(database) == OLDEST
        store.upgrade()
        assert revision_of(database) == HEAD
