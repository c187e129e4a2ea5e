"""How a running monitor is asked to read its configuration again: a socket beside its evidence."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from monitor.config.settings import Settings
from monitor.errors import SurroundingsFault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_log = structlog.get_logger(__name__)
_PATIENCE = 120.0
"""Seconds: a calendar of many thousand entries is joined anew."""

Reload = Callable[[], Awaitable[list[str]]]
"""Reads the configuration again and returns what is wrong with it."""


@asynccontextmanager
async def listening(settings: Settings, reload: Reload) -> AsyncIterator[None]:
    """Answer whoever asks for a reload, for the length of a block."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(await reload()).encode())
        writer.write_eof()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    try:
        bound = _bound(settings)
    except OSError as fault:
        _log.warning("reload_unreachable", fault=fault.strerror)
        yield
        return
    try:
        async with await asyncio.start_unix_server(answer, sock=bound):
            yield
    finally:
        _clear(settings)


def ask_for_reload(settings: Settings) -> list[str]:
    """Have the monitor that runs here read its configuration again; return what is wrong with it.

    Raises `SurroundingsFault` when none can be reached.
    """
    try:
        with _place(settings) as place, socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(_PATIENCE)
            asked.connect(place)
            answer = b"".join(iter(lambda: asked.recv(65536), b""))
    except (FileNotFoundError, ConnectionRefusedError) as exc:
        name, folder = settings.watch.vantage, settings.evidence.folder
        raise SurroundingsFault(f'no monitor named "{name}" runs here with its evidence in {folder}') from exc
    except OSError as exc:
        raise SurroundingsFault(f"the monitor cannot be asked: {exc.strerror or exc}") from exc
    if not answer:
        raise SurroundingsFault("the monitor gave no answer: its log tells why")
    faults: list[str] = json.loads(answer)
    return faults


def _bound(settings: Settings) -> socket.socket:
    Path(settings.evidence.folder).mkdir(parents=True, exist_ok=True)
    # What a killed monitor left there hears nobody.
    _clear(settings)
    bound = socket.socket(socket.AF_UNIX)
    with _place(settings) as place:
        bound.bind(place)
    return bound


def _clear(settings: Settings) -> None:
    with _place(settings) as place:
        Path(place).unlink(missing_ok=True)


@contextmanager
def _place(settings: Settings) -> Iterator[str]:
    # An address of such a socket may have no more than a hundred characters, a folder's path more.
    held = os.open(settings.evidence.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{held}/{settings.watch.vantage}.sock"
    finally:
        os.close(held)
