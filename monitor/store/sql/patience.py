"""How long PostgreSQL is waited for: each statement, each lock, and each answer, should the server fall silent.

A server that was stopped takes packets and answers none, and its own time-outs stand still with it: what it owes by
then is only known by our clock.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError, sql
from sqlalchemy import Engine, event

from monitor.clock import SystemClock

T = TypeVar("T")
_CLOCK = SystemClock()
ANSWER = 30.0
"""Seconds in which a statement must be answered, and a silent server is given up."""
LOCK = 5.0
"""Seconds that a statement waits for a lock that somebody else holds."""
IDLE = 5.0
"""Seconds after which a transaction is given up in which nothing is asked: a monitor that was stopped holds no lock."""
_CONNECT = 5
TCP = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""What finds a server whose machine is gone: in 25 seconds while idle, in 20 while something is on its way."""

_TIMEOUTS = {"statement_timeout": ANSWER, "lock_timeout": LOCK, "idle_in_transaction_session_timeout": IDLE}


class ImpatientConnection(Connection[Any]):
    """A connection that gives a silent server up; `seconds` may be changed while it is idle."""

    seconds = ANSWER

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Do what psycopg does, as long as something comes at least every so many seconds."""
        return super().wait(self._while_it_answers(gen), interval, timeout)

    def _while_it_answers(self, work: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        heard = _CLOCK.monotonic()
        try:
            wanted = next(work)
            while True:
                ready = yield wanted
                now = _CLOCK.monotonic()
                heard = now if ready else heard
                if now - heard > self.seconds:
                    # Whoever rolled back on it would wait for the same answer.
                    self.pgconn.finish()
                    raise OperationalError(f"the server has not answered for {self.seconds:g} seconds")
                wanted = work.send(ready)
        except StopIteration as done:
            answer: T = done.value
            return answer


def make_impatient(engine: Engine) -> None:
    """Have every connection of an engine on PostgreSQL wait no longer than it should."""
    event.listen(engine, "do_connect", _connect)


def _connect(_dialect: object, _record: object, arguments: list[Any], settings: dict[str, Any]) -> ImpatientConnection:
    # What the address itself asks for goes first.
    made = ImpatientConnection.connect(*arguments, **{"connect_timeout": _CONNECT, **TCP, **settings})
    for name, seconds in _TIMEOUTS.items():
        if name not in str(settings.get("options", "")):
            made.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), round(seconds * 1000)))
    made.commit()
    return made
