"""From a host's name to the addresses that are really connected to: resolved once, checked, pinned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.look.fetch import Reason
from monitor.look.guard import Guard, Origin, RefusedAddress
from monitor.look.http.names import Names, NoAddress
from monitor.look.http.timing import RequestTiming


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect. `tls` False speaks plain HTTP there, though the URL may say https."""

    address: str
    port: int
    tls: bool


Router = Callable[[str, int, bool], Route]
"""Takes host, port and whether the URL is https. Raises OSError for a host that has no address."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds the addresses of origins. `router`, when given, decides alone: it is the operator's word."""

    guard: Guard
    router: Router | None = None
    names: Names = field(default_factory=Names)

    async def find(self, origin: Origin, seconds: float) -> list[Route]:
        """Return where to connect, best first, within so many seconds. Raises `NoAddress` and `RefusedAddress`."""
        if self.router is not None:
            return [_asked(self.router, origin)]
        found = await self.names.addresses(origin.host.strip("[]"), origin.port, seconds)
        try:
            addresses = self.guard.checked(origin.host, found)
        except RefusedAddress:
            # Once its name server is itself again, the next look finds it.
            self.names.forget(origin.host.strip("[]"), origin.port)
            raise
        return [Route(address, origin.port, origin.scheme == "https") for address in addresses]


async def routes_of(finder: Resolver, origin: Origin, trip: RequestTiming) -> list[Route]:
    """Find the routes of a trip, which is told why there are none. Raises as `find`."""
    try:
        return await finder.find(origin, trip.left())
    except (RefusedAddress, NoAddress) as exc:
        reason = Reason.DNS if isinstance(exc, NoAddress) else Reason.REFUSED_ADDRESS
        trip.fault = (reason, str(exc))
        raise


def _asked(router: Router, origin: Origin) -> Route:
    try:
        return router(origin.host, origin.port, origin.scheme == "https")
    except OSError as exc:
        raise NoAddress(f"{origin.host}: {exc.strerror or type(exc).__name__}") from exc
