"""Finds where to connect for a host: its checked addresses, or its proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address

from monitor.look.fetch import Reason
from monitor.look.guard import Guard, Origin, RefusedAddress
from schedules.patterns import quick

MOST_LOOKUPS = 32
"""Names that may be looked up at once, in a thread each."""
FRESH_SECONDS, STALE_SECONDS = 60.0, 900.0
"""How long addresses are used without a lookup, and if the name server does not answer."""
_MOST_KEPT = 2000
# Names of the own network to a proxy, which reads one that ends in a number as an address: 10.1 is
# 10.0.0.1.
_PRIVATE = quick(
    r"[^.]*|.*\.(?:local[^.]*|internal|intranet|private|lan|corp|home|arpa|[0-9][^.]*)"
)

Lookup = Callable[[str, int], list[str]]


class NoAddress(Exception):
    """Raised, with a line of text, if a name has no address, or no answer came in time."""

    def __init__(self, detail: str, reason: Reason = Reason.DNS) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect, by TLS or not, whatever the URL says.

    If `tunnel`, a proxy there must connect us to the host (CONNECT).
    """

    address: str
    port: int
    tls: bool
    tunnel: bool = False


Router = Callable[[str, int, bool], Route]
"""Takes host, port and whether the URL is https. Raises OSError without an address."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, by plain HTTP and without a password.

    It tunnels to each host but, if not `tunnels_http`, gets requests to `http` URLs itself.
    """

    host: str
    port: int
    tunnels_http: bool = True


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy of each host in `hosts`, and of `every` other. None is a direct connection."""

    every: Proxy | None = None
    hosts: Mapping[str, Proxy | None] = field(default_factory=dict)

    def proxy_for(self, host: str) -> Proxy | None:
        """Return the proxy of a host, or None."""
        return self.hosts.get(host.lower(), self.every)


def query_system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses by the system's resolver. Blocks. Raises `OSError` and
    `UnicodeError`.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class NameCache:
    """Looks up names, each once for all that wait for it, and caches addresses for a minute.

    Its threads are daemons, so that a silent name server does not delay the end of the process.
    """

    def __init__(self, lookup: Lookup = query_system_resolver, *, most: int = MOST_LOOKUPS) -> None:
        self._lookup = lookup
        self._most = most
        self._kept: dict[tuple[str, int], tuple[list[str], float]] = {}
        self._pending: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def look_up(self, host: str, port: int, seconds: float) -> list[str]:
        """Return a name's addresses within `seconds`, those of the last 15 minutes if need be.

        Raises `NoAddress`.
        """
        name, now = (host, port), asyncio.get_running_loop().time()
        addresses, read_at = self._kept.get(name, ([], 0.0))
        if addresses and now - read_at < FRESH_SECONDS:
            return addresses
        try:
            pending = self._pending.get(name) or self._start_lookup(name)
            async with asyncio.timeout(seconds):
                return await asyncio.shield(pending)
        except TimeoutError as exc:
            if addresses and now - read_at < STALE_SECONDS:
                return addresses
            raise NoAddress(f"{host}: no answer from its name server") from exc
        except (OSError, UnicodeError) as exc:
            raise NoAddress(
                f"{host}: {getattr(exc, 'strerror', None) or type(exc).__name__}"
            ) from exc

    def forget(self, host: str, port: int) -> None:
        """Look up this name again at its next use."""
        self._kept.pop((host, port), None)

    def _start_lookup(self, name: tuple[str, int]) -> asyncio.Future[list[str]]:
        """Start a lookup in a thread. Raises `TimeoutError` if too many are pending."""
        if len(self._pending) >= self._most:
            raise TimeoutError
        pending = self._pending[name] = asyncio.get_running_loop().create_future()
        pending.add_done_callback(lambda done: self._keep_addresses(name, done))
        threading.Thread(
            target=self._run_lookup, args=(name, pending), name="names", daemon=True
        ).start()
        return pending

    def _run_lookup(self, name: tuple[str, int], pending: asyncio.Future[list[str]]) -> None:
        """Look up a name in a thread, and give the loop the outcome of `pending`."""
        try:
            finish = partial(pending.set_result, self._lookup(*name))
        except (OSError, UnicodeError) as exc:
            finish = partial(pending.set_exception, exc)
        # The loop may have ended.
        with contextlib.suppress(RuntimeError):
            pending.get_loop().call_soon_threadsafe(finish)

    def _keep_addresses(self, name: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        self._pending.pop(name, None)
        if done.cancelled() or done.exception() is not None:
            return
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[name] = (done.result(), done.get_loop().time())


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds where to connect."""

    guard: Guard
    router: Router | None = None
    proxies: Proxies = field(default_factory=Proxies)
    names: NameCache = field(default_factory=NameCache)

    async def find_routes(self, origin: Origin, seconds: float) -> list[Route]:
        """Return where to connect, the best route first. Raises `NoAddress` and
        `RefusedAddress`.
        """
        is_tls = origin.scheme == "https"
        if self.router is not None:
            try:
                return [self.router(origin.host, origin.port, is_tls)]
            except OSError as exc:
                raise NoAddress(f"{origin.host}: {exc.strerror or type(exc).__name__}") from exc
        proxy = self.proxies.proxy_for(origin.host)
        if proxy is not None:
            return await self._find_proxy_route(proxy, origin, seconds)
        name = origin.host.strip("[]")
        found = await self.names.look_up(name, origin.port, seconds)
        try:
            addresses = self.guard.check_addresses(origin.host, found)
        except RefusedAddress:
            # The next look must see a corrected entry of the name server.
            self.names.forget(name, origin.port)
            raise
        return [Route(address, origin.port, is_tls) for address in addresses]

    async def _find_proxy_route(self, proxy: Proxy, origin: Origin, seconds: float) -> list[Route]:
        """Return the route through a proxy. Raises `NoAddress` and `RefusedAddress`."""
        check_name(self.guard, origin.host)
        try:
            addresses = await self.names.look_up(proxy.host, proxy.port, seconds)
        except NoAddress as exc:
            raise NoAddress(f"proxy: {exc}", Reason.CONNECT) from exc
        is_tls = origin.scheme == "https"
        return [Route(addresses[0], proxy.port, is_tls, tunnel=is_tls or proxy.tunnels_http)]


def check_name(guard: Guard, host: str) -> None:
    """Raise `RefusedAddress` for a name of a private network, unless one is configured for it."""
    # The proxy resolves names, so the addresses are not known here.
    name = host.strip("[]").rstrip(".").lower()
    if guard.anywhere or name in guard.of_hosts:
        return
    try:
        is_public = guard.admits(str(ip_address(name)), host)
    except ValueError:
        is_public = not _PRIVATE.fullmatch(name)
    if not is_public:
        raise RefusedAddress(f"{host} is not public, and is not requested through a proxy")
