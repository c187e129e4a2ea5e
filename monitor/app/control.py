"""A socket in the evidence folder, through which other processes of this machine query the running
monitor.

A request is the word `reload`. The answer is one JSON value.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from monitor.config.settings import Settings
from monitor.errors import EnvironmentFault

_log = structlog.get_logger(__name__)
_LONGEST_RELOAD = 120.0
"""In seconds, because a reload can join a calendar of many thousand entries again."""

ReloadConfig = Callable[[], Awaitable[list[str]]]
"""Loads the configuration again and returns its faults."""


@asynccontextmanager
async def serve_control_socket(settings: Settings, reload: ReloadConfig) -> AsyncIterator[None]:
    """Answer the word `reload` on a local socket in this context.

    If there can be none, only log that.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the word `reload`. Any other word gets no answer."""
        if await reader.read(64) == b"reload":
            writer.write(json.dumps(await reload()).encode())
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    try:
        server_socket = _bind_socket(settings)
    except OSError as fault:
        _log.warning("reload_unreachable", fault=fault.strerror)
        yield
        return
    try:
        async with await asyncio.start_unix_server(answer, sock=server_socket):
            yield
    finally:
        _remove_socket(settings)


def request_reload(settings: Settings) -> list[str]:
    """Let the monitor on this machine reload its configuration.

    Return any faults. Raises `EnvironmentFault`.
    """
    faults: list[str] = _send_request(settings, b"reload", _LONGEST_RELOAD)
    return faults


def no_monitor(settings: Settings) -> EnvironmentFault:
    """Return the fault that no monitor runs here with this configuration."""
    monitor = (
        f'monitor named "{settings.watch.vantage}" runs here with its evidence in'
        f" {settings.evidence.folder}"
    )
    return EnvironmentFault(f"no {monitor}: start it with `ninethirty run`, or go to its folder")


def _send_request(settings: Settings, word: bytes, timeout: float) -> Any:  # noqa: ANN401 # any JSON
    """Return the JSON that the monitor answers to a word within `timeout` seconds.

    Raises `EnvironmentFault`.
    """
    try:
        with _socket_path(settings) as path, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(word)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    except (FileNotFoundError, ConnectionRefusedError) as exc:
        raise no_monitor(settings) from exc
    except OSError as exc:
        raise EnvironmentFault(f"the monitor does not answer: {exc.strerror or exc}") from exc
    if not answer:
        raise EnvironmentFault("the monitor gave no answer: see its log")
    return json.loads(answer)


def _bind_socket(settings: Settings) -> socket.socket:
    """Return a socket that is bound in the evidence folder, which is made if it is absent.

    Raises `OSError`.
    """
    Path(settings.evidence.folder).mkdir(parents=True, exist_ok=True)
    # A killed monitor leaves its socket behind.
    _remove_socket(settings)
    server_socket = socket.socket(socket.AF_UNIX)
    with _socket_path(settings) as path:
        server_socket.bind(path)
    return server_socket


def _remove_socket(settings: Settings) -> None:
    with suppress(OSError), _socket_path(settings) as path:  # the folder may have been removed
        Path(path).unlink()


@contextmanager
def _socket_path(settings: Settings) -> Iterator[str]:
    """Yield a short path of the socket, which is valid until the block ends."""
    # The address of a Unix socket has at most about a hundred bytes. The path of a folder can be
    # longer.
    folder = os.open(settings.evidence.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{settings.watch.vantage}.sock"
    finally:
        os.close(folder)
