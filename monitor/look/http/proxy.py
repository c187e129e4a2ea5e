"""The way out through a proxy: a tunnel to the host by CONNECT, in which nothing but its own bytes is carried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

import h11
import httpcore

from monitor.look.fetch import Reason
from monitor.look.guard import Guard, Origin, RefusedAddress
from monitor.look.http.names import Names, NoAddress
from monitor.look.http.resolve import Route
from monitor.look.http.timing import RequestTiming

CONNECT_SECONDS = 5.0
_INSIDE = frozenset({"local", "localhost", "internal", "intranet", "private", "lan", "corp", "home"})
_LONGEST = 65536


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens: plain HTTP, without a password."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Proxies:
    """Through which proxy each host is asked: its own, else `every`; None where it is asked directly."""

    every: Proxy | None = None
    hosts: Mapping[str, Proxy | None] = field(default_factory=dict)

    def of(self, host: str) -> Proxy | None:
        """Return the proxy of a host."""
        return self.hosts.get(host.lower(), self.every)


def check_name(guard: Guard, host: str) -> None:
    """Refuse a host that lies inside by its name, unless the configuration names it with networks of its own.

    The proxy resolves names, so what they resolve to is not known here. Raises `RefusedAddress`.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name in guard.of_hosts:
        return
    try:
        is_public = guard.admits(str(ip_address(name)), host)
    except ValueError:
        is_public = "." in name and name.rpartition(".")[2] not in _INSIDE and not name.endswith(".home.arpa")
    if not is_public:
        raise RefusedAddress(f"{host} is not public, and is not asked through a proxy")


@dataclass(frozen=True, slots=True)
class Tunnels:
    """Opens tunnels through one proxy."""

    proxy: Proxy
    guard: Guard
    names: Names

    async def open(
        self, network: httpcore.AsyncNetworkBackend, origin: Origin, trip: RequestTiming
    ) -> tuple[httpcore.AsyncNetworkStream, Route]:
        """Return a connection to an origin, nothing sent through it yet. Raises `httpcore.ConnectError`."""
        try:
            check_name(self.guard, origin.host)
            addresses = await self.names.addresses(self.proxy.host, self.proxy.port, trip.left())
        except (RefusedAddress, NoAddress) as exc:
            is_ours = isinstance(exc, RefusedAddress)
            trip.fault = (Reason.REFUSED_ADDRESS, str(exc)) if is_ours else (Reason.CONNECT, f"proxy: {exc}")
            raise httpcore.ConnectError(str(exc)) from exc
        seconds = trip.left(CONNECT_SECONDS)
        stream = await network.connect_tcp(addresses[0], self.proxy.port, seconds)
        try:
            status = await _asked(stream, f"{origin.host}:{origin.port}", trip)
        except (httpcore.NetworkError, httpcore.TimeoutException, h11.RemoteProtocolError) as exc:
            await stream.aclose()
            trip.fault = (Reason.CONNECT, f"the proxy gave no answer: {type(exc).__name__}")
            raise httpcore.ConnectError("no tunnel") from exc
        if not 200 <= status < 300:
            await stream.aclose()
            # It is the proxy that says so: nothing was heard of the host.
            trip.fault = (Reason.CONNECT, f"the proxy answered {status}")
            raise httpcore.ConnectError("no tunnel")
        return stream, Route(addresses[0], self.proxy.port, origin.scheme == "https")


async def _asked(stream: httpcore.AsyncNetworkStream, place: str, trip: RequestTiming) -> int:
    """Ask for a tunnel; return the status of the answer."""
    reading = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST)
    request = h11.Request(method="CONNECT", target=place, headers=[("Host", place)])
    told: Iterable[bytes | None] = (reading.send(request), reading.send(h11.EndOfMessage()))
    await stream.write(b"".join(one or b"" for one in told), trip.left())
    while True:
        event = reading.next_event()
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            reading.receive_data(await stream.read(_LONGEST, trip.left()))
