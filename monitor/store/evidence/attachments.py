"""Files that people attach to incidents, each once under its SHA-256 in the evidence folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from monitor.errors import StoreFault

MOST_BYTES = 7 << 20
"""The most bytes of a file, so that it fits into a form with its texts."""


def keep_attachment(folder: Path, data: bytes) -> str:
    """Write the content of a file into the evidence folder and return its SHA-256.

    Raises `StoreFault` if the disk refuses it.
    """
    digest = hashlib.sha256(data).hexdigest()
    path = _path_of(folder, digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It appears under its name only when all of it is on the disk.
        with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as exc:
        raise StoreFault(f"{path}: cannot be written: {exc.strerror}") from exc
    return digest


def read_attachment(folder: Path, digest: str) -> bytes | None:
    """Return the content of an attached file, None if it is on the machine of another monitor.

    Raises `StoreFault` if it was changed.
    """
    path = _path_of(folder, digest)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StoreFault(f"{path}: cannot be read: {exc.strerror}") from exc
    if hashlib.sha256(data).hexdigest() != digest:
        raise StoreFault(f"{path}: was changed after it was attached")
    return data


def _path_of(folder: Path, digest: str) -> Path:
    return folder / "attachments" / digest
