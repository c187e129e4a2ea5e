"""Opens the store at an address, and locks its file against other monitors."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from os import fstat
from os.path import samestat
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from monitor.errors import EnvironmentFault, UserFault
from monitor.store.sql.engine import Store

# The message leaves out the address, because it may contain a password.
_NO_ADDRESS = "the store's address cannot be read: write sqlite:///FILE or postgresql+psycopg://…"


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite address.

    None for another address, a store in memory, or an unreadable address.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        return None
    is_file = url.startswith("sqlite:") and address.database not in {None, "", ":memory:"}
    return Path(str(address.database)) if is_file else None


def place_of(url: str) -> str:
    """Return an address without its password. Raises `UserFault` if it cannot be read."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError as exc:
        raise UserFault(_NO_ADDRESS) from exc


def password_of(url: str) -> str:
    """Return the password in an address, empty if it has none."""
    try:
        address = make_url(url)
    except ArgumentError:
        return ""
    # libpq reads it from the query too.
    in_query = address.normalized_query.get("password", ("",))
    return address.password or in_query[-1]


def is_shared(url: str) -> bool:
    """Return whether several monitors may use a store at this address.

    A file is for one monitor only.
    """
    return not url.startswith("sqlite:")


class StoreLock:
    """A lock, which the system releases when the process ends."""

    def __init__(self, url: str) -> None:
        self._path = file_of(url)
        self._locked: BinaryIO | None = None

    def lock(self) -> None:
        """Lock the store's present file, if any.

        Raises `EnvironmentFault` if another monitor has locked it.
        """
        if self._path is None or not self._path.exists():
            return
        # Only if another file has the store's name by now: see `is_locked` on closing.
        if self._locked is not None and samestat(fstat(self._locked.fileno()), self._path.stat()):
            return
        file = self._path.open("rb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.close()
            remedy = (
                "use `ninethirty today`, or stop it first (several daemons can share a PostgreSQL)"
            )
            raise EnvironmentFault(f"another monitor runs on {self._path}: {remedy}") from exc
        self.release()
        self._locked = file

    def release(self) -> None:
        """Release the lock."""
        if self._locked is not None:
            self._locked.close()
            self._locked = None


def is_locked(url: str) -> bool:
    """Return whether a monitor has locked the store's file. False for a store that is not a file.

    Call it before this process opens the store: to close the file ends SQLite's own locks.
    """
    path = file_of(url)
    if path is None or not path.exists():
        return False
    with path.open("rb") as file:
        try:
            # Other commands may do this at the same time.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def locked_store(url: str) -> Iterator[StoreLock]:
    """Lock a store's file for the length of a block, with the errors of `StoreLock.lock`."""
    lock = StoreLock(url)
    try:
        lock.lock()
        yield lock
    finally:
        lock.release()


def open_store(url: str, *, durable: bool = True) -> Store:
    """Return the store at an address, without reading it. Only the folder of a file is created.

    Addresses are `sqlite:///var/ninethirty.db` (relative to the working directory),
    `sqlite:////srv/ninethirty.db`, `postgresql+psycopg://user@host/name`, and `sqlite:///:memory:`,
    which is deleted when closed. Raises `UserFault` for any other address, and `StoreFault` if the
    folder cannot be created.
    """
    try:
        return Store(url, durable=durable)
    except (ArgumentError, NoSuchModuleError) as exc:
        raise UserFault(_NO_ADDRESS) from exc
