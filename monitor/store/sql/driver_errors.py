"""Converts exceptions of database drivers into ours, with one clear line each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.errors import Conflict, StoreDamaged, StoreFault

MEND = "stop, move it and its -wal and -shm away, `ninethirty store restore BACKUP`"
_NO_DATABASE, _MALFORMED = "file is not a database", "malformed"
_REASONS = (
    ("database is locked", "another program has locked it for more than five seconds"),
    ("database or disk is full", "the disk is full"),
    ("no space left", "the disk is full"),
    (_NO_DATABASE, f"the file is not a database, or damaged: {MEND}"),
    (_MALFORMED, f"the database is damaged: {MEND}"),
    ("unable to open database", "the file cannot be opened"),
    ("readonly database", "the file may not be written"),
    ("no such table", "it has not been set up: run `ninethirty store upgrade`"),
    ("no such column", "it is of an older version: run `ninethirty store upgrade`"),
    ("does not exist", "it has not been set up: run `ninethirty store upgrade`"),
    ("disk i/o error", "the disk failed"),
    (
        "unsupported startup parameter",
        "PgBouncer refuses what the address adds after `?`: set it in PostgreSQL, for the role",
    ),
)


@contextmanager
def convert_faults(place: str) -> Iterator[None]:
    """Convert driver exceptions into `StoreFault`, `Conflict` or ValueError.

    `place` must not contain a password.
    """
    try:
        yield
    except IntegrityError as exc:
        raise Conflict(
            f"store {place}: refused as contradicting what is there: {_first_line(exc.orig)}"
        ) from exc
    except DataError as exc:
        raise ValueError(f"store {place}: a value does not fit: {_first_line(exc.orig)}") from exc
    except DBAPIError as exc:
        raise _to_fault(place, exc.orig) from exc
    except PoolTimeout as exc:
        raise StoreFault(f"store {place}: every connection is busy") from exc
    except StatementError as exc:
        raise ValueError(f"store {place}: {_first_line(exc.orig)}") from exc
    except sqlite3.Error as exc:
        raise _to_fault(place, exc) from exc


def _to_fault(place: str, fault: BaseException | None) -> StoreFault:
    """Return a driver's exception as ours, in our words if we have any for it."""
    message = _first_line(fault)
    sign, reason = next(
        ((sign, reason) for sign, reason in _REASONS if sign in message.lower()), ("", message)
    )
    kind = StoreDamaged if sign in (_NO_DATABASE, _MALFORMED) else StoreFault
    return kind(f"store {place}: {reason}")


def _first_line(fault: BaseException | None) -> str:
    """Return the first line of a fault's message, or the name of its class if it has none."""
    return next(iter(str(fault).strip().splitlines()), type(fault).__name__)
