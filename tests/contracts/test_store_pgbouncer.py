"""A store behind PgBouncer in transaction mode, which may give each transaction another server
connection.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from monitor.errors import StoreFault
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store
from tests.worlds.incidents import a_notice
from tests.worlds.instants import MINUTE, SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.releases import a_release
from tests.worlds.stores import a_delivery, runs_of

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.needs("pgbouncer")]

_CONFIG = """[databases]
postgres = host={server.hostname} port={server.port} user=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_reset_query =
"""


@pytest.fixture
def behind_pgbouncer(database: str) -> Iterator[str]:
    """Give the address of an empty database behind PgBouncer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="bouncer-"))
    config = folder / "pgbouncer.ini"
    server = urlsplit(database)
    config.write_text(_CONFIG.format(server=server, port=port))
    config.chmod(0o644)  # another user reads it, whatever the umask
    command = ["pgbouncer", str(config)]
    if os.getuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "nobody", "nogroup")
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder) as process:
        try:
            _wait_for(port)
            yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise TimeoutError("pgbouncer does not listen")


def test_store_works_although_each_transaction_may_have_another_server_connection(
    behind_pgbouncer: str,
) -> None:
    names = [f"m{number}" for number in range(40)]
    with closing(Store.open_upgraded(behind_pgbouncer)) as store:

        def write(name: str) -> int | None:
            with store.transaction() as tx:
                tx.save(Heartbeat(name, SLOT))
                query = text("SELECT pg_backend_pid()")
                return tx._connection.execute(query).scalar()

        with ThreadPoolExecutor(4) as pool:
            servers = set(pool.map(write, names))
        assert len(servers) > 1
        assert all(store.leases.heartbeat(name) == Heartbeat(name, SLOT) for name in names)
        with store.transaction() as tx:
            tx.save(a_release(), a_run())
        assert runs_of(store, EDGE) == [a_run()]


def test_leader_and_deliveries_are_claimed_although_connections_are_shared(
    behind_pgbouncer: str,
) -> None:
    with (
        closing(Store.open_upgraded(behind_pgbouncer)) as north,
        closing(Store.open_upgraded(behind_pgbouncer)) as south,
    ):
        with north.transaction() as tx:
            first = tx.take_leader("p1", "north", SLOT, SLOT + MINUTE)
            tx.add_notice(a_notice("n"), [a_delivery("desk")])
        assert first is not None
        with south.transaction() as tx:
            assert tx.take_leader("p2", "south", SLOT, SLOT + MINUTE) is None
        with north.transaction() as tx:
            assert tx.claim_delivery("n", "desk") is not None
            with south.transaction() as other:
                assert other.claim_delivery("n", "desk") is None
        with north.transaction() as tx:
            tx.resign_leader("p1", first.epoch, SLOT)
        with south.transaction() as tx:
            second = tx.take_leader("p2", "south", SLOT, SLOT + MINUTE)
            assert tx.claim_delivery("n", "desk") is not None
        assert second is not None
        assert second.epoch == first.epoch + 1
        with north.transaction() as tx:
            assert not tx.renew_leader("p1", first.epoch, SLOT, SLOT + MINUTE)


def test_options_in_the_address_are_refused_with_the_remedy(behind_pgbouncer: str) -> None:
    with pytest.raises(StoreFault, match="PgBouncer refuses what"):
        Store.open_upgraded(f"{behind_pgbouncer}?options=-c%20work_mem%3D64MB")


def test_limits_end_with_their_transaction(behind_pgbouncer: str) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with closing(Store.open_upgraded(behind_pgbouncer)) as store:
        with store.transaction() as tx:
            limits = [tx._connection.execute(text(f"SHOW {name}")).scalar() for name in names]
        assert limits == ["30s", "5s", "5s"]
        free = store._engine.execution_options(isolation_level="AUTOCOMMIT")
        with free.connect() as connection:
            later = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
        assert later == ["0", "0", "0"]
