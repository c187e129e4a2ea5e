"""A PostgreSQL that is stopped or keeps a lock: our own timeout ends the call, and the store is
used again later.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from monitor.clock import SystemClock
from monitor.errors import StoreFault, StoreSilent
from monitor.store.open import open_store
from monitor.store.rows import Heartbeat
from monitor.store.sql.patience import LimitedConnection, set_up_transactions
from monitor.store.sql.query import long_limits
from monitor.store.writer import Writer

pytestmark = pytest.mark.needs("postgresql")
NOON = datetime(2018, 1, 5, 12, tzinfo=UTC)


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def others(postgresql: str) -> Sequence[int]:
    """Return the server processes of all other connections."""
    engine = create_engine(postgresql)
    with engine.connect() as connection:
        asked = text(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <>"
            " pg_backend_pid()"
        )
        pids = connection.execute(asked).scalars().all()
    engine.dispose()
    return pids


def test_every_connection_has_its_time_outs(postgresql: str) -> None:
    engine = create_engine(postgresql)
    set_up_transactions(engine)
    with engine.connect() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [connection.execute(text(f"SHOW {name}")).scalar() for name in names] == [
            "30s",
            "5s",
            "5s",
        ]
        driver = connection.connection.driver_connection
        assert isinstance(driver, LimitedConnection)
        assert driver.info.get_parameters()["tcp_user_timeout"] == "20000"
    engine.dispose()


def test_what_an_address_asks_for_goes_first(postgresql: str) -> None:
    engine = create_engine(
        make_url(postgresql).update_query_dict({"options": "-c lock_timeout=70"})
    )
    set_up_transactions(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "70ms"
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    engine.dispose()


@pytest.mark.parametrize(
    ("server", "own", "used"),
    [
        ("off", "", "on"),
        ("remote_apply", "", "remote_apply"),
        ("on", "-c synchronous_commit=off", "off"),
    ],
)
def test_commits_wait_for_the_disk_unless_the_address_says_no(
    postgresql: str, server: str, own: str, used: str
) -> None:
    engine = create_engine(make_url(postgresql).update_query_dict({"options": own} if own else {}))
    set_up_transactions(engine)
    free = engine.execution_options(isolation_level="AUTOCOMMIT")
    with free.connect() as connection:
        connection.exec_driver_sql(f"ALTER ROLE CURRENT_USER SET synchronous_commit = {server}")
    engine.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == used
    with free.connect() as connection:
        connection.exec_driver_sql("ALTER ROLE CURRENT_USER RESET synchronous_commit")
    engine.dispose()


def test_a_copy_may_leave_its_transaction_alone_for_as_long_as_the_other_store_takes(
    postgresql: str,
) -> None:
    engine, asked = create_engine(postgresql), text("SHOW idle_in_transaction_session_timeout")
    set_up_transactions(engine)
    with engine.connect() as connection, long_limits(connection, idles=True):
        assert connection.execute(asked).scalar() == "1h"
    with engine.connect() as connection, long_limits(connection):
        assert connection.execute(asked).scalar() == "5s"
    engine.dispose()


def test_a_server_that_was_stopped_is_given_up_and_the_next_connection_is_another(
    postgresql: str,
) -> None:
    engine = create_engine(postgresql)
    set_up_transactions(engine)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, LimitedConnection)
        driver.silence_limit = 0.2
        with (
            stopped(driver.info.backend_pid),
            pytest.raises(OperationalError, match=r"has not answered for 0\.2 sec"),
        ):
            connection.execute(text("SELECT 1"))
        assert driver.closed
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_a_row_that_somebody_else_holds_is_waited_for_no_longer_than_that(postgresql: str) -> None:
    store = open_store(postgresql)
    store.upgrade()
    hasty = open_store(f"{postgresql}?options=-c%20lock_timeout%3D50")
    with store.transaction() as tx:
        tx.save(Heartbeat("edge", NOON))
        with pytest.raises(StoreFault, match="lock"), hasty.transaction() as other:
            other.save(Heartbeat("edge", NOON))
    hasty.close()
    store.close()


def test_a_commit_that_a_stopped_server_owes_is_told_of_and_comes_after_all(
    postgresql: str,
) -> None:
    store, faults = open_store(postgresql), list[StoreFault]()
    store.upgrade()

    async def act() -> None:
        silent = asyncio.Event()

        def failed(fault: StoreFault) -> None:
            faults.append(fault)
            silent.set()

        writer = Writer(store, SystemClock(), on_failure=failed)
        await writer.write(lambda tx: tx.save(Heartbeat("edge", NOON)))
        with stopped(*others(postgresql)):
            owed = asyncio.ensure_future(
                writer.write(lambda tx: tx.save(Heartbeat("edge", NOON + timedelta(1))))
            )
            async with asyncio.timeout(60):
                await silent.wait()
            assert not owed.done()
        await owed
        await writer.close()

    asyncio.run(act())
    assert [type(fault) for fault in faults] == [StoreSilent]
    beat = store.leases.heartbeat("edge")
    assert beat is not None
    assert beat.at == NOON + timedelta(1)
    store.close()
