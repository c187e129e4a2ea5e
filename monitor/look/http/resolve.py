"""Finds where to connect for a host: its checked addresses, or its proxy.

Each name is looked up in a thread.
"""

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
"""How many names may be looked up at once. Each has one thread, however many requests wait for
it.
"""
FRESH_SECONDS, STALE_SECONDS = 60.0, 900.0
"""How long the last addresses of a name are used without a new lookup, and if its name server does
not answer.
"""
_MOST_KEPT = 2000
# Names that mean the own network to a proxy. It reads one that ends in a number as an address: 10.1
# is 10.0.0.1.
_PRIVATE = quick(
    r"[^.]*|.*\.(?:local[^.]*|internal|intranet|private|lan|corp|home|arpa|[0-9][^.]*)"
)

Lookup = Callable[[str, int], list[str]]


class NoAddress(Exception):
    """Raised if a name has no address, or its name server did not answer in time.

    `str(fault)` is one line.
    """

    def __init__(self, detail: str, reason: Reason = Reason.DNS) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect. If not `tls`, plain HTTP is used there, even if the URL says https.

    If `tunnel`, a proxy listens at `address`, and must connect us to the host (CONNECT).
    """

    address: str
    port: int
    tls: bool
    tunnel: bool = False


Router = Callable[[str, int, bool], Route]
"""Takes host, port and whether the URL is https. Raises OSError for a host that has no address."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, by plain HTTP and without a password.

    It opens a tunnel to each host. If not `tunnels_http`, requests to `http` URLs are sent to the
    proxy itself.
    """

    host: str
    port: int
    tunnels_http: bool = True


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy of each host in `hosts`, and `every` for all other hosts.

    None means a direct connection.
    """

    every: Proxy | None = None
    hosts: Mapping[str, Proxy | None] = field(default_factory=dict)

    def proxy_for(self, host: str) -> Proxy | None:
        """Return the proxy of a host, None for a direct connection."""
        return self.hosts.get(host.lower(), self.every)


def query_system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver finds.

    Blocks. Raises `OSError` and `UnicodeError`.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class NameCache:
    """Looks up names with `lookup`, each once for all requests that wait for it, and caches
    addresses for a minute.

    The threads are daemon threads, so that a name server that never answers does not delay the end
    of the process.
    """

    def __init__(self, lookup: Lookup = query_system_resolver, *, most: int = MOST_LOOKUPS) -> None:
        self._lookup = lookup
        self._most = most
        self._kept: dict[tuple[str, int], tuple[list[str], float]] = {}
        self._pending: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def look_up(self, host: str, port: int, seconds: float) -> list[str]:
        """Return a name's addresses within `seconds`. Raises `NoAddress`.

        Without an answer in time, or with too many lookups pending, addresses of the last 15
        minutes are used, if any.
        """
        name, now = (host, port), asyncio.get_running_loop().time()
        addresses, read_at = self._kept.get(name, ([], 0.0))
        if addresses and now - read_at < FRESH_SECONDS:
            return addresses
        try:
            # `TimeoutError` if too many are pending
            pending = self._pending.get(name) or self._start_lookup(name)
            async with asyncio.timeout(seconds):
                # Other requests may wait for the same answer, and the next one can use it.
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
        """Start a lookup in a thread, and return its future result.

        Raises `TimeoutError` if too many are pending.
        """
        if len(self._pending) >= self._most:
            raise TimeoutError  # `look_up` treats this like a name server that does not answer
        pending = self._pending[name] = asyncio.get_running_loop().create_future()
        pending.add_done_callback(lambda done: self._keep_addresses(name, done))
        threading.Thread(
            target=self._run_lookup, args=(name, pending), name="names", daemon=True
        ).start()
        return pending

    def _run_lookup(self, name: tuple[str, int], pending: asyncio.Future[list[str]]) -> None:
        """In a thread, look up a name.

        Give its addresses or the fault to the loop, as the outcome of `pending`.
        """
        try:
            finish = partial(pending.set_result, self._lookup(*name))
        except (OSError, UnicodeError) as exc:
            finish = partial(pending.set_exception, exc)
        # If the loop has ended, no request waits any more.
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
    """Finds where to connect. In rehearsals and tests a `router` decides this, without checks."""

    guard: Guard
    router: Router | None = None
    proxies: Proxies = field(default_factory=Proxies)
    names: NameCache = field(default_factory=NameCache)

    async def find_routes(self, origin: Origin, seconds: float) -> list[Route]:
        """Return where to connect, the best route first, within `seconds`.

        Raises `NoAddress` and `RefusedAddress`.
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
            # Do not cache refused addresses, so that the next look uses a corrected entry of the
            # name server.
            self.names.forget(name, origin.port)
            raise
        return [Route(address, origin.port, is_tls) for address in addresses]

    async def _find_proxy_route(self, proxy: Proxy, origin: Origin, seconds: float) -> list[Route]:
        """Return the route through a proxy, as a list. Raises `NoAddress` and `RefusedAddress`."""
        check_name(self.guard, origin.host)
        try:
            addresses = await self.names.look_up(proxy.host, proxy.port, seconds)
        except NoAddress as exc:
            raise NoAddress(f"proxy: {exc}", Reason.CONNECT) from exc
        is_tls = origin.scheme == "https"
        return [Route(addresses[0], proxy.port, is_tls, tunnel=is_tls or proxy.tunnels_http)]


def check_name(guard: Guard, host: str) -> None:
    """Raise `RefusedAddress` for a host that is private by its name, unless networks are configured
    for it.
    """
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
