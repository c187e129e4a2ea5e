"""The folder of evidence: who may read it, who may write it, and what a crash left behind."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from monitor.errors import StoreFault
from monitor.store.rows import Record

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_NAME = re.compile(r"(?P<monitor>.+)-(?P<first>\d{9,})-(?P<day>\d{8})\.warc\.gz(?:\.torn)?")


class EvidenceFolder:
    """One monitor's files in the folder of evidence. One process at a time holds it; all others are refused.

    A file is named `MONITOR-FIRST-DAY.warc.gz` after the first record it holds and the day it was begun.
    Every method raises `StoreFault` when the disk refuses.
    """

    def __init__(self, folder: Path, monitor: str, *, durable: bool = True) -> None:
        self.folder = folder
        self._durable = durable
        self._prefix = quote(monitor, safe="")
        with _told(folder):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            folder.chmod(_FOLDER_MODE)
            self._lock = os.open(_lock_of(folder, monitor), os.O_CREAT | os.O_RDWR, _FILE_MODE)
        self._claim()

    def files(self) -> list[Path]:
        """Return this monitor's files in the order they were begun."""
        named = [(path, _NAME.fullmatch(path.name)) for path in self.folder.iterdir()]
        mine = [path for path, match in named if match and match["monitor"] == self._prefix]
        return sorted(path for path in mine if path.suffix == ".gz")

    def name_for(self, first: int, day: date) -> str:
        """Return the name of the file that begins with this record on this day."""
        return f"{self._prefix}-{first:09}-{day:%Y%m%d}.warc.gz"

    def append(self, name: str, offset: int, data: bytes) -> None:
        """Write at `offset`, cutting off whatever lies beyond, and return when the disk has it.

        Bytes that lie there already and are written again are there all the while, whoever is killed meanwhile.
        """
        with _told(self.folder):
            is_new = not (self.folder / name).exists()
            file = os.open(self.folder / name, os.O_CREAT | os.O_WRONLY, _FILE_MODE)
            try:
                _write_all(file, offset, data)
                os.ftruncate(file, offset + len(data))
                if self._durable:
                    os.fsync(file)
            finally:
                os.close(file)
            if is_new and self._durable:
                self._sync_folder()

    def mend(self, last: Record | None) -> list[str]:
        """Cut off what was written but never committed, keeping it beside; returns the names of the files mended.

        A record appended behind a torn one would hide everything after it from a reader.
        """
        committed = last.file if last else ""
        ends = {path: last.offset + last.length if last and path.name == committed else 0 for path in self.files()}
        torn = [path for path in ends if path.name >= committed and path.stat().st_size > ends[path]]
        with _told(self.folder):
            for path in torn:
                _cut(path, ends[path])
        return [path.name for path in torn]

    def outdated(self, now: datetime, keep: timedelta, most: int) -> list[Path]:
        """Return the oldest files that are past `keep` or beyond `most` bytes in all; never the newest."""
        files = self.files()
        total = sum(path.stat().st_size for path in files)
        given_up = []
        for path in files[:-1]:
            if total <= most and begun_on(path.name) >= (now - keep).date():
                break
            given_up.append(path)
            total -= path.stat().st_size
        return given_up

    def delete(self, paths: list[Path]) -> None:
        """Delete files, and what a crash once tore off them."""
        with _told(self.folder):
            for path in paths:
                path.unlink(missing_ok=True)
                torn_off(path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let others hold the folder."""
        os.close(self._lock)

    def _claim(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._lock)
            raise StoreFault(f"evidence {self.folder}: another process writes there") from exc

    def _sync_folder(self) -> None:
        # A new file's name lives in its folder, which has a disk block of its own.
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def files_by_monitor(folder: Path) -> dict[str, list[str]]:
    """Return the names of the files in a folder by monitor, each in the order they were begun."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.warc.gz")):
        match = _NAME.fullmatch(path.name)
        if match is not None:
            found.setdefault(unquote(match["monitor"]), []).append(path.name)
    return found


def strangers(folder: Path) -> list[str]:
    """Return the names of WARC files in a folder that no monitor would give."""
    names = (path.name for path in folder.glob("*.warc*"))
    return sorted(name for name in names if not _NAME.fullmatch(name))


def is_held(folder: Path, monitor: str) -> bool:
    """Tell whether a process writes a monitor's files just now."""
    try:
        lock = os.open(_lock_of(folder, monitor), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def first_in(name: str) -> int:
    """Return the number of the first record of a file by its name."""
    match = _NAME.fullmatch(name)
    return int(match["first"]) if match else 0


def begun_on(name: str) -> date:
    """Return the day a file was begun by its name; raises ValueError for a name of another form."""
    match = _NAME.fullmatch(name)
    return datetime.strptime(match["day"] if match else "", "%Y%m%d").date()  # noqa: DTZ007  # a day, no instant


def torn_off(path: Path) -> Path:
    """Return where the torn end of a file is kept."""
    return path.with_name(f"{path.name}.torn")


def _lock_of(folder: Path, monitor: str) -> Path:
    return folder / f".{quote(monitor, safe='')}.lock"


def _cut(path: Path, end: int) -> None:
    with (
        path.open("rb") as file,
        os.fdopen(os.open(torn_off(path), os.O_CREAT | os.O_APPEND | os.O_WRONLY, _FILE_MODE), "ab") as torn,
    ):
        file.seek(end)
        torn.write(file.read())
    os.truncate(path, end)


def _write_all(file: int, offset: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreFault(f"evidence {folder}: {exc.strerror or exc}") from exc
