"""The PostgreSQL of a chaos run, which can fail over to a standby."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.daemons import free_port
from bench.postgres import programs, run_postgres, run_standby

_IS_STREAMING = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"


class Database:
    """A PostgreSQL at one of two `ports`. At the other one is its successor after `fail_over`."""

    def __init__(self, address: str, room: str, life: ExitStack) -> None:
        """Use the server at an address, which ends with `life`."""
        self.address = address
        self.ports = (self.port, free_port())
        self._room = room
        self._life = life

    @property
    def port(self) -> int:
        """The port of the server that accepts writes."""
        return urlsplit(self.address).port or 0

    def connect(self) -> psycopg.Connection:
        """Connect to the server that accepts writes."""
        return psycopg.connect(self.address.replace("+psycopg", ""), autocommit=True)

    def dump(self, file: Path) -> None:
        """Write the whole store to a file, as SQL."""
        address = self.address.replace("+psycopg", "")
        subprocess.run([programs() / "pg_dump", "--file", file, address], check=True)

    def fail_over(self, while_down: Callable[[], object]) -> None:
        """Make a standby, crash the server, call `while_down`, and promote the standby.

        Transactions of the last milliseconds can be lost.
        """
        (other,) = set(self.ports) - {self.port}
        with ExitStack() as life:
            address, promote = life.enter_context(run_standby(self.address, self._room, other))
            with self.connect() as connection:
                while not connection.execute(_IS_STREAMING).fetchall():
                    pass
            self._life.close()
            while_down()
            promote()
            self.address, self._life = address, life.pop_all()

    def close(self) -> None:
        """End the server."""
        self._life.close()


@contextmanager
def run_database(room: str = "") -> Iterator[Database]:
    """Run a new PostgreSQL. See `run_postgres` for `room`."""
    with ExitStack() as life:
        database = Database(life.enter_context(run_postgres(room)), room, life.pop_all())
    try:
        yield database
    finally:
        database.close()
