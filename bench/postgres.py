"""Runs PostgreSQL on loopback in a temporary folder, for benches and tests of the store."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench.daemons import free_port


@contextmanager
def run_postgres(room: str = "") -> Iterator[str]:
    """Run a new cluster and yield the address of its database.

    Raises `ValueError` if PostgreSQL is not installed.

    With `room`, such as `300m`, its data is on a separate disk of that size in memory, which needs
    root.
    """
    # pytest's folder is readable by root only and makes the socket's path too long.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    with _disk(folder, room), _cluster(folder) as address:
        yield address


@contextmanager
def _disk(folder: Path, room: str) -> Iterator[None]:
    if room:
        _quietly(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", str(folder)], folder.parent)
    try:
        yield
    finally:
        if room:
            _quietly(["umount", "--lazy", str(folder)], folder.parent)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_standby(
    primary: str, room: str = "", port: int = 0
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a hot standby of the cluster at `primary`, at a port (default: any free one).

    Yields its address and a function that promotes it. See `run_postgres` for `room`.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    source = urlsplit(primary)
    where = ["-h", str(source.hostname), "-p", str(source.port), "-U", str(source.username)]
    with _disk(folder, room):
        run = _run_in(folder)
        _quietly(
            [
                *run,
                str(programs() / "pg_basebackup"),
                *where,
                "-D",
                str(folder / "data"),
                "-R",
                "-c",
                "fast",
            ],
            folder,
        )
        with _run_server(folder, run, port or free_port()) as address:
            data, pg_ctl = folder / "data", programs() / "pg_ctl"
            promote = [*run, str(pg_ctl), "-D", str(data), "-w", "promote"]
            yield address, partial(_quietly, promote, folder)


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    run = _run_in(folder)
    make = [
        "initdb",
        "-D",
        str(folder / "data"),
        "-U",
        "test",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    _quietly([*run, str(programs() / make[0]), *make[1:]], folder)
    with _run_server(folder, run, free_port()) as address:
        yield address


@contextmanager
def _run_server(folder: Path, run: list[str], port: int) -> Iterator[str]:
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -F"
    pg_ctl = [*run, str(programs() / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    _quietly([*pg_ctl, "-t", "30", "-l", str(folder / "log"), "-o", options, "start"], folder)
    try:
        yield f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
    finally:
        _quietly([*pg_ctl, "-m", "immediate", "stop"], folder)


def programs() -> Path:
    """Return the folder of the programs of PostgreSQL."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"))


def _run_in(folder: Path) -> list[str]:
    return _as_nobody(folder) if os.getuid() == 0 else []


def _as_nobody(folder: Path) -> list[str]:
    shutil.chown(folder, "nobody", "nogroup")
    who = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    return [*who, "env", f"HOME={folder}", "LC_ALL=C.UTF-8"]


def _quietly(command: list[str], folder: Path) -> None:
    # A file, because the server may keep a pipe open.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command, check=False, cwd=folder, stdout=said, stderr=subprocess.STDOUT
        )
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {said.read()}")
