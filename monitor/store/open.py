"""The store that an address names."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import sameopenfile
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from monitor.errors import SurroundingsFault, UserFault
from monitor.store.sql.engine import Store

# The address may hold a password: it is not told.
_NO_ADDRESS = "the store's address cannot be read: write sqlite:///FILE or postgresql+psycopg://…"


def file_of(url: str) -> Path | None:
    """Return the file in which an address keeps a store; None where it is no file, or the address cannot be read."""
    try:
        address = make_url(url)
    except ArgumentError:
        return None
    is_file = url.startswith("sqlite:") and address.database not in {None, "", ":memory:"}
    return Path(str(address.database)) if is_file else None


def place_of(url: str) -> str:
    """Return an address without its password. Raises `UserFault` for one that cannot be read."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError as exc:
        raise UserFault(_NO_ADDRESS) from exc


def is_shared(url: str) -> bool:
    """Return whether several monitors may use a store at this address. A file is for one monitor only."""
    return not url.startswith("sqlite:")


class StoreLock:
    """Keeps every other monitor off the file of a store; the system lets go of it when the process dies."""

    def __init__(self, url: str) -> None:
        self._file = file_of(url)
        self._held: BinaryIO | None = None

    def hold(self) -> None:
        """Take the file that bears the store's name now, where there is one; one that is held already stays so.

        Raises `SurroundingsFault` where another monitor runs on it.
        """
        if self._file is None or not self._file.exists():
            return
        found = self._file.open("rb")
        if self._held is not None and sameopenfile(self._held.fileno(), found.fileno()):
            found.close()
            return
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            found.close()
            told = "ask it with `today`, or stop it first (several share a PostgreSQL)"
            raise SurroundingsFault(f"another monitor runs on {self._file}: {told}") from exc
        self.let_go()
        self._held = found

    def let_go(self) -> None:
        """Leave the file to others."""
        if self._held is not None:
            self._held.close()
            self._held = None


@contextmanager
def alone_on(url: str) -> Iterator[StoreLock]:
    """Keep every other monitor off a file for the length of a block. Raises `SurroundingsFault` where one is there."""
    alone = StoreLock(url)
    try:
        alone.hold()
        yield alone
    finally:
        alone.let_go()


def open_store(url: str, *, durable: bool = True) -> Store:
    """Return the store at an address; nothing is read or made yet but the folder of a file.

    `sqlite:///var/ninethirty.db` (relative to where the program runs), `sqlite:////srv/ninethirty.db`,
    `postgresql+psycopg://user@host/name`; `sqlite:///:memory:` forgets everything
    when closed. Raises `UserFault` for an address of no kind we know, `StoreFault` when the folder cannot be made.
    """
    try:
        return Store(url, durable=durable)
    except (ArgumentError, NoSuchModuleError) as exc:
        raise UserFault(_NO_ADDRESS) from exc
