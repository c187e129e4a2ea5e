"""Settings of PostgreSQL for each transaction: time limits of statements, locks and a server that
stops answering, and commits that wait for the disk.

A suspended server still accepts packets, and its own time limits do not run. So this process
measures the time too.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, event

from monitor.clock import SystemClock

T = TypeVar("T")
_CLOCK = SystemClock()
ANSWER = 30.0
"""Seconds after which a statement is cancelled, or a silent server counts as failed."""
LOCK = 5.0
"""Seconds that a statement waits for another connection's lock."""
IDLE = 5.0
"""Seconds after which an idle transaction is ended, so that a suspended monitor keeps no lock."""
_CONNECT = 5
TCP = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Settings that detect that the server's machine is down: after 25 seconds if idle, 20 if data is
unacknowledged.
"""

_TIMEOUTS = {
    "statement_timeout": ANSWER,
    "lock_timeout": LOCK,
    "idle_in_transaction_session_timeout": IDLE,
}

_WAIT_FOR_DISK = (
    "SELECT set_config('synchronous_commit', 'on', true)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
"""For a server that by default does not wait. If it crashes, an attempt to send that it has lost
would be made again. Its stricter settings, which wait for standbys, stay.
"""


class LimitedConnection(Connection[Any]):
    """A connection that fails if the server is silent for `silence_limit` seconds.

    Only change it while idle.
    """

    silence_limit = ANSWER

    def wait(
        self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        """Wait as psycopg does, but raise `OperationalError` after too long a silence."""
        return super().wait(self._limit_silence(gen), interval, timeout)

    def _limit_silence(self, work: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run psycopg's `work`, which yields to wait."""
        answered_at = _CLOCK.monotonic()
        try:
            awaited = next(work)
            while True:
                # psycopg sends 0 each time that the server was silent for the interval of its
                # `wait`.
                ready = yield awaited
                now = _CLOCK.monotonic()
                answered_at = now if ready else answered_at
                if now - answered_at > self.silence_limit:
                    # Close the connection. A rollback on it would wait for the same server.
                    self.pgconn.finish()
                    raise OperationalError(
                        f"the server has not answered for {self.silence_limit:g} seconds"
                    )
                awaited = work.send(ready)
        except StopIteration as done:
            answer: T = done.value
            return answer


def set_up_transactions(engine: Engine) -> None:
    """Apply these time limits to every transaction of a PostgreSQL engine, whose commits wait for
    the disk.

    What the store's address sets itself stays. No setting outlives its transaction and no statement
    is prepared, so that PgBouncer may give each transaction another server connection.
    """
    own = str(engine.url.query.get("options", ""))
    settings = [
        f"SET LOCAL {name} = {round(seconds * 1000)}"
        for name, seconds in _TIMEOUTS.items()
        if name not in own
    ]
    if "synchronous_commit" not in own:
        settings.append(_WAIT_FOR_DISK)

    def set_up_transaction(connection: SqlConnection) -> None:
        connection.exec_driver_sql("; ".join(settings))

    event.listen(engine, "do_connect", _connect_limited)
    if settings:
        event.listen(engine, "begin", set_up_transaction)


def _connect_limited(
    _dialect: object, _record: object, arguments: list[Any], settings: dict[str, Any]
) -> LimitedConnection:
    """Return a connection that notices a silent server."""
    return LimitedConnection.connect(
        *arguments,
        **{"connect_timeout": _CONNECT, "prepare_threshold": None, **TCP, **settings},
    )
