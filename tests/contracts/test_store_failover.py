"""A store whose address names a PostgreSQL and its standby follows the one that accepts writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, create_engine, text

from bench.postgres import run_postgres, run_standby
from monitor.store.rows import Heartbeat
from monitor.store.sql.engine import Store

pytestmark = pytest.mark.needs("postgresql")
NOON = datetime(2018, 1, 5, 12, tzinfo=UTC)


def both(first: str, second: str) -> str:
    """Return the address of two servers in the form that docs/how-to/postgresql.md shows."""
    hosts, ports = zip(
        *((urlsplit(one).hostname, str(urlsplit(one).port)) for one in (first, second)), strict=True
    )
    address = f"host={','.join(hosts)}&port={','.join(ports)}&target_session_attrs=read-write"
    return f"postgresql+psycopg://test@/postgres?{address}"


def is_replayed(primary: str, copy: str) -> bool:
    """Return whether a standby has all that its primary wrote.

    It queries the standby for some seconds at most.
    """
    with connected(primary) as first, connected(copy) as second:
        written = first.execute(text("SELECT pg_current_wal_lsn()")).scalar()
        asked = text("SELECT pg_last_wal_replay_lsn() >= cast(:written AS pg_lsn)")
        return any(second.execute(asked, {"written": written}).scalar() for _ in range(20_000))


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_store_writes_to_the_standby_once_it_is_promoted() -> None:
    before, after = Heartbeat("edge", NOON), Heartbeat("edge", NOON + timedelta(minutes=1))
    with ExitStack() as primary_life:
        primary = primary_life.enter_context(run_postgres())
        with (
            run_standby(primary) as (second, promote),
            closing(Store.open_upgraded(both(second, primary))) as store,
        ):
            with store.transaction() as tx:
                tx.save(before)
            assert is_replayed(primary, second)
            primary_life.close()
            promote()
            assert store.leases.heartbeat("edge") == before
            with store.transaction() as tx:
                tx.save(after)
            assert store.leases.heartbeat("edge") == after
