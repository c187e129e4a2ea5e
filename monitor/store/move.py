"""Copies a whole store to another address, or restores a backup.

A store with rows is never overwritten.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from monitor.errors import StoreFault, UserFault
from monitor.store.open import file_of, open_store


def copy_store(source: str, target: str) -> dict[str, int]:
    """Copy the store at `source` to an address whose store is empty or does not exist.

    Return how many rows of each table were copied.

    Raises `UserFault`, and copies no rows, if `source` has no store, `target` has rows, or a row is
    invalid. Raises `StoreTooOld` if the store at `source` must be upgraded first.
    """
    file = file_of(source)
    if file is not None and not file.is_file():
        raise UserFault(f"store {source}: no such file")
    with closing(open_store(source)) as old, closing(open_store(target)) as new:
        try:
            return new.fill_from(old)
        except ValueError as exc:
            reason = f"{' '.join(str(exc).split())} (see `ninethirty store check`)"
            raise UserFault(f"no row was copied, because one is invalid: {reason}") from exc


def restore_store(backup: Path, target: str) -> dict[str, int]:
    """Copy a backup, made by this version or an older one, as `copy_store` does."""
    with tempfile.TemporaryDirectory(prefix="ninethirty-") as folder:
        copy = Path(folder) / "store.db"
        _copy_file(backup, copy)
        _check_backup(backup, copy)
        try:
            with closing(open_store(f"sqlite:///{copy}")) as old:
                old.upgrade()
            return copy_store(f"sqlite:///{copy}", target)
        except (StoreFault, UserFault) as exc:
            # The message must name the backup, not our temporary copy.
            raise type(exc)(str(exc).replace(f"sqlite:///{copy}", str(backup))) from exc


def _copy_file(backup: Path, copy: Path) -> None:
    """Copy a backup, and its write-ahead log if there is one.

    Raises `UserFault` if they cannot be read.
    """
    log = backup.with_name(f"{backup.name}-wal")
    try:
        shutil.copyfile(backup, copy)
        if log.is_file():
            # The backup may be files copied from a running store. Then its newest rows are in the
            # write-ahead log.
            shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    except OSError as exc:
        raise UserFault(f"backup {backup}: cannot be read: {exc.strerror}") from exc


def _check_backup(backup: Path, copy: Path) -> None:
    """Raise `UserFault` if the copy of a backup is damaged, or is not a store of ours."""
    with closing(sqlite3.connect(copy)) as connection:
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            version_table = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()
        except sqlite3.DatabaseError as exc:
            raise UserFault(f"backup {backup}: is not whole, take another: {exc}") from exc
    if verdict != "ok":
        raise UserFault(f"backup {backup}: is not whole, take another: {' '.join(verdict.split())}")
    if version_table is None:
        raise UserFault(f"backup {backup}: is not a store of ninethirty")
