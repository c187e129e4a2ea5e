"""Manages the folder of evidence: permissions, lock, file names, and repair after a crash."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from monitor.errors import StoreFault
from monitor.store.rows import Record

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_NAME = re.compile(r"(?P<monitor>.+)-(?P<first>\d{9,})-\d{8}\.warc\.gz(?:\.torn)?")


class EvidenceFolder:
    """One monitor's files in the folder of evidence. Only one process at a time can use them.

    A file is named `MONITOR-FIRST-DAY.warc.gz`, after the number of its first record and the day of
    that record. Every method raises `StoreFault` if the disk refuses.
    """

    def __init__(self, folder: Path, monitor: str, *, durable: bool = True) -> None:
        """Create the folder, and lock the monitor's files.

        Raises `StoreFault` if another process has locked them.
        """
        self.folder = folder
        self._durable = durable
        self._prefix = quote(monitor, safe="")
        with _convert_disk_faults(folder):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            folder.chmod(_FOLDER_MODE)
            self._lock = os.open(_lock_file(folder, monitor), os.O_CREAT | os.O_RDWR, _FILE_MODE)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._lock)
            raise StoreFault(f"evidence {folder}: another process writes there") from exc

    def files(self) -> list[Path]:
        """Return this monitor's files, oldest first."""
        return [
            self.folder / name
            for name in files_by_monitor(self.folder).get(unquote(self._prefix), ())
        ]

    def name_for(self, first: int, day: date) -> str:
        """Return the name of a file that begins with this record on this day."""
        return f"{self._prefix}-{first:09}-{day:%Y%m%d}.warc.gz"

    def size_of(self, name: str) -> int:
        """Return the size of a file in bytes, 0 if it cannot be read."""
        with suppress(OSError):
            return (self.folder / name).stat().st_size
        return 0

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write the data at `offset`, truncate the file after it, and return when the disk has
        stored it.

        If the file already has these bytes, they stay readable even if the process is killed during
        the write.
        """
        with _convert_disk_faults(self.folder):
            is_new = not (self.folder / name).exists()
            file = os.open(self.folder / name, os.O_CREAT | os.O_WRONLY, _FILE_MODE)
            try:
                _write_all(file, offset, data)
                os.ftruncate(file, offset + len(data))
                if self._durable:
                    os.fsync(file)
            finally:
                os.close(file)
            if is_new and self._durable:  # the folder contains the name of the file
                folder = os.open(self.folder, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)

    def truncate_uncommitted(self, last: Record | None) -> None:
        """Move all bytes after the `last` committed record, also those in newer files, into `.torn`
        files.

        Such bytes may be an incomplete record, and a reader could not read any record after it.
        """
        last_file = last.file if last else ""
        ends = {
            path: last.offset + last.length if last and path.name == last_file else 0
            for path in self.files()
        }
        with _convert_disk_faults(self.folder):
            for path, end in ends.items():
                if path.name >= last_file and path.stat().st_size > end:
                    _move_tail(path, end)
                if path.name > last_file:
                    # No record names it.
                    path.unlink()

    def find_outdated(self, now: datetime, keep: timedelta, most: int) -> list[Path]:
        """Return the oldest files that are older than `keep` or beyond `most` bytes in all, but
        never the newest.
        """
        files = self.files()
        total = sum(path.stat().st_size for path in files)
        first_day_kept = f"{now - keep:%Y%m%d}"
        outdated = []
        for path in files[:-1]:  # oldest first
            day = path.name.removesuffix(".warc.gz")[-8:]  # a name ends in -YYYYMMDD.warc.gz
            if total <= most and day >= first_day_kept:
                break
            outdated.append(path)
            total -= path.stat().st_size
        return outdated

    def delete(self, paths: list[Path]) -> None:
        """Delete files, together with their `.torn` files."""
        with _convert_disk_faults(self.folder):
            for path in paths:
                path.unlink(missing_ok=True)
                _torn_path(path).unlink(missing_ok=True)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)


def files_by_monitor(folder: Path) -> dict[str, list[str]]:
    """Return the names of the evidence files in a folder by monitor, oldest first.

    Other files are left out.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.warc.gz")):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.setdefault(unquote(match["monitor"]), []).append(path.name)
    return found


def unknown_files(folder: Path) -> list[str]:
    """Return the names of the WARC files in a folder that do not have the form of our names."""
    names = (path.name for path in folder.glob("*.warc*"))
    return sorted(name for name in names if not _NAME.fullmatch(name))


def is_locked(folder: Path, monitor: str) -> bool:
    """Return whether a process has locked a monitor's files.

    False if the lock file cannot be opened.
    """
    try:
        lock = os.open(_lock_file(folder, monitor), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def first_number(name: str) -> int:
    """Return the number of a file's first record, from its name. 0 if the name has another form."""
    match = _NAME.fullmatch(name)
    return int(match["first"]) if match else 0


def _torn_path(path: Path) -> Path:
    """Return the path of the `.torn` file, for uncommitted bytes that are moved out of `path`."""
    return path.with_name(f"{path.name}.torn")


def _lock_file(folder: Path, monitor: str) -> Path:
    return folder / f".{quote(monitor, safe='')}.lock"


def _move_tail(path: Path, end: int) -> None:
    with (
        path.open("rb") as file,
        os.fdopen(
            os.open(_torn_path(path), os.O_CREAT | os.O_APPEND | os.O_WRONLY, _FILE_MODE), "ab"
        ) as torn,
    ):
        file.seek(end)
        torn.write(file.read())
    os.truncate(path, end)


def _write_all(file: int, offset: int, data: bytes) -> None:
    """Write all of the data at `offset`, although one call of the system may write only a part."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


@contextmanager
def _convert_disk_faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreFault(f"evidence {folder}: {exc.strerror or exc}") from exc
