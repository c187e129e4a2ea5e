"""Names of hosts turned into addresses, in threads that a silent name server cannot use up, and kept for a while."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

MOST = 32
"""Names that may be asked for at once. Each has one thread, however many wait for it."""
FRESH_SECONDS = 60.0
STALE_SECONDS = 900.0
"""How long the last addresses of a name stand in for an answer that does not come."""
_MOST_KEPT = 2000

Lookup = Callable[[str, int], list[str]]


class NoAddress(Exception):
    """A name that has no address, or whose name server did not answer in time. `str(fault)` is one line."""


@dataclass(frozen=True, slots=True)
class _Kept:
    addresses: list[str]
    at: float


def system_lookup(host: str, port: int) -> list[str]:
    """Ask the system's resolver. Raises `OSError` and `UnicodeError`."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Names:
    """Looks names up, each once for all who wait, and keeps their addresses for a minute.

    Threads end with the process, so that a name server which never answers does not hold up its end.
    """

    def __init__(self, lookup: Lookup = system_lookup, *, most: int = MOST) -> None:
        """Know nothing yet. `lookup` blocks."""
        self._lookup = lookup
        self._most = most
        self._kept: dict[tuple[str, int], _Kept] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str, port: int, seconds: float) -> list[str]:
        """Return the addresses of a name within so many seconds. Raises `NoAddress`."""
        name, now = (host, port), asyncio.get_running_loop().time()
        kept = self._kept.get(name)
        if kept is not None and now - kept.at < FRESH_SECONDS:
            return kept.addresses
        try:
            return await self._answered(name, seconds)
        except TimeoutError as exc:
            if kept is not None and now - kept.at < STALE_SECONDS:
                return kept.addresses
            raise NoAddress(f"{host}: no answer from its name server") from exc
        except (OSError, UnicodeError) as exc:
            raise NoAddress(f"{host}: {getattr(exc, 'strerror', None) or type(exc).__name__}") from exc

    def forget(self, host: str, port: int) -> None:
        """Ask for a name anew when it is wanted next."""
        self._kept.pop((host, port), None)

    async def _answered(self, name: tuple[str, int], seconds: float) -> list[str]:
        asked = self._asked.get(name)
        if asked is None:
            if len(self._asked) >= self._most:
                raise TimeoutError
            asked = self._ask(name)
        async with asyncio.timeout(seconds):
            # Others may wait for the same answer, and the next who asks can use it.
            return await asyncio.shield(asked)

    def _ask(self, name: tuple[str, int]) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        asked = self._asked[name] = loop.create_future()
        asked.add_done_callback(lambda done: self._over(name, done))
        threading.Thread(target=self._look_up, args=(name, loop, asked), name="names", daemon=True).start()
        return asked

    def _look_up(
        self, name: tuple[str, int], loop: asyncio.AbstractEventLoop, asked: asyncio.Future[list[str]]
    ) -> None:
        found: list[str] = []
        fault: Exception | None = None
        try:
            found = self._lookup(*name)
        except (OSError, UnicodeError) as exc:
            fault = exc
        # The loop may have ended meanwhile: then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, asked, found, fault)

    def _over(self, name: tuple[str, int], asked: asyncio.Future[list[str]]) -> None:
        self._asked.pop(name, None)
        if asked.cancelled() or asked.exception() is not None:
            return
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[name] = _Kept(asked.result(), asked.get_loop().time())


def _settle(asked: asyncio.Future[list[str]], found: list[str], fault: Exception | None) -> None:
    if asked.done():
        return
    if fault is not None:
        asked.set_exception(fault)
    else:
        asked.set_result(found)
